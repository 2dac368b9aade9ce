package logs

import (
	"bytes"
	"errors"
	"slices"

	"entente/internal/watch/record"
)

// Evidence is what a format was told by.
type Evidence struct {
	// Lines is how many lines were looked at, Agree how many of them are of the format.
	Lines, Agree int
	// Marks are what in them is of this format: names of fields, words, punctuation. At most eight.
	Marks []string
}

// glance is what the sniffers know of the sample besides the line: a JSON line is taken apart once for all of them.
type glance struct {
	walker walker
	object bool // the line is a JSON object, or the beginning of one
	header bool // a header of Zeek came before
	comma  byte // what parts the columns of a table whose header came before
	cells  int
}

func (g *glance) json() bool { return g.object }

func (g *glance) has(place string) bool {
	for i := range g.walker.leaves {
		if g.walker.leaves[i].place == place {
			return true
		}
	}
	return false
}

func (g *glance) look(line []byte) {
	_ = g.walker.walk(line) // a line that is cut shows its beginning
	g.object = len(g.walker.leaves) > 0 && line[0] == '{'
	if !g.object {
		g.walker.leaves = g.walker.leaves[:0]
	}
}

// Detect tells the format of a sample, which is the beginning of a stream or any other part of it that begins with a line, and
// what it was told by. It is not ok if no line is of any format. A format of which most lines are comes before
// one of which some are; among those the more particular one. At most [MaxSample] bytes are looked at.
func Detect(sample []byte, o Options) (Format, Evidence, bool) {
	sample = sample[:min(len(sample), MaxSample)]
	lines, starts := sampled(sample)
	if len(lines) == 0 {
		return nil, Evidence{}, false
	}
	all := kinds()
	glances := make([]glance, len(lines))
	for i, line := range lines {
		glances[i].look(line)
	}
	best, found := Evidence{}, -1
	for k, kind := range all {
		e := Evidence{Lines: len(lines)}
		carry := glance{}
		mark := func(i, n int, text []byte) bool {
			g := &glances[i]
			g.header, g.comma, g.cells = carry.header, carry.comma, carry.cells
			m := kind.mark(text, g)
			if m == "" {
				return false
			}
			carry.header, carry.comma, carry.cells = g.header, g.comma, g.cells
			if e.Agree += n; !slices.Contains(e.Marks, m) && len(e.Marks) < 8 {
				e.Marks = append(e.Marks, m)
			}
			return true
		}
		rows := rowsOf{}
		if kind.rows && len(lines) > 1 {
			rows.format, _ = kind.make(o).(Rows)
		}
		for i := 0; i < len(lines); {
			n, open := rows.next(lines[i:])
			if open && rows.headed { // what there is of it tells neither
				e.Lines = i
				break
			}
			last := i + n - 1
			text := sample[starts[i] : starts[last]+len(lines[last])]
			if n > 1 && !mark(i, n, text) {
				n, text = 1, lines[i]
			}
			if n > 1 || mark(i, 1, text) {
				rows.begin(text)
			}
			i += n
		}
		// Half of the lines and more: it is that. Fewer: a better one may come.
		if half := 2*best.Agree >= best.Lines && best.Agree > 0; !half && (2*e.Agree >= e.Lines || e.Agree > best.Agree) {
			best, found = e, k
		}
	}
	if found < 0 {
		return nil, Evidence{Lines: len(lines)}, false
	}
	f, err := New(all[found].name, o)
	return f, best, err == nil
}

// sampled gives the lines of a sample that are not blank, without their ends, and where they begin.
func sampled(sample []byte) (lines [][]byte, starts []int) {
	for at := 0; at < len(sample) && len(lines) < maxLooks; {
		line, _, whole := bytes.Cut(sample[at:], []byte("\n"))
		if !whole && len(lines) > 0 {
			break // it is cut, and others are whole
		}
		if text := bytes.TrimRight(line, "\r"); !blank(text) {
			lines, starts = append(lines, text), append(starts, at)
		}
		at += len(line) + 1
	}
	return lines, starts
}

// rowsOf finds the records of several lines in a sample.
type rowsOf struct {
	format Rows // nil: a record has one line
	began  bool
	headed bool // the first record names the columns
}

// next tells how many lines the first record has. open tells that it does not end in them; it counts as one line then.
func (r *rowsOf) next(lines [][]byte) (n int, open bool) {
	if r.format == nil || lines[0][0] == '{' {
		return 1, false
	}
	var row Row
	for i, line := range lines {
		switch r.format.Follow(&row, line) {
		case Ends:
			return i + 1, false
		case Loose:
			return 1, false
		}
	}
	return 1, true
}

// begin takes the first record of a table.
func (r *rowsOf) begin(text []byte) {
	if r.format != nil && !r.began {
		var rec record.Record
		r.began, r.headed = true, errors.Is(r.format.Decode(text, &rec), ErrNothing)
	}
}
