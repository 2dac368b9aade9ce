package intel

import (
	"bytes"
	"context"
	"errors"
	"iter"

	"entente/journal"
)

// Rows are read by their keys.
type Rows interface {
	// Get returns a copy of the value of a key, or ok false.
	Get(key []byte) (value []byte, ok bool, err error)
	// GetMany looks up many keys at once, in any order: values[i] is a copy of the
	// value of keys[i], nil if there is none. (No value asked for so is empty.)
	GetMany(keys [][]byte) (values [][]byte, err error)
	// Scan yields the rows with from <= key < to in ascending or, with reverse,
	// descending order of the bytes. A row that was there when Scan was called
	// and is not changed meanwhile is yielded exactly once. Rows are valid until
	// the next step. Scans may be nested, left early, and run beside a Write.
	Scan(from, to []byte, reverse bool) iter.Seq2[Row, error]
}

// View is the rows as they were at one moment: no Write and no Reset that came later
// shows. It is for one goroutine, keeps what was replaced or removed meanwhile on the
// disk, and has to be closed soon: a store may refuse to read further (ErrViewOld).
type View interface {
	Rows
	Close() error
}

// ErrViewOld means that a view was kept for longer than its store allows. It is a
// [context.DeadlineExceeded] to whoever asks no further.
var ErrViewOld error = viewOld{}

type viewOld struct{}

func (viewOld) Error() string {
	return "it took too long to read what is known in one piece; ask for less, or again later"
}

func (viewOld) Unwrap() error { return context.DeadlineExceeded }

// Objects keeps the derived content: an ordered map from keys to values. Keys
// have at most 4 KiB, values at most 64 MiB. But for Sync it needs no durability of its own
// beyond atomicity: what it loses behind some point in time is applied again,
// because the cursor is written with the content. It is called concurrently,
// Write by one caller at a time.
type Objects interface {
	Rows
	// View returns the rows as they are now. It is called while others write.
	View() (View, error)
	// Write applies the changes in their order, all or none.
	Write(changes []Change) error
	// Reset removes the rows with from <= key, all or none, also if the process ends; nil: everything.
	Reset(from []byte) error
	// Sync makes durable what was written before it was called.
	Sync() error
}

// Row is one key with its value.
type Row struct{ Key, Value []byte }

// Change sets a key, or removes it when Delete is set.
type Change struct {
	Key, Value []byte
	Delete     bool
}

// Log is the private append-only log.
type Log interface {
	// Append makes records durable, all or none, and returns the number of the
	// first.
	Append(records ...[]byte) (first int64, err error)
	// Records yields the records from a number on.
	Records(from int64) iter.Seq2[[]byte, error]
	// Record returns one record.
	Record(n int64) ([]byte, error)
	// Len is the number of records.
	Len() int64
}

// ErrGone is what a [Payloads] answers for a payload that is not held: it was
// destroyed, or never came.
var ErrGone = errors.New("the payload is not held here")

// Payloads gives the plain text of received payloads again, for replay.
type Payloads interface {
	// Payload returns the decompressed payload, checked against its commitment,
	// or an error that wraps ErrGone.
	Payload(ctx context.Context, unit journal.UnitID, ref journal.Ref, commitment journal.Hash) ([]byte, error)
}

// PayloadsFunc makes a function a Payloads.
type PayloadsFunc func(ctx context.Context, unit journal.UnitID, ref journal.Ref, commitment journal.Hash) ([]byte, error)

// Payload implements Payloads.
func (f PayloadsFunc) Payload(ctx context.Context, unit journal.UnitID, ref journal.Ref, commitment journal.Hash) ([]byte, error) {
	return f(ctx, unit, ref, commitment)
}

// after returns the smallest key greater than every key with the prefix.
func after(prefix []byte) []byte {
	end := bytes.Clone(prefix)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil // unreachable: every key starts with an ASCII letter
}
