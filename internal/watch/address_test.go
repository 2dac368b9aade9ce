package watch

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"testing"

	"entente/internal/observable"
	"pgregory.net/rapid"
)

// TestAddressesAreFound: what addresses begin with keeps most of them from being looked for, and none that a set has, however it came into it.
func TestAddressesAreFound(t *testing.T) {
	keys := keysOf(t, Key{Name: "host", Look: LookHost}, Key{Name: "url", Look: LookURL})
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.SampledFrom([]byte{0, 1, 2, 9, 10, 25, 99, 100, 192, 199, 250, 255})
		address := rapid.Custom(func(t *rapid.T) string {
			return netip.AddrFrom4([4]byte{number.Draw(t, "a"), number.Draw(t, "b"), number.Draw(t, "c"), number.Draw(t, "d")}).String()
		})
		listed := map[string]bool{}
		change := func(of []string) (changes []Change) {
			for _, a := range of {
				c := Change{ID: "of " + a}
				if listed[a] = !listed[a]; listed[a] {
					c.Indicators = []Indicator{{Value: observable.Value{Type: observable.IPv4, Text: a}}}
				}
				changes = append(changes, c)
			}
			return changes
		}
		b := NewBuilder(testSeed)
		for _, c := range change(rapid.SliceOfNDistinct(address, 0, 20, rapid.ID[string]).Draw(t, "first")) {
			if err := b.Add(Indicator{ID: c.ID, Value: c.Indicators[0].Value}); err != nil {
				t.Fatal(err)
			}
		}
		if rapid.Bool().Draw(t, "a block") {
			if err := b.Add(Indicator{ID: "block", Value: observable.Value{Type: observable.Prefix, Text: "203.0.112.0/23"}}); err != nil {
				t.Fatal(err)
			}
		}
		l := NewLive(b.Set())
		for range rapid.IntRange(0, 3).Draw(t, "changes") {
			if err := l.Apply(change(rapid.SliceOfNDistinct(address, 1, 20, rapid.ID[string]).Draw(t, "changed"))); err != nil {
				t.Fatal(err)
			}
		}
		if rapid.Bool().Draw(t, "tidy") {
			tidy(l)
		}
		others := rapid.SliceOfN(address, 0, 20).Draw(t, "others")
		key := rapid.SampledFrom([]string{"url", "host"}).Draw(t, "key") // with a path in the line the hosts are kept, too
		s := NewScanner(l.Load, keys)
		for _, a := range slices.Concat(slices.Collect(maps.Keys(listed)), others) {
			for _, text := range []string{a, a + ".", a + ":8080"} {
				if key == "url" {
					text = "http://" + text + "/x"
				}
				line, found := fmt.Sprintf(`{"%s":"%s"}`+"\n", key, text), false
				s.Scan([]byte(line), func([]byte, int64) { found = true })
				if listed[a] && !found {
					t.Fatalf("%s was missed", text)
				}
			}
		}
	})
}
