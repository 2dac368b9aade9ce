package pattern

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// observedSets reads testdata/observed.json.
func observedSets(t testing.TB) map[string][]Observed {
	text, err := os.ReadFile("testdata/observed.json")
	if err != nil {
		t.Fatal(err)
	}
	var sets map[string][]struct {
		First   time.Time        `json:"first_observed"`
		Last    time.Time        `json:"last_observed"`
		Count   int              `json:"number_observed"`
		Objects []map[string]any `json:"objects"`
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&sets); err != nil {
		t.Fatal(err)
	}
	out := map[string][]Observed{}
	for name, set := range sets {
		for _, x := range set {
			o := Observed{First: x.First, Last: x.Last, Count: x.Count}
			for _, m := range x.Objects {
				o.Objects = append(o.Objects, MapObject(m))
			}
			out[name] = append(out[name], o)
		}
	}
	return out
}

// matchCase is a line of testdata/match.txt.
type matchCase struct{ data, rule, verdict, pattern string }

func matchCases(t testing.TB) (out []matchCase) {
	text, err := os.ReadFile("testdata/match.txt")
	if err != nil {
		t.Fatal(err)
	}
	var data, rule string
	for line := range strings.Lines(string(text)) {
		verb, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch verb {
		case "", "#":
		case "data":
			data = rest
		case "rule":
			rule = rest
		case "yes", "no", "refused":
			if rest[0] == '"' {
				if rest, err = strconv.Unquote(rest); err != nil {
					t.Fatalf("%s: %v", line, err)
				}
			}
			out = append(out, matchCase{data, rule, verb, rest})
		default:
			t.Fatalf("a line that is none: %s", line)
		}
	}
	return out
}

func TestMatchTable(t *testing.T) {
	sets := observedSets(t)
	cases := matchCases(t)
	if len(cases) < 400 {
		t.Fatalf("only %d cases", len(cases))
	}
	for _, x := range cases {
		observed, ok := sets[x.data]
		if !ok {
			t.Fatalf("no data %q", x.data)
		}
		got := "no"
		p, err := Compile(x.pattern)
		if err != nil {
			got = "refused"
			if e := (*Error)(nil); !errors.As(err, &e) {
				t.Errorf("%s: %v is not typed", x.pattern, err)
			}
		} else {
			r, merr := p.Match(observed)
			if err = merr; err != nil {
				got = "error"
			} else if r.Matched {
				got = "yes"
				verify(t, p, observed, r)
			}
		}
		if got != x.verdict {
			t.Errorf("%s: %s (%v), want %s, because %s", x.pattern, got, err, x.verdict, x.rule)
		}
	}
}

// verify checks what every match has to have: no observation is chosen more often
// than it was seen, and the parts that were chosen for hold of what was chosen.
func verify(t testing.TB, p *Pattern, observed []Observed, r Result) {
	t.Helper()
	used := map[int]int{}
	var parts []*Observation
	p.tree.walk(func(o *Observation) { parts = append(parts, o) })
	for _, c := range r.Chosen {
		used[c.Observed] += c.Count
		part, err := (&compiler{}).expr(parts[c.Part])
		if err != nil || c.Count < 1 {
			t.Fatal(c, err)
		}
		if e := (evaluator{observed: observed, limit: DefaultSteps}); !e.holds(part.leaf, c.Observed) {
			t.Errorf("%s: observation %d was chosen for part %d, which it does not satisfy", p, c.Observed, c.Part)
		}
	}
	for i, n := range used {
		if n > max(1, observed[i].Count) {
			t.Errorf("%s: observation %d was chosen %d times", p, i, n)
		}
	}
	if len(used) == 0 || len(r.Observed()) != len(used) {
		t.Errorf("%s: chosen %v, listed %v", p, r.Chosen, r.Observed())
	}
}
