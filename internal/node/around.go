package node

import (
	"context"

	"entente/internal/intel"
)

// AroundRequest asks for the neighbourhood of an object: what it is connected with by
// relationships, sightings and any other reference, in either direction.
type AroundRequest struct {
	ID    string `json:"id"`
	Depth int    `json:"depth,omitempty"` // steps; default 1, at most 8
	Limit int    `json:"limit,omitempty"` // default 50, at most 2,000
	Next  string `json:"next,omitempty"`
}

// AroundResponse is a page of a neighbourhood, nearest first, then by id.
type AroundResponse struct {
	Objects []AroundObject `json:"objects"`
	Cut     string         `json:"cut,omitempty"` // why it is not whole: objects, references, time
	Next    string         `json:"next,omitempty"`
}

// AroundObject is an object of a neighbourhood in its newest accepted version.
type AroundObject struct {
	ID         string            `json:"id"`
	Depth      int               `json:"depth"` // how many steps away; 0: the one asked about
	References []AroundReference `json:"references"`
	Found      *FoundObject      `json:"found,omitempty"` // not there: it is referred to, and not known or not accepted here
}

// AroundReference is one reference of an object.
type AroundReference struct {
	From     string `json:"from"`
	Property string `json:"property"` // as in target_ref
	To       string `json:"to"`
}

// Around looks up what an object is connected with.
func (n *Node) Around(ctx context.Context, r AroundRequest) (*AroundResponse, error) {
	if err := checkLimit(r.Limit); err != nil {
		return nil, err
	}
	if r.ID == "" {
		return nil, badInput("No object is named.", "", "Name the STIX id of the object in the middle; 'entente search' shows ids.")
	}
	page, err := n.intel.Neighbours(ctx, intel.GraphQuery{ID: r.ID, Depth: r.Depth, Limit: r.Limit, Next: r.Next})
	if err != nil {
		return nil, queryError(err)
	}
	res := &AroundResponse{Objects: make([]AroundObject, 0, len(page.Objects)), Cut: page.Cut, Next: page.Next}
	for _, o := range page.Objects {
		a := AroundObject{ID: o.ID, Depth: o.Depth, References: make([]AroundReference, 0, len(o.Edges))}
		for _, e := range o.Edges {
			a.References = append(a.References, AroundReference(e))
		}
		if o.Object != nil {
			f := n.found(*o.Object)
			a.Found = &f
		}
		res.Objects = append(res.Objects, a)
	}
	return res, nil
}
