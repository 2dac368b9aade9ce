package node

import (
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"syscall"

	"entente/internal/store"
	"entente/internal/store/storetest"
)

// A disk may be bad for some steps of a story. The node stays up and goes on by itself
// once the disk works, or is started again, whatever comes first.

// badDisk is what a machine's disk does for now.
type badDisk struct {
	kind  string
	until int    // step
	where string // what it is bad for; empty: everything
	said  bool   // the file system tells how little room there is
	room  int    // bytes that still fit; of a full disk
	often int    // one of so many operations fails; of a failing disk
	rng   *rand.Rand
}

var diskKinds = []string{"full", "full", "read-only", "failing", "failing", "broken"}

// diskWeather decides which disks are bad in this step, and lets the nodes look after
// what was, as a serving node does every second.
func (w *world) diskWeather(m *machine) {
	if w.rng.IntN(10) == 0 {
		x := m
		if w.rng.IntN(2) == 0 {
			x = w.ms[w.rng.IntN(len(w.ms))]
		}
		b := &badDisk{kind: diskKinds[w.rng.IntN(len(diskKinds))], until: w.step + 1 + w.rng.IntN(4),
			where: []string{"", "", simMarks, simDir + "/units", simDir + "/local"}[w.rng.IntN(5)],
			said:  w.rng.IntN(2) == 0, room: w.rng.IntN(6000), often: 2 + w.rng.IntN(12), rng: rand.New(rand.NewPCG(w.rng.Uint64(), 3))}
		x.bad = b
		w.counts["bad disks"]++
		w.tell("%d the disk of %s is %s until %d: %q", w.step, x.name, b.kind, b.until, b.where)
	}
	for _, x := range w.ms {
		if x.bad != nil && w.step >= x.bad.until {
			x.bad = nil
			w.tell("%d the disk of %s works again", w.step, x.name)
		}
		x.wear()
	}
	w.mend()
}

// mend is what a serving node does every second.
func (w *world) mend() {
	for _, x := range w.ms {
		if x.node != nil {
			x.node.mend(w.ctx)
		}
	}
}

// wear makes the disk as bad as it is.
func (m *machine) wear() {
	m.disk.Fault, m.disk.ReadOnly, m.disk.Capacity = nil, false, 0
	if m.bad != nil {
		m.disk.Fault = m.bad.fault
	}
}

// fault is what the disk says to one operation. What is derived is left alone, as with
// kills: the goroutines of its store come and go, and a seed would not replay.
func (b *badDisk) fault(op, name string, _ int) error {
	if op == "open" || op == "read" || derived(name) || b.where != "" && !strings.HasPrefix(name, b.where) {
		return nil
	}
	no := func(err error) error { return &fs.PathError{Op: op, Path: name, Err: err} }
	switch b.kind {
	case "full":
		if op != "write" {
			return nil
		}
		// How much a write wants is not told; small ones may fit where large ones do not.
		if b.room > 0 {
			b.room -= 1 + b.rng.IntN(1000)
			return nil
		}
		return &storetest.Torn{Bytes: b.rng.IntN(200), Err: no(syscall.ENOSPC)}
	case "read-only":
		return no(syscall.EROFS)
	case "broken":
		return no(syscall.EIO)
	}
	if b.rng.IntN(b.often) > 0 {
		return nil
	}
	if op == "write" && b.rng.IntN(2) == 0 {
		return &storetest.Torn{Bytes: b.rng.IntN(3000), Err: no(syscall.EIO)}
	}
	return no(syscall.EIO)
}

// closed is what opening a file to change it says on a read-only disk.
func (b *badDisk) closed(name string, flag int) error {
	if b == nil || b.kind != "read-only" || flag&(os.O_RDWR|os.O_CREATE|os.O_TRUNC) == 0 {
		return nil
	}
	return b.fault("change", name, 0)
}

// Room implements store.Meter.
func (f simFS) Room(name string) (store.Room, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if b := f.m.bad; b != nil && b.kind == "full" && b.said && strings.HasPrefix(name+"/", b.where) {
		return store.Room{Free: int64(b.room), Total: 1 << 30}, nil
	}
	return store.Room{Free: math.MaxInt64, Total: math.MaxInt64}, nil
}

// badly tells whether a machine may refuse to do something because of its disk.
func (m *machine) badly(err error) bool { return m.bad != nil && StorageError(err) != nil }
