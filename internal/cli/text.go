package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/width"

	"entente/internal/lang"
)

// cleanLine makes foreign text safe to print on one line of a terminal, see [lang.Visible].
func cleanLine(s string) string { return lang.Visible(s) }

// printer gathers what a command prints for people. Every string that passes
// through it is cleaned.
type printer struct {
	b     strings.Builder
	now   time.Time
	quiet bool
	c     *lang.Catalog // nil: English
}

// words is the catalog that is printed in.
func (p *printer) words() *lang.Catalog {
	if p.c == nil {
		return lang.English()
	}
	return p.c
}

// code and codes put codes of a family into the reader's words; a code without words, which an accord may have of its own,
// stays as it is.
func (p *printer) code(family, code string) string { return p.words().Code(family, code) }

func (p *printer) codes(family string, codes []string) string { return p.words().Codes(family, codes) }

func (p *printer) String() string { return p.b.String() }

// f prints a line.
func (p *printer) f(format string, args ...any) {
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = cleanLine(s)
		}
	}
	fmt.Fprintf(&p.b, format+"\n", args...)
}

// hint prints a line that helps but is not the answer; --quiet leaves it out.
func (p *printer) hint(format string, args ...any) {
	if !p.quiet {
		p.f(format, args...)
	}
}

// gap separates two parts with an empty line.
func (p *printer) gap() {
	if p.b.Len() > 0 && !strings.HasSuffix(p.b.String(), "\n\n") {
		p.b.WriteByte('\n')
	}
}

// block prints a text of several lines, indented.
func (p *printer) block(indent, text string) {
	for line := range strings.SplitSeq(strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), "\n"), "\n") {
		p.b.WriteString(strings.TrimRight(indent+cleanLine(strings.ReplaceAll(line, "\t", "    ")), " ") + "\n")
	}
}

// raw prints a text of this program or a document of this side, as it is.
func (p *printer) raw(text string) { p.b.WriteString(text) }

// pairs prints names and values in two aligned columns and leaves out those
// without a value.
func (p *printer) pairs(kv ...string) {
	most := 0
	for i := 0; i+1 < len(kv); i += 2 {
		if kv[i+1] != "" {
			most = max(most, columns(kv[i]))
		}
	}
	for i := 0; i+1 < len(kv); i += 2 {
		if kv[i+1] != "" {
			p.b.WriteString(pad(kv[i], most) + "  " + cleanLine(kv[i+1]) + "\n")
		}
	}
}

// table prints rows in aligned columns below a heading, and nothing without rows.
func (p *printer) table(heading []string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	wide := make([]int, len(heading))
	all := append([][]string{heading}, rows...)
	for _, row := range all {
		for i := range row {
			row[i] = cleanLine(row[i])
			if row[i] == "" {
				row[i] = "-"
			}
			wide[i] = max(wide[i], columns(row[i]))
		}
	}
	for _, row := range all {
		var line strings.Builder
		for i, cell := range row {
			if i > 0 {
				line.WriteString("  ")
			}
			line.WriteString(pad(cell, wide[i]))
		}
		p.b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}

func pad(s string, most int) string {
	return s + strings.Repeat(" ", max(0, most-columns(s)))
}

// columns is how much room a text takes on a terminal: letters of East Asia are two columns wide, and
// marks that combine with the letter before them none (Unicode UAX 11).
func columns(s string) int {
	n := 0
	for _, r := range s {
		switch k := width.LookupRune(r).Kind(); {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case k == width.EastAsianWide || k == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}

// brief shortens an identifier for a column; the whole one is in --json.
func brief(id string) string {
	hash, index, found := strings.Cut(strings.TrimPrefix(id, "entente/"), "#")
	if len(hash) > 12 {
		hash = hash[:12]
	}
	if found {
		return hash + "#" + index
	}
	return hash
}

// moment writes a time with its offset, in the offset it came with.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format("2006-01-02 15:04:05 -07:00")
}

// deadline writes a time absolutely, in this machine's zone, and relative to now.
func deadline(t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	return moment(t.Local()) + " (" + relative(t.Sub(now)) + ")"
}

// relative says how far away something is: "in 3 h 10 min", "2 d 4 h ago".
func relative(d time.Duration) string {
	s := span(d.Abs())
	switch {
	case s == "":
		return "now"
	case d < 0:
		return s + " ago"
	}
	return "in " + s
}

// span writes the two largest units of a duration, rounded to the second of
// them; "" below one second.
func span(d time.Duration) string {
	switch {
	case d >= 24*time.Hour:
		d = d.Round(time.Hour)
	case d >= time.Hour:
		d = d.Round(time.Minute)
	}
	parts := []struct {
		unit string
		size time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"min", time.Minute}, {"s", time.Second}}
	for i, p := range parts {
		n := d / p.size
		if n == 0 {
			continue
		}
		s := strconv.FormatInt(int64(n), 10) + " " + p.unit
		if i+1 < len(parts) {
			if rest := (d - n*p.size) / parts[i+1].size; rest > 0 {
				s += " " + strconv.FormatInt(int64(rest), 10) + " " + parts[i+1].unit
			}
		}
		return s
	}
	return ""
}

// count writes a number of things: "1 object", "3 objects", "1,234 objects".
func count(n int64, thing string) string {
	if n != 1 {
		if strings.HasSuffix(thing, "y") {
			thing = strings.TrimSuffix(thing, "y") + "ies"
		} else {
			thing += "s"
		}
	}
	return number(n) + " " + thing
}

func number(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// size writes a number of bytes.
func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return count(n, "byte")
}
