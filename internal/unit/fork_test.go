package unit_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"entente/internal/unit"
	"entente/journal"
)

// TestForkPartsNobody is a member that shows one history to one partner and
// another to the other: until that is proved, what the first says is void at the
// second; afterwards it counts, whenever the proof comes.
func TestForkPartsNobody(t *testing.T) {
	w, _ := founded(t, "North", "South", "West")
	north, south, west := w.actors[0], w.actors[1], w.actors[2]
	common := len(west.entries)
	// To North: two notes. To South: one, of other content.
	branch := *west
	branch.entries, branch.hashes = west.entries[:common:common], append(hashes(nil), west.hashes...)
	branch.write("x.note", map[string]any{"to": "South"})
	west.write("x.note", map[string]any{"to": "North"})
	west.write("x.note", map[string]any{"to": "North again"})
	north.receipt(west)
	north.share(3)
	south.see(&branch)
	south.share(2)
	proof := north.write(journal.KindEvidence, nil).Ref() // its body is the caller's to verify
	north.share(4)

	add := func(f *unit.Fold, es ...*journal.Entry) {
		for _, e := range es {
			if err := f.Add(e); err != nil {
				t.Fatal(err)
			}
		}
	}
	atSouth := func(when int, shuffle *rand.Rand) *unit.Fold {
		f := w.empty()
		list := [][]*journal.Entry{north.entries, south.entries, branch.entries}
		for n := 0; len(list[0])+len(list[1])+len(list[2]) > 0; n++ {
			if n == when {
				f.Disprove(west.origin, proof)
			}
			i := shuffle.IntN(3)
			if len(list[i]) > 0 {
				add(f, list[i][0])
				list[i] = list[i][1:]
			}
		}
		if when < 0 {
			return f
		}
		f.Disprove(west.origin, proof)
		f.Disprove(west.origin, proof) // twice is once
		return f
	}
	before := atSouth(-1, rand.New(rand.NewPCG(1, 1))).State(w.clock)
	if len(before.Void) == 0 && len(before.Waiting) == 0 {
		t.Fatal("the branches do not contradict each other")
	}
	var first []byte
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 2))
		f := atSouth(rng.IntN(80), rng)
		s := f.State(w.clock)
		if len(s.Waiting) != 0 || len(s.Shares) != 3 {
			t.Fatalf("after the proof: waiting %+v, %d shares, void %+v", s.Waiting, len(s.Shares), s.Void)
		}
		for _, v := range s.Void {
			if v.Code == unit.CodeBadRoot {
				t.Fatalf("void for what West did: %+v", v)
			}
		}
		if first == nil {
			first = s.JSON()
		} else if !bytes.Equal(first, s.JSON()) {
			t.Fatalf("another order gives another state:\n%s\n%s", first, s.JSON())
		}
	}
	// A cut that does not hold the proof does not know of it.
	f := atSouth(3, rand.New(rand.NewPCG(9, 9)))
	heads := map[journal.Origin]journal.Head{north.origin: north.head(proof.Index), south.origin: south.head(int64(len(south.entries))), branch.origin: branch.head(int64(len(branch.entries)))}
	cut, err := f.Cut(heads)
	if err != nil {
		t.Fatal(err)
	}
	if s := cut.State(w.clock); len(s.Void) == 0 && len(s.Waiting) == 0 {
		t.Error("a cut before the proof knows of it")
	}
	if _, err := f.Cut(map[journal.Origin]journal.Head{branch.origin: west.head(int64(common + 1))}); !errors.Is(err, unit.ErrCut) {
		t.Errorf("a cut of the other branch: %v", err)
	}
}
