// Package storetest holds what tests of stores share: a disk that fails and
// forgets like a real one, and the suite that every object store passes.
package storetest

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"entente/internal/store"
)

// Disk is a file system in memory that keeps apart what is synced and what is
// not. Crash gives the disk as it may be found after the power went: what was
// synced is there, of the rest any part. Faults are injected through Fault,
// Capacity and ReadOnly. It is safe for concurrent use; the fields are set while
// nothing uses it.
type Disk struct {
	mu      sync.Mutex
	names   map[string]*inode // as programs see them
	durable map[string]*inode // as synced
	dirs    map[string]bool   // folders, as programs see them
	kept    map[string]bool   // folders whose names are synced
	moved   []move            // folders that were renamed, and not synced since
	used    int64             // bytes of all named files
	ops     int

	// Fault, if set, is asked before each operation ("open", "write", "sync",
	// "truncate", "rename", "remove", "mkdir", "syncdir", and "read" if FaultReads is
	// set); n counts them from 0. An error is returned to the caller and nothing is
	// done, except that a *Torn error lets a write or a read do a part. A sync that
	// fails drops what it should have written, as Linux does: the same bytes are read
	// back, and a later sync succeeds without them, unless they are written again.
	Fault      func(op, name string, n int) error
	FaultReads bool
	// Capacity bounds the bytes of all files; 0 is no bound. A write beyond
	// it does what fits and returns ENOSPC.
	Capacity int64
	// ReadOnly refuses every change with EROFS, as a file system does that was
	// mounted again after an error.
	ReadOnly bool
}

// Torn is a fault that lets the first Bytes of a write or a read happen. Err is what
// the system says of it, nil for nothing in particular.
type Torn struct {
	Bytes int
	Err   error
}

func (t *Torn) Error() string {
	if t.Err != nil {
		return fmt.Sprintf("torn after %d bytes: %v", t.Bytes, t.Err)
	}
	return fmt.Sprintf("torn after %d bytes", t.Bytes)
}

// Unwrap returns what the system says.
func (t *Torn) Unwrap() error { return t.Err }

// NewDisk returns an empty disk.
func NewDisk() *Disk {
	return &Disk{names: map[string]*inode{}, durable: map[string]*inode{}, dirs: map[string]bool{}, kept: map[string]bool{}}
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
	if d.Fault != nil {
		if err := d.Fault(op, name, n); err != nil {
			return err
		}
	}
	if d.ReadOnly && op != "open" && op != "read" {
		return &fs.PathError{Op: op, Path: name, Err: syscall.EROFS}
	}
	return nil
}

// Used returns the bytes of all files.
func (d *Disk) Used() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.used
}

// Names lists all files.
func (d *Disk) Names() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return sortedNames(d.names)
}

func sortedNames(m map[string]*inode) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
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

// Durable returns what of a file is certain to survive a power loss: nil when the
// file or a folder above it may be gone.
func (d *Disk) Durable(name string) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	name = filepath.Clean(name)
	f := d.durable[name]
	for dir := filepath.Dir(name); f != nil && !isRoot(dir); dir = filepath.Dir(dir) {
		if !d.kept[dir] {
			return nil
		}
	}
	if f == nil {
		return nil
	}
	return append([]byte{}, f.synced...)
}

// DurableNames lists the files that are certain to survive a power loss.
func (d *Disk) DurableNames() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return sortedNames(d.durable)
}

// Set replaces (or creates) a file durably: a hand that tampers. nil removes it.
func (d *Disk) Set(name string, data []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	name = filepath.Clean(name)
	d.drop(name)
	delete(d.durable, name)
	if data == nil {
		return
	}
	for dir := filepath.Dir(name); !isRoot(dir); dir = filepath.Dir(dir) {
		d.dirs[dir], d.kept[dir] = true, true
	}
	f := &inode{data: append([]byte{}, data...)}
	f.sync()
	d.used += int64(len(data))
	d.names[name], d.durable[name] = f, f
}

// drop takes a name away, if it is there.
func (d *Disk) drop(name string) {
	if f := d.names[name]; f != nil {
		d.used -= int64(len(f.data))
		f.nameless = true
		delete(d.names, name)
	}
}

func isRoot(dir string) bool { return filepath.Dir(dir) == dir }

func (d *Disk) isDir(dir string) bool { return isRoot(dir) || d.dirs[dir] }

func missing(op, name string) error {
	return &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
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
	changes := flag&os.O_TRUNC != 0 || f == nil && flag&os.O_CREATE != 0 || flag&os.O_RDWR != 0
	switch {
	case d.isDir(name):
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.EISDIR}
	case f == nil && (flag&os.O_CREATE == 0 || !d.isDir(filepath.Dir(name))):
		return nil, missing("open", name)
	case f != nil && flag&os.O_EXCL != 0:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrExist}
	case d.ReadOnly && changes:
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.EROFS}
	}
	if f == nil {
		f = &inode{}
		d.names[name] = f
	}
	if flag&os.O_TRUNC != 0 {
		d.resize(f, 0)
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
	if f == nil && !d.dirs[oldName] || !d.isDir(filepath.Dir(newName)) {
		return missing("rename", oldName)
	}
	if f == nil {
		if len(d.inside(newName)) > 0 {
			return &fs.PathError{Op: "rename", Path: newName, Err: syscall.ENOTEMPTY}
		}
		m := move{oldName, newName}
		rename(d.names, m)
		rename(d.dirs, m)
		d.moved = append(d.moved, m)
		return nil
	}
	if oldName == newName {
		return nil
	}
	d.drop(newName)
	d.names[newName] = f
	delete(d.names, oldName)
	return nil
}

// move is the renaming of a folder.
type move struct{ old, next string }

// rename moves a folder with all that is below it.
func rename[V any](m map[string]V, by move) {
	for path, v := range m {
		if rest, ok := strings.CutPrefix(path, by.old); ok && (rest == "" || rest[0] == filepath.Separator) {
			delete(m, path)
			m[by.next+rest] = v
		}
	}
}

// Remove implements store.FS.
func (d *Disk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	name = filepath.Clean(name)
	if err := d.fault("remove", name); err != nil {
		return err
	}
	switch {
	case d.names[name] != nil:
		d.drop(name)
	case d.dirs[name] && len(d.inside(name)) > 0:
		return &fs.PathError{Op: "remove", Path: name, Err: syscall.ENOTEMPTY}
	case d.dirs[name]:
		delete(d.dirs, name)
	default:
		return missing("remove", name)
	}
	return nil
}

// Stat implements store.FS.
func (d *Disk) Stat(name string) (fs.FileInfo, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	name = filepath.Clean(name)
	if d.isDir(name) {
		return info{name: name, dir: true}, nil
	}
	f := d.names[name]
	if f == nil {
		return nil, missing("stat", name)
	}
	return info{name: name, size: int64(len(f.data))}, nil
}

type info struct {
	name string
	size int64
	dir  bool
}

func (i info) Name() string { return filepath.Base(i.name) }
func (i info) Size() int64  { return i.size }
func (i info) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | 0o700
	}
	return 0o600
}
func (info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool      { return i.dir }
func (info) Sys() any           { return nil }

// MkdirAll implements store.FS.
func (d *Disk) MkdirAll(name string, _ fs.FileMode) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	name = filepath.Clean(name)
	if d.isDir(name) {
		return nil
	}
	if err := d.fault("mkdir", name); err != nil {
		return err
	}
	for ; !d.isDir(name); name = filepath.Dir(name) {
		d.dirs[name] = true
	}
	return nil
}

// inside lists what a folder holds.
func (d *Disk) inside(name string) []string {
	var names []string
	for path := range d.names {
		if filepath.Dir(path) == name {
			names = append(names, filepath.Base(path))
		}
	}
	for path := range d.dirs {
		if filepath.Dir(path) == name {
			names = append(names, filepath.Base(path))
		}
	}
	return names
}

// ReadDir implements store.FS.
func (d *Disk) ReadDir(name string) ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	name = filepath.Clean(name)
	if d.names[name] != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: syscall.ENOTDIR}
	}
	if !d.isDir(name) {
		return nil, missing("readdir", name)
	}
	names := d.inside(name)
	slices.Sort(names)
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
	if !d.isDir(name) {
		return missing("syncdir", name)
	}
	for i := 0; i < len(d.moved); {
		if m := d.moved[i]; filepath.Dir(m.old) == name || filepath.Dir(m.next) == name {
			rename(d.durable, m)
			rename(d.kept, m)
			d.moved = slices.Delete(d.moved, i, i+1)
			continue
		}
		i++
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
	for path := range d.kept {
		if filepath.Dir(path) == name && !d.dirs[path] {
			delete(d.kept, path)
			prefix := path + string(filepath.Separator)
			for below := range d.durable {
				if strings.HasPrefix(below, prefix) {
					delete(d.durable, below)
				}
			}
		}
	}
	for path := range d.dirs {
		if filepath.Dir(path) == name {
			d.kept[path] = true
		}
	}
	return nil
}
