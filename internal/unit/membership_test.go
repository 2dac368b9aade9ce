package unit_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entente/internal/accord"
	"entente/internal/desk"
	"entente/internal/unit"
	"entente/journal"
)

func status(s *unit.State, hash string) string {
	for _, p := range s.Proposals {
		if p.Hash == hash {
			return p.Status
		}
	}
	return ""
}

// TestFinality: an entry is final once every member's journal includes it; an accord that all have
// signed is in force only when the signatures are final; a suspension restricts at once; a late
// entry that has not seen what is final is void or changes nothing about it.
func TestFinality(t *testing.T) {
	w, north, south, hash := pair(t)
	next := w.text("Second", 2, hash, north, south)
	north.propose(unit.KindAmend, next, 2, hash)
	accept := north.write(unit.KindAccept, unit.HashBody{Hash: next})
	north.sign(next)
	south.see(north)
	south.sign(next)
	s := w.state()
	if s.Accord.Hash != hash || status(s, next) != unit.StatusComplete {
		t.Errorf("in force before South's signature is in North's journal: %s", status(s, next))
	}
	share := south.share(1) // South cannot know that North holds its signature
	north.receipt(south)
	s = w.state()
	if s.Accord.Hash != next || status(s, next) != unit.StatusInForce || status(s, hash) != unit.StatusReplaced {
		t.Errorf("not in force though both journals hold both signatures: %s", pretty(s.JSON()))
	}
	for _, p := range s.Proposals {
		for _, m := range p.Accepted {
			if m.Ref == accept.Ref() && !m.Final {
				t.Error("an acceptance that both journals include is not final")
			}
		}
	}
	final := map[journal.Origin]int64{}
	for _, f := range s.Frontier {
		final[f.Origin] = f.Size
	}
	if final[south.origin] != int64(len(south.entries)) || final[north.origin] != int64(len(north.entries))-1 {
		t.Errorf("frontier %v of %d and %d", final, len(north.entries), len(south.entries))
	}
	f := w.fold()
	expect(t, f, share, accord.Allow, accord.CodeOK)
	if d := f.Decide(south.id, journal.Draft{Kind: "share", At: w.clock, By: duty, Body: unit.ContentBody{Objects: 1, TLP: "green"}}); d.Verdict != accord.Allow {
		t.Errorf("South's next entry is under the new accord: %+v", d)
	}
	// A late entry of South with a stale seen: it would sign something else.
	other := w.text("Other", 2, hash, north, south)
	late := south.write(unit.KindSign, unit.HashBody{Hash: other}, seeing(map[journal.Origin]journal.Head{}))
	s = w.state()
	if voidCode(s, late) == "" || s.Accord.Hash != next {
		t.Errorf("a late entry rewrote what is final: %s", pretty(s.JSON()))
	}
}

// TestMembership: the members are the accord's parties; changing them is an amendment signed by all
// that continue or join, not by who leaves; among competing successors a member changes only to a
// lower hash, and once one is in force the others are void.
func TestMembership(t *testing.T) {
	w, hash := founded(t, "North", "South", "West")
	north, south, west := w.actors[0], w.actors[1], w.actors[2]
	east := w.join("East", 0, nil)

	// A text with a party that nobody admitted cannot be signed.
	stranger := w.text("With a stranger", 2, hash, north, south, west, east)
	north.propose(unit.KindAmend, stranger, 2, hash)
	if got := voidNow(w, north.sign(stranger)); got != unit.CodeStrangers {
		t.Errorf("a stranger's accord: %q", got)
	}
	w.admit(north, east)
	w.sync()
	if s := w.state(); len(s.Candidates) != 1 || s.Candidates[0].Party != east.id {
		t.Errorf("candidates: %+v", s.Candidates)
	}
	// One of three cannot go on alone with a newcomer.
	coup := w.text("Coup", 2, hash, north, east)
	north.propose(unit.KindAmend, coup, 2, hash)
	if got := voidNow(w, north.sign(coup)); got != unit.CodeNoMajority {
		t.Errorf("one of three replaced the unit: %q", got)
	}

	// Two competing amendments: West leaves, East joins.
	texts := []string{}
	for i := range 2 {
		texts = append(texts, w.text(fmt.Sprint("Amendment ", i), 2, hash, north, south, east))
	}
	slices.Sort(texts)
	low, high := texts[0], texts[1]
	north.propose(unit.KindAmend, low, 2, hash)
	south.propose(unit.KindAmend, high, 2, hash)
	north.sign(low)
	south.sign(high) // neither knows of the other
	north.see(south)
	up := north.sign(high)
	south.see(north)
	south.sign(low)
	east.see(north, south)
	w.sync()
	if s := w.state(); voidCode(s, up) != unit.CodeHigherHash || s.Accord.Hash != hash {
		t.Errorf("signing towards the higher hash: %q", voidCode(s, up))
	}
	east.sign(low)
	// West never answers: it is not needed.
	for range 2 {
		for _, a := range []*actor{north, south, east} {
			a.receipt(north, south, east)
		}
	}
	s := w.state()
	if s.Accord.Hash != low || status(s, high) != unit.StatusSuperseded {
		t.Fatalf("the amendment with the lower hash is not in force: %s", pretty(s.JSON()))
	}
	if len(s.Members) != 3 || len(s.Left) != 1 || s.Left[0].Party != west.id || !slices.Equal(s.Accord.History, []string{hash, low}) {
		t.Errorf("members %v, left %v", s.Members, s.Left)
	}
	lateSign := south.sign(high)
	f := w.fold()
	if got := voidCode(f.State(w.clock), lateSign); got != unit.CodeNotSuccessor {
		t.Errorf("signing a void competitor: %q", got)
	}
	// West has not seen that it left: what it writes is judged by what it knew, and shows.
	expectNow(t, w, west.share(1), accord.Allow, accord.CodeOK)
	west.see(north, south, east)
	expectNow(t, w, west.share(1), accord.Refuse, accord.CodeNotMember)
	expectNow(t, w, east.share(1), accord.Allow, accord.CodeOK)
	if got := voidNow(w, west.write(unit.KindSuspend, unit.SuspendBody{Scope: []string{"all"}})); got != unit.CodeNotMember {
		t.Errorf("a former member suspends: %q", got)
	}
}

func TestFirstAccordNeedsTheFounder(t *testing.T) {
	w := newWorld(t, "North", "South", "West")
	north, south, west := w.actors[0], w.actors[1], w.actors[2]
	w.admit(north, south)
	w.admit(north, west)
	hash := w.text("Without North", 1, "", south, west)
	south.see(north)
	south.propose(unit.KindPropose, hash, 1, "")
	if got := voidNow(w, south.sign(hash)); got != unit.CodeNoFounder {
		t.Errorf("code %q", got)
	}
	expectNow(t, w, south.share(1), accord.Refuse, accord.CodeNoAccord)
}

// TestNegotiation: proposals, counters and reservations are shown; what names texts that its author
// had not seen has no effect.
func TestNegotiation(t *testing.T) {
	w := newWorld(t, "North", "South")
	north, south := w.actors[0], w.actors[1]
	w.admit(north, south)
	first := w.text("First", 1, "", north, south)
	second := w.text("Second", 1, "", north, south)
	north.propose(unit.KindPropose, first, 1, "")
	blind := south.sign(first) // South has seen neither its admission nor the proposal
	south.see(north)
	early := south.write(unit.KindCounter, unit.ProposeBody{Hash: second, Version: 1, Counters: second}, payload("accord", 900))
	counter := south.write(unit.KindCounter, unit.ProposeBody{Hash: second, Version: 1, Counters: first}, payload("accord", 900))
	south.write(unit.KindReserve, unit.ReserveBody{Hash: first, Clauses: []string{"H1"}}, payload("text", 90))
	wrong := south.write(unit.KindPropose, unit.ProposeBody{Hash: first, Version: 2}, payload("accord", 900))
	bare := south.write(unit.KindPropose, unit.ProposeBody{Hash: first, Version: 1})
	s := w.state()
	for e, code := range map[*journal.Entry]string{blind: unit.CodeNotMember, early: unit.CodeUnknownText, counter: "", wrong: unit.CodeMismatch, bare: unit.CodeBadBody} {
		if got := voidCode(s, e); got != code {
			t.Errorf("%s %d: code %q, want %q", e.Kind, e.Index, got, code)
		}
	}
	for _, p := range s.Proposals {
		if p.Hash == first && (len(p.Reservations) != 1 || p.Reservations[0].Clauses[0] != "H1") {
			t.Errorf("reservations: %+v", p)
		}
		if p.Hash == second && !slices.Equal(p.Counters, []string{first}) {
			t.Errorf("counters: %+v", p)
		}
	}
}

// TestWithdrawal: who withdraws is out at once; everything before still stands.
func TestWithdrawal(t *testing.T) {
	w, north, south, _ := pair(t)
	ask := south.ask()
	w.sync()
	concurrent := north.share(1)
	notice := south.write(unit.KindNotice, unit.NoticeBody{Effective: w.clock.Add(time.Hour)})
	if s := w.state(); s.Members[0].Notice == nil && s.Members[1].Notice == nil {
		t.Error("the notice is not shown")
	} else if m := s.Members[slices.IndexFunc(s.Members, func(m unit.Member) bool { return m.Party == south.id })]; !m.Notice.Effective.Equal(notice.At.AddDate(0, 0, 30)) {
		t.Errorf("notice takes effect at %s, not after the accord's notice period", m.Notice.Effective)
	}
	south.write(unit.KindWithdraw, struct{}{})
	own := south.share(1)
	again := south.write(unit.KindSuspend, unit.SuspendBody{Scope: []string{"all"}})
	f := w.fold()
	expect(t, f, ask, accord.Allow, accord.CodeOK)
	expect(t, f, own, accord.Refuse, accord.CodeWithdrawn)
	expect(t, f, concurrent, accord.Hold, unit.CodeConcurrent)
	north.see(south)
	expectNow(t, w, north.share(1), accord.Refuse, accord.CodeNoRecipient)
	s := f.State(w.clock)
	if voidCode(s, again) != unit.CodeHasWithdrawn || len(s.Requests) != 1 {
		t.Errorf("after the withdrawal: %+v", s.Void)
	}
}

func TestNoticeTakesEffect(t *testing.T) {
	w, _, south, _ := pair(t)
	south.write(unit.KindNotice, unit.NoticeBody{Effective: w.clock})
	w.clock = w.clock.AddDate(0, 0, 29)
	before := south.share(1)
	w.clock = w.clock.AddDate(0, 0, 2)
	after := south.share(1)
	f := w.fold()
	expect(t, f, before, accord.Allow, accord.CodeOK)
	expect(t, f, after, accord.Refuse, accord.CodeWithdrawn)
}

// TestSuccessor: a journal of the next epoch continues its party; the old journal's tail beyond the
// head it names still binds, and comes after what others agreed without it.
func TestSuccessor(t *testing.T) {
	w, north, south, hash := pair(t)
	ask := south.ask()
	north.receipt(south)
	known := int64(len(north.entries))
	ack := north.move("acknowledge", ask, nil) // lost in North's crash, and nobody else has it yet
	next := w.join("North", 1, &journal.Predecessor{Origin: north.origin, Head: north.head(known)})
	next.see(south, north)
	next.seen[north.origin] = north.head(known)
	next.receipt(south)
	next.move("acknowledge", ask, nil)
	next.move("refuse", ask, map[string]any{"code": "sovereignty"})
	south.receipt(next)
	next.receipt(south)
	expectNow(t, w, next.share(1), accord.Allow, accord.CodeOK)
	s := w.state()
	if r := s.Requests[0]; r.State != desk.Refused || len(r.Illegal) != 1 || r.Illegal[0].Ref != ack.Ref() || s.Accord.Hash != hash {
		t.Errorf("the late tail rewrote what followed it, or was lost: %s", pretty(s.JSON()))
	}
	i := slices.IndexFunc(s.Members, func(m unit.Member) bool { return m.Party == north.id })
	if j := s.Members[i].Journals; len(j) != 2 || j[0].Retired == nil || j[0].Retired.Size != known || j[0].Head.Size != known+1 {
		t.Errorf("journals of North: %+v", j)
	}
	// A successor that names another root is no continuation.
	bad := w.join("South", 1, &journal.Predecessor{Origin: south.origin, Head: journal.Head{Size: 3, Root: journal.Hash{4}}})
	if got := voidNow(w, bad.entries[0]); got != unit.CodeBadRoot {
		t.Errorf("a successor of a head that never was: %q", got)
	}
}

// TestFinalIsNeverRewritten: whatever arrives later, in whatever order, what is final stays: accords
// in force, the final part of every request, and how far journals are final.
func TestFinalIsNeverRewritten(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w, hash := founded(t, "North", "South", "West")
		s := &story{t: rt, w: w, hashes: []string{hash}}
		for range rapid.IntRange(5, 60).Draw(rt, "steps") {
			s.step()
		}
		var history []string
		steps := map[journal.Ref][]desk.Step{}
		frontier := map[journal.Origin]int64{}
		first := true
		// All texts are held from the start: their arrival is not what this is about.
		shuffled(rt, w, w.empty(), nil, "order", func(f *unit.Fold) {
			now := f.State(w.clock)
			if now.Accord != nil {
				if len(now.Accord.History) < len(history) || !slices.Equal(now.Accord.History[:len(history)], history) {
					rt.Fatalf("accords in force were %v, now %v", history, now.Accord.History)
				}
				history = now.Accord.History
			} else if len(history) > 0 {
				rt.Fatal("an accord was in force and is not any more")
			}
			for _, fin := range now.Frontier {
				if !first && fin.Size < frontier[fin.Origin] && len(history) > 0 {
					rt.Fatalf("%s was final up to %d, now up to %d", fin.Origin, frontier[fin.Origin], fin.Size)
				}
				if len(history) > 0 {
					frontier[fin.Origin] = fin.Size
				}
			}
			first = len(history) == 0
			for _, r := range now.Requests {
				old := steps[r.ID]
				if len(r.Steps) < len(old) || !equalSteps(r.Steps[:len(old)], old) {
					rt.Fatalf("request %s: final were %v, now %v", r.ID, old, r.Steps)
				}
				last := 0
				for i, st := range r.Steps {
					if len(history) > 0 && st.Ref.Index < frontier[st.Ref.Origin] {
						last = i + 1
					}
				}
				if last > len(old) {
					steps[r.ID] = slices.Clone(r.Steps[:last])
				}
			}
		})
	})
}

func equalSteps(a, b []desk.Step) bool {
	return slices.EqualFunc(a, b, func(x, y desk.Step) bool { return x.Ref == y.Ref && x.State == y.State })
}

// expectNow and voidNow fold once the entry is written.
func expectNow(t *testing.T, w *world, e *journal.Entry, v accord.Verdict, code string) {
	t.Helper()
	expect(t, w.fold(), e, v, code)
}

func voidNow(w *world, e *journal.Entry) string { return voidCode(w.state(), e) }
