package unit

import (
	"bytes"
	"slices"

	"entente/internal/accord"
	"entente/internal/desk"
)

// order sorts records topologically; of those whose predecessors are all placed, the one with the
// lowest rank comes first, then the one with the lowest leaf hash.
func (f *Fold) order(recs []*record) []*record {
	queues := map[*lane][]*record{}
	for _, r := range recs {
		queues[r.lane] = append(queues[r.lane], r)
	}
	lanes := make([]*lane, 0, len(queues))
	for l, q := range queues {
		slices.SortFunc(q, func(a, b *record) int { return int(a.index - b.index) })
		lanes = append(lanes, l)
	}
	out := make([]*record, 0, len(recs))
	for len(out) < len(recs) {
		var best *record
		for _, l := range lanes {
			if len(queues[l]) == 0 {
				continue
			}
			r := queues[l][0]
			ready := true
			for _, other := range lanes {
				if q := queues[other]; other != l && len(q) > 0 && r.covers(q[0]) {
					ready = false
					break
				}
			}
			if ready && (best == nil || f.before(r, best)) {
				best = r
			}
		}
		out = append(out, best)
		queues[best.lane] = queues[best.lane][1:]
	}
	return out
}

// before orders entries that do not know of each other.
func (f *Fold) before(a, b *record) bool {
	if ra, rb := f.rank(a), f.rank(b); ra != rb {
		return ra < rb
	}
	return bytes.Compare(a.leaf[:], b.leaf[:]) < 0
}

// Ranks of kinds: what restricts comes first, what came too late comes last.
const (
	rankRestrict = iota
	rankControl
	rankContent
	rankLate
)

func (f *Fold) rank(r *record) int {
	switch {
	case f.late(r):
		return rankLate
	case r.kind == KindWithdraw || r.kind == KindSuspend || r.kind == requests.kind(desk.Withdraw) || r.kind == statements.kind(desk.StatementRetract):
		return rankRestrict
	case accord.IsControl(r.kind):
		return rankControl
	}
	return rankContent
}
