package stix

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// scanner cuts a stream into JSON values by counting brackets outside of strings,
// which is all that is needed to find where an object ends. It does not judge
// what is inside; [Parse] does, with jsontext. It holds one value at a time, and of
// a value above the limit nothing.
type scanner struct {
	src       io.Reader
	buf       []byte // buf[0] is byte base of the stream
	base, pos int64
	keepFrom  int64 // if keeping, bytes from here on must stay in buf
	keeping   bool
	dropped   bool  // what was to be kept has passed the limit
	bom       int64 // how much of a byte order mark has been read
	eof       error
	maxValue  int
	maxStream int64
}

// errStreamEnds means that the source failed or the stream is too long.
var errStreamEnds = errors.New("the stream cannot be read further")

const (
	readChunk  = 64 << 10
	bytesOfBOM = "\xef\xbb\xbf"
)

// fill reads more bytes behind those that are there. It returns io.EOF at the end.
func (s *scanner) fill() error {
	if s.eof != nil {
		return s.eof
	}
	low := s.pos
	if s.keeping {
		if s.pos-s.keepFrom > int64(s.maxValue) {
			s.keeping, s.dropped = false, true
		} else {
			low = s.keepFrom
		}
	}
	if drop := int(low - s.base); drop > 0 {
		n := copy(s.buf, s.buf[drop:])
		s.buf, s.base = s.buf[:n], low
	}
	if cap(s.buf)-len(s.buf) < readChunk/2 {
		grown := make([]byte, len(s.buf), 2*cap(s.buf)+readChunk)
		copy(grown, s.buf)
		s.buf = grown
	}
	for tries := 0; ; tries++ {
		n, err := s.src.Read(s.buf[len(s.buf):cap(s.buf)])
		s.buf = s.buf[:len(s.buf)+n]
		if total := s.base + int64(len(s.buf)); s.maxStream > 0 && total > s.maxStream {
			s.eof = fmt.Errorf("%w: %w: more than %d bytes", errStreamEnds, ErrTooLarge, s.maxStream)
			return s.eof
		}
		if err != nil {
			if s.eof = err; err != io.EOF {
				s.eof = fmt.Errorf("%w: %w", errStreamEnds, err)
			}
			if n > 0 {
				return nil
			}
			return s.eof
		}
		if n > 0 {
			return nil
		}
		if tries == 100 {
			s.eof = fmt.Errorf("%w: %w", errStreamEnds, io.ErrNoProgress)
			return s.eof
		}
	}
}

// byteAt gives the byte at the position.
func (s *scanner) byteAt() (byte, error) {
	for s.pos-s.base >= int64(len(s.buf)) {
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
	return s.buf[s.pos-s.base], nil
}

// peek skips whitespace (and at the very start a byte order mark) and gives the
// next byte without taking it.
func (s *scanner) peek() (byte, error) {
	for {
		c, err := s.byteAt()
		if err != nil {
			return 0, err
		}
		switch {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
		case s.bom == s.pos && s.bom < 3 && c == bytesOfBOM[s.bom]:
			s.bom++
		case s.bom == s.pos && (s.bom == 1 || s.bom == 2):
			return 0, s.unexpected(c, "expected the rest of a byte order mark")
		default:
			return c, nil
		}
		s.pos++
	}
}

// line takes a line that is one object and certainly no bundle: one that begins with its type, speaks of no bundle, and has nothing escaped, so that quotes are the ends of strings
// and brackets can be counted without a look at members. It is only looked for in what is at hand. Whether it is JSON, its reader says.
func (s *scanner) line() bool {
	rest := s.buf[s.pos-s.base:]
	end := bytes.IndexByte(rest, '\n')
	if end < 0 || end > s.maxValue || !bytes.HasPrefix(rest, []byte(`{"type":"`)) {
		return false
	}
	line := bytes.TrimSuffix(rest[:end], []byte("\r"))
	if bytes.IndexByte(line, '\\') >= 0 || bytes.Contains(line, []byte("bundle")) {
		return false
	}
	depth, i := 0, 0
	for {
		for ; i < len(line) && line[i] != '"'; i++ {
			switch line[i] {
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 && i < len(line)-1 {
					return false // something is behind it
				}
			}
		}
		if i == len(line) {
			break
		}
		n := bytes.IndexByte(line[i+1:], '"')
		if n < 0 {
			return false
		}
		i += n + 2
	}
	if depth != 0 {
		return false
	}
	s.pos += int64(len(line))
	return true
}

// element comes before an element of a list. It reports whether there is one,
// having taken the comma before it or the bracket after the last.
func (s *scanner) element(first *bool) (bool, error) { return s.separator(first, ']') }

func (s *scanner) separator(first *bool, closing byte) (bool, error) {
	c, err := s.peek()
	if err != nil {
		return false, tooEarly(err)
	}
	if c == closing {
		s.pos++
		return false, nil
	}
	if *first {
		*first = false
		return true, nil
	}
	if c != ',' {
		return false, s.unexpected(c, "expected a comma or "+string(closing))
	}
	s.pos++
	if c, err = s.peek(); err != nil {
		return false, tooEarly(err)
	}
	if c == closing {
		return false, s.unexpected(c, "after a comma")
	}
	return true, nil
}

// name takes the next member name of an object and the colon after it. Of the
// names it knows it gives the constant, of others nothing if all is false, since a
// bundle need not be asked for every name of every object.
func (s *scanner) name(first *bool, all bool) (name string, more bool, err error) {
	if more, err = s.separator(first, '}'); !more || err != nil {
		return "", false, err
	}
	c, err := s.peek()
	if err != nil {
		return "", false, tooEarly(err)
	}
	if c != '"' {
		return "", false, s.unexpected(c, "expected a member name")
	}
	text, err := s.value(s.pos)
	if err == nil {
		switch {
		case string(text) == `"type"`:
			name = "type"
		case string(text) == `"id"`:
			name = "id"
		case string(text) == `"objects"`:
			name = "objects"
		case all || bytes.IndexByte(text, '\\') >= 0:
			name = unquoteLoose(text)
		}
	} else if !isTooLarge(err) {
		return "", false, err
	}
	if c, err = s.peek(); err != nil {
		return "", false, tooEarly(err)
	}
	if c != ':' {
		return "", false, s.unexpected(c, "expected a colon")
	}
	s.pos++
	return name, true, nil
}

// keep asks that all bytes from the given position stay at hand; kept gives them.
func (s *scanner) keep(from int64) { s.keepFrom, s.keeping, s.dropped = from, true, false }
func (s *scanner) unkeep()         { s.keeping = false }

func (s *scanner) kept() ([]byte, bool) {
	if s.dropped || !s.keeping || s.pos-s.keepFrom > int64(s.maxValue) {
		return nil, false
	}
	return s.buf[s.keepFrom-s.base : s.pos-s.base], true
}

// value takes the value that begins at the position and gives its text, valid
// until the next call. If it is longer than the limit it is skipped and the error
// is ErrTooLarge.
func (s *scanner) value(from int64) ([]byte, error) {
	outer := s.keeping
	if !outer {
		s.keep(from)
		defer s.unkeep()
	}
	c, err := s.byteAt()
	if err == nil {
		switch {
		case c == '"':
			s.pos++
			err = s.skipString()
		case c == '{' || c == '[':
			err = s.skipNested()
		case c == '-' || c == 't' || c == 'f' || c == 'n' || isDigit(c):
			err = s.skipScalar()
		default:
			err = s.unexpected(c, "expected a value")
		}
	}
	if err != nil {
		return nil, tooEarly(err)
	}
	if s.dropped || from < s.base || s.pos-from > int64(s.maxValue) {
		return nil, s.tooLarge()
	}
	return s.buf[from-s.base : s.pos-s.base], nil
}

// skipString moves behind the closing quote of a string whose opening quote has
// been taken.
func (s *scanner) skipString() error {
	for {
		if _, err := s.byteAt(); err != nil {
			return err
		}
		rest := s.buf[s.pos-s.base:]
		quote := bytes.IndexByte(rest, '"')
		if quote >= 0 {
			rest = rest[:quote]
		}
		if esc := bytes.IndexByte(rest, '\\'); esc >= 0 {
			s.pos += int64(esc) + 1
			if _, err := s.byteAt(); err != nil {
				return err
			}
			s.pos++ // whatever is escaped
			continue
		}
		s.pos += int64(len(rest))
		if quote >= 0 {
			s.pos++
			return nil
		}
	}
}

// structural marks the bytes that matter outside of strings.
var structural = [256]bool{'"': true, '{': true, '}': true, '[': true, ']': true}

func (s *scanner) skipNested() error {
	depth := 0
	for {
		if _, err := s.byteAt(); err != nil {
			return err
		}
		rest := s.buf[s.pos-s.base:]
		i := 0
		for i < len(rest) && !structural[rest[i]] {
			i++
		}
		s.pos += int64(i)
		if i == len(rest) {
			continue
		}
		s.pos++
		switch rest[i] {
		case '"':
			if err := s.skipString(); err != nil {
				return err
			}
		case '{', '[':
			depth++
		default:
			if depth--; depth == 0 {
				return nil
			}
		}
	}
}

func (s *scanner) skipScalar() error {
	for {
		c, err := s.byteAt()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		switch c {
		case ' ', '\t', '\r', '\n', ',', ']', '}', ':', '"', '{', '[':
			return nil
		}
		s.pos++
	}
}

func (s *scanner) unexpected(c byte, where string) error {
	return &ReadError{Index: -1, Offset: s.pos, Fatal: true, Err: fmt.Errorf("%w: %s: %s", ErrSyntax, where, quoteShort(string(rune(c))))}
}

func (s *scanner) tooLarge() error {
	return &ParseError{Kind: ErrTooLarge, Detail: fmt.Sprintf("more than the %d bytes allowed", s.maxValue)}
}

func isTooLarge(err error) bool {
	return errors.Is(err, ErrTooLarge) && !errors.Is(err, errStreamEnds)
}

// tooEarly turns the end of the source in the middle of something into an error.
func tooEarly(err error) error {
	if err == io.EOF {
		return fmt.Errorf("%w: the text ends too early", ErrSyntax)
	}
	return err
}
