package node

import (
	"bytes"
	"slices"
	"syscall"
	"testing"
	"time"

	"entente/internal/unit"
	"entente/journal"
)

// Remove fails if it is told to.
func (d *weakDisk) Remove(name string) error {
	if err := d.ask("remove", name); err != nil {
		return err
	}
	return d.OS.Remove(name)
}

// foldedAgain is the state of a fresh fold of the journals and texts that a node holds.
func (p *testParty) foldedAgain(now time.Time) []byte {
	p.t.Helper()
	l := must[*ledger](p.t)(p.findUnit(""))
	l.mu.Lock()
	defer l.mu.Unlock()
	f := unit.NewFold(l.file.Founding)
	for _, j := range l.journals() {
		for raw, err := range j.store.Read(0, j.size()) {
			if err != nil {
				p.t.Fatal(err)
			}
			if err := f.Add(must[*journal.Entry](p.t)(journal.ParseEntry(slices.Clone(raw)))); err != nil {
				p.t.Fatal(err)
			}
		}
	}
	for _, text := range l.texts {
		if err := f.AddAccord(text); err != nil {
			p.t.Fatal(err)
		}
	}
	return f.State(now).JSON()
}

// TestJournalLeftBehind: the first stretch of a partner's journal comes while the disk fails, so that it
// is given up, and its folder cannot be removed either. What is found there when the journal comes again
// counts like all else that is held: the state is that of the journals on the disk, and what was sent
// again is not refused.
func TestJournalLeftBehind(t *testing.T) {
	a, b := newParty(t, "North"), newParty(t, "South")
	disk := &weakDisk{}
	a.stop()
	a.fs = disk
	a.start()
	must[*UnitRef](t)(a.FoundUnit(t.Context(), UnitFoundRequest{Name: "Watch"}))
	pair(t, a, b, "Watch")
	if held := a.heldOf("", b); held != 0 {
		t.Fatalf("%d entries of the partner are held before the disk fails; the test shows nothing", held)
	}
	theirs := a.units()[0].journalDir(b.ownOrigin())
	failing := func(op, name string) error {
		if name == theirs+"/log" && (op == "sync" || op == "remove") {
			return syscall.EIO
		}
		return nil
	}
	disk.fault.Store(&failing)
	_, _ = a.Sync(t.Context(), SyncRequest{}, nil)
	if held := a.heldOf("", b); held != 0 {
		t.Fatalf("%d entries are held on a disk that did not take them", held)
	}
	if info, err := disk.Stat(theirs + "/log"); err != nil || info.Size() == 0 {
		t.Fatalf("nothing is left behind (%v); the test shows nothing", err)
	}
	disk.fault.Store(nil)
	a.mend(t.Context())
	for range 2 {
		a.sync()
		b.sync()
	}
	agree(t, nil, a, b)
	if a.heldOf("", b) == 0 {
		t.Fatal("the partner's journal is not held")
	}
	now := a.now()
	l := must[*ledger](t)(a.findUnit(""))
	l.mu.Lock()
	got := l.fold.State(now).JSON()
	l.mu.Unlock()
	if want := a.foldedAgain(now); !bytes.Equal(got, want) {
		t.Errorf("the state is not that of the journals held:\n%s\n%s", got, want)
	}
	sameState(t, a, b)
	sound(t, a, b)
}

// TestMendWithoutText: the journals are opened again while the disk does not give the accord's text.
// The state stays that of what was held.
func TestMendWithoutText(t *testing.T) {
	a, b, disk := weakPair(t)
	own := a.units()[0].journalDir(a.units()[0].origin())
	disk.fails("sync", own+"/log", syscall.EIO)
	if _, err := a.Suspend(t.Context(), UnitSuspendRequest{}); StorageError(err) == nil {
		t.Fatalf("the entry was taken: %v", err)
	}
	disk.fails("read", "/payloads/", syscall.EIO)
	a.mend(t.Context())
	if l := a.units()[0]; l.ailing != nil {
		t.Fatalf("the journals were not opened again: %v; the test shows nothing", l.ailing)
	}
	if st := must[*UnitShowResponse](t)(a.ShowUnit(t.Context(), UnitShowRequest{})); st.Brief.Accord == "" {
		t.Error("no accord is in force any more, because its text could not be read again")
	}
	disk.fault.Store(nil)
	for range 2 {
		a.sync()
		b.sync()
	}
	sameState(t, a, b)
}
