package pattern

// Op is a comparison operator of the pattern language (STIX 2.1 §9.6).
type Op string

// The comparison operators. "==" and "<>" are given as "=" and "!=".
const (
	OpEqual          Op = "="
	OpNotEqual       Op = "!="
	OpLess           Op = "<"
	OpLessOrEqual    Op = "<="
	OpGreater        Op = ">"
	OpGreaterOrEqual Op = ">="
	OpIn             Op = "IN"
	OpLike           Op = "LIKE"
	OpMatches        Op = "MATCHES"
	OpSubset         Op = "ISSUBSET"
	OpSuperset       Op = "ISSUPERSET"
	OpExists         Op = "EXISTS"
)

// LiteralKind is the kind of a constant in a pattern (STIX 2.1 §9.2).
type LiteralKind uint8

// The kinds of constants. NoLiteral stands in comparisons without one (EXISTS) or
// with a set of them (IN).
const (
	NoLiteral LiteralKind = iota
	StringLiteral
	IntLiteral
	FloatLiteral
	BoolLiteral
	HexLiteral
	BinaryLiteral
	TimeLiteral
)

// Literal is a constant in a pattern.
type Literal struct {
	Kind LiteralKind
	// Text is the characters of a string with escapes resolved; the digits of a
	// number; "true" or "false"; the contents of h'', b'' or t''.
	Text string
}

// Atom is one comparison of a pattern.
type Atom struct {
	// ObjectType is the type before the colon, as in "file".
	ObjectType string
	// Path is the object path after the colon, as in "hashes.SHA-256",
	// "resolves_to_refs[*].value" or "extensions.windows-pebinary-ext.sections[0].name".
	// A key is quoted only if it holds other than letters, digits, "_" and "-".
	Path string
	// Op is the operator.
	Op Op
	// Negated is true if NOT stands before the operator.
	Negated bool
	// Value is the constant compared with, of kind NoLiteral for IN and EXISTS.
	Value Literal
	// Set are the constants of IN.
	Set []Literal
	// Observation numbers the observation, "[...]", that the comparison stands in,
	// from 0.
	Observation int
	// Offset is where the comparison begins, in bytes from the start of the pattern.
	Offset int
}

// The bounds on patterns. A longer or deeper one is refused with a [*Error].
const (
	MaxBytes = 1 << 20
	MaxDepth = 64
	MaxAtoms = 1 << 16
)

// ExtractAtoms checks a STIX pattern against the grammar of STIX 2.1 §9 and gives
// every comparison in it, in the order of the text. How the comparisons are joined
// (AND, OR, FOLLOWEDBY, qualifiers) is checked and not reported. The error is a
// [*Error].
func ExtractAtoms(pattern string) ([]Atom, error) {
	if len(pattern) > MaxBytes {
		return nil, fault(MaxBytes, "the pattern is longer than %d bytes", MaxBytes)
	}
	p := parser{lex: lexer{src: pattern}}
	err := p.advance()
	if err == nil {
		err = p.observations()
	}
	if err == nil && p.tok.kind != tokEnd {
		err = p.expected("AND, OR, FOLLOWEDBY, a qualifier or the end")
	}
	if err != nil {
		return nil, err
	}
	return p.atoms, nil
}
