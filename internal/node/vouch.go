package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"entente/internal/peer"
	"entente/internal/store"
	"entente/journal"

	"golang.org/x/mod/sumdb/tlog"
)

// Bounds of asking the own witness.
const (
	vouchTime  = 5 * time.Second // for one answer
	vouchPause = 5 * time.Second // after a failure, before it is asked again on the way
	// vouchAge is how old a cosignature may say to be. An older one could have been
	// recorded by who stands between, and be shown again to an old copy.
	vouchAge = 5 * time.Minute
)

// ownWitness is the witness that this party runs itself, nil without one. Every
// head of the own journals is cosigned by it before anybody else is told, so it
// knows at each start which is the latest: a high-water mark on another machine.
func (n *Node) ownWitness() *WitnessConfig {
	for i := range n.config.Witnesses {
		if n.config.Witnesses[i].Own {
			return &n.config.Witnesses[i]
		}
	}
	return nil
}

// vouched is the head that the own witness has cosigned since the start.
func (n *Node) vouched(o journal.Origin) (journal.Head, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	h, ok := n.vouches[o]
	return h, ok
}

// ownHead is what there is of the own journal, for signing or as a mirror. The
// lock must be held.
func (l *ledger) ownHead() (cp []byte, head journal.Head, st *store.Journal) {
	if l.own != nil {
		return l.own.Checkpoint(), l.own.Head(), l.ownStore
	}
	m := l.mirrors[l.origin()]
	if m == nil {
		return nil, journal.Head{}, nil
	}
	cp, err := m.store.Latest()
	if err != nil {
		return nil, journal.Head{}, nil
	}
	return cp, m.m.Head(), m.store
}

// vouchSoon lets the own witness cosign what is new before it is told. Without
// its answer only what it cosigned before is told.
func (n *Node) vouchSoon(ctx context.Context, l *ledger) {
	l.mu.Lock()
	due := l.uncosigned() && !n.now().Before(l.vouchAgain)
	l.mu.Unlock()
	if !due {
		return
	}
	if err := n.vouch(ctx, l); err != nil && ctx.Err() == nil {
		n.opts.Log.Warn("the own witness does not answer; what is new is not told yet", "unit", l.id.Short(), "err", err)
	}
}

// uncosigned says whether partners are not told of all that was signed, because the own witness did not cosign it yet. The lock must be held.
func (l *ledger) uncosigned() bool {
	if l.n.ownWitness() == nil || l.own == nil {
		return false
	}
	had, _ := l.n.vouched(l.origin())
	return l.own.Head() != had
}

// vouch asks the own witness about the head of the own journal. Its cosignature
// lets the head be told, and, after a start, the journal be extended; if it knows
// a later head, or another history, the journal is retired.
func (n *Node) vouch(ctx context.Context, l *ledger) error {
	own := n.ownWitness()
	if own == nil {
		return nil
	}
	l.vouching.Lock()
	defer l.vouching.Unlock()
	l.mu.Lock()
	cp, head, st := l.ownHead()
	origin, settled := l.origin(), l.own == nil && !l.hold.witness
	l.mu.Unlock()
	if settled || head.Size == 0 {
		return nil
	}
	asking, cancel := context.WithTimeout(ctx, vouchTime)
	defer cancel()
	client := &peer.WitnessClient{URL: own.URL, VKey: own.VKey}
	lines, err := client.CosignFrom(asking, cp, n.witnessed(own.URL, origin), func(old, size int64) ([]journal.Hash, error) {
		return tlog.ProveTree(size, old, st)
	})
	if err == nil {
		err = n.fresh(lines)
	}
	conflict, behind := errors.AsType[*peer.ConflictError](err)
	l.mu.Lock()
	switch {
	case err == nil:
		l.hold.why, l.vouchAgain = "", time.Time{}
		n.mu.Lock()
		n.vouches[origin] = head
		n.witness[witnessKey{own.URL, origin}] = head.Size
		n.mu.Unlock()
	case behind && conflict.Size >= head.Size, errors.Is(err, peer.ErrInconsistent):
		l.hold.witness = false
		l.retire(fmt.Sprintf("the own witness cosigned another head of this journal than any that is here: %v", err))
		err = nil
	default:
		l.hold.why = err.Error()
		l.vouchAgain = n.now().Add(vouchPause)
	}
	release := err == nil && l.hold.witness
	if release && l.own == nil { // its mark was missing; now it may be opened to sign
		err = l.reload(ctx)
	}
	l.hold.witness = l.hold.witness && (!release || err != nil)
	l.mu.Unlock()
	if release && err == nil {
		err = n.release(l)
	}
	return err
}

// fresh refuses a cosignature that may have been made for somebody else's question.
func (n *Node) fresh(lines []byte) error {
	at, err := peer.CosignedAt(lines)
	if err != nil {
		return err
	}
	if at.Before(n.now().Add(-vouchAge)) {
		return fmt.Errorf("its cosignature is of %s, and it is %s here: a clock is wrong, or it is an old answer", at.UTC().Format(time.RFC3339), n.now().UTC().Format(time.RFC3339))
	}
	return nil
}
