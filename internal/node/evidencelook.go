package node

import (
	"context"
	"errors"
	"slices"
	"time"

	"entente/internal/store"
	"entente/internal/unit"
	"entente/journal"
)

// A node looks after the evidence that lies here while it runs: what was removed or changed on the disk is asked for again from
// partners. Each look takes the stamps of all files, and reads back what has another one than when it was read, or was not read
// since a day, at most so many bytes.
const (
	lookEvery = time.Minute
	lookBytes = 64 << 20
	lookBrief = 16 << 20 // while somebody waits for a list
	lookAgain = 24 * time.Hour
)

// lookedAt is what is known of a payload of evidence since it was written or read back last.
type lookedAt struct {
	stamp   store.Stamp
	at      time.Time
	damaged bool // it was read, and is not what it was
}

// evidenceLoop looks after the evidence until ctx ends.
func (n *Node) evidenceLoop(ctx context.Context) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
			n.lookAfterEvidence(ctx)
		}
	}
}

// lookAfterEvidence looks once.
func (n *Node) lookAfterEvidence(ctx context.Context) {
	budget := int64(lookBytes)
	for _, l := range n.units() {
		l.mu.Lock()
		all := l.fold.Exhibits()
		pieces := l.pieces(all...)
		l.mu.Unlock()
		l.lookAt(ctx, pieces, &budget)
	}
}

// piece is a payload of an exhibit with what is known of it.
type piece struct {
	c      journal.Hash
	before lookedAt
	known  bool
	wanted bool
}

// pieces are the payloads of exhibits that are to be here. The lock must be held.
func (l *ledger) pieces(all ...unit.Exhibit) []piece {
	var out []piece
	add := func(c journal.Hash) {
		if !l.gone[c] {
			before, known := l.looked[c]
			out = append(out, piece{c, before, known, l.wanted[c]})
		}
	}
	for i := range all {
		add(all[i].Seal)
		for _, c := range all[i].Written() {
			add(c.Payload.Commitment)
		}
	}
	return out
}

// lookAt takes the stamps of pieces, and reads back those of which it does not follow that they are what they were, as long as
// the budget of bytes lasts.
func (l *ledger) lookAt(ctx context.Context, pieces []piece, budget *int64) {
	l.mu.Lock()
	payloads := l.payloads
	l.mu.Unlock()
	for _, x := range pieces {
		if ctx.Err() != nil {
			return
		}
		stamp, err := payloads.Stamp(x.c)
		switch {
		case err != nil: // the disk cannot say
		case stamp == store.Stamp{}:
			if !x.wanted {
				l.noticed(x.c, store.ErrNotFound)
			}
		case x.known && stamp.Same(x.before.stamp) && l.n.now().Sub(x.before.at) < lookAgain:
		case *budget > 0:
			*budget -= stamp.Size
			_, _, err := payloads.Get(x.c)
			l.mu.Lock()
			l.readBack(x.c, stamp, err)
			l.mu.Unlock()
		}
	}
}

// readBack notes how it went to read a piece whose file had a stamp before. The lock must be held.
func (l *ledger) readBack(c journal.Hash, stamp store.Stamp, err error) {
	if l.gone[c] {
		return
	}
	seen := lookedAt{stamp: stamp, at: l.n.now()}
	switch {
	case err == nil:
		if l.wanted[c] { // somebody has put it back
			delete(l.wanted, c)
			for _, np := range l.named[c] {
				if size, held, err := l.payloads.Size(c); held && err == nil {
					l.bothHere(np, size)
				}
			}
		}
	case harmed(err):
		seen.damaged = true
		l.noticedHeld(c, err)
	case errors.Is(err, store.ErrNotFound):
		l.noticedHeld(c, err)
		return
	default: // sealed, or the disk cannot say
		return
	}
	if l.looked == nil {
		l.looked = map[journal.Hash]lookedAt{}
	}
	l.looked[c] = seen
}

// writtenHere notes that a piece was just written. The lock must be held.
func (l *ledger) writtenHere(c journal.Hash) {
	if stamp, err := l.payloads.Stamp(c); err == nil && stamp != (store.Stamp{}) {
		l.readBack(c, stamp, nil)
	}
}

// noticed is noticedHeld without the lock.
func (l *ledger) noticed(c journal.Hash, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.noticedHeld(c, err)
}

// noticedHeld notes that reading a payload of evidence failed with err: one that is gone or changed is asked for again, in a
// session that is opened soon. Of other payloads and other errors it notes nothing. The lock must be held.
func (l *ledger) noticedHeld(c journal.Hash, err error) {
	damaged := harmed(err)
	if !damaged && !errors.Is(err, store.ErrNotFound) || l.gone[c] || !slices.ContainsFunc(l.named[c], isEvidence) {
		return
	}
	if damaged {
		if l.looked == nil {
			l.looked = map[journal.Hash]lookedAt{}
		}
		seen := l.looked[c]
		seen.damaged = true
		l.looked[c] = seen
	} else {
		delete(l.looked, c)
	}
	if l.wanted[c] {
		return
	}
	l.n.opts.Log.Warn("evidence that was here is gone or was changed on the disk; partners are asked for it again", "ref", l.named[c][0].ref.String(), "err", err)
	l.wanted[c] = true
	l.n.ring(l.id)
}

// damagedHere says whether a piece lies here that is known not to be what it was. The lock must be held.
func (l *ledger) damagedHere(c journal.Hash) bool { return l.wanted[c] && l.looked[c].damaged }
