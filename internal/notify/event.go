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
	KindDoctor       = "doctor"        // the node itself needs a person
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
	Code    string    `json:"code,omitempty"` // the stage of a clock, the move that was made, the code of what is wrong
	Title   string    `json:"title,omitempty"`
	// Episode says that the same thing can begin anew once it was over: a partner that cannot be reached.
	Episode bool `json:"episode,omitempty"`
}

// IDOf makes the id of an event from what it is about: sixteen hex digits, the same at every look.
func IDOf(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:8])
}

// Message is what goes over a channel.
type Message struct {
	// Key is the same in every attempt to send one notice over one channel, and in no other message.
	Key       string `json:"key"`
	Event     Event  `json:"event"`
	Escalated bool   `json:"escalated,omitempty"` // nobody has looked at it so far
	Try       int    `json:"try"`                 // from 1
	Subject   string `json:"subject"`
	Text      string `json:"text"`
	Lang      string `json:"lang"`
}

// Render puts a delivery into the words of a language.
func Render(c *lang.Catalog, d Delivery) Message {
	e := d.Event
	e.Title = lang.Visible(e.Title) // a partner wrote it
	what := c.Code("notify", e.Kind)
	orNone := func(s string) string {
		if s == "" {
			return c.Text("ui.none")
		}
		return s
	}
	code := e.Code
	for _, family := range []string{"stage", "move", "gate"} {
		if c.Has(family + "." + code) {
			code = c.Code(family, code)
			break
		}
	}
	lines := []string{c.Text("notify.body", "what", what, "unit", orNone(e.Unit), "ref", orNone(e.Ref), "at", c.Time(e.At),
		"urgency", c.Code("urgency", e.Urgency), "code", orNone(code))}
	if e.Title != "" {
		lines = append(lines, c.Text("notify.title", "title", e.Title))
	}
	if d.Escalated {
		lines = append(lines, c.Text("notify.escalated"))
	}
	if e.Kind != KindTest {
		lines = append(lines, c.Text("notify.ack", "id", e.ID))
	}
	return Message{Key: d.Key, Event: e, Escalated: d.Escalated, Try: d.Try, Subject: "Entente: " + what, Text: strings.Join(lines, "\n"), Lang: c.Tag()}
}
