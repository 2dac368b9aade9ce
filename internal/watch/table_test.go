package watch

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"entente/internal/observable"
	"entente/internal/watch/record"
)

// under gives the entries under a hash, in their order.
func under(t *table, h uint64) (out []uint32) {
	t.each(h, func(entry uint32) bool {
		out = append(out, entry)
		return true
	})
	return out
}

// TestSection: a section has under each hash what was put there, the last first, wherever hashes lie: at the beginning, at the end so that they go on at the beginning, and many under one.
func TestSection(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for round := range 200 {
		c := newSection([]int{0, 1, 8, 100, 1000}[r.IntN(5)])
		want := map[uint64][]uint32{}
		lows := map[uint32]uint64{}
		hashes := []uint64{}
		for entry := range uint32(2000) {
			x := hashed{r.Uint64(), entry}
			switch r.IntN(4) {
			case 0: // at the end
				x.hash |= (1<<sectionShift - 1) &^ (1<<40 - 1)
			case 1: // at the beginning
				x.hash &^= (1<<sectionShift - 1) &^ (1<<40 - 1)
			case 2:
				if len(hashes) > 0 {
					x.hash = hashes[r.IntN(len(hashes))]
				}
			}
			if h, ok := lows[uint32(x.hash)]; ok && h != x.hash {
				continue // these would be taken for the same, by design
			}
			if !c.add(x) {
				if c.room(1) {
					t.Fatal("refused although there is room")
				}
				break
			}
			lows[uint32(x.hash)] = x.hash
			hashes = append(hashes, x.hash)
			want[x.hash] = append([]uint32{entry}, want[x.hash]...)
		}
		n, keys := 0, 0
		for h, list := range want {
			var got []uint32
			_, slot := c.find(h)
			c.under(slot, func(entry uint32) bool {
				got = append(got, entry)
				return true
			})
			if !slices.Equal(got, list) {
				t.Fatalf("round %d: %x has %v, want %v", round, h, got, list)
			}
			n, keys = n+1, keys+len(list)
		}
		all := map[uint32][]uint32{}
		c.all(func(low, entry uint32) { all[low] = append(all[low], entry) })
		for low, list := range all {
			if !slices.Equal(list, want[lows[low]]) {
				t.Fatalf("round %d: of all %x has %v, want %v", round, low, list, want[lows[low]])
			}
		}
		if len(all) != n || c.n != n || c.keys != keys {
			t.Fatalf("round %d: %d hashes in %d slots and %d keys, want %d and %d", round, len(all), c.n, c.keys, n, keys)
		}
		if used := slices.DeleteFunc(slices.Clone(c.slots), func(x uint64) bool { return x == 0 }); 5*len(used) > 4*len(c.slots) {
			t.Fatalf("%d of %d slots are in use", len(used), len(c.slots))
		}
	}
}

// manySorts gives indicators of many kinds, that have one key or several, and share some.
func manySorts(t testing.TB, n int) (out []Indicator) {
	t.Helper()
	for i := range n {
		text := []string{"domain:n%d.example", "url:http://h%d.example/x", "url:http://same.example/%d", "mutex:of %d others", "registry-key:HKLM\\Software\\x%d", "ipv4:198.51.100.%d", "mutex:-%d", "domain:same%d.example"}[i%8]
		out = append(out, Indicator{ID: fmt.Sprint(i), Value: value(t, fmt.Sprintf(text, i%250))})
	}
	return out
}

// TestIndexBy: a table that several fill at once is the one that one fills, also if there is too little room at first.
func TestIndexBy(t *testing.T) {
	b := NewBuilder(Seed{1, 2})
	for _, ind := range manySorts(t, 3000) {
		if err := b.Add(ind); err != nil {
			t.Fatal(err)
		}
	}
	s := b.Set()
	for n := 1; n <= 9; n++ {
		for _, room := range []int{s.n + b.hosts, 100} {
			got, unmarked := s.indexBy(room, n)
			if got.keys() != s.table.keys() || unmarked != s.unmarked {
				t.Fatalf("filled by %d: %d keys, by one %d", n, got.keys(), s.table.keys())
			}
			for i := range uint32(s.n) {
				e := s.at(i)
				s.keys(&e, func(h uint64) {
					if a, b := under(got, h), under(s.table, h); !slices.Equal(a, b) || !slices.Contains(a, i) {
						t.Fatalf("entry %d, filled by %d: %v, not %v", i, n, a, b)
					}
				})
			}
			if room != 100 && !slices.Equal(got.bloom, s.table.bloom) {
				t.Fatalf("filled by %d the filter is another", n)
			}
		}
	}
}

// TestGrownIsMade: a set that grew by changes has what one has that was made at once; what each of its entries is found by stays there, whatever else with the same key is taken back; and no section is
// much larger than what is in it.
func TestGrownIsMade(t *testing.T) {
	list := manySorts(t, 16_000)
	l := NewLive(NewBuilder(Seed{1, 2}).Set())
	r := rand.New(rand.NewPCG(5, 6))
	there := map[string]Indicator{}
	for len(list) > 0 {
		n := min(len(list), 1+r.IntN(700))
		var changes []Change
		for _, ind := range list[:n] {
			changes = append(changes, Change{ind.ID, []Indicator{ind}})
			there[ind.ID] = ind
		}
		for _, id := range slices.Sorted(maps.Keys(there)) { // about half of what is new, and of what was there
			if r.IntN(2*len(there)) < n {
				changes = append(changes, Change{ID: id})
				delete(there, id)
			}
		}
		list = list[n:]
		if err := l.Apply(changes); err != nil {
			t.Fatal(err)
		}
		s := l.Load()
		if s.Len() != len(there) {
			t.Fatalf("%d values, want %d", s.Len(), len(there))
		}
		for i := range uint32(s.n) {
			if s.alive(i) {
				e := s.at(i)
				s.keys(&e, func(h uint64) {
					if !slices.Contains(under(s.table, h), i) || !s.table.has(h) {
						t.Fatalf("entry %d of %q is not under one of its keys", i, e.text)
					}
				})
			}
		}
		for _, c := range s.table.sections {
			if len(c.slots) > 3*c.keys+32 {
				t.Fatalf("%d keys in %d slots", c.keys, len(c.slots))
			}
		}
		if words := len(s.table.bloom); s.table.noted > 5*words || words > s.table.keys()+2*sections {
			t.Fatalf("a filter of %d words, of %d keys", words, s.table.noted)
		}
	}
	for _, ind := range there {
		found := 0
		l.Load().Match(record.Field{Type: ind.Value.Type, Text: ind.Value.Text}, noon, func(h Hit) {
			if h.Indicator.ID == ind.ID {
				found++
			}
		})
		if found != 1 {
			t.Fatalf("%s %s was found %d times", ind.ID, ind.Value.Key(), found)
		}
	}
}

// TestMeanwhile: while a set grows section by section, each set on the way looks for what the one before the changes looked for, nothing less and nothing twice; and so does that one itself, which
// others look at meanwhile.
func TestMeanwhile(t *testing.T) {
	b := newSmallBuilder()
	name := func(i int) observable.Value {
		return observable.Value{Type: observable.Domain, Text: fmt.Sprintf("n%d.example", i)}
	}
	for i := range 2000 {
		if err := b.Add(Indicator{ID: fmt.Sprint(i), Value: name(i)}); err != nil {
			t.Fatal(err)
		}
	}
	before := b.Set()
	var changes []Change
	for i := range 2500 { // all are others now, and there are more
		changes = append(changes, Change{fmt.Sprint(i), []Indicator{{Value: name(i), Source: "new"}}})
	}
	holds := func(s *Set, n int, source string) bool {
		for i := range 2500 {
			var got []string
			s.Match(record.Field{Type: observable.Domain, Text: name(i).Text}, noon, func(h Hit) { got = append(got, h.Indicator.ID+h.Indicator.Source) })
			if want := []string{fmt.Sprint(i) + source}; i < n && !slices.Equal(got, want) || i >= n && got != nil {
				t.Errorf("%d is %q", i, got)
				return false
			}
		}
		if s.Len() != n {
			t.Errorf("%d values, want %d", s.Len(), n)
		}
		return s.Len() == n
	}
	done := make(chan struct{})
	var others sync.WaitGroup
	for range 2 {
		others.Go(func() {
			for holds(before, 2000, "") {
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	steps := 0
	after, err := before.with(changes, func(s *Set) {
		if steps++; steps%8 == 0 {
			holds(s, 2000, "")
		}
	})
	close(done)
	others.Wait()
	if err != nil || steps < sections/2 {
		t.Fatal(steps, err)
	}
	holds(after, 2500, "new")
	holds(before, 2000, "")
}

// TestSaidAgain: a value that is taken back and said again, over and over, is looked for among no more of what is gone than its section has that is looked for; sets that were before go on with what they had.
func TestSaidAgain(t *testing.T) {
	b := NewBuilder(testSeed)
	for i := range 100 * sections {
		if err := b.Add(Indicator{ID: fmt.Sprint("id", i), Value: observable.Value{Type: observable.Domain, Text: fmt.Sprintf("n%d.example", i)}}); err != nil {
			t.Fatal(err)
		}
	}
	l := NewLive(b.Set())
	again := observable.Value{Type: observable.Domain, Text: "again.example"}
	h := b.hash.whole([]byte(again.Text))
	atom := func(s *Set) (atoms []uint16) {
		s.Match(record.Field{Type: again.Type, Text: again.Text}, noon, func(h Hit) { atoms = append(atoms, h.Indicator.Atom) })
		return atoms
	}
	before := map[uint16]*Set{}
	for i := range uint16(3000) {
		if err := l.Apply([]Change{{"again", []Indicator{{Value: again, Atom: i + 1}}}}); err != nil {
			t.Fatal(err)
		}
		if i%100 == 0 {
			before[i+1] = l.Load()
		}
		keys := 0 // that are looked for
		l.Load().table.sections[h>>sectionShift].all(func(_, entry uint32) {
			if l.Load().alive(entry) {
				keys++
			}
		})
		if n := len(under(l.Load().table, h)); n > keys+2 {
			t.Fatalf("said %d times it is %d entries, in a section with %d keys", i+1, n, keys)
		}
	}
	before[3000] = l.Load()
	for i, s := range before {
		if got := atom(s); !slices.Equal(got, []uint16{i}) {
			t.Errorf("said %d times it is %v", i, got)
		}
	}
}

// TestSharedKeys: a host that most URLs share takes one slot, and no room for as many as there are URLs, also where its section is made anew.
func TestSharedKeys(t *testing.T) {
	l := NewLive(NewBuilder(testSeed).Set())
	for i := range 20 {
		var changes []Change
		for j := range 1000 {
			id := fmt.Sprint(1000*i + j)
			changes = append(changes, Change{id, []Indicator{{Value: value(t, "http://shared.example/"+id)}}})
		}
		if err := l.Apply(changes); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range l.Load().table.sections {
		if most := 3*c.n + 2*1000; len(c.slots) > most { // 1,000 came at once
			t.Errorf("%d slots, of which %d are in use", len(c.slots), c.n)
		}
	}
}
