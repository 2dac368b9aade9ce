package accord

import "time"

// Instants are when the clocks of a zone show what clock says as if in UTC, the earlier first: once as a rule, twice where
// they are put back over it, never where they are put forward. No zone changes its offset twice within four days.
func Instants(clock time.Time, in *time.Location) []time.Time {
	var out []time.Time
	before, after := offsetsAround(clock, in)
	for _, offset := range []time.Duration{before, after} {
		t := clock.Add(-offset).In(in)
		if _, is := t.Zone(); time.Duration(is)*time.Second == offset && (len(out) == 0 || !out[0].Equal(t)) {
			out = append(out, t)
		}
	}
	return out
}

// DayStart is the first instant of a day in a zone, also where the clocks are changed at midnight. The day is given as
// its midnight in UTC.
func DayStart(day time.Time, in *time.Location) time.Time {
	if at := Instants(day, in); len(at) > 0 {
		return at[0]
	}
	before, _ := offsetsAround(day, in)
	return day.Add(-before).In(in) // when they are put forward
}

// offsetsAround are the offsets of a zone two days before and two days after, whatever the offset is.
func offsetsAround(clock time.Time, in *time.Location) (before, after time.Duration) {
	at := func(days time.Duration) time.Duration {
		_, seconds := clock.Add(days * 24 * time.Hour).In(in).Zone()
		return time.Duration(seconds) * time.Second
	}
	return at(-2), at(2)
}
