package node

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	"entente/journal"
)

// Identity shows this party's identity chain.
func (n *Node) Identity(_ context.Context) (*IdentityResponse, error) {
	id := n.keys().id
	org, node := id.Org.ID(), id.Node.ID()
	r := &IdentityResponse{Party: string(n.keys().party), Name: id.Name, Version: id.Version,
		OrgKey: hex.EncodeToString(org[:]), NodeKey: hex.EncodeToString(node[:]),
		Witness: id.Witness, Created: id.Created, Expires: id.Expires, Addresses: id.Addresses, Chain: n.keys().chain}
	for _, pin := range id.TLS {
		r.TLS = append(r.TLS, hex.EncodeToString(pin[:]))
	}
	return r, nil
}

// RotateIdentity makes the next identity version and tells every unit in an
// entry. Partners believe it because the organisation key signed it; the TLS key
// of before stays valid beside the new one for one version, so that partners who
// have not heard yet can still connect.
func (n *Node) RotateIdentity(ctx context.Context, r IdentityRotateRequest) (*IdentityRotateResponse, error) {
	org, err := n.keys().readOrgKey(r.OrgKey)
	if err != nil {
		return nil, err
	}
	next := n.keys().id
	next.Created = n.now()
	next.Expires = next.Created.Add(identityLife)
	next.Addresses = n.config.Peer.Advertise
	next.Name = n.config.Name
	var newOrg *journal.PrivateKey
	staged := layout{filepath.Join(n.at.dir, ".rotate")}
	defer os.RemoveAll(staged.dir)
	switch r.What {
	case "node", "tls":
		_, fresh, err := dailyKeys(staged, n.opts.Rand)
		if err != nil {
			return nil, err
		}
		if r.What == "node" {
			next.Node = fresh.Node
		} else {
			next.TLS = append(fresh.TLS, n.keys().id.TLS[:min(1, len(n.keys().id.TLS))]...)
		}
	case "org":
		if newOrg, err = journal.GenerateKey(n.opts.Rand); err != nil {
			return nil, err
		}
	default:
		return nil, badInput("Unknown key "+r.What+".", "", "Rotate node, tls or org.")
	}
	signed, err := journal.RotateIdentity(n.keys().chain[len(n.keys().chain)-1], org, newOrg, next)
	if err != nil {
		return nil, err
	}
	// The new key is in place before anybody is told of it.
	switch r.What {
	case "node":
		err = moveKey(staged, n.at, keyNode)
	case "tls":
		err = moveKey(staged, n.at, keyTLS)
	}
	if err != nil {
		return nil, err
	}
	chain := append(append([]journal.Signed{}, n.keys().chain...), signed)
	if err := saveIdentity(n.at, chain); err != nil {
		return nil, err
	}
	fresh, err := loadKeys(n.at)
	if err != nil {
		return nil, err
	}
	n.secret.Store(fresh)
	res := &IdentityRotateResponse{Entries: []string{}}
	if newOrg != nil {
		res.NewOrgKey = string(newOrg.Marshal("organisation key of " + next.Name + ": keep OFFLINE; replaces the one before"))
	}
	for _, l := range n.units() {
		l.mu.Lock()
		drafts := []journal.Draft{{Kind: journal.KindIdentity, By: n.machine(), Body: journal.IdentityBody{Signed: signed}}}
		if r.Compromise && l.own != nil {
			c, err := n.compromise(l, org, newOrg)
			if err != nil {
				l.mu.Unlock()
				return nil, err
			}
			drafts = append(drafts, c)
		}
		entries, err := l.write(drafts...)
		if err == nil && r.Compromise {
			err = l.rotateKey()
		}
		l.mu.Unlock()
		if err != nil {
			return nil, fmt.Errorf("unit %s: %w", l.name(), err)
		}
		for _, e := range entries {
			res.Entries = append(res.Entries, e.Ref().String())
		}
	}
	id, err := n.Identity(ctx)
	if err != nil {
		return nil, err
	}
	res.Identity = *id
	return res, nil
}

func moveKey(from, to layout, name string) error {
	data, err := readBounded(from.key(name))
	if err != nil {
		return err
	}
	return writeFile(to.key(name), data)
}

// compromise says that the journal key fell into wrong hands and names the last
// head this party stands by. The lock must be held.
func (n *Node) compromise(l *ledger, org, newOrg *journal.PrivateKey) (journal.Draft, error) {
	if newOrg != nil {
		org = newOrg
	}
	key, head := l.own.Keyring().Current().ID(), l.own.Head()
	s, err := journal.NewCompromise(org, journal.Compromise{Party: n.keys().party, Key: key, Origin: l.origin(), Good: head, Created: n.now()})
	if err != nil {
		return journal.Draft{}, err
	}
	return journal.Draft{Kind: journal.KindCompromise, By: n.machine(),
		Body: journal.CompromiseBody{Key: key, Origin: l.origin(), Good: head, Statement: s}}, nil
}

// rotateKey replaces the journal key of a unit. The new key is on disk before
// the entry that certifies it is written. The lock must be held.
func (l *ledger) rotateKey() error {
	next, err := journal.GenerateKey(l.n.opts.Rand)
	if err != nil {
		return err
	}
	cert, err := journal.NewCertificate(l.n.keys().node, journal.Certificate{Unit: l.id, Party: l.n.keys().party, Epoch: l.file.Epoch,
		Key: next.Public(), Replaces: l.own.Keyring().Current().ID()})
	if err != nil {
		return err
	}
	pending := l.keyPath(l.file.Epoch) + ".next"
	if err := writeFile(pending, next.Marshal("next journal key of unit "+l.id.Short())); err != nil {
		return err
	}
	e, head, err := l.own.Rotate(l.n.now(), l.n.machine(), next, cert)
	if err != nil {
		return err
	}
	if err := l.n.marks.Raise(l.origin(), head); err != nil {
		return err
	}
	if err := os.Rename(pending, l.keyPath(l.file.Epoch)); err != nil {
		return err
	}
	return l.take(e, true)
}
