package watch

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"entente/internal/observable"
	"pgregory.net/rapid"
)

// TestLiveIsWhatWasSaidLast holds a live set to a map of what was said of each identifier.
func TestLiveIsWhatWasSaidLast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := make([]string, 12)
		for i := range names {
			names[i] = fmt.Sprintf("n%d.example", i)
		}
		said := map[string][]string{} // identifier -> names
		b := NewBuilder(testSeed)
		for _, id := range rapid.SliceOfNDistinct(rapid.IntRange(0, 30), 0, 20, rapid.ID[int]).Draw(t, "start") {
			id := fmt.Sprint("id", id)
			for _, n := range rapid.SliceOfNDistinct(rapid.SampledFrom(names), 1, 3, rapid.ID[string]).Draw(t, "names") {
				if err := b.Add(Indicator{ID: id, Value: observable.Value{Type: observable.Domain, Text: n}}); err != nil {
					t.Fatal(err)
				}
				said[id] = append(said[id], n)
			}
		}
		l := NewLive(b.Set())
		check := func() {
			for _, n := range names {
				var want []string
				for id, has := range said {
					if slices.Contains(has, n) {
						want = append(want, id)
					}
				}
				slices.Sort(want)
				if got := hits(l.Load(), observable.Domain, "www."+n); !slices.Equal(got, want) {
					t.Fatalf("%s: got %v, want %v", n, got, want)
				}
			}
		}
		check()
		for range rapid.IntRange(1, 6).Draw(t, "rounds") {
			var changes []Change
			for range rapid.IntRange(1, 8).Draw(t, "changes") {
				c := Change{ID: fmt.Sprint("id", rapid.IntRange(0, 30).Draw(t, "id"))}
				delete(said, c.ID)
				for _, n := range rapid.SliceOfNDistinct(rapid.SampledFrom(names), 0, 3, rapid.ID[string]).Draw(t, "names") {
					c.Indicators = append(c.Indicators, Indicator{Value: observable.Value{Type: observable.Domain, Text: n}})
					said[c.ID] = append(said[c.ID], n)
				}
				changes = append(changes, c)
			}
			if err := l.Apply(changes); err != nil {
				t.Fatal(err)
			}
			check()
			n := 0
			for _, has := range maps.All(said) {
				n += len(has)
			}
			if l.Load().Len() != n {
				t.Fatalf("%d values, want %d", l.Load().Len(), n)
			}
		}
	})
}

// TestLiveGrows: older sets stay what they were.
func TestLiveGrows(t *testing.T) {
	b := NewBuilder(testSeed)
	if err := b.Add(Indicator{ID: "first", Value: value(t, "http://first.example/x")}); err != nil {
		t.Fatal(err)
	}
	l := NewLive(b.Set())
	first := l.Load()
	for i := range 40 {
		var changes []Change
		for j := range 500 {
			changes = append(changes, Change{fmt.Sprintf("indicator--%08x-0000-4000-8000-000000000000", i*500+j), []Indicator{
				{Value: observable.Value{Type: observable.Domain, Text: fmt.Sprintf("d%d.example", i*500+j)}}, {Value: value(t, fmt.Sprintf("http://u%d.example/", i*500+j))}}})
		}
		if i == 20 {
			changes = append(changes, Change{ID: "first"}, Change{"bad", []Indicator{{Value: value(t, "domain:com")}}})
		}
		if err := l.Apply(changes); (err != nil) != (i == 20) || i == 20 && (!errors.Is(err, ErrTooBroad) || !strings.Contains(err.Error(), "bad: ")) {
			t.Fatal(err)
		}
	}
	s := l.Load()
	if s.Len() != 40000 {
		t.Fatal(s.Len())
	}
	for i := range 20000 {
		if got := hits(s, observable.Domain, fmt.Sprintf("d%d.example", i)); len(got) != 1 {
			t.Fatalf("d%d: %v", i, got)
		}
		if got := hits(s, observable.URL, fmt.Sprintf("u%d.example/", i)); len(got) != 1 {
			t.Fatalf("u%d: %v", i, got)
		}
	}
	if len(hits(s, observable.URL, "first.example/x")) != 0 || len(hits(first, observable.URL, "first.example/x")) != 1 || len(hits(first, observable.Domain, "d1.example")) != 0 {
		t.Error("an older set changed")
	}
}

// TestLiveWhileScanning is for the race detector: many read while one changes.
func TestLiveWhileScanning(t *testing.T) {
	b := NewBuilder(testSeed)
	for i := range 1000 {
		if err := b.Add(Indicator{ID: fmt.Sprint(i), Value: observable.Value{Type: observable.Domain, Text: fmt.Sprintf("d%d.example", i)}}); err != nil {
			t.Fatal(err)
		}
	}
	l := NewLive(b.Set())
	var log []byte
	for i := range 200 {
		log = fmt.Appendf(log, `{"query":"www.d%d.example","answers":["x.d%d.example"]}`+"\n", i*5, i)
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			s := NewScanner(l.Load, keysOf(t, Key{Name: "query", Look: LookHost}, Key{Name: "answers", Look: LookHost}))
			for {
				select {
				case <-done:
					return
				default:
				}
				n := 0
				s.Scan(log, func(line []byte, _ int64) { n++ })
				if n < 190 { // ten names at most are between two of their states
					t.Errorf("%d lines of 200", n)
					return
				}
			}
		})
	}
	for i := range 300 {
		k := i % 10
		changes := []Change{{ID: fmt.Sprint(5 * k)}, {fmt.Sprint("new", i), []Indicator{{Value: value(t, fmt.Sprintf("http://h%d.example/%d", i, i))}, {Value: value(t, fmt.Sprintf("198.51.%d.0/24", i%256))}}}}
		if i%2 == 1 {
			changes[0].Indicators = []Indicator{{Value: observable.Value{Type: observable.Domain, Text: fmt.Sprintf("d%d.example", 5*k)}}}
		}
		if err := l.Apply(changes); err != nil {
			t.Fatal(err)
		}
	}
	close(done)
	wg.Wait()
}

// TestLiveForgets: the memory of what is gone is given back.
func TestLiveForgets(t *testing.T) {
	l := NewLive(NewBuilder(testSeed).Set())
	for round := range 50 {
		var changes []Change
		for i := range 1000 {
			changes = append(changes, Change{fmt.Sprint("id", i), []Indicator{{Value: observable.Value{Type: observable.Domain, Text: fmt.Sprintf("r%d-%d.example", round, i)}, Source: "s", Atom: 3},
				{Value: observable.Value{Type: observable.MD5, Text: fmt.Sprintf("%032x", round*1000+i)}}}})
		}
		if err := l.Apply(changes); err != nil {
			t.Fatal(err)
		}
		s := l.Load()
		if s.Len() != 2000 || s.n > 3*fewGone {
			t.Fatalf("round %d: %d values in %d entries", round, s.Len(), s.n)
		}
		for i := range 1000 {
			if got := hits(s, observable.Domain, fmt.Sprintf("r%d-%d.example", round, i)); !slices.Equal(got, []string{fmt.Sprint("id", i)}) {
				t.Fatalf("round %d: %v", round, got)
			}
			if round > 0 && len(hits(s, observable.Domain, fmt.Sprintf("r%d-%d.example", round-1, i)))+len(hits(s, observable.MD5, fmt.Sprintf("%032x", (round-1)*1000+i))) > 0 {
				t.Fatalf("round %d: an old one is still there", round)
			}
		}
	}
}

// TestDerivedIdentifiers: identifiers that are worked out are those that were given, and what they name is changed and forgotten as other
// indicators are.
func TestDerivedIdentifiers(t *testing.T) {
	id := func(source string, v observable.Value) string {
		h := newHasher(testSeed)
		return fmt.Sprintf("indicator--%08x-1111-5111-8111-%012x", uint32(h.whole([]byte(v.Key()))), h.whole([]byte(source))>>16)
	}
	b := NewBuilder(testSeed)
	b.Derive(id)
	var want []string
	for i, key := range []string{"a.example", "b.example", "other:email-message:subject=Your Invoice", "c.example"} {
		ind := Indicator{Value: value(t, key), Source: fmt.Sprint("s", i%2)}
		ind.ID = id(ind.Source, ind.Value)
		want = append(want, ind.ID)
		if err := b.AddDerived(ind); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Add(Indicator{ID: want[3], Value: value(t, "d.example")}); err != nil {
		t.Fatal(err)
	}
	l := NewLive(b.Set())
	check := func(when string, ids map[string]string) {
		t.Helper()
		for _, name := range []string{"a.example", "b.example", "c.example", "d.example", "e.example"} {
			if got := strings.Join(hits(l.Load(), observable.Domain, "www."+name), " "); got != ids[name] {
				t.Errorf("%s: %s has %q, want %q", when, name, got, ids[name])
			}
		}
	}
	check("as read", map[string]string{"a.example": want[0], "b.example": want[1], "c.example": want[3], "d.example": want[3]})
	if got := hits(l.Load(), observable.MailSubject, "Your Invoice"); len(got) != 1 || got[0] != want[2] {
		t.Errorf("a value that is kept as another has %q, want %q", got, want[2])
	}
	if err := l.Apply([]Change{{ID: want[0]}, {ID: want[3], Indicators: []Indicator{{Value: value(t, "e.example")}}}}); err != nil {
		t.Fatal(err)
	}
	check("changed", map[string]string{"b.example": want[1], "e.example": want[3]})
	tidy(l)
	if l.Load().n != 3 {
		t.Fatal(l.Load().n)
	}
	check("tidy", map[string]string{"b.example": want[1], "e.example": want[3]})
}

// tidy puts what is left of a live set in other chunks, as far as half is gone.
func tidy(l *Live) {
	if next := *l.Load(); next.merge() {
		next.anew()
		l.set.Store(&next)
	}
}

// TestIdentifiers: an identifier is what it was, however it is kept, and none is taken for another: with a UUID, with something behind it as of a bucket of a
// node, in capitals, or none of these.
func TestIdentifiers(t *testing.T) {
	const u = "indicator--0a1b2c3d-1111-4111-8111-0123456789ab"
	ids := []string{u, u + "#0", u + "#4095", u + "#65535", u + "#65536", u + "#05", u + "#", u + "#+5", u + "#5", u + "#5#5", u + "5", u + "-", u + "--" + u[11:], strings.ToUpper(u), "x" + u, u[:46], "a", "--", "a--b#1",
		u + strings.Repeat("x", MaxID-len(u)), strings.Repeat("y", MaxID), "indicator--0a1b2c3d-1111-4111-8111-0123456789a#"}
	b := NewBuilder(testSeed)
	for i, id := range ids {
		if err := b.Add(Indicator{ID: id, Value: observable.Value{Type: observable.Domain, Text: fmt.Sprintf("n%d.example", i)}}); err != nil {
			t.Fatal(err)
		}
	}
	l := NewLive(b.Set())
	for i, id := range ids {
		if got := hits(l.Load(), observable.Domain, fmt.Sprintf("n%d.example", i)); len(got) != 1 || got[0] != id {
			t.Errorf("%q is told as %q", id, got)
		}
	}
	for i, id := range ids {
		if err := l.Apply([]Change{{ID: id}}); err != nil {
			t.Fatal(err)
		}
		for j := range ids {
			if got := hits(l.Load(), observable.Domain, fmt.Sprintf("n%d.example", j)); (len(got) == 0) != (j <= i) {
				t.Errorf("without %q there is %q of %q", id, got, ids[j])
			}
		}
	}
	if _, packed, tail, ok := packID(nil, u+"#4095"); !ok || len(packed) != 18 || tail != "" {
		t.Errorf("an identifier of a bucket takes %d bytes, %t", len(packed), ok)
	}
	// Many buckets are no more kinds of entries than one.
	b = NewBuilder(testSeed)
	for i := range 4096 {
		if err := b.Add(Indicator{ID: fmt.Sprintf("%s#%d", u, i), Value: observable.Value{Type: observable.Domain, Text: fmt.Sprintf("n%d.example", i)}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range b.Set().chunks {
		if len(c.classes) != 1 {
			t.Errorf("%d classes", len(c.classes))
		}
	}
}
