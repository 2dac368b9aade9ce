package pattern

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// events makes n observations of one object each, step apart.
func events(n int, step time.Duration, object func(i int) Object) []Observed {
	out := make([]Observed, n)
	for i := range out {
		at := time.Unix(1_700_000_000, 0).Add(time.Duration(i) * step).UTC()
		out[i] = Observed{First: at, Last: at, Count: 1, Objects: []Object{object(i)}}
	}
	return out
}

func person(i int) Object { return MapObject{"type": "p", "n": i, "x": "x"} }

// TestBudgetIsEnough: what looks like an explosion is answered.
func TestBudgetIsEnough(t *testing.T) {
	join := func(n int, s, sep string) string { return strings.TrimSuffix(strings.Repeat(s+sep, n), sep) }
	many := events(1, 0, person)
	many[0].Count = MaxNumber
	for _, x := range []struct {
		name     string
		pattern  string
		observed []Observed
		want     bool
		steps    int
	}{
		{"ten parts share nine observations", join(10, "[p:x='x']", " AND "), events(9, 0, person), false, 200_000},
		{"ten parts share ten observations", join(10, "[p:x='x']", " AND "), events(10, 0, person), true, 1000},
		{"a thousand parts", join(1000, "[p:x='x']", " AND "), events(1000, 0, person), true, 5_000_000},
		{"a repetition in a window that has one too few", "[p:x='x'] REPEATS 31 TIMES WITHIN 29 SECONDS", events(5000, time.Second, person), false, 1_000_000},
		{"a repetition in a window that has enough", "[p:n>=4000] REPEATS 30 TIMES WITHIN 29 SECONDS", events(5000, time.Second, person), true, 100_000},
		{"a long repetition", "[p:x='x'] REPEATS 20000 TIMES", events(20_000, time.Second, person), true, 1_000_000},
		{"a repetition of many observed at once", fmt.Sprintf("[p:x='x'] REPEATS %d TIMES", MaxNumber), many, true, 100},
		{"one more than were observed", fmt.Sprintf("[p:x='x'] REPEATS %d TIMES AND [p:x='x']", MaxNumber), many, false, 100},
		{"a pair in a short window", "([p:n<5000] AND [p:n>5000]) WITHIN 1 SECONDS", events(10_000, time.Second, person), false, 5_000_000},
		{"an order that is never", "[p:n=9999] FOLLOWEDBY [p:n<5000]", events(10_000, time.Second, person), false, 200_000},
		{"nested repetitions", "(([p:x='x'] REPEATS 3 TIMES FOLLOWEDBY [p:x='x']) REPEATS 4 TIMES) WITHIN 60 SECONDS", events(16, time.Second, person), true, 200_000},
		{"part of it is never", "[p:x='x'] REPEATS 10 TIMES WITHIN 20 SECONDS AND [p:x='y']", events(1000, time.Second, person), false, 100_000},
	} {
		t.Run(x.name, func(t *testing.T) {
			p, err := Compile(x.pattern)
			if err != nil {
				t.Fatal(err)
			}
			r, err := p.Match(x.observed)
			if err != nil || r.Matched != x.want || r.Steps > x.steps {
				t.Errorf("%v in %d steps, %v", r.Matched, r.Steps, err)
			}
			if r.Matched && len(x.observed) < 100 {
				verify(t, p, x.observed, r)
			}
			if _, err := p.MatchWithin(x.observed, r.Steps); err != nil {
				t.Errorf("the steps it took are not enough: %v", err)
			}
			var b *BudgetError
			if r, err := p.MatchWithin(x.observed, r.Steps-1); !errors.As(err, &b) || b.Chosen || r.Matched || r.Steps != b.Steps {
				t.Errorf("with one step less: %+v, %v", r, err)
			}
		})
	}
}

// TestBudgetEnds: what does explode ends at the budget, with a typed error.
func TestBudgetEnds(t *testing.T) {
	var parts []string
	for i := range 24 { // parts that only some can share, in windows of which none has room
		parts = append(parts, fmt.Sprintf("([p:n!=%d] FOLLOWEDBY [p:n!=%d])", i, i+1))
	}
	long := events(1, 0, func(int) Object { return MapObject{"type": "p", "x": strings.Repeat("ab", 1<<20)} })
	for _, x := range []struct {
		pattern  string
		observed []Observed
		chosen   bool
	}{
		{"(" + strings.Join(parts, " AND ") + ") WITHIN 46 SECONDS", events(60, time.Second, person), false},
		{"[p:x MATCHES '(a|b){500}c']", long, false},
		{"[p:x LIKE '%" + strings.Repeat("ab_", 300) + "c%']", long, false},
		{"[p:x='x'] REPEATS 40000 TIMES", events(40_000, time.Second, person), true},
	} {
		p, err := Compile(x.pattern)
		if err != nil {
			t.Fatal(err)
		}
		const budget = 2_000_000
		r, err := p.MatchWithin(x.observed, budget)
		var b *BudgetError
		if !errors.As(err, &b) || !errors.Is(err, ErrBudget) || b.Steps != budget || b.Chosen != x.chosen || r.Matched || r.Steps > budget {
			t.Errorf("%.60s: %+v, %v", x.pattern, r, err)
		}
	}
}

// TestExplodingPatterns: long and deep patterns are read or refused, whatever they
// are made of.
func TestExplodingPatterns(t *testing.T) {
	fill := func(s string) string { return strings.Repeat(s, MaxBytes/len(s)) }
	for name, text := range map[string]string{
		"parentheses":    fill("("),
		"brackets":       fill("["),
		"both":           fill("(["),
		"comparisons":    "[" + fill("a:b=1 OR ")[:MaxBytes-10],
		"observations":   fill("[a:b=1]OR"),
		"types":          "[" + strings.TrimSuffix(strings.Repeat("(a:b=1 OR b:b=1) AND ", MaxAtoms/2), " AND ") + "]",
		"keys":           "[a" + fill(":a"),
		"path":           "[a:a" + fill(".a")[:MaxBytes-4],
		"qualifiers":     "[a:b=1]" + fill(" WITHIN 5 SECONDS")[:MaxBytes-100],
		"set":            "[a:b IN (" + fill("1,")[:MaxBytes-100],
		"comments":       fill("/**/"),
		"comment":        "/*" + fill("/")[:MaxBytes-2],
		"digits":         "[a:b=" + fill("9")[:MaxBytes-6] + "]",
		"escapes":        "[a:b='" + fill(`\\`)[:MaxBytes-8] + "']",
		"expressions":    "[" + strings.TrimSuffix(strings.Repeat("a:b MATCHES 'x{1000}' OR ", 40_000), " OR ") + "]",
		"nested repeats": "[a:b MATCHES '" + strings.Repeat("(", 30) + "x" + strings.Repeat("{2}){2}", 30) + "']",
		"invalid UTF-8":  fill("[a:b='\xff'] OR "),
	} {
		tree, err := Parse(text)
		if err == nil {
			tree.Check()
			if _, err := Parse(tree.String()); err != nil && len(tree.String()) <= MaxBytes {
				t.Errorf("%s: %v", name, err)
			}
			_, err = Compile(text)
		}
		if e := (*Error)(nil); err != nil && !errors.As(err, &e) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && len(err.Error()) > 1<<20 {
			t.Errorf("%s: an error of %d bytes", name, len(err.Error()))
		}
	}
}
