package accord

import (
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"
)

func office(zone string) *Document {
	return &Document{Calendars: []Calendar{{Calendar: "office", Zone: zone, Days: []string{"mon", "tue", "wed", "thu", "fri"},
		From: "08:00", To: "18:00", Holidays: []string{"2026-12-25", "2027-01-01"}}}}
}

func moment(t testing.TB, s string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestDueInCalendars(t *testing.T) {
	for _, row := range []struct{ name, zone, calendar, length, from, want string }{
		{"always", "UTC", Always, "PT8H", "2026-11-20T20:00:00Z", "2026-11-21T04:00:00Z"},
		{"within the day", "UTC", "office", "PT4H", "2026-11-20T09:00:00Z", "2026-11-20T13:00:00Z"},
		{"over the weekend", "UTC", "office", "PT4H", "2026-11-20T16:00:00Z", "2026-11-23T10:00:00Z"},
		{"to the end of the day", "UTC", "office", "PT2H", "2026-11-20T16:00:00Z", "2026-11-20T18:00:00Z"},
		{"asked on Saturday", "UTC", "office", "PT4H", "2026-11-21T16:00:00Z", "2026-11-23T12:00:00Z"},
		{"working days keep the hour", "UTC", "office", "P3D", "2026-11-20T16:30:00Z", "2026-11-25T16:30:00Z"},
		{"over a holiday", "UTC", "office", "P1D", "2026-12-24T10:00:00Z", "2026-12-28T10:00:00Z"},
		{"in a zone by name", "Europe/Vienna", "office", "PT4H", "2026-11-20T16:00:00Z", "2026-11-23T10:00:00Z"},
		{"in an offset", "+02:00", "office", "PT4H", "2026-11-20T15:00:00Z", "2026-11-23T09:00:00Z"},
		{"over the change of the clocks", "Europe/Vienna", "office", "P1D", "2027-03-26T09:00:00Z", "2027-03-29T08:00:00Z"},
		{"months then the next working moment", "UTC", "office", "P1M", "2026-11-25T09:00:00Z", "2026-12-28T08:00:00Z"},
	} {
		d := office(row.zone)
		d.loadCalendars()
		got := d.Due(Clock{Length: Duration(row.length), Calendar: row.calendar}, moment(t, row.from))
		if !got.Equal(moment(t, row.want)) {
			t.Errorf("%s: due %s, want %s", row.name, got.UTC().Format(time.RFC3339), row.want)
		}
	}
}

func TestDuePauses(t *testing.T) {
	d := office("UTC")
	c := Clock{Length: "PT8H", Calendar: Always, Stops: []Stop{{Move: "needs-info", Until: []string{"info"}, AtMost: "P1D"}}}
	start := moment(t, "2026-11-20T00:00:00Z")
	pause := func(move, from, to string) Pause { return Pause{move, moment(t, from), moment(t, to)} }
	for _, row := range []struct {
		name   string
		pauses []Pause
		want   string
	}{
		{"none", nil, "2026-11-20T08:00:00Z"},
		{"two hours", []Pause{pause("needs-info", "2026-11-20T04:00:00Z", "2026-11-20T06:00:00Z")}, "2026-11-20T10:00:00Z"},
		{"no longer than agreed", []Pause{pause("needs-info", "2026-11-20T04:00:00Z", "2026-11-25T04:00:00Z")}, "2026-11-21T08:00:00Z"},
		{"no stop rule", []Pause{pause("coffee", "2026-11-20T04:00:00Z", "2026-11-20T06:00:00Z")}, "2026-11-20T08:00:00Z"},
		{"after it ran out", []Pause{pause("needs-info", "2026-11-20T09:00:00Z", "2026-11-20T12:00:00Z")}, "2026-11-20T08:00:00Z"},
		{"overlapping count once", []Pause{pause("needs-info", "2026-11-20T05:00:00Z", "2026-11-20T07:00:00Z"), pause("needs-info", "2026-11-20T04:00:00Z", "2026-11-20T06:00:00Z")}, "2026-11-20T11:00:00Z"},
		{"two in a row", []Pause{pause("needs-info", "2026-11-20T01:00:00Z", "2026-11-20T02:00:00Z"), pause("needs-info", "2026-11-20T08:30:00Z", "2026-11-20T09:00:00Z")}, "2026-11-20T09:30:00Z"},
	} {
		if got := d.Due(c, start, row.pauses...); !got.Equal(moment(t, row.want)) {
			t.Errorf("%s: %s, want %s", row.name, got.Format(time.RFC3339), row.want)
		}
	}
	// A pause outside working time moves nothing, also where the clock runs out with the end of the day.
	night := Clock{Length: "PT11H", Calendar: "office", Stops: c.Stops}
	if got, want := d.Due(night, moment(t, "2026-11-19T17:00:00Z"), pause("needs-info", "2026-11-19T19:00:00Z", "2026-11-19T20:00:00Z")), moment(t, "2026-11-20T18:00:00Z"); !got.Equal(want) {
		t.Errorf("a pause in the night: %s, want %s", got, want)
	}
	// In working time a pause counts only as far as it lies in working time.
	c.Calendar = "office"
	got := d.Due(c, moment(t, "2026-11-20T10:00:00Z"), pause("needs-info", "2026-11-20T17:00:00Z", "2026-11-21T12:00:00Z"))
	if want := moment(t, "2026-11-23T09:00:00Z"); !got.Equal(want) {
		t.Errorf("in the office calendar: %s, want %s", got, want)
	}
}

func TestDueElections(t *testing.T) {
	doc := complete(t)
	answer, ok := doc.Clock("information", Routine, StageAnswer)
	if !ok {
		t.Fatal("no clock")
	}
	subscriber, _ := doc.Clock("subscriber", Routine, StageAnswer)
	for _, row := range []struct {
		name  string
		clock Clock
		from  string
		want  string
	}{
		{"outside the window", answer, "2028-08-01T00:00:00Z", "2028-08-08T00:00:00Z"},
		{"inside", answer, "2028-10-10T00:00:00Z", "2028-10-10T04:00:00Z"},
		{"running when it opens", answer, "2028-09-28T00:00:00Z", "2028-10-01T04:00:00Z"},
		{"after it closed", answer, "2028-11-30T00:00:00Z", "2028-12-07T00:00:00Z"},
		{"a type it does not tighten", subscriber, "2028-10-10T00:00:00Z", "2028-10-30T00:00:00Z"},
	} {
		if got := doc.Due(row.clock, moment(t, row.from)); !got.Equal(moment(t, row.want)) {
			t.Errorf("%s: %s, want %s", row.name, got.Format(time.RFC3339), row.want)
		}
	}
}

// TestDuePausesInElections: in a window a stop counts day and night, as the cap does, and a clock that a stop carries into
// a window is tightened there like any other.
func TestDuePausesInElections(t *testing.T) {
	doc := complete(t)
	stops := []Stop{{Move: "needs-info", Until: []string{"info"}, AtMost: "P14D"}}
	for _, row := range []struct {
		name, typ, stage string
		from             string
		stop, go_        string
		want             string
	}{
		// 14 and 15 October 2028 are a weekend; the type's calendar is the office's.
		{"a minute on a Saturday", "assistance", StageAcknowledge, "2028-10-14T10:00:00Z", "2028-10-14T10:05:00Z", "2028-10-14T10:06:00Z", "2028-10-14T10:16:00Z"},
		{"an hour at night", "assistance", StageAnswer, "2028-10-16T20:00:00Z", "2028-10-16T21:00:00Z", "2028-10-16T22:00:00Z", "2028-10-17T01:00:00Z"},
		{"into the window", "information", StageAnswer, "2028-09-20T00:00:00Z", "2028-09-21T00:00:00Z", "2028-09-26T00:00:00Z", "2028-10-01T04:00:00Z"},
		{"over its opening", "information", StageAnswer, "2028-09-28T00:00:00Z", "2028-09-30T00:00:00Z", "2028-10-03T00:00:00Z", "2028-10-03T04:00:00Z"},
	} {
		c, ok := doc.Clock(row.typ, Routine, row.stage)
		if !ok {
			t.Fatal("no clock")
		}
		c.Stops = stops
		if got := doc.Due(c, moment(t, row.from), Pause{"needs-info", moment(t, row.stop), moment(t, row.go_)}); !got.Equal(moment(t, row.want)) {
			t.Errorf("%s: %s, want %s", row.name, got.UTC().Format(time.RFC3339), row.want)
		}
	}
}

func TestClockDefaultsAreThoseOfTheDesign(t *testing.T) {
	doc, _, err := Parse(Example("minimal"))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		typ, urgency, stage string
		want                Duration
		clause              string
	}{
		{"information", Emergency, StageReceipt, "PT15M", "requests"},
		{"information", Emergency, StageAnswer, "PT8H", "requests.information"},
		{"information", Urgent, StageAnswer, "P3D", "requests.information"},
		{"information", Routine, StageAnswer, "P7D", "requests.information"},
		{"subscriber", Routine, StageAnswer, "P20D", "requests.subscriber"},
		{"traffic", Routine, StageAnswer, "P45D", "requests.traffic"},
		{"preservation", Routine, StageHold, "P60D", "requests.preservation"},
		{"incident", Routine, StageEarlyWarning, "PT24H", "requests.incident"},
		{"incident", Routine, StageNotification, "PT72H", "requests.incident"},
		{"incident", Routine, StageFinalReport, "P1M", "requests.incident"},
		{"protest", Routine, StageSilence, "P7D", "requests"},
	} {
		c, ok := doc.Clock(row.typ, row.urgency, row.stage)
		if !ok || c.Length != row.want || c.Clause != row.clause {
			t.Errorf("%s %s %s: %+v", row.typ, row.urgency, row.stage, c)
		}
	}
	if doc.Hotline.Acknowledge != "PT30M" || doc.Validity.Review != "P6M" {
		t.Errorf("hotline %s, review %s", doc.Hotline.Acknowledge, doc.Validity.Review)
	}
	hold, _ := doc.Clock("preservation", Routine, StageHold)
	due := doc.Due(hold, moment(t, "2026-01-01T00:00:00Z"))
	warn := hold.WarnAt(due)
	if len(warn) != 2 || due.Sub(warn[0]) != 14*24*time.Hour || due.Sub(warn[1]) != 3*24*time.Hour {
		t.Errorf("warnings %v before %v", warn, due)
	}
	for _, q := range [][3]string{{"nothing", Urgent, StageAnswer}, {"information", "soon", StageReceipt}, {"information", Urgent, "tea"}} {
		if c, ok := doc.Clock(q[0], q[1], q[2]); ok {
			t.Errorf("%v has a clock %+v", q, c)
		}
	}
}

func TestZone(t *testing.T) {
	for _, good := range []string{"UTC", "Europe/Vienna", "America/New_York", "+02:00", "-03:30", "+14:00"} {
		if _, err := Zone(good); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"", "Local", "Europe/Atlantis", "../etc/passwd", "+2:00", "+25:00", "+02:60", "CET+1"} {
		if l, err := Zone(bad); err == nil {
			t.Errorf("%q is %v", bad, l)
		}
	}
}

// TestDueNeverBeforeStart: whatever calendar and pauses, a deadline is not before its start, and a
// pause never brings it forward.
func TestDueNeverBeforeStart(t *testing.T) {
	docs := []*Document{office("UTC"), office("America/New_York"), office("+05:45")}
	rapid.Check(t, func(t *rapid.T) {
		d := rapid.SampledFrom(docs).Draw(t, "doc")
		c := Clock{
			Length:   rapid.SampledFrom([]Duration{"PT1S", "PT15M", "PT8H", "P3D", "P1M", "P1DT1H"}).Draw(t, "length"),
			Calendar: rapid.SampledFrom([]string{Always, "office"}).Draw(t, "calendar"),
			Stops:    []Stop{{Move: "needs-info", AtMost: "P14D"}},
		}
		start := time.Unix(rapid.Int64Range(1_700_000_000, 1_900_000_000).Draw(t, "start"), 0)
		due := d.Due(c, start)
		if !due.After(start) {
			t.Fatalf("due %s for start %s", due, start)
		}
		from := start.Add(time.Duration(rapid.Int64Range(0, 1_000_000).Draw(t, "from")) * time.Second)
		paused := d.Due(c, start, Pause{"needs-info", from, from.Add(time.Duration(rapid.Int64Range(0, 1_000_000).Draw(t, "for")) * time.Second)})
		if paused.Before(due) {
			t.Fatalf("a pause brought %s forward to %s", due, paused)
		}
		// A month is shorter from the 31st than from the 1st, so only the rest is monotone.
		if later := d.Due(c, start.Add(time.Hour)); c.Length != "P1M" && later.Before(due) {
			t.Fatalf("a later start is due earlier: %s, %s", due, later)
		}
	})
}
