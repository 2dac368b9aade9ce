package misp

import (
	"bytes"
	"fmt"
	"iter"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// Members is one JSON object of the format: an event, an attribute, a tag. It keeps
// every member, known or not, in the order and with the very text in which it
// came, so that what is written back differs from what was read only where it was
// changed (and in the whitespace between values). All types of this package that
// stand for a part of an event are views of a Members.
//
// Members that hold other parts, such as Attribute and Tag, are reached by
// [Members.List] and [Members.Part], all others by their values. Instances of MISP
// write the same value as "1" and as 1, as true and as "1"; the methods that give
// a value understand all of these.
//
// The zero Members is an empty object. A Members may be read by several goroutines at once, and changed by one.
type Members struct {
	list []member
}

// member is one member: either text, or one part, or a list of parts.
type member struct {
	name  string
	raw   jsontext.Value
	one   *Members
	parts []*Members
	many  bool
}

// partNames are the members that hold parts. The value says whether the format has a
// list there; where data has another kind of value, it is kept as text.
func partNames(name string) (many, ok bool) {
	switch name {
	case "Attribute", "Object", "EventReport", "Tag", "Galaxy", "GalaxyCluster", "GalaxyElement", "Sighting", "ShadowAttribute",
		"ObjectReference", "RelatedEvent", "SharingGroupOrg", "SharingGroupServer", "Note", "Opinion", "Relationship":
		return true, true
	case "Event", "Org", "Orgc", "Organisation", "SharingGroup", "Server":
		return false, true
	}
	return false, false
}

// parseMembers reads one JSON object. Names must be unique and text must be UTF-8,
// at every depth.
func parseMembers(raw []byte, path string, base int64, depth int) (*Members, error) {
	if at := tooDeep(raw, depth); at >= 0 {
		return nil, refuse(path, base+int64(at), ErrTooDeep, "more than %d levels", depth)
	}
	dec := jsontext.NewDecoder(bytes.NewReader(raw))
	if k := dec.PeekKind(); k != '{' && k != 0 {
		return nil, refuse(path, base, ErrKind, "must be an object, not %s", kindName(k))
	}
	m, err := readMembers(dec)
	if err == nil {
		if _, more := dec.ReadToken(); more == nil {
			return nil, refuse(path, base+dec.InputOffset(), ErrSyntax, "more text after the value")
		}
		return m, nil
	}
	return nil, jsonError(err, path, base)
}

func readMembers(dec *jsontext.Decoder) (*Members, error) {
	if _, err := dec.ReadToken(); err != nil {
		return nil, err
	}
	m := &Members{list: make([]member, 0, 16)}
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return nil, err
		}
		next := member{name: name.String()}
		if err := next.read(dec); err != nil {
			return nil, err
		}
		m.list = append(m.list, next)
	}
	_, err := dec.ReadToken()
	return m, err
}

func (m *member) read(dec *jsontext.Decoder) error {
	many, part := partNames(m.name)
	kind := dec.PeekKind()
	switch {
	case part && !many && kind == '{':
		one, err := readMembers(dec)
		m.one = one
		return err
	case part && many && kind == '[':
		return m.readList(dec)
	}
	raw, err := dec.ReadValue()
	if err != nil {
		return err
	}
	m.raw = bytes.Clone(raw)
	return m.raw.Compact()
}

// readList reads a list of parts. A list with anything but objects in it is kept as
// text.
func (m *member) readList(dec *jsontext.Decoder) error {
	raw, err := dec.ReadValue()
	if err != nil {
		return err
	}
	inner := jsontext.NewDecoder(bytes.NewReader(raw))
	_, _ = inner.ReadToken()
	m.many, m.parts = true, []*Members{}
	for inner.PeekKind() == '{' {
		one, err := readMembers(inner)
		if err != nil {
			return err
		}
		m.parts = append(m.parts, one)
	}
	if inner.PeekKind() != ']' {
		*m = member{name: m.name, raw: bytes.Clone(raw)}
		return m.raw.Compact()
	}
	return nil
}

// tooDeep gives the position of the bracket that passes the depth, or -1.
func tooDeep(raw []byte, depth int) int {
	level, quoted := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if level++; level > depth {
				return i
			}
		case c == '}' || c == ']':
			level--
		}
	}
	return -1
}

func kindName(k jsontext.Kind) string {
	switch k {
	case 'n':
		return "null"
	case 't', 'f':
		return "a boolean"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case '{':
		return "an object"
	case '[':
		return "a list"
	}
	return "nothing"
}

func (m *Members) find(name string) *member {
	if m == nil {
		return nil
	}
	for i := range m.list {
		if m.list[i].name == name {
			return &m.list[i]
		}
	}
	return nil
}

// Names gives the names of all members, in order.
func (m *Members) Names() iter.Seq[string] {
	return func(yield func(string) bool) {
		if m == nil {
			return
		}
		for i := range m.list {
			if !yield(m.list[i].name) {
				return
			}
		}
	}
}

// Has reports whether there is a member of the name, be it null.
func (m *Members) Has(name string) bool { return m.find(name) != nil }

// Kind gives the JSON kind of a member's value, 0 if there is none.
func (m *Members) Kind(name string) jsontext.Kind {
	f := m.find(name)
	switch {
	case f == nil:
		return 0
	case f.one != nil:
		return '{'
	case f.many:
		return '['
	}
	return f.raw.Kind()
}

// Raw gives the JSON text of a member's value without needless whitespace, or nil.
func (m *Members) Raw(name string) []byte {
	f := m.find(name)
	if f == nil {
		return nil
	}
	return f.append(nil)
}

// Text gives the characters of a string, the digits of a number, "1" or "0" for a
// boolean, and nothing for all else.
func (m *Members) Text(name string) string {
	f := m.find(name)
	if f == nil || f.raw == nil {
		return ""
	}
	switch f.raw.Kind() {
	case '"':
		if n := len(f.raw) - 1; bytes.IndexByte(f.raw, '\\') < 0 {
			return string(f.raw[1:n])
		}
		b, _ := jsontext.AppendUnquote(nil, f.raw)
		return string(b)
	case '0':
		return string(f.raw)
	case 't':
		return "1"
	case 'f':
		return "0"
	}
	return ""
}

// Int gives a whole number, written as a number or as a string of digits.
func (m *Members) Int(name string) (n int64, ok bool) {
	n, err := strconv.ParseInt(m.Text(name), 10, 64)
	return n, err == nil
}

// Flag gives a boolean, written as true, "true", 1 or "1"; false for all else.
func (m *Members) Flag(name string) bool {
	s := m.Text(name)
	return s == "1" || s == "true"
}

// Texts gives the strings of a list, leaving out what is not a string.
func (m *Members) Texts(name string) []string {
	f := m.find(name)
	if f == nil || f.raw.Kind() != '[' {
		return nil
	}
	var list []string
	dec := jsontext.NewDecoder(bytes.NewReader(f.raw))
	_, _ = dec.ReadToken()
	for dec.PeekKind() != ']' && dec.PeekKind() != 0 {
		if dec.PeekKind() != '"' {
			if dec.SkipValue() != nil {
				break
			}
			continue
		}
		tok, err := dec.ReadToken()
		if err != nil {
			break
		}
		list = append(list, tok.String())
	}
	return list
}

// Part gives a member that holds one part, or nil.
func (m *Members) Part(name string) *Members {
	if f := m.find(name); f != nil {
		return f.one
	}
	return nil
}

// List gives a member that holds a list of parts, or nil. The slice must not be
// changed; see [Members.SetList].
func (m *Members) List(name string) []*Members {
	if f := m.find(name); f != nil {
		return f.parts
	}
	return nil
}

func (m *Members) put(next member) {
	if f := m.find(next.name); f != nil {
		*f = next
		return
	}
	m.list = append(m.list, next)
}

// SetText sets a member to a string. What is not Unicode text in it is replaced.
func (m *Members) SetText(name, s string) { m.put(member{name: name, raw: quote(s)}) }

// SetFlag sets a member to a boolean.
func (m *Members) SetFlag(name string, b bool) {
	m.put(member{name: name, raw: strconv.AppendBool(nil, b)})
}

// SetInt sets a member to a string of digits, as the format has numbers.
func (m *Members) SetInt(name string, n int64) { m.SetText(name, strconv.FormatInt(n, 10)) }

// SetRaw sets a member to a JSON value. It fails if the text is not one.
func (m *Members) SetRaw(name string, raw []byte) error {
	v := jsontext.Value(bytes.Clone(raw))
	if err := v.Compact(); err != nil {
		return fmt.Errorf("misp: %s: %w: %w", name, ErrSyntax, err)
	}
	if !v.IsValid() {
		return fmt.Errorf("misp: %s: %w", name, ErrSyntax)
	}
	m.put(member{name: name, raw: v})
	return nil
}

// SetPart sets a member to one part.
func (m *Members) SetPart(name string, part *Members) { m.put(member{name: name, one: part}) }

// SetList sets a member to a list of parts.
func (m *Members) SetList(name string, parts []*Members) {
	m.put(member{name: name, many: true, parts: slices.Clip(parts)})
}

// Add appends a part to a list of parts, which it begins if there is none.
func (m *Members) Add(name string, part *Members) {
	if f := m.find(name); f != nil && f.many {
		f.parts = append(f.parts, part)
		return
	}
	m.SetList(name, []*Members{part})
}

// Delete takes a member away.
func (m *Members) Delete(name string) {
	m.list = slices.DeleteFunc(m.list, func(f member) bool { return f.name == name })
}

// Clone makes a copy that shares nothing that can be changed.
func (m *Members) Clone() *Members { return m.clone(nil) }

// clone makes a copy, and notes in twins, unless that is nil, which part of it came of
// which.
func (m *Members) clone(twins map[*Members]*Members) *Members {
	if m == nil {
		return nil
	}
	c := &Members{list: slices.Clone(m.list)}
	if twins != nil {
		twins[m] = c
	}
	for i := range c.list {
		f := &c.list[i]
		f.one = f.one.clone(twins)
		if f.many {
			parts := make([]*Members, len(f.parts))
			for j, p := range f.parts {
				parts[j] = p.clone(twins)
			}
			f.parts = parts
		}
	}
	return c
}

// AppendJSON appends the JSON text of the object to dst.
func (m *Members) AppendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	for i := range m.list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst, _ = jsontext.AppendQuote(dst, m.list[i].name)
		dst = append(dst, ':')
		dst = m.list[i].append(dst)
	}
	return append(dst, '}')
}

// MarshalJSON implements json.Marshaler.
func (m *Members) MarshalJSON() ([]byte, error) { return m.AppendJSON(nil), nil }

func (f *member) append(dst []byte) []byte {
	switch {
	case f.one != nil:
		return f.one.AppendJSON(dst)
	case f.many:
		dst = append(dst, '[')
		for i, p := range f.parts {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = p.AppendJSON(dst)
		}
		return append(dst, ']')
	}
	return append(dst, f.raw...)
}

// quote gives a JSON string. Text that is no Unicode has replacement characters for
// what is not.
func quote(s string) jsontext.Value {
	b, _ := jsontext.AppendQuote(nil, s)
	return b
}
