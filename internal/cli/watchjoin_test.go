package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"runtime"
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

// toldLines is what a node answers: a head and lines.
func toldLines(t *testing.T, whole bool, lines ...node.WatchBucket) string {
	t.Helper()
	var out strings.Builder
	e := json.NewEncoder(&out)
	for _, v := range append([]any{node.WatchSetHead{Whole: whole}}, anys(lines)...) {
		if err := e.Encode(v); err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}

func anys(lines []node.WatchBucket) (out []any) {
	for _, b := range lines {
		out = append(out, b)
	}
	return out
}

// TestToldByIndicator: a line about one indicator takes the place of what it had in that bucket, and of nothing else.
func TestToldByIndicator(t *testing.T) {
	j := &joined{seed: watch.Seed{1, 2}, patterns: newWatchPatterns(nil), asked: map[int]map[string]bool{}}
	id := func(name string) string { return "indicator--" + uuid.NewSHA1(uuid.Nil, []byte(name)).String() }
	line := func(bucket int, narrow, of string, values ...string) node.WatchBucket {
		b := node.WatchBucket{Bucket: bucket, Indicator: narrow, Values: []node.WatchValue{}}
		for _, v := range values {
			if text, ok := strings.CutPrefix(v, "pattern "); ok {
				b.Patterns = append(b.Patterns, node.WatchPattern{Indicator: of, TLP: "clear", Pattern: "[domain-name:value = '" + text + "' AND domain-name:value = 'other.example']"})
				continue
			}
			b.Values = append(b.Values, node.WatchValue{Type: "domain", Value: v, Indicator: of, TLP: "clear", Confidence: -1})
		}
		return b
	}
	take := func(text string) error {
		taken, err := j.take(strings.NewReader(text))
		if err != nil {
			return err
		}
		return taken(&node.WatchSetResponse{Run: "a", Change: 1})
	}
	check := func(when string, patterns int, want ...string) {
		t.Helper()
		got := []string{}
		for ind := range j.live.Load().Since(nil) {
			got = append(got, ind.Value.Text)
		}
		if slices.Sort(got); !slices.Equal(got, want) || j.patterns.len() != patterns {
			t.Fatalf("%s: %q and %d patterns are looked for, want %q and %d", when, got, j.patterns.len(), want, patterns)
		}
	}
	a, b, c := id("a"), id("b"), id("c")
	both := line(1, "", a, "a1.example", "a2.example")
	both.Values = append(both.Values, line(1, "", b, "b1.example").Values...)
	if err := take(toldLines(t, true, both, line(2, "", a, "a3.example"), line(3, "", c, "pattern p.example"))); err != nil {
		t.Fatal(err)
	}
	check("whole", 1, "a1.example", "a2.example", "a3.example", "b1.example", "p.example")
	before := j.live.Load()
	if err := take(toldLines(t, false, line(1, a, a, "a1.example", "a4.example"), line(1, c, c, "pattern q.example"), line(7, b, b, "b2.example"))); err != nil {
		t.Fatal(err)
	}
	check("changed", 1, "a1.example", "a3.example", "a4.example", "b1.example", "b2.example", "p.example", "q.example") // c has a pattern in two buckets: one text is looked for
	for ind := range j.live.Load().Since(before) {
		if ind.Value.Text == "b1.example" || ind.Value.Text == "a3.example" {
			t.Errorf("%s came anew", ind.Value.Text)
		}
	}
	if err := take(toldLines(t, false, line(1, c, c), line(3, c, c), line(1, a, a), line(7, b, b), line(9, b, b))); err != nil {
		t.Fatal(err)
	}
	check("gone", 0, "a3.example", "b1.example")
	// The same twice: what came last counts.
	if err := take(toldLines(t, false, line(1, a, a, "a5.example"), line(1, a, a, "a6.example"))); err != nil {
		t.Fatal(err)
	}
	check("twice", 0, "a3.example", "a6.example", "b1.example")

	for name, text := range map[string]string{
		"another is named":              toldLines(t, false, line(1, a, b, "x.example")),
		"a pattern of another is named": toldLines(t, false, line(1, a, b, "pattern x.example")),
		"no indicator":                  toldLines(t, false, line(1, "x", a, "x.example")),
		"a part of a whole":             toldLines(t, true, line(1, a, a, "x.example")),
		"a bucket and a part of it":     toldLines(t, false, line(1, "", a, "x.example"), line(1, a, a, "x.example")),
	} {
		if err := take(text); err == nil {
			t.Errorf("%s: it was taken", name)
		}
	}
	check("what cannot be read", 0, "a3.example", "a6.example", "b1.example")
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
	big := make([]string, bucketsAtOnce)
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

// TestToldIsBounded: what says nothing is refused before there is an element for each of its few bytes.
func TestToldIsBounded(t *testing.T) {
	const n = 1 << 20
	nothing, texts := strings.Repeat("{},", n)+"{}", strings.Repeat(`"",`, n)+`""`
	for _, text := range []string{
		`{"whole":true,"mark":"m","assets":[{"id":"a","names":[` + texts + `]}]}`,
		`{"whole":true}` + "\n" + `{"bucket":1,"values":[{"type":"domain","value":"a.example","indicator":"indicator--00000000-0000-4000-8000-000000000001","places":[` + texts + `]}]}`,
		`{"whole":true,"mark":"m","assets":[` + nothing + `]}`,
		`{"whole":true}` + "\n" + `{"bucket":1,"values":[` + nothing + `]}`,
		`{"whole":true}` + "\n" + `{"bucket":1,"values":[` + strings.ReplaceAll(nothing, "{}", "null") + `]}`,
		`{"whole":true}` + "\n" + `{"bucket":1,"values":[],"patterns":[` + nothing + `]}`,
	} {
		j := &joined{seed: watch.Seed{1, 2}, patterns: newWatchPatterns(nil), asked: map[int]map[string]bool{}}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := j.take(strings.NewReader(text))
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%.60s was taken", text)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 12*uint64(len(text)) {
			t.Errorf("%.60s: %d bytes are allocated for %d", text, took, len(text))
		}
	}
}

// FuzzTold: whatever a node answers, to a watcher that has nothing or has a set: it is taken in or refused, and what is in force can be asked.
func FuzzTold(f *testing.F) {
	const id = "indicator--00000000-0000-4000-8000-000000000001"
	for _, text := range []string{
		`{"whole":true,"mark":"m","assets":[{"id":"a","names":["a.example"],"prefixes":["192.0.2.0/24"]}]}` + "\n" +
			`{"bucket":1,"values":[{"type":"domain","value":"a.example","indicator":"` + id + `","tlp":"clear","confidence":-1}],"patterns":[{"pattern":"[domain-name:value = 'b.example' AND domain-name:value = 'c.example']","indicator":"` + id + `","tlp":""}]}`,
		`{"whole":false}` + "\n" + `{"bucket":1,"indicator":"` + id + `","values":[{"type":"ipv4","value":"192.0.2.1","indicator":"` + id + `","tlp":"","valid_until":"2026-01-01T00:00:00Z"}]}` + "\n" + `{"bucket":1,"indicator":"` + id + `","values":[]}`,
		`{"whole":false}` + "\n" + `{"bucket":4095,"values":[]}` + "\n" + `{"bucket":4096,"values":[]}`,
		`{"whole":false}` + "\n" + `{"bucket":-1}`, "{}", "", "\n", "[]", `{"whole":true}` + "\n" + `{"bucket":1,"indicator":"x"}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, has := range []bool{false, true} {
			j := &joined{seed: watch.Seed{1, 2}, patterns: newWatchPatterns(nil), asked: map[int]map[string]bool{}}
			take := func(text string) error {
				taken, err := j.take(strings.NewReader(text))
				if err != nil {
					return err
				}
				return taken(&node.WatchSetResponse{Run: "a", Change: 1})
			}
			if has {
				if err := take(`{"whole":true}` + "\n" + `{"bucket":1,"values":[{"type":"domain","value":"old.example","indicator":"` + id + `","tlp":"clear","confidence":-1}]}`); err != nil {
					t.Fatal(err)
				}
			}
			err := take(text)
			if j.live == nil {
				if err == nil {
					t.Error("nothing is in force, and nothing was wrong")
				}
				continue
			}
			for ind := range j.live.Load().Since(nil) {
				if ind.ID == "" {
					t.Errorf("%+v", ind)
				}
			}
		}
	})
}
