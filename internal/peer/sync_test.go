package peer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"entente/journal"
)

func TestSyncCarriesBothDirections(t *testing.T) {
	for _, eager := range []bool{false, true} {
		t.Run(fmt.Sprintf("eager=%v", eager), func(t *testing.T) {
			a, b := twoEnds(t)
			a.receipts, b.receipts = true, true
			a.eager, b.eager = eager, eager
			for i := range 10 {
				a.write(fmt.Sprint("a", i), strings.Repeat("x", i*100))
				b.write(fmt.Sprint("b", i), strings.Repeat("y", i*100))
			}
			b.listen(t, b.party, Limits{}, nil)
			c := a.client(t, a.party, Limits{})
			rounds := 0
			rep, err := c.Sync(t.Context(), b.target(), func(Progress) { rounds++ })
			if err != nil {
				t.Fatal(err)
			}
			if d := a.same(b.party); d != "" || !rep.Complete || rounds != rep.Round {
				t.Fatalf("%s; complete %v, rounds %d, report %+v", d, rep.Complete, rounds, rep)
			}
			if a.doubled+b.doubled > 0 {
				t.Errorf("%d came twice", a.doubled+b.doubled)
			}
			// Both hold a receipt of the other, and one round finds that nothing is new.
			if n := len(a.journals[a.own()]); n != 11 && n != 12 {
				t.Errorf("a's journal has %d entries, not 10 and its receipts", n)
			}
			rep, err = c.Sync(t.Context(), b.target(), nil)
			if err != nil || rep.Round != 1 || rep.EntriesSent+rep.EntriesAccepted != 0 || !rep.Complete {
				t.Errorf("a second sync: %+v, %v", rep, err)
			}
			// What is new goes out with the first packet, and the receipt comes back in
			// its answer: one round and nothing else to ask.
			a.write("news", "news")
			rep, err = c.Sync(t.Context(), b.target(), nil)
			if err != nil || a.same(b.party) != "" {
				t.Fatalf("a third sync: %+v, %v, %s", rep, err, a.same(b.party))
			}
			if want := map[bool]int{false: 3, true: 1}[eager]; rep.Round > want {
				t.Errorf("one new entry took %d rounds, want at most %d", rep.Round, want)
			}
		})
	}
}

// slowDisk takes in what it is given once it is let.
type slowDisk struct {
	*party
	began, let chan struct{}
}

func (d *slowDisk) Accept(ctx context.Context, u journal.UnitID, from journal.PartyID, r Run) (int, error) {
	d.began <- struct{}{}
	<-d.let
	return d.party.Accept(ctx, u, from, r)
}

// A party is asked for one exchange at a time, which is all that it answers. A session in another unit waits for the round
// under way: refused as "busy" it would try again after pauses that double, for as long as much is sent in the first.
func TestSessionsOfSeveralUnitsTakeTurns(t *testing.T) {
	a, b := twoEnds(t)
	a.write("a", "data")
	first, second := b.unit, unitID("second")
	b.book.units[second] = true
	disk := &slowDisk{b.party, make(chan struct{}, 1), make(chan struct{})}
	b.listen(t, disk, Limits{}, nil)
	c := a.client(t, a.party, Limits{})
	done := make(chan error, 2)
	session := func(u journal.UnitID) {
		to := b.target()
		to.Unit = u
		_, err := c.Sync(t.Context(), to, nil)
		done <- err
	}
	go session(first)
	<-disk.began
	go session(second)
	select {
	case err := <-done:
		t.Errorf("the second did not wait: %v", err)
		done <- nil
	case <-time.After(50 * time.Millisecond): // long enough for the other end to say that it is busy
	}
	// Who waits can be called back.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	third := b.target()
	third.Unit = unitID("third")
	if _, err := c.Sync(ctx, third, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("one that was called back: %v", err)
	}
	close(disk.let)
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
