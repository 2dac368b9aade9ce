package unit_test

import (
	"testing"

	"entente/internal/accord"
	"entente/journal"
)

func TestFounding(t *testing.T) {
	w, hash := founded(t, "North", "South")
	s := w.state()
	if s.Accord == nil || s.Accord.Hash != hash || len(s.Void) > 0 || len(s.Waiting) > 0 {
		t.Fatalf("no accord in force: %s", pretty(s.JSON()))
	}
	north, south := w.actors[0], w.actors[1]
	share := north.share(3)
	ask := south.ask()
	north.receipt(south)
	south.receipt(north)
	f := w.fold()
	for _, e := range []*journal.Entry{share, ask} {
		if d := f.Verdict(e.Ref()); d.Verdict != accord.Allow {
			t.Errorf("%s: %+v", e.Kind, d)
		}
	}
	s = f.State(w.clock)
	if len(s.Requests) != 1 || len(s.Shares) != 1 || len(s.Strays) != 0 {
		t.Fatalf("%s", pretty(s.JSON()))
	}
	if r := s.Requests[0]; r.Asked != north.id || r.Received.IsZero() || len(r.Clocks) == 0 {
		t.Errorf("request: %+v", r)
	}
}
