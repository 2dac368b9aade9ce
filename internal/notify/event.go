package notify

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"entente/internal/lang"
)

// The kinds of what is told. They are stable, and keys of the catalogs below "notify.".
const (
	KindRequestNew   = "request-new"   // a request that this party was sent
	KindRequestTurn  = "request-turn"  // a move of the other side after which this one has to move
	KindClockSoon    = "clock-soon"    // a warning of the accord was reached
	KindClockOverdue = "clock-overdue" // a deadline has passed
	KindCall         = "call"          // the hotline rings here, or a step of the ladder may be climbed
	KindDrill        = "drill"         // the same of what is only tried
	KindSuspension   = "suspension"    // the unit, or a part of it, was suspended
	KindWithdrawal   = "withdrawal"    // a member gave notice, or has withdrawn
	KindBreach       = "breach"        // content that the accord does not allow
	KindEquivocation = "equivocation"  // a journal is proved to break the rules
	KindQuarantine   = "quarantine"    // received objects wait for a decision
	KindUnreachable  = "unreachable"   // no session with a partner for longer than is set
	KindCase         = "case"          // a claim that this party may reply to, or its word on closing a case
	KindCommitment   = "commitment"    // one that is due soon, is overdue, or was reported done
	KindStatement    = "statement"     // one that lacks this party's signature
	KindLeak         = "leak"          // a report that this party has not answered
	KindExhibit      = "exhibit"       // evidence that this party has not taken in
	KindReview       = "review"        // scores or a signature of this party are missing
	KindAccord       = "accord"        // a proposal that this party has not answered
	KindDoctor       = "doctor"        // the node itself needs a person
	KindRelease      = "release"       // an act waits for a second person
	KindAlarm        = "alarm"         // the node drafted what may be sent about an asset
	KindTest         = "test"          // somebody tries the channels
)

// Event is one thing that needs a person. It carries codes and references; the title only where the
// operator asked for it, because a title is marked like the rest of a request.
type Event struct {
	ID      string    `json:"id"` // see IDOf
	Kind    string    `json:"kind"`
	Unit    string    `json:"unit,omitempty"`
	Ref     string    `json:"ref,omitempty"` // of an entry, "origin#index", or a party
	At      time.Time `json:"at"`
	Urgency string    `json:"urgency"`        // emergency, urgent, routine
	Code    string    `json:"code,omitempty"` // the stage of a clock, the move that was made, the code of what waits
	Title   string    `json:"title,omitempty"`
	// Episode says that the same thing can begin anew once it was over: a partner that cannot be reached.
	Episode bool `json:"episode,omitempty"`
	// Need is what waits, in full. Notices of tests and of shares in quarantine have none.
	Need *Item `json:"need,omitempty"`
}

// IDOf makes the id of an event from what it is about: sixteen hex digits, the same at every look.
func IDOf(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:8])
}

// Message is what goes over a channel: one notice, or all that were due on it in one round.
type Message struct {
	// Key is the same in every attempt to send the same notices over one channel, and in no other message.
	Key       string `json:"key"`
	Event     Event  `json:"event"`               // the most urgent one
	Events    []Told `json:"events,omitempty"`    // where there are several: the first of them, with this one
	Count     int    `json:"count"`               // how many notices it stands for
	Escalated bool   `json:"escalated,omitempty"` // nobody has looked at it so far
	Try       int    `json:"try"`                 // from 1
	Subject   string `json:"subject"`
	Text      string `json:"text"`
	Lang      string `json:"lang"`
}

// Told is one notice of a message that stands for several. Its key is that which it would have alone.
type Told struct {
	Key string `json:"key"`
	Event
}

// maxTold is how many notices of a message are named in it; the others are counted.
const maxTold = 20

// Render puts what is due on a channel into one message in the words of a language, the first delivery before the
// others. There is at least one.
func Render(c *lang.Catalog, due []Delivery) Message {
	d := due[0]
	d.Event.Title = lang.Visible(d.Event.Title) // a partner wrote it
	m := Message{Key: d.Key, Event: d.Event, Count: len(due), Escalated: d.Escalated, Try: d.Try, Lang: c.Tag()}
	if len(due) == 1 {
		m.Subject = "Entente: " + c.Code("notify", d.Event.Kind)
		m.Text = told(c, d.Event)
	} else {
		m.Subject = "Entente: " + c.Text("notify.gathered", "n", len(due))
		keys := make([]string, 0, len(due))
		lines := []string{c.Text("notify.gathered", "n", len(due))}
		for i, d := range due {
			keys = append(keys, d.Key)
			m.Escalated = m.Escalated || d.Escalated
			if i < maxTold {
				d.Event.Title = lang.Visible(d.Event.Title)
				m.Events = append(m.Events, Told{d.Key, d.Event})
				lines = append(lines, "", told(c, d.Event))
			}
		}
		m.Key = IDOf(keys...)
		if more := len(due) - len(m.Events); more > 0 {
			lines = append(lines, "", c.Text("notify.more", "n", more))
		}
		m.Text = strings.Join(lines, "\n")
	}
	if d.Under != "" {
		m.Key = d.Under
	}
	if m.Escalated {
		m.Text += "\n" + c.Text("notify.escalated")
	}
	return m
}

// told is one notice in words.
func told(c *lang.Catalog, e Event) string {
	what := c.Code("notify", e.Kind)
	orNone := func(s string) string {
		if s == "" {
			return c.Text("ui.none")
		}
		return s
	}
	lines := []string{c.Text("notify.body", "what", what, "unit", orNone(e.Unit), "ref", orNone(e.Ref), "at", c.Time(e.At), "urgency", c.Code("urgency", e.Urgency))}
	if e.Need != nil {
		lines = append(lines, e.Need.Text(c))
	}
	if e.Title != "" {
		lines = append(lines, c.Text("notify.title", "title", e.Title))
	}
	if e.Kind != KindTest {
		lines = append(lines, c.Text("notify.ack", "id", e.ID))
	}
	return strings.Join(lines, "\n")
}
