package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"

	"entente/internal/intel"
)

// Objects keeps what intel derives, in a Pebble database. It is the one thing
// here that is not plain files, and nothing in it but what sensors were given
// (see intel) is the truth: writes are atomic, but neither logged nor, unless
// Sync is called, synced. What a crash takes is the end of the
// history of writes, the cursor that was written with each of them included, so
// intel applies exactly the missing records of the local log again: at most what
// the memtables hold.
type Objects struct {
	dir  string
	db   *pebble.DB
	disk *diskHealth
}

var _ intel.Objects = (*Objects)(nil)

// The sizes are those of a node that is idle most of the time. The memtables
// count against the cache, which has to keep room for the filters: without them
// each look-up of an import goes to the disk.
const (
	objectsCache    = 32 << 20
	objectsMemtable = 4 << 20
)

// OpenObjects opens, or makes, the database in a folder of its own. Damage is
// ErrDamaged; since everything in the folder is derived, the folder may then be
// removed (RemoveObjects) and is filled again from the local log.
func OpenObjects(dir string, o Options) (*Objects, error) {
	if o.FS == nil {
		o.FS = OS{}
	}
	if err := MakeDir(o.FS, dir); err != nil {
		return nil, fmt.Errorf("store: opening the objects: %w", err)
	}
	return openObjects(dir, o, false)
}

// OpenObjectsReadOnly opens the database to be read, and changes nothing. No
// process may be working on it.
func OpenObjectsReadOnly(dir string, o Options) (*Objects, error) {
	if o.FS == nil {
		o.FS = OS{}
	}
	o.FS = ReadOnly(o.FS)
	return openObjects(dir, o, true)
}

func openObjects(dir string, o Options, readOnly bool) (*Objects, error) {
	disk := &diskHealth{}
	opts := objectsOptions(engineFS(o.FS), disk)
	opts.Cache = pebble.NewCache(objectsCache)
	defer opts.Cache.Unref()
	opts.ReadOnly = readOnly
	db, err := openPebble(dir, opts, disk)
	if err != nil {
		if !ofTheMachine(err) {
			return nil, fmt.Errorf("store: opening the objects in %s: %w: %w; they are derived, and the next start derives them again when the folder is removed", dir, ErrDamaged, err)
		}
		return nil, fmt.Errorf("store: opening the objects in %s: %w", dir, err)
	}
	return &Objects{dir, db, disk}, nil
}

// objectsOptions is how Pebble is run, but for its cache.
func objectsOptions(under vfs.FS, disk *diskHealth) *pebble.Options {
	opts := &pebble.Options{
		MemTableSize:                objectsMemtable,
		MemTableStopWritesThreshold: 4,
		L0CompactionThreshold:       8,
		L0StopWritesThreshold:       24,
		LBaseMaxBytes:               128 << 20,
		MaxOpenFiles:                256,
		FormatMajorVersion:          pebble.FormatNewest,
		DisableWAL:                  true,
		// Left alone, Pebble ends the process when it reads a damaged block. The call
		// that read it fails instead, and what is derived can be derived again.
		EventListener: &pebble.EventListener{DataCorruption: func(pebble.DataCorruptionInfo) {}},
		FS:            patient{under, disk},
		Logger:        verdicts{disk},
	}
	opts.CompactionConcurrencyRange = func() (int, int) { return 1, 2 }
	for i := range opts.Levels {
		// Most look-ups of an import ask for ids that are not there.
		opts.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
		opts.Levels[i].BlockSize = 8 << 10
	}
	return opts
}

// ofTheMachine tells an error of the operating system (no rights, no room, a failing
// disk), which says nothing about what the files hold, from what Pebble finds in
// them: it does not mark all of that as corruption.
func ofTheMachine(err error) bool {
	if pebble.IsCorruptionError(err) || errors.Is(err, fs.ErrNotExist) {
		return false
	}
	var errno syscall.Errno
	var path *fs.PathError
	return errors.As(err, &errno) || errors.As(err, &path) || errors.Is(err, ErrNoRoom) || errors.Is(err, ErrBroken) || errors.Is(err, ErrLocked)
}

// RemoveObjects removes the folder of a database that is not open.
func RemoveObjects(dir string, o Options) error {
	if o.FS == nil {
		o.FS = OS{}
	}
	if err := RemoveAll(o.FS, dir); err != nil {
		return fmt.Errorf("store: removing the objects: %w", err)
	}
	return o.FS.SyncDir(filepath.Dir(dir))
}

// Get implements intel.Objects.
func (o *Objects) Get(key []byte) ([]byte, bool, error) {
	value, closer, err := o.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, o.failed(err)
	}
	value = append(make([]byte, 0, len(value)), value...)
	return value, true, closer.Close()
}

// GetMany implements intel.Objects: one iterator goes through the keys in their
// order and asks the filters, which is several times cheaper than as many Gets.
func (o *Objects) GetMany(keys [][]byte) (values [][]byte, err error) {
	if len(keys) == 0 {
		return nil, nil
	}
	order := make([]int, len(keys))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return bytes.Compare(keys[a], keys[b]) })
	it, err := o.db.NewIter(&pebble.IterOptions{UseL6Filters: true})
	if err != nil {
		return nil, o.failed(err)
	}
	defer it.Close()
	values = make([][]byte, len(keys))
	for _, i := range order {
		if !it.SeekPrefixGE(keys[i]) || !bytes.Equal(it.Key(), keys[i]) {
			if err := it.Error(); err != nil {
				return nil, o.failed(err)
			}
			continue
		}
		value, err := it.ValueAndErr()
		if err != nil {
			return nil, o.failed(err)
		}
		values[i] = append(make([]byte, 0, len(value)), value...)
	}
	return values, nil
}

// Scan implements intel.Objects. It sees the rows as they are when it starts.
func (o *Objects) Scan(from, to []byte, reverse bool) iter.Seq2[intel.Row, error] {
	return func(yield func(intel.Row, error) bool) {
		it, err := o.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
		if err != nil {
			yield(intel.Row{}, o.failed(err))
			return
		}
		defer it.Close() // what it could not read was told
		o.scan(it, reverse, func() error { return nil }, yield)
	}
}

// scan yields the rows of an iterator, as long as on has no error.
func (o *Objects) scan(it *pebble.Iterator, reverse bool, on func() error, yield func(intel.Row, error) bool) {
	first, next := it.First, it.Next
	if reverse {
		first, next = it.Last, it.Prev
	}
	for ok := first(); ok; ok = next() {
		value, err := it.ValueAndErr()
		if err != nil {
			err = o.failed(err)
		} else {
			err = on()
		}
		if err != nil {
			yield(intel.Row{}, err)
			return
		}
		if !yield(intel.Row{Key: it.Key(), Value: value}, nil) {
			return
		}
	}
	if err := it.Error(); err != nil {
		yield(intel.Row{}, o.failed(err))
	}
}

// Fault says why nothing can be written at the moment: ErrNoRoom on a full disk,
// what the disk said when it fails, ErrBroken once only a new start helps; nil if
// all is well. Reading is not concerned.
func (o *Objects) Fault() error {
	if err := o.disk.err(); err != nil {
		return o.failed(err)
	}
	return nil
}

// Write implements intel.Objects. It is refused while the disk is full or fails.
func (o *Objects) Write(changes []intel.Change) error {
	if err := o.Fault(); err != nil {
		return err
	}
	size := 0
	for i := range changes {
		size += len(changes[i].Key) + len(changes[i].Value) + 12
	}
	b := o.db.NewBatchWithSize(size)
	defer b.Close()
	for i := range changes {
		c := &changes[i]
		var err error
		if c.Delete {
			err = b.Delete(c.Key, nil)
		} else {
			err = b.Set(c.Key, c.Value, nil)
		}
		if err != nil {
			return o.failed(err)
		}
	}
	if err := b.Commit(pebble.NoSync); err != nil {
		return o.failed(err)
	}
	return nil
}

// Reset implements intel.Objects.
func (o *Objects) Reset(from []byte) error {
	if err := o.Fault(); err != nil {
		return err
	}
	if from == nil {
		from = []byte{0}
	}
	// Whole files are let go of, unread: they may be damaged.
	if err := o.db.Excise(context.Background(), pebble.KeyRange{Start: from, End: []byte{0xff}}); err != nil {
		return o.failed(err)
	}
	return nil
}

// Sync implements intel.Objects. It is refused while the disk is full or fails.
func (o *Objects) Sync() error {
	if err := o.flush(); err != nil {
		return o.failed(err)
	}
	return nil
}

// Close writes out what is in memory, as far as the disk takes it, and closes the
// database. What is not written is derived again.
func (o *Objects) Close() error {
	fault := o.flush()
	o.disk.closing.Store(true)
	if o.disk.dead.Load() != nil {
		return nil // a goroutine of the database is gone, and it would be waited for
	}
	if err := o.db.Close(); err != nil && fault == nil {
		return o.failed(err)
	}
	return nil
}

// flush writes out what is in memory, or gives up because of the disk.
func (o *Objects) flush() error {
	if err := o.disk.err(); err != nil {
		return err
	}
	done, err := o.db.AsyncFlush()
	if err != nil {
		return err
	}
	look := time.NewTicker(roomPause)
	defer look.Stop()
	for {
		select {
		case <-done:
			return nil
		case <-look.C:
			if err := o.disk.err(); err != nil {
				return err
			}
		}
	}
}

func (o *Objects) failed(err error) error {
	if pebble.IsCorruptionError(err) {
		return fmt.Errorf("store: objects in %s: %w: %w; they are derived, and 'entente rebuild' derives them again", o.dir, ErrDamaged, err)
	}
	return fmt.Errorf("store: objects in %s: %w", o.dir, err)
}
