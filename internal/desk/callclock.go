package desk

import (
	"slices"
	"time"

	"entente/internal/accord"
	"entente/journal"
)

// hotlineType is what the clock of a call has for the type of a request: election windows that name
// types leave it alone, others tighten it.
const hotlineType = "hotline"

// Rung is a step of the accord's ladder as a call has it.
type Rung struct {
	Rung    int       `json:"rung"` // from 1
	Clause  string    `json:"clause"`
	Contact string    `json:"contact"`
	Role    string    `json:"role,omitempty"`
	From    time.Time `json:"from,omitzero"`    // when it may be climbed if nobody answers; zero: no clock is missed or runs
	Climbed time.Time `json:"climbed,omitzero"` // when it was
	Due     bool      `json:"due,omitempty"`    // it comes next, and may be climbed now
}

// CallOverlay is what depends on now. It is never a state.
type CallOverlay struct {
	// Clocks has one acknowledge for each time it rang, in order, and before them the machine's receipt.
	Clocks    []Clock       `json:"clocks"`
	Due       time.Time     `json:"due,omitzero"` // the next deadline that runs
	Overdue   bool          `json:"overdue,omitempty"`
	Suspended bool          `json:"suspended,omitempty"`
	Ladder    []Rung        `json:"ladder"`
	Climb     int           `json:"climb,omitempty"` // the step of the ladder that is due now
	Turn      Side          `json:"turn,omitempty"`  // whose move is awaited
	Skewed    []journal.Ref `json:"skewed"`
}

// WithPast returns the body with what the entry's causal past holds.
func (b CallBody) WithPast(p Past) CallBody {
	b.past = p
	return b
}

// Clocked returns a copy of the call with the overlay for one instant, by what is known now.
func (c *Call) Clocked(now time.Time, known Past) Call {
	out := *c
	out.CallOverlay = CallOverlay{Clocks: []Clock{}, Ladder: []Rung{}, Skewed: []journal.Ref{}}
	for _, p := range known.pauses() {
		out.Suspended = out.Suspended || !now.Before(p.From) && (p.To.IsZero() || now.Before(p.To))
	}
	switch {
	case !c.Open():
	case c.Rings[len(c.Rings)-1].Met.IsZero():
		out.Turn = Called
	default:
		out.Turn = Called
		if s := c.Steps[len(c.Steps)-1]; c.SideOf(s.Party) == Called {
			out.Turn = Calling
		}
	}
	if c.doc == nil {
		return out
	}
	end := c.ended()
	if k, ok := c.receipt(now, known, end); ok {
		out.Clocks = append(out.Clocks, k)
	}
	for i := range c.Rings {
		out.Clocks = append(out.Clocks, c.clock(&c.Rings[i], now, end, known))
	}
	for i := range out.Clocks {
		k := &out.Clocks[i]
		out.Overdue = out.Overdue || k.Overdue
		if k.open() && !k.Stopped && (out.Due.IsZero() || k.Due.Before(out.Due)) {
			out.Due = k.Due
		}
	}
	allowed := tolerance(c.doc)
	out.Skewed = skewed(c.Steps, known.received(c.ID), allowed)
	for _, r := range c.Rings[1:] { // a step that the other side had before it says it was climbed
		if at := known.received(r.Ref); !at.IsZero() && at.Add(allowed).Before(r.At) && !slices.Contains(out.Skewed, r.Ref) {
			out.Skewed = append(out.Skewed, r.Ref)
		}
	}
	out.ladders(now, known)
	return out
}

// ladders fills in the ladder.
func (c *Call) ladders(now time.Time, known Past) {
	var base time.Time
	if c.Open() {
		base = c.runsOut(known, now)
		if c.Request != nil && known.Missed != nil {
			if at := known.Missed(); !at.IsZero() && (base.IsZero() || at.Before(base)) {
				base = at
			}
		}
	}
	for i, e := range c.ladder() {
		r := Rung{Rung: i + 1, Clause: e.ID, Contact: e.Contact, Role: e.Role}
		if i < c.Rung {
			r.Climbed = c.Rings[i+1].At
		} else if !base.IsZero() && !c.Suspended {
			r.From = after(e, base)
			r.Due = i == c.Rung && !now.Before(r.From) && now.After(base)
		}
		if r.Due {
			c.Climb, c.Turn = r.Rung, Calling
		}
		c.Ladder = append(c.Ladder, r)
	}
}

func (p Past) received(ref journal.Ref) time.Time {
	if p.Received == nil {
		return time.Time{}
	}
	return p.Received(ref)
}

func (p Past) pauses() []Interval {
	if p.Pauses == nil {
		return nil
	}
	return p.Pauses()
}

// runsOut returns when the acknowledge clock ran out, or will, of the first time that it rang and
// nobody answered; zero if everything was answered.
func (c *Call) runsOut(p Past, now time.Time) time.Time {
	if c.doc == nil {
		return time.Time{}
	}
	for i := range c.Rings {
		if r := &c.Rings[i]; r.Met.IsZero() {
			return c.clock(r, now, time.Time{}, p).Due
		}
	}
	return time.Time{}
}

// missed is runsOut where that lies before now and the clock does not stand.
func (c *Call) missed(p Past, now time.Time) time.Time {
	if c.doc == nil {
		return time.Time{}
	}
	for i := range c.Rings {
		if r := &c.Rings[i]; r.Met.IsZero() {
			if k := c.clock(r, now, time.Time{}, p); k.Overdue {
				return k.Due
			}
			break
		}
	}
	return time.Time{}
}

// ended returns when the call was over, or zero.
func (c *Call) ended() time.Time {
	if c.Open() {
		return time.Time{}
	}
	for i := len(c.Steps) - 1; i > 0; i-- {
		if c.Steps[i].Move == Close {
			return c.Steps[i].At
		}
	}
	return time.Time{}
}

// receipt is the clock of the machine's receipt; nothing stops it.
func (c *Call) receipt(now time.Time, known Past, end time.Time) (Clock, bool) {
	if !c.doc.Requests.Receipt.Set() {
		return Clock{}, false
	}
	k := Clock{Name: accord.StageReceipt, Clause: c.doc.Requests.ID, Owner: c.Called, Basis: BasisPosting, Started: c.At, Met: known.received(c.ID)}
	k.Due = c.doc.Due(accord.Clock{Clause: k.Clause, Type: hotlineType, Stage: accord.StageReceipt, Length: c.doc.Requests.Receipt, Calendar: accord.Always}, c.At)
	k.finish(now, end)
	return k, true
}

// clock is the acknowledge of one time that it rang.
func (c *Call) clock(r *RingAt, now, end time.Time, known Past) Clock {
	return acknowledging(c.doc, c.Called, r.At, known.received(r.Ref), r.Met, end, now, known.pauses())
}

// acknowledging is the clock that the accord sets for the hotline, of something that was posted and received
// (zero: not yet), met or ended (zero: not yet). It starts and stands as those of requests do.
func acknowledging(doc *accord.Document, owner journal.PartyID, posted, received, met, end, now time.Time, pauses []Interval) Clock {
	k := Clock{Name: accord.StageAcknowledge, Clause: doc.Hotline.ID, Owner: owner, Basis: BasisReceipt, Started: received, Met: met}
	if received.IsZero() {
		k.Basis, k.Started = BasisPosting, posted
	}
	until := now
	switch {
	case !met.IsZero():
		until = met
	case !end.IsZero():
		until = end
	}
	term := accord.Clock{Clause: k.Clause, Type: hotlineType, Stage: accord.StageAcknowledge, Length: doc.Hotline.Acknowledge,
		Calendar: accord.Always, Stops: []accord.Stop{{Move: suspended}}}
	k.Due = doc.Due(term, k.Started, paused(pauses, until)...)
	for _, p := range pauses {
		k.Stopped = k.Stopped || !p.From.After(now) && (p.To.IsZero() || now.Before(p.To))
	}
	k.finish(now, end)
	return k
}

// paused are suspensions as pauses up to an instant.
func paused(in []Interval, until time.Time) []accord.Pause {
	var out []accord.Pause
	for _, p := range in {
		to := p.To
		if to.IsZero() || to.After(until) {
			to = until
		}
		out = append(out, accord.Pause{Move: suspended, From: p.From, To: to})
	}
	return out
}

// finish says whether the clock is late, or overdue.
func (k *Clock) finish(now, end time.Time) {
	switch {
	case !k.Met.IsZero():
		k.Late, k.Stopped = k.Met.After(k.Due), false
	case !end.IsZero():
		k.Ended, k.Late, k.Stopped = end, end.After(k.Due), false
	default:
		k.Overdue = !k.Stopped && now.After(k.Due)
	}
}

// after is when a step of the ladder begins, of a clock that ran out.
func after(e accord.Escalation, missed time.Time) time.Time {
	if !e.After.Set() {
		return missed
	}
	span, err := e.After.Span()
	if err != nil {
		return missed
	}
	return span.After(missed)
}
