package node

import (
	"time"

	"entente/internal/desk"
	"entente/internal/notify"
	"entente/internal/unit"
	"entente/journal"
)

// lineEvents are what the hotline wants of a duty officer: a call that rings here, each ring once, and a
// step of the ladder that may be climbed. What is only tried is of a kind of its own. It must be called
// with the lock held.
func (l *ledger) lineEvents(line unit.Line) []notify.Event {
	self := l.n.keys().party
	var out []notify.Event
	event := func(kind, code, urgency string, call journal.Ref, at time.Time, about journal.Ref) {
		out = append(out, notify.Event{ID: notify.IDOf(kind, code, call.String(), about.String()), Kind: kind, Unit: l.name(), Ref: call.String(), At: at, Urgency: urgency, Code: code})
	}
	calls := func(kind string, list []desk.Call) {
		for i := range list {
			c := &list[i]
			ring := c.Rings[len(c.Rings)-1]
			urgency := c.Urgency
			if kind == notify.KindDrill {
				urgency = "routine" // nobody is woken by what is only tried
			}
			switch side := c.SideOf(self); {
			case side == desk.Called && c.Open() && ring.Met.IsZero():
				event(kind, "rings", urgency, c.ID, ring.At, ring.Ref)
			case side == desk.Calling && c.Open() && c.Climb > 0:
				event(kind, "climb", urgency, c.ID, c.Due, ring.Ref)
			}
		}
	}
	calls(notify.KindCall, line.Calls)
	calls(notify.KindDrill, line.Drills.Calls)
	for _, p := range line.Drills.Pings {
		if p.Called == self && p.State == desk.Ringing {
			event(notify.KindDrill, "ping", "routine", p.ID, p.At, p.ID)
		}
	}
	return out
}
