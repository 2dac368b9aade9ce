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
		start := p.Quiet.told(r.Seen, &r.Event)
		if !yield(start, Rung{To: p.First}) {
			return
		}
		for _, rung := range p.Ladder {
			if !yield(p.Quiet.told(start.Add(rung.After), &r.Event), rung) {
				return
			}
		}
	}
}

// Codes of what keeps a plan from doing what it is for. They are stable.
const (
	FaultQuietAlways = "quiet-always" // on every day, quiet hours leave less than leastAwake: what is routine is never told
	FaultFirstLate   = "first-late"   // nobody is told at once, and the first rung comes after latestFirst
)

const (
	leastAwake  = time.Hour
	latestFirst = 24 * time.Hour
)

// Faults are the codes of what keeps the plan from calling anybody in time, none if nothing does.
func (p Plan) Faults() []string {
	var out []string
	if p.Quiet.always() {
		out = append(out, FaultQuietAlways)
	}
	if len(p.First) == 0 && len(p.Ladder) > 0 && p.Ladder[0].After > latestFirst {
		out = append(out, FaultFirstLate)
	}
	return out
}

// Quiet are hours in which nobody is told of what is routine. What is urgent or an emergency is told all the same, and so
// is a call that rings, whatever its urgency.
type Quiet struct {
	Zone     *time.Location
	From, To int            // minutes of the day; To before From, or equal to it, ends on the next day
	Days     []time.Weekday // on which it begins; none: on every day
	Except   []string       // urgencies that are told all the same, beside those that always are
}

// always tells that on every day of the week less than leastAwake is left between the quiet hours.
func (q *Quiet) always() bool {
	if q == nil || slices.Contains(q.Except, "routine") {
		return false
	}
	for day := time.Sunday; len(q.Days) > 0 && day <= time.Saturday; day++ {
		if !slices.Contains(q.Days, day) {
			return false
		}
	}
	awake := (q.From - q.To + 24*60) % (24 * 60)
	return time.Duration(awake)*time.Minute < leastAwake
}

// passes says whether a notice is told in quiet hours too.
func (q *Quiet) passes(e *Event) bool {
	return q == nil || e.Kind == KindCall || e.Urgency == "emergency" || e.Urgency == "urgent" || slices.Contains(q.Except, e.Urgency)
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

// told returns when a notice that is due at t may be told: at t, or when the quiet hours that t lies in are over. Quiet
// hours that follow each other without a gap are one.
func (q *Quiet) told(t time.Time, e *Event) time.Time {
	if q.passes(e) {
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
