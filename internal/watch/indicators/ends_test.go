package indicators

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/internal/observable"
	"entente/internal/watch"
	"entente/internal/watch/record"
)

// TestRowsEnd: what a row of a table says until when it is valid is found in what happened before, and not after. What a list says twice is valid whenever either says so, and what STIX says
// of the same indicator stays.
func TestRowsEnd(t *testing.T) {
	const head = "value,valid_until,first_seen\n"
	id := func(value string) string {
		return Options{Name: "list"}.drafter().IndicatorID(observable.Value{Type: observable.Domain, Text: value})
	}
	taken := func(value, more string) string {
		return `{"type":"indicator","spec_version":"2.1","id":"` + id(value) + `","created":"2024-01-01T00:00:00Z","modified":"2030-01-01T00:00:00Z","pattern":"[domain-name:value = '` + value + `']","pattern_type":"stix","valid_from":"2024-01-01T00:00:00Z"` + more + "}\n"
	}
	for name, c := range map[string]struct {
		files      []string
		begins     bool
		past, then []string // found in 2023, and in 2026
		expired    int
	}{
		"an end":             {files: []string{head + "a.example,2024-05-01,\nb.example,,\n"}, past: []string{"a.example", "b.example"}, then: []string{"b.example"}, expired: 1},
		"an end to come":     {files: []string{head + "a.example,2040-05-01,\n"}, past: []string{"a.example"}, then: []string{"a.example"}},
		"a beginning":        {files: []string{head + "a.example,,2025-01-01\nb.example,2025-06-01,2024-01-01\n"}, begins: true, then: []string{"a.example"}},
		"twice":              {files: []string{head + "a.example,2024-05-01,\na.example,,\nb.example,,\nb.example,2024-05-01,\nc.example,2024-05-01,\nc.example,2024-06-01,\n"}, past: []string{"a.example", "b.example", "c.example"}, then: []string{"a.example", "b.example"}, expired: 4},
		"twice, begun":       {files: []string{head + "a.example,2024-05-01,2020-01-01\na.example,,2024-01-01\n"}, begins: true, past: []string{"a.example"}, then: []string{"a.example"}, expired: 1},
		"twice, behind STIX": {files: []string{head + "a.example,2024-05-01,\n", taken("x.example", ""), head + "a.example,,\nb.example,2024-05-01,\nb.example,,\n"}, past: []string{"a.example", "b.example", "x.example"}, then: []string{"a.example", "b.example", "x.example"}, expired: 2},
		"STIX takes it back": {files: []string{head + "a.example,2024-05-01,\n", taken("a.example", `,"revoked":true`), head + "a.example,,\n"}, expired: 1},
		"no pattern":         {files: []string{head + "ja3:e7d705a3286e19ea42f587b344ee6865,2024-05-01,\nja3:e7d705a3286e19ea42f587b344ee6866,2024-05-01,\nja3:e7d705a3286e19ea42f587b344ee6866,,\n"}, expired: 2},
	} {
		s, expired := New(watch.Seed{1, 2}), 0
		for _, f := range c.files {
			rep, err := s.Read(strings.NewReader(f), Options{Name: "list", Now: now, FromValidity: c.begins})
			if err != nil || rep.Bad > 0 {
				t.Fatalf("%s: %+v %v", name, rep, err)
			}
			expired += rep.Expired
		}
		live, err := s.Compile()
		if err != nil {
			t.Fatal(name, err)
		}
		found := func(at time.Time) (out []string) {
			for _, v := range []string{"a.example", "b.example", "c.example", "x.example"} {
				n := 0
				live.Load().Match(record.Field{Type: observable.Domain, Text: v}, at, func(watch.Hit) { n++ })
				if n > 1 {
					t.Errorf("%s: %s is there %d times", name, v, n)
				}
				if n > 0 {
					out = append(out, v)
				}
			}
			return out
		}
		past, then := found(time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC)), found(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
		if !slices.Equal(past, c.past) || !slices.Equal(then, c.then) || expired != c.expired {
			t.Errorf("%s: %q before and %q now, %d over; want %q, %q, %d", name, past, then, expired, c.past, c.then, c.expired)
		}
		if name == "no pattern" {
			if got := fmt.Sprint(live.Load().Len()); got != "2" {
				t.Errorf("%s: %s values", name, got)
			}
		}
	}
}
