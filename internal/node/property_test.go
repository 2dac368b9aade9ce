package node

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"entente/internal/accord"
	"entente/internal/desk"
	"entente/internal/peer"
	"entente/internal/unit"
	"entente/journal"
)

// errCut is the line that breaks.
var errCut = errors.New("the line was cut")

// wire carries one packet from one node to another in memory, as a session would:
// what the reader is believed to hold may be out of date, the packet may be cut,
// and it may come twice.
type wire struct {
	t   *testing.T
	rng *rand.Rand
}

func (w wire) carry(from, to *testParty) {
	w.t.Helper()
	ctx := w.t.Context()
	l := must[*ledger](w.t)(from.findUnit(""))
	hello := must[peer.Hello](w.t)(backend{to.Node}.Hello(ctx, l.id, from.keys().party))
	if w.rng.IntN(4) == 0 { // an old idea of what it holds
		for o, h := range hello.Have {
			if w.rng.IntN(3) == 0 {
				delete(hello.Have, o)
			}
			_ = h
		}
	}
	var runs []peer.Run
	var payloads []peer.Payload
	for run, err := range (backend{from.Node}).Since(ctx, l.id, to.keys().party, hello.Have) {
		if err != nil {
			if _, ok := peer.AsRefusal(err); ok {
				continue
			}
			w.t.Fatal(err)
		}
		runs = append(runs, run)
		for _, c := range run.Payloads {
			if p, err := (backend{from.Node}).Payload(ctx, l.id, to.keys().party, c); err == nil {
				payloads = append(payloads, p)
			}
		}
	}
	for _, c := range hello.Want {
		if p, err := (backend{from.Node}).Payload(ctx, l.id, to.keys().party, c); err == nil {
			payloads = append(payloads, p)
		}
	}
	for range 1 + w.rng.IntN(5)/4 { // now and then twice
		if w.deliver(from, to, l.id, runs, payloads) == errCut {
			return
		}
	}
}

func (w wire) deliver(from, to *testParty, id journal.UnitID, runs []peer.Run, payloads []peer.Payload) error {
	ctx := w.t.Context()
	b, sender := backend{to.Node}, from.keys().party
	taken := 0
	cut := -1
	if w.rng.IntN(3) == 0 {
		cut = w.rng.IntN(len(runs) + len(payloads) + 1)
	}
	settle := func() {
		if taken > 0 {
			if err := b.Settle(ctx, id, sender); err != nil {
				w.t.Fatal(err)
			}
		}
		if err := to.drainIntake(ctx); err != nil {
			w.t.Fatal(err)
		}
	}
	if w.rng.IntN(2) == 0 {
		w.rng.Shuffle(len(runs), func(i, j int) { runs[i], runs[j] = runs[j], runs[i] })
	}
	for i, run := range runs {
		if i == cut {
			settle()
			return errCut
		}
		n, err := b.Accept(ctx, id, sender, run)
		if _, refused := peer.AsRefusal(err); err != nil && !refused {
			w.t.Fatal(err)
		}
		taken += n
	}
	for i, p := range payloads {
		if i+len(runs) == cut {
			settle()
			return errCut
		}
		added, err := b.AcceptPayload(ctx, id, sender, p)
		if _, refused := peer.AsRefusal(err); err != nil && !refused {
			w.t.Fatal(err)
		}
		if added {
			taken++
		}
	}
	settle()
	return nil
}

// act does something that an officer of the party might do.
func (w wire) act(p *testParty, n int) {
	w.t.Helper()
	ctx := w.t.Context()
	switch w.rng.IntN(10) {
	case 0, 1, 2:
		name := fmt.Sprint("import ", n)
		must[*ImportResponse](w.t)(p.Import(ctx, ImportRequest{Name: name}, bytes.NewReader(bundleText(indicatorText(n, fmt.Sprintf("v%d.example", n), tlpClear))), nil))
		_, _ = p.Share(ctx, ShareRequest{Source: name}, nil) // the gate may say no
	case 3, 4:
		others := must[*ledger](w.t)(p.findUnit("")).partners()
		_, _, _ = p.NewRequest(ctx, RequestNewRequest{To: string(others[w.rng.IntN(len(others))]), Type: "information", Urgency: "routine", Title: fmt.Sprint("Q", n), Text: "?", Fields: map[string]string{"subject": "x", "purpose": "y", "facts": "z"}})
	case 5, 6, 7:
		list := must[*RequestListResponse](w.t)(p.Requests(ctx, RequestListRequest{State: "open"}))
		if len(list.Requests) == 0 {
			return
		}
		v := must[*RequestView](w.t)(p.Request(ctx, RequestShowRequest{ID: list.Requests[w.rng.IntN(len(list.Requests))].ID}))
		if len(v.Next) == 0 {
			return
		}
		mv := RequestMoveRequest{ID: v.ID, Move: v.Next[w.rng.IntN(len(v.Next))], Text: "because"}
		if mv.Move == desk.Assess {
			mv.Scores = map[string]int{"accuracy": 3}
		}
		_, _ = p.MoveRequest(ctx, mv)
	case 8:
		_, _ = p.Suspend(ctx, UnitSuspendRequest{Scope: [][]string{{"share"}, {"all"}}[w.rng.IntN(2)], Code: "x"})
	case 9:
		_, _ = p.Resume(ctx, UnitResumeRequest{})
	}
}

// TestPropertyInterleavings lets two and three nodes do anything in any order over
// lines that cut, repeat and forget. At rest all hold one state, to the byte, and
// know the same; also after a restart, which folds in another order.
func TestPropertyInterleavings(t *testing.T) {
	rounds := 4
	if testing.Short() {
		rounds = 1
	}
	for seed := range rounds {
		for _, members := range []int{2, 3} {
			t.Run(fmt.Sprintf("%d members, seed %d", members, seed), func(t *testing.T) {
				var ps []*testParty
				if members == 2 {
					a, b := two(t)
					ps = []*testParty{a, b}
				} else {
					a, b, c := three(t)
					relay(a, b, c)
					signedByAll(t, accordText(t, a, b, c), func() { relay(a, b, c) }, a, b, c)
					relay(a, b, c)
					ps = []*testParty{a, b, c}
				}
				w := wire{t, rand.New(rand.NewPCG(uint64(seed), uint64(members)))}
				pick := func() (int, int) {
					i := w.rng.IntN(len(ps))
					return i, (i + 1 + w.rng.IntN(len(ps)-1)) % len(ps)
				}
				for n := range 80 {
					i, j := pick()
					if w.rng.IntN(2) == 0 {
						w.act(ps[i], 1000*seed+n)
					} else {
						w.carry(ps[i], ps[j])
					}
				}
				for _, p := range ps { // nothing stays suspended, so that all content can flow
					_, _ = p.Resume(t.Context(), UnitResumeRequest{})
				}
				rest(t, w, ps)
				sameState(t, ps...)
				sound(t, ps...)
				before := ps[0].state()
				for _, p := range ps {
					p.stop()
					p.start()
				}
				sameState(t, ps...)
				if after := ps[0].state(); len(after.Requests) != len(before.Requests) || len(after.Shares) != len(before.Shares) {
					t.Error("a restart changes the state")
				}
				knowTheSame(t, ps)
			})
		}
	}
}

// rest exchanges without faults until nothing is new.
func rest(t *testing.T, w wire, ps []*testParty) {
	t.Helper()
	for range 20 {
		var before, after string
		for _, p := range ps {
			before += heads(t, p)
		}
		for _, a := range ps {
			for _, b := range ps {
				if a != b {
					if _, err := a.Sync(t.Context(), SyncRequest{Party: b.init.Party}, nil); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		for _, p := range ps {
			if err := p.drainIntake(t.Context()); err != nil {
				t.Fatal(err)
			}
			after += heads(t, p)
		}
		if before == after {
			return
		}
	}
	t.Fatal("the members do not come to rest: they answer each other for ever")
}

func heads(t *testing.T, p *testParty) string {
	t.Helper()
	l := must[*ledger](t)(p.findUnit(""))
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	for _, j := range l.journals() {
		fmt.Fprintln(&b, j.origin, j.head)
	}
	fmt.Fprintln(&b, len(l.wanted))
	return b.String()
}

// knowTheSame checks that every allowed share is used by everybody, once.
func knowTheSame(t *testing.T, ps []*testParty) {
	t.Helper()
	shared := int64(0)
	for _, s := range ps[0].state().Shares {
		if s.Verdict.Verdict.String() == "allow" {
			shared += s.Objects
		}
	}
	for _, p := range ps {
		own := int64(0)
		for _, o := range must[*SearchResponse](t)(p.Search(t.Context(), SearchRequest{Type: "indicator", Limit: 1000})).Objects {
			for _, prov := range o.Provenance {
				if prov.Ref != "" {
					own++ // it came by a share
				}
			}
		}
		mine := int64(0)
		for _, s := range p.state().Shares {
			if s.Party == p.keys().party && s.Verdict.Verdict.String() == "allow" {
				mine += s.Objects
			}
		}
		for _, it := range must[*IntakeResponse](t)(p.Intake(t.Context(), IntakeRequest{Limit: 1000})).Items {
			if it.Code != unit.CodeConcurrent && it.Code != accord.CodeSuspended {
				t.Errorf("%s holds %s back: %s", p.init.Name, it.ID, it.Code)
			}
			own++ // it crossed a suspension on its way, and waits for an officer
		}
		if own+mine != shared {
			t.Errorf("%s knows %d shared objects of others and shared %d itself; all shares hold %d", p.init.Name, own, mine, shared)
		}
	}
}
