package misp

import (
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// text builds the JSON of one STIX object, member by member in order. Empty values are
// left out, because STIX has no empty properties.
type text struct {
	b []byte
}

func newText(typ, id string) *text {
	t := &text{b: make([]byte, 0, 512)}
	t.b = append(t.b, '{')
	t.str("type", typ)
	t.str("spec_version", "2.1")
	t.str("id", id)
	return t
}

func (t *text) name(name string) {
	if len(t.b) > 1 {
		t.b = append(t.b, ',')
	}
	t.b, _ = jsontext.AppendQuote(t.b, name)
	t.b = append(t.b, ':')
}

func (t *text) str(name, s string) {
	if s != "" {
		t.name(name)
		t.b, _ = jsontext.AppendQuote(t.b, s)
	}
}

func (t *text) when(name string, at time.Time) { t.str(name, stamp(at)) }

func (t *text) strs(name string, list []string) {
	if len(list) > 0 {
		t.name(name)
		t.b = appendStrings(t.b, list)
	}
}

func (t *text) num(name string, n int64) {
	t.name(name)
	t.b = strconv.AppendInt(t.b, n, 10)
}

func (t *text) flag(name string, b bool) {
	t.name(name)
	t.b = strconv.AppendBool(t.b, b)
}

// raw adds a value that is JSON already.
func (t *text) raw(name string, v []byte) {
	if len(v) > 0 {
		t.name(name)
		t.b = append(t.b, v...)
	}
}

func (t *text) done() []byte { return append(t.b, '}') }

func appendStrings(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b, _ = jsontext.AppendQuote(b, s)
	}
	return append(b, ']')
}

// object gives a JSON object of one name and value.
func pair(name string, value []byte) []byte {
	b, _ := jsontext.AppendQuote([]byte{'{'}, name)
	b = append(append(b, ':'), value...)
	return append(b, '}')
}

// stamp writes a time as STIX has it, to the microsecond if it has any.
func stamp(t time.Time) string {
	if t.Nanosecond()%int(time.Millisecond) != 0 {
		return t.UTC().Format("2006-01-02T15:04:05.000000Z")
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// namespace is that of the identifiers that this package derives.
const namespace = "1d9a4f0a-6d0e-4d3e-9f4b-3a7b1c5e8d20"

// derive gives the UUID of version 5 that the parts lead to.
func derive(parts ...string) string {
	return uuid.NewSHA1(uuid.MustParse(namespace), []byte(strings.Join(parts, "\x00"))).String()
}

// goodUUID gives a UUID in lower case, or ok false for what is none.
func goodUUID(s string) (string, bool) {
	if len(s) != 36 {
		return "", false
	}
	u, err := uuid.Parse(s)
	if err != nil {
		return "", false
	}
	return u.String(), true
}

// idUUID is goodUUID for identifiers: those of STIX take RFC 4122 alone, of version 1 to 5
// (STIX 2.1 §2.9).
func idUUID(s string) (string, bool) {
	out, ok := goodUUID(s)
	if !ok {
		return "", false
	}
	u := uuid.MustParse(out)
	return out, u.Variant() == uuid.RFC4122 && u.Version() >= 1 && u.Version() <= 5
}

// literal writes a string constant of the pattern language (STIX 2.1 §9.2).
func literal(s string) string {
	if !strings.ContainsAny(s, `'\`) {
		return "'" + s + "'"
	}
	return "'" + strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), "'", `\'`) + "'"
}

// digits reads a whole number of at most 15 digits, of which a float loses nothing.
func digits(s string) (int64, bool) {
	if s == "" || len(s) > 15 {
		return 0, false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

// short cuts a text to be shown to n characters at most.
func short(s string, n int) string {
	for i := range s {
		if n--; n < 0 {
			return s[:i]
		}
	}
	return s
}
