package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"golang.org/x/mod/sumdb/tlog"

	"entente/journal"
)

// Files of one append-only folder.
const (
	logName       = "log"     // the truth
	headName      = "head"    // the latest acknowledged commit record's bytes
	indexName     = "index"   // derived: offset of each entry, 8 bytes big-endian
	pointsName    = "points"  // derived: (size, offset) of each commit record, 16 bytes
	hashesName    = "hashes"  // derived: tlog stored hashes, 32 bytes (journals only)
	watermarkName = "derived" // how far the derived files are synced
)

// syncDerivedEvery is how many bytes of log may lie behind the watermark; it
// bounds what is read again when a folder is opened after a crash.
const syncDerivedEvery = 16 << 20

// records is the append-only file under a journal and under a local log: log,
// head and the derived tables, with recovery. Appends are made by one caller
// at a time; reads run beside them and see whole batches only.
type records struct {
	fs       FS
	dir      string
	readOnly bool
	tree     bool // keep tlog hashes and check them against the commit's root

	log    File
	index  *table
	points *table
	hashes *table // nil without tree

	mu     sync.Mutex // held while writing
	broken error
	mark   watermark
	now    atomic.Pointer[extent]
}

// extent is what is committed: replaced whole after each batch.
type extent struct {
	size   int64  // entries
	points int64  // commit records
	end    int64  // bytes of log
	last   []byte // latest commit record, nil when empty
	root   tlog.Hash
	origin string
}

func (r *records) path(name string) string { return filepath.Join(r.dir, name) }

// Len returns the number of committed entries.
func (r *records) Len() int64 { return r.now.Load().size }

func (r *records) committed() (size int64, head []byte) {
	e := r.now.Load()
	return e.end, e.last
}

// Close syncs the derived files, so that the next opening reads nothing again,
// and gives the files free.
func (r *records) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var err error
	if !r.readOnly && r.broken == nil {
		err = r.syncDerived()
	}
	r.broken = os.ErrClosed
	err = errors.Join(err, r.log.Close(), r.index.close(), r.points.close())
	if r.hashes != nil {
		err = errors.Join(err, r.hashes.close())
	}
	return err
}

// syncDerived makes the derived files durable and moves the watermark.
func (r *records) syncDerived() error {
	e := r.now.Load()
	w := watermark{size: e.size, points: e.points, end: e.end}
	if w == r.mark {
		return nil
	}
	tables := []*table{r.index, r.points}
	if r.hashes != nil {
		tables = append(tables, r.hashes)
	}
	for _, t := range tables {
		if err := t.sync(); err != nil {
			return err
		}
	}
	if _, err := replaceFile(r.fs, r.path(watermarkName), w.text()); err != nil {
		return err
	}
	r.mark = w
	return nil
}

// batchBuffers are shared by all journals of a process.
var batchBuffers = sync.Pool{New: func() any { b := make([]byte, 0, writePiece); return &b }}

// writePiece is how much of a batch is written at once; it stays in the
// processor's cache between being hashed and being copied out.
const writePiece = 512 << 10

// append writes a batch and makes it durable: log synced, then head replaced.
// When it fails, either nothing of the batch is there and the folder can be
// used on (a full disk), or the folder is broken until it is opened again.
func (r *records) append(first int64, entries [][]byte, text []byte, hashes []tlog.Hash) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.readOnly {
		return fmt.Errorf("store: %s: %w", r.dir, ErrReadOnly)
	}
	if r.broken != nil {
		return fmt.Errorf("store: %s: %w", r.dir, r.broken)
	}
	e := r.now.Load()
	size := e.size + int64(len(entries))
	c, err := r.admit(e, first, size, entries, text, hashes)
	if err != nil {
		return fmt.Errorf("store: %s: %w", r.dir, err)
	}

	end := e.end
	index := make([]byte, 0, len(entries)*8)
	for _, entry := range entries {
		index = binary.BigEndian.AppendUint64(index, uint64(end))
		end += frameHeader + int64(len(entry))
	}
	point := binary.BigEndian.AppendUint64(nil, uint64(size))
	point = binary.BigEndian.AppendUint64(point, uint64(end))
	end += frameHeader + int64(len(text))

	next := &extent{size: size, points: e.points + 1, end: end, last: append([]byte(nil), text...), root: c.root, origin: c.origin}
	if err := r.write(e, entries, text, index, point, hashes); err != nil {
		return fmt.Errorf("store: %s: writing entries %d to %d: %w", r.dir, first, size, r.undo(e, err))
	}
	if err := r.log.Sync(); err != nil {
		r.broken = fmt.Errorf("%w (%w)", ErrBroken, err)
		return fmt.Errorf("store: %s: %w", r.dir, r.broken)
	}
	if renamed, err := replaceFile(r.fs, r.path(headName), next.last); err != nil {
		if renamed {
			r.broken = fmt.Errorf("%w (%w)", ErrBroken, err)
			return fmt.Errorf("store: %s: %w", r.dir, r.broken)
		}
		return fmt.Errorf("store: %s: replacing the head: %w", r.dir, r.undo(e, err))
	}
	r.now.Store(next)
	if next.end-r.mark.end >= syncDerivedEvery {
		// Only speed of the next opening depends on it, but a disk that fails
		// here must not be trusted with the next batch.
		if err := r.syncDerived(); err != nil {
			r.broken = fmt.Errorf("%w (%w)", ErrBroken, err)
		}
	}
	return nil
}

// admit checks a batch before anything is written.
func (r *records) admit(e *extent, first, size int64, entries [][]byte, text []byte, hashes []tlog.Hash) (commit, error) {
	if first != e.size {
		return commit{}, fmt.Errorf("a batch starts at entry %d, but %d entries are there", first, e.size)
	}
	for i, entry := range entries {
		if len(entry) > maxRecord {
			return commit{}, fmt.Errorf("entry %d has %d bytes, more than the %d a record may have", first+int64(i), len(entry), maxRecord)
		}
	}
	c, err := parseCommit(text)
	if err != nil {
		return commit{}, err
	}
	if c.size != size {
		return commit{}, fmt.Errorf("the checkpoint is for %d entries, but with this batch there are %d", c.size, size)
	}
	if e.last != nil && c.origin != e.origin {
		return commit{}, fmt.Errorf("the checkpoint is for origin %q, but this is %q", c.origin, e.origin)
	}
	if r.tree {
		if want := tlog.StoredHashCount(size) - tlog.StoredHashCount(e.size); int64(len(hashes)) != want {
			return commit{}, fmt.Errorf("the batch brings %d tree hashes, but needs %d", len(hashes), want)
		}
	}
	return c, nil
}

// write puts a batch into the files without sync.
func (r *records) write(e *extent, entries [][]byte, text, index, point []byte, hashes []tlog.Hash) error {
	if err := r.writeLog(e.end, entries, text); err != nil {
		return err
	}
	if err := r.index.write(e.size, index); err != nil {
		return err
	}
	if err := r.points.write(e.points, point); err != nil {
		return err
	}
	if r.hashes == nil {
		return nil
	}
	flat := make([]byte, 0, len(hashes)*tlog.HashSize)
	for i := range hashes {
		flat = append(flat, hashes[i][:]...)
	}
	return r.hashes.write(tlog.StoredHashCount(e.size), flat)
}

// writeLog frames a batch and writes it in pieces of one buffer.
func (r *records) writeLog(off int64, entries [][]byte, text []byte) error {
	buf := batchBuffers.Get().(*[]byte)
	defer func() {
		if cap(*buf) <= 2*writePiece {
			batchBuffers.Put(buf)
		}
	}()
	data := (*buf)[:0]
	flush := func() error {
		_, err := r.log.WriteAt(data, off)
		off += int64(len(data))
		*buf, data = data, data[:0]
		return err
	}
	for _, entry := range entries {
		if len(data)+frameHeader+len(entry) > writePiece && len(data) > 0 {
			if err := flush(); err != nil {
				return err
			}
		}
		data = journal.AppendRecord(data, kindEntry, entry)
	}
	data = journal.AppendRecord(data, kindCommit, text)
	return flush()
}

// undo takes back a batch that was not acknowledged, so that a full disk that
// gets room again needs no restart; where that fails too the folder is broken.
func (r *records) undo(e *extent, cause error) error {
	err := r.cutTo(e)
	if err == nil {
		err = r.log.Sync()
	}
	if err != nil {
		r.broken = fmt.Errorf("%w (%w, then %w)", ErrBroken, cause, err)
		return r.broken
	}
	return cause
}

// cutTo removes everything behind an extent from the files.
func (r *records) cutTo(e *extent) error {
	if err := r.log.Truncate(e.end); err != nil {
		return err
	}
	if err := r.index.cut(e.size); err != nil {
		return err
	}
	if err := r.points.cut(e.points); err != nil {
		return err
	}
	if r.hashes == nil {
		return nil
	}
	return r.hashes.cut(tlog.StoredHashCount(e.size))
}
