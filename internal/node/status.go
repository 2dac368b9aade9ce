package node

import (
	"context"
	"fmt"
	"io"
	"slices"
)

// random fills b, or says that there is no randomness to be had.
func (n *Node) random(b []byte) error {
	if _, err := io.ReadFull(n.opts.Rand, b); err != nil {
		return fmt.Errorf("no randomness: %w", err)
	}
	return nil
}

// Here says which node this is.
func (n *Node) Here(ctx context.Context) (*HereResponse, error) {
	counts, err := n.counts(ctx)
	if err != nil {
		return nil, err
	}
	k := n.keys()
	return &HereResponse{Version: n.opts.Version, Name: k.id.Name, Party: string(k.party), Quarantined: counts.Quarantined, Releases: len(n.heldNeeds())}, nil
}

// Status says how the node is, and what needs a person now.
func (n *Node) Status(ctx context.Context) (*StatusResponse, error) {
	res, needs, err := n.look(ctx, false)
	if err != nil {
		return nil, err
	}
	overLast(res.Units)
	res.Attention = listed(needs)
	return res, nil
}

// Overview is Status without what needs a person: most of the work of a status where thousands of requests are open.
func (n *Node) Overview(ctx context.Context) (*StatusResponse, error) {
	res, err := n.overview(ctx)
	if err != nil {
		return nil, err
	}
	now := n.now()
	for _, l := range n.units() {
		l.mu.Lock()
		res.Units = append(res.Units, l.brief(l.requests(now), l.fold.Line(now)))
		l.mu.Unlock()
	}
	overLast(res.Units)
	return res, nil
}

// overLast puts units that are over last: nobody has anything to do there.
func overLast(units []UnitBrief) {
	slices.SortStableFunc(units, func(a, b UnitBrief) int { return over(a) - over(b) })
}

// overview is the node itself, without its units.
func (n *Node) overview(ctx context.Context) (*StatusResponse, error) {
	n.mu.Lock()
	res := &StatusResponse{Version: n.opts.Version, Dir: n.at.dir, Name: n.keys().id.Name, Party: string(n.keys().party),
		Serving: n.serving, PeerAddr: n.addr, Units: []UnitBrief{}, Called: n.notifying().called()}
	n.mu.Unlock()
	counts, err := n.counts(ctx)
	if err != nil {
		return nil, err
	}
	res.Objects = counts
	res.Disk, _, _ = n.room()
	n.pairing.mu.Lock()
	defer n.pairing.mu.Unlock()
	for _, p := range n.pairing.views() {
		// One that failed is shown too: wrong digits may be the sign of somebody in between.
		if p.State != "done" && p.Expires.After(n.now()) {
			res.Pairings = append(res.Pairings, p)
		}
	}
	return res, nil
}

func over(b UnitBrief) int {
	if b.State == "withdrawn" {
		return 1
	}
	return 0
}

func nameOr(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
