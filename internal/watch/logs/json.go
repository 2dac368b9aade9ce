package logs

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// leafKind is what a value of a JSON text is.
type leafKind uint8

const (
	leafText leafKind = iota
	leafNumber
	leafBool
	leafNull
)

// leaf is one value in a JSON text that holds no others.
type leaf struct {
	path  string // names and positions, joined by dots
	place string // the path without the positions
	kind  leafKind
	text  string
}

// errDeep, errMany and errCut are why a line could not be read to its end.
var (
	errDeep = errors.New("nested too deeply")
	errMany = errors.New("too many values")
	errCut  = errors.New("it ends in the middle")
)

// walker takes one JSON text apart. Its texts share memory with the line or with
// the walker and are good until the next walk. Unlike a parser of JSON it keeps
// what it read before a fault, takes names that come twice, and takes bytes that are not UTF-8.
type walker struct {
	line    []byte
	at      int
	leaves  []leaf
	path    []byte
	place   []byte
	scratch arena
	room    int // for the texts of paths, in bytes
}

// walk reads one object. What was read before an error is in w.leaves.
func (w *walker) walk(line []byte) error {
	w.line, w.at, w.leaves, w.path, w.place = line, 0, w.leaves[:0], w.path[:0], w.place[:0]
	w.scratch.reset()
	w.room = max(maxPaths, 16*len(line))
	w.space()
	if w.at >= len(line) || line[w.at] != '{' {
		return fmt.Errorf("%w: no JSON object", ErrLine)
	}
	err := w.value(0)
	if err == nil {
		if w.space(); w.at < len(w.line) {
			err = fmt.Errorf("something stands behind the object, at byte %d", w.at)
		}
	}
	if err != nil {
		return fmt.Errorf("%w: JSON: %w", ErrLine, err)
	}
	return nil
}

// rest gives back the text, and the memory that a large one took.
func (w *walker) rest() {
	w.line = nil
	if clear(w.leaves[:cap(w.leaves)]); cap(w.leaves) > maxResting {
		w.leaves = nil
	}
	w.leaves = w.leaves[:0]
	if cap(w.path)+cap(w.place) > 64*maxResting {
		w.path, w.place = nil, nil
	}
	w.scratch.rest()
}

func (w *walker) space() {
	for w.at < len(w.line) {
		switch w.line[w.at] {
		case ' ', '\t', '\r', '\n':
			w.at++
		default:
			return
		}
	}
}

// peek gives the next byte that is no space, 0 at the end.
func (w *walker) peek() byte {
	w.space()
	if w.at >= len(w.line) {
		return 0
	}
	return w.line[w.at]
}

func (w *walker) value(depth int) error {
	switch c := w.peek(); {
	case c == 0 && w.at >= len(w.line):
		return errCut
	case c == '{':
		return w.object(depth)
	case c == '[':
		return w.array(depth)
	case c == '"':
		s, whole := w.quoted()
		err := w.add(leafText, w.unescape(s))
		if !whole {
			return errCut
		}
		return err
	default:
		return w.plain()
	}
}

func (w *walker) object(depth int) error {
	if depth >= MaxDepth {
		return errDeep
	}
	w.at++
	if w.peek() == '}' {
		w.at++
		return nil
	}
	path, place := len(w.path), len(w.place)
	for {
		if c := w.peek(); c != '"' {
			return w.unexpected(c)
		}
		name, whole := w.quoted()
		if !whole {
			return errCut
		}
		if c := w.peek(); c != ':' {
			return w.unexpected(c)
		}
		w.at++
		if depth > 0 {
			w.path, w.place = append(w.path, '.'), append(w.place, '.')
		}
		text := w.unescape(name)
		w.path, w.place = append(w.path, text...), append(w.place, text...)
		err := w.value(depth + 1)
		w.path, w.place = w.path[:path], w.place[:place]
		if err != nil {
			return err
		}
		switch c := w.peek(); c {
		case ',':
			w.at++
		case '}':
			w.at++
			return nil
		default:
			return w.unexpected(c)
		}
	}
}

func (w *walker) array(depth int) error {
	if depth >= MaxDepth {
		return errDeep
	}
	w.at++
	if w.peek() == ']' {
		w.at++
		return nil
	}
	path := len(w.path)
	for i := 0; ; i++ {
		w.path = append(w.path, '.')
		w.path = appendInt(w.path, i)
		err := w.value(depth + 1)
		w.path = w.path[:path]
		if err != nil {
			return err
		}
		switch c := w.peek(); c {
		case ',':
			w.at++
		case ']':
			w.at++
			return nil
		default:
			return w.unexpected(c)
		}
	}
}

func (w *walker) unexpected(c byte) error {
	if w.at >= len(w.line) {
		return errCut
	}
	return fmt.Errorf("unexpected %q at byte %d", c, w.at)
}

// quoted reads a string and gives what stands between its quotes, and whether it ends.
func (w *walker) quoted() (s []byte, whole bool) {
	w.at++
	from := w.at
	for {
		i := bytes.IndexByte(w.line[w.at:], '"')
		if i < 0 {
			w.at = len(w.line)
			return w.line[from:], false
		}
		w.at += i + 1
		back := 0
		for p := w.at - 2; p >= from && w.line[p] == '\\'; p-- {
			back++
		}
		if back%2 == 0 {
			return w.line[from : w.at-1], true
		}
	}
}

// plain reads a number or a word.
func (w *walker) plain() error {
	from := w.at
	for w.at < len(w.line) {
		c := w.line[w.at]
		if c == ',' || c == '}' || c == ']' || c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ':' || c == '"' || c == '{' || c == '[' {
			break
		}
		w.at++
	}
	word := text8(w.line[from:w.at])
	switch {
	case word == "null":
		return w.add(leafNull, "")
	case word == "true", word == "false":
		return w.add(leafBool, word)
	case number(word):
		return w.add(leafNumber, word)
	case w.at >= len(w.line):
		return errCut
	}
	return fmt.Errorf("%.20q at byte %d is no value", word, from)
}

// number tells whether a word is made like a number; JSON is stricter, some writers of logs are not.
func number(s string) bool {
	if s == "" || s[0] != '-' && (s[0] < '0' || s[0] > '9') {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c == '.', c == '-', c == '+', c == 'e', c == 'E':
		default:
			return false
		}
	}
	return true
}

func (w *walker) add(k leafKind, text string) error {
	n := len(w.leaves)
	if n >= MaxValues {
		return errMany
	}
	l := leaf{kind: k, text: text}
	path, place := w.path[:min(len(w.path), MaxPath)], w.place[:min(len(w.place), MaxPath)]
	switch {
	case n > 0 && w.leaves[n-1].place == string(place):
		l.place = w.leaves[n-1].place
	case w.room < len(place):
		return errMany
	default:
		w.room -= len(place)
		l.place = w.scratch.keep(place)
	}
	if l.path = l.place; len(w.path) != len(w.place) && w.room >= len(path) { // else the place has to do
		w.room -= len(path)
		l.path = w.scratch.keep(path)
	}
	w.leaves = append(w.leaves, l)
	return nil
}

// unescape undoes the escapes of a JSON string (RFC 8259 section 7). One that is none stays as it is.
func (w *walker) unescape(s []byte) string {
	i := bytes.IndexByte(s, '\\')
	if i < 0 {
		return text8(s)
	}
	out := w.scratch.open(len(s))
	for {
		if i < 0 {
			out = append(out, s...)
			break
		}
		out = append(out, s[:i]...)
		s = s[i:]
		n := 2
		if len(s) < 2 {
			out = append(out, s...)
			break
		}
		switch s[1] {
		case '"', '\\', '/':
			out = append(out, s[1])
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r, size := escaped(s)
			if size == 0 {
				out = append(out, s[:2]...)
				break
			}
			n = size
			out = utf8.AppendRune(out, r)
		default:
			out = append(out, s[:2]...)
		}
		s = s[n:]
		i = bytes.IndexByte(s, '\\')
	}
	return w.scratch.close(out)
}

// escaped reads \uXXXX, or two of them that are one character, from the beginning of s.
func escaped(s []byte) (r rune, size int) {
	r, ok := hex4(s)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if low, ok := hex4(s[6:]); ok {
		if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
			return both, 12
		}
	}
	return utf8.RuneError, 6
}

// hex4 reads \uXXXX.
func hex4(s []byte) (r rune, ok bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	for _, c := range s[2:6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
