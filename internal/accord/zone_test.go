package accord

import (
	"testing"
	"time"
)

// TestInstants: what the clocks of a zone show is an instant once, twice where they are put back, never where they are
// put forward; also where they differ by half an hour, and where they are changed at midnight.
func TestInstants(t *testing.T) {
	for _, x := range []struct {
		zone, clock string
		want        []string
	}{
		{"Europe/Vienna", "2026-01-31T09:30", []string{"2026-01-31T09:30:00+01:00"}},
		{"Europe/Vienna", "2026-07-31T09:30", []string{"2026-07-31T09:30:00+02:00"}},
		{"Europe/Vienna", "2026-03-29T02:30", nil},
		{"Europe/Vienna", "2026-03-29T03:00", []string{"2026-03-29T03:00:00+02:00"}},
		{"Europe/Vienna", "2026-10-25T02:30", []string{"2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"}},
		{"Asia/Kolkata", "2026-03-29T02:30", []string{"2026-03-29T02:30:00+05:30"}},
		{"Asia/Kathmandu", "2026-03-29T02:30", []string{"2026-03-29T02:30:00+05:45"}},
		{"Australia/Lord_Howe", "2026-04-05T01:45", []string{"2026-04-05T01:45:00+11:00", "2026-04-05T01:45:00+10:30"}}, // half an hour
		{"Australia/Lord_Howe", "2026-10-04T02:15", nil},
		{"Pacific/Kiritimati", "2026-01-01T00:00", []string{"2026-01-01T00:00:00+14:00"}},
		{"-09:30", "2026-01-01T00:00", []string{"2026-01-01T00:00:00-09:30"}},
	} {
		in, err := Zone(x.zone)
		if err != nil {
			t.Fatal(err)
		}
		clock, _ := time.Parse("2006-01-02T15:04", x.clock)
		got := Instants(clock, in)
		if len(got) != len(x.want) {
			t.Errorf("%s %s: %v, want %v", x.zone, x.clock, got, x.want)
			continue
		}
		for i, at := range got {
			if at.Format(time.RFC3339) != x.want[i] {
				t.Errorf("%s %s: %v, want %v", x.zone, x.clock, got, x.want)
			}
		}
	}
	for _, x := range [][3]string{
		{"Europe/Vienna", "2026-10-25", "2026-10-25T00:00:00+02:00"},
		{"Africa/Cairo", "2026-04-24", "2026-04-24T01:00:00+03:00"},   // no midnight: it begins at one
		{"America/Havana", "2026-11-01", "2026-11-01T00:00:00-04:00"}, // midnight twice
		{"Asia/Kolkata", "2026-04-24", "2026-04-24T00:00:00+05:30"},
	} {
		in, err := Zone(x[0])
		if err != nil {
			t.Fatal(err)
		}
		day, _ := time.Parse(time.DateOnly, x[1])
		if got := DayStart(day, in).Format(time.RFC3339); got != x[2] {
			t.Errorf("%s begins in %s at %s, want %s", x[1], x[0], got, x[2])
		}
	}
}
