package pattern

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// What an [*Error] unwraps to, by its degree.
var (
	// ErrPattern means that a text is not a STIX pattern.
	ErrPattern = errors.New("not a STIX pattern")
	// ErrUnsupported means that a pattern asks for what cannot be evaluated here.
	ErrUnsupported = errors.New("the pattern cannot be evaluated")
	// ErrFutile means that a part of a pattern can never match.
	ErrFutile = errors.New("the pattern has a part that can never match")
)

// Degree says how much a fault matters.
type Degree uint8

const (
	// Invalid is a breach of the standard.
	Invalid Degree = iota
	// Unsupported is allowed by the standard and cannot be evaluated by [Pattern.Match].
	Unsupported
	// Futile is allowed and can never match, so that it is hardly meant.
	Futile
)

// Rule is the rule that a fault breaks.
type Rule uint8

// The rules. [Parse] reports the first four, [Tree.Check] the others. A section
// is one of STIX 2.1.
const (
	RuleSyntax    Rule = iota // the grammar (§9)
	RuleLiteral               // what a constant may be made of (§9.2)
	RuleQualifier             // a qualifier directly after [...] stands once of each kind (§9.5)
	RuleLimit                 // a bound of this package

	RuleDate      // a timestamp is of a day that exists (§9.2)
	RuleWithin    // WITHIN is of more than 0 seconds (§9.5)
	RuleRepeats   // REPEATS is of at least 1 time (§9.5)
	RuleSet       // the constants of IN are of one type; integers and floats count as one (§9.6)
	RuleAddress   // ISSUBSET and ISSUPERSET compare with an IPv4 or IPv6 address or prefix (§9.6)
	RuleKey       // a key of a path is not empty (§9.7)
	RuleRegexp    // MATCHES needs a regular expression that can be evaluated (§9.6)
	RuleTypes     // comparisons that AND joins are about one object, so of one type (§9.4)
	RuleStartStop // START is earlier than STOP (§9.5)
	RuleIndex     // a list index is not negative (§9.7)
	RuleHash      // a hash has as many hexadecimal digits as its algorithm gives
)

var ruleNames = [...]string{"syntax", "literal", "qualifier", "limit", "date", "within", "repeats", "set", "address", "key",
	"regexp", "types", "start-stop", "index", "hash"}

// String gives the name of the rule.
func (r Rule) String() string {
	if int(r) < len(ruleNames) {
		return ruleNames[r]
	}
	return fmt.Sprintf("rule %d", uint8(r))
}

// Degree says how much it matters that the rule is broken.
func (r Rule) Degree() Degree {
	switch r {
	case RuleRegexp:
		return Unsupported
	case RuleTypes, RuleStartStop, RuleIndex, RuleHash:
		return Futile
	}
	return Invalid
}

// Error is one fault of a pattern: where it is, what stands there and what should.
type Error struct {
	// Rule is the rule that is broken.
	Rule Rule
	// Offset is the position of the fault in bytes from the start of the pattern.
	Offset int
	// Line and Column are the same position for people: both count from 1, lines end
	// with a line feed, columns are characters (code points), not bytes. They are 0
	// in faults of a tree that was not read from text.
	Line, Column int
	// Expected is what should stand there, as in `"]"` or "a constant".
	Expected string
	// Found is what stands there, as in `"x"` or "the end of the pattern".
	Found string
}

// Error implements error.
func (e *Error) Error() string {
	where := ""
	if e.Line > 0 {
		where = fmt.Sprintf(" (line %d, column %d)", e.Line, e.Column)
	}
	return fmt.Sprintf("%v: expected %s, found %s%s", e.Unwrap(), e.Expected, e.Found, where)
}

// Unwrap gives [ErrPattern], [ErrUnsupported] or [ErrFutile].
func (e *Error) Unwrap() error {
	switch e.Rule.Degree() {
	case Unsupported:
		return ErrUnsupported
	case Futile:
		return ErrFutile
	}
	return ErrPattern
}

// faultAt makes an error at a byte of a source.
func faultAt(src string, offset int, rule Rule, expected, found string) *Error {
	e := &Error{Rule: rule, Offset: offset, Expected: expected, Found: found}
	if src == "" && offset > 0 {
		return e
	}
	before := src[:offset]
	e.Line = 1 + strings.Count(before, "\n")
	e.Column = 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
	return e
}
