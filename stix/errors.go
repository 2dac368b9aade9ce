package stix

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Reasons for which an object or a stream is refused. Test for them with
// errors.Is; the error itself is a [*ParseError] or a [*ReadError] that says
// where.
var (
	// ErrSyntax means that the text is not JSON. It ends a stream, because
	// nothing after it can be trusted to begin where an object begins.
	ErrSyntax = errors.New("not valid JSON")
	// ErrDuplicateName means that one JSON object has the same member name twice,
	// so that two readers may understand two different things by it.
	ErrDuplicateName = errors.New("duplicate member name")
	// ErrInvalidUTF8 means that a string holds bytes, or escapes, that are not
	// Unicode text.
	ErrInvalidUTF8 = errors.New("invalid UTF-8")
	// ErrTooLarge means that a limit on size or count was passed.
	ErrTooLarge = errors.New("too large")
	// ErrTooDeep means that arrays and objects are nested beyond the limit.
	ErrTooDeep = errors.New("nested too deeply")
	// ErrNotObject means that a JSON object was expected and something else came.
	ErrNotObject = errors.New("not a JSON object")
	// ErrProperty means that a property on which every reader decides (identity,
	// version, marking, validity) is missing or malformed.
	ErrProperty = errors.New("malformed property")
	// ErrStream means that the text is JSON, but neither a bundle, nor a STIX
	// object, nor a list of STIX objects.
	ErrStream = errors.New("not a stream of STIX objects")
)

// ParseError says why one object was refused.
type ParseError struct {
	// Path names the place within the object, as in "granular_markings[0].selectors".
	// It is empty if the object as a whole is meant.
	Path string
	// Offset is the position of the fault in bytes from the start of the object.
	Offset int64
	// Kind is one of the sentinel errors of this package.
	Kind error
	// Detail is a sentence for people; it may be empty.
	Detail string
}

// Error implements error.
func (e *ParseError) Error() string {
	var b strings.Builder
	b.WriteString("stix: ")
	if e.Path != "" {
		b.WriteString(e.Path)
		b.WriteString(": ")
	}
	b.WriteString(e.Kind.Error())
	if e.Detail != "" {
		b.WriteString(": ")
		b.WriteString(e.Detail)
	}
	if e.Offset > 0 {
		fmt.Fprintf(&b, " (byte %d of the object)", e.Offset)
	}
	return b.String()
}

// Unwrap gives the sentinel error.
func (e *ParseError) Unwrap() error { return e.Kind }

// ReadError says why an object of a stream was refused, and where it was.
type ReadError struct {
	// Index is the number of the object in the stream, from 0, counting refused
	// objects too. It is -1 if the fault lies in the frame around the objects.
	Index int
	// Offset is the position in the stream, in bytes from its start: of the fault
	// if that is known, else of the object.
	Offset int64
	// Path names the place from the top of the stream, as in
	// "objects[17].valid_from".
	Path string
	// Fatal is true if the stream ends here.
	Fatal bool
	// Err is the reason.
	Err error
}

// Error implements error.
func (e *ReadError) Error() string {
	reason := e.Err.Error()
	var pe *ParseError
	if errors.As(e.Err, &pe) {
		reason = pe.Kind.Error()
		if pe.Detail != "" {
			reason += ": " + pe.Detail
		}
	}
	s := "stix: "
	if e.Path != "" {
		s += e.Path + ": "
	}
	s += reason + " (byte " + strconv.FormatInt(e.Offset, 10) + " of the stream)"
	if e.Fatal {
		s += "; nothing after this can be read"
	}
	return s
}

// Unwrap gives the reason.
func (e *ReadError) Unwrap() error { return e.Err }

// quoteShort quotes foreign text for an error message, cut to a readable length.
func quoteShort(s string) string {
	const most = 60
	if len(s) > most {
		return strconv.QuoteToGraphic(strings.ToValidUTF8(s[:most], "")) + "..."
	}
	return strconv.QuoteToGraphic(s)
}
