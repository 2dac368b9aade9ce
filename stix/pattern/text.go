package pattern

import (
	"strconv"
	"strings"
)

func isDigit(c byte) bool { return c-'0' <= 9 }

func allHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isDigit(c) && c-'a' > 5 && c-'A' > 5 {
			return false
		}
	}
	return true
}

// isBase64 tells base64 of RFC 4648 §4 with its padding and nothing between.
func isBase64(s string) bool {
	if len(s)%4 != 0 {
		return false
	}
	s = strings.TrimSuffix(s, "=")
	if len(s)%4 == 3 {
		s = strings.TrimSuffix(s, "=")
	}
	for i := range len(s) {
		if c := s[i]; !isDigit(c) && c-'a' > 25 && c-'A' > 25 && c != '+' && c != '/' {
			return false
		}
	}
	return true
}

// plainKey tells a key of a path that needs no quotes in [Atom.Path]: the
// dictionary keys of STIX 2.1 §2.4.
func plainKey(s string) bool {
	if s == "" || len(s) > 250 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c-'a' > 25 && c-'A' > 25 && !isDigit(c) && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// bareKey tells a key that the grammar takes without quotes.
func bareKey(s string) bool {
	if s == "" || !isNameStart(s[0]) || keyword(s) {
		return false
	}
	for i := range len(s) {
		if !isNamePart(s[i]) || s[i] == '-' {
			return false
		}
	}
	return true
}

// quoteShort quotes foreign text for an error message, cut to a readable length.
func quoteShort(s string) string {
	const most = 60
	if len(s) > most {
		return strconv.QuoteToGraphic(strings.ToValidUTF8(s[:most], "")) + "..."
	}
	return strconv.QuoteToGraphic(s)
}

// appendQuoted writes a string constant or a quoted key.
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '\'')
	for i := range len(s) {
		if s[i] == '\'' || s[i] == '\\' {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return append(b, '\'')
}
