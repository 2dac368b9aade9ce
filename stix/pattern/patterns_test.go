package pattern

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// patternCase is a line of testdata/patterns.txt.
type patternCase struct{ rule, faults, pattern string }

func patternCases(t testing.TB) (out []patternCase) {
	text, err := os.ReadFile("testdata/patterns.txt")
	if err != nil {
		t.Fatal(err)
	}
	rule := ""
	for line := range strings.Lines(string(text)) {
		verb, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch verb {
		case "", "#":
		case "rule":
			rule = rest
		default:
			if strings.HasPrefix(rest, `"`) {
				if rest, err = strconv.Unquote(rest); err != nil {
					t.Fatalf("%s: %v", line, err)
				}
			}
			out = append(out, patternCase{rule, verb, rest})
		}
	}
	return out
}

func TestPatternTable(t *testing.T) {
	cases := patternCases(t)
	if len(cases) < 200 {
		t.Fatalf("only %d cases", len(cases))
	}
	for _, x := range cases {
		tree, err := Parse(x.pattern)
		var faults []*Error
		if e := (*Error)(nil); errors.As(err, &e) {
			faults = []*Error{e}
			if r := e.Rule; r != RuleSyntax && r != RuleLiteral && r != RuleQualifier && r != RuleLimit || !errors.Is(err, ErrPattern) {
				t.Errorf("%s: Parse reports %v", x.pattern, err)
			}
		} else if err != nil {
			t.Fatal(err)
		} else {
			faults = tree.Check()
		}
		var got []string
		for _, e := range faults {
			got = append(got, fmt.Sprintf("%v@%d", e.Rule, e.Offset))
			if e.Expected == "" || e.Found == "" || e.Line == 0 || e.Column == 0 {
				t.Errorf("%s: a poor error: %v", x.pattern, e)
			}
		}
		if got == nil {
			got = []string{"ok"}
		}
		if have := strings.Join(got, ","); have != x.faults {
			t.Errorf("%s\n has %s, want %s, because %s; %v", x.pattern, have, x.faults, x.rule, faults)
		}
		if err != nil {
			continue
		}
		// Compile refuses what is more than futile.
		_, err = Compile(x.pattern)
		refuse := false
		for _, e := range faults {
			refuse = refuse || e.Rule.Degree() != Futile
		}
		if (err != nil) != refuse {
			t.Errorf("%s: Compile says %v", x.pattern, err)
		}
	}
}
