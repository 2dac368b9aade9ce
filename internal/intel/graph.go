package intel

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"entente/stix"
)

// The bounds of one neighbourhood.
const (
	maxGraphDepth   = 8
	maxGraphObjects = 10_000
	maxGraphRows    = 100_000 // references looked at
	maxGraphEdges   = 500_000 // references kept, of all its objects
	maxGraphTime    = 10 * time.Second
	maxGraphPage    = 2000
	maxGraphText    = 32 << 20 // bytes of the objects that are kept from when they are found until they are listed
)

// GraphQuery asks for the neighbourhood of an object.
type GraphQuery struct {
	ID string // of the object in the middle
	// Depth is how many steps away its neighbours may be; default 1, at most 8. A
	// relationship or sighting and what it connects are one step together.
	Depth int
	// Limit is the size of a page; default 50, at most 2,000: each page looks at all anew.
	Limit int
	// Next is what the page before gave. All pages show what was known at the time of the
	// first, and of that what is still there.
	Next string
}

// Edge is one reference of an object.
type Edge struct {
	From     string `json:"from"`
	Property string `json:"property"` // as in "target_ref"
	To       string `json:"to"`
}

// Neighbour is one object of a neighbourhood, in its newest accepted version.
type Neighbour struct {
	ID    string
	Depth int // how many steps away; 0: the object in the middle
	// Object is nil if it is referred to, but not known here.
	Object *Found
	// Edges are the references between it and the objects that come before it, and itself.
	Edges []Edge
}

// Neighbourhood is one page of it, by depth and then by id.
type Neighbourhood struct {
	Objects []Neighbour
	// Cut says why it is not whole: "objects", "references" or "time" is the bound that was
	// reached; empty: it is whole.
	Cut  string
	Next string // empty: there is no more
}

// Neighbours finds what an object is connected with: by relationships and sightings, and
// by any reference in either direction, but not by markings. Objects made by one identity
// are its neighbours only when it is in the middle. It reads what is accepted.
func (in *Intel) Neighbours(ctx context.Context, q GraphQuery) (n Neighbourhood, err error) {
	err = in.view(func(v reading) (err error) {
		rows := inOrder(v.Rows)
		defer rows.close()
		n, err = reading{rows}.neighbours(ctx, q)
		return err
	})
	return n, err
}

func (v reading) neighbours(ctx context.Context, q GraphQuery) (Neighbourhood, error) {
	if q.Depth == 0 {
		q.Depth = 1
	}
	switch {
	case !isID(q.ID) || len(q.ID) > maxRefBytes:
		return Neighbourhood{}, fmt.Errorf("%w: %q is no STIX id", ErrQuery, q.ID)
	case q.Depth < 0 || q.Depth > maxGraphDepth:
		return Neighbourhood{}, fmt.Errorf("%w: the depth is 1 to %d", ErrQuery, maxGraphDepth)
	}
	g := &graph{ctx: ctx, reader: newReader(v), middle: q.ID, places: map[string]*place{}, rows: maxGraphRows, edges: maxGraphEdges, text: maxGraphText, until: time.Now().Add(maxGraphTime)}
	var last graphNext
	var err error
	if q.Next != "" {
		if last, err = parseGraphNext(q.Next); err != nil {
			return Neighbourhood{}, err
		}
		g.horizon = last.horizon
	} else if g.horizon, err = v.horizon(); err != nil {
		return Neighbourhood{}, err
	}
	if err := g.grow(q.Depth); err != nil {
		return Neighbourhood{}, err
	}
	all := g.sorted()
	from := 0
	if q.Next != "" {
		from, _ = slices.BinarySearchFunc(all, last, func(p *place, n graphNext) int {
			return cmp.Or(cmp.Compare(p.depth, n.depth), cmp.Compare(p.id, n.id))
		})
	}
	most := min(cmp.Or(max(q.Limit, 0), 50), maxGraphPage)
	out := Neighbourhood{Cut: g.cut}
	for i := from; i < len(all); i++ {
		if len(out.Objects) == most {
			out.Next = graphNext{g.horizon, all[i].depth, all[i].id}.String()
			break
		}
		n := Neighbour{ID: all[i].id, Depth: all[i].depth, Edges: all[i].shown}
		if n.Object = all[i].found; n.Object == nil && all[i].seq > 0 {
			f, ok, err := g.examine(all[i].seq, Query{}, criteria{})
			if err != nil {
				return Neighbourhood{}, err
			}
			if ok {
				n.Object = &f
			}
		}
		out.Objects = append(out.Objects, n)
	}
	if len(all) == 1 && all[0].seq == 0 {
		return Neighbourhood{}, nil // nothing here has to do with this id
	}
	return out, nil
}

// horizon is the first slot that is not yet given: what comes later is not looked at.
func (v reading) horizon() (int64, error) {
	value, ok, err := v.Get(cursorKey)
	if err != nil || !ok {
		return 0, err
	}
	if len(value) < 17 {
		return 0, errBadRow
	}
	return int64(binary.BigEndian.Uint64(value[9:])), nil
}

// graphNext is where a page begins.
type graphNext struct {
	horizon int64
	depth   int
	id      string
}

func (n graphNext) String() string {
	return hex.EncodeToString(append(append(value8(n.horizon), byte(n.depth)), n.id...))
}

func parseGraphNext(s string) (n graphNext, err error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) < 10 || len(b) > 9+maxRefBytes || b[0] > 0x7f {
		return n, fmt.Errorf("%w: next is not one of ours", ErrQuery)
	}
	return graphNext{int64(binary.BigEndian.Uint64(b)), int(b[8]), string(b[9:])}, nil
}

// place is an object in the graph.
type place struct {
	id    string
	depth int
	version
	shown []Edge
}

// connects tells whether an object stands between others.
func connects(id string) bool {
	t := stix.IDType(id)
	return t == "relationship" || t == "sighting"
}

// link tells whether a reference of a connecting object is to what it connects.
func link(property string) bool {
	switch property {
	case "source_ref", "target_ref", "sighting_of_ref", "where_sighted_refs", "observed_data_refs":
		return true
	}
	return false
}

// graph is a neighbourhood that grows.
type graph struct {
	ctx context.Context
	*reader
	middle  string
	horizon int64
	places  map[string]*place
	rows    int // references that may still be looked at
	edges   int // that may still be kept
	text    int // bytes of objects that may still be kept
	until   time.Time
	cut     string
}

// version is the newest of an object, and what it refers to.
type version struct {
	seq   int64 // 0: it is not known here
	edges []edge
	found *Found // nil: it was not kept, and is read again where it is listed
}

// reach puts an object at a depth, if it has no place yet. Its newest version is looked for unless it is at
// hand. It gives nil if there is no room.
func (g *graph) reach(id string, depth int, at *version) (p *place, isNew bool, err error) {
	if p = g.places[id]; p != nil {
		return p, false, nil
	}
	if len(g.places) >= maxGraphObjects {
		g.cut = "objects"
		return nil, false, nil
	}
	if at == nil {
		if at, err = g.newest(id); err != nil {
			return nil, false, err
		}
	}
	p = &place{id: id, depth: depth, version: *at}
	if g.edges -= len(p.edges); g.edges < 0 {
		g.cut, p.edges = "references", nil
	}
	g.places[id] = p
	return p, true, nil
}

// grow finds all objects up to a depth, nearest first, so that each has its least depth.
func (g *graph) grow(depth int) error {
	p, _, err := g.reach(g.middle, 0, nil)
	if err != nil {
		return err
	}
	level := []*place{p}
	for d := 0; d < depth && len(level) > 0 && g.cut == ""; d++ {
		var next []*place
		for _, p := range level {
			if err := g.step(p, func(id string, at *version) error {
				n, isNew, err := g.reach(id, d+1, at)
				if isNew {
					next = append(next, n)
				}
				return err
			}); err != nil {
				return err
			}
		}
		// What connects brings along what it connects.
		for i := 0; i < len(next) && g.cut == ""; i++ {
			if !connects(next[i].id) {
				continue
			}
			for _, e := range next[i].edges {
				if !link(e.property) {
					continue
				}
				n, isNew, err := g.reach(e.to, d+1, nil)
				if err != nil {
					return err
				}
				if isNew {
					next = append(next, n)
				}
			}
		}
		level = next
	}
	return nil
}

// step calls f with the neighbours of an object, until a bound is reached, and with the version that they were
// found by, if they were.
func (g *graph) step(p *place, f func(id string, at *version) error) error {
	for _, e := range p.edges {
		if !g.may() {
			return g.ctx.Err()
		}
		if err := f(e.to, nil); err != nil {
			return err
		}
	}
	classes := []byte{edgeLink}
	if p.id == g.middle {
		classes = append(classes, edgeCreator)
	}
	for _, class := range classes {
		prefix := edgePrefix(p.id, class)
		for row, err := range g.objects.Scan(prefix, withSeq(prefix, g.horizon), false) {
			if err != nil {
				return err
			}
			seqs, err := seqsOf(row)
			if err != nil {
				return err
			}
			for _, seq := range seqs {
				if !g.may() {
					return g.ctx.Err()
				}
				if seq >= g.horizon {
					break
				}
				if err := g.back(p, seq, f); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// back follows one reference to an object backwards, if the newest version of what made
// it still does.
func (g *graph) back(p *place, seq int64, f func(id string, at *version) error) error {
	value, ok, err := g.objects.Get(key8(keyDoc, seq))
	if err != nil || !ok {
		return err
	}
	g.doc.seq, g.doc.row = seq, value // mostly it is the newest version that refers to the object, which is read next
	m, _, err := parseDoc(value)
	if err != nil {
		return err
	}
	if g.places[m.id] != nil {
		return nil
	}
	at, err := g.newest(m.id)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(at.edges, func(e edge) bool {
		return e.to == p.id && (e.property != propCreator || p.id == g.middle)
	}) {
		return f(m.id, at)
	}
	return nil
}

// may counts what is looked at, and tells whether to go on.
func (g *graph) may() bool {
	g.rows--
	switch {
	case g.cut != "":
	case g.rows < 0:
		g.cut = "references"
	case time.Now().After(g.until):
		g.cut = "time"
	}
	return g.cut == "" && g.ctx.Err() == nil
}

// newest reads the newest accepted version of an object that was there at the horizon.
func (g *graph) newest(id string) (*version, error) {
	prefix := idPrefix(id)
	for row, err := range g.objects.Scan(prefix, after(prefix), true) {
		if err != nil {
			return nil, err
		}
		vs, err := parseVariants(row.Value)
		if err != nil {
			return nil, err
		}
		for _, v := range vs {
			if v.seq >= g.horizon {
				continue
			}
			f, ok, err := g.examine(v.seq, Query{}, criteria{})
			if err != nil {
				return nil, err
			}
			if !ok {
				continue
			}
			o, err := stix.Parse(f.Raw)
			if err != nil {
				return nil, errors.Join(errBadRow, err)
			}
			at := &version{seq: v.seq, edges: edgesOf(o)}
			if g.text -= len(f.Raw); g.text >= 0 {
				at.found = &f
			}
			return at, nil
		}
	}
	return &version{}, nil
}

// sorted lists the objects by depth and id, each with its references to those before it
// and theirs to it.
func (g *graph) sorted() []*place {
	all := make([]*place, 0, len(g.places))
	for _, p := range g.places {
		all = append(all, p)
	}
	order := func(a, b *place) int { return cmp.Or(cmp.Compare(a.depth, b.depth), cmp.Compare(a.id, b.id)) }
	slices.SortFunc(all, order)
	for _, p := range all {
		for _, e := range p.edges {
			to := g.places[e.to]
			if to == nil {
				continue
			}
			later := p
			if order(to, p) > 0 {
				later = to
			}
			later.shown = append(later.shown, Edge{p.id, e.property, e.to})
		}
	}
	return all
}
