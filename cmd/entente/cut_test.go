//go:build unix

package main

import (
	"path/filepath"
	"syscall"
	"testing"
)

// TestAttempts: what an earlier attempt at a share has left does not make the next
// one whole.
func TestAttempts(t *testing.T) {
	for _, c := range []struct {
		name string
		now  []int // entries in the journal after each attempt
		done bool  // after the last one
	}{
		{"one that is not cut", []int{10}, true},
		{"the same half twice", []int{5, 10}, false},
		{"more than enough, in pieces", []int{7, 14}, false},
		{"a piece, then all", []int{3, 13}, true},
		{"nothing, then all", []int{0, 10}, true},
	} {
		a := attempts{whole: 10}
		done := false
		for _, now := range c.now {
			done = a.done(now)
		}
		if done != c.done {
			t.Errorf("%s: %v", c.name, done)
		}
	}
}

// TestShareCutTwice: a share whose writer is killed half way, twice, leaves the same
// half twice. The receiver holds all those payloads, knows their objects once, and
// owes nobody anything; the share that is then made whole brings the rest.
func TestShareCutTwice(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED with -short: a share of 40,000 objects, cut twice")
	}
	const objects, entries = 40_000, 4
	exe, dir := program(t)
	c := newKilling()
	c.t = t
	c.north = newServed(t, exe, dir, "North", "", freePort(t))
	c.south = newServed(t, exe, dir, "South", "", freePort(t))
	c.north.start()
	c.south.start()
	pair(t, c.north, c.south)
	if _, err := c.north.load(0, objects); err != nil {
		t.Fatal(err)
	}
	most, all := 0, 0
	for range 2 {
		before := c.shareEntries()
		result := make(chan error, 1)
		go func() { _, err := c.north.share(0); result <- err }()
		eventuallySoon(t, "half of the share is in the journal", func() error {
			if c.shareEntries()-before < entries/2 {
				return errNotYet
			}
			return nil
		})
		c.north.kill(syscall.SIGKILL)
		<-result // whether it was confirmed in time does not matter here
		c.north.start()
		left := c.shareEntries() - before
		most, all = max(most, left), all+left
	}
	quiet := func(known int64, payloads int) {
		t.Helper()
		same(t, c.north, c.south)
		eventuallySoon(t, "everything that is held is taken in", func() error {
			if n := c.south.accepted(); n != known {
				return errNotYet
			}
			return nil
		})
		held, err := filepath.Glob(filepath.Join(c.south.dir, "units", "*", "payloads", "*", "*"))
		if err != nil {
			t.Fatal(err)
		}
		if len(held) != payloads+1 { // and the accord
			t.Errorf("South holds %d payloads of shares, not %d", len(held)-1, payloads)
		}
		if st := c.south.status(); len(st.Attention) != 0 {
			t.Errorf("South says %q", told(st))
		}
	}
	t.Logf("%d entries in two attempts, %d at most in one", all, most)
	quiet(int64(most)*objects/entries, all)
	if _, err := c.north.share(0); err != nil {
		t.Fatal(err)
	}
	quiet(objects, all+entries)
}
