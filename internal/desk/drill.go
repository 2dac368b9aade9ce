package desk

import (
	"fmt"
	"time"

	"entente/internal/accord"
	"entente/journal"
)

// States of an announcement; an overlay, and never set by a move.
const (
	Coming     State = "coming"      // its time has not begun
	UnderWay   State = "under-way"   // its time has begun, and nothing was tried yet
	Drilled    State = "drilled"     // a call or ping named it
	NotDrilled State = "not-drilled" // its time has passed, and nothing was tried
)

// Announcement is a drill to come, as one party told another.
type Announcement struct {
	ID      journal.Ref         `json:"id"`
	Drill   bool                `json:"drill"` // always
	Calling journal.PartyID     `json:"calling"`
	Called  journal.PartyID     `json:"called"`
	By      journal.By          `json:"by"`
	At      time.Time           `json:"at"`
	From    time.Time           `json:"from"`
	Until   time.Time           `json:"until"`
	TLP     string              `json:"tlp,omitempty"`
	Payload *journal.PayloadRef `json:"payload,omitempty"`
	Held    bool                `json:"held,omitempty"`
	Illegal []Step              `json:"illegal"`

	Received time.Time     `json:"received,omitzero"` // overlay: the called side's receipt
	Tried    []journal.Ref `json:"tried"`             // overlay: the calls and pings that name it
	State    State         `json:"state"`             // overlay
}

// NewAnnouncement reads an announcement. called is who is meant. The error is a *MoveError.
func NewAnnouncement(a Act[CallBody], called journal.PartyID) (*Announcement, error) {
	b := a.Body
	switch {
	case called == "" || called == a.Party:
		return nil, &MoveError{CodeNoAddressee, a.Ref, "name in \"to\" another member that is tried"}
	case !b.Until.After(a.At):
		return nil, &MoveError{CodeBadDate, a.Ref, "a drill is announced before its time has passed"}
	}
	if code, why := words(a.Payload); code != "" {
		return nil, &MoveError{code, a.Ref, why}
	}
	return &Announcement{ID: a.Ref, Drill: true, Calling: a.Party, Called: called, By: a.By, At: a.At, From: b.From.UTC(), Until: b.Until.UTC(),
		TLP: b.TLP, Payload: a.Payload, Held: a.Held, Illegal: []Step{}}, nil
}

// Judge refuses: nothing is added to an announcement.
func (n *Announcement) Judge(a Act[CallBody]) (code, why string) {
	return CodeUnknownMove, fmt.Sprintf("an announcement has no move %q; a drill call names it in announced", clip(a.Name))
}

// Apply refuses; see Judge.
func (n *Announcement) Apply(a Act[CallBody]) error {
	code, why := n.Judge(a)
	return n.Reject(a, code, why)
}

// Reject records what changed nothing and returns the *MoveError.
func (n *Announcement) Reject(a Act[CallBody], code, why string) error {
	s := callStep(a, "")
	s.Refused, s.Reason = code, why
	n.Illegal = append(n.Illegal, s)
	return &MoveError{code, a.Ref, why}
}

// Covers says why a drill of a party that calls another at an instant is not the one announced, ""
// if it is. received is when the called side gave a receipt of the announcement, as far as whoever
// calls knows; zero: it did not.
func (n *Announcement) Covers(calling, called journal.PartyID, at, received time.Time) (why string) {
	switch {
	case calling != n.Calling || called != n.Called:
		return "the announcement is of another party, or to another"
	case at.Before(n.From) || !at.Before(n.Until):
		return fmt.Sprintf("the announcement is for %s to %s", n.From.Format(time.RFC3339), n.Until.Format(time.RFC3339))
	case received.IsZero():
		return "the other side has given no receipt of the announcement"
	}
	return ""
}

// Clocked returns a copy with the overlay for one instant.
func (n *Announcement) Clocked(now, received time.Time, tried []journal.Ref) Announcement {
	out := *n
	out.Received, out.Tried = received, append([]journal.Ref{}, tried...)
	switch {
	case len(tried) > 0:
		out.State = Drilled
	case now.Before(n.From):
		out.State = Coming
	case now.Before(n.Until):
		out.State = UnderWay
	default:
		out.State = NotDrilled
	}
	return out
}

// Drills is all that was tried and is to be tried. None of it is among the calls.
type Drills struct {
	Announced []Announcement `json:"announced"`
	Calls     []Call         `json:"calls"`
	Pings     []PingState    `json:"pings"`

	Last    time.Time `json:"last,omitzero"`     // of the last drill call or ping
	Due     time.Time `json:"due,omitzero"`      // when the next has to be held by the accord's rhythm
	Overdue bool      `json:"overdue,omitempty"` // overlay
}

// Rhythm fills in when the next drill is due, by Last and an accord that is in force since an instant.
func (d *Drills) Rhythm(doc *accord.Document, since, now time.Time) {
	if doc == nil || !doc.Drills.Every.Set() {
		return
	}
	span, err := doc.Drills.Every.Span()
	if err != nil {
		return
	}
	if d.Last.After(since) {
		since = d.Last
	}
	d.Due = span.After(since)
	d.Overdue = now.After(d.Due)
}
