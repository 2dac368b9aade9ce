package accord

import (
	"bytes"
	"errors"
	"fmt"
	"github.com/go-json-experiment/json/jsontext"
	"io"
	"strconv"
)

// errBounds is wrapped where a text is refused for its size, depth or count.
var errBounds = errors.New("over a bound")

// node is one value of a text with its place, whether it was written as JSON or YAML.
type node struct {
	kind       byte // '{' '[' '"' '0' 't' 'f' 'n'
	start, end int  // bytes in the source; JSON only
	line       int
	str        string // string: the value; number: the literal
	members    []member
	elems      []*node
}

type member struct {
	name      string
	nameStart int
	value     *node
}

func (n *node) get(name string) *node {
	for i := range n.members {
		if n.members[i].name == name {
			return n.members[i].value
		}
	}
	return nil
}

// bounds of a text.
type bounds struct{ size, depth, nodes int }

// MaxText is the longest text of an accord that is read, in bytes.
const MaxText = 1 << 20

// documentBounds hold for an accord text.
var documentBounds = bounds{size: MaxText, depth: 32, nodes: 50_000}

// readJSON reads exactly one JSON value strictly (duplicate names and invalid UTF-8 are refused).
func readJSON(text []byte, b bounds) (*node, error) {
	if len(text) > b.size {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", errBounds, len(text), b.size)
	}
	r := &jsonReader{dec: jsontext.NewDecoder(bytes.NewBuffer(text)), text: text, b: b, line: 1}
	n, err := r.value(1)
	if err != nil {
		return nil, err
	}
	if _, err := r.dec.ReadToken(); err != io.EOF {
		if err == nil {
			err = errors.New("more than one JSON value")
		}
		return nil, err
	}
	return n, nil
}

type jsonReader struct {
	dec     *jsontext.Decoder
	text    []byte
	b       bounds
	nodes   int
	line    int
	counted int
}

// lineAt counts lines as the reader goes, so that the whole is linear.
func (r *jsonReader) lineAt(off int) int {
	if off > r.counted {
		r.line += bytes.Count(r.text[r.counted:off], []byte{'\n'})
		r.counted = off
	}
	return r.line
}

func (r *jsonReader) value(depth int) (*node, error) {
	if depth > r.b.depth {
		return nil, fmt.Errorf("%w: nested deeper than %d", errBounds, r.b.depth)
	}
	if r.nodes++; r.nodes > r.b.nodes {
		return nil, fmt.Errorf("%w: more than %d values", errBounds, r.b.nodes)
	}
	switch k := r.dec.PeekKind(); k {
	case '{':
		if _, err := r.dec.ReadToken(); err != nil {
			return nil, err
		}
		n := &node{kind: '{', start: int(r.dec.InputOffset()) - 1}
		n.line = r.lineAt(n.start)
		for r.dec.PeekKind() != '}' {
			name, nameStart, err := r.name()
			if err != nil {
				return nil, err
			}
			v, err := r.value(depth + 1)
			if err != nil {
				return nil, err
			}
			n.members = append(n.members, member{name: name, nameStart: nameStart, value: v})
		}
		if _, err := r.dec.ReadToken(); err != nil {
			return nil, err
		}
		n.end = int(r.dec.InputOffset())
		return n, nil
	case '[':
		if _, err := r.dec.ReadToken(); err != nil {
			return nil, err
		}
		n := &node{kind: '[', start: int(r.dec.InputOffset()) - 1}
		n.line = r.lineAt(n.start)
		for r.dec.PeekKind() != ']' {
			v, err := r.value(depth + 1)
			if err != nil {
				return nil, err
			}
			n.elems = append(n.elems, v)
		}
		if _, err := r.dec.ReadToken(); err != nil {
			return nil, err
		}
		n.end = int(r.dec.InputOffset())
		return n, nil
	default:
		raw, err := r.dec.ReadValue()
		if err != nil {
			return nil, err
		}
		n := &node{kind: byte(k), end: int(r.dec.InputOffset())}
		n.start = n.end - len(raw)
		n.line = r.lineAt(n.start)
		switch k {
		case '"':
			s, err := jsontext.AppendUnquote(nil, raw)
			if err != nil {
				return nil, err
			}
			n.str = string(s)
		case '0':
			n.str = string(raw)
		}
		return n, nil
	}
}

func (r *jsonReader) name() (string, int, error) {
	raw, err := r.dec.ReadValue()
	if err != nil {
		return "", 0, err
	}
	start := int(r.dec.InputOffset()) - len(raw)
	s, err := jsontext.AppendUnquote(nil, raw)
	return string(s), start, err
}

// appendJSON writes the tree as JSON text.
func (n *node) appendJSON(dst []byte) []byte {
	quote := func(dst []byte, s string) []byte {
		out, err := jsontext.AppendQuote(dst, s)
		if err != nil { // invalid UTF-8 was refused when the tree was read
			return strconv.AppendQuote(dst, s)
		}
		return out
	}
	switch n.kind {
	case '{':
		dst = append(dst, '{')
		for i, m := range n.members {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(quote(dst, m.name), ':')
			dst = m.value.appendJSON(dst)
		}
		return append(dst, '}')
	case '[':
		dst = append(dst, '[')
		for i, e := range n.elems {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = e.appendJSON(dst)
		}
		return append(dst, ']')
	case '"':
		return quote(dst, n.str)
	case '0':
		return append(dst, n.str...)
	case 't':
		return append(dst, "true"...)
	case 'f':
		return append(dst, "false"...)
	}
	return append(dst, "null"...)
}
