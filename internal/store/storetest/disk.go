// Package storetest holds what tests of stores share: a disk that fails and
// forgets like a real one, and the suite that every object store passes.
package storetest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"syscall"

	"entente/internal/store"
)

// Disk is a file system in memory that keeps apart what is synced and what is
// not. Crash gives the disk as it may be found after the power went: what was
// synced is there, of the rest any part. Faults are injected through Fault and
// Capacity. It is safe for concurrent use.
type Disk struct {
	mu      sync.Mutex
	names   map[string]*inode // as programs see them
	durable map[string]*inode // as synced
	dirs    map[string]bool   // folders are durable at once, to keep the model small

	// Fault, if set, is asked before each operation ("open", "write", "sync",
	// "truncate", "rename", "remove", "syncdir"); n counts all operations from 0. An error is
	// returned to the caller and nothing is done, except that a *Torn error
	// lets a write do a part.
	Fault func(op, name string, n int) error
	// Capacity bounds the bytes of all files; 0 is no bound. A write beyond
	// it does what fits and returns ENOSPC.
	Capacity int64
	ops      int
}

// Torn is a fault that lets the first Bytes of a write happen.
type Torn struct{ Bytes int }

func (t *Torn) Error() string { return fmt.Sprintf("write torn after %d bytes", t.Bytes) }

type inode struct {
	data   []byte // as programs see it
	synced []byte // as on the platter
}

// NewDisk returns an empty disk.
func NewDisk() *Disk {
	return &Disk{names: map[string]*inode{}, durable: map[string]*inode{}, dirs: map[string]bool{}}
}

// Ops returns how many operations there were.
func (d *Disk) Ops() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ops
}

func (d *Disk) fault(op, name string) error {
	n := d.ops
	d.ops++
	if d.Fault == nil {
		return nil
	}
	return d.Fault(op, name, n)
}

// Names lists all files.
func (d *Disk) Names() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	names := make([]string, 0, len(d.names))
	for name := range d.names {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Content returns a copy of a file, nil when it is not there.
func (d *Disk) Content(name string) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f := d.names[filepath.Clean(name)]; f != nil {
		return append([]byte{}, f.data...)
	}
	return nil
}

// Set replaces (or creates) a file durably: a hand that tampers. nil removes it.
func (d *Disk) Set(name string, data []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	name = filepath.Clean(name)
	if data == nil {
		delete(d.names, name)
		delete(d.durable, name)
		return
	}
	f := &inode{data: append([]byte{}, data...), synced: append([]byte{}, data...)}
	d.names[name], d.durable[name] = f, f
}

// Clone returns an equal disk without faults, as after the process was killed
// and the machine stayed up.
func (d *Disk) Clone() *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := NewDisk()
	same := map[*inode]*inode{}
	dup := func(f *inode) *inode {
		if same[f] == nil {
			same[f] = &inode{data: append([]byte{}, f.data...), synced: append([]byte{}, f.synced...)}
		}
		return same[f]
	}
	for name, f := range d.names {
		c.names[name] = dup(f)
	}
	for name, f := range d.durable {
		c.durable[name] = dup(f)
	}
	for dir := range d.dirs {
		c.dirs[dir] = true
	}
	return c
}

// sector is what a disk writes whole.
const sector = 512

// Crash returns the disk as it may be found after a power loss. pick(n) chooses
// among n possibilities (0 <= result < n), again and again: each unsynced name
// and each unsynced sector may or may not have made it.
func (d *Disk) Crash(pick func(n int) int) *Disk {
	c := d.Clone()
	names := map[string]bool{}
	for name := range c.names {
		names[name] = true
	}
	for name := range c.durable {
		names[name] = true
	}
	sorted := make([]string, 0, len(names))
	for name := range names {
		sorted = append(sorted, name)
	}
	sort.Strings(sorted)
	after := map[string]*inode{}
	for _, name := range sorted {
		f := c.durable[name]
		if c.names[name] != f && pick(2) == 1 {
			f = c.names[name]
		}
		if f != nil {
			after[name] = f
		}
	}
	done := map[*inode]bool{}
	for _, name := range sorted {
		if f := after[name]; f != nil && !done[f] {
			done[f] = true
			f.data = mix(f.synced, f.data, pick)
			f.synced = append([]byte{}, f.data...)
		}
	}
	c.names = after
	c.durable = map[string]*inode{}
	for name, f := range after {
		c.durable[name] = f
	}
	return c
}

// mix returns a file some of whose unsynced sectors made it.
func mix(synced, data []byte, pick func(n int) int) []byte {
	if string(synced) == string(data) {
		return data
	}
	size := len(synced)
	if len(data) != size {
		switch pick(3) {
		case 1:
			size = len(data)
		case 2:
			low, high := min(size, len(data)), max(size, len(data))
			size = low + pick(high-low+1)
		}
	}
	out := make([]byte, size)
	for at := 0; at < size; at += sector {
		from := synced
		if pick(2) == 1 {
			from = data
		}
		if at < len(from) {
			copy(out[at:min(at+sector, size)], from[at:])
		}
	}
	return out
}

// OpenFile implements store.FS.
func (d *Disk) OpenFile(name string, flag int, _ fs.FileMode) (store.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	name = filepath.Clean(name)
	if err := d.fault("open", name); err != nil {
		return nil, err
	}
	f := d.names[name]
	if f == nil {
		if flag&os.O_CREATE == 0 {
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}
		f = &inode{}
		d.names[name] = f
	} else if flag&os.O_EXCL != 0 {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrExist}
	}
	if flag&os.O_TRUNC != 0 {
		f.data = nil
	}
	return &handle{d: d, f: f, name: name, write: flag&os.O_RDWR != 0}, nil
}

// Rename implements store.FS.
func (d *Disk) Rename(oldName, newName string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	oldName, newName = filepath.Clean(oldName), filepath.Clean(newName)
	if err := d.fault("rename", newName); err != nil {
		return err
	}
	f := d.names[oldName]
	if f == nil {
		return &fs.PathError{Op: "rename", Path: oldName, Err: fs.ErrNotExist}
	}
	d.names[newName] = f
	delete(d.names, oldName)
	return nil
}

// Remove implements store.FS.
func (d *Disk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	name = filepath.Clean(name)
	if err := d.fault("remove", name); err != nil {
		return err
	}
	if d.names[name] == nil {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	delete(d.names, name)
	return nil
}

// MkdirAll implements store.FS.
func (d *Disk) MkdirAll(name string, _ fs.FileMode) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name = filepath.Clean(name); !d.dirs[name]; name = filepath.Dir(name) {
		d.dirs[name] = true
	}
	return nil
}

// ReadDir implements store.FS.
func (d *Disk) ReadDir(name string) ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	name = filepath.Clean(name)
	if !d.dirs[name] {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
	}
	seen := map[string]bool{}
	var names []string
	add := func(path string) {
		rest, ok := strings.CutPrefix(path, name+string(filepath.Separator))
		if !ok {
			return
		}
		first, _, _ := strings.Cut(rest, string(filepath.Separator))
		if !seen[first] {
			seen[first] = true
			names = append(names, first)
		}
	}
	for path := range d.names {
		add(path)
	}
	for path := range d.dirs {
		add(path)
	}
	sort.Strings(names)
	return names, nil
}

// SyncDir implements store.FS.
func (d *Disk) SyncDir(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	name = filepath.Clean(name)
	if err := d.fault("syncdir", name); err != nil {
		return err
	}
	for path := range d.durable {
		if filepath.Dir(path) == name && d.names[path] == nil {
			delete(d.durable, path)
		}
	}
	for path, f := range d.names {
		if filepath.Dir(path) == name {
			d.durable[path] = f
		}
	}
	return nil
}

type handle struct {
	d     *Disk
	f     *inode
	name  string
	write bool
}

func (h *handle) ReadAt(p []byte, off int64) (int, error) {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if off >= int64(len(h.f.data)) {
		return 0, io.EOF
	}
	n := copy(p, h.f.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (h *handle) WriteAt(p []byte, off int64) (int, error) {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if !h.write {
		return 0, &fs.PathError{Op: "write", Path: h.name, Err: fs.ErrPermission}
	}
	err := h.d.fault("write", h.name)
	if torn := (*Torn)(nil); errors.As(err, &torn) {
		p = p[:min(len(p), torn.Bytes)]
	} else if err != nil {
		return 0, err
	}
	if room := h.d.room(); h.d.Capacity > 0 && err == nil {
		if grow := off + int64(len(p)) - int64(len(h.f.data)); grow > room {
			p = p[:max(0, int64(len(p))-(grow-room))]
			err = &fs.PathError{Op: "write", Path: h.name, Err: syscall.ENOSPC}
		}
	}
	if end := int(off) + len(p); end > len(h.f.data) {
		h.f.data = append(h.f.data, make([]byte, end-len(h.f.data))...)
	}
	return copy(h.f.data[off:], p), err
}

// room is what is left of the capacity.
func (d *Disk) room() int64 {
	var used int64
	seen := map[*inode]bool{}
	for _, f := range d.names {
		if !seen[f] {
			seen[f] = true
			used += int64(len(f.data))
		}
	}
	return max(0, d.Capacity-used)
}

func (h *handle) Sync() error {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if err := h.d.fault("sync", h.name); err != nil {
		return err
	}
	h.f.synced = append([]byte{}, h.f.data...)
	return nil
}

func (h *handle) Truncate(size int64) error {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if err := h.d.fault("truncate", h.name); err != nil {
		return err
	}
	if size <= int64(len(h.f.data)) {
		h.f.data = append([]byte{}, h.f.data[:size]...)
	} else {
		h.f.data = append(h.f.data, make([]byte, size-int64(len(h.f.data)))...)
	}
	return nil
}

func (h *handle) Size() (int64, error) {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	return int64(len(h.f.data)), nil
}

func (h *handle) Close() error { return nil }
