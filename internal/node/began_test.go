package node

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"entente/internal/peer"
	"entente/internal/peer/pairing"
	"entente/journal"
)

// TestJoinAgainBeginsNothing: a party has joined a unit, is put back to before that without
// its marks, and is invited again. The inviter shows what it holds of the party's journal,
// and no second one is begun: the unit is entered, the old entries come back, and the
// organisation key opens a successor.
func TestJoinAgainBeginsNothing(t *testing.T) {
	for _, with := range []string{"the inviter", "another member"} {
		t.Run(with, func(t *testing.T) {
			newcomer(t, func(w *world, a, b, x *machine) {
				before := x.picture()
				w.pair(t, a, x)
				id, origin := x.node.units()[0].id, x.node.units()[0].origin()
				for range 3 {
					w.round()
				}
				had := a.has(id, origin)
				if had < 1 || b.has(id, origin) < 1 {
					t.Fatal("the journal did not get through")
				}
				w.put(t, before)
				if x.in(id) {
					t.Fatal("it was not put back to before it joined")
				}
				w.later(time.Minute)
				by := a
				if with != "the inviter" {
					by = b
				}
				w.pair(t, by, x)
				w.check()
				if u, told := x.unit(t, "Joint"); u.State != "retired" || !strings.Contains(told, "journal succeed") {
					t.Fatalf("the officer is not told: %+v\n%s", u, told)
				}
				for range 2 {
					w.round()
				}
				if got := x.has(id, origin); got != had {
					t.Errorf("%d of %d entries came back", got, had)
				}
				if err := w.actSucceed(x); err != nil {
					t.Fatal(err)
				}
				for range 3 {
					w.round()
				}
				next := journal.OriginOf(id, x.node.Party(), 1)
				for _, m := range []*machine{a, b, x} {
					if m.has(id, next) < 1 {
						t.Errorf("%s holds nothing of the successor", m.name)
					}
					rep := must[*DossierReport](t)(m.dossier("Joint"))
					if rep.Report == nil || len(rep.Findings) > 0 {
						t.Errorf("a dossier of %s finds something: %+v", m.name, rep)
					}
				}
			})
		})
	}
}

// TestJoinAgainAfterARotation: the journal that the unit holds was begun under an identity
// that the folder, put back, does not know; it is recognised all the same.
func TestJoinAgainAfterARotation(t *testing.T) {
	newcomer(t, func(w *world, a, b, x *machine) {
		before := x.picture()
		x.rotate(t, "node")
		w.pair(t, a, x)
		for range 3 {
			w.round()
		}
		w.put(t, before)
		w.later(time.Minute)
		w.pair(t, a, x)
		w.check()
		if u, _ := x.unit(t, "Joint"); u.State != "retired" {
			t.Fatalf("it began again: %+v", u)
		}
	})
}

// TestJoinWaitsForTheInviter: an inviter that lets no session in has not said what it holds.
// Nothing is begun, and the officer is told why; the pairing is finished once it answers.
func TestJoinWaitsForTheInviter(t *testing.T) {
	newcomer(t, func(w *world, a, b, x *machine) {
		id, here, there := w.meet(t, a, x)
		x.node.pairing.mu.Lock()
		s := *x.node.pairing.file.Joined[0]
		x.node.pairing.mu.Unlock()
		l := a.node.units()[0]
		// The inviter does not know it yet, and answers no session of it.
		_, err := x.node.began(w.ctx, &s)
		var e *Error
		if !asError(err, &e) || e.Code != CodeHeld || !strings.Contains(e.What, "has not entered the unit yet") {
			t.Errorf("it is taken for an answer: %v", err)
		}
		if x.in(l.id) {
			t.Error("it is in the unit")
		}
		must[*Pairing](t)(a.node.Confirm(w.ctx, UnitConfirmRequest{Pairing: id, Digits: there.Digits}))
		done := must[*Pairing](t)(x.node.Confirm(w.ctx, UnitConfirmRequest{Pairing: id, Digits: here.Digits}))
		if x.node.pursue(w.ctx); done.State != "done" || !x.in(l.id) {
			t.Errorf("it is not finished: %+v", x.pairing(id))
		}
		x.joined()
	})
}

// TestQuestionOfLiars: what an inviter shows counts as this party's beginning only if this
// party's keys have certified it. Anything else ends the session, and begins nothing.
func TestQuestionOfLiars(t *testing.T) {
	story(t, func(w *world, a, b *machine) {
		la, lb := a.node.units()[0], b.node.units()[0]
		run := func(l *ledger) peer.Run {
			for r, err := range peer.Runs(l.ownStore, 0, false) {
				if err != nil {
					t.Fatal(err)
				}
				return r
			}
			t.Fatal("an empty journal")
			return peer.Run{}
		}
		mine, other := run(la), run(lb)
		ask := func(change func(*peer.Run)) *question {
			q := &question{unit: la.id, self: a.node.Party()}
			r := mine
			r.Entries = append([][]byte(nil), mine.Entries...)
			change(&r)
			if _, err := q.Accept(w.ctx, la.id, b.node.Party(), r); !errors.Is(err, errAnswered) {
				t.Errorf("the session goes on: %v", err)
			}
			return q
		}
		if q := ask(func(*peer.Run) {}); !q.shown.Load() || q.wrong != nil {
			t.Errorf("the true one is not recognised: %v", q.wrong)
		}
		for what, change := range map[string]func(*peer.Run){
			"another's":           func(r *peer.Run) { *r = other },
			"no entries":          func(r *peer.Run) { r.Entries = nil },
			"no entry":            func(r *peer.Run) { r.Entries[0] = []byte("{}") },
			"not from the start":  func(r *peer.Run) { r.First = 1 },
			"under a later index": func(r *peer.Run) { r.Entries = r.Entries[1:] },
		} {
			if q := ask(change); q.shown.Load() {
				t.Errorf("%s is taken for a beginning", what)
			}
		}
		for what, change := range map[string]func(*peer.Run){
			"another origin": func(r *peer.Run) { r.Origin = lb.origin() },
			"a changed founder": func(r *peer.Run) {
				r.Entries[0] = []byte(strings.Replace(string(r.Entries[0]), `"epoch":0`, `"epoch":1`, 1))
			},
		} {
			if q := ask(change); q.shown.Load() || q.wrong == nil {
				t.Errorf("%s: shown %v, %v", what, q.shown.Load(), q.wrong)
			}
		}
	})
}

// TestExpiredByAnotherClock: an invitation has expired by one clock and not by the other.
// Both officers are told both times, and that a clock may be wrong.
func TestExpiredByAnotherClock(t *testing.T) {
	for _, ahead := range []string{"the joiner", "the inviter"} {
		t.Run(ahead, func(t *testing.T) {
			newcomer(t, func(w *world, a, b, x *machine) {
				wrong := x
				if ahead == "the inviter" {
					wrong = a
				}
				var err error
				var ends, now time.Time
				if wrong == x {
					inv := must[*UnitInviteResponse](t)(a.node.Invite(w.ctx, UnitInviteRequest{Unit: "Joint"}))
					wrong.setClock(32*time.Hour, 1)
					ends, now = inv.Expires, wrong.now()
					_, err = x.node.Join(w.ctx, UnitJoinRequest{Invitation: inv.Invitation})
				} else {
					id, here, there := w.meet(t, a, x)
					wrong.setClock(32*time.Hour, 1)
					ends, now = here.Expires, wrong.now()
					_, err = a.node.Confirm(w.ctx, UnitConfirmRequest{Pairing: id, Digits: there.Digits})
				}
				var e *Error
				if !asError(err, &e) || e.Code != pairing.CodeExpired {
					t.Fatalf("it is let in: %v", err)
				}
				for _, said := range []string{ends.Format(time.RFC3339), "the clock of " + ahead + " says " + now.UTC().Format(time.RFC3339)[:13], "the clocks of the two sides differ"} {
					if !strings.Contains(e.Why, said) {
						t.Errorf("%q is not told: %s", said, e.Why)
					}
				}
				if !strings.Contains(e.Next, "Compare the clocks") {
					t.Errorf("what to do is not told: %s", e.Next)
				}
				// What the officers do then.
				wrong.rightClock()
				w.pair(t, a, x)
				synctest.Wait()
			})
		})
	}
}
