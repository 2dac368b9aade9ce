package accord

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// ErrDuration is wrapped by every error about an ISO 8601 duration.
var ErrDuration = errors.New("not a duration")

// maxSpan bounds a duration: no clock of an accord runs longer than a hundred years.
const maxSpan = 100 * 366 * 24 * time.Hour

// Duration is an ISO 8601 duration as written, e.g. PT15M, P3D, P1M. The text is kept, so that the
// document stays what was signed; Span gives its value.
type Duration string

// Span is the value of a duration. Months and days are calendar steps, not fixed lengths.
type Span struct {
	Months int
	Days   int
	Clock  time.Duration // hours, minutes and seconds
}

// Span parses the duration strictly: P[nY][nM][nW][nD][T[nH][nM][nS]], whole numbers without sign
// or leading zeros, units in order and each at most once, at least one of them, at most a hundred
// years in all. The empty duration is an error; ask Set first.
func (d Duration) Span() (Span, error) {
	s := string(d)
	bad := func(why string) (Span, error) {
		return Span{}, fmt.Errorf("%w: %q %s; write it as ISO 8601, for example PT8H or P3D", ErrDuration, clip(s, 40), why)
	}
	if len(s) > 40 {
		return bad("is too long")
	}
	if len(s) < 3 || s[0] != 'P' {
		return bad("does not start with P and a number")
	}
	var sp Span
	rest, inTime, last, any := s[1:], false, -1, false
	for rest != "" {
		if rest[0] == 'T' {
			if inTime {
				return bad("has two T")
			}
			inTime, last, rest = true, -1, rest[1:]
			if rest == "" {
				return bad("ends in T")
			}
			continue
		}
		n := 0
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			n++
		}
		if n == 0 || n == len(rest) || n > 7 || (n > 1 && rest[0] == '0') {
			return bad("is not made of whole numbers and units")
		}
		v, err := strconv.Atoi(rest[:n])
		if err != nil {
			return bad("has a number out of range")
		}
		units := "YMWD"
		if inTime {
			units = "HMS"
		}
		at := -1
		for i := range len(units) {
			if units[i] == rest[n] {
				at = i
			}
		}
		if at < 0 || at <= last {
			return bad("has an unknown unit or units out of order")
		}
		switch last = at; {
		case !inTime && at == 0:
			sp.Months += 12 * v
		case !inTime && at == 1:
			sp.Months += v
		case !inTime && at == 2:
			sp.Days += 7 * v
		case !inTime:
			sp.Days += v
		case at == 0:
			sp.Clock += time.Duration(v) * time.Hour
		case at == 1:
			sp.Clock += time.Duration(v) * time.Minute
		default:
			sp.Clock += time.Duration(v) * time.Second
		}
		rest, any = rest[n+1:], true
		if sp.Months > 1200 || sp.Days > 36600 || sp.Clock > maxSpan || sp.Clock < 0 {
			return bad("is longer than a hundred years")
		}
	}
	if !any {
		return bad("has no unit")
	}
	if sp.Approx() > maxSpan {
		return bad("is longer than a hundred years")
	}
	return sp, nil
}

// Set says whether a duration was given at all.
func (d Duration) Set() bool { return d != "" }

// Approx is the length with months of 30 days, for comparing and for display only.
func (s Span) Approx() time.Duration {
	return time.Duration(s.Months*30+s.Days)*24*time.Hour + s.Clock
}

// After is t plus the span, in UTC: months first (a day that the month does not have becomes its
// last), then days, then the hours. It does not depend on t's location, which time.Parse takes from
// the machine when the offsets happen to agree.
func (s Span) After(t time.Time) time.Time {
	return addDays(addMonths(t.UTC(), s.Months), s.Days).Add(s.Clock)
}

// Before is t minus the span, in UTC.
func (s Span) Before(t time.Time) time.Time {
	return addDays(addMonths(t.UTC(), -s.Months), -s.Days).Add(-s.Clock)
}

func addDays(t time.Time, n int) time.Time {
	if n == 0 {
		return t
	}
	return t.AddDate(0, 0, n)
}

func addMonths(t time.Time, n int) time.Time {
	if n == 0 {
		return t
	}
	y, m, d := t.Date()
	first := time.Date(y, m, 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location()).AddDate(0, n, 0)
	lastDay := time.Date(first.Year(), first.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	return time.Date(first.Year(), first.Month(), min(d, lastDay), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
}

// clip shortens foreign text for a message.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n] + "…"
}
