package watch

import (
	"fmt"
	"slices"
	"testing"

	"entente/internal/observable"
	"pgregory.net/rapid"
)

// TestSince: whatever changed, Since gives what a set looks for that the one before did not.
func TestSince(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		listed := func(s *Set, old *Set) (out []string) {
			for ind := range s.Since(old) {
				out = append(out, ind.ID+" "+ind.Value.Text)
			}
			slices.Sort(out)
			return out
		}
		indicator := func(name string) Indicator {
			return Indicator{Value: observable.Value{Type: observable.Domain, Text: name}}
		}
		id := rapid.Custom(func(t *rapid.T) string { return fmt.Sprint("id", rapid.IntRange(0, 20).Draw(t, "id")) })
		l := NewLive(NewBuilder(testSeed).Set())
		for range rapid.IntRange(1, 6).Draw(t, "rounds") {
			before := l.Load()
			known := listed(before, nil)
			var want []string
			var changes []Change
			for _, id := range rapid.SliceOfNDistinct(id, 0, 8, rapid.ID[string]).Draw(t, "changed") {
				c := Change{ID: id}
				for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(0, 4), 0, 2, rapid.ID[int]).Draw(t, "values") {
					name := fmt.Sprintf("n%d.example", n)
					c.Indicators = append(c.Indicators, indicator(name))
					if text := id + " " + name; !slices.Contains(known, text) {
						want = append(want, text)
					}
				}
				changes = append(changes, c)
			}
			if err := l.Apply(changes); err != nil {
				t.Fatal(err)
			}
			slices.Sort(want)
			if got := listed(l.Load(), before); !slices.Equal(got, want) {
				t.Fatalf("new are %q, and told %q", want, got)
			}
			if got := listed(before, before); got != nil {
				t.Fatalf("since itself: %q", got)
			}
		}
	})
}
