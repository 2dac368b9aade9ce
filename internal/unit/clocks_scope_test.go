package unit_test

import (
	"testing"
	"time"

	"entente/internal/accord"
	"entente/internal/unit"
)

// TestSuspendedRequests: clocks of requests stand while requests are suspended, by either side and by whatever word of the scope names
// them; other suspensions move none of them.
func TestSuspendedRequests(t *testing.T) {
	// due is when each clock of a request is due, whether it stands now, and the time for which requests were suspended.
	due := func(scope func(*accord.Document) string, by int) (due map[string]time.Time, standing bool, pause time.Duration) {
		w, _ := founded(t, "North", "South")
		q := w.actors[0].ask()
		w.actors[1].receipt(w.actors[0])
		doc := w.fold().AccordOf(q.Ref())
		s := w.actors[by].write(unit.KindSuspend, unit.SuspendBody{Scope: []string{scope(doc)}, Code: "x"})
		w.clock = w.clock.Add(10 * time.Minute)
		f := w.fold()
		now, ok := f.Request(q.Ref(), w.clock)
		if !ok {
			t.Fatal("the request is not there")
		}
		r := w.actors[by].write(unit.KindResume, unit.ResumeBody{Suspension: s.Ref()})
		then, _ := w.fold().Request(q.Ref(), w.clock)
		due = map[string]time.Time{}
		for _, k := range then.Clocks {
			due[k.Name] = k.Due.Add(-q.At.Sub(journalEpoch))
		}
		return due, now.Suspended, r.At.Sub(s.At)
	}
	plain, standing, _ := due(func(*accord.Document) string { return "share" }, 1)
	if standing || len(plain) < 3 {
		t.Fatalf("a suspension of shares: %v, %v", plain, standing)
	}
	is := func(s string) func(*accord.Document) string { return func(*accord.Document) string { return s } }
	for name, scope := range map[string]func(*accord.Document) string{
		"request": is("request"), "request.*": is("request.*"), "request.answer": is("request.answer"), "all": is("all"), "*": is("*"),
		"the clause of requests": func(d *accord.Document) string { return d.Requests.ID },
		"the clause of the type": func(d *accord.Document) string { return d.RequestType("information").ID },
	} {
		for by := range 2 {
			got, standing, pause := due(scope, by)
			if !standing {
				t.Errorf("%s, by %d: no clock stands", name, by)
			}
			if want := plain[accord.StageAcknowledge].Add(pause); !got[accord.StageAcknowledge].Equal(want) {
				t.Errorf("%s, by %d: acknowledgement due %s, want %s", name, by, got[accord.StageAcknowledge], want)
			}
		}
	}
	for name, scope := range map[string]func(*accord.Document) string{
		"hotline": is("hotline"), "request.send": is("request.send"), "case.*": is("case.*"),
		"the clause of another type": func(d *accord.Document) string { return d.Requests.Types[len(d.Requests.Types)-1].ID },
	} {
		got, standing, _ := due(scope, 0)
		if standing || !got[accord.StageAcknowledge].Equal(plain[accord.StageAcknowledge]) || !got[accord.StageAnswer].Equal(plain[accord.StageAnswer]) {
			t.Errorf("%s moves clocks: %v, standing %v", name, got, standing)
		}
	}
}

// journalEpoch makes instants of worlds that began at other times comparable.
var journalEpoch = time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)
