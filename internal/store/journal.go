package store

import (
	"context"
	"iter"

	"entente/journal"
)

// Journal is one journal's files: a journal.Storage. A folder holds the log
// (records of entries and signed checkpoints), the head (the latest
// acknowledged checkpoint), and derived files: index, points and hashes, with
// the watermark up to which they are synced. It takes one writer and any number
// of readers at a time; a reader sees whole batches only.
type Journal struct{ r *records }

var _ journal.Storage = (*Journal)(nil)

// OpenJournal opens, or begins, the journal in a folder of its own and
// establishes what it holds: a batch that was cut off by a crash before it was
// acknowledged is taken away, derived files are computed again as far as
// needed, and damage below the head is a *DamageError that names the entry.
// (Not every byte is read: that is Verify.)
func OpenJournal(dir string, opts Options) (*Journal, error) {
	return openJournal(dir, opts, false)
}

// OpenJournalReadOnly opens a journal without changing anything, also while a
// node is running on it: it shows what was acknowledged at that moment.
func OpenJournalReadOnly(dir string, opts Options) (*Journal, error) {
	return openJournal(dir, opts, true)
}

func openJournal(dir string, opts Options, readOnly bool) (*Journal, error) {
	r, err := openRecords(opts.FS, dir, true, readOnly)
	if err != nil {
		return nil, err
	}
	return &Journal{r}, nil
}

// Append implements journal.Storage: the batch is synced, and the head too,
// before it returns. The head is synced because it is what tells a damaged log
// from a batch that was never acknowledged; the price is one small file.
func (j *Journal) Append(b journal.Batch) error {
	return j.r.append(b.First, b.Entries, b.Checkpoint, b.Hashes)
}

// Read implements journal.Storage. The bytes of each entry are checked
// with the sum stored beside them.
func (j *Journal) Read(from, to int64) iter.Seq2[[]byte, error] {
	return j.r.readEntries(from, to, true)
}

// Checkpoints implements journal.Storage.
func (j *Journal) Checkpoints(fromSize int64) iter.Seq2[[]byte, error] {
	return j.r.readCommits(fromSize)
}

// Latest implements journal.Storage.
func (j *Journal) Latest() ([]byte, error) { return j.r.now.Load().last, nil }

// ReadHashes implements tlog.HashReader.
func (j *Journal) ReadHashes(indexes []int64) ([]journal.Hash, error) {
	return j.r.readHashes(indexes)
}

// Committed returns how many bytes of the file "log" are acknowledged, and the
// head that acknowledges them (nil when nothing is): what a copy made now consists
// of. Those bytes never change.
func (j *Journal) Committed() (size int64, head []byte) { return j.r.committed() }

// Len returns the number of entries.
func (j *Journal) Len() int64 { return j.r.Len() }

// Verify reads every byte of the folder and compares: sums, tree hashes, the
// root and size of each checkpoint, offsets, the head. The first damage found
// is a *DamageError that names the entry. Signatures are checked by package
// journal.
func (j *Journal) Verify(ctx context.Context) (Report, error) { return j.r.verify(ctx) }

// Close gives the files free. What was appended is durable without it; a
// journal that was closed opens without reading its tail again.
func (j *Journal) Close() error { return j.r.Close() }
