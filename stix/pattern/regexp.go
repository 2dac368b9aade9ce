package pattern

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// The bounds on regular expressions (MATCHES).
const (
	// MaxRegexpBytes is the longest regular expression.
	MaxRegexpBytes = 4096
	// MaxRegexpSize is how many instructions all regular expressions of a pattern
	// may have together: a{1000} has more than 1000.
	MaxRegexpSize = 100_000
)

// parseRegexp reads the operand of MATCHES, in Unicode normal form C as STIX 2.1
// §9.6 has it, and estimates its instructions. The complaint is for people.
func parseRegexp(text string) (normal string, size int, complaint string) {
	if len(text) > MaxRegexpBytes {
		return "", 0, fmt.Sprintf("a regular expression of %d bytes", len(text))
	}
	normal = norm.NFC.String(text)
	re, err := syntax.Parse(normal, syntax.Perl|syntax.DotNL)
	if err != nil {
		return "", 0, strings.TrimPrefix(err.Error(), "error parsing regexp: ")
	}
	return normal, regexpSize(re), ""
}

// regexpSize estimates from above how many instructions an expression becomes.
func regexpSize(re *syntax.Regexp) int {
	n := 1
	switch re.Op {
	case syntax.OpLiteral:
		n = max(1, len(re.Rune))
	case syntax.OpCharClass:
		n = 1 + len(re.Rune)/8
	}
	for _, sub := range re.Sub {
		n += regexpSize(sub)
	}
	if re.Op == syntax.OpRepeat {
		n *= max(1, re.Min, re.Max) + 1
	}
	return min(n, 1<<40)
}

// matcher is a compiled operand of LIKE or MATCHES.
type matcher struct {
	re   *regexp.Regexp
	size int
	like *like
}

// match tells whether a text in normal form C matches.
func (m *matcher) match(s string) bool {
	if m.like != nil {
		return m.like.match(s)
	}
	return m.re.MatchString(s)
}

// cost is the steps that a match of so many bytes may take.
func (m *matcher) cost(bytes int) int {
	return 1 + bytes*m.size/64
}

// like is an operand of LIKE: % stands for any characters, none among them, _ for
// one. There is no escape.
type like struct {
	// parts are what stands between the percent signs; each may hold underscores.
	parts []string
	wild  bool // there is a percent sign
}

func newLike(text string) *like {
	parts := strings.Split(norm.NFC.String(text), "%")
	return &like{parts: parts, wild: len(parts) > 1}
}

// match places the first part at the start, the last at the end, and each other at
// the first place where it fits, which leaves most room for those after it. Its
// work is bounded by the product of both lengths.
func (l *like) match(s string) bool {
	first := l.parts[0]
	n, ok := fits(first, s)
	if !l.wild {
		return ok && n == len(s)
	}
	if !ok {
		return false
	}
	s = s[n:]
	last := l.parts[len(l.parts)-1]
	for _, part := range l.parts[1 : len(l.parts)-1] {
		for {
			if n, ok = fits(part, s); ok {
				s = s[n:]
				break
			}
			if s == "" {
				return false
			}
			s = s[runeLen(s):]
		}
	}
	return endsWith(last, s)
}

// fits tells whether s begins with part, and how many bytes of it that takes.
func fits(part, s string) (int, bool) {
	at := 0
	for i := 0; i < len(part); {
		if at == len(s) {
			return 0, false
		}
		if part[i] == '_' {
			at += runeLen(s[at:])
			i++
			continue
		}
		if part[i] != s[at] {
			return 0, false
		}
		i++
		at++
	}
	return at, true
}

// endsWith tells whether s ends with part.
func endsWith(part, s string) bool {
	if !strings.Contains(part, "_") {
		return strings.HasSuffix(s, part)
	}
	back := len(s) // as many characters as part has, from the end
	for range part {
		if back == 0 {
			return false
		}
		back--
		for back > 0 && s[back]&0xc0 == 0x80 {
			back--
		}
	}
	n, ok := fits(part, s[back:])
	return ok && back+n == len(s)
}

// runeLen is the length in bytes of the first character of s, which is not empty.
func runeLen(s string) int {
	n := 1
	for n < len(s) && n < 4 && s[n]&0xc0 == 0x80 {
		n++
	}
	return n
}
