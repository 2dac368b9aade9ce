package node

import (
	"context"
	"fmt"

	"entente/journal"
)

// ExhibitRekeyRequest asks for another key of evidence.
type ExhibitRekeyRequest struct {
	All bool `json:"all,omitempty"` // seal what lies here to it too, and forget the keys before
}

// ExhibitRekeyResponse says where the keys lie and how many there are.
type ExhibitRekeyResponse struct {
	File     string `json:"file"`
	Keys     int    `json:"keys"`     // the new one and those that open what was sealed before
	Resealed int64  `json:"resealed"` // payloads that were sealed anew
}

// RekeyExhibits makes a new key under which evidence lies from now on. Those before are kept, because what was sealed before is
// opened with them; or everything is sealed anew, after which they are forgotten. Whatever interrupts that: all keys stay, and it can be
// done again.
func (n *Node) RekeyExhibits(ctx context.Context, r ExhibitRekeyRequest, progress func(Progress)) (*ExhibitRekeyResponse, error) {
	n.rotating.Lock()
	defer n.rotating.Unlock()
	if _, err := n.vault.recipient(); err != nil { // who has no key yet gets the first one
		return nil, n.sealedError(err)
	}
	res := &ExhibitRekeyResponse{File: n.vault.path}
	if r.All && n.vault.full() { // room for another key is made first
		if err := n.reseal(ctx, res, progress); err != nil {
			return nil, err
		}
	}
	keys, err := n.vault.rotate()
	if err != nil {
		return nil, n.sealedError(err)
	}
	res.Keys, res.Resealed = keys, 0
	n.opts.Log.Info("evidence is sealed to a new key", "file", n.vault.path, "keys", keys)
	if !r.All {
		return res, nil
	}
	return res, n.reseal(ctx, res, progress)
}

// reseal seals all evidence to the newest key and forgets the others.
func (n *Node) reseal(ctx context.Context, res *ExhibitRekeyResponse, progress func(Progress)) error {
	for _, l := range n.units() {
		if err := l.reseal(ctx, res, progress); err != nil {
			return n.sealedError(fmt.Errorf("sealing evidence of unit %s anew: %w", l.id.Short(), err))
		}
	}
	if err := n.resealHeld(); err != nil {
		return n.sealedError(fmt.Errorf("sealing anew what is held ready: %w", err))
	}
	res.Keys = 1
	return n.vault.forget()
}

// reseal seals the evidence of a unit to the newest key, payload by payload, each under the lock: what is destroyed meanwhile must not
// come back.
func (l *ledger) reseal(ctx context.Context, res *ExhibitRekeyResponse, progress func(Progress)) error {
	l.mu.Lock()
	payloads := l.payloads
	l.mu.Unlock()
	var all []journal.Hash
	for c, err := range payloads.List() {
		if err != nil {
			return err
		}
		all = append(all, c)
	}
	for i, c := range all {
		if err := ctx.Err(); err != nil {
			return err
		}
		l.mu.Lock()
		done, err := l.payloads.Reseal(c)
		l.mu.Unlock()
		if err != nil {
			return err
		}
		if done {
			res.Resealed++
		}
		if progress != nil {
			progress(Progress{Stage: "reseal", Done: int64(i + 1), Total: int64(len(all)), Unit: "payloads"})
		}
	}
	return nil
}
