package store

import (
	"errors"
	"fmt"
)

var (
	// ErrDamaged says that bytes which were once durable are not what they
	// were. Every damage is reported as a *DamageError, which matches it.
	ErrDamaged = errors.New("damaged")
	// ErrBroken says that an earlier write failed in a way that leaves the
	// state of the disk unknown; the store must be closed and opened again,
	// which establishes what is there.
	ErrBroken = errors.New("an earlier write failed and what is on the disk is unknown; close the store and open it again")
	// ErrReadOnly says that a store opened for reading was asked to write.
	ErrReadOnly = errors.New("the store is open for reading only")
)

// DamageError tells what is damaged and where.
type DamageError struct {
	// Path is the damaged file.
	Path string
	// Entry is the number of the entry (counted from 0) that the damaged bytes
	// belong to: the entry itself, the last entry under a checkpoint or head,
	// or the entry that a derived hash or offset was stored for.
	Entry int64
	// Detail says what was found.
	Detail string
	// Derived says that the file can be computed again from the log.
	Derived bool
	// Err is the cause, if there is one.
	Err error
}

func (e *DamageError) Error() string {
	text := fmt.Sprintf("%s: entry %d: %s", e.Path, e.Entry, e.Detail)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	if e.Derived {
		return text + "; the file is derived: delete it and it is computed again"
	}
	return text + "; restore the file from a backup, or fetch the journal again from a member that mirrors it"
}

// Is makes every damage match ErrDamaged.
func (e *DamageError) Is(target error) bool { return target == ErrDamaged }

// Unwrap returns the cause.
func (e *DamageError) Unwrap() error { return e.Err }
