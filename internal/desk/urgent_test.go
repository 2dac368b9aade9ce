package desk_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"entente/internal/accord"
	"entente/internal/desk"
	"entente/journal"
)

// TestUrgent: the most pressing needs, and the order in which requests are due, are those of sorting everything.
func TestUrgent(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 2))
	self, other := journal.PartyID("a"), journal.PartyID("b")
	origin := journal.Origin("entente/x")
	for round := range 50 {
		var all []*desk.Request
		for i := range random.IntN(200) {
			asking, asked := self, other
			if random.IntN(2) == 0 {
				asking, asked = other, self
			}
			send := desk.Act[desk.Body]{Ref: journal.Ref{Origin: origin, Index: int64(i)}, Name: desk.Send, Party: asking, At: start, Body: desk.Body{Type: desk.Information, Urgency: []string{"", "routine", "urgent"}[random.IntN(3)]}}
			r, err := desk.NewRequest(send, asked, "")
			if err != nil {
				t.Fatal(err)
			}
			c := *r
			if random.IntN(4) > 0 { // few instants, so that many are due at one
				c.Due = start.Add(time.Duration(random.IntN(4)) * time.Second).Add(time.Duration(random.IntN(2)))
			}
			for range random.IntN(3) {
				c.Clocks = append(c.Clocks, desk.Clock{Name: accord.StageAcknowledge, Owner: []journal.PartyID{self, other}[random.IntN(2)], Due: start.Add(time.Duration(random.IntN(3)) * time.Minute), Overdue: random.IntN(2) == 0, Warning: random.IntN(2) == 0})
			}
			if random.IntN(8) == 0 {
				c.State = desk.Closed
			}
			all = append(all, &c)
		}
		var want []desk.Need
		for _, r := range all {
			needs := r.Needs(self)
			if len(needs) == 0 {
				continue
			}
			slices.SortStableFunc(needs, func(a, b desk.Need) int { return cmp.Or(a.Rank()-b.Rank(), a.Due.Compare(b.Due)) })
			n := needs[0]
			n.Urgency = cmp.Or(n.Urgency, accord.Routine)
			want = append(want, n)
		}
		slices.SortStableFunc(want, func(a, b desk.Need) int {
			return cmp.Or(a.Rank()-b.Rank(), a.Due.Compare(b.Due), cmp.Compare(a.Ref.String(), b.Ref.String()))
		})
		for _, most := range []int{0, 1, 7, len(want), len(want) + 1} {
			got, n := desk.Pressing(all, self, most)
			if n != len(want) || fmt.Sprint(got) != fmt.Sprint(want[:min(most, len(want))]) {
				t.Fatalf("seed %d, round %d: %d of %d\n%+v\nwant %d\n%+v", seed, round, most, n, got, len(want), want)
			}
		}
		due := slices.Clone(all)
		slices.SortStableFunc(due, func(a, b *desk.Request) int {
			switch {
			case a.Due.IsZero() != b.Due.IsZero():
				return cmp.Compare(b.Due.Unix(), a.Due.Unix())
			case a.Due.IsZero():
				return desk.CompareRefs(a.ID, b.ID)
			}
			return a.Due.Compare(b.Due)
		})
		if got := desk.ByDue(all); !reflect.DeepEqual(got, due) && len(all) > 0 {
			t.Fatalf("seed %d, round %d: %d requests by what is due are not those of sorting", seed, round, len(all))
		}
	}
}
