package watch

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"entente/internal/observable"
	"entente/internal/watch/record"
	"pgregory.net/rapid"
)

// newSmallBuilder gives a builder of sets whose memory is in the smallest pieces there are.
func newSmallBuilder() *Builder {
	b := NewBuilder(testSeed)
	b.st.bits, b.small = 6, 64
	return b
}

// told is what an indicator is said to be, for as long as until: name -> until.
type told map[string]int64

// TestLiveInAnyOrder holds a live set, and sets that it was before, to a plain list of what was said, whatever was said, said again and taken back
// in whatever order, and whenever memory was given back between.
func TestLiveInAnyOrder(t *testing.T) {
	name := func(i int) string { return fmt.Sprintf("n%d.example", i) }
	id := func(i int) string {
		if i%3 == 0 {
			return fmt.Sprint("id", i)
		}
		return fmt.Sprintf("indicator--%08x-1111-4111-8111-0123456789ab#%d", i/2, i%5)
	}
	rapid.Check(t, func(t *rapid.T) {
		said := map[string]told{}
		list := func(of told) (out []Indicator) {
			for _, n := range slices.Sorted(maps.Keys(of)) {
				out = append(out, Indicator{Value: observable.Value{Type: observable.Domain, Text: n}, Until: time.Unix(of[n], 0).UTC(), Source: "s" + n[1:2], Atom: uint16(of[n] % 3)})
			}
			return out
		}
		draw := func() told {
			out := told{}
			for range rapid.IntRange(0, 5).Draw(t, "values") {
				out[name(rapid.IntRange(0, 20).Draw(t, "name"))] = rapid.Int64Range(1, 4).Draw(t, "until")
			}
			return out
		}
		b := newSmallBuilder()
		for i := range rapid.IntRange(0, 200).Draw(t, "at first") {
			of := draw()
			for _, ind := range list(of) {
				ind.ID = id(i)
				if err := b.Add(ind); err != nil {
					t.Fatal(err)
				}
			}
			if len(of) > 0 {
				said[id(i)] = of
			}
		}
		l := NewLive(b.Set())
		check := func(s *Set, want map[string]told) {
			t.Helper()
			count := 0
			for _, of := range want {
				count += len(of)
			}
			if s.Len() != count {
				t.Fatalf("%d values, want %d", s.Len(), count)
			}
			at := int64(rapid.IntRange(0, 4).Draw(t, "at"))
			for i := range 21 {
				var expect, got []string
				for id, of := range want {
					if until, ok := of[name(i)]; ok && at < until {
						expect = append(expect, fmt.Sprint(id, " ", until))
					}
				}
				s.Match(record.Field{Type: observable.Domain, Text: "www." + name(i)}, time.Unix(at, 0), func(h Hit) {
					got = append(got, fmt.Sprint(h.Indicator.ID, " ", h.Indicator.Until.Unix()))
					if h.Indicator.Source != "s"+name(i)[1:2] || int64(h.Indicator.Atom) != h.Indicator.Until.Unix()%3 || h.Indicator.Value.Text != name(i) {
						t.Fatalf("%+v", h.Indicator)
					}
				})
				slices.Sort(got)
				slices.Sort(expect)
				if !slices.Equal(got, expect) {
					t.Fatalf("%s: %q, want %q", name(i), got, expect)
				}
			}
			var expect []string
			for id, of := range want {
				if len(of) > 0 && strings.HasSuffix(id, "#4") {
					expect = append(expect, id)
				}
			}
			slices.Sort(expect)
			got := slices.Sorted(s.Identifiers(func(tail string) bool { return tail == "#4" }))
			if got = slices.Compact(got); !slices.Equal(got, expect) {
				t.Fatalf("of #4 are %q, want %q", got, expect)
			}
		}
		check(l.Load(), said)
		type was struct {
			set  *Set
			said map[string]told
		}
		var before []was
		for range rapid.IntRange(1, 12).Draw(t, "rounds") {
			before = append(before, was{l.Load(), maps.Clone(said)})
			var changes []Change
			change := func(i int, of told) {
				changes = append(changes, Change{ID: id(i), Indicators: list(of)})
				if delete(said, id(i)); len(of) > 0 {
					said[id(i)] = of
				}
			}
			switch rapid.IntRange(0, 4).Draw(t, "what") {
			case 0: // most are taken back
				for i := range rapid.IntRange(0, 200).Draw(t, "taken back") {
					change(i, nil)
				}
			case 1: // all is said again
				for i := range 200 {
					change(i, said[id(i)])
				}
			case 2:
				tidy(l)
			default:
				for range rapid.IntRange(0, 60).Draw(t, "changes") {
					change(rapid.IntRange(0, 200).Draw(t, "which"), draw())
				}
			}
			if err := l.Apply(changes); err != nil {
				t.Fatal(err)
			}
			s := l.Load()
			check(s, said)
			old := before[rapid.IntRange(0, len(before)-1).Draw(t, "an older one")]
			check(old.set, old.said)
			fresh := map[string]int{}
			for id, of := range said {
				for n, until := range of {
					if u, ok := old.said[id][n]; !ok || u%3 != until%3 {
						fresh[id+" "+n]++
					}
				}
			}
			for ind := range s.Since(old.set) {
				fresh[ind.ID+" "+ind.Value.Text]--
			}
			for what, n := range fresh {
				if n != 0 {
					t.Fatalf("since then %s was told %d times too few", what, n)
				}
			}
			// What is gone takes little.
			if s.gone > 64 && s.gone > s.n/2 {
				t.Fatalf("%d of %d entries are gone", s.gone, s.n)
			}
			for k, c := range s.chunks[:max(0, len(s.chunks)-1)] {
				held := 0
				for i := range uint32(64) {
					if s.alive(uint32(k)<<6 | i) {
						held++
					}
				}
				if c.held > 2*held {
					t.Fatalf("chunk %d has %d entries and %d are looked for", k, c.held, held)
				}
			}
		}
	})
}

// memory gives the bytes that sets have in chunks together.
func memory(sets ...*Set) (n int) {
	seen := map[any]bool{}
	for _, s := range sets {
		for _, c := range s.chunks {
			if p := unsafe.SliceData(c.records); !seen[p] {
				seen[p] = true
				n += cap(c.records)
			}
			if p := unsafe.SliceData(c.starts); !seen[p] {
				seen[p] = true
				n += 4 * cap(c.starts)
			}
		}
	}
	return n
}

// TestNoSecondCopy: what is left where most is taken back is never there twice, and what is said again as it is takes nothing.
func TestNoSecondCopy(t *testing.T) {
	const n = 1 << 14
	indicator := func(i int) (string, Indicator) {
		return fmt.Sprintf("indicator--%08x-1111-4111-8111-0123456789ab", i), Indicator{Value: observable.Value{Type: observable.Domain, Text: fmt.Sprintf("name-%d.example", i)}}
	}
	b := newSmallBuilder()
	var again, back []Change
	for i := range n {
		id, ind := indicator(i)
		again = append(again, Change{id, []Indicator{ind}})
		if i%5 != 0 {
			back = append(back, Change{ID: id})
		}
		ind.ID = id
		if err := b.Add(ind); err != nil {
			t.Fatal(err)
		}
	}
	l := NewLive(b.Set())
	whole := memory(l.Load())
	old := l.Load()
	if err := l.Apply(again); err != nil {
		t.Fatal(err)
	}
	if got := memory(old, l.Load()); got != whole || l.Load().n != n || l.Load().table != old.table {
		t.Fatalf("said again all takes %d bytes, before %d", got, whole)
	}
	s, err := l.Load().with(back, func(*Set) {})
	if err != nil {
		t.Fatal(err)
	}
	left := whole / 5
	most, steps := 0, 0
	for next := s; next != nil; next = s.tidied() {
		most = max(most, memory(s, next))
		s, steps = next, steps+1
	}
	if most > whole+whole/20 || memory(s) > left+left/2 || s.Len() != n/5+1 || steps < 5 {
		t.Errorf("of %d bytes %d are left after %d steps, and %d were there at most", whole, memory(s), steps, most)
	}
}
