package unit

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"time"

	"entente/internal/accord"
	"entente/internal/desk"
	"entente/journal"
)

// requestCase is one request with its moves in the order they are applied.
type requestCase struct {
	send  *record
	asked journal.PartyID
	moves []*record // all but send, as placed
	last  map[*lane]*record
	req   *desk.Request
	dirty bool // a move came that does not follow all others: order and apply again
	asOf  int  // what was placed when the order was last reckoned
}

// move takes in a request entry that was placed and judged.
func (f *Fold) move(r *record) {
	b := r.body.(*ContentBody)
	if b.err != nil {
		f.strayMove(r, desk.CodeBadBody, b.err.Error())
		return
	}
	if r.kind == requestKinds+desk.Send {
		f.open(r, b)
		return
	}
	send := f.lookup(*b.move.Request)
	if send == nil || !r.covers(send) || f.cases[send.ref()] == nil {
		f.strayMove(r, desk.CodeUnknownRequest, "no request was opened by the entry it names, in what its author had seen")
		return
	}
	c := f.cases[send.ref()]
	c.moves = append(c.moves, r)
	for _, other := range c.last {
		c.dirty = c.dirty || !r.covers(other)
	}
	c.last[r.lane] = r
	if !c.dirty {
		f.apply(c, r)
	}
}

// open opens a request, if the gate lets it and somebody is asked.
func (f *Fold) open(r *record, b *ContentBody) {
	if r.verdict.Verdict == accord.Refuse {
		f.strayMove(r, desk.CodeRefused, "the gate refused it: "+r.verdict.Reason)
		return
	}
	asked := f.asked(r.lane.view, r.lane.party, b.move.To)
	req, err := desk.NewRequest(f.deskMove(r), asked, r.terms.hashOf())
	if err != nil {
		var me *desk.MoveError
		if errors.As(err, &me) {
			f.strayMove(r, me.Code, me.Detail)
		}
		return
	}
	f.cases[r.ref()] = &requestCase{send: r, asked: asked, req: req, last: map[*lane]*record{r.lane: r}}
}

// asked returns who a request goes to: the member named, or the only other one; "" for nobody.
func (f *Fold) asked(v *view, author, named journal.PartyID) journal.PartyID {
	others := slices.DeleteFunc(f.members(v, true), func(p journal.PartyID) bool { return p == author })
	switch {
	case named == "" && len(others) == 1:
		return others[0]
	case slices.Contains(others, named):
		return named
	}
	return ""
}

func (f *Fold) strayMove(r *record, code, why string) {
	r.code, r.why, r.stray = code, why, true
	f.stray = append(f.stray, r)
}

// apply makes one move. The gate's refusal comes before the table's.
func (f *Fold) apply(c *requestCase, r *record) {
	m := f.deskMove(r)
	if r.verdict.Verdict == accord.Refuse {
		_ = c.req.Reject(m, desk.CodeRefused, "the gate refused it: "+r.verdict.Reason)
		return
	}
	_ = c.req.Apply(m) // an illegal move is kept in the request with its code
}

func (f *Fold) deskMove(r *record) desk.Move {
	return desk.Move{Ref: r.ref(), Name: strings.TrimPrefix(r.kind, requestKinds), Party: r.lane.party, By: r.by, At: r.at,
		Body: r.body.(*ContentBody).move, Payload: r.payload, Held: r.verdict.Verdict == accord.Hold}
}

// request returns the request with every move applied in order.
func (f *Fold) request(c *requestCase) *desk.Request {
	if !c.dirty && (!f.lateness() || c.asOf == f.placed()) {
		return c.req
	}
	req, err := desk.NewRequest(f.deskMove(c.send), c.asked, c.send.terms.hashOf())
	if err != nil {
		return c.req // cannot be: the same move opened it before
	}
	c.req, c.dirty, c.asOf = req, false, f.placed()
	ordered := f.order(c.moves)
	for _, r := range ordered {
		f.apply(c, r)
	}
	// In order now, so that the next move that follows all of them is applied at once.
	c.moves = ordered
	return c.req
}

// placed is how many entries are placed and texts known. While it stays the same, nothing that is reckoned changes.
func (f *Fold) placed() int {
	n := len(f.raw)
	for _, l := range f.lanes {
		n += l.placed
	}
	return n
}

// Move tells what became of a request entry: the step of the request that it belongs to, or, as in [State.Strays], of one
// that belongs to none; its member Refused says why it changed nothing. ok is false for other entries, for those that are void,
// and for what is not placed.
//
// It costs the same however many entries and requests there are. Only a request to which somebody added a move without
// having seen all others, or any request once a journal has a successor or a member left, is put in order again, once for
// everything that came since.
func (f *Fold) Move(ref journal.Ref) (s desk.Step, ok bool) {
	f.fresh()
	r := f.lookup(ref)
	if r == nil || !strings.HasPrefix(r.kind, requestKinds) {
		return desk.Step{}, false
	}
	if r.stray {
		return f.strayStep(r), true
	}
	b, ok := r.body.(*ContentBody)
	if !ok || r.code != "" {
		return desk.Step{}, false
	}
	opened := ref
	if r.kind != requestKinds+desk.Send && b.move.Request != nil {
		opened = *b.move.Request
	}
	c := f.cases[opened]
	if c == nil {
		return desk.Step{}, false
	}
	return f.request(c).Step(ref)
}

// strayStep is the record of a request entry that belongs to no request.
func (f *Fold) strayStep(r *record) desk.Step {
	m := desk.Move{Ref: r.ref(), Name: strings.TrimPrefix(r.kind, requestKinds), Party: r.lane.party, By: r.by, At: r.at, Payload: r.payload}
	return desk.Refusal(m, r.code, r.why)
}

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
	case r.kind == KindWithdraw || r.kind == KindSuspend || r.kind == requestKinds+desk.Withdraw:
		return rankRestrict
	case accord.IsControl(r.kind):
		return rankControl
	}
	return rankContent
}

// received returns when a party first gave a receipt that covers an entry and its payload, zero if
// it never did.
func (f *Fold) received(p journal.PartyID, r *record) time.Time {
	var at time.Time
	for _, l := range f.lanes {
		if l.party != p {
			continue
		}
		if m := l.receiptOf(r); m != nil && (at.IsZero() || m.rec.at.Before(at)) {
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
