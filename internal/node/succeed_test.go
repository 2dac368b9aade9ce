package node

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"entente/journal"
)

// settled lets two parties talk until both are quiet.
func settled(a, b *testParty) {
	for range 3 {
		a.codes()
		b.codes()
	}
}

// epoch is which of its journals a party writes.
func (p *testParty) epoch() int {
	p.t.Helper()
	l := must[*ledger](p.t)(p.findUnit(""))
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file.Epoch
}

// TestRestoreTwice restores one old backup twice. The second successor succeeds
// the first: the partner that knows of it is asked before the organisation key
// signs, because two successors of one journal would be proof against the party.
func TestRestoreTwice(t *testing.T) {
	a, b := two(t)
	backup := a.backup()
	shareOne(t, a, 1, "after-backup.example")
	a.sync()
	signed := a.heldOf("", a)
	a.stop()
	first, _ := a.restored(backup, RestoreOptions{OrgKey: a.org})
	settled(first, b)
	shareOne(t, first, 2, "first-successor.example")
	first.sync()
	first.stop()
	second, res := a.restored(backup, RestoreOptions{OrgKey: a.org})
	if res.Units[0].State != "successor" || second.epoch() != 2 {
		t.Fatalf("restored a second time: %+v in epoch %d", res.Units, second.epoch())
	}
	settled(second, b)
	if codes := b.evidence(""); len(codes) > 0 {
		t.Errorf("the partner has proof against the party: %q", codes)
	}
	shareOne(t, second, 3, "second-successor.example")
	second.sync()
	shareOne(t, b, 4, "to-second.example")
	b.sync()
	second.sync()
	for _, value := range []string{"after-backup.example", "first-successor.example", "second-successor.example"} {
		if !b.uses(value) {
			t.Errorf("the partner does not use %s", value)
		}
	}
	if !second.uses("to-second.example") {
		t.Error("nothing arrives at the second successor")
	}
	if second.heldOf("", a) < signed {
		t.Errorf("the oldest tail is not here")
	}
	sameState(t, second, b)
	sound(t, second, b)
}

// TestRestoreTwiceAlone is the same without the partner, on two machines: the
// organisation key signs two successors of one journal, unknowingly. The one that
// meets the partner second learns of the other, keeps the proof, sets its own
// aside, and goes on after the other with the organisation key.
func TestRestoreTwiceAlone(t *testing.T) {
	a, b := two(t)
	backup := a.backup()
	a.stop()
	b.stop()
	first, _ := a.restored(backup, RestoreOptions{OrgKey: a.org})
	first.stop()
	second, _ := a.restored(backup, RestoreOptions{OrgKey: a.org})
	second.stop()
	b.start()
	first.start()
	settled(first, b)
	first.stop()
	second.start()
	settled(second, b)
	if codes := append(b.evidence(""), second.evidence("")...); !slices.Contains(codes, journal.CodeTwoStatements) {
		t.Errorf("two successors under one organisation key are not proved: %q", codes)
	}
	if !second.retired() {
		t.Fatal("the second one goes on beside the first")
	}
	must[[]RestoredUnit](t)(second.Succeed(t.Context(), second.orgText()))
	if second.epoch() != 2 {
		t.Fatalf("it goes on in epoch %d", second.epoch())
	}
	settled(second, b)
	shareOne(t, second, 3, "after-both.example")
	second.codes()
	if !b.uses("after-both.example") {
		t.Error("the successor of both is not followed")
	}
	sameState(t, second, b)
	if rep := must[*JournalVerifyResponse](t)(second.VerifyJournals(t.Context(), nil)); !rep.OK {
		t.Errorf("%q", rep.Errors)
	}
}

// TestRestoreWithMarksOfTheSuccessor restores the same backup twice on one machine
// whose marks lie outside the folder: they know of the first successor.
func TestRestoreWithMarksOfTheSuccessor(t *testing.T) {
	a, b := two(t)
	marks := t.TempDir()
	a.stop()
	a.configure("high_water: highwater", fmt.Sprintf("high_water: %q", marks))
	copyFolder(t, a.dir+"/highwater", marks, nil)
	a.fs = wholeMachine{}
	a.start()
	backup := a.backup()
	shareOne(t, a, 1, "after-backup.example")
	a.sync()
	a.stop()
	b.stop() // nobody to ask
	first, res := a.restored(backup, RestoreOptions{OrgKey: a.org})
	if res.Units[0].State != "successor" || first.epoch() != 1 {
		t.Fatalf("%+v in epoch %d", res.Units, first.epoch())
	}
	first.stop()
	second, res := a.restored(backup, RestoreOptions{OrgKey: a.org})
	if res.Units[0].State != "successor" || second.epoch() != 2 {
		t.Fatalf("%+v in epoch %d", res.Units, second.epoch())
	}
	b.start()
	settled(second, b)
	if codes := b.evidence(""); len(codes) > 0 {
		t.Errorf("the partner has proof against the party: %q", codes)
	}
	sound(t, second, b)
}

// TestRestoreWithMarksOfALaterSuccessor restores an old backup where the marks know of a later successor
// and no more of the one between: they were lost once, and began anew. Seed 200008335 opened the one
// between a second time, with nobody to ask.
func TestRestoreWithMarksOfALaterSuccessor(t *testing.T) {
	a, b := two(t)
	marks := t.TempDir()
	a.stop()
	a.configure("high_water: highwater", fmt.Sprintf("high_water: %q", marks))
	copyFolder(t, a.dir+"/highwater", marks, nil)
	a.fs = wholeMachine{}
	a.start()
	backup := a.backup()
	id, party := a.units()[0].id, a.keys().party
	a.stop()
	b.stop() // nobody to ask
	for want := 1; want <= 3; want++ {
		r, res := a.restored(backup, RestoreOptions{OrgKey: a.org})
		if res.Units[0].State != "successor" || r.epoch() != want {
			t.Fatalf("%+v in epoch %d, want %d", res.Units, r.epoch(), want)
		}
		r.stop()
		if want == 2 {
			first := strings.TrimPrefix(string(journal.OriginOf(id, party, 1)), "entente/")
			if err := os.Remove(filepath.Join(marks, first)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestOldImageAfterASuccession is an image whose journal has ended: nothing of it
// is missing, and yet it must not go on.
func TestOldImageAfterASuccession(t *testing.T) {
	a, b := two(t)
	image := a.snapshot()
	a.stop()
	r, _ := a.restored(a.snapshotBackup(), RestoreOptions{OrgKey: a.org})
	settled(r, b)
	r.stop()
	image.start()
	image.establish()
	if err := image.suspends(); code(err) != CodeRetired {
		t.Fatalf("it goes on with a journal that has a successor: %v", err)
	}
	sound(t, image, b)
}

// snapshotBackup backs up a party that is not running.
func (p *testParty) snapshotBackup() []byte {
	p.t.Helper()
	n := must[*Node](p.t)(Open(p.t.Context(), p.dir, testOptions(p.t)))
	defer n.Close()
	var buf bytes.Buffer
	if err := n.Backup(p.t.Context(), &buf, nil); err != nil {
		p.t.Fatal(err)
	}
	return buf.Bytes()
}

// TestSucceedWithALiar restores while the only partner that can be reached hides
// the tail it holds. The successor names what is known here; when the tail is
// shown later it binds all the same.
func TestSucceedWithALiar(t *testing.T) {
	a, b := two(t)
	backup := a.backup()
	shareOne(t, a, 1, "hidden-tail.example")
	a.sync()
	signed := a.heldOf("", a)
	origin := a.ownOrigin()
	a.stop()
	b.lies(origin, journal.Head{})
	r, res := a.restored(backup, RestoreOptions{OrgKey: a.org})
	if res.Units[0].State != "successor" || res.Units[0].Head >= signed {
		t.Fatalf("%+v", res.Units)
	}
	r.codes()
	shareOne(t, r, 2, "successor.example")
	r.codes()
	b.stop()
	b.start() // and tells the truth
	settled(r, b)
	if !b.uses("hidden-tail.example") || !b.uses("successor.example") {
		t.Error("the tail or the successor is not used")
	}
	l := must[*ledger](t)(r.findUnit(""))
	l.mu.Lock()
	got := l.mirrors[origin].m.Head().Size
	l.mu.Unlock()
	if got != signed {
		t.Errorf("of the old journal %d entries came back, signed were %d", got, signed)
	}
	sameState(t, r, b)
	sound(t, r, b)
}

// TestComeBackAfterAFork is a copy that signed a second history, unprotected. With
// the organisation key the party goes on, and its partner follows.
func TestComeBackAfterAFork(t *testing.T) {
	a, b := two(t)
	image := a.snapshot()
	shareOne(t, a, 1, "original.example")
	a.sync()
	a.stop()
	b.stop()
	image.start()
	shareOne(t, image, 2, "image.example")
	b.start()
	settled(image, b)
	if !image.retired() || len(b.evidence("")) == 0 {
		t.Fatalf("retired %v, proofs %q", image.retired(), b.evidence(""))
	}
	must[[]RestoredUnit](t)(image.Succeed(t.Context(), image.orgText()))
	settled(image, b)
	shareOne(t, image, 3, "afterwards.example")
	image.codes()
	b.codes()
	shareOne(t, b, 4, "answer.example")
	b.codes()
	image.codes()
	if !b.uses("afterwards.example") || !image.uses("answer.example") || b.uses("image.example") {
		t.Errorf("after the fork: South uses the new %v and the second history %v, North the answer %v",
			b.uses("afterwards.example"), b.uses("image.example"), image.uses("answer.example"))
	}
}

// TestRestoreDestroysAgain is a backup from before a destruction that only the
// partner still knows of.
func TestRestoreDestroysAgain(t *testing.T) {
	a, b := two(t)
	shareOne(t, a, 1, "to-destroy.example")
	a.sync()
	p := a.payloadOf(t, a.Party())
	backup := a.backup()
	l := must[*ledger](t)(a.findUnit(""))
	l.mu.Lock()
	_, err := l.write(journal.Draft{Kind: journal.KindDestroyed, By: a.machine(),
		Body: journal.DestroyedBody{Commitments: []journal.Hash{p.Commitment}, Reason: "retention"}})
	here := l.has(p.Commitment)
	l.mu.Unlock()
	if err != nil || here {
		t.Fatalf("destroying: %v, still here %v", err, here)
	}
	a.sync()
	a.stop()
	r, _ := a.restored(backup, RestoreOptions{Identity: a.backupIdentity()})
	l = must[*ledger](t)(r.findUnit(""))
	r.codes()
	l.mu.Lock()
	here = l.has(p.Commitment)
	l.mu.Unlock()
	if here {
		t.Error("what was destroyed is here again, though the partner told of it")
	}
	sound(t, r, b)
}

// TestRequestsGoOnAcrossASuccessor: requests, receipts and clocks are those of the
// party, not of one of its journals, and a draft that waited in the backup is sent.
func TestRequestsGoOnAcrossASuccessor(t *testing.T) {
	ctx := t.Context()
	a, b := two(t)
	q := RequestNewRequest{Type: "information", Urgency: "urgent", Title: "Who?", Text: "Who?", Fields: map[string]string{"subject": "x", "purpose": "y", "facts": "z"}}
	sent, _, err := a.NewRequest(ctx, q)
	if err != nil {
		t.Fatal(err)
	}
	q.Draft, q.Title = true, "Who else?"
	draft, _, err := a.NewRequest(ctx, q)
	if err != nil {
		t.Fatal(err)
	}
	a.sync()
	backup := a.backup()
	a.stop()
	r, _ := a.restored(backup, RestoreOptions{OrgKey: a.org})
	settled(r, b)
	before := must[*RequestView](t)(b.Request(ctx, RequestShowRequest{ID: sent.ID}))
	must[*WriteResponse](t)(b.MoveRequest(ctx, RequestMoveRequest{ID: sent.ID, Move: "acknowledge"}))
	settled(b, r)
	after := must[*RequestView](t)(r.Request(ctx, RequestShowRequest{ID: sent.ID}))
	if after.State != "acknowledged" || len(before.Clocks) == 0 || len(after.Clocks) == 0 || !after.Clocks[0].Due.Equal(before.Clocks[0].Due) {
		t.Errorf("the request before %+v and after the restore %+v", before, after)
	}
	must[*WriteResponse](t)(r.MoveRequest(ctx, RequestMoveRequest{ID: sent.ID, Move: "withdraw"}))
	late, _, err := r.NewRequest(ctx, RequestNewRequest{From: draft.ID})
	if err != nil {
		t.Fatal(err)
	}
	settled(r, b)
	if v := must[*RequestView](t)(b.Request(ctx, RequestShowRequest{ID: sent.ID})); v.State != "withdrawn" {
		t.Errorf("the asking side moves from its successor: %s", v.State)
	}
	if v := must[*RequestView](t)(b.Request(ctx, RequestShowRequest{ID: late.ID})); v.Title != "Who else?" {
		t.Errorf("the draft arrived as %+v", v)
	}
	sameState(t, r, b)
	sound(t, r, b)
}

// TestRestoreBeforeAMemberWasRemoved restores a backup in which somebody is still
// a member whom the others have removed since.
func TestRestoreBeforeAMemberWasRemoved(t *testing.T) {
	a, b, c := three(t)
	relay(a, b, c)
	spread := func() { relay(a, b, c) }
	signedByAll(t, accordText(t, a, b, c), spread, a, b, c)
	relay(a, b, c)
	backup := a.backup()
	signedByAll(t, amended(t, a, func(d map[string]any) {
		d["parties"] = slices.DeleteFunc(d["parties"].([]any), func(p any) bool { return p.(map[string]any)["party"] == c.init.Party })
	}), spread, a, b)
	relay(a, b, c)
	a.stop()
	r, _ := a.restored(backup, RestoreOptions{OrgKey: a.org})
	for range 3 {
		r.codes()
	}
	sameState(t, r, b)
	if s := r.state(); len(s.Members) != 2 || len(s.Left) != 1 {
		t.Errorf("after the restore %d members, %d left", len(s.Members), len(s.Left))
	}
	shareOne(t, r, 1, "after-removal.example")
	for range 2 {
		r.codes()
		b.codes()
		c.codes()
	}
	if !b.uses("after-removal.example") || c.uses("after-removal.example") {
		t.Errorf("used by the member %v, by the one that was removed %v", b.uses("after-removal.example"), c.uses("after-removal.example"))
	}
	sound(t, r, b)
}
