package stix

import (
	"errors"
	"strings"
	"time"
)

// Timestamp is a STIX timestamp (STIX 2.1 §2.16): RFC 3339 text, kept as it was
// received, and the instant it means.
type Timestamp struct {
	// Text is the received text; empty if the property is absent.
	Text string
	// Time is the instant in UTC, to the nanosecond. Digits beyond the ninth
	// survive in Text and are honoured by [Timestamp.Compare].
	Time time.Time
}

// IsZero reports whether the timestamp is absent.
func (t Timestamp) IsZero() bool { return t.Text == "" }

// String gives the received text.
func (t Timestamp) String() string { return t.Text }

// MarshalText gives the received text.
func (t Timestamp) MarshalText() ([]byte, error) { return []byte(t.Text), nil }

// UnmarshalText parses RFC 3339 text.
func (t *Timestamp) UnmarshalText(b []byte) error {
	v, err := ParseTimestamp(string(b))
	if err != nil {
		return err
	}
	*t = v
	return nil
}

// Compare orders two timestamps by the instants they mean, to any number of
// fractional digits: "…00Z" equals "…00.000Z". An absent timestamp comes first.
func (t Timestamp) Compare(u Timestamp) int {
	if t.Text == u.Text {
		return 0
	}
	switch {
	case t.IsZero():
		return -1
	case u.IsZero():
		return 1
	}
	if c := t.Time.Compare(u.Time); c != 0 {
		return c
	}
	return strings.Compare(subNano(t.Text), subNano(u.Text))
}

// subNano gives the fractional digits after the ninth, without trailing zeros.
func subNano(s string) string {
	_, frac, ok := strings.Cut(s, ".")
	if !ok {
		return ""
	}
	n := 0
	for n < len(frac) && isDigit(frac[n]) {
		n++
	}
	if n <= 9 {
		return ""
	}
	return strings.TrimRight(frac[9:n], "0")
}

var errTimestamp = errors.New("not an RFC 3339 timestamp such as 2026-01-31T12:00:00.000Z")

// maxTimestampBytes bounds the text; real ones have at most some 30 bytes.
const maxTimestampBytes = 64

// ParseTimestamp parses RFC 3339 text of at most 64 bytes. STIX demands "Z";
// other offsets are understood too, because real data has them, and
// [Validate] reports them. A leap second is taken as the next second.
func ParseTimestamp(s string) (Timestamp, error) {
	tm, _, err := parseTime(s)
	if err != nil {
		return Timestamp{}, err
	}
	return Timestamp{Text: s, Time: tm}, nil
}

// parseTime parses RFC 3339 and reports whether the text follows STIX to the
// letter: upper-case T and Z. It is hand-written because time.Parse is a third
// of the cost of reading an object.
func parseTime[S ~string | ~[]byte](s S) (t time.Time, strict bool, err error) {
	fail := func() (time.Time, bool, error) { return time.Time{}, false, errTimestamp }
	if len(s) < len("2006-01-02T15:04:05Z") || len(s) > maxTimestampBytes ||
		s[4] != '-' || s[7] != '-' || s[13] != ':' || s[16] != ':' {
		return fail()
	}
	num := func(i, n int) int {
		v := 0
		for _, c := range []byte(s[i : i+n]) {
			if !isDigit(c) {
				return -1 << 20
			}
			v = v*10 + int(c-'0')
		}
		return v
	}
	year, month, day := num(0, 4), num(5, 2), num(8, 2)
	hour, minute, sec := num(11, 2), num(14, 2), num(17, 2)
	if year < 0 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) ||
		hour < 0 || hour > 23 || minute < 0 || minute > 59 || sec < 0 || sec > 60 {
		return fail()
	}
	strict = s[10] == 'T'
	if !strict && s[10] != 't' {
		return fail()
	}
	i, nano := 19, 0
	if s[i] == '.' {
		i++
		from, unit := i, 100_000_000
		for i < len(s) && isDigit(s[i]) {
			nano += int(s[i]-'0') * unit
			unit /= 10
			i++
		}
		if i == from || i == len(s) {
			return fail()
		}
	}
	offset := 0
	switch s[i] {
	case 'Z', 'z':
		strict = strict && s[i] == 'Z'
		if i+1 != len(s) {
			return fail()
		}
	case '+', '-':
		strict = false
		if len(s) != i+6 || s[i+3] != ':' {
			return fail()
		}
		h, m := num(i+1, 2), num(i+4, 2)
		if h < 0 || h > 23 || m < 0 || m > 59 {
			return fail()
		}
		offset = h*3600 + m*60
		if s[i] == '-' {
			offset = -offset
		}
	default:
		return fail()
	}
	return time.Date(year, time.Month(month), day, hour, minute, sec-offset, nano, time.UTC), strict, nil
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

func isDigit(c byte) bool { return c-'0' <= 9 }
