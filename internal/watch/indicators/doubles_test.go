package indicators

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/internal/intake"
	"entente/internal/observable"
	"entente/internal/watch"
)

// TestDoublesAreTold: a value counts once for each source, a refused one is told once, and what comes after does not matter.
func TestDoublesAreTold(t *testing.T) {
	s := New(watch.Seed{1, 2})
	const ja3 = "ja3:e7d705a3286e19ea42f587b344ee6865"
	for i, c := range []struct {
		name, text                      string
		indicators, broad, bad, inTotal int
	}{
		{"x", "a.example\nA.example.\n*.a.example\nco.uk\nco.uk\n1.2.3.4\n1.2.3.4:80\n" + ja3 + "\n" + ja3 + "\n!!\n!? ?\n?!\n", 3, 1, 1, 3},
		{"x", "a.example\nco.uk\n" + ja3 + "\nb.example\n", 1, 0, 0, 4},
		{"y", "a.example\nco.uk\n" + ja3 + "\n", 1, 1, 0, 5},
		{"x", "type,value,tlp\ndomain,a.example,TLP:RED\ndomain,c.example,TLP:GREEN\ndomain,c.example,nonsense\nfile-name,c.example,\n", 2, 0, 1, 7},
		{"z", plainHead + "}\n", 1, 0, 0, 8},
		{"x", "a.example\nco.uk\nb.example\nd.example\n1.2.3.4\n" + ja3 + "\n", 1, 0, 0, 9},
		{"y", "a.example\nco.uk\nb.example\nac.uk\n", 1, 1, 0, 10},
	} {
		rep, err := s.Read(strings.NewReader(c.text), Options{Name: c.name, Now: now})
		if err != nil || rep.Indicators != c.indicators || rep.Values != c.indicators || rep.Broad != c.broad || rep.Bad != c.bad || len(rep.Told) != c.broad+c.bad || s.Len() != c.inTotal {
			t.Errorf("%d: %+v, %v, %d in total", i, rep, err, s.Len())
		}
	}
}

// TestListsAndObjects: in whatever order lists and objects come, of several sources and times, each identifier means what its newest version says, and
// a value of a list nothing new where its identifier is known.
func TestListsAndObjects(t *testing.T) {
	type meaning struct {
		at   time.Time
		name string
	}
	r := rand.New(rand.NewPCG(9, 10))
	var names []string
	for i := range 6 {
		names = append(names, fmt.Sprintf("n%d.example", i))
	}
	id := func(source, name string) string {
		return intake.Drafter{Source: source}.IndicatorID(observable.Value{Type: observable.Domain, Text: name})
	}
	for range 60 {
		s, want := New(watch.Seed{1, 2}), map[string]meaning{}
		for range 1 + r.IntN(5) {
			source, at, text := []string{"x", "y"}[r.IntN(2)], time.Date(2020+r.IntN(4), 1, 1, 0, 0, 0, 0, time.UTC), ""
			if r.IntN(3) > 0 {
				for range 1 + r.IntN(4) {
					name := names[r.IntN(len(names))]
					text += name + "\n"
					if _, ok := want[id(source, name)]; !ok {
						want[id(source, name)] = meaning{at, name}
					}
				}
			} else {
				for range 1 + r.IntN(3) {
					of, name := id([]string{"x", "y"}[r.IntN(2)], names[r.IntN(len(names))]), names[r.IntN(len(names))]
					text += strings.NewReplacer("indicator--11111111-1111-4111-8111-111111111111", of, "2024-01-01", at.Format(time.DateOnly), "[url:value = 'http://a.example/']", "[domain-name:value = '"+name+"']").Replace(plainHead) + "}\n"
					if was, ok := want[of]; !ok || at.After(was.at) {
						want[of] = meaning{at, name}
					}
				}
			}
			if _, err := s.Read(strings.NewReader(text), Options{Name: source, Now: at}); err != nil {
				t.Fatal(err)
			}
		}
		live, err := s.Compile()
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			var ids []string
			for of, m := range want {
				if m.name == name {
					ids = append(ids, of)
				}
			}
			got := hitsOf(live.Load(), name)
			slices.Sort(ids)
			if slices.Sort(got); !slices.Equal(got, ids) {
				t.Fatalf("%s is found by %v, want %v", name, got, ids)
			}
		}
	}
}
