package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/mod/sumdb/tlog"
)

// openRecords opens a folder and establishes what it holds (see establish).
func openRecords(fsys FS, dir string, tree, readOnly bool) (*records, error) {
	if fsys == nil {
		fsys = OS{}
	}
	r := &records{fs: fsys, dir: dir, tree: tree, readOnly: readOnly}
	if err := r.openFiles(); err != nil {
		return nil, fmt.Errorf("store: opening %s: %w", dir, err)
	}
	if err := r.establish(); err != nil {
		r.closeFiles()
		return nil, fmt.Errorf("store: opening %s: %w", dir, err)
	}
	return r, nil
}

func (r *records) closeFiles() {
	r.log.Close()
	for _, t := range []*table{r.index, r.points, r.hashes} {
		if t != nil {
			t.close()
		}
	}
}

func (r *records) openFiles() (err error) {
	if !r.readOnly {
		if err := MakeDir(r.fs, r.dir); err != nil {
			return err
		}
	}
	flag := os.O_RDONLY
	if !r.readOnly {
		flag = os.O_RDWR
	}
	r.log, err = r.fs.OpenFile(r.path(logName), flag, filePerm)
	if errors.Is(err, fs.ErrNotExist) && !r.readOnly {
		r.log, err = r.fs.OpenFile(r.path(logName), flag|os.O_CREATE, filePerm)
		if err == nil {
			err = r.fs.SyncDir(r.dir)
		}
	}
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			r.closeFiles()
		}
	}()
	if r.index, err = openTable(r.fs, r.path(indexName), 8, !r.readOnly); err != nil {
		return err
	}
	if r.points, err = openTable(r.fs, r.path(pointsName), 16, !r.readOnly); err != nil {
		return err
	}
	if r.tree {
		r.hashes, err = openTable(r.fs, r.path(hashesName), tlog.HashSize, !r.readOnly)
	}
	return err
}

// establish reads the head, takes the derived files as far as they are known to
// be good, reads the log from there, and settles what lies behind the head: a
// whole batch is kept and made durable, anything else was never acknowledged
// and is cut off. Damage below the head is an error.
func (r *records) establish() error {
	head, err := ReadFile(r.fs, r.path(headName), maxCommit)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	headSize := int64(0)
	if head != nil {
		c, err := parseCommit(head)
		if err != nil {
			return r.damage(headName, r.lastEntry(), "the head is damaged", err)
		}
		headSize = c.size
	}
	logEnd, err := r.log.Size()
	if err != nil {
		return err
	}
	s, err := r.read(head, headSize, logEnd)
	if err != nil {
		return err
	}
	r.now.Store(s.at)
	if r.readOnly {
		return r.complete(head, headSize, logEnd)
	}
	return r.settle(s, logEnd)
}

// read takes what the derived files are trusted for, reads the log from there
// and checks it against the head.
func (r *records) read(head []byte, headSize, logEnd int64) (*recovery, error) {
	from, sum, err := r.trusted(headSize, logEnd)
	if err != nil {
		return nil, err
	}
	if head == nil && from.last != nil {
		return nil, r.damage(headName, from.size-1, "the head is missing, though entries were acknowledged", nil)
	}
	s := &recovery{r: r, at: from, total: sum, head: head, headSeen: head == nil || bytes.Equal(head, from.last)}
	stopped := s.run(logEnd)
	switch {
	case s.err != nil:
		return nil, s.err
	case s.headSeen && head == nil && s.batches > 1:
		return nil, r.damage(headName, s.at.size-1, "the head is missing, though entries were acknowledged", nil)
	case s.headSeen && head == nil && r.readOnly:
		s.at = &extent{} // nothing was acknowledged yet
		return s, nil
	case s.headSeen:
		return s, nil
	case s.at.size >= headSize:
		return nil, r.damage(headName, s.at.size-1, "the head is not the checkpoint that the log holds for this size", nil)
	}
	if stopped == nil {
		stopped = fmt.Errorf("the log ends after %d entries", s.at.size)
	}
	return nil, r.damage(logName, min(s.pending, headSize-1),
		fmt.Sprintf("the head says that %d entries were acknowledged, but this one or its checkpoint cannot be read", headSize), stopped)
}

// complete makes sure that a folder open for reading has every derived row,
// if need be in memory.
func (r *records) complete(head []byte, headSize, logEnd int64) error {
	e := r.now.Load()
	short := func(t *table, want int64) bool {
		rows, err := t.rows()
		return err != nil || rows < want
	}
	if !short(r.index, e.size) && !short(r.points, e.points) && (!r.tree || !short(r.hashes, tlog.StoredHashCount(e.size))) {
		return nil
	}
	s, err := r.read(head, -1, logEnd)
	if err != nil {
		return err
	}
	r.now.Store(s.at)
	return nil
}

// settle makes what recovery found durable: a batch behind the head is written
// again (after a failed sync the page cache may hold what the disk does not)
// and becomes the head; the rest is cut off.
func (r *records) settle(s *recovery, logEnd int64) error {
	e := s.at
	behind := e.last != nil && e.end != s.headEnd
	// A head that was renamed but whose folder was not synced is seen now, and
	// could be gone after a power loss when more was appended on it.
	if err := r.fs.SyncDir(r.dir); err != nil {
		return err
	}
	if behind {
		if err := r.rewrite(s.headEnd, e.end); err != nil {
			return err
		}
	}
	// Rows and bytes behind the last batch may be the rest of a crash.
	if err := r.cutTo(e); err != nil {
		return err
	}
	if logEnd != e.end || behind {
		if err := r.log.Sync(); err != nil {
			return err
		}
	}
	if behind {
		if _, err := replaceFile(r.fs, r.path(headName), e.last); err != nil {
			return err
		}
	}
	if r.mark.zero() && e.size > 0 || e.end-r.mark.end >= syncDerivedEvery {
		return r.syncDerived()
	}
	return nil
}

// rewrite writes a piece of the log over itself.
func (r *records) rewrite(from, to int64) error {
	buf := make([]byte, 1<<20)
	for from < to {
		piece := buf[:min(int64(len(buf)), to-from)]
		if n, err := r.log.ReadAt(piece, from); n < len(piece) {
			return fmt.Errorf("reading the log: %w", err)
		}
		if _, err := r.log.WriteAt(piece, from); err != nil {
			return err
		}
		from += int64(len(piece))
	}
	return nil
}

// lastEntry is the number of the last entry as far as the index tells; it
// names the place when nothing better is known.
func (r *records) lastEntry() int64 {
	rows, err := r.index.rows()
	if err != nil {
		return 0
	}
	return max(rows-1, 0)
}

func (r *records) damage(name string, entry int64, detail string, err error) *DamageError {
	derived := name != logName && name != headName
	return &DamageError{Path: r.path(name), Entry: max(entry, 0), Detail: detail, Derived: derived, Err: err}
}

// trusted returns the extent up to which the derived files can be believed
// without reading the log: the watermark, if everything it says is there and
// fits. Otherwise everything is derived again from the start, over the rows that are
// there: what the log says below an acknowledged head never changes, so whoever still
// reads through them (a folder that is opened anew because a write failed) reads the
// same, also if no row can be written. What they have too many of is cut off by settle.
func (r *records) trusted(headSize, logEnd int64) (*extent, total, error) {
	w, err := readWatermark(r.fs, r.path(watermarkName))
	if err != nil {
		w = watermark{} // derived: an unreadable one costs a full reading
	}
	if !w.zero() && w.size <= headSize && w.end <= logEnd {
		if e, sum := r.believe(w); e != nil {
			r.mark = w
			return e, sum, nil
		}
	}
	if r.readOnly {
		r.index.toMemory()
		r.points.toMemory()
		if r.tree {
			r.hashes.toMemory()
		}
	} else if err := r.distrust(logEnd); err != nil {
		return nil, nil, err
	}
	if r.tree {
		return &extent{}, &edge{}, nil
	}
	return &extent{}, newChain(), nil
}

// distrust takes the watermark away, durably, before the first row is derived again:
// it is only checked against the ends of the derived files, and would be believed
// after a crash that left the ends new and what lies before them old.
func (r *records) distrust(logEnd int64) error {
	err := r.fs.Remove(r.path(watermarkName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err != nil && logEnd == 0 {
		return nil // a folder that is begun: there was no watermark, and there is nothing to derive
	}
	// Also where it is missing: an earlier attempt may have failed right here.
	return r.fs.SyncDir(r.dir)
}

// believe checks a watermark against the files: the last commit record under
// it is where it says and has the root that the stored hashes give.
func (r *records) believe(w watermark) (*extent, total) {
	if rows, err := r.index.rows(); err != nil || rows < w.size {
		return nil, nil
	}
	var row [16]byte
	if w.points < 1 || r.points.read(w.points-1, row[:]) != nil {
		return nil, nil
	}
	off := int64(binary.BigEndian.Uint64(row[8:]))
	if int64(binary.BigEndian.Uint64(row[:8])) != w.size || off < 0 || off >= w.end {
		return nil, nil
	}
	rec, err := newScanner(r.log, off, w.end).next()
	if err != nil || rec.kind != kindCommit || rec.end() != w.end || rec.check() != nil {
		return nil, nil
	}
	c, err := parseCommit(rec.data)
	if err != nil || c.size != w.size {
		return nil, nil
	}
	e := &extent{size: w.size, points: w.points, end: w.end, last: bytes.Clone(rec.data), root: c.root, origin: c.origin}
	if !r.tree {
		return e, &chain{c.root}
	}
	sum, err := loadEdge(w.size, r.hashes)
	if err != nil || sum.root() != c.root {
		return nil, nil
	}
	return e, sum
}
