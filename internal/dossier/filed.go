package dossier

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"

	"entente/journal"
)

// filed is a journal that lies in a verified dossier: the journal.Storage that Pack reads. It can only
// be read.
type filed struct {
	*shelf
	file io.ReaderAt
}

var errReadOnly = errors.New("dossier: a journal in a dossier is not written to")

// Append implements journal.Storage.
func (f filed) Append(journal.Batch) error { return errReadOnly }

// Latest implements journal.Storage.
func (f filed) Latest() ([]byte, error) { return f.mirror.Checkpoint(), nil }

// Read implements journal.Storage.
func (f filed) Read(from, to int64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		if from < 0 || to > f.head.Size || from > to {
			yield(nil, fmt.Errorf("dossier: entries %d to %d are not there", from, to))
			return
		}
		if from == to {
			return
		}
		r := recordsAt(f.file, f.offsets[from])
		for from < to {
			rec, err := r.next()
			if err != nil {
				yield(nil, fmt.Errorf("dossier: the file changed while it was read: %w", err))
				return
			}
			if rec.kind != recordEntry {
				continue
			}
			from++
			if !yield(rec.content, nil) {
				return
			}
		}
	}
}

// Checkpoints implements journal.Storage.
func (f filed) Checkpoints(fromSize int64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, m := range f.marks {
			if m.size < fromSize {
				continue
			}
			rec, err := recordsAt(f.file, m.offset).next()
			if err != nil {
				err = fmt.Errorf("dossier: the file changed while it was read: %w", err)
			}
			if !yield(rec.content, err) || err != nil {
				return
			}
		}
	}
}

// recordsAt reads records from an offset on.
func recordsAt(file io.ReaderAt, offset int64) *reader {
	r := newReader(nil, math.MaxInt64)
	r.br = bufio.NewReaderSize(io.NewSectionReader(file, offset, math.MaxInt64-offset), 64<<10)
	return r
}

// payloadAt reads the payload or text record at an offset.
func payloadAt(file io.ReaderAt, offset int64) (payload, error) {
	rec, err := recordsAt(file, offset).next()
	if err != nil {
		return payload{}, fmt.Errorf("dossier: the file changed while it was read: %w", err)
	}
	return parsePayload(rec.content)
}
