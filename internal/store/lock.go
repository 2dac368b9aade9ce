package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ErrLocked says that another process works on the folder.
var ErrLocked = errors.New("the folder is in use by another process")

// FolderLock holds a folder for one process. The operating system drops it
// when the process ends, however it ends, so a crash leaves nothing to clean.
type FolderLock struct{ f *os.File }

// Locker is what a file system that several processes share implements beside [FS].
// One without it (a simulated one) belongs to its process alone.
type Locker interface {
	// LockFolder takes a folder (which must exist) for this process, or fails with
	// ErrLocked at once. It is free again when the lock is closed.
	LockFolder(dir string) (io.Closer, error)
}

// LockTester is what a [Locker] may add: to tell whether a process has a folder,
// without changing anything in it.
type LockTester interface {
	// Locked tells whether a process has the folder, and which (0: not known).
	Locked(dir string) (process int, locked bool, err error)
}

var (
	_ Locker     = OS{}
	_ LockTester = OS{}
)

// Locked implements LockTester. For a moment it holds the lock together with
// others who ask the same.
func (OS) Locked(dir string) (process int, locked bool, err error) {
	f, err := os.Open(filepath.Join(dir, "lock"))
	if errors.Is(err, os.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	defer f.Close()
	err = testLock(f)
	if err == nil || !errors.Is(err, ErrLocked) {
		return 0, false, err
	}
	text, err := io.ReadAll(io.LimitReader(f, 20))
	if err != nil {
		return 0, true, nil // who has it is for people only
	}
	process, _ = strconv.Atoi(strings.TrimSpace(string(text)))
	return process, true, nil
}

// LockFolder implements Locker.
func (OS) LockFolder(dir string) (io.Closer, error) { return LockFolder(dir) }

// LockFolder takes the folder (which must exist) for this process, or fails
// with ErrLocked at once. It is deliberately outside [FS]: a lock is about
// processes, not about bytes.
func LockFolder(dir string) (*FolderLock, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, filePerm)
	if err != nil {
		return nil, fmt.Errorf("store: locking %s: %w", dir, err)
	}
	if err := lockFile(f); err != nil {
		locked := ErrLocked
		if text, readErr := io.ReadAll(io.LimitReader(f, 20)); readErr == nil {
			if pid, convErr := strconv.Atoi(strings.TrimSpace(string(text))); convErr == nil {
				locked = fmt.Errorf("%w (process %d)", ErrLocked, pid)
			}
		}
		f.Close()
		if errors.Is(err, ErrLocked) {
			return nil, fmt.Errorf("store: %s: %w; stop it, or talk to it instead of opening its folder", dir, locked)
		}
		return nil, fmt.Errorf("store: locking %s: %w", dir, err)
	}
	// The process id is for people only; failing to write it is no reason to stop.
	_ = f.Truncate(0)
	_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return &FolderLock{f}, nil
}

// Close gives the folder free.
func (l *FolderLock) Close() error { return l.f.Close() }
