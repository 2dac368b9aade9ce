package intake

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"entente/internal/observable"
)

// Item is one value of a list or a table.
type Item struct {
	// Line is the line it stands on, counted from 1.
	Line int
	// Value is the observable.
	Value observable.Value
	// What a table says beside it; empty or zero where it does not.
	Note       string
	Labels     []string
	TLP        string // as written
	Reference  string // a URL
	Confidence int    // 0 to 100, or -1: not given
	From, To   string // as written: valid from, valid until
}

// LineError says why a line gives no value. Reading goes on after it.
type LineError struct {
	Line   int
	Text   string // its beginning, quoted
	Reason string
}

func (e *LineError) Error() string {
	return fmt.Sprintf("line %d: %s: %s", e.Line, e.Text, e.Reason)
}

func lineError(line int, text, reason string) *LineError {
	const most = 60
	if len(text) > most {
		cut := most
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut] + "..."
	}
	return &LineError{line, strconv.QuoteToGraphic(text), reason}
}

// ReadList streams a plain list: one value a line, defanged or not. Empty lines and
// comments (#, ;, //, !) are passed over, a comment behind a value becomes its note. Quotes around a line are none of it.
// Files of hosts ("0.0.0.0 name"), wildcards ("*.name") and filter lists
// ("||name^") are understood, and a port behind an address or a name
// is passed over. A line that holds no value gives a *LineError and
// reading goes on; any other error ends it. Memory does not grow with the list.
func ReadList(r io.Reader) iter.Seq2[Item, error] { return ListRows(r).all() }

// found hands on a row, or why there is none, and tells whether there may be more.
func found(row Row, yield func(Row) bool) bool {
	if row.err == nil {
		return yield(row)
	}
	var bad *LineError
	switch {
	case errors.As(row.err, &bad):
		return yield(row)
	case !errors.Is(row.err, io.EOF):
		yield(row)
	}
	return false
}

// lookAtLines gives what lines of a list hold.
func lookAtLines(rows []Row, yield func(Item, error) bool) {
	var room [4]entry
	for _, row := range rows {
		if row.err != nil {
			if !yield(Item{}, row.err) {
				return
			}
			continue
		}
		if v, ok := observable.Plain(row.text); ok { // so it is no comment and has nothing beside its value
			if !yield(Item{Line: row.line, Value: v, Confidence: -1}, nil) {
				return
			}
			continue
		}
		for _, entry := range entries(room[:0], row.text) {
			v, err := valueOf(entry.value, "")
			if err != nil {
				if !yield(Item{}, lineError(row.line, entry.value, reason(err))) {
					return
				}
				continue
			}
			if !yield(Item{Line: row.line, Value: v, Note: entry.note, Confidence: -1}, nil) {
				return
			}
		}
	}
}

func reason(err error) string {
	if errors.Is(err, observable.ErrUnknown) {
		return "it cannot be told what this is; name the type, as in file-name:x"
	}
	return err.Error()
}

// entry is what one line of a list says.
type entry struct{ value, note string }

// entries adds what one line says.
func entries(out []entry, text string) []entry {
	text = unquoted(strings.TrimSpace(text))
	if text == "" || strings.HasPrefix(text, "#") || strings.HasPrefix(text, ";") || strings.HasPrefix(text, "!") ||
		strings.HasPrefix(text, "//") {
		return out
	}
	note := ""
	if strings.ContainsAny(text, " \t") { // before each mark
		for _, mark := range [...]string{" #", "\t#", " ;", "\t;", " //", "\t//"} {
			if i := strings.Index(text, mark); i > 0 {
				text, note = strings.TrimSpace(text[:i]), strings.TrimSpace(text[i+len(mark):])
			}
		}
	}
	if name, ok := strings.CutPrefix(text, "||"); ok { // a filter list
		if i := strings.IndexAny(name, "^$/"); i >= 0 {
			name = name[:i]
		}
		return append(out, entry{name, note})
	}
	if i := strings.IndexFunc(text, unicode.IsSpace); i > 0 && sink(text[:i]) { // a file of hosts
		for name := range strings.FieldsSeq(text[i:]) {
			if !machine(name) {
				out = append(out, entry{name, note})
			}
		}
		return out
	}
	if name, ok := strings.CutPrefix(text, "*."); ok {
		text = name
	} else if name, ok := strings.CutPrefix(text, "."); ok && !strings.Contains(name, "/") {
		text = name
	}
	return append(out, entry{text, note})
}

// unquoted takes away the quotes around a line, and the comma behind them, which programs write that copy a list out of a table or out of code.
func unquoted(text string) string {
	inner := strings.TrimSuffix(text, ",")
	if n := len(inner); n > 2 && (inner[0] == '"' || inner[0] == '\'') && inner[n-1] == inner[0] && strings.IndexByte(inner[1:n-1], inner[0]) < 0 {
		return strings.TrimSpace(inner[1 : n-1])
	}
	return text
}

// sink tells an address that files of hosts send names to.
func sink(s string) bool {
	switch s {
	case "0.0.0.0", "127.0.0.1", "::", "::1", "255.255.255.255", "fe80::1%lo0":
		return true
	}
	return false
}

// machine tells a name that each file of hosts has for the machine itself.
func machine(name string) bool {
	switch name {
	case "localhost", "localhost.localdomain", "local", "broadcasthost", "ip6-localhost", "ip6-loopback", "0.0.0.0":
		return true
	}
	return false
}

// lines reads lines of at most MaxLine bytes.
type lines struct {
	r    *bufio.Reader
	n    int
	some string // lines that were read and not given yet, with their ends
}

func newLines(r io.Reader) *lines { return &lines{r: bufio.NewReaderSize(r, MaxLine)} }

// together is how much is made a string at once where lines are short, in bytes.
const together = 8 << 10

// next returns the next line without its end. A line that is too long is passed
// over with a *LineError.
func (l *lines) next() (string, error) {
	if l.some == "" {
		if line, err := l.more(); err != nil {
			return "", err
		} else if l.some == "" {
			return l.line(line)
		}
	}
	end := strings.IndexByte(l.some, '\n') + 1
	line := l.some[:end]
	l.some = l.some[end:]
	l.n++
	return l.line(line)
}

// more takes as many whole lines as there are in the next bytes, or one line that is longer.
func (l *lines) more() (string, error) {
	if _, err := l.r.Peek(1); err != nil {
		return "", err
	}
	head, _ := l.r.Peek(min(l.r.Buffered(), together)) // they are there
	if end := bytes.LastIndexByte(head, '\n') + 1; end > 0 {
		l.some = string(head[:end])
		_, err := l.r.Discard(end)
		return "", err
	}
	line, err := l.r.ReadSlice('\n')
	l.n++
	if errors.Is(err, bufio.ErrBufferFull) {
		bad := lineError(l.n, string(line[:64]), fmt.Sprintf("longer than %d bytes", MaxLine))
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = l.r.ReadSlice('\n')
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		return "", bad
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return string(line), nil
}

// line checks a line and takes its end off.
func (l *lines) line(text string) (string, error) {
	text = strings.TrimRight(text, "\r\n")
	if l.n == 1 {
		text = strings.TrimPrefix(text, "\ufeff") // what some editors put before a text
	}
	if !utf8.ValidString(text) {
		return "", lineError(l.n, strings.ToValidUTF8(text, "?"), "not valid UTF-8")
	}
	return text, nil
}
