package notify

import (
	"iter"
	"slices"
	"time"
)

// Plan is who is told, and when.
type Plan struct {
	First  []string // channels that are told at once
	Ladder []Rung   // who is told when nobody has looked
	Quiet  *Quiet   // nil: none
}

// Rung is one step of the escalation.
type Rung struct {
	After time.Duration // since the notice could first be told
	To    []string
}

// steps are the channels that are told of a notice, at once and by the ladder, each with when that may be.
func (p Plan) steps(r *Record) iter.Seq2[time.Time, Rung] {
	return func(yield func(time.Time, Rung) bool) {
		start := p.Quiet.told(r.Seen, r.Event.Urgency)
		if !yield(start, Rung{To: p.First}) {
			return
		}
		for _, rung := range p.Ladder {
			if !yield(p.Quiet.told(start.Add(rung.After), r.Event.Urgency), rung) {
				return
			}
		}
	}
}

// Quiet are hours in which nobody is told, unless it is urgent.
type Quiet struct {
	Zone     *time.Location
	From, To int            // minutes of the day; To before From, or equal to it, ends on the next day
	Days     []time.Weekday // on which it begins; none: on every day
	Except   []string       // urgencies that are told all the same
}

// Until returns the end of the quiet hours that t lies in, the zero time if in none.
func (q *Quiet) Until(t time.Time) time.Time {
	if q == nil {
		return time.Time{}
	}
	local := t.In(q.Zone)
	y, m, d := local.Date()
	for back := range 2 { // those that began today, and those that began yesterday
		day := d - back
		from := time.Date(y, m, day, q.From/60, q.From%60, 0, 0, q.Zone)
		if len(q.Days) > 0 && !slices.Contains(q.Days, time.Date(y, m, day, 12, 0, 0, 0, q.Zone).Weekday()) {
			continue
		}
		end := day
		if q.To <= q.From {
			end++
		}
		to := time.Date(y, m, end, q.To/60, q.To%60, 0, 0, q.Zone)
		if !t.Before(from) && t.Before(to) {
			return to
		}
	}
	return time.Time{}
}

// told returns when a notice of an urgency that is due at t may be told: at t, or when the quiet hours
// that t lies in are over. Quiet hours that follow each other without a gap are one.
func (q *Quiet) told(t time.Time, urgency string) time.Time {
	if q == nil || slices.Contains(q.Except, urgency) {
		return t
	}
	for range 8 {
		end := q.Until(t)
		if end.IsZero() {
			return t
		}
		t = end
	}
	return t
}
