package cli

import (
	"fmt"
	"testing"
	"time"

	"entente/internal/observable"
	"entente/internal/watch/seen"
	"entente/internal/watch/sighting"
)

// TestSpread: the node is told each machine of a day once, what it was not told outlives a stop, and days that are over are forgotten.
func TestSpread(t *testing.T) {
	day := time.Date(2026, 1, 1, 5, 0, 0, 0, time.UTC)
	hit := func(host string, at time.Time) *sighting.Hit {
		return &sighting.Hit{ID: "indicator--1", Value: observable.Value{Type: observable.Domain, Text: "a.example"}, Host: host, Time: at}
	}
	var s spread
	var node seen.Spreads
	tell := func(most int) int {
		list := s.due(most)
		for _, x := range list {
			if _, err := node.Take(x); err != nil {
				t.Fatal(err)
			}
		}
		s.told(list)
		return len(list)
	}
	for i := range 700 {
		s.add(hit(fmt.Sprint("m", i%650), day), day)
	}
	s.add(hit("", day), day)
	s.add(hit("late", time.Time{}), day.AddDate(0, 0, 1))
	kept := s.due(10)
	if n := tell(10); n != 2 {
		t.Fatalf("%d days are told", n)
	}
	for tell(10) > 0 { // more than fit into one
	}
	days, most := node.Widely(observable.Value{Type: observable.Domain, Text: "a.example"}, 1)
	if days != 2 || most < 500 || most > 800 {
		t.Errorf("%d machines on %d days", most, days)
	}
	s.add(hit("x", day.AddDate(0, 0, 9)), day)
	tell(10)
	if len(s.days) != 1 {
		t.Errorf("%d days are kept", len(s.days))
	}
	var again spread
	again.restore(kept)
	// Which of the two days comes first is not said.
	if list := again.due(10); len(list) != 2 || max(len(list[0].Hashes), len(list[1].Hashes)) != 8*seen.MaxHashes || len(again.due(1)) != 1 {
		t.Errorf("%d days are left to tell", len(list))
	}
}
