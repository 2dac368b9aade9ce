package feed

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/publicsuffix"
)

// oneLine makes a text that stands in one line of a file: no line ends, tabs or other
// control characters, at most 200 bytes.
func oneLine(s string) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError:
			return '?'
		case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp):
			return ' '
		}
		return r
	}, s)
	const most = 200
	for len(clean) > most {
		_, n := utf8.DecodeLastRuneInString(clean)
		clean = clean[:len(clean)-n]
		if len(clean) > most+utf8.UTFMax {
			clean = strings.ToValidUTF8(clean[:most], "")
		}
	}
	return strings.TrimSpace(clean)
}

// plainName tells a domain that is nothing but letters, digits, hyphens,
// underscores and dots, so that no file that holds it can read it as anything else.
func plainName(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c-'a' > 25 && c-'0' > 9 && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return s[0] != '-' && s[0] != '.'
}

// blockable tells a name that a resolver may answer NXDOMAIN for together with all
// below it: one that somebody can have registered, or that lies below such a one. A
// public suffix ("com", "co.uk", "github.io") is everybody's.
func blockable(name string) bool {
	if !plainName(name) {
		return false
	}
	_, err := publicsuffix.EffectiveTLDPlusOne(name)
	return err == nil
}

// plainLine tells a value that can stand alone in a line of its own.
func plainLine(s string) bool {
	for _, r := range s {
		if unicode.IsControl(r) || r == utf8.RuneError || r == '\u2028' || r == '\u2029' {
			return false
		}
	}
	return s != "" && s[0] != '#' && strings.TrimSpace(s) == s
}
