package unit

import (
	"slices"
	"time"

	"entente/internal/desk"
	"entente/journal"
)

// received returns when a party first gave a receipt that covers an entry and its payload, zero if
// it never did.
func (f *Fold) received(p journal.PartyID, r *record) time.Time {
	return f.receivedIn(p, r, nil)
}

// receivedIn is received, as far as it lies in the past of an entry; nil: as far as it is known.
func (f *Fold) receivedIn(p journal.PartyID, r, in *record) time.Time {
	var at time.Time
	for _, l := range f.lanes {
		if l.party != p {
			continue
		}
		if m := l.receiptOf(r); m != nil && (in == nil || in.covers(m.rec)) && (at.IsZero() || m.rec.at.Before(at)) {
			at = m.rec.at
		}
	}
	return at
}

// receiptOf returns the lane's first receipt that covers the entry and its payload.
func (l *lane) receiptOf(r *record) *mark {
	marks := l.receipt[r.lane.origin]
	for i, _ := slices.BinarySearchFunc(marks, r.index, func(m mark, x int64) int { return int(m.head.Size - 1 - x) }); i < len(marks); i++ {
		if r.payload == nil || !marks[i].missing[r.payload.Commitment] {
			return &marks[i]
		}
	}
	return nil
}

func (f *Fold) lookup(ref journal.Ref) *record {
	l := f.byOrigin[ref.Origin]
	if l == nil || ref.Index < 0 || ref.Index >= int64(l.placed) {
		return nil
	}
	return l.recs[ref.Index]
}

func compareRecords(a, b *record) int { return desk.CompareRefs(a.ref(), b.ref()) }
