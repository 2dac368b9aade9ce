package accord

import (
	"errors"
	"fmt"
	"slices"
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
		_, off := t.Zone()
		if err != nil || name[4] > '5' || off < -14*3600 || off > 14*3600 {
			return nil, fmt.Errorf("%w: %q; write an offset as +02:00, at most 14 hours", ErrZone, name)
		}
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

// business is a calendar ready for reckoning.
type business struct {
	loc      *time.Location
	days     [7]bool
	from, to int // minutes of the day
	holidays map[string]bool
}

// loadCalendars makes the calendars ready once, so that reckoning reads no zone database.
func (d *Document) loadCalendars() {
	d.ready = make(map[string]*business, len(d.Calendars))
	for _, c := range d.Calendars {
		d.ready[c.Calendar] = c.business()
	}
}

// calendar is nil for "always", and for a name the document does not have (Parse refuses those).
func (d *Document) calendar(name string) *business {
	if name == Always || name == "" {
		return nil
	}
	if b, ok := d.ready[name]; ok {
		return b
	}
	for _, c := range d.Calendars { // a document that was not made by Parse
		if c.Calendar == name {
			return c.business()
		}
	}
	return nil
}

func (c Calendar) business() *business {
	loc, err := Zone(c.Zone)
	if err != nil {
		loc = time.UTC
	}
	b := &business{loc: loc, holidays: make(map[string]bool, len(c.Holidays))}
	b.from, _ = minuteOfDay(c.From)
	b.to, _ = minuteOfDay(c.To)
	for _, h := range c.Holidays {
		b.holidays[h] = true
	}
	works := false
	for _, day := range c.Days {
		if i := slices.Index(weekdays, day); i >= 0 {
			b.days[i], works = true, true
		}
	}
	if !works || b.from >= b.to {
		return nil
	}
	return b
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
	return open, shut, b.days[t.Weekday()] && (len(b.holidays) == 0 || !b.holidays[t.Format("2006-01-02")])
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
