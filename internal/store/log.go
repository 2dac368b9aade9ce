package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"sync"
	"sync/atomic"

	"golang.org/x/mod/sumdb/tlog"
)

// localOrigin is the first line of a local log's commit records.
const localOrigin = "entente/local-log/v1"

// Log is a node's private append-only log: what was imported and decided here.
// It never leaves the node. It has the framing and the recovery of a journal,
// but instead of signed checkpoints its batches end with a count and a chain
// hash. A Log takes one writer and any number of readers at a time.
type Log struct {
	dir  string
	opts Options
	r    atomic.Pointer[records] // replaced whole by Mend
	mu   sync.Mutex
}

// Options chooses the file system; the zero value is the operating system's.
type Options struct {
	FS     FS
	Sealer Sealer // of payloads; nil: none can be written or read sealed
}

// OpenLog opens, or begins, the log in a folder of its own.
func OpenLog(dir string, opts Options) (*Log, error) {
	r, err := openRecords(opts.FS, dir, false, false)
	if err != nil {
		return nil, err
	}
	return newLog(dir, opts, r), nil
}

func newLog(dir string, opts Options, r *records) *Log {
	l := &Log{dir: dir, opts: opts}
	l.r.Store(r)
	return l
}

// OpenLogReadOnly opens a log, perhaps of a running node, without changing
// anything.
func OpenLogReadOnly(dir string, opts Options) (*Log, error) {
	r, err := openRecords(opts.FS, dir, false, true)
	if err != nil {
		return nil, err
	}
	return newLog(dir, opts, r), nil
}

// Append writes records, each at most 32 MiB, durably and all or none, and
// returns the number of the first. Records are counted from 0.
func (l *Log) Append(recs ...[]byte) (first int64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.r.Load()
	e := r.now.Load()
	if len(recs) == 0 {
		return e.size, nil
	}
	sum := newChain()
	if e.last != nil {
		sum.link = e.root
	}
	for _, rec := range recs {
		sum.add(summed{sum: recordSum(rec)}, nil)
	}
	text := fmt.Appendf(nil, "%s\n%s\n%s\n", localOrigin, strconv.FormatInt(e.size+int64(len(recs)), 10), sum.root())
	if err := r.append(e.size, recs, text, nil); err != nil {
		return 0, err
	}
	return e.size, nil
}

// Fault is what an earlier failure left: an error that wraps ErrBroken, after which
// Append refuses until Mend; nil if all is well.
func (l *Log) Fault() error {
	r := l.r.Load()
	r.mu.Lock()
	defer r.mu.Unlock()
	if errors.Is(r.broken, ErrBroken) {
		return r.broken
	}
	return nil
}

// Mend opens a log that is broken again and establishes what it holds. The batch
// that failed may then be there or not; who appends must look at Len first. A log
// that is not broken is left alone. Reading that is under way may fail once.
func (l *Log) Mend() error {
	if l.Fault() == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	fresh, err := openRecords(l.opts.FS, l.dir, false, false)
	if err != nil {
		return err
	}
	old := l.r.Swap(fresh)
	_ = old.Close() // it is broken and writes nothing more
	return nil
}

// Committed returns how many bytes of the file "log" are acknowledged, and the
// head that acknowledges them (nil when nothing is): what a copy made now consists
// of. Those bytes never change.
func (l *Log) Committed() (size int64, head []byte) { return l.r.Load().committed() }

// Len returns the number of records.
func (l *Log) Len() int64 { return l.r.Load().Len() }

// Records yields the records from the given number on, as they are when it is
// called. The slices stay valid.
func (l *Log) Records(from int64) iter.Seq2[[]byte, error] {
	return l.r.Load().readEntries(from, max(from, l.r.Load().Len()), false)
}

// Record returns one record.
func (l *Log) Record(n int64) ([]byte, error) {
	for rec, err := range l.r.Load().readEntries(n, n+1, false) {
		return rec, err
	}
	return nil, fmt.Errorf("store: %s: record %d is not there", l.r.Load().dir, n)
}

// Chain returns the hash over all records, which names the log's content.
func (l *Log) Chain() tlog.Hash { return l.r.Load().now.Load().root }

// Verify reads the whole log; the first damage found is a *DamageError.
func (l *Log) Verify(ctx context.Context) (Report, error) { return l.r.Load().verify(ctx) }

// Close gives the files free. What was appended is durable without it.
func (l *Log) Close() error { return l.r.Load().Close() }
