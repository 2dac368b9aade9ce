package web

import (
	"cmp"
	"math"
	"net/http"
	"slices"

	"entente/internal/node"
)

// The measures of a drawn neighbourhood, in the units of its picture.
const (
	maxDrawn  = 1000 // objects of one picture
	ringWidth = 150  // at least between one step and the next
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
	Nodes      []drawn
	Lines      []line
	Labels     bool
	References []reference
}

// drawn is one object of a picture.
type drawn struct {
	ID, Name, Type string
	Depth, X, Y, R int
	Known          bool
}

// line is a reference between two objects of a picture.
type line struct {
	X1, Y1, X2, Y2 int
	Property       string
}

// reference is a line in words.
type reference struct {
	From     drawn
	Property string
	To       drawn
}

func (h *handler) graph(r *http.Request) (string, *page, error) {
	depth := min(max(int(formInt(r, "depth")), 1), 8)
	around, err := h.node.Around(r.Context(), node.AroundRequest{ID: r.FormValue("id"), Depth: depth, Limit: maxDrawn})
	if err != nil {
		return "", nil, err
	}
	d := draw(r.FormValue("id"), around)
	d.Depth = depth
	title := d.ID
	if len(d.Nodes) > 0 {
		title = d.Nodes[0].Name
	}
	return "graph", &page{Title: title, Here: "intelligence", Data: d}, nil
}

// draw places objects: those of a step around the middle in the order of the objects that they hang on, so that
// few lines cross. The same neighbourhood gives the same picture.
func draw(id string, a *node.AroundResponse) drawing {
	d := drawing{ID: id, Cut: a.Cut, Next: a.Next, Labels: len(a.Objects) <= labelled}
	rings := map[int][]node.AroundObject{}
	deepest := 0
	for _, o := range a.Objects {
		rings[o.Depth] = append(rings[o.Depth], o)
		deepest = max(deepest, o.Depth)
	}
	angles := map[string]float64{}
	radius := make([]float64, deepest+1)
	room := nodeRoom
	if d.Labels {
		room = nameRoom
	}
	for depth := 1; depth <= deepest; depth++ {
		radius[depth] = max(radius[depth-1]+ringWidth, float64(len(rings[depth])*room)/(2*math.Pi))
	}
	half := radius[deepest] + margin
	d.Size = int(2 * half)
	at := map[string]drawn{}
	for depth := 0; depth <= deepest; depth++ {
		ring := rings[depth]
		parent := func(o node.AroundObject) float64 {
			for _, ref := range o.References {
				for _, other := range []string{ref.From, ref.To} {
					if n, ok := at[other]; ok && n.Depth == depth-1 {
						return angles[other]
					}
				}
			}
			return 2 * math.Pi
		}
		slices.SortStableFunc(ring, func(a, b node.AroundObject) int {
			return cmp.Or(cmp.Compare(parent(a), parent(b)), cmp.Compare(a.ID, b.ID))
		})
		placed := make([]drawn, 0, len(ring))
		for i, o := range ring {
			angle := 2 * math.Pi * float64(i) / float64(len(ring))
			angles[o.ID] = angle
			n := drawn{ID: o.ID, Name: o.ID, Depth: depth, R: max(14-2*depth, 6), X: int(half + radius[depth]*math.Sin(angle)), Y: int(half - radius[depth]*math.Cos(angle))}
			if o.Found != nil {
				n.Known, n.Type = true, o.Found.Type
				if name := objectName(o.Found.Object); name != "" {
					n.Name = name
				}
			}
			placed = append(placed, n)
		}
		for _, n := range placed {
			at[n.ID] = n
		}
		d.Nodes = append(d.Nodes, placed...)
	}
	seen := map[node.AroundReference]bool{}
	for _, o := range a.Objects {
		for _, ref := range o.References {
			from, known := at[ref.From]
			to, there := at[ref.To]
			if !known || !there || seen[ref] {
				continue
			}
			seen[ref] = true
			d.Lines = append(d.Lines, line{from.X, from.Y, to.X, to.Y, ref.Property})
			d.References = append(d.References, reference{from, ref.Property, to})
		}
	}
	return d
}
