package node

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"entente/journal"
)

// lineTerms are contacts of two parties, a ladder, and drills that need not be announced.
func lineTerms(a, b string) func(string) string {
	return func(text string) string {
		var s strings.Builder
		s.WriteString(text + "\ncontacts:\n")
		for i, id := range []string{a, b} {
			for _, kind := range []string{"duty", "technical"} {
				fmt.Fprintf(&s, "  - {id: K%d.%s, party: %q, kind: %s, mailbox: %s-%d@example.org, languages: [en]}\n", i+1, kind, id, kind, kind, i+1)
			}
		}
		s.WriteString("escalation:\n  - {id: T1, after: PT30M, contact: duty}\n  - {id: T2, after: PT4H, contact: technical}\ndrills: {id: W5, every: P3M, announced: false}\n")
		return s.String()
	}
}

// callAt is a call as a party sees it, without what goes by the moment.
func callAt(t *testing.T, p *testParty, id string) *CallView {
	t.Helper()
	v := must[*CallView](t)(p.ShowCall(t.Context(), HotlineShowRequest{ID: id}))
	v.Overdue, v.Climb, v.Next, v.Turn = false, 0, nil, ""
	for i := range v.Clocks {
		v.Clocks[i].Overdue = false
	}
	for i := range v.Ladder {
		v.Ladder[i].Due = false
	}
	return v
}

// needs tells whether a line of what needs a person has all of some words.
func needs(t *testing.T, p *testParty, words ...string) bool {
	t.Helper()
	st := must[*StatusResponse](t)(p.Status(t.Context()))
	return slices.ContainsFunc(saysOf(st), func(s string) bool {
		return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(s, w) })
	})
}

func illegal(t *testing.T, what, code string, err error) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Code != "illegal-move" || !strings.Contains(e.Why, "("+code+")") {
		t.Errorf("%s: %v, want %s", what, err, code)
	}
}

// TestHotlineAtBothEnds: a call rings, is not answered, climbs, is taken and ended; a drill beside it is never live; contacts
// are confirmed, tried and reached. Both nodes say the same.
func TestHotlineAtBothEnds(t *testing.T) {
	ctx := t.Context()
	a, b := newParty(t, "North"), newParty(t, "South")
	must[*UnitRef](t)(a.FoundUnit(ctx, UnitFoundRequest{Name: "Watch"}))
	pair(t, a, b, "Watch")
	a.sync()
	agree(t, lineTerms(a.init.Party, b.init.Party), a, b)
	var ahead atomic.Int64
	for _, p := range []*testParty{a, b} {
		p.stop()
		p.clock = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
		p.start()
	}

	dry := must[*WriteResponse](t)(a.Call(ctx, HotlineCallRequest{Subject: "register", Text: "Call back.", DryRun: true}))
	if !dry.DryRun || len(dry.Refs) != 0 {
		t.Errorf("dry run: %+v", dry)
	}
	l := a.units()[0]
	a.mu.Lock()
	bell := a.wakeOf(l.id)
	a.mu.Unlock()
	select {
	case <-bell: // whatever rang before
	default:
	}
	id := must[*WriteResponse](t)(a.Call(ctx, HotlineCallRequest{Subject: "register", Text: "Call back."})).Refs[0]
	select {
	case <-bell:
	default:
		t.Error("the call did not ring: nothing tells the exchange to go at once")
	}
	drill := must[*WriteResponse](t)(a.Call(ctx, HotlineCallRequest{Drill: true, Text: "Only a drill."})).Refs[0]
	ping := must[*WriteResponse](t)(a.PingContact(ctx, ContactPingRequest{Contact: "K2.technical"})).Refs[0]
	a.reaches(b)
	rings := func(p *testParty, want ...string) {
		t.Helper()
		got := []string{}
		for _, c := range must[[]CallView](t)(p.Ringing(ctx)) {
			got = append(got, c.ID)
			if c.Due.IsZero() || c.From != "North" {
				t.Errorf("%+v", c)
			}
		}
		if !slices.Equal(got, append([]string{}, want...)) {
			t.Errorf("%v rings, want %v", got, want)
		}
	}
	rings(a)
	rings(b, id, drill)
	if !needs(t, b, "call", "from North rings", "register", "hotline ack") || !needs(t, b, "DRILL", "from North rings") || !needs(t, b, "DRILL", "K2.technical") {
		t.Errorf("South is not told: %v", saysOf(must[*StatusResponse](t)(b.Status(ctx))))
	}
	if st := must[*StatusResponse](t)(b.Status(ctx)); strings.Contains(saysOf(st)[0], "DRILL") || st.Units[0].OpenCalls != 1 || st.Units[0].OpenDrill != 2 {
		t.Errorf("%+v", st)
	}

	// What this side may not do is refused before anything is written.
	head := l.own.Head()
	move := func(p *testParty, r HotlineMoveRequest) error { _, err := p.MoveCall(ctx, r); return err }
	illegal(t, "acknowledging the own call", "wrong-side", move(a, HotlineMoveRequest{ID: id, Move: "acknowledge"}))
	illegal(t, "climbing too early", "too-early", move(a, HotlineMoveRequest{ID: id, Move: "escalate"}))
	illegal(t, "skipping a step", "wrong-step", move(a, HotlineMoveRequest{ID: id, Move: "escalate", Step: 2}))
	_, err := a.Call(ctx, HotlineCallRequest{Follows: drill})
	illegal(t, "a live call that follows a drill", "drill-mixed", err)
	_, err = a.ConfirmContact(ctx, ContactConfirmRequest{Contact: "K2.duty"})
	illegal(t, "confirming another's contact", "unknown-contact", err)
	if l.own.Head() != head {
		t.Error("something was written")
	}

	ahead.Store(int64(61 * time.Minute))
	if !needs(t, a, "step 1 of the ladder is due") {
		t.Errorf("North is not told: %v", saysOf(must[*StatusResponse](t)(a.Status(ctx))))
	}
	must[*WriteResponse](t)(a.MoveCall(ctx, HotlineMoveRequest{ID: id, Move: "escalate"}))
	a.reaches(b)
	must[*WriteResponse](t)(b.MoveCall(ctx, HotlineMoveRequest{ID: id, Move: "acknowledge", Text: "On it."}))
	rings(b, drill)
	must[*WriteResponse](t)(b.MoveCall(ctx, HotlineMoveRequest{ID: drill, Move: "acknowledge"}))
	rings(b)
	must[*WriteResponse](t)(b.AnswerPing(ctx, ContactAnswerRequest{ID: ping, Language: "en"}))
	must[*WriteResponse](t)(b.ConfirmContact(ctx, ContactConfirmRequest{Contact: "K2.duty", Changed: true, Text: "From Monday: +00 123."}))
	b.reaches(a)
	must[*WriteResponse](t)(a.MoveCall(ctx, HotlineMoveRequest{ID: id, Move: "close"}))
	a.reaches(b)

	here, there := callAt(t, a, id), callAt(t, b, id)
	if fmt.Sprintf("%+v", here) != fmt.Sprintf("%+v", there) || here.State != "closed" || here.Step != 1 || here.Moves[0].Text != "Call back." || here.Drill {
		t.Errorf("here %+v\nthere %+v", here, there)
	}
	sameState(t, a, b)
	list := must[*HotlineListResponse](t)(b.Calls(ctx, HotlineListRequest{State: "all"}))
	if len(list.Calls) != 1 || len(list.Drills) != 1 || len(list.Drills[0].Calls) != 1 || !strings.HasPrefix(list.Drills[0].Calls[0].Title, "DRILL") || len(list.Drills[0].Pings) != 1 {
		t.Errorf("%+v", list)
	}
	h := must[*HotlineHistoryResponse](t)(a.CallHistory(ctx, HotlineHistoryRequest{}))
	if len(h.Live) == 0 || h.Live[0].Party != "South" || h.Live[0].Rang != 2 || h.Live[0].Late != 1 || len(h.Drills) == 0 || h.Drills[0].Rang != 2 {
		t.Errorf("%+v", h)
	}
	k := must[*ContactListResponse](t)(a.Contacts(ctx, ContactListRequest{Language: "en"}))
	if len(k.Contacts) != 2 || k.Contacts[0].ID != "K2.duty" || !k.Contacts[0].Changed || k.Contacts[0].Text != "From Monday: +00 123." || k.Contacts[1].Reached.IsZero() || k.Contacts[0].Party != "South" {
		t.Errorf("%+v", k)
	}
	if v := must[*ContactView](t)(b.ShowContact(ctx, ContactShowRequest{Contact: "K2.technical"})); !v.Self || v.Reached.IsZero() {
		t.Errorf("%+v", v)
	}
	// What rings while a unit ends rings no more.
	must[*WriteResponse](t)(a.Call(ctx, HotlineCallRequest{Subject: "last"}))
	a.reaches(b)
	if n := len(must[[]CallView](t)(b.Ringing(ctx))); n != 1 {
		t.Errorf("%d calls ring", n)
	}
	ahead.Store(int64(200 * 24 * time.Hour)) // nobody confirmed or drilled for long
	if !needs(t, b, "own contact K2.duty") || !needs(t, b, "DRILL: one is due since") {
		t.Errorf("%v", saysOf(must[*StatusResponse](t)(b.Status(ctx))))
	}
	must[*WriteResponse](t)(b.Withdraw(ctx, UnitWithdrawRequest{Confirm: "Watch"}))
	rings(b)
}

// TestWordsAreBounded: what a partner says is read up to a bound, whatever it is packed into.
func TestWordsAreBounded(t *testing.T) {
	p := newParty(t, "North")
	must[*UnitRef](t)(p.FoundUnit(t.Context(), UnitFoundRequest{Name: "Watch"}))
	l := p.units()[0]
	l.mu.Lock()
	defer l.mu.Unlock()
	for n, want := range map[int]bool{1000: true, maxText + 1: false} {
		plain := must[[]byte](t)(answerPayload{Text: strings.Repeat("x", n)}.encode())
		data, ref, err := journal.SealPayload([32]byte{1}, plain)
		if err != nil {
			t.Fatal(err)
		}
		ref.Type = journal.PayloadText
		if err := l.keep(ref.Commitment, [32]byte{1}, data); err != nil {
			t.Fatal(err)
		}
		if got, absent := l.words(&ref, false); (got != "") != want || (absent == "") != want {
			t.Errorf("%d bytes: read %d", n, len(got))
		}
		if got, absent := l.words(&ref, true); got != "" || absent != AbsentHeld {
			t.Error("words that are held back were read")
		}
	}
	var e *Error
	if _, err := l.utter("hotline.call", spoken{text: strings.Repeat("x", maxWords+1)}, func(string, int64) any { return nil }); !errors.As(err, &e) || e.Code != CodeBadInput {
		t.Errorf("%v", err)
	}
}

// TestContactsGoStale: three months without a word of it a contact is stale at both ends, and its own side is reminded of it, the other is not. A
// confirmation and an answered ping make it fresh again, at both ends from the same second.
func TestContactsGoStale(t *testing.T) {
	ctx := t.Context()
	a, b := newParty(t, "North"), newParty(t, "South")
	must[*UnitRef](t)(a.FoundUnit(ctx, UnitFoundRequest{Name: "Watch"}))
	pair(t, a, b, "Watch")
	a.sync()
	agree(t, lineTerms(a.init.Party, b.init.Party), a, b)
	var c handClock
	a.takes(&c)
	b.takes(&c)
	stale := func(want ...string) {
		t.Helper()
		shown := map[string]ContactView{}
		for i, p := range []*testParty{a, b} {
			var got []string
			for _, x := range must[*ContactListResponse](t)(p.Contacts(ctx, ContactListRequest{Party: b.init.Party})).Contacts {
				if x.IsStale {
					got = append(got, x.ID)
				}
				if i == 0 {
					shown[x.ID] = x
				} else if y := shown[x.ID]; !x.Fresh.Equal(y.Fresh) || !x.Stale.Equal(y.Stale) || x.IsStale != y.IsStale {
					t.Errorf("%s is\n%+v at North and\n%+v at South", x.ID, y, x)
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, want) || len(shown) != 2 {
				t.Errorf("stale at %s: %v, want %v, of %d", p.init.Name, got, want, len(shown))
			}
			for _, id := range []string{"K2.duty", "K2.technical"} {
				reminded := slices.ContainsFunc(must[*StatusResponse](t)(p.Status(ctx)).Attention, func(x Attention) bool { return x.Code == "contact-stale" && x.Word == id })
				if wanted := p == b && slices.Contains(want, id); reminded != wanted {
					t.Errorf("%s is reminded of %s: %v", p.init.Name, id, reminded)
				}
			}
		}
	}
	spread := func() {
		t.Helper()
		for range 2 {
			a.reaches(b)
			b.reaches(a)
		}
	}
	stale()
	c.move(94 * 24 * time.Hour)
	stale("K2.duty", "K2.technical")

	must[*WriteResponse](t)(b.ConfirmContact(ctx, ContactConfirmRequest{Contact: "K2.duty"}))
	spread()
	stale("K2.technical")
	must[*WriteResponse](t)(a.PingContact(ctx, ContactPingRequest{Contact: "K2.technical"}))
	spread()
	stale("K2.technical") // nobody has answered yet
	c.move(time.Minute)
	must[*WriteResponse](t)(b.AnswerPing(ctx, ContactAnswerRequest{}))
	spread()
	stale()
	if x := must[*ContactView](t)(a.ShowContact(ctx, ContactShowRequest{Contact: "K2.technical"})); c.now().Sub(x.Fresh).Abs() >= time.Second {
		t.Errorf("fresh since %s, answered at %s", x.Fresh, c.now())
	}
	c.move(94 * 24 * time.Hour)
	stale("K2.duty", "K2.technical")
	sameState(t, a, b)
}
