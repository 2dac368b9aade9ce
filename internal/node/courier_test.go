package node

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"entente/internal/accord"
)

// letter writes a courier file of what the other side lacks by its receipts.
func letter(t testing.TB, from, to *testParty, full bool) []byte {
	t.Helper()
	var buf bytes.Buffer
	must[*CourierReport](t)(from.ExportCourier(t.Context(), CourierExportRequest{Party: to.init.Party, Full: full}, &buf))
	return buf.Bytes()
}

// carry takes a courier file from one node to the other.
func carry(t testing.TB, from, to *testParty) *CourierReport {
	t.Helper()
	return must[*CourierReport](t)(to.ImportCourier(t.Context(), bytes.NewReader(letter(t, from, to, false))))
}

// unplugged closes a party's listener for good: from now on it exchanges files only.
func unplugged(t *testing.T, ps ...*testParty) {
	t.Helper()
	for _, p := range ps {
		p.stop()
		n := must[*Node](t)(Open(t.Context(), p.dir, testOptions(t)))
		p.Node = n
		stopped := false
		p.stop = func() {
			if !stopped {
				stopped = true
				if err := n.Close(); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

// TestCourierWholeExchange is everything between two nodes that never touch,
// after they paired: accord, share, request, answer, suspension.
func TestCourierWholeExchange(t *testing.T) {
	ctx := t.Context()
	a, b := newParty(t, "North"), newParty(t, "South")
	must[*UnitRef](t)(a.FoundUnit(ctx, UnitFoundRequest{Name: "Watch"}))
	pair(t, a, b, "Watch")
	unplugged(t, a, b)
	carry(t, a, b)
	carry(t, b, a)
	var refs []accord.PartyRef
	for _, p := range []*testParty{a, b} {
		refs = append(refs, accord.PartyRef{ID: p.init.Party, Name: p.init.Name, Agencies: []string{"CERT"}})
	}
	text := must[[]byte](t)(accord.ExampleFor("minimal", refs))
	prop := must[*AccordProposeResponse](t)(a.ProposeAccord(ctx, AccordProposeRequest{Text: string(text)}))
	carry(t, a, b)
	must[*WriteResponse](t)(b.ActOnAccord(ctx, AccordActRequest{Hash: prop.Hash, Move: "sign"}))
	must[*WriteResponse](t)(a.ActOnAccord(ctx, AccordActRequest{Hash: prop.Hash, Move: "sign"}))
	for range 2 {
		carry(t, a, b)
		carry(t, b, a)
	}
	if s := b.state(); s.Accord == nil || s.Accord.Hash != prop.Hash {
		t.Fatalf("by courier no accord came into force: %+v", s.Proposals)
	}
	sameStateAfterFiles(t, a, b)

	shareOne(t, a, 1, "carried.example")
	first := letter(t, a, b, false)
	shareOne(t, a, 2, "second.example")
	second := letter(t, a, b, false)
	whole := letter(t, a, b, true)
	// The later file contains the earlier one's, because nothing was receipted yet.
	rep := must[*CourierReport](t)(b.ImportCourier(ctx, bytes.NewReader(second)))
	if rep.New == 0 || rep.From != a.init.Party {
		t.Errorf("the second file: %+v", rep)
	}
	if !b.uses("carried.example") || !b.uses("second.example") {
		t.Error("a courier file's content is not used")
	}
	held := b.heldOf("", a)
	for name, file := range map[string][]byte{"an old one late": first, "the same again": second, "everything": whole} {
		rep := must[*CourierReport](t)(b.ImportCourier(ctx, bytes.NewReader(file)))
		if rep.New != 0 || b.heldOf("", a) != held {
			t.Errorf("%s: %+v", name, rep)
		}
	}
	if n := len(b.evidence("")); n > 0 {
		t.Errorf("an old file counts as guilt: %d proofs", n)
	}
	if st := must[*StatusResponse](t)(b.Status(ctx)); st.Objects.Accepted != 2 {
		t.Errorf("accepted: %+v", st.Objects)
	}
	carry(t, b, a)
	carry(t, a, b)

	view, _, err := b.NewRequest(ctx, RequestNewRequest{Type: "information", Urgency: "urgent", Title: "Who?", Text: "Who?", Fields: map[string]string{"subject": "x", "purpose": "y", "facts": "z"}})
	if err != nil {
		t.Fatal(err)
	}
	carry(t, b, a)
	for _, mv := range []RequestMoveRequest{{Move: "acknowledge"}, {Move: "accept"}, {Move: "answer", Text: "Somebody."}} {
		mv.ID = view.ID
		must[*WriteResponse](t)(a.MoveRequest(ctx, mv))
	}
	carry(t, a, b)
	if v := must[*RequestView](t)(b.Request(ctx, RequestShowRequest{ID: view.ID})); v.State != "answered" {
		t.Errorf("the request is %s", v.State)
	}

	// A suspension in one file stops content in the next.
	must[*WriteResponse](t)(b.Suspend(ctx, UnitSuspendRequest{Code: "trust"}))
	shareOne(t, a, 3, "crossed.example") // concurrent: held, no breach
	mine := letter(t, a, b, false)
	carry(t, b, a)
	must[*CourierReport](t)(b.ImportCourier(ctx, bytes.NewReader(mine)))
	if b.uses("crossed.example") {
		t.Error("content that crossed a suspension is used")
	}
	for range 2 {
		carry(t, a, b)
		carry(t, b, a)
	}
	s := b.state()
	if len(s.Held) != 1 || len(s.Breaches) != 0 {
		t.Errorf("held %+v, breaches %+v", s.Held, s.Breaches)
	}
	sameStateAfterFiles(t, a, b)
	sound(t, a, b)
}

// sameStateAfterFiles brings both to rest by files, and compares.
func sameStateAfterFiles(t *testing.T, a, b *testParty) {
	t.Helper()
	for range 4 {
		carry(t, a, b)
		carry(t, b, a)
	}
	sameState(t, a, b)
}

// TestCourierRefusals are files that were changed, cut, or are for somebody else.
func TestCourierRefusals(t *testing.T) {
	ctx := t.Context()
	a, b := two(t)
	c := newParty(t, "West")
	shareOne(t, a, 1, "carried.example")
	file := letter(t, a, b, true)
	before := b.heldOf("", a)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 40 {
		at := rng.IntN(len(file))
		if i == 0 {
			at = 0
		}
		if _, err := b.ImportCourier(ctx, bytes.NewReader(flipped(file, at))); err == nil && b.heldOf("", a) != before {
			t.Fatalf("changed at byte %d of %d and taken in", at, len(file))
		}
	}
	for name, f := range map[string][]byte{"cut": file[:len(file)-1], "cut in the middle": file[:len(file)/2], "empty": nil, "no courier file": []byte("hello")} {
		if _, err := b.ImportCourier(ctx, bytes.NewReader(f)); err == nil {
			t.Errorf("%s: taken in", name)
		}
	}
	if b.heldOf("", a) != before || b.uses("carried.example") {
		t.Error("something of a changed file was taken in")
	}
	if _, err := c.ImportCourier(ctx, bytes.NewReader(file)); err == nil {
		t.Error("somebody else opened it")
	}
	if _, err := a.ImportCourier(ctx, bytes.NewReader(file)); err == nil {
		t.Error("its author opened it")
	}
	// Leftovers of refused files do not stay.
	for _, p := range []*testParty{a, b, c} {
		left := must[[]string](t)(filepath.Glob(filepath.Join(p.dir, ".courier-*")))
		if len(left) > 0 {
			t.Errorf("%s keeps %q", p.init.Name, left)
		}
	}
	must[*CourierReport](t)(b.ImportCourier(ctx, bytes.NewReader(file)))
	if !b.uses("carried.example") {
		t.Error("the true file is not used")
	}
	sound(t, a, b)
}

// TestCourierAnyOrder brings the files of a long exchange in any order, some
// twice, some never.
func TestCourierAnyOrder(t *testing.T) {
	ctx := t.Context()
	a, b := two(t)
	unplugged(t, a, b)
	rng := rand.New(rand.NewPCG(3, 4))
	var toB, toA [][]byte
	for i := range 12 {
		shareOne(t, a, 100+i, fmt.Sprintf("a%d.example", i))
		toB = append(toB, letter(t, a, b, i%3 == 0))
		if i%2 == 0 {
			shareOne(t, b, 200+i, fmt.Sprintf("b%d.example", i))
			toA = append(toA, letter(t, b, a, false))
		}
	}
	deliver := func(to *testParty, files [][]byte) {
		files = append(slices.Clone(files), files[:len(files)/2]...)
		rng.Shuffle(len(files), func(i, j int) { files[i], files[j] = files[j], files[i] })
		for _, f := range files[1:] {
			if _, err := to.ImportCourier(ctx, bytes.NewReader(f)); err != nil && !strings.Contains(err.Error(), "gap") {
				t.Fatal(err)
			}
		}
	}
	deliver(b, toB)
	deliver(a, toA)
	sameStateAfterFiles(t, a, b)
	for i := range 12 {
		if !b.uses(fmt.Sprintf("a%d.example", i)) {
			t.Errorf("a%d.example is lost", i)
		}
	}
	for _, p := range []*testParty{a, b} {
		if st := must[*StatusResponse](t)(p.Status(ctx)); st.Objects.Accepted != 18 || st.Objects.Conflicts != 0 {
			t.Errorf("%s: %+v", p.init.Name, st.Objects)
		}
	}
	sound(t, a, b)
}
