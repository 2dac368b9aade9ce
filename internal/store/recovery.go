package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/tlog"
)

// recovery reads the log batch by batch and writes the derived rows again.
type recovery struct {
	r        *records
	at       *extent // the last whole batch
	total    total
	head     []byte
	headSeen bool
	headEnd  int64 // bytes of log under the head
	batches  int
	pending  int64 // number of the entry that reading stopped at
	err      error // of the derived files, not of the log
}

// run reads until the log ends or something is not a whole batch; it returns
// why it stopped, nil at the very end of the log.
func (s *recovery) run(logEnd int64) error {
	scan := newScanner(s.r.log, s.at.end, logEnd)
	s.headEnd = s.at.end
	s.pending = s.at.size
	var index []byte
	var hashes []tlog.Hash
	for {
		if s.r.readOnly && s.headSeen && s.head != nil {
			return nil // what lies behind the head is not acknowledged yet
		}
		rec, err := scan.next()
		if errors.Is(err, io.EOF) && s.pending == s.at.size {
			return nil
		}
		if err == nil {
			err = rec.check()
		}
		if err != nil {
			return err
		}
		if rec.kind == kindEntry {
			index = binary.BigEndian.AppendUint64(index, uint64(rec.off))
			one := summed{sum: rec.sum}
			if s.r.tree {
				one.leaf = tlog.RecordHash(rec.data)
			}
			hashes = s.total.add(one, hashes)
			s.pending++
			continue
		}
		c, err := parseCommit(rec.data)
		if err != nil {
			return err
		}
		if err := s.accept(rec, c, index, hashes); err != nil {
			return err
		}
		index, hashes = index[:0], hashes[:0]
	}
}

// accept takes a whole batch.
func (s *recovery) accept(rec record, c commit, index []byte, hashes []tlog.Hash) error {
	switch {
	case c.size != s.pending:
		return fmt.Errorf("a checkpoint for %d entries follows entry %d", c.size, s.pending-1)
	case c.root != s.total.root():
		return fmt.Errorf("the checkpoint for %d entries does not have the root of the entries before it", c.size)
	case s.at.last != nil && c.origin != s.at.origin:
		return fmt.Errorf("a checkpoint is for origin %q, the ones before it are for %q", c.origin, s.at.origin)
	}
	next := &extent{size: c.size, points: s.at.points + 1, end: rec.end(), last: bytes.Clone(rec.data), root: c.root, origin: c.origin}
	point := binary.BigEndian.AppendUint64(nil, uint64(c.size))
	point = binary.BigEndian.AppendUint64(point, uint64(rec.off))
	if err := s.derive(next, point, index, hashes); err != nil {
		s.err = err
		return err
	}
	s.at = next
	s.batches++
	// The first of those that say the same: a later one may be what a sync that failed has dropped.
	if !s.headSeen && bytes.Equal(rec.data, s.head) {
		s.headSeen, s.headEnd = true, rec.end()
	}
	return nil
}

// derive writes the rows of one batch, except in a folder open for reading
// whose files have them already.
func (s *recovery) derive(next *extent, point, index []byte, hashes []tlog.Hash) error {
	r := s.r
	if r.readOnly && r.index.f != nil {
		return nil
	}
	if err := r.index.write(s.at.size, index); err != nil {
		return err
	}
	if err := r.points.write(s.at.points, point); err != nil {
		return err
	}
	if !r.tree {
		return nil
	}
	flat := make([]byte, 0, len(hashes)*tlog.HashSize)
	for i := range hashes {
		flat = append(flat, hashes[i][:]...)
	}
	return r.hashes.write(tlog.StoredHashCount(s.at.size), flat)
}
