package notify

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// TestComing: of every open notice it can be said who is told next and when, and that quiet hours hold it back; what is said
// so comes true.
func TestComing(t *testing.T) {
	q := &Quiet{Zone: time.UTC, From: 22 * 60, To: 7 * 60, Except: []string{"urgent"}}
	p := Plan{First: []string{"desk"}, Ladder: []Rung{{15 * time.Minute, []string{"mail", "desk"}}, {2 * time.Hour, []string{"boss"}}}, Quiet: q}
	at := func(s string) time.Time {
		v, err := time.Parse("2006-01-02 15:04", s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	say := func(r *Record, now time.Time) string {
		var out []string
		for _, c := range r.Coming(now, p) {
			s := c.Channel + " " + c.At.Format("02 15:04")
			if c.Escalated {
				s += "!"
			}
			if c.Quiet {
				s += " quiet"
			}
			out = append(out, s)
		}
		return strings.Join(out, ", ")
	}
	for _, c := range []struct{ seen, urgency, now, want string }{
		{"2026-03-27 12:00", "routine", "2026-03-27 12:00", "desk 27 12:00, mail 27 12:15!, boss 27 14:00!"},
		{"2026-03-27 12:00", "routine", "2026-03-27 13:00", "desk 27 13:00, mail 27 13:00!, boss 27 14:00!"},
		{"2026-03-27 23:00", "routine", "2026-03-27 23:10", "desk 28 07:00 quiet, mail 28 07:15! quiet, boss 28 09:00! quiet"},
		{"2026-03-27 23:00", "urgent", "2026-03-27 23:00", "desk 27 23:00, mail 27 23:15!, boss 28 01:00!"},
		{"2026-03-27 21:50", "routine", "2026-03-27 21:50", "desk 27 21:50, mail 28 07:00! quiet, boss 28 07:00! quiet"},
	} {
		var b Book
		b.Observe(at(c.seen), []Event{event("1111", c.urgency)})
		r := b.Records["1111"]
		if got := say(r, at(c.now)); got != c.want {
			t.Errorf("%s, seen at %s, at %s: %q, want %q", c.urgency, c.seen, c.now, got, c.want)
		}
		for _, next := range r.Coming(at(c.now), p) {
			told := func(now time.Time) bool {
				for _, d := range b.Due(now, p) {
					if d.Channel == next.Channel {
						return true
					}
				}
				return false
			}
			if !told(next.At) || next.At.After(at(c.now)) && told(next.At.Add(-time.Second)) {
				t.Errorf("%s, seen at %s: %s is not told from %s on", c.urgency, c.seen, next.Channel, next.At)
			}
		}
		b.Done(b.Due(next(r, at(c.now), p), p), at(c.now), errors.New("no route"))
		if got := say(r, at(c.now)); strings.HasPrefix(got, "desk") {
			t.Errorf("what was tried is said to come for the first time: %q", got)
		}
		b.Ack("1111", "somebody", at(c.now))
		if got := say(r, at(c.now)); got != "" {
			t.Errorf("somebody has looked, and %q comes", got)
		}
	}
}

// next is when the first channel is told.
func next(r *Record, now time.Time, p Plan) time.Time { return r.Coming(now, p)[0].At }
