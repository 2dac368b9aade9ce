package node

import (
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"entente/internal/peer"
	"entente/internal/store/storetest"
	"entente/internal/unit"
	"entente/journal"
)

// accuses counts the evidence entries about a journal that a party has written in a
// unit, in all its journals, as they are held here.
func (p *testParty) accuses(about journal.Origin, author string) int {
	p.t.Helper()
	l := must[*ledger](p.t)(p.findUnit(""))
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, j := range l.journals() {
		if string(j.party) != author {
			continue
		}
		for raw, err := range j.store.Read(0, j.size()) {
			if err != nil {
				p.t.Fatal(err)
			}
			e := must[*journal.Entry](p.t)(journal.ParseEntry(slices.Clone(raw)))
			if c, err := journal.DecodeBody[journal.EvidenceBody](e, journal.KindEvidence); e.Kind == journal.KindEvidence && err == nil && c.Origin == about {
				n++
			}
		}
	}
	return n
}

// TestProofIsProclaimedAfterACrash cuts a node before every operation on its files
// while it keeps and journals the proof of a fork. What is kept is in its journal
// after the next start, once, however often it starts, and reaches the others, though
// the liar shows nothing any more.
func TestProofIsProclaimedAfterACrash(t *testing.T) {
	storetest.FoldersOnDisk(t)
	a, b, w := three(t)
	relay(a, b, w)
	signedByAll(t, accordText(t, a, b, w), func() { relay(a, b, w) }, a, b, w)
	relay(a, b, w)
	c := &cutting{t: t, folders: []string{a.dir}, at: map[int64]bool{}}
	a.stop()
	a.fs = c
	a.start()
	r := takeOver(t, w, a)
	all := map[int64]bool{}
	for n := range int64(200) {
		all[n+1] = true
	}
	c.from(all)
	r.forks()
	a.stop()
	if len(c.images) == 0 || len(c.images) == len(all) {
		t.Fatalf("%d cuts: the story is shorter or longer than what is cut", len(c.images))
	}
	told, waited := false, 0
	for i, img := range c.images {
		if testing.Short() && (i%3 > 1 || i%3 > 0 && waited > 0) {
			continue // a sample, denser until one between the proof and its entry is met
		}
		x := &testParty{t: t, init: a.init, org: a.org, dir: img.dirs[0], fs: wholeMachine{}}
		x.start()
		kept := len(x.evidence(""))
		if before := x.accuses(r.origin, a.init.Party); kept == 1 && before == 0 {
			waited++
		} else if before > kept || kept > 1 {
			t.Errorf("cut before operation %d: %d proofs are kept, %d entries name them", img.op, kept, before)
		}
		for range 3 {
			l := must[*ledger](t)(x.findUnit(""))
			l.mu.Lock()
			if err := l.paid(); err != nil {
				t.Error(err)
			}
			l.mu.Unlock()
			if n := x.accuses(r.origin, a.init.Party); n != kept {
				t.Fatalf("cut before operation %d: %d proofs are kept, %d entries name them", img.op, kept, n)
			}
			x.stop()
			x.start()
		}
		if kept == 1 {
			x.convicts("", r.self.party, journal.CodeFork)
		}
		if kept == 1 && waited == 1 && !told {
			told = true
			must[*SyncResponse](t)(x.Sync(t.Context(), SyncRequest{Party: b.init.Party}, nil))
			if n := b.accuses(r.origin, a.init.Party); n != 1 {
				t.Errorf("South has heard %d times of the fork", n)
			}
			b.convicts("", r.self.party, journal.CodeFork)
		}
		x.stop()
	}
	if waited == 0 {
		t.Error("no cut came between the proof and its entry")
	}
	t.Logf("%d cuts, %d of them between the proof and its entry", len(c.images), waited)
}

// TestProofIsProclaimedOnce is a disk that fails while the entry about a proof is
// written: once it works the entry is there, and not twice, whether the failed write
// had reached the disk or not.
func TestProofIsProclaimedOnce(t *testing.T) {
	for _, x := range []struct{ op, part string }{
		{"sync", "/log"}, // it may be there
		{"write", "/log"},
		{"sync", "/head.tmp"},
		{"sync", "/highwater/"},
	} {
		t.Run(x.op+x.part, func(t *testing.T) {
			a, b, disk := weakPair(t)
			r := takeOver(t, b, a)
			own := must[*ledger](t)(a.findUnit("")).journalDir(r.victimOrigin())
			part := x.part
			if part != "/highwater/" {
				part = own + part
			}
			other, prev := r.fork(r.held().Size - 1)
			disk.fails(x.op, part, syscall.EIO)
			r.say([]peer.Run{r.signed(other, nil, r.note(prev, "another past"))})
			if r.fault() != journal.CodeFork || len(a.evidence("")) != 1 {
				t.Fatalf("the proof was not kept: %q", r.fault())
			}
			disk.fault.Store(nil)
			for range 3 {
				a.mend(t.Context())
				must[*SyncResponse](t)(a.Sync(t.Context(), SyncRequest{}, nil))
			}
			if n := a.accuses(r.origin, a.init.Party); n != 1 {
				t.Errorf("the fork is in the own journal %d times", n)
			}
			a.stop()
			a.start()
			must[*SyncResponse](t)(a.Sync(t.Context(), SyncRequest{}, nil))
			if n := a.accuses(r.origin, a.init.Party); n != 1 {
				t.Errorf("after a restart the fork is in the own journal %d times", n)
			}
		})
	}
}

// TestProofIsProclaimedBySuccessor: a node that could sign nothing when a partner was
// caught says so in the successor of its journal.
func TestProofIsProclaimedBySuccessor(t *testing.T) {
	a, r, _ := hostileWorldFor(t, false)
	l := must[*ledger](t)(a.findUnit(""))
	l.mu.Lock()
	l.retire("a test")
	l.mu.Unlock()
	r.forks()
	if n := a.accuses(r.origin, a.init.Party); n != 0 || len(a.evidence("")) != 1 {
		t.Fatalf("%d entries by a retired journal", n)
	}
	must[[]RestoredUnit](t)(a.Succeed(t.Context(), a.orgText()))
	a.stop()
	a.start()
	must[*SyncResponse](t)(a.Sync(t.Context(), SyncRequest{}, nil))
	if n := a.accuses(r.origin, a.init.Party); n != 1 {
		t.Errorf("the successor names the fork %d times", n)
	}
}

// TestAlteredProofAccusesNobody: what lies in the folder of proofs and does not hold,
// or is about the own journal, is never journaled.
func TestAlteredProofAccusesNobody(t *testing.T) {
	a, r, _ := hostileWorldFor(t, false)
	l := must[*ledger](t)(a.findUnit(""))
	dir := filepath.Join(l.dir, "evidence")
	head := string(must[[]byte](t)(r.st.Latest()))
	ours := string(must[[]byte](t)(l.ownStore.Latest()))
	a.stop()
	for name, c := range map[string]journal.Contradiction{
		"20260101T000000.000-x-fork.json":      {Code: journal.CodeFork, Origin: r.origin, A: head, B: head},
		"20260101T000000.001-x-rewritten.json": {Code: journal.CodeRewritten, Origin: r.origin, A: head, B: ours},
		"20260101T000000.002-x-rollback.json":  {Code: journal.CodeRollback, Origin: l.origin(), A: ours, B: ours},
		"20260101T000000.003-x-fork.json":      {Code: journal.CodeFork, Origin: r.origin, A: strings.Repeat("x", 1<<20)},
	} {
		if err := a.at.writeJSON(filepath.Join(dir, name), evidenceFile{Code: c.Code, Origin: c.Origin, Proof: c}); err != nil {
			t.Fatal(err)
		}
	}
	for _, text := range []string{"", "null", "[]", `{"proof":7}`, `{"proof":{"origin":""}}`, "\xff"} {
		if err := a.at.write(filepath.Join(dir, "20260101T000000.004-"+unit.KindShare+"-fork.json"), []byte(text)); err != nil {
			t.Fatal(err)
		}
		a.start()
		must[*SyncResponse](t)(a.Sync(t.Context(), SyncRequest{}, nil))
		if n := a.accuses(r.origin, a.init.Party) + a.accuses(l.origin(), a.init.Party); n != 0 {
			t.Errorf("%q: %d entries accuse somebody", text, n)
		}
		a.stop()
	}
}

// TestOwedIsNotSignedTwice: what was owed and is in the journal is not owed any more,
// also if something after it failed.
func TestOwedIsNotSignedTwice(t *testing.T) {
	a, b, disk := weakPair(t)
	must[*WriteResponse](t)(b.Withdraw(t.Context(), UnitWithdrawRequest{Confirm: "Watch"}))
	must[*SyncResponse](t)(b.Sync(t.Context(), SyncRequest{}, nil))
	l := must[*ledger](t)(a.findUnit(""))
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.file.Closed) != 1 {
		t.Fatal("nobody has left")
	}
	l.file.Closed = nil // as if its leaving were heard of with what is written now
	l.owed = []journal.Draft{{Kind: "x.note", By: a.machine(), Body: map[string]any{}}}
	before := l.own.Head().Size
	disk.fails("sync", "unit.json", syscall.EIO)
	if err := l.payOwed(); err == nil {
		t.Fatal("the unit's file was stored on a disk that fails")
	}
	disk.fault.Store(nil)
	if err := l.payOwed(); err != nil {
		t.Fatal(err)
	}
	if n := l.own.Head().Size - before; n != 1 {
		t.Errorf("%d entries were signed, 1 was owed", n)
	}
}
