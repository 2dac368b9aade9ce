package unit_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"entente/internal/desk"
	"entente/internal/unit"
	"entente/journal"
)

func (a *actor) exhibit(chunks int64) *journal.Entry {
	return a.write("exhibit.add", map[string]any{"files": 1, "size": chunks * desk.MinChunk, "chunk": desk.MinChunk, "chunks": chunks, "tlp": "amber"}, payload("exhibit", 300))
}

func (a *actor) exhibitMove(move string, add *journal.Entry, more map[string]any, opts ...option) *journal.Entry {
	m := map[string]any{"exhibit": add.Ref()}
	maps.Copy(m, more)
	if move == desk.ExhibitChunk {
		opts = append([]option{payload("chunk", 900)}, opts...)
		m["tlp"] = "amber"
	}
	return a.write("exhibit."+move, m, opts...)
}

// TestExhibit: both sides see the same exhibit, with the receipts of each statement; a chunk that the other side lacks keeps
// it from having received the whole.
func TestExhibit(t *testing.T) {
	w, _ := founded(t, "North", "South")
	north, south := w.actors[0], w.actors[1]
	add := north.exhibit(2)
	north.exhibitMove("chunk", add, map[string]any{"number": 0})
	second := north.exhibitMove("chunk", add, map[string]any{"number": 1})
	north.exhibitMove("complete", add, nil)
	south.see(north)
	h := south.seen[north.origin]
	south.write("receipt", journal.ReceiptBody{Origin: north.origin, Size: h.Size, Root: h.Root, Missing: []journal.Hash{second.Payload.Commitment}})
	x, ok := w.fold().Exhibit(add.Ref())
	if !ok || x.State != desk.Whole || x.Have != 2 || len(x.Received) != 0 || len(x.Receipts) != 2 || len(x.Receipts[1]) != 1 {
		t.Fatalf("before the second chunk came: %+v", x)
	}
	south.receipt(north)
	custody := map[string]any{"act": "received", "seal": add.Payload.Commitment}
	south.exhibitMove("custody", add, custody)
	south.exhibitMove("custody", add, custody) // twice
	north.receipt(south)
	north.exhibitMove("chunk", add, map[string]any{"number": 0})
	north.exhibitMove("custody", south.entries[1], custody) // no exhibit
	x, _ = w.fold().Exhibit(add.Ref())
	if len(x.Received) != 1 || x.Received[0].Party != south.id || x.Position(south.id).Position != desk.Holds || len(x.Illegal) != 2 ||
		x.Illegal[0].Refused != desk.CodeWrongState || x.Illegal[1].Refused != desk.CodeWrongState {
		t.Fatalf("after it came: %+v", x)
	}
	if last := x.Receipts[len(x.Receipts)-1]; len(last) != 1 || last[0].Party != north.id {
		t.Errorf("receipts of the statement of custody: %+v", last)
	}
	st := w.state()
	if len(st.Exhibits) != 1 || len(st.Strays) != 1 || st.Strays[0].Refused != desk.CodeUnknownThread {
		t.Errorf("strays: %+v", st.Strays)
	}
}

// TestExhibitIsAbout a request or a case that its author had seen, or nothing; else it opens nothing.
func TestExhibitIsAbout(t *testing.T) {
	w, _ := founded(t, "North", "South")
	north, south := w.actors[0], w.actors[1]
	request, k, share := north.ask(), north.write("case.open", map[string]any{}), north.share(1)
	add := func(a *actor, about journal.Ref) *journal.Entry {
		return a.write("exhibit.add", map[string]any{"files": 1, "size": 1, "chunk": desk.MinChunk, "chunks": 1, "tlp": "green", "about": about}, payload(journal.PayloadExhibit, 10))
	}
	unseen := add(south, request.Ref())
	south.see(north)
	want := map[*journal.Entry]string{unseen: desk.CodeUnknownRef, add(south, request.Ref()): "", add(north, k.Ref()): "", add(north, share.Ref()): desk.CodeUnknownRef,
		add(north, journal.Ref{Origin: north.origin, Index: 500}): desk.CodeUnknownRef}
	f := w.fold()
	for e, code := range want {
		if got := f.VoidCode(e.Ref()); got != code {
			t.Errorf("%s: %q, want %q", e.Ref(), got, code)
		}
		if _, opened := f.Exhibit(e.Ref()); opened != (code == "") {
			t.Errorf("%s opened one: %v", e.Ref(), opened)
		}
	}
}

// TestExhibitByTheGate: an exhibit by whom the accord does not name, or above the ceiling, opens nothing.
func TestExhibitByTheGate(t *testing.T) {
	w, _ := founded(t, "North", "South")
	north := w.actors[0]
	north.exhibitMove("chunk", north.write("exhibit.add", map[string]any{"files": 1, "size": 1, "chunk": desk.MinChunk, "chunks": 1, "tlp": "red"}, payload("exhibit", 3)), nil)
	north.write("exhibit.add", map[string]any{"files": 1, "size": 1, "chunk": desk.MinChunk, "chunks": 1, "tlp": "amber"}, payload("exhibit", 3), by(journal.By{Agency: "nobody", Role: "none"}))
	north.write("exhibit.add", map[string]any{"files": 1, "size": 1, "chunk": desk.MinChunk, "chunks": 1, "tlp": "amber"}) // no manifest
	codes := []string{}
	st := w.state()
	for _, s := range st.Strays {
		codes = append(codes, s.Refused)
	}
	if len(st.Exhibits) != 0 || !slices.Equal(codes, []string{desk.CodeRefused, desk.CodeUnknownThread, desk.CodeRefused, desk.CodeBadBody}) {
		t.Errorf("%d exhibits, strays %v", len(st.Exhibits), codes)
	}
}

// TestConvergenceOfExhibits: in whatever order the entries come, both sides have the same exhibits.
func TestConvergenceOfExhibits(t *testing.T) {
	whole, held := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		w, _ := founded(t, "North", "South")
		adds := []*journal.Entry{}
		for range rapid.IntRange(5, 40).Draw(rt, "steps") {
			a := w.actors[rapid.IntRange(0, 1).Draw(rt, "actor")]
			switch rapid.IntRange(0, 9).Draw(rt, "what") {
			case 0:
				a.receipt(w.actors...)
			case 1:
				adds = append(adds, a.exhibit(int64(rapid.IntRange(1, 2).Draw(rt, "chunks"))))
			case 2: // one that both sides see whole
				add := a.exhibit(1)
				a.exhibitMove("chunk", add, nil)
				a.exhibitMove("complete", add, nil)
				w.sync()
				adds = append(adds, add)
			default:
				if len(adds) == 0 {
					continue
				}
				add := adds[rapid.IntRange(0, len(adds)-1).Draw(rt, "exhibit")]
				if add.Author != a.id && rapid.Bool().Draw(rt, "looks") {
					a.see(w.actors...)
				}
				seal := add.Payload.Commitment
				if rapid.IntRange(0, 5).Draw(rt, "lies") == 0 {
					seal = journal.Hash{1}
				}
				move := rapid.SampledFrom([]string{"chunk", "chunk", "chunk", "complete", "custody", "custody", "abandon"}).Draw(rt, "move")
				a.exhibitMove(move, add, map[string]any{"number": rapid.IntRange(0, 1).Draw(rt, "number"), "act": rapid.SampledFrom(desk.Acts()).Draw(rt, "act"),
					"seal": seal, "code": "x", "agency": "lab"})
			}
		}
		want := w.fold().State(w.clock)
		for _, x := range want.Exhibits {
			if x.State == desk.Whole {
				whole++
			}
			held += max(0, len(x.Holders)-1)
			for _, s := range x.Illegal {
				if s.Refused == "" || s.Reason == "" {
					rt.Fatalf("illegal without a code: %+v", s)
				}
			}
		}
		for i := range 2 {
			f, texts := w.empty(), [][]byte(nil)
			if i == 0 {
				f, texts = unit.NewFold(w.founding), slices.Clone(w.texts)
			}
			shuffled(rt, w, f, texts, fmt.Sprint("order ", i), nil)
			if got := f.State(w.clock).JSON(); !bytes.Equal(got, want.JSON()) {
				rt.Fatalf("two orders give two states:\n%s\n%s", pretty(want.JSON()), pretty(got))
			}
		}
	})
	if testing.Short() { // too few stories to say what chance brings
		return
	}
	if whole == 0 || held == 0 {
		t.Errorf("%d exhibits were whole, %d taken by the other side", whole, held)
	}
}
