package pattern

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func addPatterns(f *testing.F) {
	for _, x := range patternCases(f) {
		f.Add(x.pattern)
	}
}

// FuzzParse: reading never panics, errors have a place, and what was read has atoms
// at their places. Space around a pattern means nothing.
func FuzzParse(f *testing.F) {
	addPatterns(f)
	f.Fuzz(func(t *testing.T, text string) {
		tree, err := Parse(text)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || !errors.Is(err, ErrPattern) || e.Offset < 0 || e.Offset > len(text) || e.Line < 1 || e.Column < 1 ||
				e.Expected == "" || e.Found == "" || !utf8.ValidString(err.Error()) {
				t.Fatalf("a poor error: %v", err)
			}
			return
		}
		atoms := tree.Atoms()
		if len(atoms) == 0 {
			t.Fatal("a pattern without a comparison")
		}
		for i, a := range atoms {
			if a.ObjectType == "" || a.Op == "" || a.Offset >= len(text) || i > 0 && a.Offset <= atoms[i-1].Offset ||
				!strings.HasPrefix(text[a.Offset:], a.ObjectType) && a.Op != OpExists {
				t.Fatalf("a poor comparison: %+v", a)
			}
		}
		for _, e := range tree.Check() {
			if e.Offset >= len(text) || e.Error() == "" {
				t.Fatalf("a poor fault: %v", e)
			}
		}
		if again, err := Parse("\n" + text + "\n"); err != nil || len(again.Atoms()) != len(atoms) {
			if len(text)+2 <= MaxBytes {
				t.Fatalf("space matters: %v", err)
			}
		}
	})
}

// FuzzCanonical: the canonical form reads as the same tree and is its own canonical
// form.
func FuzzCanonical(f *testing.F) {
	addPatterns(f)
	f.Fuzz(func(t *testing.T, text string) {
		if tree, err := Parse(text); err == nil {
			roundTrip(t, tree)
		}
	})
}

// FuzzMatch: a match keeps to its budget, and what it chose satisfies its parts.
func FuzzMatch(f *testing.F) {
	sets := observedSets(f)
	names := sortedKeys(sets)
	for i, x := range matchCases(f) {
		f.Add(x.pattern, uint8(i%len(names)), uint16(i))
	}
	f.Fuzz(func(t *testing.T, text string, set uint8, counts uint16) {
		p, err := Compile(text)
		if err != nil {
			if !errors.Is(err, ErrPattern) && !errors.Is(err, ErrUnsupported) {
				t.Fatalf("a poor error: %v", err)
			}
			return
		}
		var observed []Observed
		for i, o := range sets[names[int(set)%len(names)]] {
			o.Count = int(counts >> (i % 16) & 3)
			o.Last = o.Last.Add(time.Duration(counts>>(i%13)&7) * time.Second)
			observed = append(observed, o)
		}
		const budget = 100_000
		r, err := p.MatchWithin(observed, budget)
		if r.Steps > budget || err != nil && (!errors.Is(err, ErrBudget) || r.Matched) {
			t.Fatalf("%d steps, %v", r.Steps, err)
		}
		if r.Matched {
			verify(t, p, observed, r)
			// More observations, and a larger budget, take no match away.
			more := append(append([]Observed{}, observed...), observed...)
			if again, err := p.MatchWithin(more, 10*budget); err == nil && !again.Matched {
				t.Fatalf("%s: no match with more observations", p)
			}
		}
	})
}
