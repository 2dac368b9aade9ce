package unit_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entente/internal/desk"
	"entente/internal/unit"
	"entente/journal"
)

// TestMoveIsWhatTheStateSays: whatever came, in whatever order and at whatever moment it is asked, Move tells of each entry
// what the whole State says of it, and of no other.
func TestMoveIsWhatTheStateSays(t *testing.T) {
	var made, illegal, strays int
	for _, names := range [][]string{{"North", "South"}, {"North", "South", "West"}} {
		rapid.Check(t, func(rt *rapid.T) {
			w, hash := founded(t, names...)
			s := &story{t: rt, w: w, hashes: []string{hash}}
			for range rapid.IntRange(5, 60).Draw(rt, "steps") {
				s.step()
			}
			check := func(f *unit.Fold) {
				// Before the state is taken: that would put everything in order.
				got := map[journal.Ref]desk.Step{}
				for _, a := range w.actors {
					for _, e := range a.entries {
						if m, ok := f.Move(e.Ref()); ok {
							got[e.Ref()] = m
						}
					}
				}
				want := map[journal.Ref]desk.Step{}
				st := f.State(w.clock)
				for _, m := range st.Strays {
					want[m.Ref] = m
				}
				strays += len(st.Strays)
				var looked []time.Time // what is kept of one instant must not be told of another
				for range 3 {
					looked = append(looked, w.clock.Add(time.Duration(rapid.IntRange(-100, 1000).Draw(rt, "minutes later"))*time.Minute))
				}
				for _, now := range append(looked, w.clock, looked[0]) {
					kept := f.Clocked(now)
					for i, q := range f.Requests(now) {
						if !reflect.DeepEqual(*kept[i], q) {
							rt.Fatalf("at %s the request that is kept says\n%+v\nand the request\n%+v", now, *kept[i], q)
						}
					}
				}
				for _, q := range st.Requests {
					if one, ok := f.Request(q.ID, w.clock); !ok || !reflect.DeepEqual(one, q) {
						rt.Fatalf("Request says\n%+v\nand the state\n%+v", one, q)
					}
					for _, m := range slices.Concat(q.Steps, q.Illegal) {
						want[m.Ref] = m
					}
					made, illegal = made+len(q.Steps), illegal+len(q.Illegal)
				}
				if !reflect.DeepEqual(got, want) {
					rt.Fatalf("Move says\n%v\nand the state\n%v", got, want)
				}
			}
			for i := range 2 {
				f, texts := w.empty(), [][]byte(nil)
				if i == 0 {
					f, texts = unit.NewFold(w.founding), slices.Clone(w.texts)
				}
				n, every := 0, rapid.IntRange(1, 5).Draw(rt, "every")
				check(shuffled(rt, w, f, texts, fmt.Sprint("order ", i), func(f *unit.Fold) {
					if n++; n%every == 0 {
						check(f)
					}
				}))
			}
		})
	}
	if made == 0 || illegal == 0 || strays == 0 {
		t.Errorf("%d moves were made, %d illegal, %d strays", made, illegal, strays)
	}
}

// BenchmarkMove asks what became of an answer in a unit of 100,000 entries, as intake does for each answer that arrives.
func BenchmarkMove(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		b.Run(fmt.Sprint("entries=", n), func(b *testing.B) {
			w := busy(b, n)
			f := w.fold()
			a := w.actors[0].entries
			ref := a[len(a)-1].Ref()
			if _, ok := f.Move(ref); !ok {
				b.Fatal("it is no move")
			}
			for b.Loop() {
				f.Move(ref)
			}
		})
	}
}

// open10k returns a unit of two in which 10,000 requests are open, each with a receipt and some moves.
func open10k(b *testing.B) (*world, *unit.Fold) {
	w, _ := founded(b, "North", "South")
	north, south := w.actors[0], w.actors[1]
	for i := range 10_000 {
		w.clock = w.clock.Add(10 * time.Minute) // the accord lets 200 a day through
		q := north.ask()
		south.receipt(north)
		south.move("acknowledge", q, nil)
		if i%2 == 0 {
			south.move("accept", q, nil)
		}
		north.receipt(south)
	}
	f := w.fold()
	if got := f.Requests(w.clock); len(got) != 10_000 || got[0].State != desk.Accepted {
		b.Fatalf("%d requests", len(got))
	}
	return w, f
}

// BenchmarkRequests takes all of 10,000 open requests with their clocks, as an overview does.
func BenchmarkRequests(b *testing.B) {
	w, f := open10k(b)
	b.ReportAllocs()
	for b.Loop() {
		f.Requests(w.clock)
	}
}

// BenchmarkRequest takes one of them, as a page or a move does.
func BenchmarkRequest(b *testing.B) {
	w, f := open10k(b)
	ref := f.Requests(w.clock)[5000].ID
	for b.Loop() {
		if _, ok := f.Request(ref, w.clock); !ok {
			b.Fatal("it is gone")
		}
	}
}
