package node

import (
	"context"
	"sync"
	"time"

	"entente/internal/peer"
)

// askTime bounds how long a start waits for partners: one that is away, or that
// lets us wait, must not keep us from signing.
const askTime = 5 * time.Second

// Establish finds out, before anything is signed after a start, whether the own
// journals are the latest ones: the own witness is asked where there is one, and
// every partner that can be reached says what it holds of them. A partner's
// signed longer tail, or the own witness, retires a journal; a partner that is
// away or shows nothing changes nothing. Nothing is signed meanwhile.
//
// An own witness that cannot be asked is no error: its units wait, the status
// says so, and Run asks again.
func (n *Node) Establish(ctx context.Context) error {
	client, err := n.client()
	if err != nil {
		return err
	}
	defer client.Close()
	var wg sync.WaitGroup
	for _, l := range n.units() {
		wg.Go(func() { n.establish(ctx, client, l) })
	}
	wg.Wait()
	return ctx.Err()
}

func (n *Node) establish(ctx context.Context, client *peer.Client, l *ledger) {
	l.mu.Lock()
	l.hold.asking = true
	l.mu.Unlock()
	if err := n.vouch(ctx, l); err != nil {
		n.opts.Log.Error("the own witness cannot be asked, so nothing is signed until it can", "unit", l.id.Short(), "err", err)
	}
	n.ask(ctx, client, l)
	l.mu.Lock()
	l.hold.asking = false
	l.mu.Unlock()
	if err := n.release(l); err != nil {
		n.opts.Log.Error("what was owed could not be signed", "unit", l.id.Short(), "err", err)
	}
}

// ask opens a session with each partner that can be reached, as far as its first
// answer: what it holds of our own journal comes first in that.
func (n *Node) ask(ctx context.Context, client *peer.Client, l *ledger) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	var wg sync.WaitGroup
	for _, t := range l.targets() {
		wg.Go(func() {
			ctx, answered := context.WithCancel(ctx)
			defer answered()
			_, err := client.Sync(ctx, t, func(peer.Progress) { answered() })
			if err != nil && ctx.Err() == nil {
				n.opts.Log.Info("a partner could not be asked what it holds of our journal", "unit", l.id.Short(), "party", t.Party.Short(), "err", err)
			}
		})
	}
	wg.Wait()
}

// release signs what waited, if nothing is waited for any more.
func (n *Node) release(l *ledger) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.maySign() != nil {
		return nil
	}
	return l.receiptAll()
}
