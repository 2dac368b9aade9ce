package stix

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// Builder makes the text of a new object, or of a new version of one. The same calls
// give the same bytes: time and randomness are arguments. Properties stand in the order
// of the specification, then the others in the order in which they were set.
//
// A mistake in a call is told by [Builder.Object], which gives nothing that [Validate]
// would not accept.
type Builder struct {
	typ    string
	spec   *TypeSpec
	names  []string // as they were set first
	values map[string]jsontext.Value
	ext    map[string]map[string]any
	uuid   *[16]byte
	err    error
	after  Timestamp // of the version that is revised
}

// ErrBuild means that a [Builder] was asked for an object that would not be valid.
var ErrBuild = errors.New("stix: no valid object")

// BuildError says what is wrong with an object that was to be built. It is an
// [ErrBuild].
type BuildError struct {
	// Type is the object's type.
	Type string
	// Problems are the breaches of a MUST that the object would have.
	Problems []Problem
	// Text is the object as it would have been.
	Text []byte
}

// Error implements error.
func (e *BuildError) Error() string {
	s := fmt.Sprintf("%v of type %s", ErrBuild, quoteShort(e.Type))
	if len(e.Problems) > 0 {
		s += ": " + e.Problems[0].String()
	}
	if n := len(e.Problems); n > 1 {
		s += fmt.Sprintf(" (and %d more)", n-1)
	}
	return s
}

// Unwrap gives ErrBuild.
func (e *BuildError) Unwrap() error { return ErrBuild }

// Build begins an object of the given type.
func Build(typ string) *Builder {
	b := &Builder{typ: typ, spec: specs[typ], values: make(map[string]jsontext.Value)}
	return b.Set("type", typ).Set("spec_version", "2.1")
}

// Revise begins a new version of an object: all of its properties as they were received,
// with modified later than before. Observables and marking definitions have no versions,
// and a revoked object has no further one (STIX 2.1 §3.6).
func Revise(o *Object, modified time.Time) *Builder {
	b := Build(o.Type)
	switch {
	case o.Modified.IsZero() || o.IsSCO():
		b.fail("%s has no versions", o.ID)
	case o.Revoked:
		b.fail("%s is revoked, and that is for ever", o.ID)
	}
	for name, v := range o.Root().Members() {
		b.put(name, slices.Clone(v.Raw()))
	}
	b.after = o.Modified
	return b.Set("spec_version", "2.1").Set("modified", modified)
}

// Random gives the 16 random bytes of a UUID of version 4; its version and variant bits
// are set by the builder. Observables need them only if no property contributes to
// their identifier.
func (b *Builder) Random(bytes [16]byte) *Builder {
	bytes[6] = bytes[6]&0x0f | 0x40
	bytes[8] = bytes[8]&0x3f | 0x80
	b.uuid = &bytes
	return b
}

// ID sets the whole identifier, for a UUID that comes from elsewhere.
func (b *Builder) ID(id string) *Builder { return b.Set("id", id) }

// At sets created and, if the type has it, modified.
func (b *Builder) At(t time.Time) *Builder {
	b.Set("created", t)
	if b.typ != "marking-definition" {
		b.Set("modified", t)
	}
	return b
}

// Set sets a property. The value is a string, bool, number, time.Time (written in UTC, to
// the millisecond or finer), [Timestamp], []byte (written as hex or base64, as the
// property wants it), jsontext.Value (taken as it is), or a list, map or struct of such.
// What STIX has no value for is left out: nil, and an empty list or map.
func (b *Builder) Set(name string, value any) *Builder {
	text, err := b.encode(name, value)
	if err != nil {
		b.fail("%s: %w", name, err)
		return b
	}
	b.put(name, text)
	return b
}

func (b *Builder) put(name string, text jsontext.Value) {
	if _, ok := b.values[name]; !ok {
		b.names = append(b.names, name)
	}
	b.values[name] = text
}

// Unset takes a property away again.
func (b *Builder) Unset(name string) *Builder { return b.Set(name, nil) }

// Refs appends to a list of identifiers, as in Refs("object_refs", a.ID, b.ID).
func (b *Builder) Refs(name string, ids ...string) *Builder {
	var list []string
	if text := b.values[name]; text != nil {
		if err := json.Unmarshal(text, &list); err != nil {
			b.fail("%s: %w", name, err)
			return b
		}
	}
	return b.Set(name, append(list, ids...))
}

// Extension adds an extension: the identifier of an extension-definition with its kind,
// as in "property-extension", or the name of a predefined one with an empty kind.
func (b *Builder) Extension(id, kind string, properties map[string]any) *Builder {
	if b.ext == nil {
		b.ext = make(map[string]map[string]any)
	}
	ext := make(map[string]any, len(properties)+1)
	for name, v := range properties {
		if t, ok := v.(time.Time); ok {
			v = FormatTimestamp(t)
		}
		ext[name] = v
	}
	if kind != "" {
		ext["extension_type"] = kind
	}
	b.ext[id] = ext
	return b
}

// Revoke takes the object back.
func (b *Builder) Revoke() *Builder { return b.Set("revoked", true) }

func (b *Builder) fail(format string, args ...any) {
	if b.err == nil {
		b.err = fmt.Errorf("%w of type %s: "+format, append([]any{ErrBuild, quoteShort(b.typ)}, args...)...)
	}
}

// encode writes a value as JSON; nil if the property is to be left out.
func (b *Builder) encode(name string, value any) (jsontext.Value, error) {
	switch v := value.(type) {
	case nil:
		return nil, nil
	case time.Time:
		if y := v.UTC().Year(); y < 0 || y > 9999 {
			return nil, fmt.Errorf("the year %d has no STIX timestamp", y)
		}
		value = FormatTimestamp(v)
	case Timestamp:
		if v.IsZero() {
			return nil, nil
		}
	case []byte:
		if b.spec != nil {
			if p, ok := b.spec.Property(name); ok && p.Kind == HexValue {
				value = hex.EncodeToString(v)
			}
		}
	}
	text, err := json.Marshal(value, json.Deterministic(true))
	if err != nil {
		return nil, err
	}
	switch string(text) {
	case "null", "[]", "{}":
		return nil, nil
	}
	return text, nil
}

// text writes the object down.
func (b *Builder) text() []byte {
	out := []byte{'{'}
	write := func(name string) {
		text := b.values[name]
		if text == nil {
			return
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out, _ = jsontext.AppendQuote(out, name)
		out = append(append(out, ':'), text...)
	}
	known := unknownFields
	if b.spec != nil {
		known = &b.spec.FieldSet
	}
	for p := range known.Properties() {
		write(p.Name)
	}
	for _, name := range b.names {
		if known.find.index([]byte(name)) < 0 {
			write(name)
		}
	}
	return append(out, '}')
}

// Object gives the object. The error is an [ErrBuild]: a [*BuildError] if the object
// would break a MUST.
func (b *Builder) Object() (*Object, error) {
	if b.err != nil {
		return nil, b.err
	}
	if b.ext != nil {
		if old := b.values["extensions"]; old != nil {
			return nil, fmt.Errorf("%w of type %s: extensions are set twice", ErrBuild, quoteShort(b.typ))
		}
		if b.Set("extensions", b.ext); b.err != nil {
			return nil, b.err
		}
	}
	if b.values["id"] == nil {
		id, err := b.newID()
		if err != nil {
			return nil, err
		}
		b.Set("id", id)
	}
	text := b.text()
	o, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%w of type %s: %w", ErrBuild, quoteShort(b.typ), err)
	}
	problems := ValidateMust(o)
	if !b.after.IsZero() && o.Modified.Compare(b.after) <= 0 {
		problems = append(problems, Problem{Path: "modified", Code: CodeOrder, Must: true, Section: "3.6",
			Message: "must be later than that of the version before, " + b.after.Text})
	}
	if len(problems) > 0 {
		return nil, &BuildError{Type: b.typ, Problems: problems, Text: text}
	}
	return o, nil
}

func (b *Builder) newID() (string, error) {
	if b.spec != nil && b.spec.Category == SCO {
		id, err := ContributingID(b.text())
		if !errors.Is(err, ErrRandomID) {
			return id, err
		}
	}
	if b.uuid == nil {
		return "", fmt.Errorf("%w of type %s: it needs the bytes of a random UUID or an identifier", ErrBuild, quoteShort(b.typ))
	}
	return b.typ + "--" + uuid.UUID(*b.uuid).String(), nil
}

// FormatTimestamp writes an instant as a STIX timestamp: UTC, with three digits after the
// second, or six or nine if it is finer.
func FormatTimestamp(t time.Time) string {
	t = t.UTC()
	s := t.Format("2006-01-02T15:04:05.000000000")
	for range 2 {
		if !strings.HasSuffix(s, "000") || len(s) <= len("2006-01-02T15:04:05.000") {
			break
		}
		s = s[:len(s)-3]
	}
	return s + "Z"
}
