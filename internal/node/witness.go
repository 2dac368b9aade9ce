package node

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"

	"entente/internal/peer"
	"entente/journal"

	"golang.org/x/mod/sumdb/tlog"
)

// witnessLogs lets this node cosign heads of journals it mirrors. What it
// cosigned last lies beside the high-water marks, outside the backup set: a
// restored folder must not cosign a second history.
type witnessLogs struct {
	n  *Node
	mu sync.Mutex
}

var _ peer.WitnessLogs = (*witnessLogs)(nil)

// Verify checks a checkpoint against the keys of a mirrored journal and against
// what is held of it. One that contradicts what is held is proof, and is kept;
// one that lies ahead is remembered until its entries have come.
func (w *witnessLogs) Verify(_ context.Context, o journal.Origin, signed []byte) (journal.Head, error) {
	for _, l := range w.n.units() {
		l.mu.Lock()
		m := l.mirrors[o]
		if m == nil {
			l.mu.Unlock()
			continue
		}
		defer l.mu.Unlock()
		if m.fault != "" || m.m.Keyring() == nil {
			break
		}
		head, err := m.m.Keyring().VerifyCheckpoint(signed)
		switch held := m.m.Head(); {
		case err != nil:
			return head, err
		case head.Size > held.Size:
			return head, l.remember(o, m, "", signed)
		default:
			if _, err := m.m.Offer(signed, nil); err != nil && !isStale(err) {
				return head, l.refused(o, m, held, err)
			}
			return head, nil
		}
	}
	return journal.Head{}, peer.ErrUnknownLog
}

func (w *witnessLogs) path(o journal.Origin) string {
	return filepath.Join(w.n.config.HighWater, "cosigned-"+strings.TrimPrefix(string(o), "entente/"))
}

// Cosigned is the largest head cosigned so far.
func (w *witnessLogs) Cosigned(_ context.Context, o journal.Origin) (journal.Head, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.get(o)
}

func (w *witnessLogs) get(o journal.Origin) (journal.Head, error) {
	var h journal.Head
	if err := o.Check(); err != nil {
		return h, err
	}
	_, err := w.n.at.readJSON(w.path(o), &h)
	return h, err
}

// Swap moves it on, durably, if nobody did in between.
func (w *witnessLogs) Swap(_ context.Context, o journal.Origin, old, next journal.Head) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now, err := w.get(o)
	if err != nil || now != old {
		return false, err
	}
	if next.Size < now.Size {
		return false, fmt.Errorf("a witness never goes back from %d to %d", now.Size, next.Size)
	}
	return true, w.n.at.writeJSON(w.path(o), next)
}

func (n *Node) newWitness() (*peer.Witness, error) {
	seed, err := n.at.read(n.at.key(keyWitness))
	if err != nil {
		return nil, err
	}
	raw, err := hex.DecodeString(string(trimLine(seed)))
	if err != nil || len(raw) != ed25519.SeedSize {
		return nil, fmt.Errorf("%s does not hold a 32-byte seed", keyWitness)
	}
	return peer.NewWitness(peer.WitnessParams{Name: n.keys().witness.Name(), Key: ed25519.NewKeyFromSeed(raw),
		Logs: &witnessLogs{n: n}, Now: n.opts.Clock, Log: n.opts.Log})
}

func (n *Node) witnessHandler() http.Handler {
	w, err := n.newWitness()
	if err != nil {
		n.opts.Log.Error("the witness endpoint is off", "err", err)
		return nil
	}
	return w
}

// askWitnesses submits the own head to the configured witnesses and journals
// what they cosigned: only then does it count as evidence.
func (n *Node) askWitnesses(ctx context.Context, l *ledger) error {
	n.vouchSoon(ctx, l)
	l.mu.Lock()
	told, _ := n.vouched(l.origin())
	if n.ownWitness() != nil && l.own != nil && told != l.own.Head() {
		l.mu.Unlock()
		return nil // nobody is shown what the own witness has not seen
	}
	if l.own == nil || l.maySign() != nil || len(n.config.Witnesses) == 0 || l.own.Last().Kind == journal.KindWitness {
		l.mu.Unlock()
		return nil
	}
	cp, head, st, origin := l.own.Checkpoint(), l.own.Head(), l.ownStore, l.origin()
	l.mu.Unlock()
	signed := cp
	var lines []byte
	for _, c := range n.config.Witnesses {
		if c.Own {
			continue // it vouches for us; to others its word is ours
		}
		client := &peer.WitnessClient{URL: c.URL, VKey: c.VKey}
		got, err := client.CosignFrom(ctx, cp, n.witnessed(c.URL, origin), func(old, size int64) ([]journal.Hash, error) {
			return tlog.ProveTree(size, old, st)
		})
		if err != nil {
			n.opts.Log.Warn("a witness did not cosign", "url", c.URL, "unit", l.id.Short(), "err", err)
			continue
		}
		n.setWitnessed(c.URL, origin, head.Size)
		lines = append(lines, got...)
	}
	if len(lines) == 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.maySign() != nil {
		return nil // it is asked again
	}
	_, err := l.write(journal.Draft{Kind: journal.KindWitness, By: n.machine(), Body: journal.WitnessBody{Checkpoint: string(signed) + string(lines)}})
	return err
}

type witnessKey struct {
	url    string
	origin journal.Origin
}

// witnessed is the size a witness is believed to know; a wrong guess costs one
// more request.
func (n *Node) witnessed(url string, o journal.Origin) int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.witness[witnessKey{url, o}]
}

func (n *Node) setWitnessed(url string, o journal.Origin, size int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.witness[witnessKey{url, o}] = size
}
