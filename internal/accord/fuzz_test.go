package accord

import (
	"bytes"
	"errors"
	"testing"
)

// FuzzParse feeds any text to Parse and Canonical: no panic, and whatever is accepted has a canonical
// text that is a fixed point, loads, hashes to itself and is the same document.
func FuzzParse(f *testing.F) {
	f.Add(Example("complete"))
	f.Add(Example("minimal"))
	if canonical, err := Canonical(Example("minimal")); err == nil {
		f.Add(canonical)
	}
	for _, s := range []string{"", "{", "a: [", "- - - x", "? a\n: b", "a: &x 1\nb: *x", "a: |\n  b\n c", "---\n...\n---\n", "\"\\u202e\": 1", "a: 1e9", "{\"a\":1e999999999}", "%YAML 1.2\n---\na: 1", "a:\n\t- b", "<<: {a: 1}", "a: 'x\n\n y'"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		doc, problems, err := Parse(text)
		if err != nil {
			if doc != nil || len(problems) == 0 || !errors.Is(err, ErrInvalid) {
				t.Fatalf("refused without saying why: %v, %v", err, problems)
			}
			return
		}
		canonical, err := Canonical(text)
		if err != nil {
			t.Fatalf("Parse accepts what Canonical refuses: %v", err)
		}
		again, err := Load(canonical)
		if err != nil {
			t.Fatalf("the canonical text does not load: %v", err)
		}
		twice, err := again.JSON()
		if err != nil || !bytes.Equal(canonical, twice) || HashOf(canonical) != HashOf(twice) {
			t.Fatalf("not a fixed point (%v):\n%s\n%s", err, canonical, twice)
		}
		if changes := Diff(doc, again); len(changes) != 0 {
			t.Fatalf("not the same document: %v", changes)
		}
		act := lawful()
		act.Author, act.Recipients = doc.Parties()[0], nil
		if d := Decide(Situation{Accord: doc}, act); d.Clause == "" || d.Code == "" {
			t.Fatalf("no decision: %+v", d)
		}
	})
}

// FuzzRulesApply feeds any content and any path: no panic; what comes back is JSON, and applying
// the rules to it again drops nothing more.
func FuzzRulesApply(f *testing.F) {
	f.Add([]byte(`{"type":"identity","contact_information":"x","l":[{"a":1},2]}`), "$..a", uint8(0))
	f.Add([]byte(`{ "a" : { "b" : "2026-01-01T00:00:00Z" } , "a2":null}`), "$.a.b", uint8(3))
	f.Add([]byte(`{"v":"198.51.100.7","n":1.5}`), "$.*", uint8(3))
	f.Add([]byte(`{"v":"\ud83d\ude00"}`), "$['v']", uint8(2))
	f.Add([]byte(`[1]`), "$..*..*", uint8(1))
	f.Fuzz(func(t *testing.T, raw []byte, path string, action uint8) {
		r := FieldRule{Clause: Clause{ID: "F"}, Path: path, Mask: "-", Action: []string{"drop", "mask", "hash", "coarsen"}[action%4],
			Coarsen: Coarsen{Time: "day", IPv4: 24, IPv6: 48, Numbers: true, Digits: int(action%5) - 2}}
		in := bytes.Clone(raw)
		out, changed, err := Rules{r}.Apply(raw)
		if !bytes.Equal(in, raw) {
			t.Fatal("the input was changed")
		}
		if err != nil {
			if out != nil || !errors.Is(err, ErrRule) {
				t.Fatalf("%s, %v", out, err)
			}
			return
		}
		if len(changed) == 0 && !bytes.Equal(in, out) {
			t.Fatalf("changed without saying so: %s", out)
		}
		root, err := readJSON(out, bounds{size: 1 << 30, depth: 100, nodes: 1 << 30})
		if err != nil {
			t.Fatalf("no longer JSON: %s: %v", out, err)
		}
		if r.Action == "hash" || root.kind != '{' {
			return
		}
		if twice, again, err := (Rules{r}).Apply(out); err != nil || len(again) != 0 || !bytes.Equal(out, twice) {
			t.Fatalf("a second time %s became %s (%v, %v)", out, twice, again, err)
		}
	})
}

// FuzzDuration feeds any text: what is accepted is in bounds.
func FuzzDuration(f *testing.F) {
	for _, s := range []string{"PT8H", "P1Y2M3W4DT5H6M7S", "P", "PT", "P-1D", "P99999999999D"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		span, err := Duration(s).Span()
		if err == nil && (span.Months < 0 || span.Days < 0 || span.Clock < 0 || span.Approx() > maxSpan) {
			t.Fatalf("%q is %+v", s, span)
		}
	})
}
