package pattern

import (
	"errors"
	"strconv"
	"strings"
	"testing"
)

// TestLimits reaches the bounds of docs/limits.md.
func TestLimits(t *testing.T) {
	parse := func(text string) error {
		_, err := Parse(text)
		if e := (*Error)(nil); err != nil && (!errors.As(err, &e) || e.Rule != RuleLimit) {
			t.Errorf("%.60s: %v is of another rule", text, err)
		}
		return err
	}
	join := func(n int, s, sep string) string { return strings.TrimSuffix(strings.Repeat(s+sep, n), sep) }
	comparisons := func(n int) error { return parse("[" + join(n, "a:b = 1", " OR ") + "]") }
	set := func(n int) error { return parse("[a:b IN (" + join(n, "1", ",") + ")]") }
	parentheses := func(n int) error {
		return parse(strings.Repeat("(", n-1) + "[(a:b=1)]" + strings.Repeat(")", n-1))
	}
	steps := func(n int) error { return parse("[a:b" + strings.Repeat(".c", n-1) + "=1]") }
	qualifiers := func(n int) error { return parse("([a:b=1])" + strings.Repeat(" WITHIN 5 SECONDS", n)) }
	size := func(n int) error { return parse("[a:b='" + strings.Repeat("x", n-len("[a:b='']")) + "']") }
	times := func(n int) error { return parse("[a:b=1] REPEATS " + strconv.Itoa(n) + " TIMES") }
	index := func(n int) error { return parse("[a:b[" + strconv.Itoa(n) + "]=1]") }
	check := func(text string) error {
		tree, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range tree.Check() {
			err = errors.Join(err, e)
		}
		return err
	}
	long := func(n int) error { return check("[a:b MATCHES '" + strings.Repeat("x", n) + "']") }
	many := func(n int) error { return check("[" + join(n, "a:b MATCHES 'x{999}'", " OR ") + "]") }
	faults := func(n int) error { // counts what is listed, and finds the one that matters
		tree, err := Parse("[" + join(n, "a:b[-1] = 1", " OR ") + " OR a:b = t'2024-02-30T00:00:00Z']")
		if err != nil {
			t.Fatal(err)
		}
		listed := tree.Check()
		if last := listed[len(listed)-1]; last.Rule != RuleDate {
			t.Errorf("after %d faults: the last is %v", n, last)
		}
		if len(listed) != n+1 {
			return errors.New("not all are listed")
		}
		return nil
	}
	for _, x := range []struct {
		limit          string
		within, beyond error
	}{
		{"MaxAtoms", comparisons(MaxAtoms), comparisons(MaxAtoms + 1)},
		{"MaxAtoms", set(MaxAtoms), set(MaxAtoms + 1)},
		{"MaxDepth", parentheses(MaxDepth), parentheses(MaxDepth + 1)},
		{"MaxDepth", steps(MaxDepth), steps(MaxDepth + 1)},
		{"MaxDepth", qualifiers(MaxDepth), qualifiers(MaxDepth + 1)},
		{"MaxBytes", size(MaxBytes), size(MaxBytes + 1)},
		{"MaxNumber", times(MaxNumber), times(MaxNumber + 1)},
		{"MaxNumber", index(MaxNumber), index(MaxNumber + 1)},
		{"MaxFaults", faults(MaxFaults), faults(MaxFaults + 1)},
		{"MaxRegexpBytes", long(MaxRegexpBytes), long(MaxRegexpBytes + 1)},
		{"MaxRegexpSize", many(MaxRegexpSize / 2001), many(MaxRegexpSize/2001 + 2)},
	} {
		if x.within != nil || x.beyond == nil {
			t.Errorf("%s: within it %v, beyond it %v", x.limit, x.within, x.beyond)
		}
	}
}
