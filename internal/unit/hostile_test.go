package unit_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"entente/internal/unit"
	"entente/journal"
)

// TestHostileWorkIsLinear is a member that writes what is meant to make everybody
// else reckon without end. The work is counted in allocations, for n and for 2n
// entries: it may double, not quadruple.
func TestHostileWorkIsLinear(t *testing.T) {
	for _, x := range []struct {
		name string
		n    int
		// write makes South write n entries; the fold is asked for its state at the end.
		write func(w *world, south *actor, n int)
	}{
		{"tiny entries", 1000, func(_ *world, south *actor, n int) {
			for range n {
				south.write("x", nil)
			}
		}},
		{"entries that wait for ever", 1000, func(w *world, south *actor, n int) {
			south.seen[w.actors[0].origin] = journal.Head{Size: 1 << 40, Root: journal.Hash{1}}
			for range n {
				south.share(1)
			}
			for range n {
				w.actors[0].share(1)
			}
		}},
		{"receipts and shares in turn", 300, func(w *world, south *actor, n int) {
			for range n {
				w.actors[0].share(1)
				south.receipt(w.actors[0])
			}
		}},
		{"texts proposed", 500, func(_ *world, south *actor, n int) {
			for i := range n {
				south.propose(unit.KindAmend, strings.Repeat(fmt.Sprintf("%016x", i), 4), 2, "")
			}
		}},
		{"one text proposed over and over", 500, func(w *world, south *actor, n int) {
			hash := strings.Repeat("ab", 32)
			for range n {
				south.propose(unit.KindAmend, hash, 2, "")
				south.write(unit.KindAccept, unit.HashBody{Hash: hash})
			}
			for range n {
				w.actors[0].write(unit.KindAccept, unit.HashBody{Hash: hash})
			}
		}},
		{"suspended and resumed", 300, func(_ *world, south *actor, n int) {
			for range n {
				e := south.write(unit.KindSuspend, unit.SuspendBody{Scope: []string{"all"}, Code: "x"})
				south.write(unit.KindResume, unit.ResumeBody{Suspension: e.Ref()})
			}
		}},
		{"suspended and not resumed", 1000, func(w *world, south *actor, n int) {
			for range n {
				south.write(unit.KindSuspend, unit.SuspendBody{Scope: []string{"all"}, Code: "x"})
			}
			for range n {
				w.actors[0].share(1)
			}
		}},
		{"requests opened", 300, func(_ *world, south *actor, n int) {
			for range n {
				south.ask()
			}
		}},
		{"one request moved without end", 1000, func(_ *world, south *actor, n int) {
			send := south.ask()
			for range n {
				south.move("withdraw", send, nil)
			}
		}},
		{"one request moved by both at once", 500, func(w *world, south *actor, n int) {
			send := south.ask()
			w.actors[0].receipt(south)
			for range n {
				south.move("dispute", send, nil)
				w.actors[0].move("progress", send, nil)
			}
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			work := func(n int) uint64 {
				w, _ := founded(t, "North", "South")
				x.write(w, w.actors[1], n)
				f := w.empty()
				for _, text := range w.texts {
					if err := f.AddAccord(text); err != nil {
						t.Fatal(err)
					}
				}
				return mallocs(func() {
					for i := 0; i < max(len(w.actors[0].entries), len(w.actors[1].entries)); i++ {
						for _, a := range w.actors {
							if i < len(a.entries) {
								add(t, f, a.entries[i])
							}
						}
					}
					f.State(w.clock)
				})
			}
			one, two := work(x.n), work(2*x.n)
			if two > 3*one {
				t.Errorf("%d entries cost %d allocations, %d cost %d", x.n, one, 2*x.n, two)
			}
		})
	}
}

// mallocs counts the allocations of a function; nothing else may run.
func mallocs(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.Mallocs - before.Mallocs
}

// TestHostileForkIsReckonedOnce is a journal of two histories that others go on to
// hand over entry by entry, with proof after proof: everything is reckoned again
// when somebody asks, not for each of them.
func TestHostileForkIsReckonedOnce(t *testing.T) {
	work := func(n int) uint64 {
		w, _ := founded(t, "North", "South")
		north, south := w.actors[0], w.actors[1]
		for range n {
			south.write("x.note", nil)
		}
		var proofs []journal.Ref
		for range n {
			proofs = append(proofs, north.write(journal.KindEvidence, nil).Ref())
		}
		f := w.empty()
		add(t, f, north.entries...)
		return mallocs(func() {
			for i, e := range south.entries {
				f.Disprove(south.origin, proofs[i%n])
				add(t, f, e)
			}
			f.State(w.clock)
		})
	}
	if one, two := work(500), work(1000); two > 3*one {
		t.Errorf("500 entries cost %d allocations, 1,000 cost %d", one, two)
	}
}

// TestHostileTables is a member that puts more on everybody's table than anybody
// could look at: what lies beyond the bound is void, with a code.
func TestHostileTables(t *testing.T) {
	for _, x := range []struct {
		name  string
		bound int
		write func(south *actor, i int, inForce string) *journal.Entry
	}{
		{"admits", 64, func(south *actor, i int, _ string) *journal.Entry {
			south.w.admit(south, &actor{identity: identityOf(fmt.Sprint("stranger ", i))})
			return south.entries[len(south.entries)-1]
		}},
		{"proposals", 64, func(south *actor, i int, inForce string) *journal.Entry {
			south.propose(unit.KindAmend, strings.Repeat(fmt.Sprintf("%016x", i), 4), 2, inForce)
			return south.entries[len(south.entries)-1]
		}},
		{"suspensions, lifted", 4096, func(south *actor, _ int, _ string) *journal.Entry {
			e := south.write(unit.KindSuspend, unit.SuspendBody{Scope: []string{"all"}, Code: "x"})
			south.write(unit.KindResume, unit.ResumeBody{Suspension: e.Ref()})
			return e
		}},
		{"suspensions that bind", 64, func(south *actor, _ int, _ string) *journal.Entry {
			return south.write(unit.KindSuspend, unit.SuspendBody{Scope: []string{"all"}, Code: "x"})
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			w, hash := founded(t, "North", "South")
			south := w.actors[1]
			var last, beyond *journal.Entry
			for i := range x.bound {
				last = x.write(south, i, hash)
			}
			beyond = x.write(south, x.bound, hash)
			s := w.state()
			if got := voidCode(s, last); got != "" {
				t.Errorf("the last that is allowed is void: %q", got)
			}
			if got := voidCode(s, beyond); got != unit.CodeTooMany {
				t.Errorf("one more is void as %q", got)
			}
		})
	}
}

// TestSuccessorsWithoutEnd: a party opens so many journals and no more.
func TestSuccessorsWithoutEnd(t *testing.T) {
	w, _ := founded(t, "North", "South")
	for epoch := 1; epoch <= unit.MaxEpochs+1; epoch++ {
		last := w.actor("South")
		w.join("South", epoch, &journal.Predecessor{Origin: last.origin, Head: last.head(int64(len(last.entries)))})
	}
	s := w.state()
	for _, a := range w.actors {
		want := ""
		if a.epoch > unit.MaxEpochs {
			want = unit.CodeBadSuccessor
		}
		if got := voidCode(s, a.entries[0]); got != want {
			t.Errorf("the journal of epoch %d is void as %q, want %q", a.epoch, got, want)
		}
	}
}
