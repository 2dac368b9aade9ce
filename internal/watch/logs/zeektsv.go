package logs

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"entente/internal/watch/record"
)

// zeekTSV are Zeek's logs as it writes them unless told otherwise: a header of lines that begin with "#", and columns.
var zeekTSV = kindOf{
	name: "zeek-tsv",
	make: func(o Options) Format {
		return &zeekColumns{reader: reader{o: o}, tab: "\t", set: ",", empty: "(empty)", unset: "-"}
	},
	mark: func(line []byte, g *glance) string {
		for _, m := range []string{"#separator ", "#fields\t", "#set_separator", "#empty_field", "#unset_field", "#types\t"} {
			if bytes.HasPrefix(line, []byte(m)) {
				g.header = true
				return strings.TrimSpace(m)
			}
		}
		for _, m := range []string{"#path\t", "#open\t", "#close\t"} {
			if bytes.HasPrefix(line, []byte(m)) {
				return strings.TrimSpace(m)
			}
		}
		if g.header && bytes.IndexByte(line, '\t') > 0 {
			return "#fields"
		}
		return ""
	},
}

type zeekColumns struct {
	reader
	header                 strings.Builder
	tab, set, empty, unset string
	path, format           string
	fields                 []zeekColumn
	cells                  []string
}

type zeekColumn struct {
	name  string
	place place
	many  bool
}

func (f *zeekColumns) Name() string { return "zeek-tsv" }

// Rest implements [Rester].
func (f *zeekColumns) Rest() {
	f.reader.Rest()
	clear(f.cells[:cap(f.cells)])
}

// Header implements [Format].
func (f *zeekColumns) Header() string { return f.header.String() }

// Decode implements [Format].
func (f *zeekColumns) Decode(line []byte, r *record.Record) error {
	f.begin("zeek-tsv", line, r)
	if blank(line) {
		return ErrNothing
	}
	if line[0] == '#' {
		return f.directive(string(line))
	}
	if f.fields == nil {
		return fmt.Errorf("%w: there was no #fields line before it", ErrLine)
	}
	if f.format != "" {
		r.Format = f.format
	}
	f.cells = f.cells[:0]
	rest, found := text8(line), true
	for found && len(f.cells) <= len(f.fields) {
		var cell string
		cell, rest, found = strings.Cut(rest, f.tab)
		f.cells = append(f.cells, cell)
	}
	for i, cell := range f.cells[:min(len(f.cells), len(f.fields))] {
		c := &f.fields[i]
		if c.place.as == 0 || cell == f.unset || cell == f.empty {
			continue
		}
		if !c.many {
			f.put(c.place, c.name, f.unescape(cell))
			continue
		}
		n := 0
		for part := range strings.SplitSeq(cell, f.set) {
			if n++; n > MaxValues {
				break
			}
			if part != f.unset {
				f.put(c.place, f.scratch.join(c.name, ".", strconv.Itoa(n-1)), f.unescape(part))
			}
		}
	}
	zeekFinish(&f.reader, f.path, f.get)
	r.Time = moment(f.get("ts"))
	if len(f.cells) != len(f.fields) {
		return fmt.Errorf("%w: %d columns where #fields names %d", ErrLine, len(f.cells), len(f.fields))
	}
	return nil
}

// get gives a cell by its column's name; the first of several values.
func (f *zeekColumns) get(name string) string {
	for i := range f.fields {
		if f.fields[i].name == name && i < len(f.cells) {
			cell := f.cells[i]
			if cell == f.unset || cell == f.empty {
				return ""
			}
			if f.fields[i].many {
				cell, _, _ = strings.Cut(cell, f.set)
			}
			return f.unescape(cell)
		}
	}
	return ""
}

// directive reads a line of the header. A new header may come at any time: logs are put behind each other.
func (f *zeekColumns) directive(line string) error {
	line = strings.TrimRight(line, "\r")
	key, rest, ok := strings.Cut(line, f.tab)
	if !ok {
		key, rest, _ = strings.Cut(line, " ")
	}
	switch key {
	case "#separator":
		f.header.Reset()
		f.fields, f.path, f.format = nil, "", ""
		if f.tab = hexText(rest); f.tab == "" {
			f.tab = "\t"
		}
	case "#set_separator":
		if f.set = rest; rest == "" {
			f.set = ","
		}
	case "#empty_field":
		f.empty = rest
	case "#unset_field":
		f.unset = rest
	case "#path":
		f.path = rest
		if len(rest) < 64 {
			f.format = zeekName(rest, "tsv")
		}
	case "#fields":
		names := strings.Split(rest, f.tab)
		if len(names) > MaxColumns {
			return fmt.Errorf("%w: %d columns; at most %d are read", ErrLine, len(names), MaxColumns)
		}
		f.fields = make([]zeekColumn, len(names))
		if f.path == "" {
			has := func(n string) bool {
				for _, name := range names {
					if name == n {
						return true
					}
				}
				return false
			}
			f.path = zeekLog(has)
		}
		for i, n := range names {
			p, _ := zeekPlace(f.path, n)
			f.fields[i] = zeekColumn{name: n, place: p}
		}
	case "#types":
		for i, t := range strings.Split(rest, f.tab) {
			if i < len(f.fields) {
				f.fields[i].many = strings.HasPrefix(t, "vector[") || strings.HasPrefix(t, "set[")
			}
		}
	default: // #open, #close, and comments
		return ErrNothing
	}
	if f.header.Len()+len(line) < MaxHeader {
		f.header.WriteString(line + "\n")
	}
	return ErrNothing
}

// unescape undoes \xHH, with which Zeek writes separators and bytes that are not text.
func (f *zeekColumns) unescape(s string) string {
	i := strings.IndexByte(s, '\\')
	if i < 0 {
		return s
	}
	out := append(f.scratch.open(len(s)), s[:i]...)
	for i < len(s) {
		if s[i] == '\\' && i+3 < len(s) && s[i+1] == 'x' {
			if n, err := strconv.ParseUint(s[i+2:i+4], 16, 8); err == nil {
				out = append(out, byte(n))
				i += 4
				continue
			}
		}
		if s[i] == '\\' && i+1 < len(s) && s[i+1] == '\\' {
			i++
		}
		out = append(out, s[i])
		i++
	}
	return f.scratch.close(out)
}

// hexText reads "\x09".
func hexText(s string) string {
	var out []byte
	for strings.HasPrefix(s, `\x`) && len(s) >= 4 && len(out) < 8 {
		n, err := strconv.ParseUint(s[2:4], 16, 8)
		if err != nil {
			return ""
		}
		out, s = append(out, byte(n)), s[4:]
	}
	return string(out)
}
