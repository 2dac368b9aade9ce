package unit

import (
	"cmp"
	"fmt"
	"iter"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"entente/internal/accord"
	"entente/internal/desk"
	"entente/journal"
)

// contacts are the words on the contacts of the accord: that they hold, and whether they answer.
var contacts = &family{
	counted: true, prefix: "contact.", unknown: desk.CodeUnknownThread,
	parse: func(move string, raw jsontext.Value) (any, *journal.Ref, error) {
		b, err := desk.ParseContactBody(move, raw)
		return b, b.Ping, err
	},
	open: func(f *Fold, r *record) (func() state, error) {
		a := actOf[desk.ContactBody](r)
		doc, hash := (*accord.Document)(nil), r.terms.hashOf()
		if r.terms != nil {
			doc = r.terms.doc
		}
		switch a.Name {
		case desk.Confirm:
			if _, err := desk.NewConfirmation(a, doc); err != nil {
				return nil, err
			}
			return func() state { return confirmation{} }, nil
		case desk.Ping:
			if k := f.contactOf(doc, a.Body.Contact); k != nil && a.Body.Drill {
				if code, why := f.announced(r, doc, journal.PartyID(k.Party), a.Body.Announced); code != "" {
					return nil, &desk.MoveError{Code: code, Ref: a.Ref, Detail: why}
				}
			}
			if n := ahead(f.line.pings[r.lane.origin], func(x *record) bool { return x.at.After(r.at.Add(-pingDay)) }); n >= desk.MaxOpenCalls {
				return nil, &desk.MoveError{Code: desk.CodeTooMany, Ref: a.Ref, Detail: fmt.Sprintf("the author has pinged %d times in a day", n)}
			}
			return opener(func() (*desk.PingState, error) { return desk.NewPing(a, doc, hash) })
		}
		return nil, &desk.MoveError{Code: desk.CodeUnknownMove, Ref: a.Ref, Detail: "a contact is confirmed or pinged"}
	},
	opened: func(f *Fold, r *record, _ *thread) { f.line.contact(r) },
}

// pingDay is the time in which a journal pings at most desk.MaxOpenCalls times.
const pingDay = 24 * time.Hour

// contactKey is a contact of a party.
type contactKey struct {
	party journal.PartyID
	id    string
}

// confirmation is a thread to which nothing is added.
type confirmation struct{}

func (confirmation) judge(*record) (code, why string) {
	return desk.CodeUnknownMove, "nothing is added to a confirmation; confirm again"
}
func (confirmation) apply(*record)                  {}
func (confirmation) reject(*record, string, string) {}

// contact notes a word on a contact: of each only the last confirmation counts.
func (l *line) contact(r *record) {
	b := r.body.(*ContentBody).desk.(desk.ContactBody)
	if moveOf(r.kind) == desk.Ping {
		o := r.lane.origin
		list := l.pings[o]
		for len(list) > 0 && !list[0].at.After(r.at.Add(-pingDay)) { // times do not go back in a journal
			list = list[1:]
		}
		l.pings[o] = append(list, r)
		return
	}
	key := contactKey{r.lane.party, b.Contact}
	c, err := desk.NewConfirmation(actOf[desk.ContactBody](r), r.terms.doc)
	if old := l.confirmed[key]; err == nil && (old == nil || c.At.After(old.At) || c.At.Equal(old.At) && desk.CompareRefs(c.Ref, old.Ref) > 0) {
		l.confirmed[key] = c
	}
}

func (f *Fold) pings(now time.Time, open bool) []desk.PingState {
	out := []desk.PingState{}
	for t := range f.sorted(contacts) {
		if s, ok := f.ordered(t).(machined[desk.ContactBody, *desk.PingState]); ok && (!open || s.m.State == desk.Ringing) {
			out = append(out, f.clockedPing(t, s.m, now))
		}
	}
	return out
}

// UnclockedPings yields all pings as they stand, by id, without their clocks. They must not be changed.
func (f *Fold) UnclockedPings() iter.Seq[*desk.PingState] {
	f.fresh()
	return func(yield func(*desk.PingState) bool) {
		for t := range f.sorted(contacts) {
			if s, ok := f.ordered(t).(machined[desk.ContactBody, *desk.PingState]); ok && !yield(s.m) {
				return
			}
		}
	}
}

func (f *Fold) clockedPing(t *thread, p *desk.PingState, now time.Time) desk.PingState {
	return p.Clocked(now, f.past(t.opened, p.Called, nil, nil, now))
}

// Ping returns one ping with its clock for one instant, ok false if the entry is none.
func (f *Fold) Ping(ref journal.Ref, now time.Time) (p desk.PingState, ok bool) {
	f.fresh()
	if t := f.threads[contacts][ref]; t != nil {
		if s, ok := f.ordered(t).(machined[desk.ContactBody, *desk.PingState]); ok {
			return f.clockedPing(t, s.m, now.UTC()), true
		}
	}
	return desk.PingState{}, false
}

// Contacts returns the contacts of the accord in force, how fresh they are and whether they answer now.
func (f *Fold) Contacts(now time.Time) []desk.Contact {
	f.fresh()
	t := f.global.terms
	if t == nil || t.doc == nil {
		return []desk.Contact{}
	}
	now = now.UTC()
	reached := map[contactKey]time.Time{}
	note := func(p journal.PartyID, name string, at time.Time) {
		if key := (contactKey{p, name}); at.After(reached[key]) {
			reached[key] = at
		}
	}
	for _, th := range f.threads[hotlines] {
		if s, ok := f.ordered(th).(callState); ok {
			for _, r := range s.call.Rings {
				if !r.Met.IsZero() {
					note(s.call.Called, cmp.Or(r.ID, onlyContact(t.doc, s.call.Called, r.Contact)), r.Met)
				}
			}
		}
	}
	for _, th := range f.threads[contacts] {
		if s, ok := f.ordered(th).(machined[desk.ContactBody, *desk.PingState]); ok && !s.m.Met.IsZero() {
			note(s.m.Called, s.m.Contact, s.m.Met)
		}
	}
	return desk.Contacts(t.doc, f.since(t), now,
		func(p journal.PartyID, id string) *desk.Confirmation { return f.line.confirmed[contactKey{p, id}] },
		func(k *accord.Contact) time.Time { return reached[contactKey{journal.PartyID(k.Party), k.ID}] })
}

// onlyContact is the id of a party's contact of a kind, if it has exactly one: of several nobody can
// say which one answered.
func onlyContact(doc *accord.Document, p journal.PartyID, kind string) (id string) {
	for i := range doc.Contacts {
		if k := &doc.Contacts[i]; k.Party == string(p) && k.Kind == kind {
			if id != "" {
				return ""
			}
			id = k.ID
		}
	}
	return id
}
