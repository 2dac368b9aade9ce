package review

import (
	"crypto/sha256"
	"fmt"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"entente/journal"
)

// JSON returns the report as one line of JSON: members in the order of the types of this package, those of maps
// by name, times in RFC 3339 and UTC, no blanks, and a line feed at the end. Characters that could make a text look other than
// it is (see [hidden]) are written as \u escapes. The bytes are the same on every node.
func (r *Report) JSON() ([]byte, error) {
	b, err := json.Marshal(r, json.Deterministic(true), jsontext.EscapeForHTML(false), jsontext.EscapeForJS(false))
	if err != nil {
		return nil, fmt.Errorf("review: %w", err)
	}
	return append(escaped(b, func(out []byte, c rune) []byte {
		if c > 0xffff {
			c -= 0x10000
			return fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+c>>10, 0xdc00+c&0x3ff)
		}
		return fmt.Appendf(out, `\u%04x`, c)
	}), '\n'), nil
}

// Hash is what members countersign: the SHA-256 of [Report.JSON].
func (r *Report) Hash() (journal.Hash, error) {
	b, err := r.JSON()
	return sha256.Sum256(b), err
}

// hidden says whether a character is a control character, an override or isolate of direction, or another one that
// cannot be seen. The list is closed, so that it does not move with versions of Unicode.
func hidden(c rune) bool {
	switch {
	case c < 0x20, c >= 0x7f && c <= 0x9f, c == 0xad, c == 0x61c, c == 0x180e, c >= 0x200b && c <= 0x200f, c >= 0x2028 && c <= 0x202e,
		c >= 0x2060 && c <= 0x206f, c == 0xfeff, c >= 0xfff9 && c <= 0xfffb, c >= 0xe0000 && c <= 0xe007f:
		return true
	}
	return false
}

// escaped writes hidden characters in a text the way that put does.
func escaped(text []byte, put func([]byte, rune) []byte) []byte {
	out := make([]byte, 0, len(text))
	for len(text) > 0 {
		c, n := utf8.DecodeRune(text)
		if hidden(c) {
			out = put(out, c)
		} else {
			out = append(out, text[:n]...)
		}
		text = text[n:]
	}
	return out
}

// shown is a text for people: hidden characters are written as escapes.
func shown(s string) string {
	return string(escaped([]byte(s), func(out []byte, c rune) []byte {
		if c > 0xffff {
			return fmt.Appendf(out, `\U%08x`, c)
		}
		return fmt.Appendf(out, `\u%04x`, c)
	}))
}
