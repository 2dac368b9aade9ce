package node

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"entente/internal/desk"
	"entente/internal/notify"
	"entente/journal"
)

// plainRequests is what Requests lists, reckoned from every request anew.
func plainRequests(p *testParty, r RequestListRequest) (ids []string, counts map[string]int) {
	l := must[*ledger](p.t)(p.findUnit(""))
	l.mu.Lock()
	all := l.fold.Requests(p.now())
	l.mu.Unlock()
	slices.SortStableFunc(all, func(a, b desk.Request) int {
		switch {
		case a.Due.IsZero() && b.Due.IsZero():
			return desk.CompareRefs(a.ID, b.ID)
		case a.Due.IsZero():
			return 1
		case b.Due.IsZero():
			return -1
		}
		return a.Due.Compare(b.Due)
	})
	counts = map[string]int{}
	for i := range all {
		q := &all[i]
		if !wanted(q, r, journal.PartyID(p.init.Party)) {
			continue
		}
		if counts[string(q.State)]++; r.Each == 0 || counts[string(q.State)] <= r.Each {
			ids = append(ids, q.ID.String())
		}
	}
	ids = ids[min(r.Skip, len(ids)):]
	return ids[:min(len(ids), cmp.Or(r.Limit, defaultRequestList))], counts
}

// TestRequestTable: whatever is asked, answered, taken back, exchanged and due meanwhile, at each instant a status names and counts what the whole
// table of needs names and counts, and lists have what all requests, with their clocks worked out anew, give.
func TestRequestTable(t *testing.T) {
	a, b := newParty(t, "North"), newParty(t, "South")
	must[*UnitRef](t)(a.FoundUnit(t.Context(), UnitFoundRequest{Name: "Watch"}))
	pair(t, a, b, "Watch")
	a.sync()
	agree(t, func(s string) string { return s + "\nquotas:\n  id: QT\n  requests_per_day: 20000\n" }, a, b)
	var at atomic.Int64
	at.Store(time.Now().Add(time.Second).UnixNano())
	later := func(d time.Duration) { at.Add(int64(d)) }
	for _, p := range []*testParty{a, b} {
		p.stop()
		p.clock = func() time.Time { return time.Unix(0, at.Load()) }
		p.start()
	}
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 1))
	pick := func(from ...string) string { return from[random.IntN(len(from))] }
	var asked []string
	ask := func(p *testParty) {
		v, _, err := p.NewRequest(t.Context(), RequestNewRequest{Type: desk.Information, Urgency: pick("routine", "urgent", "emergency"), Title: "Q", Fields: map[string]string{"subject": "host", "purpose": "case"}})
		if err != nil {
			t.Fatal(err)
		}
		asked = append(asked, v.ID)
	}
	most := 0
	check := func(what string) {
		t.Helper()
		for _, p := range []*testParty{a, b} {
			_, whole, err := p.look(t.Context(), true)
			if err != nil {
				t.Fatal(err)
			}
			st := must[*StatusResponse](t)(p.Status(t.Context()))
			if want := listed(whole); !reflect.DeepEqual(st.Attention, want) {
				t.Fatalf("seed %d, after %s: %s needs\n%+v\nand of the whole table\n%+v", seed, what, p.init.Name, st.Attention, want)
			}
			for _, x := range st.Attention {
				if x.Code == notify.ItemMore {
					most = max(most, x.Count)
				}
			}
			for _, r := range []RequestListRequest{{Limit: 10}, {State: "all", Limit: 50}, {State: "all", Each: 3}, {Side: pick("asked", "owed"), Skip: random.IntN(20)}, {Urgency: "urgent", State: pick("", "sent", "all")}} {
				got := must[*RequestListResponse](t)(p.Requests(t.Context(), r))
				want, counts := plainRequests(p, r)
				ids := []string{}
				for _, q := range got.Requests {
					ids = append(ids, q.ID)
				}
				if !slices.Equal(ids, want) || !reflect.DeepEqual(got.Counts, counts) {
					t.Fatalf("seed %d, after %s: %s lists %+v as %d of %v, and anew it is %d of %v\n%v\n%v", seed, what, p.init.Name, r, len(ids), got.Counts, len(want), counts, ids, want)
				}
			}
			owed := 0
			l := must[*ledger](t)(p.findUnit(""))
			l.mu.Lock()
			for _, q := range l.fold.Requests(p.now()) {
				if q.IsOpen() && q.Asked == journal.PartyID(p.init.Party) {
					owed++
				}
			}
			l.mu.Unlock()
			if st.Units[0].OpenOwed != owed {
				t.Fatalf("seed %d, after %s: %s owes %d, and says %d", seed, what, p.init.Name, owed, st.Units[0].OpenOwed)
			}
		}
	}
	for i := range maxNamed + 30 {
		later(time.Duration(random.IntN(3)) * time.Second) // several are due at once
		ask([]*testParty{a, a, b}[i%3])
	}
	check("asking")
	steps := 60
	if testing.Short() {
		steps /= 5
	}
	for range steps {
		p, what := []*testParty{a, b}[random.IntN(2)], ""
		switch random.IntN(8) {
		case 0:
			what = "a request"
			ask(p)
		case 1, 2, 3:
			id, move := asked[random.IntN(len(asked))], pick("acknowledge", "accept", "refuse", "withdraw", "close")
			_, err := p.MoveRequest(t.Context(), RequestMoveRequest{ID: id, Move: move, Text: "because"})
			what = fmt.Sprintf("%s of %s: %v", move, id, err)
		case 4, 5:
			what = "an exchange"
			p.sync()
		case 6:
			what = "a while"
			later(time.Duration(random.IntN(600)) * time.Second)
		case 7:
			what = "a long while"
			later(time.Duration(random.IntN(12)) * time.Hour)
		}
		later(time.Millisecond)
		check(what)
		check("nothing more since " + what)
	}
	if most == 0 {
		t.Error("no status had to leave a request out")
	}
}
