package node

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"entente/internal/peer"
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
	n.rotating.Lock() // two next versions of one identity would exclude each other
	defer n.rotating.Unlock()
	switch r.What {
	case "node", "tls", "witness", "org":
	default:
		return nil, badInput("Unknown key "+r.What+".", "", "Rotate node, tls, witness or org.")
	}
	var org *journal.PrivateKey
	if !r.DryRun || r.OrgKey != "" {
		var err error
		if org, err = n.keys().readOrgKey(r.OrgKey); err != nil {
			return nil, err
		}
	}
	for _, l := range n.units() { // what passes by itself is waited for, so that every unit is told
		if err := l.onHold(); err != nil {
			return nil, err
		}
		// What is not held of a retired journal may tell an identity of the same version
		// as the one that would be made; a succession asks the partners for it first.
		l.mu.Lock()
		retired := l.retired
		l.mu.Unlock()
		if retired != nil {
			return nil, retired
		}
	}
	if err := n.mayFollow(r.Unseen); err != nil {
		return nil, err
	}
	known, err := n.ownIdentities()
	if err != nil {
		return nil, err
	}
	before, err := journal.ParseIdentity(known[len(known)-1])
	if err != nil {
		return nil, err
	}
	next := n.keys().id
	next.Created = n.createdAfter()
	// Nor is a version created before the one it follows: after a clock that was ahead
	// once, a key could not be replaced for as long.
	if before.Created.After(next.Created) {
		next.Created = before.Created
	}
	next.Expires = next.Created.Add(identityLife)
	next.Addresses = n.config.Peer.Advertise
	next.Name = n.config.Name
	var newOrg *journal.PrivateKey
	staged := layout{n.at.files, filepath.Join(n.at.dir, ".rotate")}
	defer func() { _ = n.at.remove(staged.dir) }() // what is left is removed by the next rotation
	// The keys that change. A witness that may not use its key any more gets the next one
	// with whatever is rotated.
	var changed []string
	renew := r.What == "witness" || n.witnessStopped()
	res := &IdentityRotateResponse{Entries: []string{}, Version: before.Version + 1, Changes: changesOf(r, renew), Units: []string{}, DryRun: r.DryRun}
	for _, l := range n.units() {
		res.Units = append(res.Units, l.name())
	}
	if r.DryRun {
		id, err := n.Identity(ctx)
		if err != nil {
			return nil, err
		}
		res.Identity = *id
		return res, nil
	}
	if r.What == "org" {
		if newOrg, err = journal.GenerateKey(n.opts.Rand); err != nil {
			return nil, err
		}
	}
	if r.What != "org" || renew {
		_, fresh, err := dailyKeys(staged, n.opts.Rand)
		if err != nil {
			return nil, err
		}
		switch r.What {
		case "node":
			next.Node, changed = fresh.Node, append(changed, keyNode)
		case "tls":
			changed = append(changed, keyTLS)
			// The key that is shown now stays: it is the one that every partner knows, also
			// one that has not heard of the rotation before this.
			shown, err := peer.PinOfKey(n.tlsKey().Public())
			if err != nil {
				return nil, err
			}
			next.TLS = append(fresh.TLS, shown)
		}
		if renew {
			next.Witness, changed = fresh.Witness, append(changed, keyWitness)
		}
	}
	signed, err := journal.RotateIdentity(known[len(known)-1], org, newOrg, next)
	if err != nil {
		return nil, err
	}
	// The new key lies beside the old one before the identity names it, and takes its
	// place afterwards; a crash in between is mended at the next start.
	for _, name := range changed {
		if err := stageKey(staged, n.at, name); err != nil {
			return nil, err
		}
	}
	if renew {
		if err := n.noteRenewed(next.Witness); err != nil {
			return nil, err
		}
	}
	chain := append(known, signed)
	if err := saveIdentity(n.at, chain); err != nil {
		return nil, err
	}
	// After it is saved: one that was marked first, and then not saved, would be followed by the
	// next as if it had been lost. And before it is shown to anybody, which it is from here on.
	if err := n.markIdentities(chain); err != nil {
		return nil, err
	}
	fresh, err := loadKeys(n.at)
	if err != nil {
		return nil, err
	}
	n.secret.Store(fresh)
	if newOrg != nil {
		res.NewOrgKey = offlineText(backupLine(r.OrgKey)) + string(newOrg.Marshal("organisation key of "+next.Name+": keep OFFLINE; replaces the one before"))
	}
	for _, l := range n.units() {
		entries, err := n.tellRotation(l, signed, r.Compromise, org, newOrg)
		for _, e := range entries {
			res.Entries = append(res.Entries, e.Ref().String())
		}
		if err == nil {
			continue
		}
		// The identity is rotated all the same, and is announced when the unit can be
		// written to again. A new organisation key must not be lost over it.
		n.opts.Log.Error("a unit was not told of the rotation", "unit", l.name(), "err", err)
		if newOrg == nil && l.signs() {
			return nil, fmt.Errorf("unit %s: %w", l.name(), err)
		}
	}
	id, err := n.Identity(ctx)
	if err != nil {
		return nil, err
	}
	res.Identity = *id
	return res, nil
}

// changesOf are the keys that a rotation replaces.
func changesOf(r IdentityRotateRequest, renew bool) []string {
	out := []string{}
	switch r.What {
	case "org":
		out = append(out, KeyOrganisation)
	case "node", "tls":
		out = append(out, r.What)
	}
	if renew {
		out = append(out, KeyWitness)
	}
	if r.Compromise {
		out = append(out, KeyJournal)
	}
	return out
}

// createdAfter is the time of a new identity: now, but in whole seconds after every own
// journal says that it began, whatever the clock did. Whoever comes later and knows the new
// identity would refuse a journal that the key before it has certified, if it seemed to
// have begun afterwards.
func (n *Node) createdAfter() time.Time {
	at := n.now()
	for _, l := range n.units() {
		l.mu.Lock()
		e, err := l.entry(journal.Ref{Origin: l.origin()})
		l.mu.Unlock()
		if err != nil {
			continue // nothing is held of it
		}
		if least := e.At.Truncate(time.Second).Add(time.Second); at.Before(least) {
			at = least
		}
	}
	return at
}

// ownIdentities is the own identity chain with what the marks and the own journals tell
// beyond it: a folder that was restored has an older chain than partners do, and has its own
// tail back from them. The keys of such a version may be lost; the next version follows it all the
// same, because two of one version would exclude each other.
func (n *Node) ownIdentities() ([]journal.Signed, error) {
	chain := slices.Clone(n.keys().chain)
	follow := func(told []journal.Signed, where string) {
		for _, s := range told {
			merged, err := journal.MergeIdentityChains(chain, []journal.Signed{s})
			if err != nil {
				n.opts.Log.Error("an own identity that is told elsewhere does not fit the others", "where", where, "err", err)
				continue
			}
			chain = merged
		}
	}
	marked, err := markedIdentities(n.at, &n.config)
	if err != nil {
		return nil, err
	}
	follow(marked, "the high-water marks")
	for _, l := range n.units() {
		l.mu.Lock()
		told, err := l.ownTold()
		l.mu.Unlock()
		if err != nil {
			return nil, err
		}
		follow(told, "unit "+l.id.Short())
	}
	return chain, nil
}

// ownTold lists the identities that the own journals tell, in their order, and those by
// which members have introduced this party. The lock must be held.
func (l *ledger) ownTold() (out []journal.Signed, err error) {
	out = slices.Clone(l.ownChain)
	for _, j := range l.journals() {
		if !j.own {
			continue
		}
		for raw, err := range j.store.Read(0, j.size()) {
			if err != nil {
				return nil, err
			}
			if !bytes.Contains(raw, []byte(journal.KindIdentity)) {
				continue
			}
			e, err := journal.ParseEntry(slices.Clone(raw))
			if err != nil || e.Kind != journal.KindIdentity {
				continue // what is held was verified when it was taken in
			}
			if b, err := journal.DecodeBody[journal.IdentityBody](e, e.Kind); err == nil {
				out = append(out, b.Signed)
			}
		}
	}
	return out, nil
}

// tellRotation writes the new identity version into a unit's journal, and, after
// a compromise, the notice and the next journal key.
func (n *Node) tellRotation(l *ledger, signed journal.Signed, compromised bool, org, newOrg *journal.PrivateKey) ([]*journal.Entry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	drafts := []journal.Draft{{Kind: journal.KindIdentity, By: n.machine(), Body: journal.IdentityBody{Signed: signed}}}
	if compromised && l.own != nil {
		c, err := n.compromise(l, org, newOrg)
		if err != nil {
			return nil, err
		}
		drafts = append(drafts, c)
	}
	entries, err := l.write(drafts...)
	if err == nil && compromised {
		err = l.rotateKey()
	}
	return entries, err
}

// unannounced are the identity versions that the own journal does not tell yet:
// a crash came between the rotation and its entry, or the journal was retired.
// The lock must be held, or the ledger not yet shared.
func (l *ledger) unannounced() ([]journal.Draft, error) {
	chain := l.n.keys().chain
	if len(chain) < 2 || l.own == nil {
		return nil, nil
	}
	told, err := l.own.Identities()
	if err != nil {
		return nil, err
	}
	newest := 0
	if len(told) > 0 {
		id, err := journal.ParseIdentity(told[len(told)-1])
		if err != nil {
			return nil, err
		}
		newest = id.Version
	}
	var drafts []journal.Draft
	for _, s := range chain {
		id, err := journal.ParseIdentity(s)
		if err != nil {
			return nil, err
		}
		if id.Version > newest {
			drafts = append(drafts, journal.Draft{Kind: journal.KindIdentity, By: l.n.machine(), Body: journal.IdentityBody{Signed: s}})
		}
	}
	return drafts, nil
}

// nextKey is the name under which a key waits for the identity that names it.
const nextKey = ".next"

func stageKey(from, to layout, name string) error {
	data, err := from.read(from.key(name))
	if err != nil {
		return err
	}
	return to.write(to.key(name)+nextKey, data)
}

// settleKey puts a waiting key into its place if named says that the identity
// names it, and drops it otherwise: then the rotation did not happen.
func settleKey(at layout, name string, named func(text []byte) bool) error {
	path := at.key(name)
	text, err := at.read(path + nextKey)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !named(text) {
		return at.remove(path + nextKey)
	}
	if name == keyTLS { // partners who have not heard yet know the old one only
		old, err := at.read(at.key(keyTLSOld))
		if err == nil && named(old) {
			return at.rename(path+nextKey, path) // or the one before it, if they have not heard of that either
		}
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			old, err = at.read(path)
		}
		if err == nil {
			err = at.write(at.key(keyTLSOld), old)
		}
		if err != nil {
			return err
		}
	}
	return at.rename(path+nextKey, path)
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
	pending := l.keyPath(l.file.Epoch) + nextKey
	if err := l.n.at.write(pending, next.Marshal("next journal key of unit "+l.id.Short())); err != nil {
		return err
	}
	e, head, err := l.own.Rotate(l.n.now(), l.n.machine(), next, cert)
	if err != nil {
		return l.ail(err)
	}
	if err := l.mark(head); err != nil {
		l.ailing = err
		return err
	}
	// The entry is signed and on the disk from here on. If it cannot be folded now, it is when the
	// journals are opened again, as after a crash at this point.
	err = l.n.at.rename(pending, l.keyPath(l.file.Epoch))
	if err == nil {
		err = l.take(e, true)
	}
	if err != nil {
		l.ailing = err
	}
	return err
}
