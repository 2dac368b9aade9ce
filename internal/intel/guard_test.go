package intel_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"entente/internal/guard"
	"entente/internal/intel"
	"entente/internal/observable"
)

func guarded(t *testing.T, in *intel.Intel) string {
	t.Helper()
	if err := in.UpdateActive(context.Background()); err != nil {
		t.Fatal(err)
	}
	var out []string
	for g, err := range in.Guarded(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, g.ID+" "+g.Source+" "+g.Value.Text+" "+g.Hit.List)
	}
	return strings.Join(out, "\n")
}

// TestSetGuard: what is in use and guarded from now on is taken from sensors and told, and
// comes back when it is guarded no more; revoked, it is told no more either.
func TestSetGuard(t *testing.T) {
	w := newWorld(t)
	rep := w.load(t, "a", indicator(1, 1, "one.example.org"), indicator(2, 1, "8.8.8.8.example.net"), indicator(3, 1, "localhost"))
	if rep.GuardedCount != 1 || len(rep.Guarded) != 1 || rep.Guarded[0].ID != idOf(3) || rep.Guarded[0].Hit.List != "special-names" {
		t.Errorf("the import says %d guarded: %+v", rep.GuardedCount, rep.Guarded)
	}
	if got := len(active(t, w.in)); got != 2 {
		t.Fatalf("%d values", got)
	}
	held, err := guard.Default().With("own asset", "www.one.example.org")
	if err != nil {
		t.Fatal(err)
	}
	local := idOf(3) + " a localhost special-names"
	for range 2 {
		w.in.SetGuard(held)
		select {
		case <-w.in.Touched():
		default:
			t.Error("nobody is told that there is something to do")
		}
		if got, want := guarded(t, w.in), idOf(1)+" a one.example.org own asset\n"+local; got != want {
			t.Fatalf("kept back\n%s\nwant\n%s", got, want)
		}
		if got := active(t, w.in); len(got) != 1 || !strings.HasPrefix(got[0], "domain:8.8.8.8.example.net ") {
			t.Fatalf("sensors are given %v", got)
		}
		w.in.SetGuard(guard.Default())
		if got := guarded(t, w.in); got != local {
			t.Fatalf("kept back %s", got)
		}
		if got := active(t, w.in); len(got) != 2 {
			t.Fatalf("sensors are given %v", got)
		}
	}
	w.load(t, "b", indicator(3, 2, "localhost", `,"revoked":true`))
	if got := guarded(t, w.in); got != "" {
		t.Errorf("kept back %s", got)
	}
	// What arrives is held by the guard in force.
	w.in.SetGuard(held)
	r, plain := sent(1, 0, indicator(9, 1, "www.one.example.org"))
	if out := w.receive(t, r, plain); out.Held != 1 {
		t.Errorf("%+v", out)
	}
}

// TestAging: the first rule that fits shortens how long a value is good, and a newer
// version makes it good for longer.
func TestAging(t *testing.T) {
	w := newWorld(t)
	c := w.config()
	c.Aging = intel.Aging{
		{Types: []observable.Type{observable.IPv4}, Sources: []string{"blocklist"}, For: 24 * time.Hour},
		{Types: []observable.Type{observable.IPv4}, For: 30 * 24 * time.Hour},
		{Sources: []string{"lasting"}},
		{For: 365 * 24 * time.Hour},
	}
	if err := c.Aging.Check(); err != nil {
		t.Fatal(err)
	}
	in, err := intel.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	w.in = in
	valid := `,"valid_until":"2026-01-03T00:00:00Z"`
	w.load(t, "blocklist", indicatorIP(1, "192.0.2.1"), indicator(2, 1, "two.example.org"))
	w.load(t, "other", indicatorIP(3, "192.0.2.3"), strings.Replace(indicatorIP(4, "192.0.2.4"), `,"valid_from"`, valid+`,"valid_from"`, 1))
	w.load(t, "lasting", indicator(5, 1, "five.example.org"))
	check := func(want map[string]string) {
		t.Helper()
		if err := w.in.UpdateActive(context.Background()); err != nil {
			t.Fatal(err)
		}
		for a, err := range w.in.Active(context.Background(), 0, intel.ActiveBuckets) {
			if err != nil {
				t.Fatal(err)
			}
			end := "never"
			if !a.Until.IsZero() {
				end = a.Until.Format(time.DateOnly)
			}
			if want[a.Value.Text] != end {
				t.Errorf("%s ends %s, want %s", a.Value.Text, end, want[a.Value.Text])
			}
			delete(want, a.Value.Text)
		}
		if len(want) > 0 {
			t.Errorf("not given: %v", want)
		}
	}
	check(map[string]string{"192.0.2.1": "2026-01-02", "two.example.org": "2027-01-01", "192.0.2.3": "2026-01-31", "192.0.2.4": "2026-01-03", "five.example.org": "never"})
	w.load(t, "blocklist", indicator(2, 2, "two.example.org"))
	check(map[string]string{"192.0.2.1": "2026-01-02", "two.example.org": "2027-01-02", "192.0.2.3": "2026-01-31", "192.0.2.4": "2026-01-03", "five.example.org": "never"})
	// Other rules are applied to what is there already.
	c.Aging = nil
	if w.in, err = intel.Open(c); err != nil {
		t.Fatal(err)
	}
	check(map[string]string{"192.0.2.1": "never", "two.example.org": "never", "192.0.2.3": "never", "192.0.2.4": "2026-01-03", "five.example.org": "never"})
	for _, bad := range []intel.Aging{{{For: -1}}, {{Types: []observable.Type{"nothing"}}}, {{Sources: []string{""}}}, make(intel.Aging, 300)} {
		if bad.Check() == nil {
			t.Errorf("%v is taken", bad)
		}
	}
}

func opinion(n, version int, said, about string, more ...string) string {
	return fmt.Sprintf(`{"type":"opinion","spec_version":"2.1","id":"opinion--00000000-0000-4000-8000-%012x","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-%02dT00:00:00.000Z","opinion":"%s","object_refs":["%s"]%s}`, n, version, said, about, strings.Join(more, ""))
}

// TestFalsePositives: what was stated false here is taken from sensors, told, and counted
// against its source, whatever came first; what a partner states counts nothing; taken
// back, all is as before. The counts are those of a rebuild.
func TestFalsePositives(t *testing.T) {
	w := newWorld(t)
	check := func(values int, want string) {
		t.Helper()
		if got := len(active(t, w.in)); got != values {
			t.Errorf("%d values, want %d", got, values)
		}
		c := w.config()
		c.Objects = &intel.Memory{}
		again, err := intel.Open(c)
		if err == nil {
			err = again.CatchUp(context.Background())
		}
		if err == nil {
			err = again.UpdateActive(context.Background())
		}
		if err != nil {
			t.Fatal(err)
		}
		for name, in := range map[string]*intel.Intel{"as it is": w.in, "after a rebuild": again} {
			sources, err := in.Sources(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range sources {
				got = append(got, fmt.Sprintf("%s %d/%d %d", s.Source, s.Given, s.False, s.Score()))
			}
			if strings.Join(got, ", ") != want {
				t.Errorf("%s: %s, want %s", name, strings.Join(got, ", "), want)
			}
		}
	}
	w.load(t, "early", opinion(9, 1, "strongly-disagree", idOf(3)))
	w.load(t, "good", indicator(1, 1, "one.example.org"), indicator(2, 1, "two.example.org"))
	w.load(t, "bad", indicator(3, 1, "three.example.org"), indicator(4, 1, "four.example.org"), indicator(5, 1, "five.example.org"))
	check(4, "bad 2/1 66, good 2/0 100")
	if got := guarded(t, w.in); got != idOf(3)+" bad three.example.org "+intel.FalsePositives {
		t.Errorf("kept back: %s", got)
	}
	w.load(t, "us", opinion(1, 1, "disagree", idOf(4)), opinion(2, 1, "strongly-disagree", idOf(4)), opinion(3, 1, "agree", idOf(1)))
	check(3, "bad 1/2 33, good 2/0 100")
	w.load(t, "us", opinion(1, 2, "disagree", idOf(4), `,"revoked":true`))
	check(3, "bad 1/2 33, good 2/0 100")
	w.load(t, "us", opinion(2, 2, "neutral", idOf(4)))
	check(4, "bad 2/1 66, good 2/0 100")
	// A partner states what it likes.
	r, plain := sent(1, 0, opinion(7, 1, "strongly-disagree", idOf(1)), opinion(1, 3, "strongly-disagree", idOf(4)))
	w.receive(t, r, plain)
	check(4, "bad 2/1 66, good 2/0 100")
	// An indicator that is taken back counts nothing any more, nor does one that is guarded.
	w.load(t, "bad", indicator(3, 2, "three.example.org", `,"revoked":true`), indicator(5, 2, "localhost"))
	check(3, "bad 1/0 100, good 2/0 100")
	w.load(t, "bad", indicator(5, 3, "cinque.example.org"), indicator(4, 3, "quattro.example.org"))
	check(4, "bad 2/0 100, good 2/0 100")
}
