package node

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/internal/notify"
	"entente/internal/peer"
	"entente/internal/store"
	"entente/internal/store/storetest"
	"entente/journal"

	"golang.org/x/mod/sumdb/tlog"
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

// put takes a machine back to a state of before, as its officer would: without the marks.
func (w *world) put(t *testing.T, s save) {
	t.Helper()
	if err := w.restore(s, false); err != nil {
		t.Fatal(err)
	}
}

func (m *machine) picture() save { return save{m: m, disk: m.disk.Clone(), book: m.book.clone()} }

// unit is a node's unit as its status shows it, with what its officer is told of it.
func (m *machine) unit(t *testing.T, name string) (UnitBrief, string) {
	t.Helper()
	st := must[*StatusResponse](t)(m.node.Status(m.w.ctx))
	i := slices.IndexFunc(st.Units, func(u UnitBrief) bool { return u.Name == name })
	if i < 0 {
		t.Fatalf("%s is in no unit %s", m.name, name)
	}
	return st.Units[i], strings.Join(saysOf(st), "\n")
}

// examined tells whether the doctor finds something of this text in a machine's folder.
func (m *machine) examined(t *testing.T, text string) bool {
	t.Helper()
	res := must[*DoctorResponse](t)(Doctor(m.w.ctx, simDir, DoctorOptions{FS: m.disk.Clone(), Clock: m.now}))
	return slices.ContainsFunc(res.Findings, func(f DoctorFinding) bool { return strings.Contains(f.What, text) })
}

// TestPairAgain: the inviter is put back to before a pairing of which nobody else has
// heard. The newcomer is in a unit that does not know it, is told so, and how to come
// back; it pairs again, with its inviter or with another member, and its journal goes on.
func TestPairAgain(t *testing.T) {
	for _, with := range []string{"the inviter", "another member"} {
		t.Run(with, func(t *testing.T) {
			newcomer(t, func(w *world, a, b, x *machine) {
				before := a.picture()
				w.pair(t, a, x)
				origin := x.node.units()[0].origin()
				w.put(t, before)
				w.round()
				if err := w.actSucceed(a); err != nil {
					t.Fatal(err)
				}
				w.round()
				if a.has(x.node.units()[0].id, origin) > 0 {
					t.Fatal("the unit knows it all the same")
				}
				u, told := x.unit(t, "Joint")
				if len(u.Barred) != 1 || u.Barred[0].Why != BarredUnknown || u.Barred[0].Name != "North" || !strings.Contains(told, notify.ItemBarredUnknown) {
					t.Errorf("the officer is not told: %+v\n%s", u.Barred, told)
				}
				if !x.examined(t, "Nothing of any other member of unit Joint is here.") || b.examined(t, "Nothing of any other member") {
					t.Error("the doctor does not say so, or says so of a member")
				}
				by := a
				if with != "the inviter" {
					by = b
				}
				if err := w.again(by, x, "Joint"); err != nil {
					t.Fatal(err)
				}
				if u, _ := x.unit(t, "Joint"); by == a && len(u.Barred) > 0 {
					t.Errorf("after the pairing it is still told: %+v", u.Barred)
				}
				for range 3 {
					w.round()
				}
				for _, m := range []*machine{a, b} {
					if got := m.has(x.node.units()[0].id, origin); got < 1 {
						t.Errorf("%s holds %d entries of the newcomer", m.name, got)
					}
				}
				if got := x.node.units()[0].origin(); got != origin {
					t.Error("the newcomer has another journal now")
				}
			})
		})
	}
}

// TestPairAgainWritesNothing: whom the unit knows, and who shows nothing new, may pair
// again; no entry is written for it, and nothing changes.
func TestPairAgainWritesNothing(t *testing.T) {
	story(t, func(w *world, a, b *machine) {
		w.round()
		was := a.heads() + b.heads()
		if err := w.again(b, a, "Joint"); err != nil {
			t.Fatal(err)
		}
		if now := a.heads() + b.heads(); now != was {
			t.Errorf("the pairing has written something: %s and then %s", was, now)
		}
	})
}

// TestNoPairingAfterWithdrawal: who has withdrawn does not come back by a pairing.
func TestNoPairingAfterWithdrawal(t *testing.T) {
	story(t, func(w *world, a, b *machine) {
		must[*WriteResponse](t)(b.node.Withdraw(w.ctx, UnitWithdrawRequest{Unit: "Joint", Confirm: "Joint"}))
		var e *Error
		if err := w.again(a, b, "Joint"); !asError(err, &e) || e.Code != "withdrawn" {
			t.Errorf("it was let in: %v", err)
		}
	})
}

// TestPairAgainAfterLostRotations: a member is put back to before its partner has replaced
// its TLS key twice. Neither believes what the other shows; both are told, and pairing
// again mends it.
func TestPairAgainAfterLostRotations(t *testing.T) {
	story(t, func(w *world, a, b *machine) {
		before := b.picture()
		for range 2 {
			a.rotate(t, "tls")
			w.round()
			w.round()
			a.node.takeUpTLSKey()
		}
		w.put(t, before)
		w.round()
		u, told := b.unit(t, "Joint")
		if len(u.Barred) != 1 || u.Barred[0].Why != BarredKey || !strings.Contains(told, "another machine answers at its address. Pair again") {
			t.Fatalf("the officer is not told: %+v\n%s", u.Barred, told)
		}
		if err := w.again(b, a, "Joint"); err != nil {
			t.Fatal(err)
		}
		w.round()
		if u, _ := b.unit(t, "Joint"); len(u.Barred) > 0 {
			t.Errorf("they do not get through to each other: %+v", u.Barred)
		}
	})
}

// TestPutBackBeforeARotation: a newcomer is introduced to the unit under a new identity,
// is put back to before it, and joins again by another member who has not heard of it. Who
// knows the newer identity does not take a journal that the replaced node key has
// certified; the organisation key vouches for it by a successor, and then everybody does.
// The next identity follows the one that is lost.
func TestPutBackBeforeARotation(t *testing.T) {
	for _, taken := range []bool{false, true} {
		t.Run(fmt.Sprintf("taken by one before: %v", taken), func(t *testing.T) {
			newcomer(t, func(w *world, a, b, x *machine) {
				before := x.picture()
				x.rotate(t, "node")
				w.pair(t, a, x)
				w.put(t, before)
				w.later(time.Minute)
				w.pair(t, b, x)
				id, origin := x.node.units()[0].id, x.node.units()[0].origin()
				if taken {
					must[*SyncResponse](t)(x.node.Sync(w.ctx, SyncRequest{Party: string(b.node.Party())}, nil))
				}
				for range 3 {
					w.round()
				}
				if got := a.has(id, origin); got > 0 {
					t.Fatalf("%d entries were taken under a replaced node key", got)
				}
				u, told := x.unit(t, "Joint")
				if u.State != "retired" || u.Outdated != 2 || !strings.Contains(told, "members know version 2 of this party's identity, and this folder has 1") {
					t.Fatalf("the officer is not told: %+v\n%s", u, told)
				}
				if !x.examined(t, "Members of unit Joint know version 2 of this party's identity, and this folder has 1.") {
					t.Error("the doctor does not say so")
				}
				// Its marks are gone, so its witness gets another key with the succession, in an
				// identity that follows the lost one, if all members can be heard first.
				heard := taken
				if !heard {
					w.net.meet(func(*machine, string) lineFault { return lineFault{refuse: true} })
				}
				if err := w.actSucceed(x); err != nil {
					t.Fatal(err)
				}
				w.net.meet(nil)
				_, told = x.unit(t, "Joint")
				if strings.Contains(told, "Rotate again") == heard || strings.Contains(told, CodeWitnessStopped) == heard {
					t.Errorf("what the officer is told after the succession: %s", told)
				}
				for range 3 {
					w.round()
				}
				for _, m := range []*machine{a, b} {
					if got := m.has(id, origin); got < 1 {
						t.Errorf("%s holds %d entries of the journal that the successor names", m.name, got)
					}
				}
				for _, m := range []*machine{a, b, x} {
					rep := must[*DossierReport](t)(m.dossier("Joint"))
					if rep.Report == nil {
						t.Fatalf("a dossier of %s does not verify: %s", m.name, rep.Damage)
					}
					for _, f := range rep.Findings {
						if f.Party == x.node.Party() {
							t.Errorf("a dossier of %s says of the newcomer: %s", m.name, f.Text)
						}
					}
				}
				if !heard {
					x.rotate(t, "tls") // the witness key with it
				}
				if got := x.node.keys().id.Version; got != 3 {
					t.Errorf("the next version is %d", got)
				}
				if u, told := x.unit(t, "Joint"); u.Outdated != 0 || told != "" {
					t.Errorf("it is still told that version %d is known: %s", u.Outdated, told)
				}
			})
		})
	}
}

// TestVouchedIsNoMoreThanNamed: entries stand for the journal that a successor names only
// if they reach the head that is named and give its root.
func TestVouchedIsNoMoreThanNamed(t *testing.T) {
	entries := [][]byte{[]byte("a"), []byte("b"), []byte("c")}
	root := func(n int64) journal.Head {
		var hashes []tlog.Hash
		r := tlog.HashReaderFunc(func(at []int64) (out []tlog.Hash, err error) {
			for _, i := range at {
				out = append(out, hashes[i])
			}
			return out, nil
		})
		for i := range n {
			hashes = append(hashes, must[[]tlog.Hash](t)(tlog.StoredHashes(i, entries[i], r))...)
		}
		return journal.Head{Size: n, Root: must[tlog.Hash](t)(tlog.TreeHash(n, r))}
	}
	for n := int64(1); n <= 3; n++ {
		if !begins(entries, root(n)) {
			t.Errorf("the first %d entries are not recognised", n)
		}
	}
	changed := [][]byte{[]byte("a"), []byte("x"), []byte("c")}
	for what, no := range map[string]bool{
		"another second entry": begins(changed, root(3)), "another second entry, two named": begins(changed, root(2)),
		"too few": begins(entries[:2], root(3)), "nothing named": begins(entries, journal.Head{}), "no entries": begins(nil, root(1)),
	} {
		if no {
			t.Errorf("taken for what is named: %s", what)
		}
	}
}

// TestRotationOnAClockThatWentBack: a journal that began before a rotation is taken by
// whoever comes to know both later, also if both fall into one second or the clock went
// back in between.
func TestRotationOnAClockThatWentBack(t *testing.T) {
	for _, back := range []time.Duration{0, 3 * time.Hour} {
		t.Run(back.String(), func(t *testing.T) {
			newcomer(t, func(w *world, a, b, x *machine) {
				w.pair(t, a, x)
				x.setClock(-back, 1)
				x.rotate(t, "node")
				l := x.node.units()[0]
				l.mu.Lock()
				e, err := l.entry(journal.Ref{Origin: l.origin()})
				l.mu.Unlock()
				if err != nil {
					t.Fatal(err)
				}
				if err := journal.CheckGenesis(e, x.node.keys().chain); err != nil {
					t.Errorf("who comes later refuses the journal: %v", err)
				}
			})
		})
	}
}

// TestBackupTakesADiskThatWorks: a backup that could not be restored because the disk
// failed is restored on another; one that is damaged is not, and that is told.
func TestBackupTakesADiskThatWorks(t *testing.T) {
	story(t, func(w *world, a, _ *machine) {
		s := must[save](t)(w.backup(a))
		must[*WriteResponse](t)(a.node.Suspend(w.ctx, UnitSuspendRequest{}))
		a.noteHeads()
		a.bad = &badDisk{kind: "read-only", until: 100, where: simMarks}
		if err := w.restore(s, true); err != nil {
			t.Fatal(err)
		}
		if w.counts["restores again"] != 1 {
			t.Error("the first try did not fail")
		}
		if l := a.node.units()[0]; l.file.Epoch != 1 {
			t.Errorf("the marks are lost: the journal is of epoch %d", l.file.Epoch)
		}
	})
	story(t, func(w *world, a, _ *machine) {
		s := must[save](t)(w.backup(a))
		before := a.picture()
		s.backup = s.backup[:len(s.backup)/2]
		a.bad = &badDisk{kind: "read-only", until: 100, where: simMarks}
		if err := w.restore(s, true); err == nil || !w.failed() {
			t.Errorf("a damaged backup is restored, or nobody says so: %v", err)
		}
		w.errs, a.bad, a.disk, a.book = nil, nil, before.disk, before.book
		if err := a.boot(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestPairingWithAnotherIdentity: somebody shows an identity that excludes the one that is
// known in the unit. It is not introduced under it, which would be proof against it, and
// both officers are told why.
func TestPairingWithAnotherIdentity(t *testing.T) {
	story := func(w *world, a, b, x *machine) {
		before := x.picture()
		x.rotate(t, "node")
		w.pair(t, a, x)
		w.put(t, before)
		// Its officer is sure that nobody has seen the one before, and errs.
		must[*IdentityRotateResponse](t)(x.node.RotateIdentity(w.ctx, IdentityRotateRequest{What: "node", Unseen: true, OrgKey: must[string](t)(x.orgKey())}))
		l := a.node.units()[0]
		l.mu.Lock()
		was := l.own.Head()
		l.mu.Unlock()
		id, here, there := w.meet(t, a, x)
		_, err := x.node.Confirm(w.ctx, UnitConfirmRequest{Pairing: id, Digits: here.Digits})
		if err != nil {
			t.Fatal(err)
		}
		_, err = a.node.Confirm(w.ctx, UnitConfirmRequest{Pairing: id, Digits: there.Digits})
		var e *Error
		if !asError(err, &e) || e.Code != journal.CodeBadIdentity || !strings.Contains(e.Why, "has rotated again since") {
			t.Errorf("at the inviter: %v", err)
		}
		l.mu.Lock()
		now := l.own.Head()
		l.mu.Unlock()
		if now != was {
			t.Errorf("%d entries were written about it", now.Size-was.Size)
		}
		if x.node.pursue(w.ctx); x.in(l.id) {
			t.Error("it is in the unit")
		}
	}
	storyOf(t, found(t, shape{members: 2, strangers: 1}), func(w *world, a, b *machine) {
		story(w, a, b, w.ms[2])
		w.check()
	})
}

// TestReplacedNodeKeyOpensNothing: a thief with a node key that was replaced begins the
// journal that a successor names, in another way. Neither that nor a part of the true
// one is taken; the true one, up to the head that is named, is.
func TestReplacedNodeKeyOpensNothing(t *testing.T) {
	newcomer(t, func(w *world, a, b, x *machine) {
		before := x.picture()
		x.rotate(t, "node")
		// Introduced, but not told of it: it has begun no journal yet.
		id, here, there := w.meet(t, a, x)
		must[*Pairing](t)(x.node.Confirm(w.ctx, UnitConfirmRequest{Pairing: id, Digits: here.Digits}))
		must[*Pairing](t)(a.node.Confirm(w.ctx, UnitConfirmRequest{Pairing: id, Digits: there.Digits}))
		w.round()
		w.put(t, before)
		w.later(time.Minute)
		w.pair(t, b, x)
		for range 2 { // x hears that it is known by a newer identity, and nobody takes its journal
			must[*SyncResponse](t)(x.node.Sync(w.ctx, SyncRequest{Party: string(b.node.Party())}, nil))
		}
		l, at := x.node.units()[0], a.node.units()[0]
		first := l.origin()
		// Nobody can be heard, so its witness key stays, and nobody has the successor yet.
		w.net.meet(func(*machine, string) lineFault { return lineFault{refuse: true} })
		if err := w.actSucceed(x); err != nil {
			t.Fatal(err)
		}
		w.net.meet(nil)
		run := func(st journal.Storage) peer.Run {
			for r, err := range peer.Runs(st, 0, false) {
				if err != nil {
					t.Fatal(err)
				}
				return r
			}
			t.Fatal("an empty journal")
			return peer.Run{}
		}
		// What the thief makes with the old node key, and a journal key of its own.
		forged := func() peer.Run {
			st := must[*store.Journal](t)(store.OpenJournal("/forged", store.Options{FS: storetest.NewDisk()}))
			key := must[*journal.PrivateKey](t)(journal.GenerateKey(rand.Reader))
			k := x.node.keys()
			cert := must[journal.Signed](t)(journal.NewCertificate(k.node, journal.Certificate{Unit: l.id, Party: k.party, Key: key.Public()}))
			chain := k.chain
			must[*journal.Writer](t)(journal.CreateWriter(st, key, journal.GenesisBody{Identities: chain, Certificate: cert, Founding: l.file.Founding}, x.now(), x.node.machine()))
			return run(st)
		}()
		accept := func(r peer.Run) error {
			_, err := backend{a.node}.Accept(w.ctx, l.id, x.node.Party(), r)
			return err
		}
		trueOne, successor := run(l.mirrors[first].store), run(l.ownStore)
		for what, r := range map[string]peer.Run{"the true one": trueOne, "the forged one": forged} {
			if err := accept(r); journal.CodeOf(err) != journal.CodeBadSignature {
				t.Errorf("%s, before any successor: %v", what, err)
			}
		}
		if err := accept(successor); err != nil {
			t.Fatalf("the successor is refused: %v", err)
		}
		if err := accept(forged); journal.CodeOf(err) != journal.CodeBadSignature {
			t.Errorf("the forged one: %v", err)
		}
		if at.mirrors[first] != nil {
			t.Fatal("something of the forged one is held")
		}
		if err := accept(trueOne); err != nil {
			t.Errorf("the true one: %v", err)
		}
	})
}

// TestAdmittedAgainHearsOfLostVersions: an inviter that met the newcomer under a newer
// identity, and was stopped before it introduced it, tells it so when they pair again.
func TestAdmittedAgainHearsOfLostVersions(t *testing.T) {
	newcomer(t, func(w *world, a, b, x *machine) {
		before := x.picture()
		x.rotate(t, "node")
		l := a.node.units()[0]
		l.mu.Lock()
		l.learn(x.node.Party(), x.node.keys().chain, true)
		err := l.save()
		l.mu.Unlock()
		if err != nil {
			t.Fatal(err)
		}
		w.put(t, before)
		w.later(time.Minute)
		w.pair(t, a, x)
		for range 3 {
			w.round()
		}
		if u, told := x.unit(t, "Joint"); u.State != "retired" || u.Outdated != 2 {
			t.Errorf("the officer is not told: %+v\n%s", u, told)
		}
	})
}
