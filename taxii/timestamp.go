package taxii

import (
	"cmp"
	"errors"
	"strconv"
	"strings"
	"time"
)

const maxTimestamp = 40 // characters; nine digits of a second need 30

var errTimestamp = errors.New("not a timestamp of the form 2006-01-02T15:04:05.000000Z (RFC 3339, UTC, upper-case T and Z)")

// FormatTime renders t as TAXII does for date_added: UTC with exactly six fractional digits (TAXII 2.1, section 2).
func FormatTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

// ParseTime reads a TAXII timestamp: RFC 3339 in UTC with the designator Z and any number of fractional digits that
// fits 40 characters (TAXII 2.1, section 2). Digits beyond the nanosecond are cut. [time.Parse] alone would also take
// a comma, one-digit hours and offsets.
func ParseTime(s string) (time.Time, error) {
	const form = "dddd-dd-ddTdd:dd:dd"
	if len(s) < len(form)+1 || len(s) > maxTimestamp || s[len(s)-1] != 'Z' {
		return time.Time{}, errTimestamp
	}
	for i := range form {
		if form[i] == 'd' && !isDigit(s[i]) || form[i] != 'd' && s[i] != form[i] {
			return time.Time{}, errTimestamp
		}
	}
	if frac := s[len(form) : len(s)-1]; frac != "" {
		if frac[0] != '.' || len(frac) == 1 || strings.Trim(frac[1:], "0123456789") != "" {
			return time.Time{}, errTimestamp
		}
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, errTimestamp
	}
	return t.UTC(), nil
}

// objectVersion is a version that can be ordered: by time where it is one, and those that are not before all others,
// by their text. Foreign objects are stored as they came, so an unreadable modified must not stop a collection.
type objectVersion struct {
	at   time.Time
	text string
}

func parseVersion(s string) objectVersion {
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return objectVersion{at: t}
	}
	return objectVersion{text: s}
}

func (v objectVersion) compare(w objectVersion) int {
	return cmp.Or(v.at.Compare(w.at), strings.Compare(v.text, w.text))
}

// compareSpec orders specification versions number by number, so that 2.10 comes after 2.9.
func compareSpec(a, b string) int {
	for a != "" || b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		m, errM := strconv.ParseUint(x, 10, 32)
		n, errN := strconv.ParseUint(y, 10, 32)
		c := cmp.Compare(m, n)
		if errM != nil || errN != nil {
			c = strings.Compare(x, y)
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
