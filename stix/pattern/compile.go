package pattern

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Pattern is a compiled pattern. It does not change and may be used by many
// goroutines at once.
type Pattern struct {
	tree *Tree
	root *node
}

// Compile reads a pattern, checks it and prepares it for [Pattern.Match]. It
// refuses a pattern that is [Invalid] or [Unsupported]; what is only [Futile] never
// matches. The error is an [*Error], or several joined.
func Compile(text string) (*Pattern, error) {
	t, err := Parse(text)
	if err != nil {
		return nil, err
	}
	var faults []error
	for _, e := range t.Check() {
		if e.Rule.Degree() != Futile {
			faults = append(faults, e)
		}
	}
	if len(faults) == 1 {
		return nil, faults[0]
	}
	if faults != nil {
		return nil, errors.Join(faults...)
	}
	c := compiler{}
	root, err := c.expr(t.Root)
	if err != nil {
		return nil, err
	}
	return &Pattern{tree: t, root: root}, nil
}

// Tree gives the pattern as it was read. It must not be changed.
func (p *Pattern) Tree() *Tree { return p.tree }

// String gives the canonical form.
func (p *Pattern) String() string { return p.tree.String() }

// Atoms gives the comparisons; see [Tree.Atoms].
func (p *Pattern) Atoms() []Atom { return p.tree.Atoms() }

// nodeKind is the kind of a part of a compiled pattern.
type nodeKind uint8

const (
	leafNode nodeKind = iota
	andNode
	orNode
	followedNode
	withinNode
	repeatsNode
	startStopNode
)

// node is a part of a compiled pattern: an expression, or one qualifier and what
// it qualifies.
type node struct {
	kind  nodeKind
	id    int // of all nodes, from 0
	terms []*node
	leaf  *leaf

	seconds     int64 // of WITHIN, and nanoseconds
	nanos       int64
	times       int
	start, stop Literal

	least int  // observations that any match needs, at most
	or    bool // there is a choice in it
}

// leaf is one observation expression.
type leaf struct {
	number int // in the order of the text, from 0
	where  test
	// same is the first leaf with the same condition: what satisfies one, satisfies the
	// other.
	same *leaf
}

// test is a compiled condition: a comparison, or some joined by AND or OR.
type test struct {
	or    bool
	terms []test
	*comparison
}

// comparison is a compiled comparison.
type comparison struct {
	typ     string
	steps   []Step
	op      Op
	negated bool
	value   operand
	set     []operand
	matcher *matcher
	prefix  prefix
}

// operand is a constant ready to be compared with.
type operand struct {
	kind  LiteralKind
	text  string // of strings and timestamps
	int   int64
	float float64
	truth bool
	bytes []byte // of hex and binary constants
}

type compiler struct {
	nodes, leaves int
	same          map[string]*leaf // by canonical condition
}

// maxLeast is where counting how many observations a match needs ends.
const maxLeast = 1 << 40

func (c *compiler) node(k nodeKind) *node {
	c.nodes++
	return &node{kind: k, id: c.nodes - 1}
}

func (c *compiler) expr(e Expr) (*node, error) {
	switch e := e.(type) {
	case *Observation:
		n := c.node(leafNode)
		where, err := c.condition(e.Where)
		n.leaf, n.least = &leaf{number: c.leaves, where: where}, 1
		c.leaves++
		if c.same == nil {
			c.same = map[string]*leaf{}
		}
		text := string(e.Where.appendCondition(nil, bindsNothing))
		if c.same[text] == nil {
			c.same[text] = n.leaf
		}
		n.leaf.same = c.same[text]
		return n, err
	case *Combination:
		n := c.node(map[Joint]nodeKind{And: andNode, Or: orNode, FollowedBy: followedNode}[e.Joint])
		n.or = n.kind == orNode
		for i, x := range e.Terms {
			t, err := c.expr(x)
			if err != nil {
				return nil, err
			}
			n.terms = append(n.terms, t)
			n.or = n.or || t.or
			switch {
			case n.kind != orNode:
				n.least = min(n.least+t.least, maxLeast)
			case i == 0 || t.least < n.least:
				n.least = t.least
			}
		}
		return n, nil
	case *Qualified:
		n, err := c.expr(e.Expr)
		for _, q := range e.Qualifiers {
			if err != nil {
				return nil, err
			}
			n = c.qualifier(n, q)
		}
		return n, err
	}
	return nil, errors.New("pattern: an expression of no known type")
}

func (c *compiler) qualifier(in *node, q Qualifier) *node {
	n := c.node(withinNode)
	n.terms, n.least, n.or = []*node{in}, in.least, in.or
	switch q := q.(type) {
	case *Within:
		n.seconds, n.nanos = duration(q.Seconds)
	case *Repeats:
		n.kind, n.times = repeatsNode, q.Times
		n.least = min(min(in.least, maxLeast/max(1, q.Times))*q.Times, maxLeast)
	case *StartStop:
		n.kind, n.start, n.stop = startStopNode, q.Start, q.Stop
	}
	return n
}

// duration reads a canonical number of seconds, to the nanosecond; what is too
// large for an int64 becomes the largest.
func duration(text string) (seconds, nanos int64) {
	whole, fraction, _ := strings.Cut(text, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return math.MaxInt64, 0
	}
	for i, unit := 0, int64(100_000_000); i < len(fraction) && unit > 0; i++ {
		nanos += int64(fraction[i]-'0') * unit
		unit /= 10
	}
	return seconds, nanos
}

func (c *compiler) condition(x Condition) (test, error) {
	switch x := x.(type) {
	case *Comparison:
		cmp, err := compileComparison(x)
		return test{comparison: cmp}, err
	case *Junction:
		t := test{or: x.Joint == Or}
		for _, y := range x.Terms {
			in, err := c.condition(y)
			if err != nil {
				return test{}, err
			}
			t.terms = append(t.terms, in)
		}
		return t, nil
	}
	return test{}, errors.New("pattern: a condition of no known type")
}

func compileComparison(x *Comparison) (*comparison, error) {
	out := &comparison{typ: x.Path.Type, steps: x.Path.Steps, op: x.Op, negated: x.Negated}
	switch x.Op {
	case OpExists:
	case OpIn:
		for _, l := range x.Set {
			out.set = append(out.set, operandOf(l))
		}
	case OpLike:
		out.matcher = &matcher{like: newLike(x.Value.Text), size: 1 + len(x.Value.Text)}
	case OpMatches:
		normal, size, complaint := parseRegexp(x.Value.Text)
		if complaint != "" {
			return nil, errors.New("pattern: " + complaint)
		}
		re, err := regexp.Compile("(?s)" + normal)
		if err != nil {
			return nil, err
		}
		out.matcher = &matcher{re: re, size: size}
	case OpSubset, OpSuperset:
		p, _ := parsePrefix(x.Value.Text)
		out.prefix = prefix{p}
	default:
		out.value = operandOf(x.Value)
	}
	return out, nil
}

// operandOf decodes a constant. An integer that an int64 does not hold becomes a
// float.
func operandOf(l Literal) operand {
	o := operand{kind: l.Kind, text: l.Text}
	switch l.Kind {
	case IntLiteral:
		n, err := strconv.ParseInt(l.Text, 10, 64)
		if o.int = n; err != nil {
			o.kind = FloatLiteral
			o.float, _ = strconv.ParseFloat(l.Text, 64)
		}
	case FloatLiteral:
		o.float, _ = strconv.ParseFloat(l.Text, 64)
	case BoolLiteral:
		o.truth = l.Text == "true"
	case HexLiteral:
		o.bytes, _ = hex.DecodeString(l.Text)
	case BinaryLiteral:
		o.bytes, _ = base64.StdEncoding.DecodeString(l.Text)
	}
	return o
}
