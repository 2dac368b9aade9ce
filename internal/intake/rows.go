package intake

import (
	"io"
	"iter"
)

// Row is a line of a list, or a row of a table, that was found and not looked at yet.
type Row struct {
	line int
	text string
	err  error // why there is none
}

// Len is how long its text is, in bytes.
func (r Row) Len() int { return len(r.text) }

// Rows is a list or a table that is read in two steps: rows are found one after the other, and can be looked at side by side.
type Rows struct {
	find iter.Seq[Row]
	look func(rows []Row, yield func(Item, error) bool)
}

// Find streams the rows. It can be called once.
func (r Rows) Find() iter.Seq[Row] { return r.find }

// Look calls yield with what [ReadList] or [ReadTable] gives of some rows, in their order, until it returns false. It is safe for use by many at once.
func (r Rows) Look(rows []Row, yield func(Item, error) bool) { r.look(rows, yield) }

// all gives what all rows hold.
func (r Rows) all() iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		more, one := true, make([]Row, 1)
		each := func(item Item, err error) bool {
			more = yield(item, err)
			return more
		}
		for one[0] = range r.find {
			if r.look(one, each); !more {
				return
			}
		}
	}
}

// ListRows is [ReadList] in two steps.
func ListRows(r io.Reader) Rows {
	return Rows{find: func(yield func(Row) bool) {
		lines := newLines(r)
		for {
			text, err := lines.next()
			if !found(Row{lines.n, text, err}, yield) {
				return
			}
		}
	}, look: lookAtLines}
}

// TableRows is [ReadTable] in two steps.
func TableRows(r io.Reader, l Layout) Rows {
	return Rows{find: func(yield func(Row) bool) { l.findRows(newLines(r), yield) }, look: l.lookAtRows}
}
