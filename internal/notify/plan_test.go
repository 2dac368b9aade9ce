package notify

import (
	"slices"
	"testing"
	"time"
)

// TestQuietHoursLetUrgencyThrough: whatever the quiet hours are, an emergency, what is urgent and a call that rings are told
// at once, and climb the ladder at once; what is routine, and a drill, are not.
func TestQuietHoursLetUrgencyThrough(t *testing.T) {
	night := time.Date(2026, 3, 3, 2, 0, 0, 0, time.UTC)
	for _, q := range []*Quiet{
		{Zone: time.UTC, From: 22 * 60, To: 7 * 60}, {Zone: time.UTC, From: 22 * 60, To: 7 * 60, Except: []string{"emergency"}}, {Zone: time.UTC}, // the last never ends
	} {
		p := Plan{First: []string{"desk"}, Ladder: []Rung{{30 * time.Minute, []string{"boss"}}}, Quiet: q}
		for _, c := range []struct {
			kind, urgency string
			told          bool
		}{
			{KindRequestNew, "emergency", true}, {KindClockSoon, "urgent", true}, {KindCall, "routine", true}, {KindCall, "urgent", true},
			{KindRequestNew, "routine", false}, {KindDrill, "routine", false},
		} {
			var b Book
			b.Observe(night, []Event{{ID: "1111", Kind: c.kind, At: night, Urgency: c.urgency}})
			first, later := channels(b.Due(night, p)), channels(b.Due(night.Add(30*time.Minute), p))
			if want := map[bool]string{true: "1111>desk", false: ""}[c.told]; first != want {
				t.Errorf("%s, %s: %q at once, want %q", c.kind, c.urgency, first, want)
			}
			if want := map[bool]string{true: "1111>boss! 1111>desk", false: ""}[c.told]; later != want {
				t.Errorf("%s, %s: %q after half an hour, want %q", c.kind, c.urgency, later, want)
			}
		}
	}
}

// TestFaultsOfAPlan: named is what would never call anybody, or days too late, and nothing else.
func TestFaultsOfAPlan(t *testing.T) {
	week := []time.Weekday{1, 2, 3, 4, 5, 6, 0}
	hours := func(from, to int, days ...time.Weekday) Plan {
		return Plan{First: []string{"desk"}, Quiet: &Quiet{Zone: time.UTC, From: from, To: to, Days: days}}
	}
	routine := hours(0, 0)
	routine.Quiet.Except = []string{"routine"}
	for name, c := range map[string]struct {
		p    Plan
		want []string
	}{
		"no quiet hours":                 {Plan{First: []string{"desk"}}, nil},
		"a night":                        {hours(22*60, 7*60), nil},
		"an hour of the day is left":     {hours(8*60, 7*60), nil},
		"less is left":                   {hours(8*60, 7*60+1), []string{FaultQuietAlways}},
		"all of it":                      {hours(22*60, 22*60), []string{FaultQuietAlways}},
		"all of it, from midnight":       {hours(0, 0), []string{FaultQuietAlways}},
		"all of it, on each day":         {hours(9*60, 9*60, week...), []string{FaultQuietAlways}},
		"all of six days":                {hours(9*60, 9*60, week[1:]...), nil},
		"a minute before midnight":       {hours(0, 23*60+59), []string{FaultQuietAlways}},
		"in which routine is told":       {routine, nil},
		"the first after a day":          {Plan{Ladder: []Rung{{24 * time.Hour, []string{"desk"}}}}, nil},
		"the first after a week":         {Plan{Ladder: []Rung{{7 * 24 * time.Hour, []string{"desk"}}}}, []string{FaultFirstLate}},
		"a late one, and one at once":    {Plan{First: []string{"desk"}, Ladder: []Rung{{7 * 24 * time.Hour, []string{"boss"}}}}, nil},
		"quiet for ever, and too late":   {Plan{Ladder: []Rung{{7 * 24 * time.Hour, []string{"desk"}}}, Quiet: &Quiet{Zone: time.UTC}}, []string{FaultQuietAlways, FaultFirstLate}},
		"no channel at all calls nobody": {Plan{}, nil}, // said elsewhere
	} {
		if got := c.p.Faults(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
