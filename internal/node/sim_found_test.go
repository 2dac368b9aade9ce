package node

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"entente/internal/unit"
	"entente/journal"
)

// Stories that the simulator found, told again without chance.

// story plays one in a unit of two that is agreed.
func story(t *testing.T, tell func(w *world, a, b *machine)) {
	t.Helper()
	storyOf(t, found(t, shape{members: 2}), func(w *world, a, b *machine) {
		tell(w, a, b)
		w.check()
		if !w.failed() {
			w.heal()
		}
	})
}

func storyOf(t *testing.T, tpl *template, tell func(w *world, a, b *machine)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := tpl.world(t, 1)
		defer w.over()
		tell(w, w.ms[0], w.ms[1])
		if w.failed() {
			t.Error(strings.Join(w.errs, "\n"))
		}
	})
}

// TestRestoreFromBeforeASuccession restores the same backup twice. The second time the
// marks know of the successor that the first began: it gets a successor in turn, and
// not a second beginning.
func TestRestoreFromBeforeASuccession(t *testing.T) {
	story(t, func(w *world, a, b *machine) {
		s := must[save](t)(w.backup(a))
		for k := range 2 {
			w.step++
			if err := w.actImport(a); err != nil {
				t.Fatal(err)
			}
			must[*WriteResponse](t)(a.node.Suspend(w.ctx, UnitSuspendRequest{}))
			must[*WriteResponse](t)(a.node.Resume(w.ctx, UnitResumeRequest{}))
			w.round()
			w.check()
			if err := w.restore(s, true); err != nil {
				t.Fatal(err)
			}
			if got := a.node.units()[0].file.Epoch; got != k+1 {
				t.Fatalf("after restore %d the journal is of epoch %d", k+1, got)
			}
			w.round()
		}
	})
}

// TestSimulateReadsTheWire: a payload that arrived was seen on its way, by the keys of
// the connection it came over or of the courier file it came in, and is the very one.
func TestSimulateReadsTheWire(t *testing.T) {
	story(t, func(w *world, a, b *machine) {
		var seen []departure
		for k, carry := range []func(){
			w.round,
			func() {
				var buf bytes.Buffer
				must[*CourierReport](t)(a.node.ExportCourier(w.ctx, CourierExportRequest{Party: string(b.node.Party())}, &buf))
				w.readCourier(a, b, buf.Bytes())
				must[*CourierReport](t)(b.node.ImportCourier(w.ctx, &buf))
			},
		} {
			w.step++
			name := fmt.Sprint("import ", k)
			must[*ImportResponse](t)(a.node.Import(w.ctx, ImportRequest{Name: name}, bytes.NewReader(bundleText(indicatorText(k+1, fmt.Sprintf("h%d.example", k), tlpClear))), nil))
			must[*ShareResponse](t)(a.node.Share(w.ctx, ShareRequest{Source: name}, nil))
			l := a.node.units()[0]
			var shared journal.Hash
			l.mu.Lock()
			for c, np := range l.allNamed() {
				if np.kind == unit.KindShare && !slices.ContainsFunc(seen, func(d departure) bool { return d.p.Commitment == c }) {
					shared = c
				}
			}
			l.mu.Unlock()
			carry()
			now := append(w.readWire(), w.departed...)
			w.departed = nil
			if !slices.ContainsFunc(now, func(d departure) bool {
				return d.from == a && d.to == b && d.whole && d.unit == l.id && d.p.Commitment == shared && journal.Commit(d.p.Salt, d.p.Data) == shared
			}) {
				t.Errorf("way %d: %d payloads were seen, and not the one that went", k, len(now))
			}
			seen = append(seen, now...)
		}
	})
}

// TestPairingKilled kills either side at every step of the last confirmation. Started
// again, and asked again by its officer where the command never returned, each pairing
// is finished: the joiner is in the unit, and the unit was told of it.
func TestPairingKilled(t *testing.T) {
	tpl, step := found(t, shape{members: 2, strangers: 1}), 1
	if testing.Short() {
		step = 3 // the race detector makes each many times as long
	}
	for _, side := range []string{"joiner", "inviter"} {
		t.Run(side, func(t *testing.T) {
			for at, killed := 1, true; killed; at += step {
				storyOf(t, tpl, func(w *world, a, _ *machine) {
					x := w.ms[2]
					inv := must[*UnitInviteResponse](t)(a.node.Invite(w.ctx, UnitInviteRequest{}))
					there := must[*Pairing](t)(x.node.Join(w.ctx, UnitJoinRequest{Invitation: inv.Invitation}))
					here := a.pairing(there.ID)
					first, last, read, said := a, x, there.Digits, here.Digits
					if side == "inviter" {
						first, last, read, said = x, a, said, read
					}
					must[*Pairing](t)(first.node.Confirm(w.ctx, UnitConfirmRequest{Pairing: there.ID, Digits: read}))
					last.mu.Lock()
					last.kill = killPlan{at: last.ops + at, pick: picker(1)}
					last.mu.Unlock()
					_, _ = last.node.Confirm(w.ctx, UnitConfirmRequest{Pairing: there.ID, Digits: said})
					synctest.Wait()
					killed = last.dead.Load()
					w.bury()
					if killed {
						if err := w.wake(last); err != nil {
							return
						}
						if v := last.pairing(there.ID); v != nil && v.State != "done" && v.State != "confirmed-here" {
							_, _ = last.node.Confirm(w.ctx, UnitConfirmRequest{Pairing: there.ID, Digits: said})
						}
					}
					x.node.pursue(w.ctx)
					if id := a.node.units()[0].id; !x.in(id) {
						t.Errorf("killed at %d: the joiner is not in the unit; here %+v, there %+v", at, a.pairing(there.ID), x.pairing(there.ID))
					}
					w.checkPairings(a)
					w.checkPairings(x)
				})
				if t.Failed() {
					return
				}
			}
		})
	}
}

// TestRotateAfterARestore takes a node back to before a rotation that a partner has heard
// of. Its next rotation follows that one, whose keys are lost: two identities of one
// version would be proof against an honest party. While the journal is retired, nothing
// is rotated at all.
func TestRotateAfterARestore(t *testing.T) {
	story(t, func(w *world, a, b *machine) {
		s := save{m: a, disk: a.disk.Clone(), book: a.book.clone()}
		rotate := func() (*IdentityRotateResponse, error) {
			return a.node.RotateIdentity(w.ctx, IdentityRotateRequest{What: "node", OrgKey: must[string](t)(a.orgKey())})
		}
		must[*IdentityRotateResponse](t)(rotate())
		w.round()
		if err := w.restore(s, true); err != nil {
			t.Fatal(err)
		}
		if res, err := rotate(); err == nil {
			t.Fatalf("a retired journal's owner made version %d", res.Identity.Version)
		}
		w.round() // the tail comes back
		if err := w.actSucceed(a); err != nil {
			t.Fatal(err)
		}
		if res := must[*IdentityRotateResponse](t)(rotate()); res.Identity.Version != 3 {
			t.Errorf("the next version is %d", res.Identity.Version)
		}
		w.round()
		w.round()
		l := b.node.units()[0]
		l.mu.Lock()
		id, _ := l.identity(a.node.Party())
		l.mu.Unlock()
		if id.Version != 3 {
			t.Errorf("the partner knows version %d", id.Version)
		}
	})
}

// TestStartAfterARotationCameBack: a folder from before a rotation takes the rotation
// back from its partner, and starts again: retired, not broken.
func TestStartAfterARotationCameBack(t *testing.T) {
	story(t, func(w *world, a, _ *machine) {
		s := save{m: a, disk: a.disk.Clone(), book: a.book.clone()}
		must[*IdentityRotateResponse](t)(a.node.RotateIdentity(w.ctx, IdentityRotateRequest{What: "node", Compromise: true, OrgKey: must[string](t)(a.orgKey())}))
		w.round()
		if err := w.restore(s, true); err != nil {
			t.Fatal(err)
		}
		w.round() // the tail comes back, and the rotation with it
		for range 2 {
			if err := a.halt(); err != nil {
				t.Fatal(err)
			}
			if err := a.boot(); err != nil {
				t.Fatalf("after its rotation came back the node does not start: %v", err)
			}
			if l := a.node.units()[0]; l.retired == nil {
				t.Error("the journal may be signed with a key that was replaced")
			}
		}
		if err := w.actSucceed(a); err != nil {
			t.Fatal(err)
		}
		w.round()
	})
}
