package accord

import (
	"errors"
	"slices"
	"time"
)

// Clock is one deadline the accord sets, found by Document.Clock.
type Clock struct {
	// Clause is the id of the clause that sets it.
	Clause string
	Type   string
	Stage  string
	// Length is the time allowed.
	Length Duration
	// Calendar names the calendar it runs in.
	Calendar string
	Stops    []Stop
	Warnings []Duration
}

// Clock finds the clock of a stage for a type of request and an urgency. The stages "receipt" and
// "silence" apply to every type unless it has its own. ok is false when the accord sets none.
func (d *Document) Clock(reqType, urgency, stage string) (Clock, bool) {
	t := d.requestType(reqType)
	if t == nil {
		return Clock{}, false
	}
	stages, ok := t.Clocks[urgency]
	if !ok {
		return Clock{}, false
	}
	if length, ok := stages[stage]; ok {
		return Clock{Clause: t.ID, Type: t.Type, Stage: stage, Length: length, Calendar: t.Calendar, Stops: t.Stops, Warnings: t.Warnings}, true
	}
	general := Clock{Clause: d.Requests.ID, Type: t.Type, Stage: stage, Calendar: Always}
	switch stage {
	case StageReceipt:
		general.Length = d.Requests.Receipt
	case StageSilence:
		general.Length = d.Requests.Silence
	}
	return general, general.Length.Set()
}

// Pause is a time in which a stop rule held the clocks.
type Pause struct {
	Move     string
	From, To time.Time
}

// Due is when a clock started at start runs out: its length in its calendar, later by the pauses (each
// at most as long as its stop rule allows; a move that is no stop rule of the clock does not count),
// tightened by election windows. It is exact only as long as every pause has ended.
func (d *Document) Due(c Clock, start time.Time, pauses ...Pause) time.Time {
	span, err := c.Length.Span()
	if err != nil {
		return start
	}
	cal := d.calendar(c.Calendar)
	due := span.After(start)
	if cal != nil {
		due = cal.after(start, span)
	}
	due = c.paused(due, start, cal, pauses)
	for _, e := range d.Elections {
		due = e.tighten(c, start, due, pauses)
	}
	return due
}

// paused moves a deadline of a clock that runs from start on by the pauses. In a business calendar a pause counts as far as
// it lies in working time.
func (c Clock) paused(due, start time.Time, cal *business, pauses []Pause) time.Time {
	pauses = slices.Clone(pauses)
	slices.SortFunc(pauses, func(a, b Pause) int { return a.From.Compare(b.From) })
	var stoppedUntil time.Time
	for _, p := range pauses {
		i := slices.IndexFunc(c.Stops, func(s Stop) bool { return s.Move == p.Move })
		if i < 0 {
			continue
		}
		from, to := p.From, p.To
		if from.Before(start) {
			from = start
		}
		if from.Before(stoppedUntil) { // pauses that overlap count once
			from = stoppedUntil
		}
		if at := c.Stops[i].AtMost; at.Set() {
			if most, err := at.Span(); err == nil && most.After(p.From).Before(to) {
				to = most.After(p.From)
			}
		}
		if !from.Before(to) || !from.Before(due) {
			continue
		}
		stoppedUntil = to
		if cal == nil {
			due = due.Add(to.Sub(from))
		} else if worked := cal.between(from, to); worked > 0 {
			due = cal.after(due, Span{Clock: worked})
		}
	}
	return due
}

// tighten brings a deadline forward where the clock runs inside an election window. The cap counts day and night, and so do
// the pauses in it.
func (e Election) tighten(c Clock, start, due time.Time, pauses []Pause) time.Time {
	limit, ok := e.Caps[c.Stage]
	if !ok || (len(e.Types) > 0 && !slices.Contains(e.Types, c.Type)) {
		return due
	}
	from, err1 := time.Parse(time.RFC3339, e.From)
	to, err2 := time.Parse(time.RFC3339, e.To)
	span, err3 := limit.Span()
	if err := errors.Join(err1, err2, err3); err != nil || !start.Before(to) || !due.After(from) {
		return due
	}
	if start.After(from) {
		from = start
	}
	if capped := c.paused(span.After(from), from, nil, pauses); capped.Before(due) {
		return capped
	}
	return due
}

// WarnAt is when people are warned before a deadline, soonest first.
func (c Clock) WarnAt(due time.Time) []time.Time {
	var out []time.Time
	for _, w := range c.Warnings {
		if s, err := w.Span(); err == nil {
			out = append(out, s.Before(due))
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	return out
}
