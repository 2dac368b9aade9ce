package desk

import (
	"fmt"
	"time"

	"entente/internal/accord"
	"entente/journal"
)

// States of a call beside acknowledged and closed.
const (
	Ringing   State = "ringing"   // nobody on the called side has taken it
	Cancelled State = "cancelled" // the calling side gave it up before anybody took it
)

// The two sides of a call. A third member of the unit is on neither.
const (
	Calling Side = "calling"
	Called  Side = "called"
)

// Past is what the causal past of an entry holds that the call goes by. A call that is climbed is
// judged by it, so that everybody judges alike and nobody by a clock of its own.
type Past struct {
	Received func(journal.Ref) time.Time // when the called side first receipted an entry; zero: not
	Pauses   func() []Interval           // in which calls were suspended
	// Missed is when the first clock of the called side on the request that the call names ran out
	// that is missed still; zero: none. It is asked only where it matters.
	Missed func() time.Time
}

// RingAt is one time a call rang: with the call, and with each step of the ladder that was climbed.
type RingAt struct {
	Ref     journal.Ref `json:"ref"`
	Rung    int         `json:"rung"`            // 0: the call itself; from 1: the step of the ladder
	Clause  string      `json:"clause"`          // of the step, or of the hotline
	Contact string      `json:"contact"`         // the kind of contact that is called: duty, technical, diplomatic
	ID      string      `json:"id,omitempty"`    // of the contact, if the call names one
	Role    string      `json:"role,omitempty"`  // as the ladder names it
	At      time.Time   `json:"at"`              // what the calling side says
	Answer  journal.Ref `json:"answer,omitzero"` // the entry that acknowledged it
	By      journal.By  `json:"by,omitzero"`     // the role that did
	Met     time.Time   `json:"met,omitzero"`    // when, as the called side says
}

// Call is a call on the hotline: who calls whom, where it stands, every move and, once Clocked has
// filled them in, its clocks.
type Call struct {
	ID        journal.Ref     `json:"id"` // the entry that opened it
	Drill     bool            `json:"drill,omitempty"`
	Calling   journal.PartyID `json:"calling"`
	Called    journal.PartyID `json:"called"`
	Urgency   string          `json:"urgency"`
	Subject   string          `json:"subject,omitempty"`
	Request   *journal.Ref    `json:"request,omitempty"`   // that it is about
	Follows   *journal.Ref    `json:"follows,omitempty"`   // an earlier call
	Announced *journal.Ref    `json:"announced,omitempty"` // of a drill
	Language  string          `json:"language,omitempty"`
	Accord    string          `json:"accord"` // hash of the accord whose clocks and ladder count
	State     State           `json:"state"`
	At        time.Time       `json:"at"` // what the calling side says
	Rung      int             `json:"rung"`
	Rings     []RingAt        `json:"rings"`
	Steps     []Step          `json:"steps"`   // applied, in order; the first opened it
	Illegal   []Step          `json:"illegal"` // changed nothing, in order
	Code      string          `json:"code,omitempty"`
	CallOverlay

	doc     *accord.Document
	seen    map[journal.Ref]int // to the step, or -1 minus the place among the illegal ones
	refused map[journal.PartyID]int
}

// NewCall opens a call. called is who is meant: Body.To, or the only other member; doc the accord in
// force (nil: its text is not held). The caller has checked what the call names. The error is a
// *MoveError.
func NewCall(a Act[CallBody], called journal.PartyID, doc *accord.Document, hash string) (*Call, error) {
	b := a.Body
	switch {
	case a.Name != Ring:
		return nil, &MoveError{CodeUnknownMove, a.Ref, "a call is opened by call"}
	case called == "" || called == a.Party:
		return nil, &MoveError{CodeNoAddressee, a.Ref, "name in \"to\" another member that is called"}
	}
	if code, why := words(a.Payload); code != "" {
		return nil, &MoveError{code, a.Ref, why}
	}
	c := &Call{ID: a.Ref, Drill: b.Drill, Calling: a.Party, Called: called, Urgency: b.Urgency, Subject: b.Subject,
		Request: b.Request, Follows: b.Follows, Announced: b.Announced, Language: b.Language, Accord: hash,
		State: Ringing, At: a.At, Illegal: []Step{}, doc: doc, seen: map[journal.Ref]int{a.Ref: 0}, refused: map[journal.PartyID]int{}}
	ring := RingAt{Ref: a.Ref, Contact: KindDuty, ID: b.Contact, At: a.At}
	if doc != nil {
		ring.Clause = doc.Hotline.ID
		if k := contactOf(doc, b.Contact, called); k != nil {
			ring.Contact = k.Kind
		} else if b.Contact != "" {
			return nil, &MoveError{CodeUnknownContact, a.Ref, fmt.Sprintf("%q is no contact of %s in the accord", clip(b.Contact), doc.NameOf(string(called)))}
		}
	}
	c.Rings = []RingAt{ring}
	c.Steps = []Step{callStep(a, Ringing)}
	return c, nil
}

// SideOf returns the side a party is on, "" for a third.
func (c *Call) SideOf(p journal.PartyID) Side {
	switch p {
	case c.Calling:
		return Calling
	case c.Called:
		return Called
	}
	return ""
}

// Open says whether the call is not over.
func (c *Call) Open() bool { return c.State == Ringing || c.State == Acknowledged }

// Next returns the moves that a side may make now, as far as they do not hang on a clock.
func (c *Call) Next(side Side) []string {
	switch {
	case !c.Open() || side == "":
		return []string{}
	case side == Calling:
		return []string{Close, Escalate, Say}
	case c.State == Ringing:
		return []string{Acknowledge}
	case c.Rings[len(c.Rings)-1].Met.IsZero():
		return []string{Acknowledge, Close, Say}
	}
	return []string{Close, Say}
}

// Judge returns why a move changes nothing, a code and a reason, or "" if it does. It changes nothing.
func (c *Call) Judge(a Act[CallBody]) (code, why string) {
	side := c.SideOf(a.Party)
	last := &c.Rings[len(c.Rings)-1]
	switch {
	case a.Name != Acknowledge && a.Name != Escalate && a.Name != Say && a.Name != Close:
		return CodeUnknownMove, fmt.Sprintf("a call has no move %q", clip(a.Name))
	case a.Body.Drill != c.Drill:
		return CodeDrillMixed, "a drill stays a drill, and what is none stays none: the entry says otherwise than the call"
	case side == "":
		return CodeWrongSide, "the author is on neither side of this call"
	case a.Name == Acknowledge && side == Calling, a.Name == Escalate && side == Called:
		return CodeWrongSide, fmt.Sprintf("%s belongs to the other side", a.Name)
	}
	if code, why := words(a.Payload); code != "" {
		return code, why
	}
	switch {
	case !c.Open() && a.Name == Close:
		return CodeDuplicate, "the call is over already"
	case !c.Open():
		return CodeWrongState, fmt.Sprintf("the call is %s; call again, and name this call in follows", c.State)
	case a.Name == Acknowledge && !last.Met.IsZero():
		return CodeDuplicate, "it was acknowledged already"
	case a.Name != Acknowledge && side == Called && c.State == Ringing:
		return CodeWrongState, "acknowledge the call first"
	case a.Name == Say && len(c.Steps) >= MaxMoves:
		return CodeTooMany, fmt.Sprintf("a call has at most %d moves; close it and call again", MaxMoves)
	case a.Name == Escalate:
		return c.climbs(a)
	}
	return "", ""
}

// climbs says why the ladder is not climbed.
func (c *Call) climbs(a Act[CallBody]) (code, why string) {
	steps := c.ladder()
	switch {
	case a.Body.Rung != c.Rung+1:
		return CodeWrongStep, fmt.Sprintf("the ladder is climbed step by step: next is step %d, not %d", c.Rung+1, a.Body.Rung)
	case a.Body.Rung > len(steps):
		return CodeWrongStep, fmt.Sprintf("the accord's ladder has %d steps", len(steps))
	case c.refused[a.Party] >= MaxRefused:
		return CodeTooMany, fmt.Sprintf("%d moves of this author in this call changed nothing; close it and call again", MaxRefused)
	}
	p := a.Body.past
	missed := c.missed(p, a.At)
	if missed.IsZero() && c.Request != nil && p.Missed != nil {
		missed = p.Missed()
	} else if c.Request != nil && p.Missed != nil {
		if at := p.Missed(); !at.IsZero() && at.Before(missed) {
			missed = at
		}
	}
	if missed.IsZero() {
		return CodeTooEarly, "no clock of the called side is missed"
	}
	if from := after(steps[c.Rung], missed); a.At.Before(from) {
		return CodeTooEarly, fmt.Sprintf("the clock that is missed ran out at %s, and step %d begins at %s", missed.Format(time.RFC3339), c.Rung+1, from.Format(time.RFC3339))
	}
	return "", ""
}

// Apply makes one move. One that is not legal changes nothing, is kept in Illegal and returned as a
// *MoveError. The same entry again is CodeDuplicate and leaves no second trace.
func (c *Call) Apply(a Act[CallBody]) error {
	if _, seen := c.seen[a.Ref]; seen {
		return &MoveError{CodeDuplicate, a.Ref, "this entry was applied already"}
	}
	if code, why := c.Judge(a); code != "" {
		return c.Reject(a, code, why)
	}
	switch a.Name {
	case Acknowledge:
		c.State = Acknowledged
		for i := range c.Rings { // whoever takes it answers every time that it rang
			if r := &c.Rings[i]; r.Met.IsZero() {
				r.Answer, r.By, r.Met = a.Ref, a.By, a.At
			}
		}
	case Escalate:
		c.Rung++
		e := c.ladder()[c.Rung-1]
		c.Rings = append(c.Rings, RingAt{Ref: a.Ref, Rung: c.Rung, Clause: e.ID, Contact: e.Contact, Role: e.Role, At: a.At})
	case Close:
		c.Code = a.Body.Code
		if c.State == Ringing {
			c.State = Cancelled
		} else {
			c.State = Closed
		}
	}
	c.seen[a.Ref] = len(c.Steps)
	c.Steps = append(c.Steps, callStep(a, c.State))
	return nil
}

// Reject records a move that something other than the table refused and returns the *MoveError.
func (c *Call) Reject(a Act[CallBody], code, why string) error {
	s := callStep(a, "")
	s.Refused, s.Reason = code, why
	c.seen[a.Ref] = -1 - len(c.Illegal)
	c.refused[a.Party]++
	c.Illegal = append(c.Illegal, s)
	return &MoveError{code, a.Ref, why}
}

// Step returns the step of an entry, applied or illegal, ok false if the call knows none.
func (c *Call) Step(ref journal.Ref) (s Step, ok bool) {
	switch i, known := c.seen[ref]; {
	case !known:
		return Step{}, false
	case i < 0:
		return c.Illegal[-1-i], true
	default:
		return c.Steps[i], true
	}
}

func (c *Call) ladder() []accord.Escalation {
	if c.doc == nil {
		return nil
	}
	return c.doc.Escalation
}

func callStep(a Act[CallBody], to State) Step {
	b := a.Body
	return Step{Ref: a.Ref, Move: a.Name, Party: a.Party, By: a.By, At: a.At, State: to, TLP: b.TLP, Code: b.Code,
		Payload: a.Payload, Held: a.Held, Drill: b.Drill, Rung: b.Rung}
}
