package stix

// Limits bound what one object may cost. A zero field means its default.
type Limits struct {
	// MaxObjectBytes is the largest text of one object; default 8 MiB, never above 1 GiB.
	MaxObjectBytes int
	// MaxDepth is how deep objects and arrays may be nested, the object itself
	// counting as 1; default 64, never above 1000.
	MaxDepth int
	// MaxValues is how many JSON values and member names one object may hold
	// (each costs 16 bytes of index); default 1,048,576.
	MaxValues int
}

// The default limits.
const (
	DefaultMaxObjectBytes = 8 << 20
	DefaultMaxDepth       = 64
	DefaultMaxValues      = 1 << 20
)

// maxNesting is the deepest nesting that any configuration may allow.
const maxNesting = 1000

func (l Limits) withDefaults() Limits {
	if l.MaxObjectBytes <= 0 {
		l.MaxObjectBytes = DefaultMaxObjectBytes
	}
	if l.MaxDepth <= 0 {
		l.MaxDepth = DefaultMaxDepth
	}
	if l.MaxValues <= 0 {
		l.MaxValues = DefaultMaxValues
	}
	l.MaxObjectBytes = min(l.MaxObjectBytes, maxObjectBytes)
	l.MaxDepth = min(l.MaxDepth, maxNesting)
	return l
}
