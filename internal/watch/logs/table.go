package logs

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"entente/internal/watch/record"
)

// table is a table of columns parted by a comma, semicolon, tab or bar. Its first line names the columns, or a field map does
// by their numbers; without either a cell is what its form says.
var table = kindOf{
	name: "csv",
	rows: true,
	make: func(o Options) Format {
		return &columns{lineFormat: lineFormat{reader{o: o}, "csv"}, places: commonPlaces}
	},
	mark: func(line []byte, g *glance) string {
		if g.json() {
			return ""
		}
		comma, n, _ := separators(line, false)
		if n < 2 || g.comma != 0 && (comma != g.comma || n != g.cells) {
			return ""
		}
		if g.comma == 0 && g.cells != 0 {
			return ""
		}
		g.comma, g.cells = comma, n
		return string(comma)
	},
}

// nfdump is the CSV of nfdump.
var nfdump = kindOf{
	name: "nfdump-csv",
	rows: true,
	make: func(o Options) Format {
		return &columns{lineFormat: lineFormat{reader{o: o}, "nfdump-csv"}, places: flowColumns}
	},
	mark: func(line []byte, g *glance) string {
		if bytes.HasPrefix(line, []byte("ts,te,td,")) || bytes.HasPrefix(line, []byte("firstSeen,duration,proto,")) {
			g.header = true
			return "ts,te,td,"
		}
		if g.header && (bytes.IndexByte(line, ',') > 0 || bytes.Equal(line, []byte("Summary"))) {
			return ","
		}
		return ""
	},
}

// columns reads a table. A record may have several lines: see [Row].
type columns struct {
	lineFormat
	places map[string]place
	header string
	comma  byte
	cols   []column
	cells  []string
	began  bool
	// summary tells that the flows are over until a header comes again.
	summary bool
}

type column struct {
	name   string
	place  place
	mapped *mapped
	time   bool
	known  bool // its name is one that is known
}

// Header implements [Format].
func (f *columns) Header() string { return f.header }

// Rest implements [Rester].
func (f *columns) Rest() {
	f.reader.Rest()
	clear(f.cells[:cap(f.cells)])
}

// commas are what may part columns.
const commas = "\t,;|"

var timeColumns = []string{"ts", "time", "timestamp", "@timestamp", "date", "datetime", "start_time", "firstseen", "first_seen", "eventtime", "_time", "utctime", "start", "stime"}

// Decode implements [Format].
func (f *columns) Decode(line []byte, r *record.Record) error {
	f.begin(f.name, line, r)
	if blank(line) || line[0] == '#' && f.began {
		return ErrNothing
	}
	if !f.began {
		f.began = true
		f.comma = commaOf(line)
		f.split(text8(line))
		if len(line) < MaxHeader { // without names, too: the first line says what parts the columns, and that there are none
			f.header = string(line) + "\n"
		}
		if f.names() {
			return ErrNothing
		}
	}
	f.split(text8(line))
	if f.cols != nil && f.repeated() { // files are put behind each other
		f.summary = false
		return ErrNothing
	}
	if f.name == "nfdump-csv" && (f.summary || string(line) == "Summary") { // what follows is about all flows
		f.summary = true
		return ErrNothing
	}
	var from, to string
	for i, cell := range f.cells {
		cell = strings.TrimSpace(cell)
		var c column
		if i < len(f.cols) {
			c = f.cols[i]
		} else {
			c = column{mapped: f.o.Fields.column(i, "")}
		}
		if c.name == "" {
			c.name = f.scratch.join("column.", itoa(i+1))
		}
		switch {
		case c.mapped != nil:
			c.mapped.put(&f.reader, c.name, cell)
		case c.time:
			if r.Time.IsZero() {
				r.Time = likelyMoment(cell)
			}
		case c.place.as != 0:
			f.put(c.place, c.name, cell)
			if c.place.as == asAddress && c.place.role == record.Source && from == "" {
				from = cell
			}
			if c.place.as == asAddress && c.place.role == record.Destination && to == "" {
				to = cell
			}
		case c.known || f.name != "csv" || f.o.Fields.Values() || f.cols != nil && len(f.cells) != len(f.cols): // in a torn row a cell may be of another column
		default:
			f.unknown(record.Other, c.name, cell)
			if f.cols == nil && r.Time.IsZero() && i < 3 {
				r.Time = likelyMoment(cell)
			}
		}
	}
	f.ends(f.from, f.to)
	f.ends(from, to)
	switch {
	case len(f.cells) < 2:
		return fmt.Errorf("%w: %w: one column", ErrLine, ErrOther)
	case f.cols != nil && len(f.cells) != len(f.cols):
		return fmt.Errorf("%w: %d columns where the header names %d", ErrLine, len(f.cells), len(f.cols))
	}
	return nil
}

// Foreign implements [Vague].
func (f *columns) Foreign() bool {
	return f.name == "csv" && (foreign(f.r.Line) || f.cols == nil && f.o.Fields.empty() && particularText(f.r.Line))
}

// foreign tells lines that are no text and no table: objects, and the header of Zeek.
func foreign(line []byte) bool {
	return len(line) > 0 && line[0] == '{' && line[len(line)-1] == '}' || bytes.HasPrefix(line, []byte("#separator ")) || bytes.HasPrefix(line, []byte("#fields\t"))
}

// names takes the cells for names of columns, if they are.
func (f *columns) names() bool {
	cols := make([]column, len(f.cells))
	known := 0
	for i, cell := range f.cells {
		name := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(cell), "#"))
		low := strings.ReplaceAll(strings.ToLower(name), " ", "_")
		c := column{name: strings.Clone(name), mapped: f.o.Fields.column(i, name)}
		if c.time = slices.Contains(timeColumns, low); c.time {
			known++
		}
		if p, ok := f.places[low]; ok {
			c.place, c.known = p, true
			known++
		}
		if f.o.Fields.find(name, name) != nil && name != "" {
			known++
		}
		cols[i] = c
	}
	if known == 0 {
		return false
	}
	f.cols = cols
	return true
}

// repeated tells that the header comes again.
func (f *columns) repeated() bool {
	if len(f.cells) != len(f.cols) {
		return false
	}
	for i, cell := range f.cells {
		if strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(cell), "#")) != f.cols[i].name {
			return false
		}
	}
	return true
}

// split parts a line into cells; in quotes a comma is text and two quotes are one (RFC 4180).
func (f *columns) split(s string) {
	f.cells = f.cells[:0]
	for len(f.cells) < MaxColumns {
		if strings.HasPrefix(s, `"`) {
			cell, rest, more := f.quotedCell(s[1:])
			f.cells = append(f.cells, cell)
			if !more {
				return
			}
			s = rest
			continue
		}
		i := strings.IndexByte(s, f.comma)
		if i < 0 || f.comma == 0 {
			f.cells = append(f.cells, s)
			return
		}
		f.cells, s = append(f.cells, s[:i]), s[i+1:]
	}
}

// quotedCell reads a cell behind its first quote.
func (f *columns) quotedCell(s string) (cell, rest string, more bool) {
	doubled := false
	for i := 0; i < len(s); i++ {
		if s[i] != '"' {
			continue
		}
		if i+1 < len(s) && s[i+1] == '"' {
			doubled = true
			i++
			continue
		}
		if cell = s[:i]; doubled {
			cell = strings.ReplaceAll(cell, `""`, `"`)
		}
		if i+1 < len(s) && s[i+1] == f.comma {
			return cell, s[i+2:], true
		}
		if j := strings.IndexByte(s[i+1:], f.comma); j >= 0 {
			return cell, s[i+1+j+1:], true
		}
		return cell, "", false
	}
	return s, "", false
}

// text is anything else: with a field map the words of a line by their numbers, without one whatever is by its form a value.
var text = kindOf{
	name: "text",
	make: func(o Options) Format { return &words{lineFormat{reader{o: o}, "text"}} },
	mark: func(line []byte, _ *glance) string {
		printable := 0
		for _, c := range line[:min(len(line), 512)] {
			if c >= ' ' || c == '\t' {
				printable++
			}
		}
		if printable*10 >= 9*min(len(line), 512) {
			return "text"
		}
		return ""
	},
}

type words struct{ lineFormat }

// Foreign implements [Vague].
func (f *words) Foreign() bool {
	return f.o.Fields.empty() && (foreign(f.r.Line) || particularText(f.r.Line))
}

// Decode implements [Format].
func (f *words) Decode(line []byte, r *record.Record) error {
	f.begin(f.name, line, r)
	if blank(line) {
		return ErrNothing
	}
	s := text8(line)
	if !f.o.Fields.empty() {
		n := 0
		for word := range strings.FieldsSeq(s) {
			if m := f.o.Fields.column(n, ""); m != nil {
				m.put(&f.reader, f.scratch.join("column.", itoa(n+1)), strings.Trim(word, `"[](),;`))
			}
			if n++; n >= MaxColumns {
				break
			}
		}
		f.ends(f.from, f.to)
	}
	if r.Time.IsZero() {
		r.Time = f.stamp(s[:min(len(s), 64)])
	}
	if !f.o.Fields.Values() {
		f.running(record.Other, "text", s)
	}
	return nil
}
