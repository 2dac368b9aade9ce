package logs

import (
	"strings"
	"time"
)

// moments are the ways in which logs write time, besides RFC 3339 and numbers; those without an offset are in the time of some place.
var moments = []struct {
	layout string
	in     *time.Location
}{
	{"2006-01-02T15:04:05.999999999Z0700", time.UTC}, // Suricata
	{"2006-01-02T15:04:05.999999999", somewhere},
	{"2006-01-02 15:04:05.999999999Z07:00", time.UTC},
	{"2006-01-02 15:04:05.999999999 Z0700", time.UTC},
	{"2006-01-02 15:04:05.999999999", somewhere},
	{"02/Jan/2006:15:04:05 -0700", time.UTC}, // the Common Log Format
	{"02-Jan-2006 15:04:05.999999999", somewhere},
	{"2006/01/02 15:04:05", somewhere},
	{"2006/01/02T15:04:05.999999999", somewhere}, // SiLK
}

// somewhere is where a time is that was written without its offset: [Options.At] tells where that is.
var somewhere = time.FixedZone("", 0)

// At gives a time that a format read, in UTC: one that was written without its offset is one of Zone. Where clocks were put back and it was there twice, it is the first.
func (o *Options) At(t time.Time) time.Time {
	if t.Location() != somewhere || o.Zone == nil {
		return t.UTC()
	}
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), o.Zone).UTC()
}

// moment reads a time as logs write it; the zero time if it is none. A time without an offset is [somewhere]. One that has no year of four digits
// in UTC, or an offset of a day, is none either: nothing that is written of it later (RFC 3339) could tell it.
func moment(s string) time.Time {
	t := anyMoment(s)
	if y := t.UTC().Year(); y < 1 || y > 9999 {
		return time.Time{}
	}
	if _, offset := t.Zone(); offset <= -24*60*60 || offset >= 24*60*60 {
		return time.Time{}
	}
	return t
}

// likelyMoment reads a time where nothing but its form tells that it is one: a number is one only if it is of the years 2000 to 2100.
func likelyMoment(s string) time.Time {
	t := moment(s)
	if y := t.UTC().Year(); number(s) && strings.IndexByte(s, '-') <= 0 && (y < 2000 || y >= 2100) {
		return time.Time{}
	}
	return t
}

func anyMoment(s string) time.Time {
	if s == "" || len(s) > 48 {
		return time.Time{}
	}
	if number(s) && strings.IndexByte(s, '-') <= 0 {
		return epoch(s)
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t
	}
	for _, m := range moments {
		if t, err := time.ParseInLocation(m.layout, s, m.in); err == nil {
			return t
		}
	}
	return time.Time{}
}

// epoch reads seconds since 1970 with decimals; or milliseconds, microseconds or nanoseconds, told by their size.
func epoch(s string) time.Time {
	whole, frac := int64(0), int64(0)
	i := 0
	for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		if whole > 9e17 {
			return time.Time{}
		}
		whole = whole*10 + int64(s[i]-'0')
	}
	if i == 0 {
		return time.Time{}
	}
	if i < len(s) && s[i] == '.' {
		unit := int64(100_000_000)
		for i++; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
			frac += int64(s[i]-'0') * unit
			unit /= 10
		}
	}
	if i < len(s) {
		return time.Time{}
	}
	switch {
	case whole >= 1e17:
		return time.Unix(0, whole).UTC()
	case whole >= 1e14:
		return time.UnixMicro(whole).UTC()
	case whole >= 1e11:
		return time.UnixMilli(whole).UTC()
	}
	return time.Unix(whole, frac).UTC()
}

// thisYear gives a time that was written without its year the year in which it lies nearest before now: at most a day ahead
// of it, for clocks that differ.
func thisYear(t time.Time, clock func() time.Time) time.Time {
	if t.IsZero() || clock == nil {
		return time.Time{}
	}
	now := clock().UTC()
	at := time.Date(now.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), somewhere)
	if at.After(now.Add(24 * time.Hour)) {
		at = time.Date(now.Year()-1, t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), somewhere)
	}
	return at
}
