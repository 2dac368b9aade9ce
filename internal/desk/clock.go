package desk

import (
	"slices"
	"time"

	"entente/internal/accord"
	"entente/journal"
)

// What a clock starts from.
const (
	BasisReceipt = "receipt" // the asked side's journaled receipt of the request
	BasisPosting = "posting" // no receipt yet: what the asking side says, and only its word
	BasisMove    = "move"    // an earlier move
	BasisClaim   = "claim"   // when the asking side says that it was detected
)

// ClockHold is the clock that runs towards the date until which data are kept: a date that comes, which nobody owes.
const ClockHold = accord.StageHold

// measure is what a clock of a type of request goes by.
type measure struct {
	stage    string // of the accord
	owner    Side
	from     []string // starts with the first of these moves; none: with the receipt of the request
	detected bool     // starts when the send says that it was detected, if it says so
	met      []string // by the first of these moves
	promised bool     // due at the date that the asked side has named last, and not the accord's
}

func receiptClock() measure { return measure{stage: accord.StageReceipt, owner: Asked} }

func assessClock(owner Side, from ...string) measure {
	return measure{stage: accord.StageAssess, owner: owner, from: from, met: []string{Assess}}
}

// askedClocks are those of the asked side up to the move that is the answer.
func askedClocks(answer string) []measure {
	return []measure{receiptClock(),
		{stage: accord.StageAcknowledge, owner: Asked, met: []string{Acknowledge}},
		{stage: accord.StageDecide, owner: Asked, met: []string{Accept, Refuse, Postpone, Conditions, answer}},
		{stage: accord.StageAnswer, owner: Asked, met: []string{answer, Refuse}}}
}

// suspended is the pause that a suspension of the unit puts into a clock; no move has this name.
const suspended = "suspended"

// Clock is one deadline, computed for one instant.
type Clock struct {
	Name    string          `json:"name"`   // a stage of the accord
	Clause  string          `json:"clause"` // the clause that sets it
	Owner   journal.PartyID `json:"owner"`  // whose deadline it is
	Basis   string          `json:"basis"`
	Started time.Time       `json:"started"`
	// Due is the deadline with every pause so far added; while Stopped it moves on with now.
	Due      time.Time   `json:"due"`
	Warnings []time.Time `json:"warnings,omitempty"` // when people are warned before Due
	Stopped  bool        `json:"stopped,omitempty"`
	Met      time.Time   `json:"met,omitzero"`   // when the move came that it waited for
	Ended    time.Time   `json:"ended,omitzero"` // when the request ended before it was met
	Late     bool        `json:"late,omitempty"` // met, or ended, after it was due
	Overdue  bool        `json:"overdue,omitempty"`
	Warning  bool        `json:"warning,omitempty"` // a warning time has passed and Due has not
	// Short says that the date the owner of the data named comes before what the accord sets.
	Short bool `json:"short,omitzero"`
}

// open says whether the deadline is still ahead or missed, with nothing done about it.
func (k *Clock) open() bool { return k.Met.IsZero() && k.Ended.IsZero() }

// Escalated is a step of the accord's ladder that has been reached.
type Escalated struct {
	Clause  string    `json:"clause"`
	Clock   string    `json:"clock"` // the clock that ran out
	Contact string    `json:"contact"`
	Role    string    `json:"role,omitempty"`
	Since   time.Time `json:"since"`
}

// Overlay is what depends on now. It is never a state.
type Overlay struct {
	Received  time.Time   `json:"received,omitzero"` // the asked side's receipt of the request, its claim
	Clocks    []Clock     `json:"clocks"`
	Due       time.Time   `json:"due,omitzero"` // the next deadline that runs
	Overdue   bool        `json:"overdue,omitempty"`
	Escalated []Escalated `json:"escalated"`
	Suspended bool        `json:"suspended,omitempty"` // the unit is suspended for requests: clocks stand
	// Skewed are moves whose time lies before the one they follow, or a receipt before the request, by
	// more than the accord tolerates: both claims are shown.
	Skewed []journal.Ref `json:"skewed"`
}

// Interval is a time in which clocks stand; a zero To means it still lasts.
type Interval struct{ From, To time.Time }

// Clocked returns a copy of the request with the overlay for one instant. doc is the accord that
// Request.Accord names (nil: no clocks), received the time of the asked side's first journaled
// receipt that covers the request (zero: none), pauses the times in which requests were suspended.
func (r *Request) Clocked(doc *accord.Document, now, received time.Time, pauses []Interval) Request {
	out, _ := r.ClockedUntil(doc, now, received, pauses)
	return out
}

// ClockedUntil is Clocked, and says for how long that holds: at every instant from now on and before until the copy would be the
// same. A zero until is for ever; one that is now says nothing: a clock stands, and what it says moves with the instant.
func (r *Request) ClockedUntil(doc *accord.Document, now, received time.Time, pauses []Interval) (out Request, until time.Time) {
	out = *r
	out.Overlay = Overlay{Received: received, Clocks: []Clock{}, Escalated: []Escalated{}, Skewed: []journal.Ref{}}
	c := clockwork{r: r, doc: doc, now: now, pauses: pauses}
	for _, p := range pauses {
		if !now.Before(p.From) && (p.To.IsZero() || now.Before(p.To)) {
			out.Suspended = true
		}
		c.turns(p.From)
		c.turns(p.To)
	}
	if doc == nil {
		return out, c.until
	}
	out.Clocks = c.all(received)
	out.Skewed = skewed(r.Steps, received, tolerance(doc))
	for i := range out.Clocks {
		k := &out.Clocks[i]
		out.Overdue = out.Overdue || k.Overdue
		if k.open() && !k.Stopped && (out.Due.IsZero() || k.Due.Before(out.Due)) {
			out.Due = k.Due
		}
		if k.Overdue {
			out.Escalated = append(out.Escalated, c.ladder(k)...)
		}
	}
	if c.stands {
		return out, now
	}
	return out, c.until
}

// clockwork computes the clocks of one request for one instant.
type clockwork struct {
	r      *Request
	doc    *accord.Document
	now    time.Time
	pauses []Interval

	until  time.Time // when something turns next, zero if nothing does
	stands bool      // a clock stands at this instant
}

// turns notes an instant at which what a clock says becomes another.
func (c *clockwork) turns(at time.Time) {
	if at.After(c.now) && (c.until.IsZero() || at.Before(c.until)) {
		c.until = at
	}
}

// all returns the clocks that apply, in the order of a request's life.
func (c *clockwork) all(received time.Time) []Clock {
	r := c.r
	out := make([]Clock, 0, len(r.life.clocks)+1) // silence is the one that no table names
	add := func(m measure, basis string, from, met time.Time) {
		if k, ok := c.clock(m, basis, from, met); ok {
			out = append(out, k)
		}
	}
	start, basis := received, BasisReceipt
	if received.IsZero() {
		start, basis = r.Sent, BasisPosting
	}
	for _, m := range r.life.clocks {
		from, met := r.first(m.from...), r.first(m.met...)
		switch {
		case m.stage == accord.StageReceipt:
			add(m, BasisPosting, r.Sent, received)
		case len(m.from) == 0:
			add(m, basis, start, met)
		case m.detected && !r.Detected.IsZero():
			add(m, BasisClaim, r.Detected, met)
		case !from.IsZero():
			add(m, BasisMove, from, met)
		}
	}
	if r.owes(Asked) {
		for _, s := range r.Steps[1:] { // a translation is no word on the matter
			if s.Move != Translate {
				start, basis = s.At, BasisMove
			}
		}
		add(measure{stage: accord.StageSilence, owner: Asked}, basis, start, time.Time{})
	}
	return out
}

func (c *clockwork) clock(m measure, basis string, from, met time.Time) (Clock, bool) {
	stage, owner := m.stage, c.r.Asked
	if m.owner == Asking {
		owner = c.r.Asking
	}
	term, ok := c.doc.Clock(c.r.Type, c.r.Urgency, stage)
	if !ok && !m.promised {
		return Clock{}, false
	}
	k := Clock{Name: stage, Clause: term.Clause, Owner: owner, Basis: basis, Started: from, Met: met}
	r, end := c.r, met
	if at := c.r.ended(); met.IsZero() && !at.IsZero() {
		k.Ended, end = at, at
	}
	until := end
	if until.IsZero() {
		until = c.now
	}
	// The machine receipt runs whatever people do, and so does the end of what was promised; the
	// other clocks stand while the unit is suspended, and those of the asked side while a stop lasts.
	var pauses []accord.Pause
	if stage != accord.StageReceipt && !m.promised {
		if m.owner == Asked {
			pauses = c.stops(term.Stops, until)
		}
		term.Stops = append(slices.Clip(term.Stops), accord.Stop{Move: suspended})
		for _, p := range c.pauses {
			to := p.To
			if to.IsZero() {
				to = until
			}
			pauses = append(pauses, accord.Pause{Move: suspended, From: p.From, To: to})
		}
		for i := range pauses { // what came after it was met moves nothing
			if pauses[i].To.After(until) {
				pauses[i].To = until
			}
		}
	}
	switch {
	case !m.promised:
		k.Due = c.doc.Due(term, from, pauses...)
	case ok:
		k.Short = r.Until.Before(c.doc.Due(term, from))
		fallthrough
	default:
		k.Due = r.Until
	}
	if date := c.r.postponed(); stage == accord.StageAnswer && date.After(k.Due) {
		k.Due = date
	}
	if !end.IsZero() {
		k.Late = end.After(k.Due)
		return k, true
	}
	for _, p := range pauses {
		c.stands = c.stands || !p.To.Before(c.now)
		k.Stopped = k.Stopped || !p.From.After(c.now) && !p.To.Before(c.now) && c.lasts(term.Stops, p)
	}
	k.Overdue = !k.Stopped && c.now.After(k.Due)
	c.turns(k.Due.Add(1)) // what is due at an instant is not overdue at it
	if ok && (stage == accord.StageAnswer || stage == accord.StageHold) {
		k.Warnings = term.WarnAt(k.Due)
		if len(k.Warnings) > 0 {
			c.turns(k.Warnings[0])
		}
		k.Warning = !k.Stopped && !k.Overdue && len(k.Warnings) > 0 && !c.now.Before(k.Warnings[0])
	}
	return k, true
}

// lasts says whether a pause that reaches now still holds the clock: not beyond what the stop rule
// allows.
func (c *clockwork) lasts(rules []accord.Stop, p accord.Pause) bool {
	for _, s := range rules {
		if s.Move == p.Move {
			most, err := s.AtMost.Span()
			return err != nil || c.now.Before(most.After(p.From))
		}
	}
	return false
}

// stops returns the times in which the accord's stop rules made the clocks stand, until an instant.
// A stop ends with the move it waits for, or with any other that leaves the state it was made in.
func (c *clockwork) stops(rules []accord.Stop, until time.Time) []accord.Pause {
	var out []accord.Pause
	for _, rule := range rules {
		var from time.Time
		for _, s := range c.r.Steps {
			switch {
			case s.Move == rule.Move:
				if from.IsZero() {
					from = s.At
				}
			case from.IsZero() || !moves(s.Move):
			default:
				out = append(out, accord.Pause{Move: rule.Move, From: from, To: s.At})
				from = time.Time{}
			}
		}
		if !from.IsZero() {
			out = append(out, accord.Pause{Move: rule.Move, From: from, To: until})
		}
	}
	return out
}

// ladder returns the steps of the accord's ladder that a missed clock has reached.
func (c *clockwork) ladder(k *Clock) []Escalated {
	var out []Escalated
	for _, e := range c.doc.Escalation {
		var span accord.Span
		if e.After.Set() {
			var err error
			if span, err = e.After.Span(); err != nil {
				continue
			}
		}
		since := span.After(k.Due)
		c.turns(since)
		if !c.now.Before(since) {
			out = append(out, Escalated{e.ID, k.Name, e.Contact, e.Role, since})
		}
	}
	return out
}

// first returns when the first of the named moves was made, zero if never.
func (r *Request) first(moves ...string) time.Time {
	for _, s := range r.Steps {
		if slices.Contains(moves, s.Move) {
			return s.At
		}
	}
	return time.Time{}
}

// ended returns when the request reached an end in which nobody owes anything more, or zero.
func (r *Request) ended() time.Time {
	for _, s := range r.Steps {
		if slices.Contains(r.life.final, s.State) {
			return s.At
		}
	}
	return time.Time{}
}

// postponed returns the date of the last postponement, zero if there was none.
func (r *Request) postponed() time.Time {
	var until time.Time
	for _, s := range r.Steps {
		if s.Move == Postpone {
			until = s.Until
		}
	}
	return until
}

// owes says whether the next word is a side's: it has moves that are not only put on record, and the request
// does not wait for the other side.
func (r *Request) owes(side Side) bool {
	return !slices.Contains(r.life.idle, r.State) && slices.ContainsFunc(r.life.next(r.State, side), moves)
}

func tolerance(doc *accord.Document) time.Duration {
	span, err := doc.Time.Tolerance.Span()
	if err != nil {
		return 0
	}
	return span.Approx()
}

// skewed lists the claims of time that contradict the order by more than the tolerance.
func skewed(steps []Step, received time.Time, tolerance time.Duration) []journal.Ref {
	out := []journal.Ref{}
	last := steps[0].At
	if !received.IsZero() && received.Add(tolerance).Before(last) {
		out = append(out, steps[0].Ref)
	}
	for _, s := range steps[1:] {
		if s.At.Add(tolerance).Before(last) {
			out = append(out, s.Ref)
		}
		if s.At.After(last) {
			last = s.At
		}
	}
	return out
}
