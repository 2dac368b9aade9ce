package desk

import (
	"slices"
	"time"

	"entente/journal"
)

// Codes of what waits for a party. They are stable, and keys of the catalogues below "need.".
const (
	NeedRequestNew        = "request-new"        // a request that nobody has acknowledged; Word is its type
	NeedRequestTurn       = "request-turn"       // the other side moved, and this one has something to do; Word is the move
	NeedRequestOpen       = "request-open"       // an open request of which nothing else here is so; Word is its state
	NeedClockSoon         = "clock-soon"         // a warning of an own clock was reached; Word is its stage
	NeedClockOverdue      = "clock-overdue"      // a deadline has passed, From's or To's; Word is its stage
	NeedCallRings         = "call-rings"         // it rings here; Word is the call's subject
	NeedCallClimb         = "call-climb"         // the next step of the ladder may be climbed; Word is its contact
	NeedCallUnanswered    = "call-unanswered"    // it rings at the other side
	NeedCallOpen          = "call-open"          // it was taken and not ended
	NeedPing              = "ping"               // a contact is tried; Word is the contact
	NeedDrillAnnounced    = "drill-announced"    // a drill comes or is under way, until Due
	NeedDrillDue          = "drill-due"          // the accord's rhythm wants one since Due
	NeedContactStale      = "contact-stale"      // an own contact was not confirmed or reached in time; Word is the contact
	NeedCaseReply         = "case-reply"         // a claim concerns this party, which has not answered; Word is its class
	NeedCaseClose         = "case-close"         // others have said that a case may be closed; this party has not
	NeedCommitmentSoon    = "commitment-soon"    // an own commitment is due soon
	NeedCommitmentOverdue = "commitment-overdue" // From's commitment is overdue
	NeedCommitmentView    = "commitment-view"    // From says that its commitment is done; this party has not said how it sees that
	NeedStatementSign     = "statement-sign"     // a statement lacks this party's signature; Due is the end of the embargo
	NeedLeakAnswer        = "leak-answer"        // the report of a leak that this party has not answered
	NeedExhibitTake       = "exhibit-take"       // a whole exhibit that this party has stated nothing about
	NeedExhibitFinish     = "exhibit-finish"     // an own exhibit of which parts are still to be written
	NeedReviewCommit      = "review-commit"      // scores are to be committed to
	NeedReviewReveal      = "review-reveal"      // scores are to be shown
	NeedReviewSign        = "review-sign"        // the report is to be signed
	NeedReviewDiffers     = "review-differs"     // different reports are signed
	NeedAccordAnswer      = "accord-answer"      // an accord was proposed that this party has not signed
	NeedSuspended         = "suspended"          // From has suspended the unit or a part of it; Word is its code
	NeedLeaving           = "leaving"            // From has given notice; Due is when it takes effect
	NeedLeft              = "left"               // From has withdrawn (news)
	NeedBreach            = "breach"             // From wrote what the accord does not allow (news); Word is the gate's code
)

// Need is one thing that waits for a party, or that a person of it has to know of.
type Need struct {
	Code  string
	Ref   journal.Ref     // what it is about: the entry that opened it
	About journal.Ref     // the entry that brought it, if that is another
	From  journal.PartyID // who asks, calls, claims, proposes, is bound
	To    journal.PartyID // whose turn it is, or who is asked; empty where that is everybody else
	Word  string          // see the codes
	// Urgency is that of the request, or the word of the call; [accord.Routine] of what has none of its own.
	Urgency string
	Since   time.Time
	Due     time.Time // zero: no clock runs
	Overdue bool
	Drill   bool // it is only tried
	Step    int  // of the ladder
	Count   int  // of entries, files or objects, where one need stands for several
}

// News says that something happened and nothing is to be done about it: it is told once, and no list of what
// waits has it.
func (n *Need) News() bool { return n.Code == NeedLeft || n.Code == NeedBreach }

// Rank says how much it matters, 0 the most. What is only tried never stands before what is live.
func (n *Need) Rank() int {
	switch {
	case n.Drill:
		return 3
	case n.Code == NeedCallRings || n.Code == NeedCallClimb:
		return 0
	case n.Overdue:
		return 1
	}
	switch n.Code {
	case NeedDrillDue, NeedContactStale, NeedCaseClose, NeedCommitmentSoon, NeedCommitmentView, NeedExhibitTake, NeedExhibitFinish, NeedReviewCommit, NeedReviewReveal, NeedReviewSign:
		return 3
	}
	return 2
}

// IsOpen says whether a request is not over.
func (r *Request) IsOpen() bool { return r.State != Closed && r.State != Withdrawn }

// Needs returns what a request with its clocks wants of a party, the most pressing first: nothing if it
// is over or of others.
func (r *Request) Needs(self journal.PartyID) []Need { return r.appendNeeds(nil, self) }

// appendNeeds is Needs, behind others.
func (r *Request) appendNeeds(out []Need, self journal.PartyID) []Need {
	side := r.SideOf(self)
	if side == "" || !r.IsOpen() {
		return out
	}
	base, first := Need{Ref: r.ID, From: r.Asking, To: r.Asked, Urgency: r.Urgency, Due: r.Due}, len(out)
	add := func(code, word string, since time.Time, about journal.Ref) *Need {
		n := base
		n.Code, n.Word, n.Since, n.About = code, word, since, about
		out = append(out, n)
		return &out[len(out)-1]
	}
	clock := func(code string, k *Clock) {
		n := add(code, k.Name, k.Due, journal.Ref{})
		n.Due, n.Overdue = k.Due, k.Overdue
		if k.Owner == r.Asking { // it owes the other this
			n.From, n.To = r.Asked, r.Asking
		}
	}
	for i := range r.Clocks {
		if k := &r.Clocks[i]; k.Overdue {
			clock(NeedClockOverdue, k)
		}
	}
	if side == Asked && r.State == Sent {
		add(NeedRequestNew, r.Type, r.Sent, journal.Ref{})
	}
	if last := r.LastMove(); r.SideOf(last.Party) != side && last.Move != Send && r.MayMove(side) {
		add(NeedRequestTurn, last.Move, last.At, last.Ref)
	}
	for i := range r.Clocks {
		if k := &r.Clocks[i]; !k.Overdue && k.Warning && (k.Owner == self || k.Name == ClockHold) { // who keeps the data is warned too
			clock(NeedClockSoon, k)
		}
	}
	if len(out) == first && !(r.Due.IsZero() && len(r.Next[side]) == 0) {
		add(NeedRequestOpen, string(r.State), r.Sent, journal.Ref{})
	}
	return out
}

// Needs returns what a call with its clocks wants of a party.
func (c *Call) Needs(self journal.PartyID) []Need {
	side := c.SideOf(self)
	if side == "" || !c.Open() {
		return nil
	}
	ring := &c.Rings[len(c.Rings)-1]
	n := Need{Code: NeedCallOpen, Ref: c.ID, From: c.Calling, To: c.Called, Word: c.Subject, Urgency: c.Urgency, Since: ring.At, Due: c.Due, Overdue: c.Overdue, Drill: c.Drill}
	if ring.Ref != c.ID {
		n.About = ring.Ref
	}
	switch ringing := ring.Met.IsZero(); {
	case side == Called && ringing:
		n.Code = NeedCallRings
	case side == Calling && c.Climb > 0:
		n.Code, n.Step, n.Word = NeedCallClimb, c.Climb, c.Ladder[c.Climb-1].Contact
	case ringing:
		n.Code = NeedCallUnanswered
	}
	return []Need{n}
}

// Needs returns what drills want of a party.
func (d *Drills) Needs(self journal.PartyID) []Need {
	var out []Need
	for i := range d.Calls {
		out = append(out, d.Calls[i].Needs(self)...)
	}
	for i := range d.Pings {
		if p := &d.Pings[i]; p.Called == self && p.State == Ringing {
			n := Need{Code: NeedPing, Ref: p.ID, From: p.Calling, To: self, Word: p.Contact, Since: p.At, Drill: true}
			if p.Clock != nil {
				n.Due, n.Overdue = p.Clock.Due, p.Clock.Overdue
			}
			out = append(out, n)
		}
	}
	for i := range d.Announced {
		if a := &d.Announced[i]; a.Called == self && (a.State == Coming || a.State == UnderWay) {
			out = append(out, Need{Code: NeedDrillAnnounced, Ref: a.ID, From: a.Calling, To: self, Since: a.From, Due: a.Until, Drill: true})
		}
	}
	if d.Overdue {
		out = append(out, Need{Code: NeedDrillDue, Since: d.Due, Due: d.Due, Overdue: true, Drill: true})
	}
	return out
}

// Needs returns what a contact wants of its party.
func (k *Contact) Needs(self journal.PartyID) []Need {
	if k.Party != self || !k.Stale {
		return nil
	}
	return []Need{{Code: NeedContactStale, From: self, Word: k.ID, Since: k.Fresh}}
}

// Needs returns what a case with its overlays wants of a party.
func (c *Case) Needs(self journal.PartyID) []Need {
	var out []Need
	for i := range c.OpenReplies {
		if r := &c.OpenReplies[i]; r.Party == self {
			claim := slices.IndexFunc(c.Claims, func(x Claim) bool { return x.Ref == r.Claim })
			n := Need{Code: NeedCaseReply, Ref: c.ID, About: r.Claim, To: self, Word: r.Class, Since: r.Since}
			if claim >= 0 {
				n.From = c.Claims[claim].Party
			}
			out = append(out, n)
		}
	}
	if c.State == CaseIsOpen && len(c.Closing) > 0 && slices.Contains(c.Awaited, self) {
		last := c.Closing[len(c.Closing)-1]
		out = append(out, Need{Code: NeedCaseClose, Ref: c.ID, About: last.Ref, From: last.Party, To: self, Since: last.At})
	}
	return out
}

// Needs returns what a commitment with its overlays wants of a party.
func (c *Commitment) Needs(self journal.PartyID) []Need {
	n := Need{Ref: c.ID, From: c.Party, Since: c.Made, Due: c.Due, Overdue: c.Overdue}
	sees := func(p journal.PartyID) int {
		return slices.IndexFunc(c.Views, func(v CommitSight) bool { return v.Party == p })
	}
	switch own := sees(c.Party); {
	case c.Overdue:
		n.Code = NeedCommitmentOverdue
	case c.DueSoon && c.Party == self:
		n.Code = NeedCommitmentSoon
	case c.State == CommitOpen && c.Form == Once && c.Party != self && own >= 0 && c.Views[own].Status == Done && sees(self) < 0:
		n.Code, n.About, n.Since, n.To, n.Due = NeedCommitmentView, c.Views[own].Ref, c.Views[own].At, self, time.Time{}
	default:
		return nil
	}
	return []Need{n}
}

// Needs returns what a statement wants of a party at an instant.
func (s *Statement) Needs(self journal.PartyID, now time.Time) []Need {
	if s.State != StatementProposed && s.State != StatementDeclined || !slices.Contains(s.Missing, self) ||
		slices.ContainsFunc(s.Declined, func(d Declined) bool { return d.Party == self }) {
		return nil
	}
	n := Need{Code: NeedStatementSign, Ref: s.ID, From: s.Proposer, To: self, Since: s.Proposed}
	if s.Embargo.After(s.Proposed) {
		n.Due, n.Overdue = s.Embargo, now.After(s.Embargo)
	}
	return []Need{n}
}

// Needs returns what the report of a leak wants of a party.
func (l *Leak) Needs(self journal.PartyID) []Need {
	if !slices.Contains(l.Unanswered, self) {
		return nil
	}
	return []Need{{Code: NeedLeakAnswer, Ref: l.ID, From: l.Reporter, To: self, Since: l.Reported}}
}

// Needs returns what an exhibit wants of a party.
func (x *Exhibit) Needs(self journal.PartyID) []Need {
	n := Need{Ref: x.ID, From: x.Party, To: self, Since: x.Completed}
	switch {
	case x.State == BeingAdded && x.Party == self:
		n.Code, n.Since = NeedExhibitFinish, x.Added
	case x.State == Whole && x.Party != self && !slices.ContainsFunc(x.Holders, func(h Holder) bool { return h.Party == self }):
		n.Code = NeedExhibitTake
	default:
		return nil
	}
	return []Need{n}
}

// May returns the moves that a party may make in a review now, in their order.
func (v *Review) May(self journal.PartyID) []string {
	out := []string{}
	for i := range v.Parties {
		p := &v.Parties[i]
		if p.Party != self {
			continue
		}
		switch {
		case p.Committed == nil:
			out = append(out, ReviewCommit)
		case v.State == ReviewCommitted && p.Revealed == nil:
			out = append(out, ReviewReveal)
		}
		if p.Report == nil || v.Differs {
			out = append(out, ReviewSign)
		}
	}
	return out
}

// Needs returns what a review wants of a party.
func (v *Review) Needs(self journal.PartyID) []Need {
	may := v.May(self)
	n := Need{Ref: v.ID, From: v.Opener, To: self, Since: v.Opened}
	switch {
	case len(may) == 0:
		return nil
	case v.Differs:
		n.Code = NeedReviewDiffers
	default:
		n.Code = map[string]string{ReviewCommit: NeedReviewCommit, ReviewReveal: NeedReviewReveal, ReviewSign: NeedReviewSign}[may[0]]
	}
	return []Need{n}
}
