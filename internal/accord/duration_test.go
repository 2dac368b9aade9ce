package accord

import (
	"errors"
	"testing"
	"time"
)

func TestDurationSpan(t *testing.T) {
	good := map[Duration]Span{
		"PT15M": {Clock: 15 * time.Minute}, "PT8H": {Clock: 8 * time.Hour}, "P3D": {Days: 3}, "P1M": {Months: 1}, "P2W": {Days: 14},
		"P1Y2M3DT4H5M6S": {Months: 14, Days: 3, Clock: 4*time.Hour + 5*time.Minute + 6*time.Second},
		"PT72H":          {Clock: 72 * time.Hour}, "P0D": {},
	}
	for d, want := range good {
		got, err := d.Span()
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", d, got, err)
		}
	}
	for _, d := range []Duration{"", "P", "PT", "P1", "1D", "P-1D", "P1.5D", "PT1D", "P1H", "P1DT", "P1D1D", "PT1M1H", "p1d", "P 1D", "P01D", "PT8H ", "P101Y", "P99999999D", "P36601D", "PT9999999H", "P100Y1M", "PTT1H", "P1D2W", "P1,5D"} {
		if got, err := d.Span(); !errors.Is(err, ErrDuration) {
			t.Errorf("%q was read as %+v", d, got)
		}
	}
}

func TestSpanOnTheCalendar(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, row := range []struct {
		d          Duration
		from, want string
	}{
		{"P1M", "2027-01-31T10:00:00Z", "2027-02-28T10:00:00Z"},
		{"P1M", "2028-01-31T10:00:00Z", "2028-02-29T10:00:00Z"},
		{"P1Y", "2028-02-29T00:00:00Z", "2029-02-28T00:00:00Z"},
		{"P13M", "2026-12-31T23:59:59Z", "2028-01-31T23:59:59Z"},
		{"P60D", "2026-11-20T12:00:00Z", "2027-01-19T12:00:00Z"},
		{"PT72H", "2026-11-20T12:00:00+02:00", "2026-11-23T12:00:00+02:00"},
	} {
		s, err := row.d.Span()
		if err != nil {
			t.Fatal(err)
		}
		if got := s.After(at(row.from)); !got.Equal(at(row.want)) {
			t.Errorf("%s after %s: %s, want %s", row.d, row.from, got.Format(time.RFC3339), row.want)
		}
	}
	s := Span{Months: 1}
	if got := s.Before(at("2027-03-31T00:00:00Z")); !got.Equal(at("2027-02-28T00:00:00Z")) {
		t.Errorf("a month before 31 March: %s", got)
	}
}

// TestSpanDoesNotKnowTheMachine: the same moment in any location has the same deadline.
func TestSpanDoesNotKnowTheMachine(t *testing.T) {
	vienna, err := Zone("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []Span{{Days: 3}, {Months: 1}, {Months: 5, Days: 2, Clock: time.Hour}} {
		// 31 December in Vienna, and the clocks change in March.
		for _, at := range []time.Time{time.Date(2026, 12, 31, 0, 30, 0, 0, vienna), time.Date(2027, 3, 27, 9, 0, 0, 0, vienna)} {
			if !s.After(at).Equal(s.After(at.UTC())) || !s.Before(at).Equal(s.Before(at.UTC())) {
				t.Errorf("%+v after %s depends on the location", s, at)
			}
		}
	}
}
