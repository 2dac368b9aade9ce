package misp

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Reasons for which something is refused. Test for them with errors.Is; most
// errors are a *[Error] that says where.
var (
	// ErrSyntax means that the text is not JSON. It ends a stream.
	ErrSyntax = errors.New("not valid JSON")
	// ErrDuplicateName means that a JSON object has the same member name twice, so
	// that two readers may understand two different things by it.
	ErrDuplicateName = errors.New("duplicate member name")
	// ErrInvalidUTF8 means that a string holds what is not Unicode text.
	ErrInvalidUTF8 = errors.New("invalid UTF-8")
	// ErrTooLarge means that a limit on size or count was passed.
	ErrTooLarge = errors.New("too large")
	// ErrTooDeep means that arrays and objects are nested beyond the limit.
	ErrTooDeep = errors.New("nested too deeply")
	// ErrKind means that a value is of another JSON kind than the format demands.
	ErrKind = errors.New("wrong kind of value")
	// ErrFormat means that the text is JSON, but not what the format demands.
	ErrFormat = errors.New("not in the MISP format")
	// ErrName means that a file of a feed has a name that feeds do not have.
	ErrName = errors.New("not the name of a feed file")
	// ErrIntegrity means that a file of a feed is not the one its manifest names.
	ErrIntegrity = errors.New("not the file that the manifest names")
)

// Error says what was refused and where.
type Error struct {
	// Path names the place from the top of what was read, as in
	// "response[2].Event.Attribute[17].value" or "line 4".
	Path string
	// Offset is the position in bytes from the start of what was read, or -1 if that
	// is not known.
	Offset int64
	// Fatal is true if nothing after the place can be read.
	Fatal bool
	// Err is the reason: one of the sentinel errors of this package, perhaps with
	// more words around it, or the error of the reader below.
	Err error
}

// Error implements error.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("misp: ")
	if e.Path != "" {
		b.WriteString(e.Path)
		b.WriteString(": ")
	}
	b.WriteString(e.Err.Error())
	if e.Offset >= 0 {
		fmt.Fprintf(&b, " (byte %d)", e.Offset)
	}
	return b.String()
}

// Unwrap gives the reason.
func (e *Error) Unwrap() error { return e.Err }

func refuse(path string, offset int64, kind error, format string, args ...any) *Error {
	err := kind
	if format != "" {
		err = fmt.Errorf("%w: "+format, append([]any{kind}, args...)...)
	}
	return &Error{Path: path, Offset: offset, Err: err}
}

// jsonError says in this package's words what a JSON decoder found wrong in the
// text at path that begins at the offset.
func jsonError(err error, path string, base int64) *Error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	out := &Error{Path: path, Offset: base, Err: err}
	var syn *jsontext.SyntacticError
	if !errors.As(err, &syn) {
		return out
	}
	out.Path = joinPointer(path, syn.JSONPointer)
	if base >= 0 {
		out.Offset = base + syn.ByteOffset
	}
	switch text := syn.Error(); {
	case errors.Is(err, jsontext.ErrDuplicateName):
		out.Err = ErrDuplicateName
	case strings.Contains(text, "UTF-8") || strings.Contains(text, "surrogate"):
		out.Err = ErrInvalidUTF8
	case strings.Contains(text, "exceeded max depth"):
		out.Err = ErrTooDeep
	default:
		out.Err = fmt.Errorf("%w: %w", ErrSyntax, syn.Err)
	}
	return out
}

// joinPointer continues a path by a JSON pointer: "Event" and "/Attribute/3/value"
// give "Event.Attribute[3].value".
func joinPointer(path string, p jsontext.Pointer) string {
	for tok := range p.Tokens() {
		if len(tok) > 60 {
			tok = tok[:60] + "…"
		}
		path = joinName(path, strings.ToValidUTF8(tok, "�"))
	}
	return path
}

func joinName(path, name string) string {
	digits := name != ""
	for i := range len(name) {
		digits = digits && '0' <= name[i] && name[i] <= '9'
	}
	switch {
	case digits:
		return path + "[" + name + "]"
	case path == "":
		return name
	}
	return path + "." + name
}
