package store

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"entente/internal/intel"
)

// faulty is a file system that fails as it is told.
type faulty struct {
	vfs.FS
	fault *atomic.Pointer[func(op, name string) error]
}

func (f faulty) ask(op, name string) error {
	if ask := f.fault.Load(); ask != nil {
		return (*ask)(op, name)
	}
	return nil
}

func (f faulty) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := f.ask("create", name); err != nil {
		return nil, err
	}
	file, err := f.FS.Create(name, c)
	return faultyFile{file, f, string(c) + " " + name}, err
}

type faultyFile struct {
	vfs.File
	fs   faulty
	name string // behind what it is written for, such as "pebble-compaction"
}

func (f faultyFile) Write(p []byte) (int, error) {
	if err := f.fs.ask("write", f.name); err != nil {
		n := 0
		if errors.Is(err, syscall.ENOSPC) && len(p) > 1 { // a disk takes what fits
			n, _ = f.File.Write(p[:len(p)/2])
		}
		return n, err
	}
	return f.File.Write(p)
}

func (f faultyFile) SyncData() error {
	if err := f.fs.ask("sync", f.name); err != nil {
		return err
	}
	return f.File.SyncData()
}

func (f faultyFile) Sync() error {
	if err := f.fs.ask("sync", f.name); err != nil {
		return err
	}
	return f.File.Sync()
}

// faultyObjects opens objects on a disk that fails as tell says.
func faultyObjects(t *testing.T) (o *Objects, tell func(func(op, name string) error)) {
	t.Helper()
	f := faulty{vfs.NewMem(), &atomic.Pointer[func(op, name string) error]{}}
	h := &diskHealth{}
	opts := objectsOptions(f, h)
	opts.MemTableSize = 256 << 10
	db, err := openPebble("objects", opts, h)
	if err != nil {
		t.Fatal(err)
	}
	return &Objects{"objects", db, h}, func(fault func(op, name string) error) {
		if fault == nil {
			f.fault.Store(nil)
			return
		}
		f.fault.Store(&fault)
	}
}

// fill writes until it is refused, at most n batches, and returns how many were
// taken and the refusal.
func fill(o *Objects, from, n int) (int, error) {
	for i := range n {
		value := []byte(strings.Repeat(fmt.Sprint(from+i, " "), 4000))
		if err := o.Write([]intel.Change{{Key: fmt.Appendf(nil, "k%05d", from+i), Value: value}, {Key: []byte("cursor"), Value: fmt.Appendf(nil, "%d", from+i)}}); err != nil {
			return i, err
		}
	}
	return n, nil
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 1000 {
		if ok() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("waited in vain for: " + what)
}

// A disk without room stops writing with ErrNoRoom and nothing else: reading goes
// on, nobody waits, and once there is room writing goes on without a new start.
func TestObjectsFullDisk(t *testing.T) {
	o, tell := faultyObjects(t)
	tell(func(op, name string) error {
		if op != "sync" {
			return syscall.ENOSPC
		}
		return nil
	})
	n, err := fill(o, 0, 1)
	for total := 1; err == nil; total++ {
		if total > 10000 {
			t.Fatal("a full disk takes whatever is written")
		}
		var k int
		k, err = fill(o, n, 1)
		n += k
		time.Sleep(time.Millisecond) // let the flush find out
	}
	if !errors.Is(err, ErrNoRoom) || !IsFull(err) {
		t.Fatalf("a full disk: %v", err)
	}
	if v, ok, err := o.Get([]byte("cursor")); err != nil || !ok || string(v) != fmt.Sprint(n-1) {
		t.Fatalf("reading on a full disk: %q %v %v, %d were written", v, ok, err, n)
	}
	if err := o.Reset(nil); !errors.Is(err, ErrNoRoom) {
		t.Fatalf("Reset on a full disk: %v", err)
	}
	tell(nil)
	waitFor(t, "writing after there is room", func() bool { return o.Fault() == nil })
	if k, err := fill(o, n, 200); err != nil {
		t.Fatalf("writing after there was room: %d, %v", k, err)
	}
	for i := range n + 200 {
		if _, ok, err := o.Get(fmt.Appendf(nil, "k%05d", i)); err != nil || !ok {
			t.Fatalf("row %d of %d is gone: %v", i, n+200, err)
		}
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
}

// A store on a full disk closes in a moment.
func TestObjectsCloseOnAFullDisk(t *testing.T) {
	o, tell := faultyObjects(t)
	if _, err := fill(o, 0, 1); err != nil {
		t.Fatal(err)
	}
	tell(func(op, name string) error { return syscall.ENOSPC })
	closed := make(chan error, 1)
	go func() { closed <- o.Close() }()
	select {
	case err := <-closed:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("closing waits for room")
	}
}

// A disk that fails otherwise refuses writes with what it says, and is used again
// as soon as it works.
func TestObjectsFailingDisk(t *testing.T) {
	o, tell := faultyObjects(t)
	for _, what := range []string{"create", "write", "sync"} {
		tell(func(op, name string) error {
			if op == what && strings.HasSuffix(name, ".sst") {
				return syscall.EIO
			}
			return nil
		})
		n, err := 0, error(nil)
		for range 10000 {
			if _, err = fill(o, 0, 1); err != nil {
				break
			}
			n++
			time.Sleep(time.Millisecond)
		}
		if !errors.Is(err, syscall.EIO) {
			t.Fatalf("%s fails: %v after %d writes", what, err, n)
		}
		tell(nil)
		waitFor(t, "writing after "+what+" works", func() bool { return o.Fault() == nil })
		if _, err := fill(o, 0, 100); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
}

// A compaction that fails keeps nobody from writing: Pebble may try it again only
// half a minute later, and nothing else would tell by then that the disk works.
func TestObjectsCompactionFails(t *testing.T) {
	o, tell := faultyObjects(t)
	bottom := func() bool {
		m := o.db.Metrics()
		return m.Levels[len(m.Levels)-1].TablesCount > 0
	}
	n := 0
	for ; !bottom(); n++ {
		if _, err := fill(o, n%100, 1); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
	for range 3 {
		var failed atomic.Int64
		tell(func(op, name string) error {
			if op == "sync" && strings.HasPrefix(name, "pebble-compaction ") {
				failed.Add(1)
				return syscall.EIO
			}
			return nil
		})
		for range 10000 {
			if _, err := fill(o, n%100, 1); err != nil {
				t.Fatal(err)
			}
			if n++; failed.Load() > 0 {
				break
			}
			time.Sleep(time.Millisecond)
		}
		if failed.Load() == 0 {
			t.Fatal("no compaction failed")
		}
		time.Sleep(2 * faultPause) // what Pebble tries again at once has failed again
		tell(nil)
		if _, err := fill(o, n%100, 100); err != nil || o.Fault() != nil {
			t.Fatalf("after a compaction failed: %v, %v", err, o.Fault())
		}
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
}

// Who waits for compactions that fail goes on as soon as they hold.
func TestObjectsCompactionsOwed(t *testing.T) {
	o, tell := faultyObjects(t)
	tell(func(op, name string) error {
		if op == "sync" && strings.HasPrefix(name, "pebble-compaction ") {
			return syscall.EIO
		}
		return nil
	})
	done := make(chan error, 1)
	go func() {
		_, err := fill(o, 0, 2000)
		done <- err
	}()
	select {
	case err := <-done:
		t.Fatalf("flushes without end are taken: %v", err)
	case <-time.After(2 * time.Second):
	}
	tell(nil)
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(2 * time.Minute):
		t.Fatal("writing waits for compactions that hold")
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
}

// A manifest that cannot be written does not end the process: nothing is written
// any more, what is there can be read, and closing does not wait.
func TestObjectsManifestFails(t *testing.T) {
	o, tell := faultyObjects(t)
	tell(func(op, name string) error {
		if op == "sync" && strings.Contains(name, "MANIFEST") {
			return syscall.EIO
		}
		return nil
	})
	n, err := 0, error(nil)
	for range 10000 {
		if _, err = fill(o, n, 1); errors.Is(err, ErrBroken) {
			break
		}
		if err == nil {
			n++
		}
		time.Sleep(time.Millisecond)
	}
	if !errors.Is(err, ErrBroken) {
		t.Fatalf("the manifest fails: %v after %d writes", err, n)
	}
	tell(nil)
	if v, ok, err := o.Get([]byte("k00000")); err != nil || !ok || len(v) == 0 {
		t.Fatalf("reading: %v %v", ok, err)
	}
	if err := o.Write([]intel.Change{{Key: []byte("x")}}); !errors.Is(err, ErrBroken) {
		t.Fatalf("writing goes on: %v", err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
}
