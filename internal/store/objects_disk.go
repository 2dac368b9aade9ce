package store

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// What Pebble does when its disk fails, and what is made of it here.
//
// Pebble writes in the background (tables and its manifest; it has no log of its
// own here, because everything in it can be derived again). It tries a failed
// flush again at once and for ever, a failed compaction perhaps only half a minute
// later, it ends the process when it cannot write its
// manifest, and it lets whoever writes wait without end once its memory is full.
//
// So a write for which there is no room waits here, below Pebble, until there is
// some; anything else that fails is paced; and as long as something fails nobody
// is let in to write who would have to wait: [Objects.Write] refuses. Only what is
// tried again until it holds counts as failing, so compactions do not; who writes
// waits for them once too many are owed, and goes on when they hold. Reading goes on
// throughout. Only a manifest that cannot be written for another reason than a
// full disk takes the objects out of service until the node is started again.

// diskHealth is what the disk under the objects is known to do.
type diskHealth struct {
	waiting atomic.Int64                 // writes that wait for room
	fault   atomic.Pointer[error]        // why the last write failed, compactions aside; nil once a sync held
	dead    atomic.Pointer[outOfService] // why nothing is written any more
	opening atomic.Bool                  // Pebble works on the caller's goroutine
	closing atomic.Bool                  // nobody waits any longer
}

// err says why nothing can be written now; nil if it can.
func (h *diskHealth) err() error {
	if d := h.dead.Load(); d != nil {
		return d
	}
	if h.waiting.Load() > 0 {
		return ErrNoRoom
	}
	if err := h.fault.Load(); err != nil {
		return *err
	}
	return nil
}

// outOfService is the end of an object store until the next start.
type outOfService struct{ reason string }

func (e *outOfService) Error() string {
	return "out of service until the node is started again, which derives what is missing: " + e.reason
}

func (e *outOfService) Is(target error) bool { return target == ErrBroken }

// roomPause and faultPause are how often a full disk is looked at again and how
// fast other failures repeat.
const (
	roomPause  = 100 * time.Millisecond
	faultPause = 250 * time.Millisecond
)

// verdicts is Pebble's logger. Errors come back from the calls; what is fatal
// must not return.
type verdicts struct{ h *diskHealth }

func (verdicts) Infof(string, ...any)  {}
func (verdicts) Errorf(string, ...any) {}

// Fatalf ends the process, as is right where Pebble finds something wrong with
// itself, unless it is the manifest that cannot be written. That happens on a
// goroutine of Pebble's own, which ends here and gives its locks free: nothing is
// written any more, and reading goes on.
func (v verdicts) Fatalf(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	manifest := strings.HasPrefix(text, "MANIFEST ") && strings.Contains(text, " failed")
	switch {
	case v.h.opening.Load():
		panic(fatal(text))
	case !manifest:
		panic("store: objects: " + text)
	}
	v.h.dead.CompareAndSwap(nil, &outOfService{text})
	runtime.Goexit()
}

// fatal is what Pebble says when it cannot go on while it is being opened.
type fatal string

// openPebble opens a database; what is fatal to it is an error.
func openPebble(dir string, o *pebble.Options, h *diskHealth) (db *pebble.DB, err error) {
	h.opening.Store(true)
	defer func() {
		h.opening.Store(false)
		if r := recover(); r != nil {
			text, ok := r.(fatal)
			if !ok {
				panic(r)
			}
			db, err = nil, errors.New(string(text))
		}
	}()
	return pebble.Open(dir, o)
}

// patient is a file system whose writes wait for room.
type patient struct {
	vfs.FS
	h *diskHealth
}

// Unwrap implements vfs.FS.
func (p patient) Unwrap() vfs.FS { return p.FS }

// compaction is what Pebble calls the writes of compactions.
const compaction vfs.DiskWriteCategory = "pebble-compaction"

// try does something until there is room for it, or the store is being closed or
// opened. Nothing is written once the store is out of service.
func (h *diskHealth) try(c vfs.DiskWriteCategory, do func() error) error {
	if d := h.dead.Load(); d != nil {
		return d
	}
	err := do()
	if err == nil {
		return nil
	}
	if h.opening.Load() {
		return err
	}
	if !IsFull(err) {
		h.failed(c, err)
		return err
	}
	h.waiting.Add(1)
	defer h.waiting.Add(-1)
	for err != nil && IsFull(err) && !h.closing.Load() {
		h.sleep(roomPause)
		err = do()
	}
	return err
}

// failed notes a failure and paces it.
func (h *diskHealth) failed(c vfs.DiskWriteCategory, err error) {
	if c != compaction {
		h.fault.Store(&err)
	}
	h.sleep(faultPause)
}

func (h *diskHealth) sleep(d time.Duration) {
	if !h.closing.Load() {
		time.Sleep(d)
	}
}

func (p patient) Create(name string, c vfs.DiskWriteCategory) (f vfs.File, err error) {
	err = p.h.try(c, func() error { f, err = p.FS.Create(name, c); return err })
	return patientFile{f, p.h, c}.unless(err)
}

func (p patient) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (f vfs.File, err error) {
	err = p.h.try(c, func() error { f, err = p.FS.OpenReadWrite(name, c, opts...); return err })
	return patientFile{f, p.h, c}.unless(err)
}

func (p patient) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (f vfs.File, err error) {
	err = p.h.try(c, func() error { f, err = p.FS.ReuseForWrite(from, to, c); return err })
	return patientFile{f, p.h, c}.unless(err)
}

func (p patient) Rename(from, to string) error {
	return p.h.try("", func() error { return p.FS.Rename(from, to) })
}

func (p patient) Link(from, to string) error {
	return p.h.try("", func() error { return p.FS.Link(from, to) })
}

func (p patient) MkdirAll(dir string, perm os.FileMode) error {
	return p.h.try("", func() error { return p.FS.MkdirAll(dir, perm) })
}

func (p patient) Remove(name string) error {
	if d := p.h.dead.Load(); d != nil {
		return d
	}
	return p.FS.Remove(name)
}

type patientFile struct {
	vfs.File
	h *diskHealth
	c vfs.DiskWriteCategory
}

func (f patientFile) unless(err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Write writes all of b, the rest after what fitted. (A failed sync is not tried
// again: after it nothing is known about what is on the disk.)
func (f patientFile) Write(b []byte) (n int, err error) {
	err = f.h.try(f.c, func() error {
		k, err := f.File.Write(b[n:])
		n += k
		return err
	})
	return n, err
}

func (f patientFile) WriteAt(b []byte, off int64) (n int, err error) {
	err = f.h.try(f.c, func() error {
		k, err := f.File.WriteAt(b[n:], off+int64(n))
		n += k
		return err
	})
	return n, err
}

func (f patientFile) Sync() error { return f.synced(f.File.Sync()) }

func (f patientFile) SyncData() error { return f.synced(f.File.SyncData()) }

// synced notes whether the disk works. Pebble makes a failed table of a flush again
// until it holds, so a failure does not stay for longer than the disk does.
func (f patientFile) synced(err error) error {
	switch {
	case err != nil:
		f.h.failed(f.c, err)
	case f.c != compaction:
		f.h.fault.Store(nil)
	}
	return err
}

// Preallocate is only for speed.
func (f patientFile) Preallocate(off, length int64) error {
	if err := f.File.Preallocate(off, length); err != nil && !IsFull(err) {
		return err
	}
	return nil
}
