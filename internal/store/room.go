package store

import (
	"errors"
	"math"
	"syscall"
)

// Room is how much space there is on the disk under a folder, in bytes.
type Room struct {
	Free  int64 // for this user: what the file system keeps for others is not counted
	Total int64
}

// Meter is a file system that can say how much room it has. [OS] is one.
type Meter interface {
	// Room tells about the disk that holds the folder name.
	Room(name string) (Room, error)
}

// RoomOf asks a file system for the room under a folder. One that cannot say (it
// is no [Meter], or the machine does not tell) has as much as anybody wants.
func RoomOf(fsys FS, name string) (Room, error) {
	m, ok := fsys.(Meter)
	if fsys == nil {
		m, ok = OS{}, true
	}
	if !ok {
		return Room{Free: math.MaxInt64, Total: math.MaxInt64}, nil
	}
	return m.Room(name)
}

// IsFull reports whether an error says that a disk (or a quota on it) is full.
func IsFull(err error) bool {
	return errors.Is(err, ErrNoRoom) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, errQuota)
}

// ErrNoRoom says that something was not begun because the disk has no room for it.
var ErrNoRoom = errors.New("there is no room on the disk")
