package store

import (
	"fmt"
	"io/fs"
	"os"
)

// ReadOnly is a file system of which nothing can be changed: every call that
// would fails with ErrReadOnly. Who only looks at a folder looks through it, so
// that no mistake there can make matters worse. It takes no locks.
func ReadOnly(fsys FS) FS { return readOnlyFS{fsys} }

type readOnlyFS struct{ fs FS }

func refused(call, name string) error {
	return fmt.Errorf("store: %s %s: %w", call, name, ErrReadOnly)
}

func (r readOnlyFS) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	if flag&(os.O_CREATE|os.O_EXCL|os.O_TRUNC) != 0 {
		return nil, refused("making", name)
	}
	f, err := r.fs.OpenFile(name, os.O_RDONLY, perm)
	if err != nil {
		return nil, err
	}
	return readOnlyFile{f, name}, nil
}

func (readOnlyFS) Rename(old, _ string) error              { return refused("renaming", old) }
func (readOnlyFS) Remove(name string) error                { return refused("removing", name) }
func (r readOnlyFS) Stat(name string) (fs.FileInfo, error) { return r.fs.Stat(name) }
func (r readOnlyFS) ReadDir(name string) ([]string, error) { return r.fs.ReadDir(name) }
func (readOnlyFS) SyncDir(string) error                    { return nil }
func (r readOnlyFS) MkdirAll(name string, _ fs.FileMode) error {
	if info, err := r.fs.Stat(name); err == nil && info.IsDir() {
		return nil
	}
	return refused("making", name)
}

type readOnlyFile struct {
	File
	name string
}

func (f readOnlyFile) WriteAt([]byte, int64) (int, error) { return 0, refused("writing", f.name) }
func (f readOnlyFile) Truncate(int64) error               { return refused("cutting", f.name) }
func (f readOnlyFile) Sync() error                        { return nil }

// Born implements [Born] where the file does.
func (f readOnlyFile) Born() string {
	if b, ok := f.File.(Born); ok {
		return b.Born()
	}
	return ""
}
