package accord

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// ErrInvalid is wrapped by the error of Parse and Canonical when the text is no accord; the problems
// say what is wrong where.
var ErrInvalid = errors.New("not a valid accord")

// hashDomain separates the hash of an accord from every other use of SHA-256 in the protocol.
const hashDomain = "entente/accord/v1\n"

// Problem is something to mend in an accord text.
type Problem struct {
	// Line counts from 1; 0 when the place is not known.
	Line int `json:"line"`
	// Path is the place in the document, for example handling.ceiling[0].tlp.
	Path string `json:"path"`
	// Text says what is wrong and what to do.
	Text string `json:"text"`
	// Warning marks a problem that does not keep the text from being an accord.
	Warning bool `json:"warning"`
}

// String is the problem in one line for people.
func (p Problem) String() string {
	var b strings.Builder
	if p.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", p.Line)
	}
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	if p.Warning {
		b.WriteString("(warning) ")
	}
	b.WriteString(p.Text)
	return b.String()
}

// Parse reads an accord written as YAML or JSON (a text whose first character is "{" is JSON) of at
// most 1 MiB, checks it against the schema and for sense, and writes out every default. With any
// problem that is not a warning the document is nil and the error wraps ErrInvalid.
func Parse(text []byte) (*Document, []Problem, error) {
	doc, _, problems, err := parse(text)
	return doc, problems, err
}

// Canonical is the JSON text of an accord that goes into the payload and that HashOf takes: every
// default written out, in RFC 8785 form. It is a fixed point: Canonical of it is itself.
func Canonical(text []byte) ([]byte, error) {
	_, canonical, _, err := parse(text)
	return canonical, err
}

// Load reads an accord text that came from outside as it must be to be signed: exactly canonical.
// It refuses a text that leaves something to defaults, because two programs could then differ.
func Load(text []byte) (*Document, error) {
	if len(text) == 0 || text[0] != '{' { // foreign bytes never reach the YAML reader
		return nil, errNotCanonical
	}
	doc, canonical, _, err := parse(text)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(text, canonical) {
		return nil, errNotCanonical
	}
	return doc, nil
}

var errNotCanonical = fmt.Errorf("%w: the text is not in canonical form; its author must send what `entente accord check --canonical` prints", ErrInvalid)

// HashOf is what parties sign: SHA-256("entente/accord/v1\n" || the exact JSON text).
func HashOf(text []byte) [32]byte {
	h := sha256.New()
	h.Write([]byte(hashDomain))
	h.Write(text)
	return [32]byte(h.Sum(nil))
}

func parse(text []byte) (*Document, []byte, []Problem, error) {
	root, err := read(text)
	if err != nil {
		p := Problem{Text: err.Error()}
		var at *lineError
		var syn *jsontext.SyntacticError
		switch {
		case errors.As(err, &at):
			p.Line = at.line
		case errors.As(err, &syn):
			p.Line = 1 + bytes.Count(text[:min(int(syn.ByteOffset), len(text))], []byte{'\n'})
			p.Text = "the JSON cannot be read: " + clip(syn.Err.Error(), 200)
		}
		return nil, nil, []Problem{p}, fmt.Errorf("%w: %s", ErrInvalid, p)
	}
	problems := checkSchema(root)
	if fatal(problems) {
		return nil, nil, problems, fmt.Errorf("%w: %s", ErrInvalid, problems[0])
	}
	doc := defaults()
	if err := json.Unmarshal(root.appendJSON(nil), doc, json.RejectUnknownMembers(true)); err != nil {
		problems = append(problems, Problem{Text: "the schema lets through what the program cannot read: " + clip(err.Error(), 200)})
		return nil, nil, problems, fmt.Errorf("%w: %s", ErrInvalid, err)
	}
	doc.fill()
	canonical, err := doc.JSON()
	if err != nil {
		return nil, nil, problems, fmt.Errorf("%w: %s", ErrInvalid, err)
	}
	// Decoding what is signed, and nothing else, makes "same text, same document" true by
	// construction, down to empty lists.
	final := &Document{}
	if err := json.Unmarshal(canonical, final, json.RejectUnknownMembers(true)); err != nil {
		return nil, nil, problems, fmt.Errorf("%w: %s", ErrInvalid, err)
	}
	problems = append(problems, check(final, root)...)
	slices.SortStableFunc(problems, func(a, b Problem) int { return a.Line - b.Line })
	if fatal(problems) {
		i := slices.IndexFunc(problems, func(p Problem) bool { return !p.Warning })
		return nil, nil, problems, fmt.Errorf("%w: %s", ErrInvalid, problems[i])
	}
	final.loadCalendars()
	return final, canonical, problems, nil
}

// JSON is the canonical text of the document: RFC 8785, every field written.
func (d *Document) JSON() ([]byte, error) {
	out, err := json.Marshal(d, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("accord: writing the document: %w", err)
	}
	v := jsontext.Value(out)
	if err := v.Canonicalize(); err != nil {
		return nil, fmt.Errorf("accord: canonical form: %w", err)
	}
	return v, nil
}

func fatal(problems []Problem) bool {
	return slices.ContainsFunc(problems, func(p Problem) bool { return !p.Warning })
}

// Plain reads another text of people by the rules of an accord's (the part of YAML that reads the same from
// top to bottom, or strict JSON; nothing hidden in it; whole numbers; at most MaxText bytes) and returns it
// as JSON. It is for files that somebody writes by hand and something is sent for.
func Plain(text []byte) ([]byte, error) {
	root, err := read(text)
	var at *lineError
	switch {
	case errors.As(err, &at) && at.line > 0:
		return nil, fmt.Errorf("line %d: %w", at.line, err)
	case err != nil:
		return nil, err
	}
	return root.appendJSON(nil), nil
}

func read(text []byte) (*node, error) {
	if len(text) > documentBounds.size {
		return nil, fmt.Errorf("%w: the text has %d bytes, at most %d are accepted", errBounds, len(text), documentBounds.size)
	}
	if line, r, bad := hiddenRune(text); bad {
		return nil, atLine(line, "character %U is hidden from a reader or not UTF-8; remove it", r)
	}
	var root *node
	var err error
	if trimmed := bytes.TrimLeft(text, " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '{' {
		root, err = readJSON(text, documentBounds)
	} else {
		root, err = readYAML(text, documentBounds)
	}
	if err != nil {
		return nil, err
	}
	if root.kind != '{' {
		return nil, atLine(root.line, "the text is a mapping of names to values; `entente accord example` shows an accord")
	}
	return root, sober(root)
}

// sober refuses values that the schema validator should not see: numbers that are no plain whole
// numbers (1e999999999 is one value and gigabytes of digits) and hidden characters behind escapes.
func sober(n *node) error {
	switch n.kind {
	case '0':
		if !plainInteger.MatchString(n.str) || n.str == "-0" {
			return atLine(n.line, "%s is not a plain whole number; write digits only", clip(n.str, 40))
		}
	case '"':
		if _, r, bad := hiddenRune([]byte(n.str)); bad {
			return atLine(n.line, "character %U is hidden from a reader; remove it", r)
		}
	}
	for _, m := range n.members {
		if _, r, bad := hiddenRune([]byte(m.name)); bad {
			return atLine(n.line, "character %U in a name is hidden from a reader; remove it", r)
		}
		if err := sober(m.value); err != nil {
			return err
		}
	}
	for _, e := range n.elems {
		if err := sober(e); err != nil {
			return err
		}
	}
	return nil
}

// hiddenRune finds what a lawyer would not see: control characters and the marks that reorder text
// on a screen, so that what is read is what is signed.
func hiddenRune(text []byte) (line int, r rune, bad bool) {
	line = 1
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		switch {
		case r == utf8.RuneError && n <= 1:
			return line, r, true
		case r == '\n':
			line++
		case r == '\r' || r == '\t':
		case unicode.IsControl(r), r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069, r == 0xFEFF, r == 0x2028, r == 0x2029:
			return line, r, true
		}
		i += n
	}
	return 0, 0, false
}
