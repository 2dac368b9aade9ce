package node

import (
	"testing"
)

// Stories about newcomers that the simulator found, told again without chance.

// newcomer plays a story of two agreed members and somebody outside, and lets all come
// to rest afterwards.
func newcomer(t *testing.T, tell func(w *world, a, b, x *machine)) {
	t.Helper()
	storyOf(t, found(t, shape{members: 2, strangers: 1}), func(w *world, a, b *machine) {
		tell(w, a, b, w.ms[2])
		w.check()
		if !w.failed() {
			w.heal()
		}
	})
}

// meet lets b answer an invitation of a; the digits are not compared yet.
func (w *world) meet(t *testing.T, a, b *machine) (id string, here, there *Pairing) {
	t.Helper()
	inv := must[*UnitInviteResponse](t)(a.node.Invite(w.ctx, UnitInviteRequest{Unit: "Joint"}))
	there = must[*Pairing](t)(b.node.Join(w.ctx, UnitJoinRequest{Invitation: inv.Invitation}))
	return there.ID, a.pairing(there.ID), there
}

// pair lets b join the unit of a, to the end.
func (w *world) pair(t *testing.T, a, b *machine) {
	t.Helper()
	id, here, there := w.meet(t, a, b)
	must[*Pairing](t)(a.node.Confirm(w.ctx, UnitConfirmRequest{Pairing: id, Digits: there.Digits}))
	if done := must[*Pairing](t)(b.node.Confirm(w.ctx, UnitConfirmRequest{Pairing: id, Digits: here.Digits})); done.State != "done" {
		t.Fatalf("the pairing is %s (%s)", done.State, done.Code)
	}
	b.joined()
}

func (m *machine) rotate(t *testing.T, what string) {
	t.Helper()
	must[*IdentityRotateResponse](t)(m.node.RotateIdentity(m.w.ctx, IdentityRotateRequest{What: what, OrgKey: must[string](t)(m.orgKey())}))
}

// TestNewcomerRotates replaces a newcomer's TLS key twice at each stage of its pairing. The
// inviter, and through it the unit, knows it by the key that it was first shown, until it
// has seen the newcomer's journal.
func TestNewcomerRotates(t *testing.T) {
	for _, stage := range []string{"before", "answered", "confirmed", "introduced", "joined"} {
		t.Run(stage, func(t *testing.T) {
			newcomer(t, func(w *world, a, b, x *machine) {
				at := func(now string) {
					if now == stage {
						x.rotate(t, "tls")
						x.rotate(t, "tls")
					}
				}
				at("before")
				id, here, there := w.meet(t, a, x)
				at("answered")
				must[*Pairing](t)(x.node.Confirm(w.ctx, UnitConfirmRequest{Pairing: id, Digits: here.Digits}))
				at("confirmed")
				must[*Pairing](t)(a.node.Confirm(w.ctx, UnitConfirmRequest{Pairing: id, Digits: there.Digits}))
				at("introduced")
				x.node.pursue(w.ctx)
				if !x.in(a.node.units()[0].id) {
					t.Fatalf("the newcomer is not in the unit: here %+v, there %+v", a.pairing(id), x.pairing(id))
				}
				x.joined()
				at("joined")
				if x.node.takeUpTLSKey(); stage != "before" && x.node.tlsKey().Equal(x.node.keys().tlsKey) {
					t.Error("a key that the inviter has not heard of is shown")
				}
			})
		})
	}
}

// TestIdentityToldIsTheNewest: the old journal of a party that has opened a successor is
// read after the new one, and tells nothing newer: a partner that has heard what stands in
// the old one has not heard what stands in the new one.
func TestIdentityToldIsTheNewest(t *testing.T) {
	story(t, func(w *world, a, b *machine) {
		a.rotate(t, "tls")
		w.round()
		w.round()
		s := save{m: a, disk: a.disk.Clone(), book: a.book.clone()}
		if err := w.restore(s, false); err != nil { // no marks: retired
			t.Fatal(err)
		}
		if err := w.actSucceed(a); err != nil {
			t.Fatal(err)
		}
		a.rotate(t, "tls")
		if err := a.halt(); err != nil {
			t.Fatal(err)
		}
		if err := a.boot(); err != nil {
			t.Fatal(err)
		}
		l := a.node.units()[0]
		l.mu.Lock()
		at := l.toldAt
		l.mu.Unlock()
		if at.epoch != 1 || at.ref.Index == 0 {
			t.Errorf("the newest identity is taken to be told in %s of epoch %d", at.ref, at.epoch)
		}
		if a.node.tlsKey().Equal(a.node.keys().tlsKey) {
			t.Error("a key that the partner has not heard of is shown")
		}
	})
}
