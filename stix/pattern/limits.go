package pattern

// The bounds on patterns. A pattern beyond one is refused with an [*Error] of
// [RuleLimit], after work that is linear in its length.
const (
	// MaxBytes is the longest pattern.
	MaxBytes = 1 << 20
	// MaxDepth is how deep parentheses may be nested, how many steps a path may
	// have, and how many qualifiers may stand after one expression.
	MaxDepth = 64
	// MaxAtoms is the most comparisons of a pattern, and constants of one set.
	MaxAtoms = 1 << 16
	// MaxFaults is the most faults that [Tree.Check] lists.
	MaxFaults = 100
	// MaxNumber is the largest list index and count of REPEATS.
	MaxNumber = 1<<31 - 1
)
