package seen

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entente/internal/observable"
)

var hour = time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC)

func report(n int, host string, count int64) Report {
	first := hour.Add(time.Minute)
	return Report{Key: Key{Indicator: fmt.Sprintf("indicator--%08d-0000-4000-8000-000000000000", n), Value: observable.Value{Type: observable.Domain, Text: "evil.example"}, Host: host, Hour: hour},
		Count: Count{First: first, Last: first.Add(time.Duration(min(count, 50)) * time.Minute), Count: count, Roles: map[string]int64{"query": count}}}
}

// TestAnyOrder: reports of several runs that come in any order, twice or late give the same book, and its counts are the last
// of each run, added up.
func TestAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type told struct {
			run string
			r   Report
		}
		var all []told
		want := map[string]int64{}
		for run := range rapid.IntRange(1, 4).Draw(t, "runs") {
			for n := range rapid.IntRange(1, 3).Draw(t, "indicators") {
				count := int64(0)
				for range rapid.IntRange(1, 4).Draw(t, "reports") {
					count += int64(rapid.IntRange(1, 9).Draw(t, "more"))
					all = append(all, told{fmt.Sprint("run", run), report(n, "10.0.0.1", count)})
				}
				want[report(n, "10.0.0.1", 1).ID()] += count
			}
		}
		var in, other Book
		for _, x := range all {
			if _, err := in.Take(x.run, x.r); err != nil {
				t.Fatal(err)
			}
		}
		mixed := append(append([]told{}, all...), all[:rapid.IntRange(0, len(all)).Draw(t, "again")]...)
		rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 0)).Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
		for _, x := range mixed {
			if _, err := other.Take(x.run, x.r); err != nil {
				t.Fatal(err)
			}
		}
		a, b := in.All(nil), other.All(nil)
		if !reflect.DeepEqual(a, b) {
			t.Fatalf("%+v\n%+v", a, b)
		}
		for _, s := range a {
			if s.Count.Count != want[s.ID()] || s.Roles["query"] != s.Count.Count {
				t.Fatalf("%+v, want %d", s, want[s.ID()])
			}
		}
		for _, x := range all {
			if anew, err := other.Take(x.run, x.r); anew || err != nil {
				t.Fatalf("what is known already is new: %+v %v", x, err)
			}
		}
	})
}

func TestCheck(t *testing.T) {
	now := hour.Add(time.Hour)
	if r := report(1, "", 3); r.Check(now) != nil {
		t.Fatal(r.Check(now))
	}
	for name, spoil := range map[string]func(*Report){
		"indicator":      func(r *Report) { r.Indicator = "malware--x" },
		"machine":        func(r *Report) { r.Host = strings.Repeat("x", MaxHost+1) },
		"machine's text": func(r *Report) { r.Host = "\xff" },
		"hour":           func(r *Report) { r.Hour = r.Hour.Add(time.Second) },
		"count":          func(r *Report) { r.Count.Count = 0 },
		"large count":    func(r *Report) { r.Count.Count = MaxCount + 1 },
		"order":          func(r *Report) { r.First = r.Last.Add(1) },
		"one time":       func(r *Report) { r.First = time.Time{} },
		"ahead":          func(r *Report) { r.Hour, r.First, r.Last = time.Time{}, now.Add(Ahead+1), now.Add(Ahead+1) },
		"not in it":      func(r *Report) { r.Last = r.Hour.Add(time.Hour) },
		"value":          func(r *Report) { r.Value.Text = "EVIL.example." },
		"role":           func(r *Report) { r.Roles = map[string]int64{"<b>": 1} },
		"many roles": func(r *Report) {
			r.Roles = map[string]int64{}
			for i := range MaxNames + 1 {
				r.Roles["r"+strings.Repeat("x", i)] = 1
			}
		},
		"negative": func(r *Report) { r.Ways = map[string]int64{"inbound": -1} },
	} {
		r := report(1, "10.0.0.1", 3)
		spoil(&r)
		if r.Check(now) == nil {
			t.Errorf("%s: %+v is taken", name, r)
		}
	}
}

// TestBounds: a book has an end, and so have the runs of one sighting; what was seen long ago is forgotten.
func TestBounds(t *testing.T) {
	var b Book
	for i := range MaxRuns {
		if _, err := b.Take(fmt.Sprint(i), report(1, "", 1)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Take("one more", report(1, "", 1)); err != ErrFull {
		t.Errorf("%v", err)
	}
	for i := b.Len(); i < MaxSightings; i++ {
		if _, err := b.Take("a", report(2, fmt.Sprint(i), 1)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Take("a", report(3, "", 1)); err != ErrFull {
		t.Errorf("%v", err)
	}
	if anew, err := b.Take("0", report(1, "", 2)); !anew || err != nil {
		t.Errorf("what is held already does not grow in a full book: %v %v", anew, err)
	}
	b.Made(report(1, "", 1).Key, "sighting--x")
	if s := b.All(func(s *Sighting) bool { return s.Made != "" }); len(s) != 1 || s[0].Runs != MaxRuns || s[0].Count.Count != MaxRuns+1 {
		t.Errorf("%+v", s)
	}
	b.Forget(hour.Add(2 * time.Minute))
	if b.Len() != MaxSightings {
		t.Errorf("%d are left", b.Len())
	}
	b.Forget(hour.Add(time.Hour))
	if b.Len() != 0 {
		t.Errorf("%d are left", b.Len())
	}
}
