package unit_test

import (
	"bytes"
	"errors"
	"maps"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"entente/internal/accord"
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

// TestForkMakesNoBreach: a member signs an accord in two histories and shows one to each partner. The
// partner that shares under it does so with all signatures in its past; to who holds the other history
// one of them is not there. That is nothing to hold against the one who shared.
func TestForkMakesNoBreach(t *testing.T) {
	w := newWorld(t, "North", "South", "West")
	north, south, west := w.actors[0], w.actors[1], w.actors[2]
	w.admit(north, south)
	w.admit(north, west)
	hash := w.text("First accord", 1, "", w.actors...)
	north.propose(unit.KindPropose, hash, 1, "")
	for _, a := range []*actor{north, south} {
		a.see(w.actors...)
		a.sign(hash)
	}
	west.see(north, south)
	common := len(west.entries)
	branch := *west // what South is shown
	branch.entries, branch.hashes = west.entries[:common:common], append(hashes(nil), west.hashes...)
	branch.write("x.note", nil)
	branch.sign(hash)
	west.write("x.note", map[string]any{"to": "North"})
	west.sign(hash)
	for range 2 { // South and the branch, to each other and to North
		south.receipt(north, &branch)
		branch.seen = map[journal.Origin]journal.Head{}
		branch.receipt(north, south)
	}
	north.see(south)
	share := south.share(1)
	mine := w.empty()
	for _, es := range [][]*journal.Entry{north.entries, south.entries, branch.entries} {
		for _, e := range es {
			if err := mine.Add(e); err != nil {
				t.Fatal(err)
			}
		}
	}
	// North has to hold the signatures too before anything is in force.
	north.see(&branch)
	ack := north.write("x.note", nil)
	if err := mine.Add(ack); err != nil {
		t.Fatal(err)
	}
	south.see(north)
	second := south.share(2)
	if err := mine.Add(second); err != nil {
		t.Fatal(err)
	}
	if s := mine.State(w.clock); len(s.Shares) != 2 || s.Shares[1].Verdict.Verdict != accord.Allow {
		t.Fatalf("to South itself its share is not in order: %+v", s.Shares)
	}
	// A third member holds the other history, and the proof.
	theirs := w.empty()
	for _, es := range [][]*journal.Entry{north.entries, south.entries, west.entries} {
		for _, e := range es {
			if err := theirs.Add(e); err != nil {
				t.Fatal(err)
			}
		}
	}
	theirs.Disprove(west.origin, ack.Ref())
	s := theirs.State(w.clock)
	found := 0
	for _, b := range s.Breaches {
		if b.Ref != share.Ref() && b.Ref != second.Ref() {
			continue
		}
		if found++; !b.Partial {
			t.Errorf("South stands as a breaker of the accord: %+v", b)
		}
	}
	if found == 0 {
		t.Fatalf("the test shows nothing: %s", pretty(s.JSON()))
	}
	if !theirs.Knew(second.Ref(), share.Ref()) || theirs.Knew(share.Ref(), second.Ref()) || !theirs.Knew(second.Ref(), north.entries[0].Ref()) {
		t.Error("what the author of an entry knew is told wrongly")
	}
}

// TestForkIsFinalForNobody: two honest members hold one history each of a journal, and build on each
// other once the fork is proved. Beyond the point where the histories part nothing of that journal is
// final at either, how much of the other's entries they may hold; what was final before the proof, and
// what others write, is.
func TestForkIsFinalForNobody(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w, _ := founded(t, "North", "South", "West")
		north, south, west := w.actors[0], w.actors[1], w.actors[2]
		common := len(west.entries)
		branch := *west // what South is shown
		branch.entries, branch.hashes, branch.seen = west.entries[:common:common], append(hashes(nil), west.hashes...), maps.Clone(west.seen)
		for i := range rapid.IntRange(1, 4).Draw(rt, "to South") {
			branch.write("x.note", map[string]any{"to": "South", "n": i})
		}
		for i := range rapid.IntRange(1, 4).Draw(rt, "to North") {
			west.write("x.note", map[string]any{"to": "North", "n": i})
		}
		// Fold of what a member holds, by the actor whose history of West it is.
		fold := func(of *actor, proofs ...journal.Ref) *unit.Fold {
			f := w.empty()
			for _, es := range [][]*journal.Entry{north.entries, south.entries, of.entries} {
				for _, e := range es {
					if err := f.Add(e); err != nil {
						rt.Fatal(err)
					}
				}
			}
			for _, p := range proofs {
				f.Disprove(west.origin, p)
			}
			return f
		}
		north.receipt(west)
		// Whether South names its history before it builds on what North wrote, or after, and whether
		// West goes on in either, is open.
		late := rapid.Bool().Draw(rt, "South holds it late")
		if !late {
			south.receipt(&branch)
		}
		before := map[*actor]int64{west: fold(west).Final(west.origin), &branch: fold(&branch).Final(west.origin)}
		proof := north.write(journal.KindEvidence, nil).Ref()
		for range rapid.IntRange(1, 4).Draw(rt, "rounds") {
			if rapid.Bool().Draw(rt, "to North") {
				west.see(north, south)
				west.write("x.note", nil)
				north.receipt(west)
			}
			if rapid.Bool().Draw(rt, "to South") {
				branch.see(north, south)
				branch.write("x.note", nil)
				if !late {
					south.receipt(&branch)
				}
			}
			south.receipt(north)
			north.receipt(south)
		}
		check := func() {
			for _, of := range []*actor{west, &branch} {
				f := fold(of, proof)
				if n := f.Final(west.origin); n > int64(common) || n < before[of] {
					rt.Fatalf("final of the journal with two histories: %d, common are %d, before the proof %d were", n, common, before[of])
				}
			}
		}
		check()
		south.receipt(&branch)
		north.receipt(south)
		check()
		if n := fold(west, proof).Final(south.origin); n == 0 {
			rt.Fatal("nothing else is final")
		}
	})
}
