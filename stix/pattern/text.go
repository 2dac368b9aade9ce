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

// quoteShort quotes foreign text for an error message, cut to a readable length.
func quoteShort(s string) string {
	const most = 60
	if len(s) > most {
		return strconv.QuoteToGraphic(strings.ToValidUTF8(s[:most], "")) + "..."
	}
	return strconv.QuoteToGraphic(s)
}
