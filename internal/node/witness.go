package node

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"entente/internal/peer"
	"entente/journal"

	"golang.org/x/mod/sumdb/tlog"
)

// witnessLogs lets this node cosign heads of journals it mirrors. What it
// cosigned last lies beside the high-water marks, outside the backup set: a
// restored folder must not cosign a second history.
type witnessLogs struct {
	n    *Node
	note string // of the key that cosigns
	mu   *sync.Mutex
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
			if err := l.remember(o, m, "", signed); err != nil {
				return head, err
			}
			if !slices.ContainsFunc(m.ahead, func(h aheadHead) bool { return h.Size == head.Size }) {
				// What is cosigned has to be here when the entries come, or the two never meet.
				return head, &peer.Refusal{Code: peer.CodeTooMany, Origin: o, Index: held.Size, Detail: "too many heads of this journal wait for their entries; send those first"}
			}
			return head, nil
		default:
			if _, err := m.m.Offer(signed, nil); err != nil && !isStale(err) {
				return head, l.refused(o, m, held, err)
			}
			return head, nil
		}
	}
	return journal.Head{}, peer.ErrUnknownLog
}

func (n *Node) cosignedPath(o journal.Origin) string {
	return filepath.Join(n.config.HighWater, "cosigned-"+strings.TrimPrefix(string(o), "entente/"))
}

// cosigned is the largest head of a journal that this node's witness has cosigned.
func (n *Node) cosigned(o journal.Origin) (journal.Head, error) {
	var h journal.Head
	if err := o.Check(); err != nil {
		return h, err
	}
	_, err := n.at.readJSON(n.cosignedPath(o), &h)
	return h, err
}

// Cosigned is the largest head cosigned so far.
func (w *witnessLogs) Cosigned(_ context.Context, o journal.Origin) (journal.Head, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.known(o)
}

// known is the largest head cosigned, if the marks know that.
func (w *witnessLogs) known(o journal.Origin) (journal.Head, error) {
	whole, err := w.n.cosigns(w.note)
	if err == nil && !whole {
		err = peer.ErrWitnessStopped
	}
	if err != nil {
		return journal.Head{}, err
	}
	return w.n.cosigned(o)
}

// Swap moves it on, durably, if nobody did in between.
func (w *witnessLogs) Swap(_ context.Context, o journal.Origin, old, next journal.Head) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now, err := w.known(o)
	if err != nil || now != old {
		return false, err
	}
	if next.Size < now.Size {
		return false, fmt.Errorf("a witness never goes back from %d to %d", now.Size, next.Size)
	}
	return true, w.n.at.writeJSON(w.n.cosignedPath(o), next)
}

// witnessHandler answers with the witness key of the moment: one that is rotated is
// taken up at once.
func (n *Node) witnessHandler() http.Handler {
	var moving sync.Mutex
	h := http.Handler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		key := n.keys().witness
		w, err := peer.NewWitness(peer.WitnessParams{Name: witnessNameOf(key), Key: key,
			Logs: &witnessLogs{n: n, note: witnessNote(witnessVKey(key)), mu: &moving}, Now: n.opts.Clock, Log: n.opts.Log})
		if err != nil {
			n.opts.Log.Error("the witness endpoint is off", "err", err)
			http.Error(rw, "the witness failed and has logged why", http.StatusInternalServerError)
			return
		}
		w.ServeHTTP(rw, r)
	}))
	if n.opts.watch != nil {
		h = n.opts.watch(h)
	}
	return h
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
	if l.own == nil || l.marked != l.own.Head() || l.maySign() != nil || len(n.config.Witnesses) == 0 || !l.fold.NeedsWitness(l.origin(), l.own.Head().Size) {
		l.mu.Unlock()
		return nil
	}
	signed, head, st, origin := l.own.Checkpoint(), l.own.Head(), l.ownStore, l.origin()
	l.mu.Unlock()
	var lines []byte
	client, err := n.client()
	if err != nil {
		return err
	}
	defer client.Close()
	for _, c := range n.config.Witnesses {
		if c.Own {
			continue // it vouches for us; to others its word is ours
		}
		known, ways, err := l.waysTo(client, c)
		if err != nil {
			n.opts.Log.Warn("a witness cannot be asked", "witness", c.URL+c.Party, "unit", l.id.Short(), "err", err)
			continue
		}
		for _, way := range ways {
			asking, cancel := context.WithTimeout(ctx, witnessTime)
			got, err := way.CosignFrom(asking, signed, n.witnessed(known, origin), func(old, size int64) ([]journal.Hash, error) {
				return tlog.ProveTree(size, old, st)
			})
			cancel()
			if err == nil {
				n.setWitnessed(known, origin, head.Size)
				lines = append(lines, got...)
				break
			}
			n.opts.Log.Warn("a witness did not cosign", "witness", c.URL+c.Party, "unit", l.id.Short(), "err", err)
			if _, unreachable := errors.AsType[*url.Error](err); !unreachable || asking.Err() != nil {
				break // another of its addresses leads to the same witness
			}
		}
	}
	if len(lines) == 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.maySign() != nil {
		return nil // it is asked again
	}
	_, err = l.write(journal.Draft{Kind: journal.KindWitness, By: n.machine(), Body: journal.WitnessBody{Checkpoint: string(signed) + string(lines)}})
	return err
}

// witnessTime bounds how long one witness is waited for at one of its addresses.
const witnessTime = 30 * time.Second

// waysTo are the addresses of a witness, with a name for it. A partner's node is asked
// under the keys of its identity, in units that it is in.
func (l *ledger) waysTo(client *peer.Client, c WitnessConfig) (string, []*peer.WitnessClient, error) {
	if c.Party == "" {
		return c.URL, []*peer.WitnessClient{{URL: c.URL, VKey: c.VKey}}, nil
	}
	p, err := l.findParty(c.Party)
	if err != nil {
		return "", nil, err
	}
	t, reached := l.target(p)
	l.mu.Lock()
	id, _ := l.identity(p)
	l.mu.Unlock()
	if !reached || id.Witness == "" {
		return "", nil, fmt.Errorf("partner %s tells no address, or no witness key", p.Short())
	}
	var out []*peer.WitnessClient
	for _, a := range t.Addresses {
		out = append(out, &peer.WitnessClient{URL: "https://" + a + strings.TrimSuffix(peer.PathWitness, "/add-checkpoint"), VKey: id.Witness, HTTP: client.HTTP(t)})
	}
	return "party " + string(p), out, nil
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
