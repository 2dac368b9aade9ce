package stix

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// node is one JSON value (or member name) of an object's text. The nodes of an
// object lie in the order of the text: an object is followed by its members
// (name, value, name, value, ...), an array by its elements. next is the index
// of the node after the whole subtree, so that a reader can step over it.
// Offsets are 32 bits wide because an object never exceeds [maxObjectBytes].
type node struct {
	start, end uint32 // text of the value is raw[start:end]
	next       uint32
	kind       jsontext.Kind // one of { [ " 0 t f n
	escaped    bool          // a string that has escapes in it
}

// maxObjectBytes is the largest object that any configuration may allow.
const maxObjectBytes = 1 << 30

// index checks raw (grammar, UTF-8, unique names) and notes where each value of its
// single top-level object lies. What one quick pass is not sure of, jsontext checks;
// the second look after that is a simple one, because the text is known to be JSON.
func index(raw []byte, lim Limits) ([]node, error) {
	if len(raw) > lim.MaxObjectBytes {
		return nil, &ParseError{Kind: ErrTooLarge, Detail: fmt.Sprintf("%d bytes where at most %d are allowed", len(raw), lim.MaxObjectBytes)}
	}
	x := indexers.Get().(*indexer)
	defer x.release()
	if x.runFast(raw, lim) {
		return x.take(), nil
	}
	if !jsontext.Value(raw).IsValid() {
		return nil, whyInvalid(raw)
	}
	if err := x.run(raw, lim); err != nil {
		return nil, err
	}
	return x.take(), nil
}

// indexer is scratch space. It carries nothing from one object to the next;
// pooling it only saves allocations.
type indexer struct {
	nodes []node
	stack []uint32 // the open arrays and objects
	seen  []names  // of each of them, for runFast
	slab  []node   // room for the nodes of further objects, never written twice
}

// slabNodes is how many nodes are allocated at once; a small object has some 60.
const slabNodes = 512

// take gives a copy of the nodes that nothing else writes to. Small ones share
// one allocation with their neighbours.
func (x *indexer) take() []node {
	n := len(x.nodes)
	if n > slabNodes/4 {
		return append([]node(nil), x.nodes...)
	}
	if len(x.slab) < n {
		x.slab = make([]node, slabNodes)
	}
	out := x.slab[:n:n]
	x.slab = x.slab[n:]
	copy(out, x.nodes)
	return out
}

var indexers = sync.Pool{New: func() any { return new(indexer) }}

func (x *indexer) release() {
	const keep = 1 << 14 // do not let one huge object pin a huge scratch
	if cap(x.nodes) <= keep {
		indexers.Put(x)
	}
}

// run indexes text that jsontext has accepted.
func (x *indexer) run(raw []byte, lim Limits) error {
	x.nodes, x.stack = x.nodes[:0], x.stack[:0]
	for i := 0; i < len(raw); {
		c := raw[i]
		from, escaped := i, false
		switch c {
		case ' ', '\t', '\r', '\n', ',', ':':
			i++
			continue
		case '{', '[':
			if len(x.stack) >= lim.MaxDepth {
				return &ParseError{Offset: int64(i), Kind: ErrTooDeep, Detail: fmt.Sprintf("at most %d levels are allowed", lim.MaxDepth)}
			}
			x.stack = append(x.stack, uint32(len(x.nodes)))
			i++
		case '}', ']':
			top := x.stack[len(x.stack)-1]
			x.stack = x.stack[:len(x.stack)-1]
			i++
			x.nodes[top].end, x.nodes[top].next = uint32(i), uint32(len(x.nodes))
			continue
		case '"':
			i, escaped = stringEnd(raw, i+1)
		case 't', 'n':
			i += 4
		case 'f':
			i += 5
		default:
			for i < len(raw) && numeric[raw[i]] {
				i++
			}
			c = '0'
		}
		if len(x.stack) == 0 || len(x.nodes) == 0 && c != '{' {
			return &ParseError{Kind: ErrNotObject}
		}
		if len(x.nodes) == lim.MaxValues {
			return &ParseError{Offset: int64(from), Kind: ErrTooLarge, Detail: fmt.Sprintf("more than %d JSON values in one object", lim.MaxValues)}
		}
		x.nodes = append(x.nodes, node{start: uint32(from), end: uint32(i), next: uint32(len(x.nodes) + 1), kind: jsontext.Kind(c), escaped: escaped})
	}
	return nil
}

// stringEnd gives the position after the closing quote of a string whose
// characters begin at i, and whether it has escapes.
func stringEnd(raw []byte, i int) (end int, escaped bool) {
	for stop := min(i+32, len(raw)); i < stop; i++ { // most strings are short
		switch raw[i] {
		case '"':
			return i + 1, escaped
		case '\\':
			escaped = true
			i++
		}
	}
	for {
		n := bytes.IndexByte(raw[i:], '"')
		if esc := bytes.IndexByte(raw[i:i+n], '\\'); esc >= 0 {
			escaped = true
			i += esc + 2
			continue
		}
		return i + n + 1, escaped
	}
}

// numeric marks the bytes of JSON numbers.
var numeric = [256]bool{'-': true, '+': true, '.': true, 'e': true, 'E': true,
	'0': true, '1': true, '2': true, '3': true, '4': true, '5': true, '6': true, '7': true, '8': true, '9': true}

// whyInvalid finds what is wrong with text that jsontext refuses, and whether it
// is wrong as JSON or only in names or UTF-8, which decides if a stream can go on.
func whyInvalid(raw []byte) error {
	dec := jsontext.NewDecoder(bytes.NewBuffer(raw))
	_, err := dec.ReadValue()
	if err == nil {
		if _, err = dec.ReadToken(); err == nil || err == io.EOF {
			err = errors.New("text after the end of the object")
		}
	}
	out := &ParseError{Offset: dec.InputOffset(), Kind: ErrSyntax}
	var se *jsontext.SyntacticError
	if errors.As(err, &se) {
		out.Offset, out.Path = se.ByteOffset, pointerPath(se.JSONPointer)
		if se.Err != nil {
			out.Detail = se.Err.Error()
		}
	} else if err == io.EOF || err == io.ErrUnexpectedEOF {
		out.Detail = "the text ends too early"
	} else {
		out.Detail = err.Error()
	}
	if jsontext.Value(raw).IsValid(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)) {
		out.Kind, out.Detail = ErrInvalidUTF8, ""
		if errors.Is(err, jsontext.ErrDuplicateName) {
			out.Kind = ErrDuplicateName
		}
	}
	return out
}
