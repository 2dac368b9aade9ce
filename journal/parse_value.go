package journal

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

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
	if err := t.UnmarshalText(s); err != nil || !strictTime(s) {
		return time.Time{}, "", errors.New("needs a date and time as in RFC 3339, with offset")
	}
	if err := checkTime(t); err != nil {
		return time.Time{}, "", err
	}

	return t, string(s), nil
}

// strictTime refuses what package time takes beyond RFC 3339 (go.dev/issue/54580): parts
// of one digit, a comma before the fraction, offsets of 24 hours or 60 minutes and more.
func strictTime(s []byte) bool {
	for i, c := range []byte("0000-00-00T00:00:00") {
		if c == '0' && (s[i] < '0' || s[i] > '9') || c != '0' && s[i] != c {
			return false
		}
	}
	if s[19] == ',' {
		return false
	}
	if s[len(s)-1] == 'Z' {
		return true
	}
	offset := s[len(s)-5:]
	return string(offset[:2]) < "24" && string(offset[3:]) < "60"
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
