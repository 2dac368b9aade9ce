package web

import (
	"html/template"
	"iter"
	"net/url"
	"strconv"
)

// pieceOf is how many bytes of a picture are written at once, about.
const pieceOf = 16 << 10

// Picture writes the objects, each a link to the picture with it in the middle, a piece at a time. The template would take ten
// times as long for thousands of them; what it would escape is escaped here.
func (d *drawing) Picture() iter.Seq[template.HTML] {
	return func(yield func(template.HTML) bool) {
		out := make([]byte, 0, pieceOf+4<<10)
		for i, n := range d.Nodes {
			if out = n.write(out, d.Depth); len(out) < pieceOf && i < len(d.Nodes)-1 {
				continue
			}
			if !yield(template.HTML(out)) { //nolint:gosec // every text in it was escaped
				return
			}
			out = out[:0]
		}
	}
}

// write appends an object to a picture.
func (n *drawn) write(out []byte, depth int) []byte {
	number := func(before string, n int) { out = strconv.AppendInt(append(out, before...), int64(n), 10) }
	text := func(s, behind string) { out = append(append(out, template.HTMLEscapeString(s)...), behind...) }
	number(`<a href="/graph?depth=`, depth)
	out = append(append(append(out, "&amp;id="...), url.QueryEscape(n.ID)...), `"><title>`...)
	text(n.Name, " (")
	text(n.Type, ")")
	number(`</title><circle cx="`, n.X)
	number(`" cy="`, n.Y)
	number(`" r="`, n.R)
	out = append(append(append(out, `" class="`...), n.class()...), `"/></a>`...)
	if n.Text != "" {
		number(`<text aria-hidden="true" x="`, n.X)
		number(`" y="`, n.Y)
		out = append(out, `" dy="26">`...)
		text(n.Text, "</text>")
	}
	return out
}

// class is how it is drawn.
func (n *drawn) class() string {
	if !n.Known {
		return "unknown"
	}
	return "kind-" + kindOf(n.Type)
}
