package node

import (
	"fmt"
	"time"

	"entente/internal/desk"
	"entente/internal/unit"
)

// lineAttention is what needs a person on the hotline. Whatever comes of a drill says so first, and
// never stands before what is live. The lock must be held.
func (l *ledger) lineAttention(v unit.Line, unitName string) []attention {
	var out []attention
	for i := range v.Calls {
		out = append(out, l.callAttention(&v.Calls[i], unitName+": ", 0)...)
	}
	drill := unitName + ": DRILL: "
	for i := range v.Drills.Calls {
		out = append(out, l.callAttention(&v.Drills.Calls[i], drill, 3)...)
	}
	self := l.n.keys().party
	for i := range v.Drills.Pings {
		if p := &v.Drills.Pings[i]; p.Called == self && p.State == desk.Ringing && p.Clock != nil {
			out = append(out, attention{rank: 3, due: p.Clock.Due, text: fmt.Sprintf("%s%s tries the contact %s: 'entente contact answer %s', %s", drill,
				l.partyName(p.Calling), p.Contact, short(p.ID), byWhen(p.Clock.Due, p.Clock.Overdue))})
		}
	}
	for _, a := range v.Drills.Announced {
		if a.Called == self && (a.State == desk.Coming || a.State == desk.UnderWay) {
			out = append(out, attention{rank: 3, due: a.From, text: fmt.Sprintf("%s%s announces one from %s to %s", drill, l.partyName(a.Calling), a.From.Format(time.RFC3339), a.Until.Format(time.RFC3339))})
		}
	}
	if v.Drills.Overdue {
		out = append(out, attention{rank: 3, due: v.Drills.Due, text: fmt.Sprintf("%sone is due since %s by the accord; announce it with 'entente hotline announce'", drill, v.Drills.Due.Format(time.RFC3339))})
	}
	for _, k := range v.Contacts {
		if k.Party == self && k.Stale {
			out = append(out, attention{rank: 3, due: k.Due, text: fmt.Sprintf("%s: the own contact %s was not confirmed or reached since %s: 'entente contact confirm %s'", unitName, k.ID, k.Fresh.Format(time.RFC3339), k.ID)})
		}
	}
	return out
}

// callAttention is what a call needs of this party; rank is that of one that rings here.
func (l *ledger) callAttention(c *desk.Call, prefix string, rank int) []attention {
	side := c.SideOf(l.n.keys().party)
	if side == "" || !c.Open() {
		return nil
	}
	id := short(c.ID)
	what := c.Urgency
	if c.Subject != "" {
		what += ", " + c.Subject
	}
	ringing := c.Rings[len(c.Rings)-1].Met.IsZero()
	a := attention{rank: max(rank, 2), due: c.Due}
	switch {
	case side == desk.Called && ringing:
		a.rank = rank
		a.text = fmt.Sprintf("%scall %s from %s rings since %s (%s): 'entente hotline ack %s', %s", prefix, id, l.partyName(c.Calling), c.At.Format(time.RFC3339), what, id, byWhen(c.Due, c.Overdue))
	case side == desk.Calling && c.Climb > 0:
		a.rank = rank
		a.text = fmt.Sprintf("%scall %s to %s: step %d of the ladder is due (%s): 'entente hotline escalate %s'", prefix, id, l.partyName(c.Called), c.Climb, c.Ladder[c.Climb-1].Contact, id)
	case ringing:
		a.text = fmt.Sprintf("%scall %s to %s is not answered, %s", prefix, id, l.partyName(c.Called), byWhen(c.Due, c.Overdue))
	default:
		other := c.Called
		if side == desk.Called {
			other = c.Calling
		}
		a.text = fmt.Sprintf("%scall %s with %s is open (%s)", prefix, id, l.partyName(other), what)
	}
	return []attention{a}
}

func byWhen(due time.Time, overdue bool) string {
	switch {
	case overdue:
		return "OVERDUE since " + due.Format(time.RFC3339)
	case due.IsZero():
		return "no clock runs"
	}
	return "due " + due.Format(time.RFC3339)
}
