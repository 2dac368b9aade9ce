package stix

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// runFast checks and indexes text in one pass. It answers true only for text that
// is certainly one valid JSON object with unique names, valid UTF-8 and within the
// limits; for anything that it has not been written for (an escaped name, many
// members, a mistake) it answers false, and the slower and more thorough way
// decides. FuzzIndex holds the two ways against each other.
func (x *indexer) runFast(raw []byte, lim Limits) bool {
	nodes := x.nodes[:0] // a local one is not written back at each step
	defer func() { x.nodes = nodes }()
	x.stack, x.seen = x.stack[:0], x.seen[:0]
	i := skipSpace(raw, 0)
	if i == len(raw) || raw[i] != '{' {
		return false
	}
	inObject := false
	// Each turn reads one value, with the name before it if it is a member, and the
	// closing brackets and the comma after it.
	for {
		if inObject {
			if i == len(raw) || raw[i] != '"' {
				return false
			}
			end := plainString(raw, i+1)
			if end < 0 || !x.fresh(nodes, raw, i, end) {
				return false // an escape, bad text, or a name twice
			}
			nodes = append(nodes, node{start: uint32(i), end: uint32(end), next: uint32(len(nodes) + 1), kind: KindString})
			if i = skipSpace(raw, end); i == len(raw) || raw[i] != ':' {
				return false
			}
			i = skipSpace(raw, i+1)
		}
		if i == len(raw) || len(nodes) >= lim.MaxValues {
			return false
		}
		n := node{start: uint32(i), next: uint32(len(nodes) + 1), kind: jsontext.Kind(raw[i])}
		opened := false
		switch c := raw[i]; c {
		case '"':
			if i, n.escaped = goodString(raw, i+1); i < 0 {
				return false
			}
		case '{', '[':
			if len(x.stack) >= lim.MaxDepth {
				return false
			}
			x.stack = append(x.stack, uint32(len(nodes)))
			x.seen = append(x.seen, names{})
			inObject, opened = c == '{', true
			i++
		case 't':
			if !bytes.HasPrefix(raw[i:], []byte("true")) {
				return false
			}
			i += 4
		case 'f':
			if !bytes.HasPrefix(raw[i:], []byte("false")) {
				return false
			}
			i += 5
		case 'n':
			if !bytes.HasPrefix(raw[i:], []byte("null")) {
				return false
			}
			i += 4
		default:
			if i = numberEnd(raw, i); i < 0 {
				return false
			}
			n.kind = KindNumber
		}
		n.end = uint32(i)
		nodes = append(nodes, n)
		for {
			if i = skipSpace(raw, i); i == len(raw) {
				return false
			}
			closer := byte(']')
			if inObject {
				closer = '}'
			}
			if raw[i] == closer {
				top := x.stack[len(x.stack)-1]
				i++
				nodes[top].end, nodes[top].next = uint32(i), uint32(len(nodes))
				x.stack, x.seen = x.stack[:len(x.stack)-1], x.seen[:len(x.seen)-1]
				if len(x.stack) == 0 {
					return skipSpace(raw, i) == len(raw) && len(nodes) <= lim.MaxValues
				}
				inObject = nodes[x.stack[len(x.stack)-1]].kind == KindObject
				opened = false
				continue
			}
			if opened {
				break // the first element or member follows
			}
			if raw[i] != ',' {
				return false
			}
			if i = skipSpace(raw, i+1); i == len(raw) {
				return false
			}
			break
		}
	}
}

// names remembers roughly which names an open object has, so that most new ones
// need not be compared with those before.
type names struct {
	bits  uint64
	count int
}

// maxFastNames is how many members runFast compares with each other.
const maxFastNames = 64

// fresh reports whether the innermost object does not have the name yet.
func (x *indexer) fresh(nodes []node, raw []byte, from, end int) bool {
	s := &x.seen[len(x.seen)-1]
	if s.count++; s.count > maxFastNames {
		return false
	}
	name := raw[from:end] // with its quotes
	bit := uint64(1) << ((uint(len(name))*7 + uint(name[1])*3 + uint(name[len(name)-2])*5) & 63)
	if s.bits&bit == 0 {
		s.bits |= bit
		return true
	}
	for at, end := x.stack[len(x.stack)-1]+1, uint32(len(nodes)); at < end; at = nodes[at+1].next {
		if n := &nodes[at]; int(n.end-n.start) == len(name) && bytes.Equal(raw[n.start:n.end], name) {
			return false
		}
	}
	return true
}

func skipSpace(raw []byte, i int) int {
	for i < len(raw) && raw[i] <= ' ' && (raw[i] == ' ' || raw[i] == '\n' || raw[i] == '\t' || raw[i] == '\r') {
		i++
	}
	return i
}

// plainASCII marks the bytes that stand for themselves in a JSON string.
var plainASCII = func() (t [256]bool) {
	for c := ' '; c < 0x7f; c++ {
		t[c] = c != '"' && c != '\\'
	}
	t[0x7f] = true
	return t
}()

// plainEight reports whether all of eight bytes stand for themselves in a JSON string.
// It may say no where a byte follows one that does not.
func plainEight(w uint64) bool {
	const each, high = 0x0101010101010101, 0x8080808080808080
	quote, slash := w^'"'*each, w^'\\'*each
	return (w|(w-' '*each)|((quote-each)&^quote)|((slash-each)&^slash))&high == 0
}

// plainString gives the position after the closing quote of a string of ASCII
// without escapes whose characters begin at i, or -1 if it is anything else.
func plainString(raw []byte, i int) int {
	for i < len(raw) && plainASCII[raw[i]] {
		i++
	}
	if i == len(raw) || raw[i] != '"' {
		return -1
	}
	return i + 1
}

// goodString gives the position after the closing quote of a valid string and
// whether it has escapes, or -1 if it is not (or not surely) valid.
func goodString(raw []byte, i int) (end int, escaped bool) {
	for {
		for i+8 <= len(raw) && plainEight(binary.LittleEndian.Uint64(raw[i:])) {
			i += 8
		}
		for i < len(raw) && plainASCII[raw[i]] {
			i++
		}
		if i == len(raw) {
			return -1, false
		}
		switch c := raw[i]; {
		case c == '"':
			return i + 1, escaped
		case c == '\\':
			escaped = true
			if i+1 == len(raw) {
				return -1, false
			}
			switch raw[i+1] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
				i += 2
			case 'u':
				if i+6 > len(raw) || !allHex(string(raw[i+2:i+6])) || raw[i+2]|0x20 == 'd' && raw[i+3] >= '8' {
					return -1, false // half of a surrogate pair, perhaps
				}
				i += 6
			default:
				return -1, false
			}
		case c < utf8.RuneSelf:
			return -1, false
		default:
			r, n := utf8.DecodeRune(raw[i:])
			if r == utf8.RuneError && n <= 1 {
				return -1, false
			}
			i += n
		}
	}
}

// numberEnd gives the position after a JSON number (RFC 8259 §6), or -1.
func numberEnd(raw []byte, i int) int {
	digits := func() bool {
		from := i
		for i < len(raw) && isDigit(raw[i]) {
			i++
		}
		return i > from
	}
	if i < len(raw) && raw[i] == '-' {
		i++
	}
	if i < len(raw) && raw[i] == '0' {
		i++
	} else if !digits() {
		return -1
	}
	if i < len(raw) && raw[i] == '.' {
		if i++; !digits() {
			return -1
		}
	}
	if i < len(raw) && raw[i]|0x20 == 'e' {
		if i++; i < len(raw) && (raw[i] == '+' || raw[i] == '-') {
			i++
		}
		if !digits() {
			return -1
		}
	}
	return i
}
