package intake

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"entente/internal/observable"
)

// Format is what a file is.
type Format string

// The formats that are told apart.
const (
	FormatSTIX    Format = "stix"    // a bundle, a list, an object, or one object a line
	FormatMISP    Format = "misp"    // events of MISP
	FormatTable   Format = "table"   // columns parted by a comma, semicolon, tab or bar
	FormatList    Format = "list"    // one value a line
	FormatPage    Format = "page"    // a page of HTML
	FormatText    Format = "text"    // a page that was saved as text, or any other prose
	FormatUnknown Format = "unknown" // none of these
)

// Detect tells from the beginning of a file (some kilobytes) what it is. It tells
// by content alone: names lie.
func Detect(head []byte) Format {
	head = bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	text := bytes.TrimLeft(head, " \t\r\n")
	switch {
	case len(text) == 0:
		return FormatUnknown
	case text[0] == '{', text[0] == '[':
		if misp(text) {
			return FormatMISP
		}
		return FormatSTIX
	case looksLikeHTML(text):
		return FormatPage
	case binary(text):
		return FormatUnknown
	}
	lines, values, rows := shape(string(text))
	switch {
	case lines == 0:
		return FormatUnknown
	case values*10 >= lines*7, lines < fewLines && values*2 > lines: // of few lines two or three that are none are no sign of a text
		return FormatList
	case rows:
		if _, err := DetectLayout(head); err == nil {
			return FormatTable
		}
	}
	return FormatText
}

// fewLines is how many lines are too few for one in three that holds no value to say much.
const fewLines = 10

// misp tells an event, or a list of events, from STIX.
func misp(text []byte) bool {
	start := text[:min(len(text), 4096)]
	return (bytes.Contains(start, []byte(`"Event"`)) || bytes.Contains(start, []byte(`"Attribute"`)) || bytes.Contains(start, []byte(`"Orgc"`))) &&
		!bytes.Contains(start, []byte(`"spec_version"`))
}

func binary(text []byte) bool {
	for _, b := range text[:min(len(text), 1024)] {
		if b < 0x20 && b != '\n' && b != '\r' && b != '\t' && b != '\f' {
			return true
		}
	}
	// The beginning may end within a rune.
	start := text[:min(len(text), 1024)]
	for i := 0; i < utf8.UTFMax && len(start) > 0 && !utf8.Valid(start); i++ {
		start = start[:len(start)-1]
	}
	if utf8.Valid(start) {
		return false
	}
	// What is mostly ASCII is text, though some lines are in another encoding: readers of
	// lists and tables refuse those lines and take the others.
	high := 0
	for _, b := range start {
		if b >= utf8.RuneSelf {
			high++
		}
	}
	return high*4 > len(start)
}

// shape counts the lines of a beginning that are not empty or comments, and those of
// them that hold a value and nothing else, and tells whether most are rows of one
// width.
func shape(text string) (lines, values int, rows bool) {
	widths, records := map[int]int{}, 0
	_, _, comma := sample(text)
	all := strings.Split(text, "\n")
	if len(all) > 1 && !strings.HasSuffix(text, "\n") {
		all = all[:len(all)-1]
	}
	all = all[:min(len(all), 200)]
	for _, line := range all {
		for _, e := range entries(nil, line) {
			lines++
			if v, err := valueOf(e.value, ""); err == nil && !strings.ContainsAny(e.value, " \t,;") && v.Type != observable.FileName {
				values++
			}
		}
	}
	for _, line := range joinQuoted(all) {
		if t := strings.TrimSpace(line); t != "" && !strings.HasPrefix(t, "#") && !separatorLine(t) {
			records++
			if cells, err := splitRow(nil, strings.TrimRight(line, "\r"), comma); err == nil && len(cells) > 1 {
				widths[len(cells)]++
			}
		}
	}
	most := 0
	for _, n := range widths {
		most = max(most, n)
	}
	return lines, values, most*10 >= records*8 && most > 0
}

// maxJoined bounds the lines of one row in the beginning of a table.
const maxJoined = 20

// joinQuoted joins the lines of rows whose quoted cells go on over line ends. A quote
// that is not closed soon is a character like any other.
func joinQuoted(all []string) []string {
	out := make([]string, 0, len(all))
	for i := 0; i < len(all); i++ {
		row := all[i]
		if openQuote(row) && !strings.HasPrefix(strings.TrimSpace(row), "#") {
			for n, next := range all[i+1 : min(len(all), i+maxJoined)] {
				if openQuote(next) {
					row = strings.Join(all[i:i+n+2], "\n")
					i += n + 1
					break
				}
			}
		}
		out = append(out, row)
	}
	return out
}
