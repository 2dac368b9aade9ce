package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"entente/internal/desk"
	"entente/internal/notify"
	"entente/journal"
)

// events is what needs a person of this party now. The same thing has the same id at every look.
func (n *Node) events(ctx context.Context) ([]notify.Event, error) {
	now := n.now()
	n.notes.mu.Lock()
	if n.notes.since.IsZero() {
		n.notes.since = now
	}
	since := n.notes.since
	n.notes.mu.Unlock()
	var out []notify.Event
	for _, l := range n.units() {
		l.mu.Lock()
		requests := l.fold.Requests(now)
		line := l.fold.Line(now)
		b := l.brief(requests, line)
		if b.State != "withdrawn" {
			for i := range requests {
				out = append(out, l.requestEvents(&requests[i])...)
			}
			out = append(out, l.lineEvents(line)...)
			out = append(out, l.unreachable(now, since)...)
			out = append(out, l.trouble(&b)...)
		}
		out = append(out, l.unitEvents(now, &b)...)
		l.mu.Unlock()
	}
	more, err := n.quarantined(ctx)
	if err != nil {
		return nil, err
	}
	out = append(out, more...)
	if n.full.Load() {
		out = append(out, notify.Event{ID: notify.IDOf("disk"), Kind: notify.KindDoctor, At: now, Urgency: "urgent", Code: CodeDiskFull, Episode: true})
	}
	if left := n.keys().id.Expires.Sub(now); left < 30*24*time.Hour {
		out = append(out, notify.Event{ID: notify.IDOf("identity", strconv.Itoa(n.keys().id.Version)), Kind: notify.KindDoctor, At: now, Urgency: "urgent", Code: "identity-expires"})
	}
	return out, nil
}

// requestEvents must be called with the lock held.
func (l *ledger) requestEvents(q *desk.Request) []notify.Event {
	self := l.n.keys().party
	side := q.SideOf(self)
	if side == "" || !isOpen(q) {
		return nil
	}
	ref, title := q.ID.String(), ""
	if l.n.config.Notify.Detail == "title" {
		title = l.viewOf(q, false).Title
	}
	event := func(kind, code string, at time.Time, about ...string) notify.Event {
		return notify.Event{ID: notify.IDOf(append([]string{kind, ref, code}, about...)...), Kind: kind, Unit: l.name(), Ref: ref, At: at, Urgency: q.Urgency, Code: code, Title: title}
	}
	var out []notify.Event
	if side == desk.Asked && q.State == desk.Sent {
		out = append(out, event(notify.KindRequestNew, q.Type, q.Sent))
	}
	if last := q.LastMove(); q.SideOf(last.Party) != side && last.Move != desk.Send && q.MayMove(side) {
		out = append(out, event(notify.KindRequestTurn, last.Move, last.At, last.Ref.String()))
	}
	for _, k := range q.Clocks {
		due := k.Due.UTC().Format(time.RFC3339)
		switch {
		case k.Overdue:
			out = append(out, event(notify.KindClockOverdue, k.Name, k.Due, string(k.Owner), due))
		case k.Warning && k.Owner == self:
			out = append(out, event(notify.KindClockSoon, k.Name, k.Due, due))
		}
	}
	return out
}

// unitEvents must be called with the lock held.
func (l *ledger) unitEvents(now time.Time, b *UnitBrief) []notify.Event {
	out := l.stateEvents(now, b)
	for _, m := range b.Members {
		if m.Fault != "" {
			out = append(out, notify.Event{ID: notify.IDOf(notify.KindEquivocation, m.Origin, m.Fault), Kind: notify.KindEquivocation, Unit: b.Name, Ref: m.Party, At: now, Urgency: "emergency", Code: m.Fault})
		}
	}
	return out
}

// stateEvents are those that only entries change. The whole state of a unit is dear, so it is not made again
// before a journal has grown. It must be called with the lock held.
func (l *ledger) stateEvents(now time.Time, b *UnitBrief) []notify.Event {
	self := l.n.keys().party
	mark := b.State
	for _, m := range b.Members {
		mark += fmt.Sprintf(" %s %d", m.Origin, m.Size)
	}
	l.n.notes.mu.Lock()
	known, ok := l.n.notes.states[l.id]
	l.n.notes.mu.Unlock()
	if ok && known.mark == mark {
		return slices.Clone(known.events)
	}
	s := l.fold.State(now)
	var out []notify.Event
	defer func() {
		l.n.notes.mu.Lock()
		defer l.n.notes.mu.Unlock()
		if l.n.notes.states == nil {
			l.n.notes.states = map[journal.UnitID]stateEvents{}
		}
		l.n.notes.states[l.id] = stateEvents{mark, slices.Clone(out)}
	}()
	for _, x := range s.Suspended {
		if x.Active && x.Party != self {
			out = append(out, notify.Event{ID: notify.IDOf(notify.KindSuspension, x.Ref.String()), Kind: notify.KindSuspension, Unit: b.Name, Ref: x.Ref.String(), At: x.At, Urgency: "urgent", Code: x.Code})
		}
	}
	for _, m := range s.Members {
		if m.Party == self {
			continue
		}
		if m.Notice != nil {
			out = append(out, notify.Event{ID: notify.IDOf(notify.KindWithdrawal, m.Notice.Ref.String()), Kind: notify.KindWithdrawal, Unit: b.Name, Ref: m.Notice.Ref.String(), At: m.Notice.At, Urgency: "urgent", Code: "notice"})
		}
		if m.Withdrawn != nil {
			out = append(out, notify.Event{ID: notify.IDOf(notify.KindWithdrawal, m.Withdrawn.Ref.String()), Kind: notify.KindWithdrawal, Unit: b.Name, Ref: m.Withdrawn.Ref.String(), At: m.Withdrawn.At, Urgency: "urgent", Code: "withdrawn"})
		}
	}
	for _, x := range s.Breaches {
		if x.Party != self {
			out = append(out, notify.Event{ID: notify.IDOf(notify.KindBreach, x.Ref.String()), Kind: notify.KindBreach, Unit: b.Name, Ref: x.Ref.String(), At: x.At, Urgency: "urgent", Code: x.Code})
		}
	}
	return out
}

// unreachable are the partners that this side opens sessions with, and could not for too long. It must
// be called with the lock held.
func (l *ledger) unreachable(now, since time.Time) []notify.Event {
	limit := time.Duration(l.n.config.Notify.UnreachableAfter)
	if limit == 0 {
		limit = time.Hour
	}
	var out []notify.Event
	for _, p := range sortedParties(l.file.Partners) {
		if _, ok := l.targetOf(p); !ok || l.fold.HasLeft(p) {
			continue
		}
		l.n.mu.Lock()
		last := l.n.synced[syncKey{l.id, p}]
		l.n.mu.Unlock()
		if last.Before(since) {
			last = since
		}
		if now.Sub(last) > limit {
			out = append(out, notify.Event{ID: notify.IDOf(notify.KindUnreachable, string(l.id), string(p)), Kind: notify.KindUnreachable, Unit: l.name(), Ref: string(p), At: last, Urgency: "urgent", Episode: true})
		}
	}
	return out
}

// trouble is what keeps this side of the unit from working. It must be called with the lock held.
func (l *ledger) trouble(b *UnitBrief) []notify.Event {
	var codes []string
	if l.ailing != nil {
		codes = append(codes, CodeDisk)
	}
	var held *Error
	if err := l.maySign(); errors.As(err, &held) && held.Code == CodeHeld {
		codes = append(codes, CodeHeld)
	}
	if l.retired != nil && !l.hold.witness {
		codes = append(codes, CodeRetired)
	}
	if b.Outdated > 0 {
		codes = append(codes, "identity-outdated")
	}
	for _, x := range b.Barred {
		codes = append(codes, "barred-"+x.Why)
	}
	var out []notify.Event
	for _, code := range codes {
		out = append(out, notify.Event{ID: notify.IDOf(notify.KindDoctor, string(l.id), code), Kind: notify.KindDoctor, Unit: b.Name, At: l.n.now(), Urgency: "urgent", Code: code, Episode: true})
	}
	return out
}

// quarantined is one event for each share that has objects waiting for a decision, and one for all that
// was imported here; it looks at the first thousand objects.
func (n *Node) quarantined(ctx context.Context) ([]notify.Event, error) {
	counts, err := n.counts(ctx)
	if err != nil || counts.Quarantined == 0 {
		return nil, err
	}
	list, err := n.intakePage(ctx, IntakeRequest{Limit: 1000})
	if err != nil {
		return nil, err
	}
	var out []notify.Event
	seen := map[string]bool{}
	for _, i := range list.Items {
		if i.Ref != "" && !seen[i.Ref] {
			seen[i.Ref] = true
			out = append(out, notify.Event{ID: notify.IDOf(notify.KindQuarantine, i.Ref), Kind: notify.KindQuarantine, Ref: i.Ref, At: n.now(), Urgency: "routine", Code: i.Code})
		}
	}
	return out, nil
}
