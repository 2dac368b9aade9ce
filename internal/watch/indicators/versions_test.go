package indicators

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"entente/internal/intake"
	"entente/internal/observable"
	"entente/internal/watch"
	"entente/internal/watch/record"
)

// TestVersions holds versions that are kept once for many, and with identifiers that stand elsewhere, to a plain map.
func TestVersions(t *testing.T) {
	type held struct {
		version
		n int
	}
	r := rand.New(rand.NewPCG(1, 2))
	ids := map[int]string{} // of the values of a set
	got, want := newVersions(func(n int) string { return ids[n] }), map[string]held{}
	same := func(id string) held {
		key := keyOf(id)
		v, n, ok := got.find(key, got.hash(key))
		if w, there := want[id]; ok != there || ok && (v != w.version || n != w.n) || !ok && n != nowhere {
			t.Fatalf("%s: %v of value %d, %t where %v, %t stand", id, v, n, ok, w, there)
		}
		return held{v, n}
	}
	next := 0
	for range 20_000 {
		id := fmt.Sprintf("indicator--%08x-0000-4000-8000-000000000000", r.IntN(5_000))
		if r.IntN(9) == 0 {
			id = fmt.Sprintf("x-%d", r.IntN(500))
		}
		w := same(id)
		w.version = version{at: int64(r.IntN(300)), part: int32(r.IntN(3))}
		switch key := keyOf(id); {
		case w.n != nowhere:
			got.set(w.n, w.version)
		case r.IntN(2) == 0:
			got.add(key, got.hash(key), w.version, nowhere)
		default:
			w.n, next = next, next+1+r.IntN(3)
			ids[w.n] = id
			got.add(key, got.hash(key), w.version, w.n)
		}
		want[id] = w
	}
	for id := range want {
		same(id)
	}
	few := newVersions(nil)
	for i := range 1000 {
		var k idKey
		binary.LittleEndian.PutUint64(k[:], uint64(i))
		few.add(k, few.hash(k), version{at: 7}, i)
	}
	if few.list.n != 1 {
		t.Errorf("%d versions are kept where all are the same", few.list.n)
	}
}

// TestListThenObject: the identifier that a value of a list is given stands for the same indicator in STIX, whichever is read first.
func TestListThenObject(t *testing.T) {
	v := observable.Value{Type: observable.Domain, Text: "a.example"}
	id := intake.Drafter{Source: "x"}.IndicatorID(v)
	newer := strings.NewReplacer("indicator--11111111-1111-4111-8111-111111111111", id, "2024-01-01T00:00:00Z", "2030-01-01T00:00:00Z", "[url:value = 'http://a.example/']", "[domain-name:value = 'b.example']").Replace(plainHead) + "}"
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
