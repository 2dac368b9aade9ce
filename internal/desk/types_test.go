package desk_test

import (
	"slices"
	"testing"
	"time"

	"entente/internal/desk"
)

const day = 24 * time.Hour

func until(at time.Time) func(*desk.Body) { return func(b *desk.Body) { b.Until = at } }

func code(c string) func(*desk.Body) { return func(b *desk.Body) { b.Code = c } }

// lives are types that are decided on and answered like a request for information.
func TestLifeOfWhatIsAsked(t *testing.T) {
	for _, kind := range []string{desk.Assistance, desk.Subscriber, desk.Traffic, desk.Takedown} {
		c := conversationOf(t, desk.Body{Type: kind, Urgency: "routine"})
		c.move(south, "acknowledge", "")
		c.move(south, "hold", desk.CodeUnknownMove, until(start.Add(day)))
		c.move(south, "accept", "")
		c.move(south, "answer", "")
		c.move(north, "assess", "")
		c.move(north, "close", "")
		if r := c.request(c.now, start); r.State != desk.Closed || len(r.Illegal) != 1 {
			t.Errorf("%s: %s, %+v", kind, r.State, r.Illegal)
		}
	}
}

func TestLifeOfAPreservation(t *testing.T) {
	c := conversationOf(t, desk.Body{Type: desk.Preservation, Urgency: "emergency"})
	first, second := start.Add(90*day), start.Add(150*day)
	c.move(south, "acknowledge", "")
	c.move(south, "accept", desk.CodeUnknownMove)
	c.move(south, "lapse", desk.CodeWrongState)
	c.move(south, "hold", desk.CodeBadDate, until(start))
	c.move(north, "hold", desk.CodeWrongSide, until(first))
	c.move(south, "hold", "", until(first)) // start + 6 h
	c.move(south, "lapse", desk.CodeBadDate)
	c.move(south, "hold", desk.CodeBadDate, until(first.Add(-time.Second)))

	held := c.request(start.Add(60*day), start)
	if k := clock(t, held, "hold"); !k.Due.Equal(first) || k.Owner != north || k.Overdue || k.Warning || k.Short || len(k.Warnings) != 2 {
		t.Errorf("held: %+v", k)
	}
	if held.Overdue || !held.Until.Equal(first) || !clock(t, held, "answer").Met.Equal(start.Add(6*time.Hour)) {
		t.Errorf("held: %+v", held.Overlay)
	}
	for _, k := range held.Clocks {
		if k.Name == "silence" {
			t.Errorf("who keeps the data owes a word: %+v", k)
		}
	}
	if k := clock(t, c.request(first.Add(-10*day), start), "hold"); !k.Warning {
		t.Errorf("ten days before: %+v", k)
	}
	if r := c.request(first.Add(time.Second), start); !clock(t, r, "hold").Overdue || !r.Overdue || r.State != desk.Held {
		t.Errorf("lapsed without a word: %+v", r.Overlay)
	}

	// A renewal that is refused leaves the date; one that is granted moves it.
	c.move(north, "renew", "", until(second))
	c.move(south, "refuse", "", code("overload"))
	if r := c.request(c.now, start); r.State != desk.Held || !r.Until.Equal(first) {
		t.Errorf("a renewal refused: %s until %s", r.State, r.Until)
	}
	c.move(north, "renew", "", until(second))
	c.move(south, "hold", "", until(second))
	if k := clock(t, c.request(first.Add(time.Hour), start), "hold"); !k.Due.Equal(second) || k.Overdue {
		t.Errorf("renewed: %+v", k)
	}
	c.move(south, "release", desk.CodeWrongSide)
	c.move(north, "release", "")
	c.move(north, "release", desk.CodeDuplicate)
	if r := c.request(second.Add(day), start); clock(t, r, "hold").Overdue || r.Overdue {
		t.Errorf("released: %+v", r.Overlay)
	}
	c.move(north, "close", "")

	gone := conversationOf(t, desk.Body{Type: desk.Preservation, Urgency: "routine"})
	gone.move(south, "acknowledge", "")
	gone.move(south, "hold", "", until(start.Add(5*time.Hour)))
	if k := clock(t, gone.request(gone.now, start), "hold"); !k.Short {
		t.Errorf("five hours where the accord says sixty days: %+v", k)
	}
	gone.now = start.Add(4 * time.Hour)
	gone.move(south, "lapse", "")
	if r := gone.request(start.Add(6*time.Hour), start); r.State != desk.Lapsed || clock(t, r, "hold").Late {
		t.Errorf("lapsed: %s %+v", r.State, clock(t, r, "hold"))
	}
}

// TestDateOfAHoldIsShown: the date is the asked side's word, also where the accord sets no clock.
func TestDateOfAHoldIsShown(t *testing.T) {
	c := conversationOf(t, desk.Body{Type: desk.Preservation, Urgency: "no-such-urgency"})
	c.move(south, "acknowledge", "")
	c.move(south, "hold", "", until(start.Add(day)))
	if k := clock(t, c.request(start.Add(2*day), start), "hold"); !k.Overdue || k.Short || len(k.Warnings) != 0 {
		t.Errorf("%+v", k)
	}
}

func TestLifeOfAnIncident(t *testing.T) {
	detected := start.Add(-30 * time.Hour)
	c := conversationOf(t, desk.Body{Type: desk.Incident, Urgency: "routine", Detected: detected})
	r := c.request(start.Add(time.Minute), start)
	if k := clock(t, r, "early-warning"); k.Basis != desk.BasisClaim || !k.Due.Equal(detected.Add(day)) || !k.Late || k.Overdue || k.Owner != north {
		t.Errorf("a warning after 30 hours: %+v", k)
	}
	if k := clock(t, r, "notification"); !k.Due.Equal(detected.Add(3*day)) || !k.Started.Equal(detected) {
		t.Errorf("notification: %+v", k)
	}
	if slices.ContainsFunc(r.Clocks, func(k desk.Clock) bool { return k.Name == "final-report" }) {
		t.Error("the month begins before the notification")
	}
	c.move(north, "report", desk.CodeWrongState)
	c.move(south, "notify", desk.CodeWrongSide)
	c.move(north, "progress", "")
	c.move(north, "notify", "") // start + 4 h
	c.move(south, "acknowledge", "")
	c.move(south, "acknowledge", desk.CodeDuplicate)
	c.move(south, "needs-info", "")
	// A question does not stop the clocks of the side that owes the report.
	if k := clock(t, c.request(start.Add(10*day), start), "final-report"); k.Stopped || !k.Due.Equal(start.Add(4*time.Hour).AddDate(0, 1, 0)) {
		t.Errorf("final report: %+v", k)
	}
	c.move(north, "info", "")
	c.move(north, "report", "")
	c.move(north, "close", desk.CodeWrongSide)
	c.move(south, "assess", "")
	c.move(south, "close", "")
	if r := c.request(start.AddDate(1, 0, 0), start); r.State != desk.Closed || r.Overdue || len(r.Illegal) != 4 {
		t.Errorf("%s %+v %+v", r.State, r.Illegal, r.Overlay)
	}
	silent := conversationOf(t, desk.Body{Type: desk.Incident, Urgency: "routine"})
	if k := clock(t, silent.request(start.Add(80*time.Hour), start), "notification"); !k.Overdue || k.Basis != desk.BasisMove || !k.Started.Equal(start) {
		t.Errorf("no notification: %+v", k)
	}
}

func TestLifeOfAProtest(t *testing.T) {
	c := conversationOf(t, desk.Body{Type: desk.Protest, Urgency: "routine"})
	c.move(south, "acknowledge", "")
	c.move(south, "accept", desk.CodeUnknownMove)
	c.move(south, "postpone", "", until(start.Add(day)), code("overload"))
	c.move(south, "answer", "")
	c.move(north, "dispute", "")
	c.move(north, "close", "")
	if r := c.request(c.now, start); r.State != desk.Closed || !r.Disputed {
		t.Errorf("%s", r.State)
	}
}

func TestLifeOfAPreNotice(t *testing.T) {
	c := conversationOf(t, desk.Body{Type: desk.PreNotice, Urgency: "routine"})
	c.move(south, "file", desk.CodeWrongSide)
	c.move(south, "acknowledge", "")
	c.move(south, "answer", "")
	c.move(north, "file", "")
	c.move(north, "file", desk.CodeDuplicate)
	c.move(north, "withdraw", desk.CodeWrongState)
	c.move(north, "close", "")
	if r := c.request(c.now, start); r.State != desk.Closed {
		t.Errorf("%s", r.State)
	}
}
