package node

import (
	"context"
	"errors"
	"fmt"

	"entente/internal/peer"
	"entente/internal/store"
	"entente/internal/unit"
	"entente/journal"
)

// Succeed opens successors for all journals of this node that may not be
// extended, and gives a stopped witness its next key if every member can be heard
// first. orgKey is the text of the organisation key file.
func (n *Node) Succeed(ctx context.Context, orgKey string) ([]RestoredUnit, error) {
	var out []RestoredUnit
	for _, l := range n.units() {
		l.mu.Lock()
		retired := l.retired != nil
		l.mu.Unlock()
		if !retired {
			continue
		}
		head, err := n.succeed(ctx, l, orgKey)
		if err != nil {
			return out, err
		}
		out = append(out, RestoredUnit{Unit: string(l.id), Name: l.name(), State: "successor", Origin: string(l.origin()), Head: head.Size})
	}
	n.renewWitness(ctx, orgKey)
	return out, nil
}

// succeed opens the successor of a journal whose latest head cannot be
// established, and returns the head it names. Partners are asked first: they may
// hold more of the old journal, and even a successor that another restore of the
// same backup has opened. Nothing in memory changes before the certificate is on
// disk, and the certificate is there before the new journal begins: a crash at any
// point leaves either the retired journal or the successor.
func (n *Node) succeed(ctx context.Context, l *ledger, orgText string) (head journal.Head, err error) {
	org, err := n.keys().readOrgKey(orgText)
	if err != nil {
		return head, err
	}
	client, err := n.client()
	if err != nil {
		return head, err
	}
	n.ask(ctx, client, l)
	client.Close()
	key, err := journal.GenerateKey(n.opts.Rand)
	if err != nil {
		return head, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	old, head, err := l.predecessor()
	if err != nil {
		return head, err
	}
	cert, err := journal.NewSuccessor(org, old, head, key.Public())
	if err != nil {
		return head, err
	}
	next := l.file
	next.Epoch, next.Certificate, next.Retired = old.Epoch+1, &cert, false
	if err := n.at.write(l.keyPath(next.Epoch), key.Marshal("journal key of unit "+l.id.Short()+", successor")); err != nil {
		return head, err
	}
	if err := l.begin(next.Epoch); err != nil {
		return head, err
	}
	if err := n.at.writeJSON(l.unitPath(), next); err != nil {
		return head, err
	}
	l.file = next
	l.hold.witness = false // the new journal has a key that nobody had before
	return head, l.reload(ctx)
}

// predecessor is the newest of the own journals and the last head of it that
// nobody disputes. The lock must be held.
func (l *ledger) predecessor() (journal.Certificate, journal.Head, error) {
	party := l.n.keys().party
	last := l.file.Epoch
	for _, m := range l.mirrors {
		if m.party == party && m.m.Head().Size > 0 {
			last = max(last, m.m.Certificate().Epoch)
		}
	}
	// A restore here, of the same backup, may have opened later ones. The marks need not know those
	// between: they may have been lost, and begun anew.
	for epoch := unit.MaxEpochs; epoch > last; epoch-- {
		mark, _, err := l.n.marks.Get(journal.OriginOf(l.id, party, epoch))
		if err != nil && !errors.Is(err, store.ErrCopied) {
			return journal.Certificate{}, journal.Head{}, err
		}
		if mark.Size > 0 { // else there is none, or nothing was signed in the one that was to begin
			last = epoch
		}
	}
	origin := journal.OriginOf(l.id, party, last)
	cert := journal.Certificate{Unit: l.id, Party: party, Epoch: last}
	head := journal.Head{}
	fault := ""
	switch m := l.mirrors[origin]; {
	case m != nil && m.m.Head().Size > 0:
		cert, head, fault = m.m.Certificate(), m.m.Head(), m.fault
	case l.own != nil && origin == l.origin():
		cert, head = l.own.Certificate(), l.own.Head()
	}
	if m := l.mirrors[origin]; m != nil && head.Size > 0 && fault == "" {
		outdated, err := l.outdated(origin)
		if err != nil {
			return cert, head, err
		}
		if outdated {
			if head, err = l.firstStretch(m); err != nil {
				return cert, head, err
			}
		}
	}
	if fault != "" { // two histories: name what those who were shown either have in common
		head = l.undisputed(origin)
	}
	return cert, head, nil
}

// undisputed is a head of an own journal of which two histories exist: the
// largest that lies in what every member has said it saw of it, none if somebody
// has seen another. The lock must be held.
func (l *ledger) undisputed(origin journal.Origin) journal.Head {
	m, party := l.mirrors[origin], l.n.keys().party
	var least *journal.Head
	for p := range l.file.Partners {
		if p == party {
			continue
		}
		h := l.fold.SeenBy(p)[origin]
		if root, err := rootAt(m, h.Size); err != nil || root != h.Root {
			return journal.Head{}
		}
		if least == nil || h.Size < least.Size {
			least = &h
		}
	}
	if least == nil || least.Size == 0 {
		return journal.Head{}
	}
	return *least
}

// lastKnown is the head of the own journal as it is held.
func (l *ledger) lastKnown() journal.Head {
	if l.own != nil {
		return l.own.Head()
	}
	if m := l.mirrors[l.origin()]; m != nil {
		return m.m.Head()
	}
	return journal.Head{}
}

// excluded returns the two certificates, ours and another one, if a stretch is
// another beginning of the own journal: this organisation's key has certified two
// successors of one journal, because one backup was restored twice. The lock must
// be held.
func (l *ledger) excluded(run peer.Run) (ours, theirs *journal.Signed, err error) {
	if run.Origin != l.origin() || run.First != 0 || len(run.Entries) == 0 || l.file.Certificate == nil {
		return nil, nil, nil
	}
	e, err := journal.ParseEntry(run.Entries[0])
	if err != nil || e.Origin() != run.Origin {
		return nil, nil, nil // refused where it is taken in
	}
	g, err := e.Genesis()
	if err != nil {
		return nil, nil, nil
	}
	q := journal.Equivocation{Party: l.n.keys().party, A: *l.file.Certificate, B: g.Certificate}
	if q.Verify(l.n.keys().chain) != nil {
		return nil, nil, nil
	}
	return &q.A, &q.B, nil
}

// otherBeginning makes room for the successor that came first, where this folder
// has opened another one. What was written here is kept beside, with the proof,
// and is over: the others hold the other one. The lock must be held.
func (l *ledger) otherBeginning(ctx context.Context, run peer.Run) error {
	ours, theirs, err := l.excluded(run)
	if err != nil || ours == nil {
		return err
	}
	if err := l.keepOnce(run.Origin, journal.CodeTwoStatements, journal.Equivocation{Party: l.n.keys().party, A: *ours, B: *theirs}); err != nil {
		return err
	}
	l.retire("this organisation's key has certified two successors of one journal; the other one is the one that a partner holds")
	l.n.opts.Log.Error("what was written in the second successor is set aside and reaches nobody", "unit", l.id.Short(), "origin", run.Origin.Short())
	if m := l.mirrors[run.Origin]; m != nil {
		delete(l.mirrors, run.Origin)
		if err := m.store.Close(); err != nil {
			return err
		}
	}
	dir := l.journalDir(run.Origin)
	if err := l.n.at.rename(dir, fmt.Sprintf("%s.set-aside-%s", dir, l.n.now().UTC().Format("20060102T150405.000"))); err != nil {
		return err
	}
	// From now on the certificate is the other one's, so that its beginning is not
	// another beginning any more.
	l.file.Certificate = theirs
	if err := l.save(); err != nil {
		return err
	}
	return l.reload(ctx)
}
