package pattern

import "time"

// Tree is a pattern that was read. Its parts are in normal form: parentheses that
// change nothing are gone, what AND, OR or FOLLOWEDBY joins is one flat list (they
// are associative), and constants have one spelling. [Tree.String] writes it.
type Tree struct {
	// Source is the text it was read from; empty for a tree made by a program.
	Source string
	// Root is the whole pattern.
	Root Expr
}

// Expr is an observation expression (STIX 2.1 §9.3): an [*Observation], a
// [*Combination] or a [*Qualified].
type Expr interface {
	// Pos is where the expression begins, in bytes from the start of the pattern.
	Pos() int
	appendTo(b []byte, around precedence) []byte
}

// Observation is "[...]": one observation that holds an object for which the
// condition is true.
type Observation struct {
	Offset int
	Where  Condition
}

// Joint is a word that joins expressions or conditions.
type Joint string

// The words that join. FOLLOWEDBY joins observation expressions only. AND binds
// closest, then OR, then FOLLOWEDBY.
const (
	And        Joint = "AND"
	Or         Joint = "OR"
	FollowedBy Joint = "FOLLOWEDBY"
)

// Combination is two or more observation expressions joined by one word.
type Combination struct {
	Offset int
	Joint  Joint
	Terms  []Expr
}

// Qualified is an expression with the qualifiers after it, the first of which
// holds of the expression, the second of both, and so on (STIX 2.1 §9.5).
type Qualified struct {
	Expr       Expr
	Qualifiers []Qualifier
}

// Qualifier is [*Within], [*Repeats] or [*StartStop].
type Qualifier interface {
	// Pos is where the qualifier begins, in bytes from the start of the pattern.
	Pos() int
	kind() int
	appendTo(b []byte) []byte
}

// Within is "WITHIN x SECONDS": all that is chosen lies within so long a time.
type Within struct {
	Offset int
	// Seconds is the number in its canonical form, as in "5" or "0.5".
	Seconds string
}

// Repeats is "REPEATS x TIMES": the expression matches so many times, with
// different observations each time.
type Repeats struct {
	Offset int
	// Times is at most [MaxNumber].
	Times int
}

// StartStop is "START x STOP y": all that is chosen was seen at or after the one
// and before the other.
type StartStop struct {
	Offset      int
	Start, Stop Literal
}

// Condition is a comparison expression (STIX 2.1 §9.4): a [*Comparison] or a
// [*Junction].
type Condition interface {
	// Pos is where the condition begins, in bytes from the start of the pattern.
	Pos() int
	appendCondition(b []byte, around precedence) []byte
}

// Junction is two or more conditions joined by AND or OR.
type Junction struct {
	Offset int
	Joint  Joint
	Terms  []Condition
}

// Comparison is one comparison, as in "file:size NOT > 5" or "EXISTS file:name".
type Comparison struct {
	Offset int
	Path   ObjectPath
	Op     Op
	// Negated is true if NOT stands before the operator.
	Negated bool
	// Value is the constant compared with, of kind NoLiteral for IN and EXISTS.
	Value Literal
	// Set are the constants of IN.
	Set []Literal
}

// ObjectPath names a property (STIX 2.1 §9.7): "file:hashes.'SHA-256'".
type ObjectPath struct {
	// Type is the type of the object.
	Type string
	// Steps lead to the property; the first is a key.
	Steps []Step
}

// Step is one step of a path. The zero value of all but one field tells its kind.
type Step struct {
	Kind StepKind
	// Key is the name of a property, with escapes resolved.
	Key string
	// Index is the place in a list, from 0. A negative one is allowed by the grammar
	// and names nothing.
	Index int
}

// StepKind is the kind of a step of a path.
type StepKind uint8

// The kinds of steps: a property (".name"), one element ("[0]"), each element ("[*]").
const (
	KeyStep StepKind = iota
	IndexStep
	EachStep
)

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

var literalNames = [...]string{"no constant", "a string", "an integer", "a float", "a boolean", "a hex constant", "a binary constant", "a timestamp"}

// String names the kind, as in "an integer".
func (k LiteralKind) String() string {
	if int(k) < len(literalNames) {
		return literalNames[k]
	}
	return "an unknown constant"
}

// Literal is a constant in a pattern.
type Literal struct {
	Kind LiteralKind
	// Text is the characters of a string with escapes resolved; the digits of a
	// number without "+" and needless zeros; "true" or "false"; the contents of h''
	// in lower case, of b'', or of t'' without needless zeros.
	Text string
	// Offset is where the constant begins, in bytes from the start of the pattern.
	Offset int
}

// Time gives a timestamp constant as a time, to the nanosecond. ok is false for
// other constants and for a day that does not exist.
func (l Literal) Time() (t time.Time, ok bool) {
	if l.Kind != TimeLiteral || !isTimestamp(l.Text) || !isDate(l.Text) {
		return time.Time{}, false
	}
	return timeOf(l.Text), true
}

// Pos implements Expr.
func (o *Observation) Pos() int { return o.Offset }

// Pos implements Expr.
func (c *Combination) Pos() int { return c.Offset }

// Pos implements Expr.
func (q *Qualified) Pos() int { return q.Expr.Pos() }

// Pos implements Qualifier.
func (w *Within) Pos() int { return w.Offset }

// Pos implements Qualifier.
func (r *Repeats) Pos() int { return r.Offset }

// Pos implements Qualifier.
func (s *StartStop) Pos() int { return s.Offset }

// Pos implements Condition.
func (j *Junction) Pos() int { return j.Offset }

// Pos implements Condition.
func (c *Comparison) Pos() int { return c.Offset }

// The kinds of qualifiers, as places in a list.
const (
	kindStartStop = iota
	kindWithin
	kindRepeats
)

func (*StartStop) kind() int { return kindStartStop }
func (*Within) kind() int    { return kindWithin }
func (*Repeats) kind() int   { return kindRepeats }
