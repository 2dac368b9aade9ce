package stix

import (
	"strconv"
	"strings"
)

// Validate checks an object against the tables of the specification and lists
// every breach, at most 100. An object of a custom type is checked for the common
// properties only. An object of STIX 2.0 is told by its lack of a spec_version; what
// only 2.1 demands is then reported without Must.
func Validate(o *Object) []Problem {
	c := checker{o: o}
	f := unknownFields
	if o.spec != nil {
		f = &o.spec.FieldSet
		c.old = o.SpecVersion == "" && o.spec.Category != SCO || o.SpecVersion == "2.0"
	} else if !strictTypeName(o.Type) {
		c.add(o.Root().Member("type"), CodeName, true, "a type name has 3 to 250 of a-z, 0-9 and hyphen")
	}
	if c.old {
		c.addAt("spec_version", CodeVersion, false, "an object of STIX 2.0; only what both versions demand is checked as a MUST")
	}
	c.fields(o.Root(), f, true)
	if !o.Created.IsZero() && !o.Modified.IsZero() && o.Modified.Compare(o.Created) < 0 {
		c.addAt("modified", CodeOrder, true, "is before created")
	}
	return c.problems
}

// maxProblems bounds what is listed about one object.
const maxProblems = 100

type checker struct {
	o        *Object
	problems []Problem
	old      bool // the object is of STIX 2.0
	openTop  int8 // 1 if an extension adds top-level properties, -1 if not, 0 unknown
}

func (c *checker) add(v Value, code string, must bool, msg string) {
	if len(c.problems) < maxProblems { // spare the path
		c.addAt(c.o.pathOf(v.n), code, must, msg)
	}
}

func (c *checker) addAt(path, code string, must bool, msg string) {
	switch n := len(c.problems); {
	case n < maxProblems-1:
		c.problems = append(c.problems, Problem{Path: path, Code: code, Message: msg, Must: must})
	case n == maxProblems-1:
		c.problems = append(c.problems, Problem{Code: CodeTooMany, Message: "there are more problems than are listed", Must: must})
	default:
		c.problems[n-1].Must = c.problems[n-1].Must || must
	}
}

// fields checks the members of v against f.
func (c *checker) fields(v Value, f *FieldSet, top bool) {
	var present uint64
	var scratch [64]byte
	for name, val := range v.members() {
		b := name.unquoted(scratch[:0])
		i, ok := f.byName[string(b)]
		if !ok {
			if top {
				c.unknown(name, string(b))
			} else if val.Kind() == KindNull {
				c.null(val)
			}
			continue
		}
		present |= 1 << i
		c.property(val, &f.props[i])
	}
	if missing := f.required &^ present; missing != 0 {
		base := c.o.pathOf(v.n)
		for i := range f.props {
			if p := &f.props[i]; missing&(1<<i) != 0 && !(c.old && p.Name == "spec_version") {
				c.addAt(appendName(base, p.Name), CodeMissing, !(c.old && p.Since21), "is required")
			}
		}
	}
	if f.rules != nil {
		f.rules(c, v)
	}
}

// unknown judges a top-level property that the type's table does not have.
func (c *checker) unknown(name Value, text string) {
	if !propertyName(text) {
		c.add(name, CodeName, true, "a property name has 3 to 250 of a-z, 0-9 and underscore and begins with a letter")
		return
	}
	if val := (Value{c.o, name.n + 1}); val.Kind() == KindNull {
		c.null(val)
		return
	}
	if c.o.spec == nil || strings.HasPrefix(text, "x_") || c.topLevelExtension() {
		return
	}
	c.add(name, CodeUnknown, false, "is not a property of "+c.o.Type)
}

// topLevelExtension reports whether the object has an extension that adds
// properties to its top level (STIX 2.1 §7.3).
func (c *checker) topLevelExtension() bool {
	if c.openTop == 0 {
		c.openTop = -1
		for _, ext := range c.o.Root().Member("extensions").members() {
			if s, _ := ext.Member("extension_type").Text(); s == "toplevel-property-extension" {
				c.openTop = 1
			}
		}
	}
	return c.openTop > 0
}

func (c *checker) null(v Value) {
	c.add(v, CodeNull, true, "null is not a STIX value; leave the property out")
}

// property checks a value, or each element of a list.
func (c *checker) property(v Value, p *Property) {
	if !p.List {
		c.value(v, p)
		return
	}
	if v.Kind() != KindArray {
		c.wrongKind(v, "a list")
		return
	}
	empty := true
	for e := range v.Elements() {
		empty = false
		c.value(e, p)
	}
	if empty {
		c.add(v, CodeEmpty, true, "a list must not be empty; leave the property out")
	}
}

func (c *checker) wrongKind(v Value, want string) {
	if v.Kind() == KindNull {
		c.null(v)
		return
	}
	c.add(v, CodeKind, true, "must be "+want+", not "+kindName(v.Kind()))
}

func kindName(k Kind) string {
	switch k {
	case KindNull:
		return "null"
	case KindTrue, KindFalse:
		return "a boolean"
	case KindString:
		return "a string"
	case KindNumber:
		return "a number"
	case KindObject:
		return "an object"
	case KindArray:
		return "a list"
	}
	return "nothing"
}

// propertyName is the rule of STIX 2.1 §3.1.
func propertyName(s string) bool {
	if len(s) < 3 || len(s) > 250 || s[0]-'a' > 25 {
		return false
	}
	for i := 0; i < len(s); i++ {
		if b := s[i]; b-'a' > 25 && !isDigit(b) && b != '_' {
			return false
		}
	}
	return true
}

// dictKey is the rule of STIX 2.1 §2.4.
func dictKey(s string) bool {
	if s == "" || len(s) > 250 {
		return false
	}
	for i := 0; i < len(s); i++ {
		if b := s[i]; b-'a' > 25 && b-'A' > 25 && !isDigit(b) && b != '_' && b != '-' {
			return false
		}
	}
	return true
}

func formatNumber(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
