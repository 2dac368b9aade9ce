package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"entente/internal/node"
	"entente/internal/observable"
	"entente/internal/watch"
	"entente/internal/watch/seen"
)

// TestMachineName: whatever a machine is called in a log, a node takes what is reported of it.
func TestMachineName(t *testing.T) {
	for _, host := range []string{"", "10.0.0.1", "bad\xffname", strings.Repeat("x", 300), strings.Repeat("é", 200), "\xff" + strings.Repeat("ю", 500)} {
		r := seen.Report{Key: seen.Key{Indicator: "indicator--00000000-0000-4000-8000-000000000001", Value: observable.Value{Type: observable.Domain, Text: "evil.example"}, Host: machineName(host)}, Count: seen.Count{Count: 1}}
		if err := r.Check(time.Now()); err != nil {
			t.Errorf("%.20q: %v", host, err)
		}
	}
}

// TestToldAgain: a node that was started again tells its whole set, and what of it is as it was stays where it is: nothing is copied. What it does not
// tell any more is not looked for, and a bucket that was told counts although the answer breaks off behind it.
func TestToldAgain(t *testing.T) {
	j := &joined{seed: watch.Seed{1, 2}, patterns: newWatchPatterns(nil), asked: map[int]map[string]bool{}}
	id := func(name string) string { return "indicator--" + uuid.NewSHA1(uuid.Nil, []byte(name)).String() }
	answer := func(whole bool, buckets map[int][]string) string {
		var out strings.Builder
		e := json.NewEncoder(&out)
		if err := e.Encode(node.WatchSetHead{Whole: whole}); err != nil {
			t.Fatal(err)
		}
		for _, bucket := range slices.Sorted(maps.Keys(buckets)) {
			b := node.WatchBucket{Bucket: bucket, Values: []node.WatchValue{}}
			for _, name := range buckets[bucket] {
				if text, ok := strings.CutPrefix(name, "pattern "); ok {
					b.Patterns = append(b.Patterns, node.WatchPattern{Indicator: id(text), TLP: "TLP:AMBER", Pattern: "[domain-name:value = '" + text + "' AND domain-name:value = 'other.example']"})
					continue
				}
				b.Values = append(b.Values, node.WatchValue{Type: "domain", Value: name, Indicator: id(name), TLP: "TLP:AMBER", Confidence: -1})
			}
			if err := e.Encode(b); err != nil {
				t.Fatal(err)
			}
		}
		return out.String()
	}
	take := func(text string) error {
		taken, err := j.take(strings.NewReader(text))
		if err != nil {
			return err
		}
		return taken(&node.WatchSetResponse{Run: "a", Change: 1})
	}
	check := func(when string, want ...string) {
		t.Helper()
		got := []string{}
		for ind := range j.live.Load().Since(nil) {
			got = append(got, ind.Value.Text)
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Fatalf("%s: %q is looked for, want %q", when, got, want)
		}
	}
	if err := take(answer(false, map[int][]string{1: {"a.example"}})); err == nil {
		t.Fatal("what changed was taken for all")
	}
	var many []string
	for i := range 40 {
		many = append(many, fmt.Sprintf("m%d.example", i))
	}
	slices.Sort(many)
	first := map[int][]string{1: {"a.example", "b.example"}, 2: {"c.example"}, 3: {"pattern x.example"}, 4095: many}
	if err := take(answer(true, first)); err != nil {
		t.Fatal(err)
	}
	all := slices.Concat([]string{"a.example", "b.example", "c.example"}, many, []string{"x.example"}) // one value of a pattern is enough to find the lines
	check("at first", all...)
	before := j.live.Load()
	if err := take(answer(true, first)); err != nil {
		t.Fatal(err)
	}
	check("told again", all...)
	for ind := range j.live.Load().Since(before) {
		t.Errorf("%s came anew", ind.Value.Text)
	}
	if n := j.patterns.len(); n != 1 {
		t.Errorf("%d patterns", n)
	}

	// b.example is gone, c.example has another bucket, the pattern's bucket is told no more.
	if err := take(answer(true, map[int][]string{1: {"a.example", "d.example"}, 5: {"c.example"}, 4095: many})); err != nil {
		t.Fatal(err)
	}
	check("another set", slices.Concat([]string{"a.example", "c.example", "d.example"}, many)...)
	if n := j.patterns.len(); n != 0 {
		t.Errorf("%d patterns", n)
	}

	// An answer that breaks off: what was not told stays.
	big := make([]string, changesAtOnce)
	for i := range big {
		big[i] = fmt.Sprintf("big%05d.example", i)
	}
	text := answer(true, map[int][]string{1: big, 5: {"e.example"}})
	if err := take(text[:len(text)-10]); err == nil {
		t.Fatal("an answer that breaks off was taken")
	}
	check("broken off", slices.Concat(big, []string{"c.example"}, many)...)
	if err := take(text); err != nil {
		t.Fatal(err)
	}
	check("whole", slices.Concat(big, []string{"e.example"})...)
}
