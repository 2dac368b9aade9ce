package accord

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Always is the calendar in which every second counts.
const Always = "always"

// ErrZone is wrapped by errors about time zones.
var ErrZone = errors.New("not a time zone")

// Zone reads an IANA time zone name, "UTC" or an offset such as "+02:00". "Local" and the empty
// name are refused: they mean something else on every machine.
func Zone(name string) (*time.Location, error) {
	if name == "UTC" || name == "Z" {
		return time.UTC, nil
	}
	if len(name) == 6 && (name[0] == '+' || name[0] == '-') {
		t, err := time.Parse("-07:00", name)
		if err != nil {
			return nil, fmt.Errorf("%w: %q; write an offset as +02:00", ErrZone, name)
		}
		_, off := t.Zone()
		return time.FixedZone("UTC"+name, off), nil
	}
	if name == "" || name == "Local" || len(name) > 64 {
		return nil, fmt.Errorf("%w: %q; write a name such as Europe/Vienna or an offset such as +02:00", ErrZone, clip(name, 64))
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %q is not in the time zone database; write a name such as Europe/Vienna or an offset such as +02:00", ErrZone, name)
	}
	return loc, nil
}

// loadZones keeps the zones of the calendars, so that reckoning does not read the database again.
func (d *Document) loadZones() {
	d.zones = map[string]*time.Location{}
	for _, c := range d.Calendars {
		if loc, err := Zone(c.Zone); err == nil {
			d.zones[c.Zone] = loc
		}
	}
}

// business is a calendar ready for reckoning.
type business struct {
	loc      *time.Location
	days     [7]bool
	from, to int // minutes of the day
	holidays []string
}

// calendar is nil for "always", and for a name the document does not have (Parse refuses those).
func (d *Document) calendar(name string) *business {
	if name == Always || name == "" {
		return nil
	}
	for _, c := range d.Calendars {
		if c.Calendar != name {
			continue
		}
		loc := d.zones[c.Zone]
		if loc == nil {
			var err error
			if loc, err = Zone(c.Zone); err != nil {
				loc = time.UTC
			}
		}
		b := &business{loc: loc, holidays: c.Holidays}
		b.from, _ = minuteOfDay(c.From)
		b.to, _ = minuteOfDay(c.To)
		any := false
		for _, day := range c.Days {
			if i := slices.Index(weekdays, day); i >= 0 {
				b.days[i], any = true, true
			}
		}
		if !any || b.from >= b.to {
			return nil
		}
		return b
	}
	return nil
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

func minuteOfDay(s string) (int, error) {
	if s == "24:00" {
		return 24 * 60, nil
	}
	t, err := time.Parse("15:04", s)
	if err != nil || len(s) != 5 {
		return 0, fmt.Errorf("%q is not a time of day; write it as 08:30", clip(s, 20))
	}
	return t.Hour()*60 + t.Minute(), nil
}

// maxCalendarDays bounds every walk through a calendar (a hundred years).
const maxCalendarDays = 36600

// window is the working time of the local day that t lies in; ok is false on a day off.
func (b *business) window(t time.Time) (open, shut time.Time, ok bool) {
	t = t.In(b.loc)
	y, m, d := t.Date()
	open = time.Date(y, m, d, 0, b.from, 0, 0, b.loc)
	shut = time.Date(y, m, d, 0, b.to, 0, 0, b.loc)
	return open, shut, b.days[t.Weekday()] && !slices.Contains(b.holidays, t.Format("2006-01-02"))
}

func (b *business) nextDay(t time.Time) time.Time {
	y, m, d := t.In(b.loc).Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, b.loc)
}

// ahead is t if it lies in working time, else the next moment that does.
func (b *business) ahead(t time.Time) time.Time {
	for range maxCalendarDays {
		open, shut, ok := b.window(t)
		if ok && t.Before(open) {
			return open
		}
		if ok && t.Before(shut) {
			return t.In(b.loc)
		}
		t = b.nextDay(t)
	}
	return t
}

// after walks months on the calendar, days as working days, hours through working time.
func (b *business) after(t time.Time, s Span) time.Time {
	t = b.ahead(t)
	if s.Months > 0 {
		t = b.ahead(addMonths(t, s.Months))
	}
	for range min(s.Days, maxCalendarDays) {
		hour, minute, sec := t.Clock()
		t = b.nextDay(t)
		for range maxCalendarDays {
			if _, _, ok := b.window(t); ok {
				break
			}
			t = b.nextDay(t)
		}
		y, m, d := t.Date()
		t = time.Date(y, m, d, hour, minute, sec, 0, b.loc)
	}
	left := s.Clock
	for range maxCalendarDays {
		if left <= 0 {
			break
		}
		t = b.ahead(t)
		_, shut, _ := b.window(t)
		if room := shut.Sub(t); left > room {
			left -= room
			t = b.nextDay(t)
			continue
		}
		t = t.Add(left)
		left = 0
	}
	return t
}

// between is the working time in [from, to).
func (b *business) between(from, to time.Time) time.Duration {
	var sum time.Duration
	for range maxCalendarDays {
		if !from.Before(to) {
			break
		}
		open, shut, ok := b.window(from)
		if ok {
			lo, hi := open, shut
			if from.After(lo) {
				lo = from
			}
			if to.Before(hi) {
				hi = to
			}
			if hi.After(lo) {
				sum += hi.Sub(lo)
			}
		}
		from = b.nextDay(from)
	}
	return sum
}

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

// Due is when a clock started at start runs out: its length in its calendar, tightened by election
// windows, later by the pauses (each at most as long as its stop rule allows; a move that is no
// stop rule of the clock does not count). It is exact only as long as every pause has ended.
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
	for _, e := range d.Elections {
		due = e.tighten(c, start, due)
	}
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
		} else {
			due = cal.after(due, Span{Clock: cal.between(from, to)})
		}
	}
	return due
}

// tighten brings a deadline forward where the clock runs inside an election window.
func (e Election) tighten(c Clock, start, due time.Time) time.Time {
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
	if capped := span.After(from); capped.Before(due) {
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

// join lists choices for a message.
func join(choices []string) string { return strings.Join(choices, ", ") }
