package stix

import (
	"strconv"
	"strings"
	"sync"
)

// Validate checks an object against the specification and lists every breach of what
// MUST and what SHOULD be, at most 100. An object of a custom type is checked for the
// common properties only. An object of STIX 2.0 is told by its lack of a spec_version;
// what only 2.1 demands is then reported without Must.
//
// It judges one object by itself; see [Context] for what several show together.
func Validate(o *Object) []Problem { return validate(o, true) }

// ValidateMust is [Validate] without advice: it lists only what breaks a MUST.
func ValidateMust(o *Object) []Problem { return validate(o, false) }

func validate(o *Object, advise bool) []Problem {
	c := checkers.Get().(*checker)
	*c = checker{o: o, spec: o.spec, types: specs, advise: advise}
	f := unknownFields
	if o.spec != nil {
		f = &o.spec.FieldSet
		c.old = o.SpecVersion == "" && o.spec.Category != SCO || o.SpecVersion == "2.0"
	}
	c.set = f
	if c.old {
		c.addAt("spec_version", CodeVersion, false, "an object of STIX 2.0; only what both versions demand is checked as a MUST")
	}
	c.fields(o.Root(), f, true)
	if o.spec == nil {
		c.customType()
	}
	c.ownID()
	c.ownMarkings()
	if !o.Created.IsZero() && !o.Modified.IsZero() && o.Modified.Compare(o.Created) < 0 {
		c.addIn("3.6.1", "modified", CodeOrder, true, "is before created")
	}
	problems := c.problems
	*c = checker{} // hold on to nothing
	checkers.Put(c)
	return problems
}

// checkers only saves allocations; a checker carries nothing from one object to the next.
var checkers = sync.Pool{New: func() any { return new(checker) }}

// maxProblems bounds what is listed about one object.
const maxProblems = 100

type checker struct {
	o        *Object
	spec     *TypeSpec            // of the object, or of the one in an observable container
	types    map[string]*TypeSpec // all of them; rules cannot name the variable
	set      *FieldSet            // being checked, for the section
	problems []Problem
	advise   bool  // SHOULD is checked too
	old      bool  // the object is of STIX 2.0
	custom   bool  // that there are custom properties has been said
	openTop  int8  // 1 if an extension adds top-level properties, -1 if not, 0 unknown
	box      Value // the observable container that references are looked up in
}

func (c *checker) add(v Value, code string, must bool, msg string) {
	if (must || c.advise) && len(c.problems) < maxProblems { // spare the path
		c.addAt(c.o.pathOf(v.n), code, must, msg)
	}
}

func (c *checker) addAt(path, code string, must bool, msg string) { c.addIn("", path, code, must, msg) }

// addIn names the section as well.
func (c *checker) addIn(section, path, code string, must bool, msg string) {
	if !must && !c.advise {
		return
	}
	if section == "" {
		if section = codeSections[code]; section == "" {
			section = c.set.section
		}
	}
	switch n := len(c.problems); {
	case n < maxProblems-1:
		c.problems = append(c.problems, Problem{Path: path, Code: code, Message: msg, Must: must, Section: section})
	case n == maxProblems-1:
		c.problems = append(c.problems, Problem{Code: CodeTooMany, Message: "there are more problems than are listed", Must: must})
	default:
		c.problems[n-1].Must = c.problems[n-1].Must || must
	}
}

// suggest reports a breach of a SHOULD that the OASIS validator knows by a number.
func (c *checker) suggest(check int, v Value, code, msg string) {
	if !c.advise {
		return
	}
	before := len(c.problems)
	c.add(v, code, false, msg)
	if len(c.problems) > before && c.problems[before].Code == code {
		c.problems[before].Check = check
	}
}

// fields checks the members of v against f.
func (c *checker) fields(v Value, f *FieldSet, top bool) {
	outer := c.set
	c.set = f
	var present uint64
	var scratch [64]byte
	nodes := c.o.nodes
	for at, end := v.n+1, nodes[v.n].next; at < end; at = nodes[at+1].next {
		b := (Value{c.o, at}).unquoted(scratch[:0])
		i := f.find.index(b)
		if i < 0 {
			c.unknown(Value{c.o, at}, string(b), top)
			continue
		}
		present |= 1 << i
		c.property(Value{c.o, at + 1}, &f.props[i])
	}
	if missing := f.required &^ present; missing != 0 {
		base := c.o.pathOf(v.n)
		for i := range f.props {
			p := &f.props[i]
			if missing&(1<<i) == 0 || c.old && p.Name == "spec_version" || c.box.o != nil && p.Name == "id" {
				continue
			}
			c.addAt(appendName(base, p.Name), CodeMissing, !(c.old && p.Since21), "is required")
		}
	}
	if f.rules != nil {
		f.rules(c, v)
	}
	c.set = outer
}

// unknown judges a property that the table does not have.
func (c *checker) unknown(name Value, text string, top bool) {
	val := Value{c.o, name.n + 1}
	c.free(val)
	if !propertyName(text) {
		if top || c.advise {
			c.add(name, CodeName, top, "a property name has 3 to 250 of a-z, 0-9 and underscore and begins with a letter")
		}
		return
	}
	if top && reservedName(text) {
		c.add(name, CodeReserved, true, "is a name that the specification keeps for the future")
		return
	}
	if top && text == "defanged" && c.spec != nil && c.spec.Category != SCO {
		c.addIn("3.2", text, CodeUnknown, true, "must not be used on anything but a cyber-observable")
		return
	}
	if !c.advise || val.Kind() == KindNull {
		return
	}
	c.suffix(val, text)
	switch {
	case top && (c.spec == nil || c.topLevelExtension()):
	case strings.HasPrefix(text, "x_"):
		if !c.custom {
			c.custom = true
			c.suggest(401, name, CodeCustom, "is a custom property; new content describes its own by an extension-definition")
		}
	case top:
		c.suggest(401, name, CodeUnknown, "is not a property of "+c.spec.Name)
	default:
		c.suggest(401, name, CodeUnknown, "is not a property there")
	}
}

// suffix compares the value of a property with what the end of its name promises
// (STIX 2.1 §3.1).
func (c *checker) suffix(v Value, name string) {
	ok := true
	switch {
	case strings.HasSuffix(name, "_ref"):
		ok = v.Kind() == KindString
	case strings.HasSuffix(name, "_refs"):
		ok = v.Kind() == KindArray
	case strings.HasSuffix(name, "_bin"):
		b, isText := v.Text()
		ok = isText && isBase64([]byte(b))
	case strings.HasSuffix(name, "_hex"):
		b, isText := v.Text()
		ok = isText && lowerHex([]byte(b))
	}
	if !ok {
		c.addIn("3.1", c.o.pathOf(v.n), CodeValue, false, "is not what the end of its name says")
	}
}

// free judges a value that no table describes: there is no null in STIX, and no list
// or dictionary is empty. The depth is bounded by the limits of Parse.
func (c *checker) free(v Value) {
	nodes := c.o.nodes
	for i := v.n; i < nodes[v.n].next; i++ {
		switch n := &nodes[i]; {
		case n.kind == KindNull:
			c.null(Value{c.o, i})
		case (n.kind == KindArray || n.kind == KindObject) && n.next == i+1:
			c.empty(Value{c.o, i})
		}
	}
}

func (c *checker) empty(v Value) {
	if v.Kind() == KindArray {
		c.addIn("2.12", c.o.pathOf(v.n), CodeEmpty, true, "a list must not be empty; leave the property out")
	} else {
		c.addIn("2.3", c.o.pathOf(v.n), CodeEmpty, true, "a dictionary must not be empty; leave the property out")
	}
}

// reservedName knows the names of STIX 2.1 §3.8; the standard and its errata differ in
// phone_numbers, STIX 2.0 in usernames.
func reservedName(s string) bool {
	switch s {
	case "severity", "username", "usernames", "phone_number", "phone_numbers", "action":
		return true
	}
	return false
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
	nodes := c.o.nodes
	for at, end := v.n+1, nodes[v.n].next; at < end; at = nodes[at].next {
		c.value(Value{c.o, at}, p)
	}
	if nodes[v.n].next == v.n+1 {
		c.empty(v)
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
