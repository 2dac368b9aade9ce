package desk_test

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"

	"entente/internal/desk"
	"entente/journal"
)

var (
	exhibitAt = time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC)
	sealOf    = journal.Hash{7}
)

// exhibitMove makes the n-th entry of a journal.
func exhibitMove(n int, party, name string, b desk.ExhibitBody) desk.ExhibitMove {
	m := desk.ExhibitMove{Ref: journal.Ref{Origin: journal.Origin("j-" + party), Index: int64(n)}, Name: name, Party: journal.PartyID(party),
		By: journal.By{Agency: "cert", Role: "lab"}, At: exhibitAt.Add(time.Duration(n) * time.Minute), Body: b}
	switch name {
	case desk.ExhibitAdd:
		m.Payload = &journal.PayloadRef{Commitment: sealOf, Size: 10, Type: journal.PayloadExhibit}
	case desk.ExhibitChunk:
		m.Payload = &journal.PayloadRef{Commitment: journal.Hash{byte(n)}, Size: 10, Type: journal.PayloadChunk}
	}
	return m
}

func twoChunks() desk.ExhibitBody {
	return desk.ExhibitBody{Files: 3, Size: desk.MinChunk + 1, Chunk: desk.MinChunk, Chunks: 2, TLP: "amber"}
}

func openExhibit(t testing.TB) *desk.Exhibit {
	t.Helper()
	x, err := desk.NewExhibit(exhibitMove(0, "north", desk.ExhibitAdd, twoChunks()))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// TestExhibitTable: the table in the documents is the one that is used.
func TestExhibitTable(t *testing.T) {
	want, err := os.ReadFile("testdata/custody.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got := desk.ExhibitTable(); got != string(want) {
		t.Errorf("the table is\n%s", got)
	}
}

// TestExhibitLife: every illegal move has its code and changes nothing, every legal one does what it says.
func TestExhibitLife(t *testing.T) {
	x, n := openExhibit(t), 0
	other := journal.Hash{8}
	do := func(want, party, name string, b desk.ExhibitBody) {
		t.Helper()
		n++
		m := exhibitMove(n, party, name, b)
		before, err := json.Marshal(x.Holders)
		if err != nil {
			t.Fatal(err)
		}
		state, have, steps := x.State, x.Have, len(x.Steps)
		err = x.Apply(m)
		code := ""
		if me := (*desk.MoveError)(nil); errors.As(err, &me) {
			code = me.Code
		}
		if code != want {
			t.Fatalf("%s %s by %s: code %q (%v), want %q", name, b.Act, party, code, err, want)
		}
		after, _ := json.Marshal(x.Holders)
		if want != "" && (x.State != state || x.Have != have || len(x.Steps) != steps || string(before) != string(after)) {
			t.Fatalf("%s changed something although it was refused", name)
		}
	}
	custody := func(want, party, act string) {
		t.Helper()
		do(want, party, desk.ExhibitCustody, desk.ExhibitBody{Act: act, Seal: &sealOf, Code: "x", Agency: "lab", Role: "analyst"})
	}
	do(desk.CodeDuplicate, "north", desk.ExhibitAdd, twoChunks())
	do(desk.CodeUnknownMove, "north", "copy", desk.ExhibitBody{})
	do(desk.CodeWrongSide, "south", desk.ExhibitChunk, desk.ExhibitBody{})
	do("", "north", desk.ExhibitChunk, desk.ExhibitBody{Number: 1})
	do(desk.CodeDuplicate, "north", desk.ExhibitChunk, desk.ExhibitBody{Number: 1})
	do(desk.CodeBadBody, "north", desk.ExhibitChunk, desk.ExhibitBody{Number: 2})
	do(desk.CodeIncomplete, "north", desk.ExhibitComplete, desk.ExhibitBody{})
	custody(desk.CodeWrongState, "south", desk.ActReceived)
	if got := x.Missing(5); !slices.Equal(got, []int64{0}) {
		t.Errorf("missing are %v", got)
	}
	do("", "north", desk.ExhibitChunk, desk.ExhibitBody{Number: 0})
	do(desk.CodeWrongSide, "south", desk.ExhibitComplete, desk.ExhibitBody{})
	do("", "north", desk.ExhibitComplete, desk.ExhibitBody{})
	do(desk.CodeWrongState, "north", desk.ExhibitAbandon, desk.ExhibitBody{})
	do(desk.CodeWrongState, "north", desk.ExhibitChunk, desk.ExhibitBody{Number: 0})

	custody(desk.CodeWrongState, "north", desk.ActReceived) // it holds it already
	custody(desk.CodeWrongState, "south", desk.ActExamined) // not before it is received
	custody(desk.CodeUnknownMove, "south", "eaten")
	do(desk.CodeWrongHash, "south", desk.ExhibitCustody, desk.ExhibitBody{Act: desk.ActReceived, Seal: &other})
	custody("", "south", desk.ActRejected)
	custody("", "south", desk.ActReceived)
	custody(desk.CodeWrongState, "south", desk.ActReceived)
	custody("", "south", desk.ActHanded)
	if h := x.Position("south"); h.Agency != "lab" || h.Role != "analyst" || h.Position != desk.Holds {
		t.Errorf("it was handed to %+v", h)
	}
	custody("", "south", desk.ActExamined)
	custody("", "south", desk.ActReturned)
	custody(desk.CodeWrongState, "south", desk.ActDestroyed)
	custody("", "south", desk.ActReceived)
	custody("", "south", desk.ActDestroyed)
	custody(desk.CodeWrongState, "south", desk.ActReceived) // what was destroyed does not come back
	if next := x.Next("south"); len(next) != 0 {
		t.Errorf("after the destruction may follow %v", next)
	}
}

// TestExhibitBodies: what does not fit together is refused before it is looked at further.
func TestExhibitBodies(t *testing.T) {
	ref := `"exhibit":{"origin":"` + string(journal.OriginOf(journal.UnitID(fmt.Sprintf("%064d", 0)), journal.PartyID(fmt.Sprintf("%064d", 0)), 0)) + `","index":3}`
	for body, want := range map[string]map[string]bool{
		desk.ExhibitAdd: {
			`{"files":1,"size":65537,"chunk":65536,"chunks":2}`:                                                           true,
			`{"files":1,"size":0,"chunk":65536,"chunks":0}`:                                                               true,
			`{"files":0,"size":0,"chunk":65536,"chunks":0}`:                                                               false,
			`{"files":1,"size":65536,"chunk":65536,"chunks":2}`:                                                           false,
			`{"files":1,"size":65537,"chunk":65536,"chunks":1}`:                                                           false,
			`{"files":1,"size":1,"chunk":1,"chunks":1}`:                                                                   false,
			`{"files":1,"size":-5,"chunk":65536,"chunks":0}`:                                                              false,
			`{"files":1,"size":1,"chunk":65536,"chunks":-1}`:                                                              false,
			`{"files":40000,"size":1,"chunk":65536,"chunks":1}`:                                                           false,
			`{` + ref + `,"files":1,"size":1,"chunk":65536,"chunks":1}`:                                                   false,
			fmt.Sprintf(`{"files":1,"size":%d,"chunk":65536,"chunks":%d}`, int64(65536)*70000, 70000):                     false,
			fmt.Sprintf(`{"files":1,"size":%d,"chunk":%d,"chunks":%d}`, int64(desk.MaxChunk)*65536, desk.MaxChunk, 65536): true,
		},
		desk.ExhibitChunk:   {`{` + ref + `,"number":65535}`: true, `{` + ref + `,"number":65536}`: false, `{` + ref + `,"number":-1}`: false, `{}`: false},
		desk.ExhibitCustody: {`{` + ref + `,"act":"received"}`: false, `{` + ref + `,"act":"Is This"}`: false},
	} {
		for raw, fine := range want {
			if _, err := desk.ParseExhibitBody(body, []byte(raw)); (err == nil) != fine {
				t.Errorf("%s %s: %v", body, raw, err)
			}
		}
	}
}

// TestExhibitIsAFunctionOfItsMoves: whatever both sides do, two that see the same moves stand in the same place, a
// refused move has a code and leaves everything as it was, and nobody holds what it did not receive.
func TestExhibitIsAFunctionOfItsMoves(t *testing.T) {
	names := []string{desk.ExhibitChunk, desk.ExhibitChunk, desk.ExhibitComplete, desk.ExhibitComplete, desk.ExhibitCustody, desk.ExhibitCustody, desk.ExhibitCustody, desk.ExhibitAbandon, desk.ExhibitAdd, "other"}
	seals := []*journal.Hash{&sealOf, &sealOf, &sealOf, {9}, nil}
	complete := 0
	rapid.Check(t, func(rt *rapid.T) {
		a, err := desk.NewExhibit(exhibitMove(0, "north", desk.ExhibitAdd, twoChunks()))
		if err != nil {
			rt.Fatal(err)
		}
		b, _ := desk.NewExhibit(exhibitMove(0, "north", desk.ExhibitAdd, twoChunks()))
		received := map[journal.PartyID]bool{"north": true}
		for i := range rapid.IntRange(1, 40).Draw(rt, "moves") {
			m := exhibitMove(i+1, rapid.SampledFrom([]string{"north", "north", "south"}).Draw(rt, "party"), rapid.SampledFrom(names).Draw(rt, "move"),
				desk.ExhibitBody{Number: int64(rapid.IntRange(0, 2).Draw(rt, "number")), Act: rapid.SampledFrom(desk.Acts()).Draw(rt, "act"),
					Seal: rapid.SampledFrom(seals).Draw(rt, "seal"), Code: "c", Agency: "lab"})
			code, _ := a.Judge(m)
			may := a.Next(m.Party)
			errA, errB := a.Apply(m), b.Apply(m)
			if (code == "") != (errA == nil) || fmt.Sprint(errA) != fmt.Sprint(errB) {
				rt.Fatalf("%s: judged %q, then %v and %v", m.Name, code, errA, errB)
			}
			if errA == nil {
				if what := m.Name; what == desk.ExhibitCustody && !slices.Contains(may, m.Body.Act) || what != desk.ExhibitCustody && !slices.Contains(may, what) {
					rt.Fatalf("%s %s was made, possible were %v", m.Name, m.Body.Act, may)
				}
				received[m.Party] = received[m.Party] || m.Body.Act == desk.ActReceived && m.Name == desk.ExhibitCustody
			}
			if errA == nil && a.State == desk.Whole {
				complete++
			}
		}
		for _, h := range a.Holders {
			if h.Position == desk.Holds && !received[h.Party] {
				rt.Fatalf("%s holds what it did not receive", h.Party)
			}
		}
		if !reflect.DeepEqual(a, b) {
			rt.Fatal("two that saw the same differ")
		}
	})
	if complete == 0 && !testing.Short() { // a fifth of the cases: too few to say what chance brings
		t.Error("no exhibit was ever complete")
	}
}

// FuzzParseExhibitBody: whatever a partner writes as a body is refused, or keeps every bound that the machine relies on, and
// no order of what is accepted brings the machine out of its table.
func FuzzParseExhibitBody(f *testing.F) {
	f.Add("add", []byte(`{"files":1,"size":65537,"chunk":65536,"chunks":2,"tlp":"amber"}`))
	f.Add("chunk", []byte(`{"exhibit":{"origin":"entente/`+fmt.Sprintf("%064d", 1)+`","index":3},"number":1}`))
	f.Add("custody", []byte(`{"exhibit":{"origin":"entente/`+fmt.Sprintf("%064d", 1)+`","index":3},"act":"received","seal":"BwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}`))
	f.Fuzz(func(t *testing.T, move string, raw []byte) {
		b, err := desk.ParseExhibitBody(move, raw)
		if err != nil {
			return
		}
		if move == desk.ExhibitAdd {
			if b.Files < 1 || b.Files > desk.MaxExhibitFiles || b.Chunks < 0 || b.Chunks > desk.MaxExhibitChunks || (b.Size+b.Chunk-1)/b.Chunk != b.Chunks {
				t.Fatalf("%+v", b)
			}
			return
		}
		x := openExhibit(t)
		for i := range 4 {
			code, _ := x.Judge(exhibitMove(i+1, "north", move, b))
			if err := x.Apply(exhibitMove(i+1, "north", move, b)); (err == nil) != (code == "") || x.Have > x.Chunks || len(x.Steps)+len(x.Illegal) > i+2 {
				t.Fatalf("%v after %q: %+v", err, code, x)
			}
		}
	})
}
