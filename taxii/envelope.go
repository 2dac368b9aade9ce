package taxii

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

// envelope is what section 3.7 wraps objects in, taken apart but not looked into: the elements of its lists are the
// bytes as they came. Members that are not known are skipped, so a STIX bundle is read as well.
type envelope struct {
	more     []byte   // text of the value, nil if absent
	next     []byte   // likewise
	objects  [][]byte // elements of objects
	versions [][]byte // elements of versions (section 5.8.1)
	foreign  string   // name of the first member that no envelope has
}

const (
	maxMembers    = 1000 // members of an envelope, known or not
	maxMemberName = 1000 // bytes of the name of one, as it is written
)

var errTooMany = errors.New("too many elements")

// readEnvelope takes an envelope apart without believing what its elements hold: an element ends where its brackets are
// balanced, whatever stands between them, so that one that is no JSON takes nothing else with it. What breaks the frame
// itself (bytes that break off, a member given twice, something behind the end) is an error, and nothing is returned.
// The elements share the bytes of data. No recursion, and no memory beyond the list of at most maxElements.
func readEnvelope(data []byte, maxElements int) (envelope, error) {
	var e envelope
	s := splitter{data: data}
	s.space()
	if !s.take('{') {
		return e, s.fail("an envelope is a JSON object")
	}
	seen := map[string]bool{}
	for {
		s.space()
		if len(seen) == 0 && s.take('}') {
			break
		}
		name, err := s.name()
		if err != nil {
			return envelope{}, err
		}
		if seen[name] {
			return envelope{}, s.fail(fmt.Sprintf("the envelope has %q twice", name))
		}
		if len(seen) == maxMembers {
			return envelope{}, s.fail("the envelope has too many members")
		}
		seen[name] = true
		s.space()
		if !s.take(':') {
			return envelope{}, s.fail("a colon was expected")
		}
		s.space()
		switch name {
		case "objects":
			e.objects, err = s.list(maxElements)
		case "versions":
			e.versions, err = s.list(maxElements)
		default:
			var value []byte
			value, err = s.value()
			if err == nil && !jsontext.Value(value).IsValid() {
				err = s.fail("the value before this is no JSON")
			}
			switch name {
			case "more":
				e.more = value
			case "next":
				e.next = value
			default:
				e.foreign = cmp.Or(e.foreign, name)
			}
		}
		if err != nil {
			return envelope{}, fmt.Errorf("%q: %w", name, err)
		}
		s.space()
		if s.take('}') {
			break
		}
		if !s.take(',') {
			return envelope{}, s.fail("a comma or the end of the envelope was expected")
		}
	}
	s.space()
	if s.at < len(s.data) {
		return envelope{}, s.fail("something follows the end of the envelope")
	}
	return e, nil
}

// splitter finds where JSON values begin and end.
type splitter struct {
	data []byte
	at   int
}

func (s *splitter) fail(what string) error {
	if s.at >= len(s.data) {
		return fmt.Errorf("the text breaks off at byte %d: %s", s.at, what)
	}
	return fmt.Errorf("at byte %d: %s", s.at, what)
}

func (s *splitter) space() {
	for s.at < len(s.data) {
		switch s.data[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

func (s *splitter) take(c byte) bool {
	if s.at < len(s.data) && s.data[s.at] == c {
		s.at++
		return true
	}
	return false
}

// name reads the name of a member.
func (s *splitter) name() (string, error) {
	if s.at >= len(s.data) || s.data[s.at] != '"' {
		return "", s.fail("the name of a member was expected")
	}
	text, err := s.value()
	if err != nil {
		return "", err
	}
	if len(text) > maxMemberName {
		return "", s.fail("the name of a member is too long")
	}
	name, err := jsontext.AppendUnquote(nil, text)
	if err != nil {
		return "", s.fail("the name of a member cannot be read")
	}
	return string(name), nil
}

// list reads an array into its elements.
func (s *splitter) list(most int) ([][]byte, error) {
	if !s.take('[') {
		return nil, s.fail("a list was expected")
	}
	out := [][]byte{}
	for {
		s.space()
		if s.take(']') {
			if len(out) > 0 {
				return nil, s.fail("a comma is followed by nothing")
			}
			return out, nil
		}
		value, err := s.value()
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", len(out), err)
		}
		if len(out) == most {
			return nil, fmt.Errorf("%w: more than %d", errTooMany, most)
		}
		out = append(out, value)
		s.space()
		if s.take(']') {
			return out, nil
		}
		if !s.take(',') {
			return nil, s.fail("a comma or the end of the list was expected")
		}
	}
}

// value skips one value and returns its text.
func (s *splitter) value() ([]byte, error) {
	start, depth := s.at, 0
	for s.at < len(s.data) {
		switch c := s.data[s.at]; c {
		case '"':
			if !s.str() {
				return nil, s.fail("a string has no end")
			}
		case '{', '[':
			depth++
			s.at++
		case '}', ']':
			if depth == 0 {
				return s.scalar(start)
			}
			depth--
			s.at++
		case ',':
			if depth == 0 {
				return s.scalar(start)
			}
			s.at++
		default:
			s.at++
			if depth == 0 && (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
				s.at--
				return s.scalar(start)
			}
			if depth == 0 && s.at < len(s.data) {
				continue // within a number or a literal
			}
		}
		if depth == 0 && s.at > start && (s.data[start] == '"' || s.data[start] == '{' || s.data[start] == '[') {
			return s.data[start:s.at:s.at], nil
		}
	}
	return nil, s.fail("a value has no end")
}

// scalar ends a number or a literal, or what stands in its place.
func (s *splitter) scalar(start int) ([]byte, error) {
	if s.at == start {
		return nil, s.fail("a value was expected")
	}
	return s.data[start:s.at:s.at], nil
}

// str skips a string, if it has an end.
func (s *splitter) str() bool {
	for i := s.at + 1; i < len(s.data); i++ {
		switch s.data[i] {
		case '\\':
			i++
		case '"':
			s.at = i + 1
			return true
		}
	}
	s.at = len(s.data)
	return false
}
