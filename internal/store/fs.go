package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// FS is the part of a file system that the store needs. It is the seam through
// which a test (or a simulation of a failing disk) comes in; production uses
// [OS]. Names are paths of the operating system.
type FS interface {
	// OpenFile opens a file as os.OpenFile does; only the flags O_RDONLY,
	// O_RDWR, O_CREATE, O_EXCL and O_TRUNC are used.
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	// Rename replaces newName atomically. It is durable after SyncDir.
	Rename(oldName, newName string) error
	// Remove deletes one file or one empty folder. It is durable after SyncDir.
	Remove(name string) error
	// Stat tells size and kind of a file or folder.
	Stat(name string) (fs.FileInfo, error)
	// MkdirAll makes a folder and its parents.
	MkdirAll(name string, perm fs.FileMode) error
	// ReadDir lists the names in a folder in ascending order.
	ReadDir(name string) ([]string, error)
	// SyncDir makes creations, renames and removals in a folder durable.
	SyncDir(name string) error
}

// File is one open file of an [FS].
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	// Sync makes the content (and the length) durable. After an error nothing
	// may be assumed about what is on the disk.
	Sync() error
	Truncate(size int64) error
	Size() (int64, error)
}

// OS is the file system of the operating system.
type OS struct{}

type osFile struct{ *os.File }

func (f osFile) Sync() error { return syncData(f.File) }

func (f osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// OpenFile implements FS.
func (OS) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	f, err := os.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

// Rename implements FS.
func (OS) Rename(oldName, newName string) error { return os.Rename(oldName, newName) }

// Remove implements FS.
func (OS) Remove(name string) error { return os.Remove(name) }

// Stat implements FS.
func (OS) Stat(name string) (fs.FileInfo, error) { return os.Stat(name) }

// MkdirAll implements FS.
func (OS) MkdirAll(name string, perm fs.FileMode) error { return os.MkdirAll(name, perm) }

// ReadDir implements FS.
func (OS) ReadDir(name string) ([]string, error) {
	entries, err := os.ReadDir(name)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

// SyncDir implements FS.
func (OS) SyncDir(name string) error { return syncDir(name) }

// Permissions: a node's folder is nobody else's business.
const (
	filePerm fs.FileMode = 0o600
	dirPerm  fs.FileMode = 0o700
)

// ReadFile reads a whole small file, refusing one larger than limit bytes. A file
// that is missing is fs.ErrNotExist.
func ReadFile(fsys FS, name string, limit int64) ([]byte, error) {
	f, err := fsys.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f, name, limit)
}

func readAll(f File, name string, limit int64) ([]byte, error) {
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	if size > limit {
		return nil, fmt.Errorf("%s has %d bytes, more than the %d it may have", name, size, limit)
	}
	data := make([]byte, size)
	if n, err := f.ReadAt(data, 0); err != nil && !(errors.Is(err, io.EOF) && int64(n) == size) {
		return nil, err
	}
	return data, nil
}

// temporarySuffix marks a file that is being written; one found at start-up is
// the rest of a crash and means nothing.
const temporarySuffix = ".tmp"

// replaceFile gives a file new content atomically and durably: written beside
// it, synced, renamed over it, and the folder synced. renamed tells whether the
// replacement may have happened although an error is returned.
func replaceFile(fsys FS, name string, data []byte) (renamed bool, err error) {
	if err := writeSynced(fsys, name+temporarySuffix, data); err != nil {
		return false, err
	}
	if err := fsys.Rename(name+temporarySuffix, name); err != nil {
		return true, err
	}
	return true, fsys.SyncDir(filepath.Dir(name))
}

// WriteFile gives a small private file new content so that after a crash either
// the old or the new one is there, and the new one is once it has returned: it is
// written beside it, synced, renamed over it, and the folder is synced. Folders on
// the way are made, durably.
func WriteFile(fsys FS, name string, data []byte) error {
	if err := MakeDir(fsys, filepath.Dir(name)); err != nil {
		return err
	}
	_, err := replaceFile(fsys, name, data)
	return err
}

// RemoveAll removes a file, or a folder with all that is in it; what is not there
// is nothing to do. It is durable after SyncDir of the folder around it.
func RemoveAll(fsys FS, name string) error {
	info, err := fsys.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.IsDir() {
		names, err := fsys.ReadDir(name)
		if err != nil {
			return err
		}
		for _, inside := range names {
			if err := RemoveAll(fsys, filepath.Join(name, inside)); err != nil {
				return err
			}
		}
	}
	return fsys.Remove(name)
}

// writeSynced creates a file with the given content and syncs it, but not the
// folder that names it.
func writeSynced(fsys FS, name string, data []byte) error {
	f, err := fsys.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, filePerm)
	if err != nil {
		return err
	}
	if _, err = f.WriteAt(data, 0); err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// MakeDir makes a folder and those above it, and makes their existence durable.
// Each is durable before the one below it is made, so one that is there has
// durable folders above it, whenever an earlier call was cut.
func MakeDir(fsys FS, dir string) error {
	parent := filepath.Dir(dir)
	if parent == dir {
		return nil
	}
	_, missing := fsys.Stat(dir)
	switch {
	case errors.Is(missing, fs.ErrNotExist):
		if err := MakeDir(fsys, parent); err != nil {
			return err
		}
		if err := fsys.MkdirAll(dir, dirPerm); err != nil {
			return err
		}
	case missing != nil:
		return missing
	}
	err := fsys.SyncDir(parent)
	if missing == nil && errors.Is(err, fs.ErrPermission) {
		return nil // a folder that others made, in one that we may not even list
	}
	return err
}
