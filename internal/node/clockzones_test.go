package node

import (
	"fmt"
	"slices"
	"testing"
	"time"
	_ "time/tzdata" // accords name time zones; the machine may not know them

	"entente/internal/desk"
)

const zonedRequests = `
requests:
  types:
    - id: Z1
      type: information
      fields: [subject]
      clocks: {urgent: {acknowledge: PT4H, answer: P3D}}
      calendar: kathmandu
    - id: Z2
      type: assistance
      fields: [subject]
      clocks: {urgent: {acknowledge: PT4H, answer: P3D}}
      calendar: new-york
    - id: Z3
      type: takedown
      fields: [subject]
      clocks: {urgent: {acknowledge: PT4H, answer: P3D}}
      calendar: new-york
calendars:
  - {id: K1, calendar: kathmandu, zone: "+05:45", days: [sun, mon, tue, wed, thu, fri], from: "10:00", to: "17:00"}
  - {id: K2, calendar: new-york, zone: America/New_York, from: "08:30", to: "17:30", holidays: ["%s"]}
elections:
  - {id: E9, name: general, from: "%s", to: "%s", types: [takedown], caps: {acknowledge: PT2H}}
`

// workingTime tells when so much working time has gone by since an instant, by looking at one minute after the other.
func workingTime(t *testing.T, zone string, days []time.Weekday, from, to string, holiday string, start time.Time, length time.Duration) time.Time {
	t.Helper()
	loc := time.FixedZone(zone, int((5*time.Hour + 45*time.Minute).Seconds()))
	if zone != "+05:45" {
		loc = must[*time.Location](t)(time.LoadLocation(zone))
	}
	for at := start; ; at = at.Add(time.Minute) {
		if length == 0 {
			return at
		}
		here := at.In(loc)
		clock := here.Format("15:04")
		if slices.Contains(days, here.Weekday()) && here.Format(time.DateOnly) != holiday && clock >= from && clock < to {
			length -= time.Minute
		}
	}
}

// TestClocksInZones: before a weekend over which the clocks of New York change, with a holiday behind it, requests are asked whose clocks run in the working time of
// New York and of Kathmandu, a quarter of an hour beside the full ones, and one for which an election window opens while its clock runs. Both sides have the
// due times of a reckoning by minutes, to the second, and one state.
func TestClocksInZones(t *testing.T) {
	ctx := t.Context()
	var c handClock
	a, b := newParty(t, "North"), newParty(t, "South")
	must[*UnitRef](t)(a.FoundUnit(ctx, UnitFoundRequest{Name: "Watch"}))
	pair(t, a, b, "Watch")
	a.sync()

	newYork := must[*time.Location](t)(time.LoadLocation("America/New_York"))
	sunday := time.Now().In(newYork)
	offset := func(day time.Time) int {
		_, s := time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, newYork).Zone()
		return s
	}
	for sunday = sunday.AddDate(0, 0, 3); offset(sunday) == offset(sunday.AddDate(0, 0, 1)); {
		sunday = sunday.AddDate(0, 0, 1)
	}
	start := time.Date(sunday.Year(), sunday.Month(), sunday.Day()-2, 16, 45, 0, 0, newYork)
	holiday := sunday.AddDate(0, 0, 1).Format(time.DateOnly)
	opens := start.Add(time.Hour)
	agree(t, func(text string) string {
		return text + fmt.Sprintf(zonedRequests, holiday, opens.UTC().Format(time.RFC3339), opens.AddDate(0, 1, 0).UTC().Format(time.RFC3339))
	}, a, b)
	a.takes(&c)
	b.takes(&c)
	c.move(start.Sub(c.now()))

	ids := map[string]string{}
	for _, kind := range []string{desk.Information, desk.Assistance, desk.Takedown} {
		v, _, err := a.NewRequest(ctx, RequestNewRequest{Type: kind, Urgency: "urgent", TLP: "green", Title: kind, Text: "When is it due?", Fields: map[string]string{"subject": "198.51.100.7"}})
		if err != nil {
			t.Fatal(err)
		}
		ids[kind] = v.ID
	}
	for range 2 {
		a.reaches(b)
		b.reaches(a)
	}
	weekdays := []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}
	want := map[string]time.Time{
		desk.Information: workingTime(t, "+05:45", append([]time.Weekday{time.Sunday}, weekdays...), "10:00", "17:00", "", start, 4*time.Hour),
		desk.Assistance:  workingTime(t, "America/New_York", weekdays, "08:30", "17:30", holiday, start, 4*time.Hour),
		desk.Takedown:    opens.Add(2 * time.Hour), // the window caps it, day and night
	}
	if d := want[desk.Assistance].Sub(start); d < 90*time.Hour || d > 92*time.Hour { // Tuesday 11:45, an hour less or more than four days before 12:45
		t.Fatalf("the reference is wrong: %s after %s", d, start)
	}
	acknowledge := func(p *testParty, kind string) ClockView {
		t.Helper()
		v := must[*RequestView](t)(p.Request(ctx, RequestShowRequest{ID: ids[kind]}))
		i := slices.IndexFunc(v.Clocks, func(x ClockView) bool { return x.Name == "acknowledge" })
		if i < 0 {
			t.Fatalf("%s of %s has no such clock: %+v", kind, p.init.Name, v.Clocks)
		}
		return v.Clocks[i]
	}
	due := func() {
		t.Helper()
		for kind, at := range want {
			for _, p := range []*testParty{a, b} {
				if x := acknowledge(p, kind); !x.Due.Equal(at) || !x.Started.Equal(start) || x.Basis != "receipt" {
					t.Errorf("at %s, %s at %s: %+v, due would be %s", c.now(), kind, p.init.Name, x, at)
				}
			}
		}
	}
	due()

	// The window has opened, and one clock ran out within it; the others run on.
	c.move(opens.Add(2*time.Hour + time.Second).Sub(c.now()))
	due()
	for _, p := range []*testParty{a, b} {
		if acknowledge(p, desk.Information).Overdue || acknowledge(p, desk.Assistance).Overdue || !acknowledge(p, desk.Takedown).Overdue {
			t.Errorf("%s: what is overdue is not what has run out", p.init.Name)
		}
	}
	// To the second: one is met when it is due, the other a second later.
	c.move(want[desk.Information].Sub(c.now()))
	must[*WriteResponse](t)(b.MoveRequest(ctx, RequestMoveRequest{ID: ids[desk.Information], Move: "acknowledge"}))
	c.move(want[desk.Assistance].Add(time.Second).Sub(c.now()))
	must[*WriteResponse](t)(b.MoveRequest(ctx, RequestMoveRequest{ID: ids[desk.Assistance], Move: "acknowledge"}))
	for range 2 {
		b.reaches(a)
		a.reaches(b)
	}
	for _, p := range []*testParty{a, b} {
		if x := acknowledge(p, desk.Information); x.Late || !x.Met.Equal(want[desk.Information]) {
			t.Errorf("%s: %+v", p.init.Name, x)
		}
		if x := acknowledge(p, desk.Assistance); !x.Late || !x.Met.Equal(want[desk.Assistance].Add(time.Second)) {
			t.Errorf("%s: %+v", p.init.Name, x)
		}
	}
	sameState(t, a, b)
}
