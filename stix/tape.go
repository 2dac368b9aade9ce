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
}

// maxObjectBytes is the largest object that any configuration may allow.
const maxObjectBytes = 1 << 30

// indexer is a reusable decoder. It carries no state from one object to the
// next; pooling it only saves the allocations of jsontext.
type indexer struct {
	dec   jsontext.Decoder
	buf   bytes.Buffer
	nodes []node
	stack []uint32
}

var indexers = sync.Pool{New: func() any { return new(indexer) }}

// release drops every reference to foreign bytes and gives the indexer back.
func (x *indexer) release() {
	x.buf = bytes.Buffer{}
	x.dec.Reset(&x.buf)
	const keep = 1 << 14 // do not let one huge object pin a huge tape
	if cap(x.nodes) > keep {
		x.nodes = nil
	}
	indexers.Put(x)
}

// index reads raw once with jsontext, which checks the grammar, UTF-8 and the
// uniqueness of names, and returns the nodes of its single top-level object.
func index(raw []byte, lim Limits) ([]node, error) {
	if len(raw) > lim.MaxObjectBytes {
		return nil, &ParseError{Kind: ErrTooLarge, Detail: fmt.Sprintf("%d bytes where at most %d are allowed", len(raw), lim.MaxObjectBytes)}
	}
	x := indexers.Get().(*indexer)
	defer x.release()
	if err := x.run(raw, lim); err != nil {
		return nil, err
	}
	out := make([]node, len(x.nodes))
	copy(out, x.nodes)
	return out, nil
}

func (x *indexer) run(raw []byte, lim Limits) error {
	x.buf = *bytes.NewBuffer(raw)
	x.dec.Reset(&x.buf)
	x.nodes, x.stack = x.nodes[:0], x.stack[:0]
	for {
		tok, err := x.dec.ReadToken()
		if err != nil {
			return jsonError(raw, err, x.dec.InputOffset())
		}
		end := uint32(x.dec.InputOffset())
		kind := tok.Kind()
		switch kind {
		case '}', ']':
			top := x.stack[len(x.stack)-1]
			x.stack = x.stack[:len(x.stack)-1]
			x.nodes[top].end = end
			x.nodes[top].next = uint32(len(x.nodes))
		case '{', '[':
			if len(x.nodes) == 0 && kind != '{' {
				return &ParseError{Kind: ErrNotObject}
			}
			if len(x.stack) >= lim.MaxDepth {
				return &ParseError{Path: pointerPath(x.dec.StackPointer()), Offset: int64(end) - 1, Kind: ErrTooDeep,
					Detail: fmt.Sprintf("at most %d levels are allowed", lim.MaxDepth)}
			}
			x.stack = append(x.stack, uint32(len(x.nodes)))
			x.nodes = append(x.nodes, node{start: end - 1, kind: kind})
		default:
			if len(x.nodes) == 0 {
				return &ParseError{Kind: ErrNotObject}
			}
			x.nodes = append(x.nodes, node{start: x.tokenStart(raw, kind, end), end: end, next: uint32(len(x.nodes) + 1), kind: kind})
		}
		if len(x.nodes) > lim.MaxValues {
			return &ParseError{Offset: int64(end), Kind: ErrTooLarge, Detail: fmt.Sprintf("more than %d JSON values in one object", lim.MaxValues)}
		}
		if len(x.stack) == 0 {
			break
		}
	}
	if _, err := x.dec.ReadToken(); err != io.EOF {
		if err == nil {
			return &ParseError{Offset: int64(x.nodes[0].end), Kind: ErrSyntax, Detail: "text after the end of the object"}
		}
		return jsonError(raw, err, x.dec.InputOffset())
	}
	return nil
}

// tokenStart finds where the scalar ending at end begins: after the previous
// node and whatever whitespace, comma, colon or closing bracket stands between.
func (x *indexer) tokenStart(raw []byte, kind jsontext.Kind, end uint32) uint32 {
	switch kind {
	case 'n', 't':
		return end - 4
	case 'f':
		return end - 5
	}
	prev := &x.nodes[len(x.nodes)-1]
	at := prev.end
	if at == 0 { // an array or object that has only been opened
		at = prev.start + 1
	}
	for {
		switch raw[at] {
		case ' ', '\t', '\r', '\n', ',', ':', '}', ']':
			at++
		default:
			return at
		}
	}
}

// jsonError turns an error of jsontext into ours. Whether the text is wrong as
// JSON or only as STIX (names, UTF-8) decides if a stream can go on.
func jsonError(raw []byte, err error, at int64) error {
	out := &ParseError{Offset: at, Kind: ErrSyntax}
	var se *jsontext.SyntacticError
	if errors.As(err, &se) {
		out.Offset, out.Path = se.ByteOffset, pointerPath(se.JSONPointer)
		if se.Err != nil {
			out.Detail = se.Err.Error()
		}
	} else if errors.Is(err, io.EOF) {
		out.Detail = "the text ends too early"
	} else {
		out.Detail = err.Error()
	}
	if !jsontext.Value(raw).IsValid(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)) {
		return out
	}
	out.Kind, out.Detail = ErrInvalidUTF8, ""
	if errors.Is(err, jsontext.ErrDuplicateName) {
		out.Kind = ErrDuplicateName
	}
	return out
}
