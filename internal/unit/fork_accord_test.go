package unit_test

import (
	"bytes"
	"maps"
	"testing"

	"pgregory.net/rapid"

	"entente/internal/unit"
	"entente/journal"
)

// TestForkBetweenTwoSuccessors: two successors of one accord share one continuing member only, which
// forks its journal and signs one in each history. Each comes into force where that history is held, and
// stays so after the fork is proved: neither is truer. What holds all the same, in every order: who holds
// one history comes to one state; what was final before the proof stays final (among those who are
// members there: the other honest one is not); the two honest members are at fault to nobody, and
// neither's entries wait.
// In one history the liar cannot do it.
func TestForkBetweenTwoSuccessors(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w, old := founded(t, "North", "South", "West")
		north, south, west := w.actors[0], w.actors[1], w.actors[2]
		x := w.text("Without South", 2, old, north, west)
		y := w.text("Without North", 2, old, south, west)
		north.propose(unit.KindAmend, x, 2, old)
		south.propose(unit.KindAmend, y, 2, old)
		for _, a := range w.actors {
			a.see(w.actors...)
		}
		common := int64(len(west.entries))
		branch := *west // what South is shown
		branch.entries, branch.hashes, branch.seen = west.entries[:common:common], append(hashes(nil), west.hashes...), maps.Clone(west.seen)
		north.sign(x)
		west.see(north)
		west.sign(x)
		south.sign(y)
		branch.see(south)
		branch.sign(y)
		for range 2 {
			north.receipt(west)
			west.receipt(north)
			south.receipt(&branch)
			branch.receipt(south)
		}
		fold := func(of *actor, proofs ...journal.Ref) *unit.Fold {
			f := w.empty()
			lists := [][]*journal.Entry{north.entries, south.entries, of.entries}
			when := rapid.IntRange(0, 60).Draw(rt, "the proof comes")
			for n := 0; len(lists[0])+len(lists[1])+len(lists[2]) > 0; n++ {
				if n == when {
					for _, p := range proofs {
						f.Disprove(west.origin, p)
					}
				}
				i := rapid.IntRange(0, 2).Draw(rt, "whose entry comes")
				for len(lists[i]) == 0 {
					i = (i + 1) % 3
				}
				if err := f.Add(lists[i][0]); err != nil {
					rt.Fatal(err)
				}
				lists[i] = lists[i][1:]
			}
			for _, p := range proofs {
				f.Disprove(west.origin, p)
			}
			return f
		}
		inForce := func(when string, f *unit.Fold, want string) {
			rt.Helper()
			if _, hash := f.InForce(); hash != want {
				rt.Fatalf("%s: %.8s is in force, want %.8s", when, hash, want)
			}
		}
		atNorth, atSouth := fold(west), fold(&branch)
		inForce("North before the proof", atNorth, x)
		inForce("South before the proof", atSouth, y)
		before := map[*actor]*unit.Fold{west: atNorth, &branch: atSouth}

		// The heads meet: each journals the proof, and each comes to hold the other's journal.
		proofs := []journal.Ref{north.write(journal.KindEvidence, nil).Ref(), south.write(journal.KindEvidence, nil).Ref()}
		for range 2 {
			north.receipt(south)
			south.receipt(north)
		}
		for of, want := range map[*actor]string{west: x, &branch: y} {
			var first []byte
			for range 3 {
				f := fold(of, proofs...)
				inForce("after the proof", f, want)
				for _, a := range []*actor{north, south, of} {
					if was, n := before[of].Final(a.origin), f.Final(a.origin); n < was {
						rt.Fatalf("%d entries of %s are final, %d were before the proof", n, a.name, was)
					}
				}
				s := f.State(w.clock)
				if len(s.Waiting) > 0 {
					rt.Fatalf("entries wait: %+v", s.Waiting)
				}
				for _, b := range s.Breaches {
					if b.Ref.Origin != west.origin && !b.Partial {
						rt.Fatalf("an honest member breaks the accord: %+v", b)
					}
				}
				for _, v := range s.Void {
					if v.Code == unit.CodeBadRoot {
						rt.Fatalf("void for what West did: %+v", v)
					}
				}
				if first == nil {
					first = s.JSON()
				} else if !bytes.Equal(first, s.JSON()) {
					rt.Fatal("another order gives another state")
				}
			}
		}
		// Whoever signs both in one history has signed one of them in vain.
		branch.see(north, south)
		one := branch.sign(x)
		f := fold(&branch, proofs...)
		if code := voidCode(f.State(w.clock), one); code == "" {
			rt.Fatal("West signed both in one history, and both count")
		}
		inForce("after a second signature", f, y)
	})
}
