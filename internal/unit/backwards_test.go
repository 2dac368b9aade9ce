package unit_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"entente/internal/unit"
	"entente/journal"
)

// chatter is three journals that see each other now and then.
func chatter(t testing.TB, seed uint64, n int) (*world, *unit.Fold) {
	w := newWorld(t, "north", "south", "west")
	r := rand.New(rand.NewPCG(seed, 1))
	for range n {
		a := w.actors[r.IntN(3)]
		switch r.IntN(3) {
		case 0:
			a.see(w.actors[r.IntN(3)])
		case 1:
			a.receipt(w.actors[(slices.Index(w.actors, a)+1)%3])
			continue
		}
		a.write("x.note", map[string]any{})
	}
	f := unit.NewFold(w.founding)
	for _, a := range w.actors {
		for _, e := range a.entries {
			if err := f.Add(e); err != nil {
				t.Fatal(err)
			}
		}
	}
	return w, f
}

// TestBackwards: every entry comes once, none before one that has seen it; and whatever is the window, what comes is the
// same order with the rest left out.
func TestBackwards(t *testing.T) {
	for seed := range uint64(20) {
		w, f := chatter(t, seed, 60)
		all := slices.Collect(f.Backwards(unit.Window{}))
		count := 0
		for _, a := range w.actors {
			count += len(a.entries)
		}
		if len(all) != count {
			t.Fatalf("%d of %d entries", len(all), count)
		}
		for i, g := range all {
			for _, later := range all[i+1:] {
				if later.Saw(g.Ref) {
					t.Fatalf("seed %d: %v comes before %v, which has seen it", seed, g.Ref, later.Ref)
				}
			}
		}
		// Cut into pages at any place it is the same.
		var paged []journal.Ref
		below := map[journal.Origin]int64{}
		for {
			n := 0
			for g := range f.Backwards(unit.Window{Below: below}) {
				below[g.Ref.Origin] = g.Ref.Index
				paged = append(paged, g.Ref)
				if n++; n == 7 {
					break
				}
			}
			if n < 7 {
				break
			}
		}
		if !slices.EqualFunc(all, paged, func(g unit.Glance, ref journal.Ref) bool { return g.Ref == ref }) {
			t.Fatalf("seed %d: pages give another order", seed)
		}
		from, to := start.Add(20*time.Second), start.Add(40*time.Second)
		for g := range f.Backwards(unit.Window{From: from, To: to}) {
			if g.At.Before(from) || !g.At.Before(to) {
				t.Fatalf("%v is not within the time", g.At)
			}
		}
		want := []journal.Ref{all[3].Ref, all[9].Ref, all[1].Ref, all[1].Ref, {Origin: all[0].Ref.Origin, Index: 1 << 40}}
		if got := len(slices.Collect(f.Backwards(unit.Window{Only: want}))); got != 3 {
			t.Fatalf("%d of three entries", got)
		}
		if got := len(slices.Collect(f.Backwards(unit.Window{Only: []journal.Ref{}}))); got != 0 {
			t.Fatalf("%d of no entries", got)
		}
	}
}

// TestBackwardsEndsOnLies: parties that say to have seen what is not written yet, of each other, stop nothing.
func TestBackwardsEndsOnLies(t *testing.T) {
	w := newWorld(t, "north", "south")
	far := func(o journal.Origin) option {
		return seeing(map[journal.Origin]journal.Head{o: {Size: 1 << 40, Root: journal.Hash{1}}})
	}
	w.actors[0].write("x.note", map[string]any{}, far(w.actors[1].origin))
	w.actors[1].write("x.note", map[string]any{}, far(w.actors[0].origin))
	f := unit.NewFold(w.founding)
	for _, a := range w.actors {
		for _, e := range a.entries {
			if err := f.Add(e); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := len(slices.Collect(f.Backwards(unit.Window{}))); got != 4 {
		t.Fatalf("%d of four entries", got)
	}
}

// TestCovering: the first receipt that covers an entry is named, and none that is too short.
func TestCovering(t *testing.T) {
	w := newWorld(t, "north", "south")
	north, south := w.actors[0], w.actors[1]
	north.write("x.note", map[string]any{})
	south.receipt(north)
	first := south.entries[len(south.entries)-1]
	north.write("x.note", map[string]any{})
	south.receipt(north)
	second := south.entries[len(south.entries)-1]
	north.write("x.note", map[string]any{})
	f := unit.NewFold(w.founding)
	for _, a := range w.actors {
		for _, e := range a.entries {
			if err := f.Add(e); err != nil {
				t.Fatal(err)
			}
		}
	}
	for index, want := range map[int64]journal.Ref{0: first.Ref(), 1: first.Ref(), 2: second.Ref(), 3: {}} {
		var got journal.Ref
		for _, g := range f.Covering(journal.Ref{Origin: north.origin, Index: index}) {
			if got = g.Ref; g.Party != south.id || g.Head.Size <= index || !g.At.Equal(w.actors[1].entries[g.Ref.Index].At) {
				t.Errorf("entry %d: %+v", index, g)
			}
		}
		if got != want {
			t.Errorf("entry %d: receipted by %v, want %v", index, got, want)
		}
	}
}

// BenchmarkBackwards reads the newest page of journals that are small and large.
func BenchmarkBackwards(b *testing.B) {
	for name, n := range map[string]int{"300": 300, "10000": 10000} {
		_, f := chatter(b, 7, n)
		b.Run(name, func(b *testing.B) {
			for range b.N {
				left := 40
				for range f.Backwards(unit.Window{}) {
					if left--; left == 0 {
						break
					}
				}
			}
		})
	}
}
