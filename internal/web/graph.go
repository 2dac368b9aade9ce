package web

import (
	"cmp"
	"math"
	"net/http"
	"slices"
	"strconv"

	"entente/internal/node"
)

// The measures of a drawn neighbourhood, in the units of its picture.
const (
	maxDrawn  = 2000 // objects of one picture; as many as one page of a neighbourhood has
	maxRows   = 100  // references on a page of the list
	ringWidth = 150  // at least between one step and the next
	rowWidth  = 36   // between the rows of one step
	margin    = 80   // around it all
	nodeRoom  = 30   // along a ring, for each object
	nameRoom  = 130  // where its name is drawn too
	labelled  = 60   // with more objects names are shown where one points at, and in the list
)

// drawing is a neighbourhood as a picture: the object asked about in the middle, each step a ring around it.
type drawing struct {
	ID         string
	Depth      int
	Cut, Next  string
	Size       int // of the picture, which is square
	Nodes      []*drawn
	Lines      string // between them, as the path of SVG 2, section 9.3
	Labels     bool
	References []reference // those of the page of the list that is shown
	All        int         // references there are
	Page       int         // of the list, from 1
}

// Before and After are the pages of the list beside the one shown; 0: there is none.
func (d *drawing) Before() int { return d.Page - 1 }

func (d *drawing) After() int {
	if d.Page*maxRows >= d.All {
		return 0
	}
	return d.Page + 1
}

// drawn is one object of a picture.
type drawn struct {
	ID, Name, Type string
	Depth, X, Y, R int
	Known          bool
	Text           string // beside it; "" where its name is shown otherwise
	angle          float64
}

// reference is a line in words.
type reference struct {
	From     *drawn
	Property string
	To       *drawn
}

func (h *handler) graph(r *http.Request) (string, *page, error) {
	depth := min(max(int(formInt(r, "depth")), 1), 8)
	around, err := h.node.Around(r.Context(), node.AroundRequest{ID: r.FormValue("id"), Depth: depth, Limit: maxDrawn})
	if err != nil {
		return "", nil, err
	}
	d := draw(r.FormValue("id"), depth, around)
	d.All = len(d.References)
	d.Page = min(max(int(formInt(r, "page")), 1), max(1, (d.All+maxRows-1)/maxRows))
	d.References = d.References[(d.Page-1)*maxRows : min(d.Page*maxRows, d.All)]
	title := d.ID
	if len(d.Nodes) > 0 {
		title = d.Nodes[0].Name
	}
	return "graph", &page{Title: title, Here: "intelligence", Data: &d}, nil
}

// hanging is an object and where on the ring before its own it hangs; 2π: nowhere.
type hanging struct {
	*node.AroundObject
	from float64
}

// draw places objects: those of a step around the middle in the order of the objects that they hang on, so that
// few lines cross; where they are many, in as many rows as make the picture smallest. The same neighbourhood
// gives the same picture.
func draw(id string, depth int, a *node.AroundResponse) drawing {
	d := drawing{ID: id, Depth: depth, Cut: a.Cut, Next: a.Next, Labels: len(a.Objects) <= labelled}
	var rings [][]hanging
	references := 0
	for i := range a.Objects {
		o := &a.Objects[i]
		for len(rings) <= o.Depth {
			rings = append(rings, nil)
		}
		rings[o.Depth] = append(rings[o.Depth], hanging{o, 2 * math.Pi})
		references += len(o.References)
	}
	deepest := max(0, len(rings)-1)
	radius, rows := make([]float64, deepest+1), make([]int, deepest+1) // of the innermost row of a step, and how many it has
	outer := 0.0
	for depth := 1; depth <= deepest; depth++ {
		room, around := nodeRoom, float64(len(rings[depth]))/(2*math.Pi)
		rows[depth] = max(1, int(math.Sqrt(around*nodeRoom/rowWidth)))
		if d.Labels {
			room, rows[depth] = nameRoom, 1
		}
		radius[depth] = max(outer+ringWidth, around*float64(room)/float64(rows[depth]))
		outer = radius[depth] + float64((rows[depth]-1)*rowWidth)
	}
	half := outer + margin
	d.Size = int(2 * half)
	at := make(map[string]*drawn, len(a.Objects))
	room := make([]drawn, len(a.Objects))
	d.Nodes = make([]*drawn, 0, len(a.Objects))
	for depth, ring := range rings {
		for i, o := range ring {
		hangs:
			for _, ref := range o.References {
				for _, other := range []string{ref.From, ref.To} {
					if n := at[other]; n != nil && n.Depth == depth-1 {
						ring[i].from = n.angle
						break hangs
					}
				}
			}
		}
		slices.SortStableFunc(ring, func(a, b hanging) int {
			return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.ID, b.ID))
		})
		for i, o := range ring {
			n := &room[len(d.Nodes)]
			*n = drawn{ID: o.ID, Name: o.ID, Depth: depth, R: max(14-2*depth, 6), angle: 2 * math.Pi * float64(i) / float64(len(ring))}
			far := radius[depth]
			if depth > 0 {
				far += float64(i % rows[depth] * rowWidth)
			}
			n.X, n.Y = int(half+far*math.Sin(n.angle)), int(half-far*math.Cos(n.angle))
			if o.Found != nil {
				n.Known, n.Type = true, o.Found.Type
				n.Name = cmp.Or(objectName(o.Found.Object), n.Name)
			}
			if d.Labels || depth == 0 {
				n.Text = shorten(n.Name, 20)
			}
			d.Nodes = append(d.Nodes, n)
		}
		for _, n := range d.Nodes[len(d.Nodes)-len(ring):] { // not before: what hangs on others of its own step hangs on none
			at[n.ID] = n
		}
	}
	seen := map[node.AroundReference]bool{}
	lines := make([]byte, 0, 20*references)
	d.References = make([]reference, 0, references)
	for _, o := range a.Objects { // each reference is one of the later of the two
		clear(seen)
		for _, ref := range o.References {
			from, to := at[ref.From], at[ref.To]
			if from == nil || to == nil || seen[ref] {
				continue
			}
			if len(o.References) > 1 {
				seen[ref] = true
			}
			lines = strconv.AppendInt(append(lines, 'M'), int64(from.X), 10)
			lines = strconv.AppendInt(append(lines, ' '), int64(from.Y), 10)
			lines = strconv.AppendInt(append(lines, 'L'), int64(to.X), 10)
			lines = strconv.AppendInt(append(lines, ' '), int64(to.Y), 10)
			d.References = append(d.References, reference{from, ref.Property, to})
		}
	}
	d.Lines = string(lines)
	return d
}
