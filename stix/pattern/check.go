package pattern

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Check lists what is wrong with a pattern beyond its grammar, in the order of the
// text, each mistake once: breaches of the standard ([Invalid]), what this package
// cannot evaluate ([Unsupported]), and what can never match ([Futile]). It lists
// [MaxFaults], and beyond these the first of each degree that is not among them. A
// tree without faults gives nil.
func (t *Tree) Check() []*Error {
	c := check{tree: t}
	c.expr(t.Root)
	return c.faults
}

// check walks a tree and takes down its faults.
type check struct {
	tree   *Tree
	size   int // of the regular expressions so far
	faults []*Error
	told   [Futile + 1]bool // the degrees among the faults
}

func (c *check) add(at int, rule Rule, expected, found string) {
	if degree := rule.Degree(); len(c.faults) < MaxFaults || !c.told[degree] {
		c.told[degree] = true
	} else {
		return
	}
	c.faults = append(c.faults, faultAt(c.tree.Source, at, rule, expected, found))
}

func (c *check) expr(e Expr) {
	switch e := e.(type) {
	case *Observation:
		c.condition(e.Where)
	case *Combination:
		for _, x := range e.Terms {
			c.expr(x)
		}
	case *Qualified:
		c.expr(e.Expr)
		for _, q := range e.Qualifiers {
			c.qualifier(q)
		}
	}
}

func (c *check) qualifier(q Qualifier) {
	switch q := q.(type) {
	case *Within:
		if q.Seconds == "0" {
			c.add(q.Offset, RuleWithin, "more than 0 seconds after WITHIN", "0")
		}
	case *Repeats:
		if q.Times < 1 {
			c.add(q.Offset, RuleRepeats, "at least 1 time after REPEATS", strconv.Itoa(q.Times))
		}
	case *StartStop:
		start, stop := c.date(q.Start), c.date(q.Stop)
		if start && stop && compareTimestamps(q.Start.Text, q.Stop.Text) >= 0 {
			c.add(q.Offset, RuleStartStop, "a START earlier than the STOP", q.Start.Text+" and "+q.Stop.Text)
		}
	}
}

// date takes down a timestamp of a day that does not exist.
func (c *check) date(l Literal) bool {
	if l.Kind != TimeLiteral || isTimestamp(l.Text) && isDate(l.Text) {
		return true
	}
	c.add(l.Offset, RuleDate, "a day that exists", quoteShort(l.Text))
	return false
}

// types are the types of which an object can be for which a condition is true; nil
// stands for any.
type types map[string]bool

// condition checks a condition. typ is its one type; if there are more, set has them.
func (c *check) condition(x Condition) (typ string, set types) {
	switch x := x.(type) {
	case *Comparison:
		c.comparison(x)
		return x.Path.Type, nil
	case *Junction:
		return c.junction(x)
	}
	return "", nil
}

func (c *check) junction(j *Junction) (typ string, set types) {
	told := false
	for i, x := range j.Terms {
		t, s := c.condition(x)
		switch {
		case i == 0:
			typ, set = t, s
		case set == nil && s == nil && t == typ:
		case j.Joint == Or:
			if typ == "" && set == nil || t == "" && s == nil {
				typ, set = "", nil
				break
			}
			if set == nil {
				set = types{typ: true}
			}
			if s == nil {
				set[t] = true
			}
			for k := range s {
				set[k] = true
			}
			typ = ""
		case told || t == "" && s == nil:
		case typ == "" && set == nil:
			typ, set = t, s
		default:
			if !common(&typ, &set, t, s) {
				c.add(x.Pos(), RuleTypes, "comparisons with one type of object, because AND is about one object", "another type: "+firstType(x))
				told, typ, set = true, "", nil
			}
		}
	}
	return typ, set
}

// common narrows the types of two conditions to those of both and tells whether
// any is left.
func common(typ *string, set *types, t string, s types) bool {
	switch {
	case *set == nil && s == nil:
		return *typ == t
	case *set == nil:
		return s[*typ]
	case s == nil:
		ok := (*set)[t]
		*typ, *set = t, nil
		return ok
	}
	both := types{}
	for k := range *set {
		if s[k] {
			both[k] = true
		}
	}
	*set = both
	return len(both) > 0
}

// firstType is the type of the first path of a condition.
func firstType(x Condition) string {
	for {
		switch y := x.(type) {
		case *Comparison:
			return y.Path.Type
		case *Junction:
			x = y.Terms[0]
		default:
			return ""
		}
	}
}

func (c *check) comparison(x *Comparison) {
	for _, s := range x.Path.Steps {
		switch {
		case s.Kind == KeyStep && s.Key == "":
			c.add(x.Offset, RuleKey, "a key that is not empty", "''")
		case s.Kind == IndexStep && s.Index < 0:
			c.add(x.Offset, RuleIndex, "a list index from 0", strconv.Itoa(s.Index))
		}
	}
	switch x.Op {
	case OpIn:
		c.set(x.Set)
	case OpMatches:
		_, size, complaint := parseRegexp(x.Value.Text)
		c.size = min(c.size+size, 1<<40)
		switch {
		case complaint != "":
			c.add(x.Value.Offset, RuleRegexp, fmt.Sprintf("a regular expression of RE2 syntax and at most %d bytes", MaxRegexpBytes), complaint)
		case c.size > MaxRegexpSize:
			c.add(x.Value.Offset, RuleRegexp, fmt.Sprintf("regular expressions of at most %d instructions together", MaxRegexpSize), "more")
			c.size = 0
		}
	case OpSubset, OpSuperset:
		if _, ok := parsePrefix(x.Value.Text); !ok {
			c.add(x.Value.Offset, RuleAddress, "an IPv4 or IPv6 address, or one with a prefix length, after "+string(x.Op), quoteShort(x.Value.Text))
		}
	default:
		c.date(x.Value)
	}
	if x.Op == OpEqual && !x.Negated {
		c.hash(x.Path, x.Value)
	}
}

func (c *check) set(set []Literal) {
	told := false
	for _, l := range set {
		c.date(l)
		if !told && class(l.Kind) != class(set[0].Kind) {
			c.add(l.Offset, RuleSet, "constants of one type in a set, here "+set[0].Kind.String(), l.Kind.String())
			told = true
		}
	}
}

// class puts the two kinds of numbers together.
func class(k LiteralKind) LiteralKind {
	if k == FloatLiteral {
		return IntLiteral
	}
	return k
}

// hashDigits are the hexadecimal digits of hashes, by the name without hyphens.
var hashDigits = map[string]int{"MD5": 32, "SHA1": 40, "SHA224": 56, "SHA256": 64, "SHA384": 96, "SHA512": 128,
	"SHA3224": 56, "SHA3256": 64, "SHA3384": 96, "SHA3512": 128, "RIPEMD160": 40, "WHIRLPOOL": 128}

func (c *check) hash(p ObjectPath, l Literal) {
	n := len(p.Steps)
	if n < 2 || l.Kind != StringLiteral || p.Steps[n-2].Key != "hashes" || p.Steps[n-1].Kind != KeyStep || len(p.Steps[n-1].Key) > 20 {
		return
	}
	name := p.Steps[n-1].Key
	want, known := hashDigits[strings.ToUpper(strings.ReplaceAll(name, "-", ""))]
	if known && (len(l.Text) != want || !allHex(l.Text)) {
		c.add(l.Offset, RuleHash, fmt.Sprintf("the %d hexadecimal digits of a %s hash", want, name), quoteShort(l.Text))
	}
}

// parsePrefix reads an address or a prefix of either family; bits of the address
// beyond the prefix do not count.
func parsePrefix(s string) (netip.Prefix, bool) {
	if strings.IndexByte(s, '/') >= 0 {
		p, err := netip.ParsePrefix(s)
		return p.Masked(), err == nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(a, a.BitLen()), true
}
