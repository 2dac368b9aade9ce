package pass

import (
	"bytes"
	"time"

	"entente/internal/watch/logs"
)

// open is the record at the beginning of what was not read, as far as it was followed: a record of several lines whose end is not there yet.
type open struct {
	row   logs.Row
	first int // bytes of its first line
	size  int // and of all
	lines int
	since time.Time // when its end was first waited for
}

// next gives how many bytes and lines the record at the beginning of whole lines has: one line but for tables. Both are 0 if it does not end there and is waited for.
//
// A record of several lines that is none, or is too large, is its first line alone. What comes behind that line is looked at anew, so where a record begins is known
// from what stands from there on: whoever goes on at a record finds the same ones.
func (s *Stream) next(p []byte) (size, lines int) {
	o := &s.open
	rows, ok := s.format.(logs.Rows)
	if o.size == 0 {
		o.first = bytes.IndexByte(p, '\n') + 1
		if !ok || o.first > MaxRecord || bytes.Count(p[:o.first], []byte{'"'})%2 == 0 { // none is left open
			return o.first, 1
		}
	}
	for o.size < len(p) {
		i := bytes.IndexByte(p[o.size:], '\n') + 1
		if o.size+i > MaxRecord || o.lines == maxRecordLines {
			return s.stray()
		}
		line := bytes.TrimRight(p[o.size:o.size+i-1], "\r")
		o.size += i
		o.lines++
		switch rows.Follow(&o.row, line) {
		case logs.Ends:
			size, lines = o.size, o.lines
			*o = open{}
			return size, lines
		case logs.Loose:
			if o.lines > 1 {
				return s.stray()
			}
			size = o.first
			*o = open{}
			return size, 1
		}
	}
	if s.over {
		return s.stray()
	}
	if o.since.IsZero() {
		o.since = s.now
	}
	return 0, 0
}

// stray gives up the record that was followed: its first line stands for itself.
func (s *Stream) stray() (size, lines int) {
	s.p.Counts.Stray++
	size = s.open.first
	s.open = open{}
	return size, 1
}

// opens tells whether a record of several lines may begin with a line.
func (s *Stream) opens(line []byte) bool {
	rows, ok := s.format.(logs.Rows)
	return ok && len(line) < MaxRecord && rows.Follow(&logs.Row{}, line) == logs.Goes
}

// waits tells whether the end of the record that is held is waited for still.
func (s *Stream) waits() bool {
	if s.open.since.IsZero() {
		s.open.since = s.now
	}
	return s.now.Sub(s.open.since) < MaxRecordWait
}

// unfinished tells whether what the format is to be told by ends in the midst of a record if it is a table, and is not told for one without that record.
func (s *Stream) unfinished() bool {
	if f, _, ok := logs.Detect(s.carry, s.p.o.Logs); ok {
		if _, table := f.(logs.Rows); table {
			return false
		}
	}
	f, err := logs.New("csv", s.p.o.Logs)
	rows, ok := f.(logs.Rows)
	if err != nil || !ok {
		return false
	}
	next, row := logs.Ends, logs.Row{}
	for line := range bytes.Lines(s.carry) {
		if line[len(line)-1] != '\n' {
			break
		}
		line = bytes.TrimRight(line, "\r\n")
		if next != logs.Goes {
			row = logs.Row{}
		}
		if next = rows.Follow(&row, line); next == logs.Loose { // only this line can begin another one
			row = logs.Row{}
			next = rows.Follow(&row, line)
		}
	}
	return next == logs.Goes
}

// replay reads the header of a stream again that is gone on in.
func (s *Stream) replay(header []byte) {
	if len(header) > 0 && header[len(header)-1] != '\n' {
		header = append(header, '\n')
	}
	stray := s.p.Counts.Stray
	s.over = true
	for len(header) > 0 {
		size, _ := s.next(header)
		_ = s.format.Decode(bytes.TrimRight(header[:size], "\r\n"), &s.rec) // a header is no event
		header = header[size:]
	}
	s.over, s.p.Counts.Stray = false, stray
}
