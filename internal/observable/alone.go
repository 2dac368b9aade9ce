package observable

import (
	"strings"

	"entente/stix/pattern"
)

// Alone lists the values of an indicator's pattern each of which is by itself what
// the indicator looks for, so that a sensor may act on the value alone: all of
// "[url:value = 'a' OR url:value = 'b']", none of "[domain-name:value = 'a'] AND
// [file:name = 'b']". Where a file is named by a hash together with other things, it
// is the hash. A pattern that cannot be read has none.
func Alone(text string) []Value { return AppendAlone(nil, text) }

// AppendAlone adds what [Alone] lists to a list.
func AppendAlone(list []Value, text string) []Value {
	if v, ok := onlyOne(text); ok {
		return append(list, v)
	}
	return append(list, aloneIn(text)...)
}

// oneOf are the comparisons that most patterns consist of, up to the value, with the types of what they ask for.
var oneOf = [...]struct {
	start string
	of    Type
}{
	{"[domain-name:value = '", Domain}, {"[ipv4-addr:value = '", IPv4}, {"[url:value = '", URL}, {"[file:hashes.'SHA-256' = '", SHA256}, {"[file:hashes.MD5 = '", MD5},
	{"[file:hashes.'MD5' = '", MD5}, {"[file:hashes.'SHA-1' = '", SHA1}, {"[file:hashes.'SHA-512' = '", SHA512},
}

// onlyOne reads a pattern that is one of these comparisons with a plain value, as a parser would. FuzzAlone holds it to one.
func onlyOne(text string) (Value, bool) {
	rest, ok := strings.CutSuffix(text, "']")
	if !ok {
		return Value{}, false
	}
	for i := range oneOf {
		if value, ok := strings.CutPrefix(rest, oneOf[i].start); ok {
			v, ok := Plain(value)
			return v, ok && v.Type == oneOf[i].of && strings.IndexByte(value, '\'') < 0
		}
	}
	return Value{}, false
}

// aloneIn is Alone of any pattern.
func aloneIn(text string) []Value {
	tree, err := pattern.Parse(text)
	if err != nil {
		return nil
	}
	c := collector{}
	c.expression(tree.Root)
	return c.out
}

func (c *collector) expression(e pattern.Expr) {
	switch e := e.(type) {
	case *pattern.Observation:
		c.out = append(c.out, alone(e.Where)...)
		c.out = unique(c.out)
	case *pattern.Combination:
		if e.Joint != pattern.Or {
			return
		}
		for _, term := range e.Terms {
			c.expression(term)
		}
	case *pattern.Qualified:
		if onceIsEnough(e) {
			c.expression(e.Expr)
		}
	}
}

// onceIsEnough tells whether what a qualified expression asks for is there as soon as it was seen once, at whatever time.
func onceIsEnough(e *pattern.Qualified) bool {
	for _, q := range e.Qualifiers {
		if r, ok := q.(*pattern.Repeats); ok && r.Times > 1 {
			return false
		}
		if _, ok := q.(*pattern.StartStop); ok {
			return false // a value says nothing outside of its time
		}
	}
	return true
}

// alone gives the values that each make a condition true, whatever else an object is.
func alone(e pattern.Condition) []Value {
	switch e := e.(type) {
	case *pattern.Comparison:
		return compared(e)
	case *pattern.Junction:
		var parts [][]Value
		for _, term := range e.Terms {
			if describes(term) && e.Joint == pattern.And {
				continue // its type, its encoding: nothing that identifies
			}
			parts = append(parts, alone(term))
		}
		if e.Joint == pattern.Or {
			return unique(flatten(parts))
		}
		if len(parts) == 1 {
			return parts[0]
		}
		var hashes []Value
		for _, part := range parts {
			if allHashes(part) {
				hashes = append(hashes, part...)
			}
		}
		return unique(hashes)
	}
	return nil
}

// compared gives the values of one comparison.
func compared(e *pattern.Comparison) []Value {
	if e.Negated {
		return nil
	}
	one := collector{}
	one.atom(atomOf(e))
	return one.out
}

// describes tells a comparison that says what kind of thing an object is.
func describes(e pattern.Condition) bool {
	c, ok := e.(*pattern.Comparison)
	if !ok {
		return false
	}
	atom := atomOf(c)
	_, identifies := typeOfPath(atom.ObjectType, atom.Path)
	return !identifies
}

func allHashes(values []Value) bool {
	for _, v := range values {
		switch v.Type {
		case MD5, SHA1, SHA256, SHA512:
		default:
			return false
		}
	}
	return len(values) > 0
}

func flatten(parts [][]Value) []Value {
	var out []Value
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

func unique(values []Value) []Value {
	c := collector{}
	for _, v := range values {
		c.add(v)
	}
	return c.out
}
