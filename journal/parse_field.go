package journal

import (
	"bytes"
	"errors"
	"fmt"
	"iter"

	"github.com/go-json-experiment/json/jsontext"
)

// members yields the unquoted names and raw values of a JSON object that has
// already been read once, so its grammar and the uniqueness of names are known
// and only ends have to be found.
func members(val jsontext.Value) iter.Seq2[string, jsontext.Value] {
	return func(yield func(string, jsontext.Value) bool) {
		i := space(val, 1)
		for i < len(val) && val[i] == '"' {
			end := i + valueLen(val[i:])
			name := val[i+1 : end-1]
			if bytes.IndexByte(name, '\\') >= 0 {
				name, _ = jsontext.AppendUnquote(nil, val[i:end])
			}
			i = space(val, space(val, end)+1) // the colon
			end = i + valueLen(val[i:])
			if !yield(string(name), val[i:end:end]) {
				return
			}
			if i = space(val, end); i >= len(val) || val[i] != ',' {
				return
			}
			i = space(val, i+1)
		}
	}
}

// space returns where white space from i on ends.
func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\r' || b[i] == '\n') {
		i++
	}
	return i
}

// valueLen returns the length of the JSON value, known to be valid, at the
// beginning of b.
func valueLen(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return min(i+1, len(b))
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			} else if depth < 0 {
				return i
			}
		case ',', ':', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
		}
	}
	return len(b)
}

// text unquotes a JSON string.
func text(val jsontext.Value) (string, error) {
	s := unquoted(val)
	if s == nil {
		return "", errors.New("needs a string")
	}
	if bytes.IndexByte(s, '\\') < 0 {
		return string(s), nil
	}
	b, err := jsontext.AppendUnquote(nil, val)
	return string(b), err
}

func parseBy(val jsontext.Value) (by By, err error) {
	if val.Kind() != '{' {
		return By{}, errNotObject
	}
	for name, v := range members(val) {
		switch name {
		case "agency":
			by.Agency, err = text(v)
		case "role":
			by.Role, err = text(v)
		}
		if err != nil {
			return By{}, fmt.Errorf("%s: %w", name, err)
		}
	}
	return by, by.Check()
}

// Check bounds both parts: at most [MaxName] characters each, no control
// characters; both may be empty (an entry that no officer caused).
func (b By) Check() error {
	if err := checkName("agency", b.Agency, true); err != nil {
		return err
	}
	return checkName("role", b.Role, true)
}

func parseRelease(val jsontext.Value) ([]By, error) {
	if val.Kind() != '[' {
		return nil, errors.New("needs a list")
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(val))
	if _, err := dec.ReadToken(); err != nil {
		return nil, err
	}
	var out []By
	for dec.PeekKind() != ']' {
		if len(out) == MaxRelease {
			return nil, fmt.Errorf("more than %d claims", MaxRelease)
		}
		v, err := dec.ReadValue()
		if err != nil {
			return nil, err
		}
		by, err := parseBy(v)
		if err != nil {
			return nil, err
		}
		out = append(out, by)
	}
	return out, nil
}

func parseSeen(val jsontext.Value) (map[Origin]Head, error) {
	if val.Kind() != '{' {
		return nil, errNotObject
	}
	out := make(map[Origin]Head)
	for name, v := range members(val) {
		if len(out) == MaxSeen {
			return nil, fmt.Errorf("more than %d journals", MaxSeen)
		}
		o := Origin(name)
		if err := o.Check(); err != nil {
			return nil, err
		}
		h, err := parseHead(v)
		if err != nil {
			return nil, err
		}
		out[o] = h
	}
	return out, nil
}

func parseHead(val jsontext.Value) (h Head, err error) {
	if val.Kind() != '{' {
		return h, errNotObject
	}
	var size, root bool
	for name, v := range members(val) {
		switch name {
		case "size":
			h.Size, err = parseInt(v, maxIndex)
			size = true
		case "root":
			h.Root, err = parseHash(v)
			root = true
		}
		if err != nil {
			return h, fmt.Errorf("%s: %w", name, err)
		}
	}
	if !size || !root {
		return h, errors.New("a head needs size and root")
	}
	return h, nil
}

func parsePayload(val jsontext.Value) (*PayloadRef, error) {
	if val.Kind() != '{' {
		return nil, errNotObject
	}
	var p PayloadRef
	var have int
	for name, v := range members(val) {
		var err error
		switch name {
		case "commitment":
			p.Commitment, err = parseHash(v)
			have |= 1
		case "size":
			p.Size, err = parseInt(v, MaxPayload)
			have |= 2
		case "type":
			p.Type = string(unquoted(v))
			have |= 4
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if have != 7 {
		return nil, errors.New("needs commitment, size and type")
	}
	return &p, p.Check()
}

// Check bounds the reference: a size of 1 to [MaxPayload] bytes and a type
// formed like a kind.
func (p PayloadRef) Check() error {
	if p.Size < 1 || p.Size > MaxPayload {
		return fmt.Errorf("a payload has 1 to %d bytes, not %d", MaxPayload, p.Size)
	}
	if !validKind(p.Type) {
		return errors.New("a payload type is 1 to 64 of a-z, 0-9, '.' and '-', starting with a letter")
	}
	return nil
}
