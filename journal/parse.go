package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// ParseEntry parses one entry. It is strict about the fields it knows (types,
// bounds, exact forms), keeps unknown fields and unknown kinds, and refuses
// duplicate names, invalid UTF-8, more than [MaxEntry] bytes and more than
// [MaxDepth] levels. Errors are a [*Refusal] with code bad-entry or oversize.
// The entry keeps raw; the caller must not change it afterwards.
func ParseEntry(raw []byte) (*Entry, error) { return newParser().parse(raw) }

// parser parses many entries of one journal. It remembers what rarely changes
// between neighbours (unit, author, seen), which halves the cost of an entry.
// It is not safe for concurrent use.
type parser struct {
	dec  *jsontext.Decoder
	buf  *bytes.Buffer
	hash hash.Hash

	unit   UnitID
	author PartyID
	kind   string
	by     By
	byRaw  []byte

	seenRaw []byte
	seen    map[Origin]Head

	middle, after, rest []byte // see learn and fields
	epoch               int    // that middle stands for

	originOf struct {
		unit   UnitID
		author PartyID
		epoch  int
		origin Origin
	}
}

func newParser() *parser {
	return &parser{dec: new(jsontext.Decoder), buf: new(bytes.Buffer), hash: sha256.New()}
}

// field bits, to require what must be there.
const (
	hasV = 1 << iota
	hasKind
	hasAt
	hasBy
	hasUnit
	hasAuthor
	hasEpoch
	hasIndex
	hasSeen
	hasAll = 1<<iota - 1
)

var errNotObject = errors.New("not a JSON object")

func (p *parser) parse(raw []byte) (*Entry, error) {
	if len(raw) > MaxEntry {
		return nil, refuse(CodeOversize, "", -1, "an entry of %d bytes is larger than %d", len(raw), MaxEntry)
	}
	e := &Entry{Raw: raw}
	if err := p.fields(e); err != nil {
		return nil, refuse(CodeBadEntry, "", -1, "%v", err)
	}
	e.LeafHash = p.leafHash(raw)
	e.origin = p.origin(e)
	return e, nil
}

// leafHash is tlog.RecordHash without its allocation.
func (p *parser) leafHash(raw []byte) (h Hash) {
	p.hash.Reset()
	p.hash.Write([]byte{0})
	p.hash.Write(raw)
	p.hash.Sum(h[:0])
	return h
}

func (p *parser) origin(e *Entry) Origin {
	c := &p.originOf
	if c.origin == "" || c.epoch != e.Epoch || c.unit != e.Unit || c.author != e.Author {
		c.unit, c.author, c.epoch, c.origin = e.Unit, e.Author, e.Epoch, OriginOf(e.Unit, e.Author, e.Epoch)
	}
	return c.origin
}

// fields reads all fields, the known ones by the short way if the entry begins
// like its predecessor.
func (p *parser) fields(e *Entry) error {
	if at := p.likeLast(e); at > 0 {
		if err := checkDepth(e.Raw[at:], MaxDepth-1); err != nil {
			return err
		}
		if string(e.Raw[at:]) == "}" {
			return nil
		}
		// The rest, from its comma on, becomes an object of its own.
		p.rest = append(append(p.rest[:0], '{'), e.Raw[at+1:]...)
		return p.object(e, p.rest, at, hasAll)
	}
	if err := checkDepth(e.Raw, MaxDepth); err != nil {
		return err
	}
	p.middle = p.middle[:0] // it must not outlive what it stands for
	if err := p.object(e, e.Raw, 0, 0); err != nil {
		return err
	}
	p.learn(e)
	return nil
}

// object reads the members of the object in text, which stands in e.Raw from
// at on, except perhaps for its first byte. have says which fields were read before.
func (p *parser) object(e *Entry, text []byte, at, have int) error {
	*p.buf = *bytes.NewBuffer(text)
	p.dec.Reset(p.buf)
	tok, err := p.dec.ReadToken()
	if err != nil {
		return err
	}
	if tok.Kind() != '{' {
		return errNotObject
	}
	before, members := have, 0
	for p.dec.PeekKind() == '"' {
		name, err := p.dec.ReadValue()
		if err != nil {
			return err
		}
		field, err := p.fieldName(name)
		if err != nil {
			return err
		}
		val, err := p.dec.ReadValue()
		if err != nil {
			return err
		}
		bit := fieldBit(field)
		if before&bit != 0 {
			return fmt.Errorf("duplicate name %q", field)
		}
		// The value as a slice of Raw, which stays valid.
		end := at + int(p.dec.InputOffset())
		val = e.Raw[end-len(val) : end : end]
		if err := p.field(e, field, val); err != nil {
			return fmt.Errorf("%s: %w", field, err)
		}
		have |= bit
		members++
	}
	if _, err := p.dec.ReadToken(); err != nil {
		return err
	}
	if before != 0 && members == 0 {
		return errors.New("a comma with nothing after it")
	}
	if rest := bytes.TrimLeft(text[p.dec.InputOffset():], " \t\r\n"); len(rest) != 0 {
		return errors.New("text after the object")
	}
	if have&hasAll != hasAll {
		return fmt.Errorf("required fields are missing (have %09b of v, kind, at, by, unit, author, epoch, index, seen, last first)", have)
	}
	return nil
}

const (
	textBeforeKind = `{"v":1,"kind":"`
	textBeforeTime = `","at":"`
)

// learn remembers what the next entry probably says between its time and its
// index, and between its index and its body.
func (p *parser) learn(e *Entry) {
	p.middle = fmt.Appendf(p.middle[:0], `,"by":%s,"unit":"%s","author":"%s","epoch":%d,"index":`, p.byRaw, e.Unit, e.Author, e.Epoch)
	p.after = append(append(p.after[:0], `,"seen":`...), p.seenRaw...)
	p.epoch = e.Epoch
}

// likeLast reads an entry that says, byte for byte, what the last one said
// apart from kind, time, index and what follows seen. It returns where that
// begins, or 0 if the entry has to be read the long way. Because the bytes
// compared are those of values already read, both ways give the same.
func (p *parser) likeLast(e *Entry) int {
	if len(p.middle) == 0 {
		return 0
	}
	rest, ok := bytes.CutPrefix(e.Raw, []byte(textBeforeKind))
	if !ok {
		return 0
	}
	n := bytes.IndexByte(rest[:min(len(rest), 65)], '"')
	if n < 0 || !validKind(rest[:n]) {
		return 0
	}
	if p.kind != string(rest[:n]) {
		p.kind = string(rest[:n])
	}
	if rest, ok = bytes.CutPrefix(rest[n:], []byte(textBeforeTime)); !ok {
		return 0
	}
	if n = bytes.IndexByte(rest[:min(len(rest), 36)], '"'); n < 0 {
		return 0
	}
	at := len(e.Raw) - len(rest) - 1
	t, text, err := parseTime(e.Raw[at : at+n+2])
	if err != nil {
		return 0
	}
	if rest, ok = bytes.CutPrefix(rest[n+1:], p.middle); !ok {
		return 0
	}
	for n = 0; n < len(rest) && n < 17 && rest[n] >= '0' && rest[n] <= '9'; n++ {
	}
	index, err := parseInt(rest[:n], maxIndex)
	if err != nil {
		return 0
	}
	if rest, ok = bytes.CutPrefix(rest[n:], p.after); !ok || len(rest) == 0 || rest[0] != ',' && string(rest) != "}" {
		return 0
	}
	e.V, e.Kind, e.At, e.AtText, e.By = 1, p.kind, t, text, p.by
	e.Unit, e.Author, e.Epoch, e.Index, e.Seen = p.unit, p.author, p.epoch, index, p.seen
	return len(e.Raw) - len(rest)
}

// fieldName returns the unquoted name; names without escapes cost nothing.
func (p *parser) fieldName(quoted []byte) (string, error) {
	if bytes.IndexByte(quoted, '\\') < 0 {
		switch string(quoted[1 : len(quoted)-1]) { // no allocation
		case "v":
			return "v", nil
		case "kind":
			return "kind", nil
		case "at":
			return "at", nil
		case "by":
			return "by", nil
		case "unit":
			return "unit", nil
		case "author":
			return "author", nil
		case "epoch":
			return "epoch", nil
		case "index":
			return "index", nil
		case "seen":
			return "seen", nil
		case "release":
			return "release", nil
		case "body":
			return "body", nil
		case "payload":
			return "payload", nil
		}
	}
	b, err := jsontext.AppendUnquote(nil, quoted)
	return string(b), err
}

func fieldBit(name string) int {
	switch name {
	case "v":
		return hasV
	case "kind":
		return hasKind
	case "at":
		return hasAt
	case "by":
		return hasBy
	case "unit":
		return hasUnit
	case "author":
		return hasAuthor
	case "epoch":
		return hasEpoch
	case "index":
		return hasIndex
	case "seen":
		return hasSeen
	}
	return 0
}

func (p *parser) field(e *Entry, name string, val jsontext.Value) (err error) {
	switch name {
	case "v":
		var v int64
		if v, err = parseInt(val, 1<<31); err == nil && v != 1 {
			err = fmt.Errorf("version %d of the format is not known here; a newer program is needed", v)
		}
		e.V = int(v)
	case "kind":
		e.Kind, err = p.parseKind(val)
	case "at":
		e.At, e.AtText, err = parseTime(val)
	case "by":
		if p.byRaw == nil || !bytes.Equal(p.byRaw, val) {
			by, err := parseBy(val)
			if err != nil {
				return err
			}
			p.by = by
			p.byRaw = append(p.byRaw[:0], val...)
		}
		e.By = p.by
	case "unit":
		if string(unquoted(val)) != string(p.unit) {
			var s string
			if s, err = parseHex64(val); err != nil {
				return err
			}
			p.unit = UnitID(s)
		}
		e.Unit = p.unit
	case "author":
		if string(unquoted(val)) != string(p.author) {
			var s string
			if s, err = parseHex64(val); err != nil {
				return err
			}
			p.author = PartyID(s)
		}
		e.Author = p.author
	case "epoch":
		var n int64
		n, err = parseInt(val, maxEpoch)
		e.Epoch = int(n)
	case "index":
		e.Index, err = parseInt(val, maxIndex)
	case "seen":
		if p.seen == nil || !bytes.Equal(p.seenRaw, val) {
			m, err := parseSeen(val)
			if err != nil {
				return err
			}
			p.seen, p.seenRaw = m, append(p.seenRaw[:0], val...)
		}
		e.Seen = p.seen
	case "release":
		e.Release, err = parseRelease(val)
	case "body":
		if val.Kind() != '{' {
			return errNotObject
		}
		e.Body = val
	case "payload":
		e.Payload, err = parsePayload(val)
	}
	return err
}

// parseKind accepts 1 to 64 of a-z, 0-9, '.', '-', starting with a letter.
func (p *parser) parseKind(val jsontext.Value) (string, error) {
	k := unquoted(val)
	if string(k) == p.kind && p.kind != "" {
		return p.kind, nil
	}
	if !validKind(k) {
		return "", errors.New("a kind is 1 to 64 of a-z, 0-9, '.' and '-', starting with a letter")
	}
	p.kind = string(k)
	return p.kind, nil
}

func validKind[T ~string | ~[]byte](k T) bool {
	if len(k) == 0 || len(k) > 64 || k[0] < 'a' || k[0] > 'z' {
		return false
	}
	for i := 0; i < len(k); i++ {
		if c := k[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '-' {
			return false
		}
	}
	return true
}

// unquoted returns the inside of a JSON string without escapes, or nil. Callers
// compare or check it against forms in which no character needs an escape.
func unquoted(val jsontext.Value) []byte {
	if len(val) < 2 || val[0] != '"' {
		return nil
	}
	return val[1 : len(val)-1]
}

func parseHex64(val jsontext.Value) (string, error) {
	s := unquoted(val)
	if !isHex64(s) {
		return "", errors.New("needs 64 lower-case hexadecimal digits")
	}
	return string(s), nil
}

// parseInt reads a JSON number written as a plain decimal from 0 to limit.
func parseInt(val jsontext.Value, limit int64) (int64, error) {
	if len(val) == 0 || len(val) > 16 || val[0] == '0' && len(val) > 1 {
		return 0, errors.New("needs a whole number in plain decimal")
	}
	var n int64
	for _, c := range val {
		if c < '0' || c > '9' {
			return 0, errors.New("needs a whole number in plain decimal")
		}
		n = n*10 + int64(c-'0')
	}
	if n > limit {
		return 0, fmt.Errorf("%d is larger than %d", n, limit)
	}
	return n, nil
}

// parseTime reads RFC 3339 strictly; seconds may have a fraction.
func parseTime(val jsontext.Value) (time.Time, string, error) {
	s := unquoted(val)
	if len(s) < 20 || len(s) > 35 {
		return time.Time{}, "", errors.New("needs a date and time as in RFC 3339, with offset")
	}
	var t time.Time
	if err := t.UnmarshalText(s); err != nil {
		return time.Time{}, "", errors.New("needs a date and time as in RFC 3339, with offset")
	}
	if err := checkTime(t); err != nil {
		return time.Time{}, "", err
	}

	return t, string(s), nil
}

// parseHash reads exactly one standard base64 form of 32 bytes.
func parseHash(val jsontext.Value) (h Hash, err error) { return decodeHash(unquoted(val)) }

func decodeHash(s []byte) (h Hash, err error) {
	var tmp [34]byte
	if len(s) != 44 {
		return h, errors.New("needs a hash in base64")
	}
	n, err := base64.StdEncoding.Strict().Decode(tmp[:], s)
	if err != nil || n != len(h) {
		return h, errors.New("needs a hash in base64")
	}
	copy(h[:], tmp[:])
	return h, nil
}

// checkDepth refuses nesting deeper than limit. It does not check the grammar;
// the JSON reader does that afterwards, with a bounded stack.
func checkDepth(raw []byte, limit int) error {
	depth := 0
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if c == ',' || c == ':' {
			continue
		}
		switch c {
		case '"':
			// Jump to the closing quote.
			for i++; ; {
				j := bytes.IndexByte(raw[min(i, len(raw)):], '"')
				if j < 0 {
					return errors.New("a string does not end")
				}
				i += j
				// An odd number of backslashes before it escapes the quote.
				n := 0
				for k := i - 1; k >= 0 && raw[k] == '\\'; k-- {
					n++
				}
				if n%2 == 0 {
					break
				}
				i++
			}
		case '{', '[':
			if depth++; depth > limit {
				return fmt.Errorf("nested deeper than %d levels", limit)
			}
		case '}', ']':
			depth--
		}
	}
	return nil
}
