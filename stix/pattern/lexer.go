package pattern

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrPattern means that a text is not a STIX pattern. The error that carries it
// is a [*Error].
var ErrPattern = errors.New("not a STIX pattern")

// Error says what is wrong with a pattern, and where.
type Error struct {
	// Offset is the position of the fault in bytes from the start of the pattern.
	Offset int
	// Message is a sentence for people.
	Message string
}

// Error implements error.
func (e *Error) Error() string {
	return fmt.Sprintf("not a STIX pattern: %s (byte %d)", e.Message, e.Offset)
}

// Unwrap gives ErrPattern.
func (e *Error) Unwrap() error { return ErrPattern }

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
	start, end int
	text       string
	escaped    bool // a string with backslashes in it
}

func (t token) is(punct byte) bool { return t.kind == tokPunct && t.text[0] == punct }

func (t token) isWord(word string) bool { return t.kind == tokName && t.text == word }

// describe names the token for an error message.
func (t token) describe() string {
	if t.kind == tokEnd {
		return "the end of the pattern"
	}
	return quoteShort(t.text)
}

// unescaped gives the characters of a string token.
func (t token) unescaped() string {
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

// lexer cuts a pattern into tokens.
type lexer struct {
	src string
	pos int
}

func fault(at int, format string, args ...any) error {
	return &Error{Offset: at, Message: fmt.Sprintf(format, args...)}
}

func isNameStart(c byte) bool { return c-'a' <= 25 || c-'A' <= 25 || c == '_' }
func isNamePart(c byte) bool  { return isNameStart(c) || isDigit(c) || c == '-' }

// space skips whitespace: that of ASCII and of Unicode.
func (l *lexer) space() {
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		if c == ' ' || c >= '\t' && c <= '\r' {
			l.pos++
			continue
		}
		if c < utf8.RuneSelf {
			return
		}
		r, n := utf8.DecodeRuneInString(l.src[l.pos:])
		if !unicode.IsSpace(r) {
			return
		}
		l.pos += n
	}
}

// next takes the next token.
func (l *lexer) next() (token, error) {
	l.space()
	start := l.pos
	if start == len(l.src) {
		return token{kind: tokEnd, start: start, end: start}, nil
	}
	c := l.src[start]
	if start+1 < len(l.src) && l.src[start+1] == '\'' {
		switch c {
		case 'h':
			return l.prefixed(tokHex)
		case 'b':
			return l.prefixed(tokBinary)
		case 't':
			return l.prefixed(tokTime)
		}
	}
	switch {
	case isNameStart(c):
		for l.pos < len(l.src) && isNamePart(l.src[l.pos]) {
			l.pos++
		}
		return l.token(tokName, start), nil
	case c == '\'':
		return l.quoted(tokString, start)
	case isDigit(c), c == '+', c == '-', c == '.' && start+1 < len(l.src) && isDigit(l.src[start+1]):
		return l.number()
	}
	l.pos++
	switch c {
	case '[', ']', '(', ')', ':', '.', ',', '*':
		return l.token(tokPunct, start), nil
	case '=':
		l.accept('=')
		return l.token(tokOp, start), nil
	case '<':
		if !l.accept('=') {
			l.accept('>')
		}
		return l.token(tokOp, start), nil
	case '>':
		l.accept('=')
		return l.token(tokOp, start), nil
	case '!':
		if l.accept('=') {
			return l.token(tokOp, start), nil
		}
	}
	r, _ := utf8.DecodeRuneInString(l.src[start:])
	return token{}, fault(start, "%q has no meaning here", r)
}

func (l *lexer) token(k tokenKind, start int) token {
	return token{kind: k, start: start, end: l.pos, text: l.src[start:l.pos]}
}

func (l *lexer) accept(c byte) bool {
	if l.pos < len(l.src) && l.src[l.pos] == c {
		l.pos++
		return true
	}
	return false
}

// quoted takes a string from its opening quote. Only \' and \\ are escapes.
func (l *lexer) quoted(k tokenKind, start int) (token, error) {
	open := l.pos
	l.pos++
	t := token{kind: k, start: start}
	for l.pos < len(l.src) {
		switch l.src[l.pos] {
		case '\'':
			t.text = l.src[open+1 : l.pos]
			l.pos++
			t.end = l.pos
			return t, nil
		case '\\':
			if l.pos+1 >= len(l.src) || l.src[l.pos+1] != '\'' && l.src[l.pos+1] != '\\' {
				return token{}, fault(l.pos, `in a string only \' and \\ are escapes; write \\ for a backslash`)
			}
			t.escaped = true
			l.pos++
		}
		l.pos++
	}
	return token{}, fault(open, "the string is not closed")
}

// prefixed takes a literal with a one-letter prefix and checks what is in it.
func (l *lexer) prefixed(k tokenKind) (token, error) {
	start := l.pos
	l.pos++
	t, err := l.quoted(k, start)
	if err != nil {
		return t, err
	}
	switch {
	case t.escaped:
		return t, fault(start, "a literal of this kind has no escapes")
	case k == tokHex && (len(t.text)%2 != 0 || !allHex(t.text)):
		return t, fault(start, "h'...' must hold pairs of hexadecimal digits")
	case k == tokBinary:
		if !validBase64(t.text) || t.text == "" {
			return t, fault(start, "b'...' must hold base64")
		}
	case k == tokTime:
		if !isTimestamp(t.text) {
			return t, fault(start, "t'...' must hold a UTC timestamp such as 2026-01-31T12:00:00Z")
		}
	}
	return t, nil
}

// validBase64 is RFC 4648 §4 to the letter; the decoder alone would skip line ends.
func validBase64(s string) bool {
	_, err := base64.StdEncoding.DecodeString(s)
	return err == nil && !strings.ContainsAny(s, "\r\n")
}

// number takes an integer or a float, with an optional sign and no exponent.
func (l *lexer) number() (token, error) {
	start := l.pos
	if c := l.src[l.pos]; c == '+' || c == '-' {
		l.pos++
	}
	digits := l.digits()
	kind := tokInt
	if l.pos < len(l.src) && l.src[l.pos] == '.' {
		kind = tokFloat
		l.pos++
		if l.digits() == 0 {
			return token{}, fault(l.pos, "digits must follow the decimal point")
		}
	} else if digits == 0 {
		return token{}, fault(l.pos, "digits must follow the sign")
	} else if digits > 1 && l.src[l.pos-digits] == '0' {
		return token{}, fault(start, "an integer has no leading zeros")
	}
	if l.pos < len(l.src) && isNamePart(l.src[l.pos]) {
		return token{}, fault(l.pos, "%q cannot follow a number", l.src[l.pos])
	}
	return l.token(kind, start), nil
}

func (l *lexer) digits() (n int) {
	for l.pos < len(l.src) && isDigit(l.src[l.pos]) {
		l.pos++
		n++
	}
	return n
}
