//go:build linux

package main

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"
)

const (
	northIP, southIP, westIP = "10.77.0.1", "10.77.0.2", "10.77.0.3"
	southNewIP               = "10.77.0.22"
)

// TestNetwork runs nodes in network namespaces of their own, with bad networks
// between them. Whatever the weather, what is shared arrives, at the latest once
// the network is good again, once and not twice, and all come to the same state.
func TestNetwork(t *testing.T) {
	t.Parallel() // most of it is waiting
	if testing.Short() {
		t.Skip("SKIPPED with -short: nodes in network namespaces")
	}
	r := newRouter(t)
	exe, base := program(t)
	place := func(name, addr string) *served {
		wrap := r.namespace(name[:1], addr)
		s := newServed(t, exe, base, name, "", addr+":8443")
		s.wrap = wrap
		s.start()
		return s
	}
	north, south, west := place("North", northIP), place("South", southIP), place("West", westIP)
	all := []*served{north, south, west}
	pair(t, all...)

	addr := netip.MustParseAddr
	between := func(a, b string) func(from, to netip.Addr) bool {
		return func(from, to netip.Addr) bool {
			return from == addr(a) && to == addr(b) || from == addr(b) && to == addr(a)
		}
	}
	everything := func(netip.Addr, netip.Addr) bool { return true }
	batch, total := 0, int64(0)
	send := func(from *served, n int) {
		t.Helper()
		batch++
		if _, err := from.load(batch, n); err != nil {
			t.Fatal(err)
		}
		if res, err := from.share(batch); err != nil || res.Shared != int64(n) {
			t.Fatalf("%+v %v", res, err)
		}
		total += int64(n)
	}
	have := func(nodes ...*served) {
		t.Helper()
		for _, s := range nodes {
			eventuallySoon(t, s.name+" has everything", func() error {
				if got := s.accepted(); got != total {
					return fmt.Errorf("%s knows %d objects, not %d", s.name, got, total)
				}
				return nil
			})
		}
	}
	send(north, 10)
	have(all...)

	// Weather that lets something through.
	for _, c := range []struct {
		name string
		weather
		real func(traffic) int // packets that it happened to
	}{
		{"a good line", weather{}, func(c traffic) int { return c.Passed }},
		{"one packet in ten is lost", weather{Loss: 0.1}, func(c traffic) int { return c.Lost }},
		{"every packet takes 150 to 250 ms", weather{Delay: 150 * time.Millisecond, Jitter: 100 * time.Millisecond}, func(c traffic) int { return c.Passed }},
		{"one in three is doubled", weather{Twice: 0.3}, func(c traffic) int { return c.Doubled }},
		{"one in three is overtaken", weather{Delay: 5 * time.Millisecond, Late: 0.3}, func(c traffic) int { return c.Overtaken }},
		{"32 KiB a second", weather{Rate: 32 << 10, Delay: 20 * time.Millisecond}, func(c traffic) int { return c.Passed }},
		{"all of it at once", weather{Loss: 0.05, Twice: 0.1, Late: 0.2, Delay: 40 * time.Millisecond, Jitter: 40 * time.Millisecond, Rate: 128 << 10}, func(c traffic) int { return min(c.Lost, c.Doubled, c.Overtaken) }},
	} {
		r.set(c.weather)
		began := time.Now()
		send(north, 1) // a message of the hotline's size
		have(south)
		alone := time.Since(began)
		send(south, 400)
		have(all...)
		seen := r.set(weather{})
		if c.real(seen) == 0 {
			t.Fatalf("%s: nothing of it happened: %+v", c.name, seen)
		}
		t.Logf("%-34s one indicator was usable at the partner after %s (import and share included); %+v", c.name, alone.Round(time.Millisecond), seen)
	}

	// Weather that stops it, in the middle of things, until it is over.
	for _, c := range []struct {
		name string
		weather
		moves bool // others still come through to everybody
	}{
		{"nobody reaches anybody", weather{Cut: everything}, false},
		{"packets from North vanish", weather{Cut: func(from, _ netip.Addr) bool { return from == addr(northIP) }}, false},
		{"packets to North vanish", weather{Cut: func(_, to netip.Addr) bool { return to == addr(northIP) }}, false},
		{"large packets vanish", weather{MTU: 600}, false},
		{"North and West do not reach each other", weather{Cut: between(northIP, westIP)}, true},
	} {
		r.set(weather{Rate: 64 << 10}) // so that a session is under way
		send(south, 2000)
		time.Sleep(300 * time.Millisecond)
		r.set(c.weather)
		send(north, 50)
		send(west, 1)
		if c.moves {
			have(all...) // over the third
			eventuallySoon(t, "the two that do not reach each other trying", func() error {
				if r.seen().Vanished == 0 {
					return errors.New("nothing was stopped between them")
				}
				return nil
			})
		} else {
			time.Sleep(3 * time.Second)
		}
		for _, s := range all {
			s.alive()
		}
		seen := r.set(weather{})
		if seen.Vanished == 0 {
			t.Fatalf("%s: nothing of it happened: %+v", c.name, seen)
		}
		began := time.Now()
		have(all...)
		t.Logf("%-38s all was made good %s after it was over; %+v", c.name, time.Since(began).Round(10*time.Millisecond), seen)
	}

	if testing.Verbose() {
		defer func() { t.Log(south.errs) }()
	}
	// South gets another address and nobody is told: it opens the sessions then.
	r.move(south.wrap, southIP, southNewIP)
	send(north, 20)
	send(south, 20)
	have(all...)

	same(t, all...)
	for _, s := range all {
		s.verify()
		for _, m := range s.status().Units[0].Members {
			if m.Fault != "" {
				t.Errorf("%s finds fault with %s: %s", s.name, m.Name, m.Fault)
			}
		}
	}
}
