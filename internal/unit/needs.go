package unit

import (
	"slices"
	"time"

	"entente/internal/accord"
	"entente/internal/desk"
	"entente/journal"
)

// MaxNeeds is how many needs of one kind that others can make without end are worked out: breaches, the
// newest first.
const MaxNeeds = 1000

// Needs returns what waits for a party at an instant, in no order: the one table from which a status and
// notices are made. requests and line are those of the same instant, see [Fold.Clocked] and [Fold.Line]. It costs what is open,
// not what the unit has ever held.
func (f *Fold) Needs(self journal.PartyID, requests []*desk.Request, line Line, now time.Time) []desk.Need {
	f.fresh()
	now = now.UTC()
	out := make([]desk.Need, 0, len(requests))
	for i := range requests {
		out = append(out, requests[i].Needs(self)...)
	}
	for i := range line.Calls {
		out = append(out, line.Calls[i].Needs(self)...)
	}
	out = append(out, line.Drills.Needs(self)...)
	for i := range line.Contacts {
		out = append(out, line.Contacts[i].Needs(self)...)
	}
	for _, t := range f.threads[cases] {
		c := f.caseAt(t, now)
		out = append(out, c.Needs(self)...)
	}
	for _, t := range f.threads[commitments] {
		c := f.commitmentAt(t, now)
		out = append(out, c.Needs(self)...)
	}
	for _, t := range f.threads[statements] {
		out = append(out, jointOf[*desk.Statement](f, t).Needs(self, now)...)
	}
	members := f.members(f.global, true)
	for _, t := range f.threads[leaks] {
		l := f.leakOf(t, members)
		out = append(out, l.Needs(self)...)
	}
	for _, t := range f.threads[exhibits] {
		out = append(out, stateOf[*desk.Exhibit](f, t).Needs(self)...)
	}
	for _, t := range f.threads[reviews] {
		out = append(out, f.ordered(t).(reviewing).m.Needs(self)...)
	}
	out = append(out, f.unitNeeds(self, now)...)
	for i := range out {
		if out[i].Urgency == "" {
			out[i].Urgency = accord.Routine
		}
	}
	return out
}

// unitNeeds are those of the unit itself.
func (f *Fold) unitNeeds(self journal.PartyID, now time.Time) (out []desk.Need) {
	need := func(code string, r *record, word string) *desk.Need {
		out = append(out, desk.Need{Code: code, Ref: r.ref(), From: r.lane.party, Word: word, Urgency: accord.Urgent, Since: r.at})
		return &out[len(out)-1]
	}
	for _, t := range f.texts {
		if len(t.proposals) == 0 || !t.has(self) || len(t.signs[self]) > 0 || t.supersedes != f.global.terms.hashOf() || f.global.withdrawn[self] {
			continue
		}
		first := sorted(t.proposals)[0]
		if first.lane.party != self {
			need(desk.NeedAccordAnswer, first, "").Urgency = accord.Routine
		}
	}
	for _, r := range f.active(f.global) {
		if r.lane.party != self {
			need(desk.NeedSuspended, r, r.body.(*SuspendBody).Code)
		}
	}
	for _, l := range f.lanes {
		if l.party == self || f.global.withdrawn[l.party] {
			continue
		}
		for _, r := range l.events {
			if _, ok := r.body.(*NoticeBody); ok {
				n := need(desk.NeedLeaving, r, "")
				n.Due, n.Overdue = r.from.UTC(), !now.Before(r.from)
				break
			}
		}
	}
	for _, r := range f.leaves {
		if r.lane.party != self {
			need(desk.NeedLeft, r, "")
		}
	}
	n := 0
	for _, r := range slices.Backward(f.breaches) {
		if r.lane.party == self {
			continue
		}
		if n++; n > MaxNeeds {
			break
		}
		need(desk.NeedBreach, r, r.verdict.Code)
	}
	return out
}
