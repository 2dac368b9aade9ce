package logs

import (
	"bytes"
	"slices"
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
	var lines [][]byte
	for len(sample) > 0 && len(lines) < maxLooks {
		line, rest, whole := bytes.Cut(sample, []byte("\n"))
		if sample = rest; !whole && len(lines) > 0 {
			break // it is cut, and others are whole
		}
		if line = bytes.TrimRight(line, "\r"); !blank(line) {
			lines = append(lines, line)
		}
	}
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
		for i, line := range lines {
			g := &glances[i]
			g.header, g.comma, g.cells = carry.header, carry.comma, carry.cells
			if m := kind.mark(line, g); m != "" {
				if e.Agree++; !slices.Contains(e.Marks, m) && len(e.Marks) < 8 {
					e.Marks = append(e.Marks, m)
				}
			}
			carry.header, carry.comma, carry.cells = g.header, g.comma, g.cells
		}
		// Half of the lines and more: it is that. Fewer: a better one may come.
		if 2*e.Agree >= e.Lines && 2*best.Agree < e.Lines || e.Agree > best.Agree && 2*best.Agree < e.Lines {
			best, found = e, k
		}
	}
	if found < 0 {
		return nil, Evidence{Lines: len(lines)}, false
	}
	f, err := New(all[found].name, o)
	return f, best, err == nil
}
