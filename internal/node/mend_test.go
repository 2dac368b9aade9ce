package node

import (
	"bytes"
	"errors"
	"io/fs"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"entente/internal/peer"
	"entente/internal/store"
	"entente/journal"
)

// weakDisk is the machine's disk, some of whose operations fail.
type weakDisk struct {
	store.OS
	fault atomic.Pointer[func(op, name string) error]
	room  atomic.Pointer[store.Room] // nil: the machine's
}

// Room is what is set, or the machine's.
func (d *weakDisk) Room(name string) (store.Room, error) {
	if r := d.room.Load(); r != nil {
		return *r, nil
	}
	return d.OS.Room(name)
}

func (d *weakDisk) ask(op, name string) error {
	if f := d.fault.Load(); f != nil {
		return (*f)(op, name)
	}
	return nil
}

func (d *weakDisk) fails(op, part string, err error) {
	f := func(o, name string) error {
		if o == op && strings.Contains(name, part) {
			return err
		}
		return nil
	}
	d.fault.Store(&f)
}

func (d *weakDisk) OpenFile(name string, flag int, perm fs.FileMode) (store.File, error) {
	f, err := d.OS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return weakFile{f, d, name}, nil
}

type weakFile struct {
	store.File
	d    *weakDisk
	name string
}

func (f weakFile) Sync() error {
	if err := f.d.ask("sync", f.name); err != nil {
		return err
	}
	return f.File.Sync()
}

func (f weakFile) ReadAt(p []byte, off int64) (int, error) {
	if err := f.d.ask("read", f.name); err != nil {
		return 0, &fs.PathError{Op: "read", Path: f.name, Err: err}
	}
	return f.File.ReadAt(p, off)
}

func (f weakFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.d.ask("write", f.name); err != nil {
		return 0, err
	}
	return f.File.WriteAt(p, off)
}

// TestFailedSync lets syncs and writes of a running node's files fail. What failed is
// said so, nothing more is signed or taken in on it, also once the disk works, until
// the journals were opened again; then it goes on, and the partner finds no fault.
func TestFailedSync(t *testing.T) {
	a, b := newParty(t, "North"), newParty(t, "South")
	disk := &weakDisk{}
	a.stop()
	a.fs = disk
	a.start()
	must[*UnitRef](t)(a.FoundUnit(t.Context(), UnitFoundRequest{Name: "Watch"}))
	pair(t, a, b, "Watch")
	a.sync()
	agree(t, nil, a, b)
	load := func(salt string) error {
		_, err := a.Import(t.Context(), ImportRequest{Name: salt}, strings.NewReader(string(indicators(t, 5, salt))), nil)
		return err
	}
	share := func(name string) error {
		_, err := a.Share(t.Context(), ShareRequest{Source: name}, nil)
		return err
	}
	if err := errors.Join(load("first"), share("first")); err != nil {
		t.Fatal(err)
	}
	own := a.units()[0].journalDir(a.units()[0].origin())
	for _, c := range []struct {
		op, part string
		err      error
		code     string
		broken   bool // nothing goes on before it is mended
	}{
		{"sync", own + "/log", syscall.EIO, CodeDisk, true},
		{"sync", own + "/head", syscall.EIO, CodeDisk, true},
		{"write", own + "/log", syscall.ENOSPC, CodeDiskFull, true},
		{"sync", "highwater", syscall.EIO, CodeDisk, true},
		{"sync", "payloads", syscall.EIO, CodeDisk, false},
		{"write", "payloads", syscall.ENOSPC, CodeDiskFull, false},
	} {
		disk.fails(c.op, c.part, c.err)
		machine := StorageError(share("first"))
		if machine == nil || machine.Code != c.code {
			t.Fatalf("%s of %s: %+v, not %s", c.op, c.part, machine, c.code)
		}
		disk.fault.Store(nil)
		if c.broken {
			if err := share("first"); err == nil {
				t.Fatalf("%s of %s: signing goes on as if nothing had been", c.op, c.part)
			}
			st := must[*StatusResponse](t)(a.Status(t.Context()))
			if !strings.Contains(strings.Join(saysOf(st), "\n"), "the disk failed") {
				t.Fatalf("%s of %s: %q", c.op, c.part, saysOf(st))
			}
			must[*SyncResponse](t)(b.Sync(t.Context(), SyncRequest{}, nil)) // sessions do no harm meanwhile
			a.mend(t.Context())
		}
		if err := share("first"); err != nil {
			t.Fatalf("%s of %s, mended: %v", c.op, c.part, err)
		}
		a.sync()
		sameState(t, a, b)
	}

	// The private log: what failed may be there or not, and is never half there.
	disk.fails("sync", "local.log", syscall.EIO)
	if machine := StorageError(load("second")); machine == nil || machine.Code != CodeDisk {
		t.Fatalf("%+v", machine)
	}
	disk.fault.Store(nil)
	if err := load("second"); err == nil {
		t.Fatal("the local log goes on as if nothing had been")
	}
	a.mend(t.Context())
	if err := errors.Join(load("second"), share("second")); err != nil {
		t.Fatal(err)
	}
	a.sync()
	b.sync()
	sameState(t, a, b)
	for _, p := range []*testParty{a, b} {
		c := must[*StatusResponse](t)(p.Status(t.Context())).Objects
		if c.Accepted != 10 || c.Conflicts != 0 {
			t.Errorf("%s knows %+v", p.init.Name, c)
		}
		if rep := must[*JournalVerifyResponse](t)(p.VerifyJournals(t.Context(), nil)); !rep.OK {
			t.Errorf("%s: %q", p.init.Name, rep.Errors)
		}
	}
}

// weakPair is two members of a unit, the first on a disk that can be made to fail.
func weakPair(t *testing.T) (a, b *testParty, disk *weakDisk) {
	t.Helper()
	a, b = two(t)
	disk = &weakDisk{}
	a.stop()
	a.fs = disk
	a.start()
	return a, b, disk
}

// TestFailedSuspensionWithholds: a suspension that the disk did not take, as far as
// anybody knows, lets out no content until it is known whether it is there.
func TestFailedSuspensionWithholds(t *testing.T) {
	a, b, disk := weakPair(t)
	shareOne(t, a, 1, "before.example")
	own := a.units()[0].journalDir(a.units()[0].origin())
	disk.fails("sync", own+"/log", syscall.EIO)
	if _, err := a.Suspend(t.Context(), UnitSuspendRequest{}); StorageError(err) == nil {
		t.Fatalf("the suspension was taken: %v", err)
	}
	disk.fault.Store(nil)
	must[*SyncResponse](t)(b.Sync(t.Context(), SyncRequest{}, nil))
	if b.uses("before.example") {
		t.Fatal("content was handed over although a suspension may be in force")
	}
	a.mend(t.Context())
	for range 2 {
		must[*SyncResponse](t)(b.Sync(t.Context(), SyncRequest{}, nil))
	}
	suspended := must[*StatusResponse](t)(a.Status(t.Context())).Units[0].State == "suspended"
	if b.uses("before.example") == suspended {
		t.Errorf("after the journals were opened again the unit is suspended: %v, and the content is used: %v", suspended, !suspended)
	}
}

// TestProofOnAFailingDisk: a proof that the disk did not take is not held, and is kept
// when it is shown again.
func TestProofOnAFailingDisk(t *testing.T) {
	a, b, disk := weakPair(t)
	r := takeOver(t, b, a)
	other, prev := r.fork(r.held().Size - 1)
	run := r.signed(other, nil, r.note(prev, "another past"))
	disk.fails("sync", "evidence", syscall.EIO)
	r.say([]peer.Run{run})
	if code := r.fault(); code != "" {
		t.Errorf("%s is held against the partner, and nothing of it is kept", code)
	}
	disk.fault.Store(nil)
	r.say([]peer.Run{run})
	code := r.fault()
	if code == "" {
		t.Fatal("the fork was shown again, and is not proved")
	}
	a.stop()
	a.start()
	if again := r.fault(); again != code {
		t.Errorf("after a restart the fault is %q, was %q", again, code)
	}
}

// TestProofsOfOriginsAlike: a proof about one journal does not stand in the way of one
// about another whose name begins alike.
func TestProofsOfOriginsAlike(t *testing.T) {
	a, _ := two(t)
	l := must[*ledger](t)(a.findUnit(""))
	first := journal.Origin("entente/" + strings.Repeat("a", 64))
	second := journal.Origin("entente/" + strings.Repeat("a", 63) + "b")
	for range 2 {
		for _, o := range []journal.Origin{first, second} {
			l.mu.Lock()
			err := l.keepOnce(o, journal.CodeFork, map[string]string{"about": string(o)})
			l.mu.Unlock()
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	kept := must[[][]byte](t)(l.evidence())
	if len(kept) != 2 || bytes.Equal(kept[0], kept[1]) {
		t.Errorf("%d proofs are kept of two journals", len(kept))
	}
}
