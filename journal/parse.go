package journal

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"

	"github.com/go-json-experiment/json/jsontext"
)

// ParseEntry parses one entry. It is strict about the fields it knows (types,
// bounds, exact forms), keeps unknown fields and unknown kinds, and refuses
// duplicate names, invalid UTF-8, more than [MaxEntry] bytes and more than
// [MaxDepth] levels. Errors are a [*Refusal] with code bad-entry or oversize.
// The entry keeps raw; the caller must not change it afterwards.
func ParseEntry(raw []byte) (*Entry, error) {
	p := NewParser()
	p.once = true
	return p.Parse(raw)
}

// Parser parses many entries of one journal. It remembers what rarely changes
// between neighbours (unit, author, seen), which halves the cost of an entry.
// It is not safe for concurrent use.
type Parser struct {
	once bool // no next entry will come
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

// NewParser returns a parser that has met no entry yet.
func NewParser() *Parser {
	return &Parser{dec: new(jsontext.Decoder), buf: new(bytes.Buffer), hash: sha256.New()}
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

// Parse parses one entry as [ParseEntry] does.
func (p *Parser) Parse(raw []byte) (*Entry, error) {
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
func (p *Parser) leafHash(raw []byte) (h Hash) {
	p.hash.Reset()
	p.hash.Write([]byte{0})
	p.hash.Write(raw)
	p.hash.Sum(h[:0])
	return h
}

func (p *Parser) origin(e *Entry) Origin {
	c := &p.originOf
	if c.origin == "" || c.epoch != e.Epoch || c.unit != e.Unit || c.author != e.Author {
		c.unit, c.author, c.epoch, c.origin = e.Unit, e.Author, e.Epoch, OriginOf(e.Unit, e.Author, e.Epoch)
	}
	return c.origin
}

// fields reads all fields, the known ones by the short way if the entry begins
// like its predecessor.
func (p *Parser) fields(e *Entry) error {
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
	if !p.once {
		p.learn(e)
	}
	return nil
}

// object reads the members of the object in text, which stands in e.Raw from
// at on, except perhaps for its first byte. have says which fields were read before.
func (p *Parser) object(e *Entry, text []byte, at, have int) error {
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

// fieldName returns the unquoted name; names without escapes cost nothing.
func (p *Parser) fieldName(quoted []byte) (string, error) {
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

func (p *Parser) field(e *Entry, name string, val jsontext.Value) (err error) {
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
		if u := unquoted(val); len(u) == 0 || string(u) != string(p.unit) {
			var s string
			if s, err = parseHex64(val); err != nil {
				return err
			}
			p.unit = UnitID(s)
		}
		e.Unit = p.unit
	case "author":
		if a := unquoted(val); len(a) == 0 || string(a) != string(p.author) {
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
func (p *Parser) parseKind(val jsontext.Value) (string, error) {
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
