package logs

import (
	"bytes"
	"strings"
)

// Rows is a format of which a record may have several lines.
type Rows interface {
	Format
	// Follow takes the next line of a record, without its end, and says what it makes of it. The first line comes with an empty row. It leaves no trace in the format.
	Follow(row *Row, line []byte) Next
}

// Next is what comes behind a line of a record.
type Next int

// What comes behind a line.
const (
	Ends  Next = iota // the record ends with the line
	Goes              // the record goes on in the next line
	Loose             // the lines are no record: the first one stands for itself, and another record may begin behind it
)

// Row is a record of a table that is followed line by line, by the letter of RFC 4180: where a quote stands in a cell that does not begin with one, or something
// else than the end of the cell behind the quote that closes it, there is no record. What is told by this costs no more than reading each line a few times, however
// many quotes there are: a line that leaves a cell open has an odd number of them, and the next such line ends the record or shows that there is none, so that
// no line between the two opens another one.
type Row struct {
	comma  byte // 0 while it is not known: all so far is in quotes
	quoted bool // the last line ended in quotes
	lines  int
	cells  int
}

// take takes the next line.
func (r *Row) take(line []byte) Next {
	r.lines++
	if bytes.IndexByte(line, 0) >= 0 { // no text
		return Loose
	}
	if r.comma == 0 {
		r.comma, _, _ = separators(line, r.quoted)
	}
	for i := 0; ; {
		if !r.quoted { // a cell begins
			r.cells++
			if i == len(line) || line[i] != '"' {
				end := bytes.IndexByte(line[i:], r.comma) // there is no 0 in it
				cell := line[i:]
				if end >= 0 {
					cell = cell[:end]
				}
				if bytes.IndexByte(cell, '"') >= 0 {
					return Loose
				}
				if end < 0 {
					return Ends
				}
				i += end + 1
				continue
			}
			r.quoted = true
			i++
		}
		j := bytes.IndexByte(line[i:], '"')
		if j < 0 {
			return Goes
		}
		i += j + 1
		if i < len(line) && line[i] == '"' { // two are one
			i++
			continue
		}
		r.quoted = false
		if i == len(line) {
			return Ends
		}
		if line[i] != r.comma {
			return Loose
		}
		i++
	}
}

// Follow implements [Rows].
func (f *columns) Follow(row *Row, line []byte) Next {
	if row.lines == 0 && f.began {
		if len(line) > 0 && line[0] == '#' {
			return Ends
		}
		row.comma = f.comma
	}
	next := row.take(line)
	if next == Ends && row.lines > 1 && !f.fits(row.cells) {
		return Loose
	}
	return next
}

// fits tells whether a row has as many cells as one that is read.
func (f *columns) fits(cells int) bool {
	if f.cols != nil {
		return min(cells, MaxColumns) == len(f.cols)
	}
	return cells > 1
}

// separators tells what parts the columns of a line, how many there are, and whether it ends in quotes. quoted tells that it begins in them.
func separators(line []byte, quoted bool) (comma byte, cells int, open bool) {
	counts := [len(commas)]int{}
	for _, c := range line {
		if c == '"' {
			quoted = !quoted
		} else if i := strings.IndexByte(commas, c); i >= 0 && !quoted {
			counts[i]++
		}
	}
	for i, k := range counts {
		if k > cells {
			comma, cells = commas[i], k
		}
	}
	return comma, cells + 1, quoted
}

// commaOf tells what parts the columns of a record, by the first of its lines that is not all in quotes.
func commaOf(record []byte) byte {
	quoted := false
	for line := range bytes.Lines(record) {
		comma, _, open := separators(line, quoted)
		if comma != 0 {
			return comma
		}
		quoted = open
	}
	return 0
}
