package pattern

import (
	"encoding/base64"
	"strconv"
	"strings"
)

// precedence is how closely the surroundings of an expression bind.
type precedence uint8

const (
	bindsNothing precedence = iota
	bindsFollowedBy
	bindsOr
	bindsAnd
	bindsTerm // parentheses are needed around anything joined
)

func (j Joint) precedence() precedence {
	switch j {
	case And:
		return bindsAnd
	case Or:
		return bindsOr
	}
	return bindsFollowedBy
}

// String gives the canonical form: one text for all spellings of one tree. There
// is one space where one is allowed and useful and none elsewhere, no parentheses
// without need, "=" and "!=" for "==" and "<>", quotes only around keys that need
// them, and constants as [Literal] has them. The order of what is joined stays.
func (t *Tree) String() string { return string(t.Append(nil)) }

// Append writes the canonical form to the end of b.
func (t *Tree) Append(b []byte) []byte {
	if t.Root == nil {
		return b
	}
	return t.Root.appendTo(b, bindsNothing)
}

// Canonical gives the canonical form of a pattern. The error is an [*Error].
func Canonical(text string) (string, error) {
	t, err := Parse(text)
	if err != nil {
		return "", err
	}
	return t.String(), nil
}

func (o *Observation) appendTo(b []byte, _ precedence) []byte {
	b = append(b, '[')
	b = o.Where.appendCondition(b, bindsNothing)
	return append(b, ']')
}

func (c *Combination) appendTo(b []byte, around precedence) []byte {
	own := c.Joint.precedence()
	if len(c.Terms) == 1 {
		return c.Terms[0].appendTo(b, around)
	}
	if around > own {
		b = append(b, '(')
	}
	for i, e := range c.Terms {
		if i > 0 {
			b = append(b, ' ')
			b = append(b, c.Joint...)
			b = append(b, ' ')
		}
		b = e.appendTo(b, own)
	}
	if around > own {
		b = append(b, ')')
	}
	return b
}

func (q *Qualified) appendTo(b []byte, _ precedence) []byte {
	if _, ok := q.Expr.(*Observation); ok && q.repeated() {
		b = append(b, '(')
		b = q.Expr.appendTo(b, bindsNothing)
		b = append(b, ')')
	} else {
		b = q.Expr.appendTo(b, bindsTerm)
	}
	for _, x := range q.Qualifiers {
		b = append(b, ' ')
		b = x.appendTo(b)
	}
	return b
}

// repeated tells that two qualifiers are of one kind, which needs parentheses.
func (q *Qualified) repeated() bool {
	var seen [3]bool
	for _, x := range q.Qualifiers {
		if seen[x.kind()] {
			return true
		}
		seen[x.kind()] = true
	}
	return false
}

func (w *Within) appendTo(b []byte) []byte {
	b = append(b, "WITHIN "...)
	b = append(b, w.Seconds...)
	return append(b, " SECONDS"...)
}

func (r *Repeats) appendTo(b []byte) []byte {
	b = append(b, "REPEATS "...)
	b = strconv.AppendInt(b, int64(r.Times), 10)
	return append(b, " TIMES"...)
}

func (s *StartStop) appendTo(b []byte) []byte {
	b = append(b, "START "...)
	b = s.Start.appendTo(b)
	b = append(b, " STOP "...)
	return s.Stop.appendTo(b)
}

func (j *Junction) appendCondition(b []byte, around precedence) []byte {
	own := j.Joint.precedence()
	if len(j.Terms) == 1 {
		return j.Terms[0].appendCondition(b, around)
	}
	if around > own {
		b = append(b, '(')
	}
	for i, c := range j.Terms {
		if i > 0 {
			b = append(b, ' ')
			b = append(b, j.Joint...)
			b = append(b, ' ')
		}
		b = c.appendCondition(b, own)
	}
	if around > own {
		b = append(b, ')')
	}
	return b
}

func (c *Comparison) appendCondition(b []byte, _ precedence) []byte {
	if c.Op == OpExists {
		if c.Negated {
			b = append(b, "NOT "...)
		}
		b = append(b, "EXISTS "...)
		return c.Path.appendTo(b)
	}
	b = c.Path.appendTo(b)
	if c.Negated {
		b = append(b, " NOT"...)
	}
	b = append(b, ' ')
	b = append(b, c.Op...)
	b = append(b, ' ')
	if c.Op != OpIn {
		return c.Value.appendTo(b)
	}
	b = append(b, '(')
	for i, l := range c.Set {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = l.appendTo(b)
	}
	return append(b, ')')
}

// String gives the path as a pattern has it, as in "file:hashes.'SHA-256'".
func (p ObjectPath) String() string { return string(p.appendTo(nil)) }

func (p ObjectPath) appendTo(b []byte) []byte {
	b = append(b, p.Type...)
	sep := byte(':')
	for _, s := range p.Steps {
		switch s.Kind {
		case KeyStep:
			b = append(b, sep)
			sep = '.'
			if bareKey(s.Key) {
				b = append(b, s.Key...)
			} else {
				b = appendQuoted(b, s.Key)
			}
		case IndexStep:
			b = append(b, '[')
			b = strconv.AppendInt(b, int64(s.Index), 10)
			b = append(b, ']')
		case EachStep:
			b = append(b, "[*]"...)
		}
	}
	return b
}

// String gives the constant as a pattern has it, as in "'x'" or "h'00'".
func (l Literal) String() string { return string(l.appendTo(nil)) }

func (l Literal) appendTo(b []byte) []byte {
	switch l.Kind {
	case StringLiteral:
		return appendQuoted(b, l.Text)
	case HexLiteral:
		b = append(b, 'h')
	case BinaryLiteral:
		b = append(b, 'b')
	case TimeLiteral:
		b = append(b, 't')
	default:
		return append(b, l.Text...)
	}
	b = append(b, '\'')
	b = append(b, l.Text...)
	return append(b, '\'')
}

// canonicalNumber takes "+" and needless zeros from an integer or a float, and the
// sign from a zero; a float keeps one digit on each side of its point.
func canonicalNumber(s string) string {
	sign := ""
	switch s[0] {
	case '+':
		s = s[1:]
	case '-':
		sign, s = "-", s[1:]
	}
	whole, fraction, float := strings.Cut(s, ".")
	if float {
		short := strings.TrimLeft(whole, "0")
		trimmed := strings.TrimRight(fraction, "0")
		if short == "" {
			short = "0"
		}
		if trimmed == "" {
			trimmed = "0"
		}
		if short != whole || trimmed != fraction {
			s = short + "." + trimmed
		}
	}
	if sign == "" || s == "0" || s == "0.0" {
		return s
	}
	return sign + s
}

func canonicalHex(s string) string { return strings.ToLower(s) }

// canonicalBase64 clears the bits of the last digit that mean nothing.
func canonicalBase64(s string) string {
	if s[len(s)-1] != '=' {
		return s
	}
	raw, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return s
	}
	return base64.StdEncoding.EncodeToString(raw)
}
