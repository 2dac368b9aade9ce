package store

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// engineFS is the file system that Pebble works on: its own way to the operating
// system's, or any other [FS] behind an adapter, so that what happens to a node's
// disk happens to the derived store, too.
func engineFS(fsys FS) vfs.FS {
	if _, ok := fsys.(OS); ok {
		return vfs.Default
	}
	return objectsFS{fsys}
}

// objectsFS is an [FS] as Pebble wants it.
type objectsFS struct{ fs FS }

var _ vfs.FS = objectsFS{}

func (o objectsFS) open(name string, flag int) (*objectsFile, error) {
	f, err := o.fs.OpenFile(name, flag, filePerm)
	if err != nil {
		return nil, err
	}
	return &objectsFile{File: f, name: name}, nil
}

func (o objectsFS) Create(name string, _ vfs.DiskWriteCategory) (vfs.File, error) {
	// A new file, never the old one with new content: somebody may have it open.
	if err := o.fs.Remove(name); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	return o.open(name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
}

// Link copies: an [FS] has no second names. Pebble links for checkpoints and
// ingestion only, which a node does not use.
func (o objectsFS) Link(oldName, newName string) error {
	return vfs.CopyAcrossFS(o, oldName, o, newName)
}

func (o objectsFS) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	f, err := o.open(name, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	for _, opt := range opts {
		opt.Apply(f)
	}
	return f, nil
}

func (o objectsFS) OpenReadWrite(name string, _ vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	f, err := o.open(name, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return nil, err
	}
	for _, opt := range opts {
		opt.Apply(f)
	}
	return f, nil
}

func (o objectsFS) OpenDir(name string) (vfs.File, error) {
	if _, err := o.fs.Stat(name); err != nil {
		return nil, err
	}
	return objectsDir{o: o, name: name}, nil
}

func (o objectsFS) Remove(name string) error          { return o.fs.Remove(name) }
func (o objectsFS) RemoveAll(name string) error       { return RemoveAll(o.fs, name) }
func (o objectsFS) Rename(oldName, next string) error { return o.fs.Rename(oldName, next) }

func (o objectsFS) ReuseForWrite(oldName, next string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := o.fs.Rename(oldName, next); err != nil {
		return nil, err
	}
	return o.open(next, os.O_RDWR)
}

func (o objectsFS) MkdirAll(dir string, _ os.FileMode) error { return o.fs.MkdirAll(dir, dirPerm) }

// Lock does nothing: the node's folder is locked as a whole (see [Locker]).
func (o objectsFS) Lock(string) (io.Closer, error) { return io.NopCloser(nil), nil }

func (o objectsFS) List(dir string) ([]string, error) { return o.fs.ReadDir(dir) }

func (o objectsFS) Stat(name string) (vfs.FileInfo, error) {
	info, err := o.fs.Stat(name)
	if err != nil {
		return nil, err
	}
	return objectsInfo{info}, nil
}

func (o objectsFS) PathBase(path string) string    { return filepath.Base(path) }
func (o objectsFS) PathJoin(elem ...string) string { return filepath.Join(elem...) }
func (o objectsFS) PathDir(path string) string     { return filepath.Dir(path) }
func (o objectsFS) Unwrap() vfs.FS                 { return nil }
func (o objectsFS) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{}, vfs.ErrUnsupported
}

type objectsInfo struct{ fs.FileInfo }

func (objectsInfo) DeviceID() vfs.DeviceID { return vfs.DeviceID{} }

// sizedInfo is what is known of an open file, whatever its name means by now.
type sizedInfo struct {
	name string
	size int64
}

func (i sizedInfo) Name() string     { return filepath.Base(i.name) }
func (i sizedInfo) Size() int64      { return i.size }
func (sizedInfo) Mode() fs.FileMode  { return filePerm }
func (sizedInfo) ModTime() time.Time { return time.Time{} }
func (sizedInfo) IsDir() bool        { return false }
func (sizedInfo) Sys() any           { return nil }

// objectsFile adds a position to a [File].
type objectsFile struct {
	File
	name string
	mu   sync.Mutex
	at   int64
}

func (f *objectsFile) Read(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.ReadAt(p, f.at)
	f.at += int64(n)
	if n > 0 && err == io.EOF {
		err = nil
	}
	return n, err
}

func (f *objectsFile) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.WriteAt(p, f.at)
	f.at += int64(n)
	return n, err
}

func (f *objectsFile) Stat() (vfs.FileInfo, error) {
	size, err := f.Size()
	return objectsInfo{sizedInfo{f.name, size}}, err
}

func (f *objectsFile) Preallocate(int64, int64) error { return nil }
func (f *objectsFile) SyncData() error                { return f.Sync() }
func (f *objectsFile) SyncTo(int64) (bool, error)     { return true, f.Sync() }
func (f *objectsFile) Prefetch(int64, int64) error    { return nil }
func (f *objectsFile) Fd() uintptr                    { return vfs.InvalidFd }

// objectsDir is a folder opened to be synced.
type objectsDir struct {
	vfs.File
	o    objectsFS
	name string
}

func (d objectsDir) Sync() error                    { return d.o.fs.SyncDir(d.name) }
func (d objectsDir) SyncData() error                { return d.Sync() }
func (d objectsDir) SyncTo(int64) (bool, error)     { return false, nil }
func (d objectsDir) Close() error                   { return nil }
func (d objectsDir) Stat() (vfs.FileInfo, error)    { return d.o.Stat(d.name) }
func (d objectsDir) Preallocate(int64, int64) error { return nil }
func (d objectsDir) Prefetch(int64, int64) error    { return nil }
func (d objectsDir) Fd() uintptr                    { return vfs.InvalidFd }
