package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"sync"

	"golang.org/x/mod/sumdb/tlog"
)

// Report says what a verification has read.
type Report struct {
	Entries     int64 `json:"entries"`
	Checkpoints int64 `json:"checkpoints"`
	Bytes       int64 `json:"bytes"` // of the log
}

// verifyBatch is how many bytes of log one worker takes at a time.
const verifyBatch = 1 << 20

// piece is a run of records on its way through the workers.
type piece struct {
	recs []record
	sums []summed
	bad  int   // number of the first record whose bytes do not have their sum, -1: none
	err  error // reading stopped behind recs
	done chan struct{}
}

// verify reads everything that is committed, from the files, and compares every
// byte: each record with its sum, each checkpoint's size and root with the
// records before it, each derived row with what the log gives, the head with
// the last checkpoint. Signatures are not its business (package journal).
func (r *records) verify(ctx context.Context) (Report, error) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	e := r.now.Load()
	ordered := make(chan *piece, 2*runtime.GOMAXPROCS(0))
	work := make(chan *piece)
	wg.Go(func() { r.readPieces(ctx, e.end, ordered, work) })
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for p := range work {
				p.check(r.tree)
				close(p.done)
			}
		})
	}
	v, err := r.newVerifier(e)
	if err != nil {
		return Report{}, err
	}
	defer v.close()
	for p := range ordered {
		select {
		case <-p.done:
		case <-ctx.Done():
			return v.report, ctx.Err()
		}
		if err := v.take(p); err != nil {
			return v.report, err
		}
	}
	if err := ctx.Err(); err != nil {
		return v.report, err
	}
	return v.report, v.finish(e)
}

func (r *records) readPieces(ctx context.Context, end int64, ordered, work chan<- *piece) {
	defer close(ordered)
	defer close(work)
	scan := newScanner(r.log, 0, end)
	scan.size = verifyBatch
	for {
		p := &piece{bad: -1, done: make(chan struct{})}
		var bytes int
		for bytes < verifyBatch {
			rec, err := scan.next()
			if err != nil {
				p.err = err
				break
			}
			p.recs = append(p.recs, rec)
			bytes += len(rec.data)
		}
		select {
		case ordered <- p:
		case <-ctx.Done():
			return
		}
		select {
		case work <- p:
		case <-ctx.Done():
			return
		}
		if p.err != nil {
			return
		}
	}
}

func (p *piece) check(tree bool) {
	p.sums = make([]summed, len(p.recs))
	for i, rec := range p.recs {
		if rec.check() != nil {
			p.bad = i
			return
		}
		p.sums[i].sum = rec.sum
		if tree && rec.kind == kindEntry {
			p.sums[i].leaf = tlog.RecordHash(rec.data)
		}
	}
}

// verifier goes through the checked records in order.
type verifier struct {
	r       *records
	total   total
	last    []byte
	origin  string
	pending int64 // entries behind the last checkpoint
	size    int64 // entries that should be there
	report  Report
	index   *comparer
	points  *comparer
	hashes  *comparer
	buf     []tlog.Hash
}

func (r *records) newVerifier(e *extent) (*verifier, error) {
	v := &verifier{r: r, total: newChain(), size: e.size, origin: e.origin}
	var err error
	if v.index, err = r.newComparer(indexName, 8); err != nil {
		return nil, err
	}
	if v.points, err = r.newComparer(pointsName, 16); err != nil {
		return nil, err
	}
	if r.tree {
		v.total = &edge{}
		v.hashes, err = r.newComparer(hashesName, tlog.HashSize)
	}
	return v, err
}

func (v *verifier) close() {
	for _, c := range []*comparer{v.index, v.points, v.hashes} {
		if c != nil && c.f != nil {
			c.f.Close()
		}
	}
}

func (v *verifier) damage(detail string, err error) error {
	return v.r.damage(logName, min(v.report.Entries, v.size-1), detail, err)
}

func (v *verifier) take(p *piece) error {
	for i, rec := range p.recs {
		if i == p.bad {
			if rec.kind == kindCommit && v.pending > 0 {
				return v.r.damage(logName, v.report.Entries-1, "the checkpoint behind this entry is damaged", errBadSum)
			}
			return v.damage("the bytes are damaged", errBadSum)
		}
		v.report.Bytes = rec.end()
		var err error
		if rec.kind == kindEntry {
			err = v.entry(rec, p.sums[i])
		} else {
			err = v.commit(rec)
		}
		if err != nil {
			return err
		}
	}
	if p.err != nil && !errors.Is(p.err, io.EOF) {
		return v.damage("the log cannot be read from here on", p.err)
	}
	return nil
}

func (v *verifier) entry(rec record, s summed) error {
	n := v.report.Entries
	if c, err := parseCommit(rec.data); err == nil && c.size == n && c.origin == v.origin {
		return v.r.damage(logName, n-1, "the checkpoint behind this entry is damaged: its kind says that it is an entry", nil)
	}
	v.buf = v.total.add(s, v.buf[:0])
	if err := v.index.row(binary.BigEndian.AppendUint64(nil, uint64(rec.off)), n); err != nil {
		return err
	}
	for i := range v.buf {
		if err := v.hashes.row(v.buf[i][:], n); err != nil {
			return err
		}
	}
	v.report.Entries++
	v.pending++
	return nil
}

func (v *verifier) commit(rec record) error {
	c, err := parseCommit(rec.data)
	at := v.report.Entries - 1
	switch {
	case err != nil: // the bytes have their sum, so they are an entry's
		return v.damage("the entry's kind says that it is a checkpoint", err)
	case c.size != v.report.Entries:
		return v.r.damage(logName, at, fmt.Sprintf("the checkpoint behind this entry is for %d entries", c.size), nil)
	case c.root != v.total.root():
		return v.r.damage(logName, at, "the checkpoint behind this entry does not have the root of the entries before it", nil)
	case c.origin != v.origin:
		return v.r.damage(logName, at, "the checkpoint behind this entry is for another origin", nil)
	}
	row := binary.BigEndian.AppendUint64(nil, uint64(c.size))
	if err := v.points.row(binary.BigEndian.AppendUint64(row, uint64(rec.off)), at); err != nil {
		return err
	}
	v.last, v.origin, v.pending = rec.data, c.origin, 0
	v.report.Checkpoints++
	return nil
}

// finish compares what was read with the extent and the small files.
func (v *verifier) finish(e *extent) error {
	for _, c := range []*comparer{v.index, v.points, v.hashes} {
		if c == nil {
			continue
		}
		if err := c.flush(); err != nil {
			return err
		}
	}
	last := v.report.Entries - 1
	if v.pending > 0 {
		return v.r.damage(logName, last, "no checkpoint follows this entry", nil)
	}
	if v.report.Entries != e.size || !bytes.Equal(v.last, e.last) {
		return v.r.damage(logName, last, fmt.Sprintf("%d entries were read, but %d are known", v.report.Entries, e.size), nil)
	}
	head, err := ReadFile(v.r.fs, v.r.path(headName), maxCommit)
	if err != nil && !(errors.Is(err, fs.ErrNotExist) && e.last == nil) {
		return v.r.damage(headName, last, "the head cannot be read", err)
	}
	// Another process may have moved the head on since this folder was opened.
	if !bytes.Equal(head, e.last) {
		c, err := parseCommit(head)
		if err != nil || !v.r.readOnly || c.size < e.size || c.size == e.size && c.root != e.root {
			return v.r.damage(headName, last, "the head is not the last checkpoint of the log", err)
		}
	}
	if _, err := readWatermark(v.r.fs, v.r.path(watermarkName)); err != nil {
		return v.r.damage(watermarkName, last, "the watermark of the derived files is damaged", err)
	}
	return nil
}

// comparer compares the rows of a derived file, as they are on the disk, with
// those the log gives. A file that is missing or shorter is not damaged: the
// rows are derived again when the folder is opened.
type comparer struct {
	r       *records
	name    string
	width   int64
	f       File // nil: nothing to compare
	rows    int64
	want    []byte
	entries []int64 // that the rows in want were stored for
	next    int64   // row that want starts at
}

const compareRows = 4096

func (r *records) newComparer(name string, width int64) (*comparer, error) {
	c := &comparer{r: r, name: name, width: width}
	f, err := r.fs.OpenFile(r.path(name), os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, err
	}
	size, err := f.Size()
	if err != nil {
		f.Close()
		return nil, err
	}
	c.f, c.rows = f, size/width
	return c, nil
}

func (c *comparer) row(want []byte, entry int64) error {
	if c.f == nil {
		return nil
	}
	c.want = append(c.want, want...)
	c.entries = append(c.entries, entry)
	if len(c.entries) == compareRows {
		return c.flush()
	}
	return nil
}

func (c *comparer) flush() error {
	if c.f == nil || len(c.entries) == 0 {
		return nil
	}
	want, entries, from := c.want, c.entries, c.next
	c.next += int64(len(entries))
	c.want, c.entries = c.want[:0], c.entries[:0]
	have := make([]byte, min(int64(len(want)), max(0, c.rows-from)*c.width))
	if len(have) == 0 {
		return nil
	}
	if n, err := c.f.ReadAt(have, from*c.width); n < len(have) {
		return c.r.damage(c.name, entries[0], "the rows from here on cannot be read", err)
	}
	if bytes.Equal(have, want[:len(have)]) {
		return nil
	}
	for i := range have {
		if have[i] != want[i] {
			return c.r.damage(c.name, entries[int64(i)/c.width], "the row stored for this entry is not what the log gives", nil)
		}
	}
	return nil
}
