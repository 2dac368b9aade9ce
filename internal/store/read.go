package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"

	"golang.org/x/mod/sumdb/tlog"
)

// readEntries yields entries from (included) to to (excluded), as they are
// committed when it is called. With reuse a slice is valid until the next step.
func (r *records) readEntries(from, to int64, reuse bool) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		e := r.now.Load()
		if from < 0 || from > to || to > e.size {
			yield(nil, fmt.Errorf("store: %s: entries %d to %d asked for, but 0 to %d are there", r.dir, from, to, e.size))
			return
		}
		if from == to {
			return
		}
		start, err := r.offset(from)
		if err != nil {
			yield(nil, fmt.Errorf("store: %w", err))
			return
		}
		end := e.end
		if to < e.size {
			if end, err = r.offset(to); err != nil {
				yield(nil, fmt.Errorf("store: %w", err))
				return
			}
		}
		if start < 0 || start > end || end > e.end {
			yield(nil, fmt.Errorf("store: %w", r.damage(indexName, from, "the offset does not lie in the log", nil)))
			return
		}
		scan := newScanner(r.log, start, end)
		scan.reuse = reuse
		for n := from; n < to; {
			rec, err := scan.next()
			if err == nil {
				err = rec.check()
			}
			if err != nil {
				if errors.Is(err, io.EOF) {
					err = errShortRecord
				}
				yield(nil, fmt.Errorf("store: %w", r.damage(logName, n, "the entry cannot be read", err)))
				return
			}
			if rec.kind != kindEntry {
				continue
			}
			if !yield(rec.data, nil) {
				return
			}
			n++
		}
	}
}

// offset returns where an entry's record starts.
func (r *records) offset(entry int64) (int64, error) {
	var row [8]byte
	if err := r.index.read(entry, row[:]); err != nil {
		return 0, r.damage(indexName, entry, "the offset cannot be read", err)
	}
	return int64(binary.BigEndian.Uint64(row[:])), nil
}

// point returns the size and offset of the i-th commit record.
func (r *records) point(i int64) (size, off int64, err error) {
	var row [16]byte
	if err := r.points.read(i, row[:]); err != nil {
		return 0, 0, r.damage(pointsName, 0, fmt.Sprintf("row %d cannot be read", i), err)
	}
	return int64(binary.BigEndian.Uint64(row[:8])), int64(binary.BigEndian.Uint64(row[8:])), nil
}

// readCommits yields every commit record with at least the given size,
// ascending.
func (r *records) readCommits(fromSize int64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		e := r.now.Load()
		// The first point with size >= fromSize; sizes never decrease.
		low, high := int64(0), e.points
		for low < high {
			mid := low + (high-low)/2
			size, _, err := r.point(mid)
			if err != nil {
				yield(nil, fmt.Errorf("store: %w", err))
				return
			}
			if size < fromSize {
				low = mid + 1
			} else {
				high = mid
			}
		}
		for ; low < e.points; low++ {
			text, err := r.commitAt(low, e.end)
			if !yield(text, err) || err != nil {
				return
			}
		}
	}
}

func (r *records) commitAt(i, end int64) ([]byte, error) {
	size, off, err := r.point(i)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	if off < 0 || off >= end {
		return nil, fmt.Errorf("store: %w", r.damage(pointsName, size-1, "the offset does not lie in the log", nil))
	}
	scan := newScanner(r.log, off, end)
	scan.size = 8 << 10
	rec, err := scan.next()
	if err == nil {
		err = rec.check()
	}
	if err != nil {
		return nil, fmt.Errorf("store: %w", r.damage(logName, size-1, "the checkpoint behind this entry cannot be read", err))
	}
	if rec.kind != kindCommit {
		return nil, fmt.Errorf("store: %w", r.damage(pointsName, size-1, "there is no checkpoint where the row says", nil))
	}
	return rec.data, nil
}

// readHashes reads stored tree hashes; runs of neighbours are read at once.
func (r *records) readHashes(indexes []int64) ([]tlog.Hash, error) {
	count := tlog.StoredHashCount(r.Len())
	out := make([]tlog.Hash, len(indexes))
	for i := 0; i < len(indexes); {
		run := 1
		for i+run < len(indexes) && indexes[i+run] == indexes[i]+int64(run) && run < 1024 {
			run++
		}
		if indexes[i] < 0 || indexes[i]+int64(run) > count {
			return nil, fmt.Errorf("store: %s: tree hash %d asked for, but 0 to %d are there", r.dir, indexes[i], count)
		}
		if run == 1 {
			if err := r.hashes.read(indexes[i], out[i][:]); err != nil {
				return nil, fmt.Errorf("store: %w", err)
			}
		} else {
			flat := make([]byte, run*tlog.HashSize)
			if err := r.hashes.read(indexes[i], flat); err != nil {
				return nil, fmt.Errorf("store: %w", err)
			}
			for k := range run {
				copy(out[i+k][:], flat[k*tlog.HashSize:])
			}
		}
		i += run
	}
	return out, nil
}
