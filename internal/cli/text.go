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

// tell puts a sentence that a node or a package said into the reader's language.
func (p *printer) tell(text string) string { return p.words().Tell(text) }

// t is a text of the reader's catalog; what is no key of it, such as SHA-256, stays as it is.
func (p *printer) t(key string, args ...any) string { return p.words().Text(key, args...) }

// say prints a text of the catalog as a line.
func (p *printer) say(indent, key string, args ...any) { p.f("%s%s", indent, p.t(key, args...)) }

// fields is pairs with keys of the catalog for names.
func (p *printer) fields(indent string, kv ...string) {
	for i := 0; i < len(kv); i += 2 {
		kv[i] = indent + p.t(kv[i])
	}
	p.pairs(kv...)
}

// grid is table with keys of the catalog for headings; the indent is that of the rows.
func (p *printer) grid(indent string, rows [][]string, keys ...string) {
	for i, key := range keys {
		keys[i] = p.t(key)
	}
	keys[0] = indent + keys[0]
	p.table(keys, rows)
}

// at writes an instant with its offset, in the zone of the reader; until says too how far away it is.
func (p *printer) at(t time.Time) string { return p.words().Time(t) }

func (p *printer) until(t time.Time) string { return deadlineIn(p.words(), t, p.now) }

// dayUTC is a day that is counted in UTC wherever its reader is, as the bytes of a day are.
func (p *printer) dayUTC(t time.Time) string { return t.UTC().Format(time.DateOnly) + " UTC" }

// took writes so many seconds in their two largest units.
func (p *printer) took(s int64) string {
	if s == 0 {
		return p.t("time.s", "n", 0)
	}
	return p.words().Span(time.Duration(s) * time.Second)
}

// many is a text with plural forms of so many things; number is a number alone. Thousands are set apart as the language does.
func (p *printer) many(key string, n int64) string { return p.t(key, "n", grouped(p.words(), n)) }

func (p *printer) number(n int64) string { return fmt.Sprint(grouped(p.words(), n)) }

// lasted is how long something took.
func (p *printer) lasted(d time.Duration) string {
	if d < time.Second {
		return p.t("time.ms", "n", d.Milliseconds())
	}
	return p.words().Span(d)
}

// size writes a number of bytes.
func (p *printer) size(n int64) string {
	for _, u := range []struct {
		key  string
		bits int
	}{{"size.gib", 30}, {"size.mib", 20}, {"size.kib", 10}} {
		if n >= 1<<u.bits {
			return p.t(u.key, "n", fmt.Sprintf("%.1f", float64(n)/float64(int64(1)<<u.bits)))
		}
	}
	return p.t("size.bytes", "n", n)
}

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

// note prints a text of the catalog as a line that helps but is not the answer.
func (p *printer) note(indent, key string, args ...any) {
	if !p.quiet {
		p.say(indent, key, args...)
	}
}

// spoken prints what somebody said, or, in brackets, why it is not shown.
func (p *printer) spoken(indent, mark, text, absent string) {
	switch {
	case absent != "":
		p.f("%s%s", indent, inBrackets(p, absent))
	case text != "":
		p.block(indent+mark, text)
	}
}

// inBrackets is why words are not shown, as a table has it.
func inBrackets(p *printer, absent string) string {
	if absent == "" {
		return ""
	}
	return "[" + p.code("absent", absent) + "]"
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

// A number that chooses a plural form and shows its thousands as one language does.
type (
	commas int64
	points int64
	spaces int64
)

func (n commas) String() string { return number(int64(n)) }

func (n points) String() string { return strings.ReplaceAll(number(int64(n)), ",", ".") }

func (n spaces) String() string { return strings.ReplaceAll(number(int64(n)), ",", "\u00a0") }

func grouped(c *lang.Catalog, n int64) any {
	switch c.Tag() {
	case "fr", "ru":
		return spaces(n)
	case "vi":
		return points(n)
	}
	return commas(n)
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
