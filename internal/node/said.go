package node

import (
	"errors"

	"entente/internal/desk"
	"entente/internal/store"
	"entente/journal"

	jsonv2 "github.com/go-json-experiment/json"
)

// Why words that go with an entry are not shown: the member "absent" of views, whatever family the entry is of.
const (
	AbsentHeld       = "held"       // the gate held the entry; nothing of it is used
	AbsentNotHere    = "not-here"   // they were not handed over, or are destroyed
	AbsentSealed     = "sealed"     // they lie encrypted here, and the key is not there
	AbsentUnreadable = "unreadable" // what was sent as words is none
	AbsentTooLong    = "too-long"   // longer than words may be
)

// said reads the words that go with an entry of any family into v. Where absent says why they are not shown, v does not count.
// most bounds what is opened, in bytes; 0 is what the type of the payload may have. The lock must be held.
func (l *ledger) said(p *journal.PayloadRef, held bool, most int64, v any) (absent string) {
	if p == nil {
		return ""
	}
	if held {
		return AbsentHeld
	}
	open := l.openPayload
	if most > 0 {
		open = func(p journal.PayloadRef) ([]byte, error) { return l.openBounded(p, most) }
	}
	plain, err := open(*p)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return AbsentNotHere
	case errors.Is(err, store.ErrSealed):
		return AbsentSealed
	case err != nil || jsonv2.Unmarshal(plain, v) != nil:
		return AbsentUnreadable
	}
	return ""
}

// moveWords reads the words of a move, or of what goes with it.
func (l *ledger) moveWords(p *journal.PayloadRef, held bool) (a answerPayload, absent string) {
	var read answerPayload
	if absent = l.said(p, held, 0, &read); absent == "" {
		a = read
	}
	return a, absent
}

// words reads what was said on the line, at a drill or of a contact.
func (l *ledger) words(p *journal.PayloadRef, held bool) (text, absent string) {
	if p != nil && !held && p.Type != journal.PayloadText {
		return "", AbsentUnreadable
	}
	var a answerPayload
	if absent = l.said(p, held, maxText, &a); absent != "" {
		return "", absent
	}
	return a.Text, ""
}

// payloadOf reads what somebody said about what members keep together.
func (l *ledger) payloadOf(s *desk.Said) (p jointPayload, absent string) {
	if s == nil {
		return p, ""
	}
	var read jointPayload
	if absent = l.said(s.Payload, s.Held, maxJointPayload, &read); absent != "" {
		return p, absent
	}
	if len(read.Text) > maxText || len(read.Title) > maxTitle || len(read.Where) > maxTitle || len(read.Noticed) > maxTitle {
		return p, AbsentTooLong
	}
	return read, ""
}
