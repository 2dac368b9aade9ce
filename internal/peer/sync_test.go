package peer

import (
	"fmt"
	"strings"
	"testing"
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
