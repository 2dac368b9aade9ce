package unit

import (
	"errors"
	"fmt"
	"maps"

	"entente/journal"
)

// ErrCut marks a cut that the held journals do not have.
var ErrCut = errors.New("unit: no such cut")

// Cut returns a fold of the journals up to the named heads alone; a journal that is not named is
// left out. That is what "no answer came" can be shown for, and what a review names: for the same
// heads and the same now its State has the same bytes, whatever came later. It fails with ErrCut if
// a journal is not held that far, or has another root there.
func (f *Fold) Cut(heads map[journal.Origin]journal.Head) (*Fold, error) {
	out, err := f.cut(heads)
	if err != nil {
		return nil, err
	}
	out.fresh()
	return out, nil
}

// cut is Cut without reckoning anything yet. What it returns shares nothing with f that ever changes.
func (f *Fold) cut(heads map[journal.Origin]journal.Head) (*Fold, error) {
	f.fresh()
	out := &Fold{unit: f.unit, founding: f.founding, bad: f.bad, raw: maps.Clone(f.raw), byOrigin: map[journal.Origin]*lane{},
		blocked: map[journal.Origin]map[*lane]struct{}{}, forked: map[journal.Origin]map[journal.Origin]int64{}}
	for o, proofs := range f.forked { // those that the cut itself holds
		for in, index := range proofs {
			if index < heads[in].Size {
				out.Disprove(o, journal.Ref{Origin: in, Index: index})
			}
		}
	}
	for _, l := range f.lanes {
		h, named := heads[l.origin]
		if !named || h.Size == 0 {
			continue
		}
		root, ok := l.root(h.Size)
		if !ok {
			return nil, fmt.Errorf("%w: %s is held up to %d entries only, not %d", ErrCut, l.origin, len(l.recs), h.Size)
		}
		if root != h.Root {
			return nil, fmt.Errorf("%w: %s has another root at %d entries than named", ErrCut, l.origin, h.Size)
		}
		c := &lane{origin: l.origin, party: l.party, epoch: l.epoch, slot: len(out.lanes)}
		for _, r := range l.recs[:h.Size] {
			if err := c.add(r.leaf); err != nil {
				return nil, err
			}
			again := *r
			again.lane = c
			c.recs = append(c.recs, &again)
		}
		out.lanes = append(out.lanes, c)
		out.byOrigin[c.origin] = c
	}
	for o, h := range heads {
		if h.Size > 0 && out.byOrigin[o] == nil {
			return nil, fmt.Errorf("%w: journal %s is not held", ErrCut, o)
		}
	}
	out.stale = true
	return out, nil
}
