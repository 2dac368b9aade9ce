package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
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
