package indicators

import (
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"entente/internal/intake"
	"entente/internal/observable"
	"entente/internal/watch"
	"entente/internal/watch/record"
)

// TestVersions holds versions that are kept once for many to a plain map.
func TestVersions(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	got, want := newVersions(), map[idKey]version{}
	for range 20_000 {
		var k idKey
		binary.LittleEndian.PutUint64(k[:], uint64(r.IntN(5_000)))
		v := version{at: int64(r.IntN(300)), part: int32(r.IntN(3)), in: r.IntN(2) == 0}
		was, ok := got.of(k)
		if w, there := want[k]; ok != there || was != w {
			t.Fatalf("%v, %t where %v, %t stand", was, ok, w, there)
		}
		got.put(k, v)
		want[k] = v
	}
	for k, w := range want {
		if v, ok := got.of(k); !ok || v != w {
			t.Fatalf("%v, %t where %v stands", v, ok, w)
		}
	}
	same := newVersions()
	for i := range 1000 {
		var k idKey
		binary.LittleEndian.PutUint64(k[:], uint64(i))
		same.put(k, version{at: 7, in: true})
	}
	if len(same.list) != 1 {
		t.Errorf("%d versions are kept where all are the same", len(same.list))
	}
}

// TestListThenObject: the identifier that a value of a list is given stands for the same indicator in STIX, whichever is read first.
func TestListThenObject(t *testing.T) {
	v := observable.Value{Type: observable.Domain, Text: "a.example"}
	id := intake.Drafter{Source: "x"}.IndicatorID(v)
	newer := strings.NewReplacer("indicator--11111111-1111-4111-8111-111111111111", id, "2024-01-01T00:00:00Z", "2030-01-01T00:00:00Z", "[url:value = 'a']", "[domain-name:value = 'b.example']").Replace(plainHead) + "}"
	older := strings.Replace(newer, "2030-01-01", "2020-01-01", 2)
	for _, c := range []struct {
		files []string
		want  string
	}{{[]string{"a.example\na.example\n", newer}, "b.example"}, {[]string{"a.example\n", older}, "a.example"}, {[]string{newer, "a.example\n"}, "b.example"}} {
		s := New(watch.Seed{1, 2})
		for _, text := range c.files {
			if _, err := s.Read(strings.NewReader(text), Options{Name: "x", Now: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)}); err != nil {
				t.Fatal(err)
			}
		}
		live, err := s.Compile()
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"a.example", "b.example"} {
			hits := hitsOf(live.Load(), name)
			if name == c.want && (len(hits) != 1 || hits[0] != id) || name != c.want && len(hits) != 0 {
				t.Errorf("%.60q: %s is found by %v", c.files, name, hits)
			}
		}
	}
}

func hitsOf(s *watch.Set, name string) (ids []string) {
	s.Match(record.Field{Type: observable.Domain, Text: name}, now, func(h watch.Hit) { ids = append(ids, h.Indicator.ID) })
	return ids
}
