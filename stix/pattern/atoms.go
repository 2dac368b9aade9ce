package pattern

import (
	"strconv"
	"strings"
)

// Atom is one comparison of a pattern, in the form that an index needs.
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

// ExtractAtoms reads a pattern and gives its atoms. The error is an [*Error].
func ExtractAtoms(text string) ([]Atom, error) {
	t, err := Parse(text)
	if err != nil {
		return nil, err
	}
	return t.Atoms(), nil
}

// Atoms gives every comparison of the pattern, also those under NOT and OR, in the
// order of the text. How they are joined is not in them.
func (t *Tree) Atoms() []Atom {
	var out []Atom
	observation := 0
	t.walk(func(o *Observation) {
		o.walk(func(c *Comparison) {
			out = append(out, Atom{ObjectType: c.Path.Type, Path: c.Path.keys(), Op: c.Op, Negated: c.Negated,
				Value: c.Value, Set: c.Set, Observation: observation, Offset: c.Offset})
		})
		observation++
	})
	return out
}

// Paths calls f for the object path of every comparison, in the order of the text.
func (t *Tree) Paths(f func(*ObjectPath)) {
	t.walk(func(o *Observation) { o.walk(func(c *Comparison) { f(&c.Path) }) })
}

// walk calls f for each observation, in the order of the text.
func (t *Tree) walk(f func(*Observation)) { walkExpr(t.Root, f) }

func walkExpr(e Expr, f func(*Observation)) {
	switch e := e.(type) {
	case *Observation:
		f(e)
	case *Combination:
		for _, x := range e.Terms {
			walkExpr(x, f)
		}
	case *Qualified:
		walkExpr(e.Expr, f)
	}
}

// walk calls f for each comparison, in the order of the text.
func (o *Observation) walk(f func(*Comparison)) { walkCondition(o.Where, f) }

func walkCondition(c Condition, f func(*Comparison)) {
	switch c := c.(type) {
	case *Comparison:
		f(c)
	case *Junction:
		for _, x := range c.Terms {
			walkCondition(x, f)
		}
	}
}

// keys writes the steps in the form of [Atom.Path]. A path of one key costs no
// allocation.
func (p *ObjectPath) keys() string {
	if len(p.Steps) == 1 && plainKey(p.Steps[0].Key) {
		return p.Steps[0].Key
	}
	var b strings.Builder
	for i, s := range p.Steps {
		switch s.Kind {
		case KeyStep:
			if i > 0 {
				b.WriteByte('.')
			}
			if plainKey(s.Key) {
				b.WriteString(s.Key)
			} else {
				b.Write(appendQuoted(nil, s.Key))
			}
		case IndexStep:
			b.WriteByte('[')
			b.WriteString(strconv.Itoa(s.Index))
			b.WriteByte(']')
		case EachStep:
			b.WriteString("[*]")
		}
	}
	return b.String()
}
