package pattern

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// tokenKind is the kind of a token of the pattern language (STIX 2.1 §9).
type tokenKind uint8

const (
	tokEnd    tokenKind = iota
	tokName             // identifier or keyword; may contain hyphens
	tokString           // '...'
	tokInt
	tokFloat
	tokHex    // h'...'
	tokBinary // b'...'
	tokTime   // t'...'
	tokOp     // = == != <> < <= > >=
	tokPunct  // one of [ ] ( ) : . , *
)

// token is one token; text is its source without quotes and prefix.
type token struct {
	kind       tokenKind
	escaped    bool // a string with backslashes in it
	start, end int
	text       string
}

func (t *token) is(punct byte) bool { return t.kind == tokPunct && t.text[0] == punct }

func (t *token) isWord(word string) bool { return t.kind == tokName && t.text == word }

// unescaped gives the characters of a string token.
func (t *token) unescaped() string {
	if !t.escaped {
		return t.text
	}
	var b strings.Builder
	for i := 0; i < len(t.text); i++ {
		if t.text[i] == '\\' {
			i++
		}
		b.WriteByte(t.text[i])
	}
	return b.String()
}

// keyword tells the words that the grammar takes for itself: as a key of a path
// they are quoted, as an object type they cannot stand.
func keyword(s string) bool {
	switch s {
	case "AND", "OR", "NOT", "FOLLOWEDBY", "LIKE", "MATCHES", "ISSUPERSET", "ISSUBSET", "EXISTS", "LAST", "IN",
		"START", "STOP", "SECONDS", "true", "false", "WITHIN", "REPEATS", "TIMES":
		return true
	}
	return false
}

// lexer cuts a pattern into tokens.
type lexer struct {
	src string
	pos int
}

func (l *lexer) fault(at int, rule Rule, expected, found string) error {
	return faultAt(l.src, at, rule, expected, found)
}

func isNameStart(c byte) bool { return c-'a' <= 25 || c-'A' <= 25 || c == '_' }
func isNamePart(c byte) bool  { return isNameStart(c) || isDigit(c) || c == '-' }

// space skips whitespace, of ASCII and of Unicode, and comments: /* to */, and //
// to the end of the line.
func (l *lexer) space() error {
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		switch {
		case c == ' ' || c >= '\t' && c <= '\r':
			l.pos++
		case c == '/' && strings.HasPrefix(l.src[l.pos:], "//"):
			if n := strings.IndexAny(l.src[l.pos:], "\r\n"); n >= 0 {
				l.pos += n
			} else {
				l.pos = len(l.src)
			}
		case c == '/' && strings.HasPrefix(l.src[l.pos:], "/*"):
			n := strings.Index(l.src[l.pos+2:], "*/")
			if n < 0 {
				return l.fault(l.pos, RuleSyntax, `"*/" after the comment that begins here`, "the end of the pattern")
			}
			l.pos += n + 4
		case c < utf8.RuneSelf:
			return nil
		default:
			r, n := utf8.DecodeRuneInString(l.src[l.pos:])
			if !unicode.IsSpace(r) {
				return nil
			}
			l.pos += n
		}
	}
	return nil
}

// next takes the next token into t.
func (l *lexer) next(t *token) error {
	if err := l.space(); err != nil {
		return err
	}
	start := l.pos
	t.escaped = false
	if start == len(l.src) {
		*t = token{kind: tokEnd, start: start, end: start}
		return nil
	}
	c := l.src[start]
	if start+1 < len(l.src) && l.src[start+1] == '\'' {
		switch c {
		case 'h':
			return l.prefixed(t, tokHex)
		case 'b':
			return l.prefixed(t, tokBinary)
		case 't':
			return l.prefixed(t, tokTime)
		}
	}
	switch {
	case isNameStart(c):
		for l.pos < len(l.src) && isNamePart(l.src[l.pos]) {
			l.pos++
		}
		l.take(t, tokName, start)
		return nil
	case c == '\'':
		return l.quoted(t, tokString, start)
	case isDigit(c), c == '+', c == '-', c == '.' && start+1 < len(l.src) && isDigit(l.src[start+1]):
		return l.number(t)
	}
	l.pos++
	switch c {
	case '[', ']', '(', ')', ':', '.', ',', '*':
		l.take(t, tokPunct, start)
		return nil
	case '=':
		l.accept('=')
		l.take(t, tokOp, start)
		return nil
	case '<':
		if !l.accept('=') {
			l.accept('>')
		}
		l.take(t, tokOp, start)
		return nil
	case '>':
		l.accept('=')
		l.take(t, tokOp, start)
		return nil
	case '!':
		if l.accept('=') {
			l.take(t, tokOp, start)
			return nil
		}
	}
	r, _ := utf8.DecodeRuneInString(l.src[start:])
	return l.fault(start, RuleSyntax, "a character that has a meaning outside quotes", fmt.Sprintf("%q", r))
}

func (l *lexer) take(t *token, k tokenKind, start int) {
	t.kind, t.start, t.end, t.text = k, start, l.pos, l.src[start:l.pos]
}

func (l *lexer) accept(c byte) bool {
	if l.pos < len(l.src) && l.src[l.pos] == c {
		l.pos++
		return true
	}
	return false
}

// quoted takes a string from its opening quote. Only \' and \\ are escapes.
func (l *lexer) quoted(t *token, k tokenKind, start int) error {
	open := l.pos
	l.pos++
	for l.pos < len(l.src) {
		switch l.src[l.pos] {
		case '\'':
			t.kind, t.start, t.text = k, start, l.src[open+1:l.pos]
			l.pos++
			t.end = l.pos
			return nil
		case '\\':
			if l.pos+1 >= len(l.src) || l.src[l.pos+1] != '\'' && l.src[l.pos+1] != '\\' {
				found := "the end of the pattern"
				if l.pos+1 < len(l.src) {
					r, _ := utf8.DecodeRuneInString(l.src[l.pos+1:])
					found = fmt.Sprintf("a backslash before %q", r)
				}
				return l.fault(l.pos, RuleLiteral, `one of the escapes \' and \\ (write \\ for a backslash)`, found)
			}
			t.escaped = true
			l.pos++
		}
		l.pos++
	}
	return l.fault(open, RuleLiteral, "a string that ends with '", "a string that does not end")
}

var lineEnds = strings.NewReplacer("\r\n", "", "\n", "")

// prefixed takes a literal with a one-letter prefix and checks what is in it.
func (l *lexer) prefixed(t *token, k tokenKind) error {
	start := l.pos
	l.pos++
	if err := l.quoted(t, k, start); err != nil {
		return err
	}
	expected := ""
	if k == tokBinary && strings.IndexByte(t.text, '\n') >= 0 {
		t.text = lineEnds.Replace(t.text) // "MUST be supported and ignored" (§9.2), whatever the grammar says
	}
	switch {
	case k == tokHex && (len(t.text)%2 != 0 || !allHex(t.text)):
		expected = "pairs of hexadecimal digits in h'...'"
	case k == tokBinary && (t.text == "" || !isBase64(t.text)):
		expected = "base64 (RFC 4648 §4) in b'...'"
	case k == tokTime && !isTimestamp(t.text):
		expected = "a UTC timestamp such as 2026-01-31T12:00:00Z in t'...'"
	default:
		return nil
	}
	return l.fault(start, RuleLiteral, expected, quoteShort(t.text))
}

// number takes an integer or a float, with an optional sign and no exponent. As in
// the grammar, a letter may follow at once: "WITHIN 5SECONDS".
func (l *lexer) number(t *token) error {
	start := l.pos
	if c := l.src[l.pos]; c == '+' || c == '-' {
		l.pos++
	}
	first := l.pos
	l.digits()
	if l.pos+1 < len(l.src) && l.src[l.pos] == '.' && isDigit(l.src[l.pos+1]) {
		l.pos++
		l.digits()
		l.take(t, tokFloat, start)
		return nil
	}
	switch digits := l.pos - first; {
	case digits == 0:
		return l.fault(l.pos, RuleLiteral, "digits after the sign", l.at(l.pos))
	case l.pos < len(l.src) && l.src[l.pos] == '.':
		return l.fault(l.pos+1, RuleLiteral, "digits after the decimal point", l.at(l.pos+1))
	case digits > 1 && l.src[first] == '0':
		return l.fault(start, RuleLiteral, "a number without leading zeros", quoteShort(l.src[start:l.pos]))
	}
	l.take(t, tokInt, start)
	return nil
}

func (l *lexer) digits() {
	for l.pos < len(l.src) && isDigit(l.src[l.pos]) {
		l.pos++
	}
}

// at describes the character at a position.
func (l *lexer) at(pos int) string {
	if pos >= len(l.src) {
		return "the end of the pattern"
	}
	r, _ := utf8.DecodeRuneInString(l.src[pos:])
	return fmt.Sprintf("%q", r)
}
