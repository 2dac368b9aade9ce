package node

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"

	"entente/internal/peer"
	"entente/internal/store"
	"entente/internal/store/storetest"

	"filippo.io/age"
)

// Where things lie on a simulated machine.
const (
	simDir   = "/node"
	simOrg   = "/safe/organisation.key" // the stick in the safe: it outlives the machine
	simMarks = "/marks"                 // the high-water marks, on a disk of their own
)

var errSimKilled = errors.New("this process was killed")

// machine is one simulated computer and the node on it.
type machine struct {
	w    *world
	n    int
	name string
	addr string
	rng  *rand.ChaCha8 // the node's randomness; it goes on over restarts

	disk *storetest.Disk
	node *Node // nil: down
	// client is kept over several sessions, as a serving node does.
	client *peer.Client
	end    func() // stops serving

	offset time.Duration // of its clock
	drift  float64       // of its clock, 1 is right
	jumped time.Time     // bubble time of the last change of drift

	dead atomic.Bool
	mu   sync.Mutex
	gen  int // of the process; files opened by an earlier one are dead
	ops  int // on files that are truth
	kill killPlan

	courier []age.Identity // that it ever had, for who reads along

	bad     *badDisk // nil: its disk works
	hostile bool
	asked   int // how often its witness was, if it lies
	// succeeded is the step of its last succession.
	succeeded int
	book      *book // what was acknowledged to its officers
}

// killPlan says when and how the process ends.
type killPlan struct {
	at    int  // number of the operation; 0: never
	power bool // the machine loses its power, too
	tear  int  // bytes of a write that still happen
	pick  func(n int) int
	image *storetest.Disk // what is on the disk afterwards
}

// now is the machine's clock.
func (m *machine) now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	gone := time.Since(m.jumped)
	return m.w.epoch.Add(m.jumped.Sub(m.w.start)).Add(m.offset + time.Duration(float64(gone)*m.drift))
}

// setClock changes the clock by a jump and gives it another drift.
func (m *machine) setClock(jump time.Duration, drift float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	gone := time.Since(m.jumped)
	m.offset += time.Duration(float64(gone)*m.drift) - gone + jump
	m.jumped, m.drift = time.Now(), drift
}

// rightClock is what an officer does who is told that the machine's clock may be wrong.
func (m *machine) rightClock() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.offset, m.drift, m.jumped = m.w.passed, 1, time.Now()
}

// later lets time pass on every clock.
func (w *world) later(d time.Duration) {
	w.passed += d
	for _, m := range w.ms {
		m.mu.Lock()
		m.offset += d
		m.mu.Unlock()
	}
}

func (m *machine) options() Options {
	m.mu.Lock()
	gen := m.gen
	m.mu.Unlock()
	return Options{Clock: m.now, Rand: lockedRand{m}, Version: "sim", FS: simFS{m, m.disk, gen}, Dial: m.w.net.dialer(m), keyLog: m.w.net.wire, watch: m.watch,
		Log: slog.New(slog.DiscardHandler), Limits: peer.Limits{Memory: peer.NewMemory("", peer.DefaultWork)}}
}

type lockedRand struct{ m *machine }

func (r lockedRand) Read(p []byte) (int, error) {
	r.m.mu.Lock()
	defer r.m.mu.Unlock()
	return r.m.rng.Read(p)
}

// boot starts the node on what is on the disk.
func (m *machine) boot() error {
	m.mu.Lock()
	m.gen++
	m.mu.Unlock()
	m.dead.Store(false)
	n, err := Open(m.w.ctx, simDir, m.options())
	if err != nil {
		return err
	}
	m.node = n
	m.courier = append(m.courier, n.keys().courier)
	if m.client, err = n.client(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(m.w.ctx)
	served := make(chan struct{})
	l := m.w.net.listen(m)
	go func() {
		defer close(served)
		_ = n.ServePeer(ctx, l)
	}()
	m.end = func() {
		cancel()
		<-served
	}
	synctest.Wait() // it listens now, and has drawn what it needs from the node's randomness
	return nil
}

// halt ends the process: in order, or after it was killed, when nothing that it
// still does reaches disk or network.
func (m *machine) halt() error {
	if m.node == nil {
		return nil
	}
	m.client.Close()
	m.w.net.cutOff(m, false)
	m.end()
	err := m.node.Close()
	m.node = nil
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gen++
	if m.dead.Load() {
		m.disk, err = m.kill.image, nil
	}
	m.kill = killPlan{}
	return err
}

// die takes the picture of the disk as it is found later. The lock must be held.
func (m *machine) die() {
	m.dead.Store(true)
	m.kill.image = m.disk.Clone()
	if m.kill.power {
		m.kill.image = m.kill.image.Crash(m.kill.pick)
	}
	m.w.net.cutOff(m, m.kill.power)
}

// simFS is the machine's disk as one process sees it. It counts operations on what
// is truth, ends the process at the planned one, and shows to the world what gets
// to the disk. What is derived is left alone: its own goroutines come and go.
type simFS struct {
	m    *machine
	disk *storetest.Disk
	gen  int
}

var _ store.FS = simFS{}

func derived(name string) bool { return strings.HasPrefix(name, simDir+"/objects") }

// step is before each operation; tear says how much of a last write happens.
func (f simFS) step(name string) (tear int, err error) {
	if derived(name) {
		return 0, nil
	}
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if f.m.dead.Load() || f.gen != f.m.gen {
		return 0, errSimKilled
	}
	f.m.ops++
	if f.m.ops == f.m.kill.at {
		return f.m.kill.tear, errSimKilled
	}
	return 0, nil
}

// do runs one operation. The one that the process is killed at does not happen.
func (f simFS) do(name string, op func() error) error {
	if _, err := f.step(name); err != nil {
		f.fall()
		return err
	}
	return op()
}

// fall ends the process, once.
func (f simFS) fall() {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if f.gen == f.m.gen && !f.m.dead.Load() {
		f.m.die()
	}
}

func (f simFS) OpenFile(name string, flag int, perm fs.FileMode) (file store.File, err error) {
	err = f.do(name, func() (err error) {
		if err := f.m.bad.closed(name, flag); err != nil {
			return err
		}
		file, err = f.disk.OpenFile(name, flag, perm)
		return err
	})
	if err != nil {
		return nil, err
	}
	return simFile{file, f, name}, nil
}

func (f simFS) Rename(old, next string) error {
	return f.do(next, func() error {
		var text []byte
		if filepath.Base(next) == "head" {
			text = f.disk.Content(old)
		}
		err := f.disk.Rename(old, next)
		if err == nil {
			f.m.w.saw(f.m, f.disk, next, text)
		}
		return err
	})
}

func (f simFS) Remove(name string) error {
	return f.do(name, func() error { return f.disk.Remove(name) })
}

func (f simFS) Stat(name string) (info fs.FileInfo, err error) {
	err = f.do(name, func() (err error) { info, err = f.disk.Stat(name); return err })
	return info, err
}

func (f simFS) MkdirAll(name string, perm fs.FileMode) error {
	return f.do(name, func() error { return f.disk.MkdirAll(name, perm) })
}

func (f simFS) ReadDir(name string) (names []string, err error) {
	err = f.do(name, func() (err error) { names, err = f.disk.ReadDir(name); return err })
	return names, err
}

func (f simFS) SyncDir(name string) error {
	return f.do(name, func() error { return f.disk.SyncDir(name) })
}

type simFile struct {
	store.File
	fs   simFS
	name string
}

func (f simFile) WriteAt(p []byte, off int64) (int, error) {
	tear, err := f.fs.step(f.name)
	if err == nil {
		f.fs.m.w.wrote(f.fs.m, f.name, p)
		return f.File.WriteAt(p, off)
	}
	if tear > 0 && !f.fs.m.dead.Load() {
		_, _ = f.File.WriteAt(p[:min(tear, len(p))], off)
	}
	f.fs.fall()
	return 0, err
}

func (f simFile) Sync() error {
	return f.fs.do(f.name, f.File.Sync)
}

func (f simFile) Truncate(size int64) error {
	return f.fs.do(f.name, func() error { return f.File.Truncate(size) })
}
