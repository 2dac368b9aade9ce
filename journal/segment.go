package journal

import (
	"bytes"
	"fmt"
	"iter"
)

// Segment is what [Mirror.Extend] takes at a time.
type Segment struct {
	First      int64
	Entries    [][]byte
	Checkpoint []byte
}

// Segments yields a stored journal from an index on, cut so that a mirror can
// take each piece: at kept checkpoints, after every rotate entry, and below
// maxEntries and maxBytes unless a single batch is larger. Neighbouring batches
// are joined, so that a mirror that was away verifies few signatures. Segments
// may be kept.
func Segments(st Storage, from int64, maxEntries, maxBytes int) iter.Seq2[Segment, error] {
	maxEntries, maxBytes = min(maxEntries, MaxBatchEntries), min(maxBytes, MaxBatchBytes)
	return func(yield func(Segment, error) bool) {
		seg, size, rotated := Segment{First: from}, 0, false
		at := from
		for cp, err := range st.Checkpoints(from + 1) {
			var h Head
			if err == nil {
				_, h, err = CheckpointHead(cp)
			}
			if err != nil {
				yield(Segment{}, fmt.Errorf("journal: reading checkpoints: %w", err))
				return
			}
			cp = bytes.Clone(cp)
			batch, n, rotates, err := readBatch(st, at, h.Size)
			if err != nil {
				yield(Segment{}, err)
				return
			}
			if len(seg.Entries) > 0 && (rotated || len(seg.Entries)+len(batch) > maxEntries || size+n > maxBytes) {
				if !yield(seg, nil) {
					return
				}
				seg, size = Segment{First: at}, 0
			}
			seg.Entries, seg.Checkpoint = append(seg.Entries, batch...), cp
			size, at, rotated = size+n, h.Size, rotates
		}
		if len(seg.Entries) > 0 {
			yield(seg, nil)
		}
	}
}

// readBatch copies the entries between two checkpoints.
func readBatch(st Storage, from, to int64) (batch [][]byte, size int, rotates bool, err error) {
	for raw, err := range st.Read(from, to) {
		if err != nil {
			return nil, 0, false, fmt.Errorf("journal: reading entry %d: %w", from+int64(len(batch)), err)
		}
		batch = append(batch, bytes.Clone(raw))
		size += len(raw)
		if bytes.Contains(raw, []byte(KindRotate)) {
			e, err := ParseEntry(raw)
			if err != nil {
				return nil, 0, false, asRefusal(err, CodeDamaged, "", from+int64(len(batch))-1)
			}
			rotates = rotates || e.Kind == KindRotate
		}
	}
	if int64(len(batch)) != to-from {
		return nil, 0, false, fmt.Errorf("journal: storage has %d of %d entries from %d on", len(batch), to-from, from)
	}
	return batch, size, rotates, nil
}

// Records yields a stored journal as the records of a stream: entries in index
// order, and each kept checkpoint after the entries it covers.
func Records(st Storage) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		var at int64
		for cp, err := range st.Checkpoints(0) {
			var h Head
			if err == nil {
				_, h, err = CheckpointHead(cp)
			}
			if err != nil {
				yield(Record{}, fmt.Errorf("journal: the checkpoint after entry %d: %w", at, err))
				return
			}
			cp = bytes.Clone(cp)
			if h.Size > at {
				for raw, err := range st.Read(at, h.Size) {
					if err != nil {
						yield(Record{}, fmt.Errorf("journal: entry %d: %w", at, err))
						return
					}
					if !yield(Record{RecordEntry, raw}, nil) {
						return
					}
					at++
				}
			}
			if !yield(Record{RecordCheckpoint, cp}, nil) {
				return
			}
		}
	}
}
