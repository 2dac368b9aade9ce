package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// VerifyParams says what a journal is expected to be. What is empty is taken
// from the journal itself.
type VerifyParams struct {
	Unit   UnitID
	Party  PartyID
	Origin Origin
	// Known returns the identity chain of a party as known otherwise; may be nil.
	Known func(PartyID) []Signed
	// HighWater is a head that the journal has to contain; a journal that ends
	// before it gives [ErrRolledBack].
	HighWater *Head
	// Progress, if set, is told from time to time how many entries have been verified.
	Progress func(entries int64)
	// Workers is how many goroutines parse and hash; 0 means one for each processor.
	Workers int
}

// Report says what was verified.
type Report struct {
	Origin      Origin
	Unit        UnitID
	Party       PartyID
	Name        string // of the party, in its newest identity
	Epoch       int
	Head        Head
	Bytes       int64            // of entries
	Checkpoints int64            // each with root and all signatures
	Kinds       map[string]int64 // entries of each kind
	First, Last time.Time        // times of the first and the last entry
	Keys        *Keyring
	Identities  []Signed // the identity chain as the journal tells it
	Certificate Certificate
}

// Verify verifies every byte of a stored journal: each entry by the rules of a
// mirror, each kept checkpoint (root, signatures of all keys that have to sign),
// the identity chain and the certificates, and that the stored tree hashes are
// those of the entries. It streams, and uses all processors. Errors name the
// entry: a [*Refusal] with its index. The report covers what was verified
// before an error.
func Verify(ctx context.Context, st Storage, p VerifyParams) (Report, error) {
	v := newVerifier(ctx, p, st)
	r, err := v.run(Records(st))
	if err != nil {
		return r, err
	}
	latest, err := st.Latest()
	if err != nil {
		return r, fmt.Errorf("journal: reading the latest checkpoint: %w", err)
	}
	if !bytes.Equal(latest, v.last) {
		return r, refuse(CodeDamaged, r.Origin, -1, "the latest checkpoint in storage is not the one of the last entries")
	}
	return r, nil
}

// VerifyRecords verifies a journal that comes as records (see [ScanRecords]),
// as [Verify] does for a stored one.
func VerifyRecords(ctx context.Context, records iter.Seq2[Record, error], p VerifyParams) (Report, error) {
	return newVerifier(ctx, p, nil).run(records)
}

const (
	chunkRecords = 256
	chunkBytes   = 320 << 10
)

// chunk is a piece of the stream: read by one goroutine, parsed by another,
// judged in order by a third.
type chunk struct {
	records []Record
	arena   []byte
	entries []*Entry // parsed, nil for checkpoints
	err     error    // of the first entry that does not parse
	bad     int      // its place in records
	done    chan struct{}
}

type verifier struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	p      VerifyParams
	st     tlog.HashReader // to compare tree hashes with, or nil

	led     ledger
	tree    tree
	fresh   []Hash // tree hashes not compared yet
	from    int64  // the first entry of fresh
	covered int64  // size of the last checkpoint
	last    []byte
	report  Report

	free  chan *chunk // to be used again
	signs sync.WaitGroup
	sem   chan struct{}
}

var errStop = errors.New("stop")

func newVerifier(ctx context.Context, p VerifyParams, st tlog.HashReader) *verifier {
	if p.Workers <= 0 {
		p.Workers = runtime.GOMAXPROCS(0)
	}
	v := &verifier{p: p, st: st, sem: make(chan struct{}, p.Workers), free: make(chan *chunk, 4*p.Workers),
		led:    ledger{unit: p.Unit, party: p.Party, origin: p.Origin},
		report: Report{Kinds: map[string]int64{}}}
	v.ctx, v.cancel = context.WithCancelCause(ctx)
	return v
}

func (v *verifier) run(records iter.Seq2[Record, error]) (Report, error) {
	defer v.cancel(errStop)
	work := make(chan *chunk, v.p.Workers)
	order := make(chan *chunk, 2*v.p.Workers)
	var workers sync.WaitGroup
	for range v.p.Workers {
		workers.Go(func() {
			p := newParser()
			for c := range work {
				c.parse(p)
				close(c.done)
			}
		})
	}
	judged := make(chan error, 1)
	go func() { judged <- v.judgeAll(order) }()
	readErr := v.read(records, work, order)
	close(work)
	close(order)
	err := <-judged
	workers.Wait()
	v.signs.Wait()
	if sig := context.Cause(v.ctx); sig != nil && !errors.Is(sig, errStop) && err == nil {
		err = sig
	}
	if err == nil && readErr != nil {
		err = refusalOfRead(readErr, v.led.origin, v.tree.size)
	}
	if err == nil {
		err = v.end()
	}
	v.fill()
	return v.report, err
}

// refusalOfRead names the entry at which reading stopped.
func refusalOfRead(err error, o Origin, index int64) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if CodeOf(err) != "" {
		return asRefusal(err, CodeDamaged, o, index)
	}
	return fmt.Errorf("%w: %w", refuse(CodeDamaged, o, index, "it or its checkpoint cannot be read"), err)
}

// read copies the records into chunks and hands them out.
func (v *verifier) read(records iter.Seq2[Record, error], work, order chan<- *chunk) error {
	c := v.newChunk()
	flush := func() bool {
		if len(c.records) == 0 {
			return true
		}
		c.done = make(chan struct{})
		select {
		case order <- c:
		case <-v.ctx.Done():
			return false
		}
		work <- c // workers never stop before work is closed
		c = v.newChunk()
		return true
	}
	for r, err := range records {
		if err != nil {
			flush()
			return err
		}
		if len(c.arena)+len(r.Content) > cap(c.arena) {
			// The old arena stays alive through the records that point into it.
			c.arena = make([]byte, 0, max(chunkBytes, len(r.Content)))
		}
		at := len(c.arena)
		c.arena = append(c.arena, r.Content...)
		c.records = append(c.records, Record{r.Kind, c.arena[at:len(c.arena):len(c.arena)]})
		if len(c.records) >= chunkRecords || len(c.arena) >= chunkBytes {
			if !flush() {
				return context.Cause(v.ctx)
			}
		}
	}
	if !flush() {
		return context.Cause(v.ctx)
	}
	return nil
}

func (v *verifier) newChunk() *chunk {
	select {
	case c := <-v.free:
		clear(c.entries)
		*c = chunk{records: c.records[:0], arena: c.arena[:0], entries: c.entries[:0]}
		return c
	default:
		return &chunk{arena: make([]byte, 0, chunkBytes)}
	}
}

func (c *chunk) parse(p *parser) {
	c.entries = slices.Grow(c.entries, len(c.records))[:len(c.records)]
	for i, r := range c.records {
		if r.Kind != RecordEntry {
			continue
		}
		if c.entries[i], c.err = p.parse(r.Content); c.err != nil {
			c.bad = i
			return
		}
	}
}

// judgeAll takes the chunks in order. After an error it cancels and drains.
func (v *verifier) judgeAll(order <-chan *chunk) error {
	var first error
	for c := range order {
		if first != nil {
			continue
		}
		<-c.done
		if first = v.judge(c); first != nil {
			v.cancel(errStop)
			continue
		}
		// What is kept of a chunk (the last entry) is used without its bytes.
		select {
		case v.free <- c:
		default:
		}
	}
	return first
}

func (v *verifier) judge(c *chunk) error {
	for i, r := range c.records {
		if c.err != nil && i == c.bad {
			return asRefusal(c.err, CodeBadEntry, v.led.origin, v.tree.size)
		}
		var err error
		switch r.Kind {
		case RecordEntry:
			err = v.entry(c.entries[i])
		case RecordCheckpoint:
			err = v.checkpoint(r.Content)
		default:
			err = refuse(CodeDamaged, v.led.origin, v.tree.size, "a record of unknown kind %d stands in the journal", r.Kind)
		}
		if err != nil {
			return err
		}
	}
	if err := v.compareHashes(); err != nil {
		return err
	}
	if v.p.Progress != nil {
		v.p.Progress(v.tree.size)
	}
	return nil
}

func (v *verifier) entry(e *Entry) error {
	if l := v.led.last; l != nil && l.Kind == KindRotate && v.covered != v.led.size {
		return refuse(CodeHalfSignature, v.led.origin, l.Index, "the checkpoint after the rotated key, signed by both keys, is missing")
	}
	if r := v.led.step(e, v.p.Known); r != nil {
		// If the tree hash that is kept is another one, these are not the bytes
		// that were taken in: say so, rather than blame the author.
		v.fresh = v.tree.add(e.LeafHash, v.fresh)
		if err := v.compareHashes(); err != nil {
			return err
		}
		return r
	}
	v.fresh = v.tree.add(e.LeafHash, v.fresh)
	if hw := v.p.HighWater; hw != nil && v.tree.size == hw.Size && v.tree.root() != hw.Root {
		return fmt.Errorf("%w (the first %d entries are not the ones that were written)", ErrRolledBack, hw.Size)
	}
	if v.tree.size == 1 {
		v.report.First = e.At
	}
	v.report.Bytes += int64(len(e.Raw))
	v.report.Kinds[e.Kind]++
	return nil
}

// compareHashes compares the tree hashes that storage keeps with those of the
// entries since the last comparison.
func (v *verifier) compareHashes() error {
	n := len(v.fresh)
	if v.st == nil || n == 0 {
		v.fresh, v.from = v.fresh[:0], v.tree.size
		return nil
	}
	base := tlog.StoredHashCount(v.from)
	idx := make([]int64, n)
	for i := range idx {
		idx[i] = base + int64(i)
	}
	kept, err := v.st.ReadHashes(idx)
	if err != nil {
		return fmt.Errorf("journal: reading tree hashes from entry %d on: %w", v.from, err)
	}
	if len(kept) != n {
		return fmt.Errorf("journal: storage returned %d of %d tree hashes", len(kept), n)
	}
	for i := range idx {
		if kept[i] == v.fresh[i] {
			continue
		}
		level, place := tlog.SplitStoredHashIndex(idx[i])
		if level == 0 {
			return refuse(CodeDamaged, v.led.origin, place, "the entry or its kept tree hash was changed: they do not belong together")
		}
		return refuse(CodeDamaged, v.led.origin, (place+1)<<level-1, "the kept tree hash over %d entries up to it was changed", int64(1)<<level)
	}
	v.fresh, v.from = v.fresh[:0], v.tree.size
	return nil
}

// checkpoint checks size and root now and the signatures beside.
func (v *verifier) checkpoint(signed []byte) error {
	o, size := v.led.origin, v.tree.size
	if v.led.keys == nil {
		return refuse(CodeDamaged, o, 0, "a checkpoint stands before the genesis entry")
	}
	if err := v.compareHashes(); err != nil {
		return err
	}
	_, h, err := CheckpointHead(signed)
	if err != nil {
		return asRefusal(err, CodeDamaged, o, size-1)
	}
	if h.Size != size || size <= v.covered {
		return refuse(CodeDamaged, o, size-1, "the checkpoint after it is for size %d", h.Size)
	}
	if root := v.tree.root(); h.Root != root {
		return refuse(CodeBadRoot, o, size-1, "entries %d to %d do not give the signed root: one of them was changed", v.covered, size-1)
	}
	signed = bytes.Clone(signed) // the chunk will be used again
	v.covered, v.last = size, signed
	v.report.Checkpoints++
	keys := v.led.keys
	v.sem <- struct{}{}
	v.signs.Go(func() {
		defer func() { <-v.sem }()
		if _, err := keys.verifyExact(signed); err != nil {
			v.cancel(asRefusal(fmt.Errorf("the checkpoint after it: %w", err), CodeBadSignature, o, size-1))
		}
	})
	return nil
}

// end judges what can only be judged when everything has been read.
func (v *verifier) end() error {
	switch {
	case v.tree.size == 0:
		return ErrEmpty
	case v.covered != v.tree.size:
		return refuse(CodeDamaged, v.led.origin, v.covered, "the entries from it on are covered by no checkpoint")
	case v.p.HighWater != nil && v.tree.size < v.p.HighWater.Size:
		return fmt.Errorf("%w (the journal ends at %d entries, %d were written)", ErrRolledBack, v.tree.size, v.p.HighWater.Size)
	}
	return nil
}

func (v *verifier) fill() {
	l, r := &v.led, &v.report
	r.Origin, r.Unit, r.Party, r.Epoch, r.Name = l.origin, l.unit, l.party, l.epoch, l.identity.Name
	r.Head, r.Keys, r.Identities, r.Certificate = v.tree.head(), l.keys, l.chain, l.cert
	if l.last != nil {
		r.Last = l.last.At
	}
}
