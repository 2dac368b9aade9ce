package pattern

import (
	"strings"
	"testing"
)

// TestLimits reaches the bounds of docs/limits.md.
func TestLimits(t *testing.T) {
	comparisons := func(n int) error {
		_, err := ExtractAtoms("[" + strings.TrimSuffix(strings.Repeat("a:b = 1 OR ", n), " OR ") + "]")
		return err
	}
	for _, x := range []struct {
		limit          string
		within, beyond error
	}{
		{"MaxAtoms", comparisons(MaxAtoms), comparisons(MaxAtoms + 1)},
	} {
		if x.within != nil || x.beyond == nil {
			t.Errorf("%s: within it %v, beyond it %v", x.limit, x.within, x.beyond)
		}
	}
}
