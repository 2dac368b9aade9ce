package node

import (
	"fmt"
	"slices"

	"entente/internal/peer"
	"entente/journal"

	"golang.org/x/mod/sumdb/tlog"
)

// noteSelf takes in what the unit knows of this party's own identity. Whatever it is, our
// organisation key signed it: a version that is newer than what this folder has tells that
// the folder was put back to before a rotation. If the newer version takes the right to
// certify it from the key that certified the own journal, nobody who knows it takes that
// journal, and only the organisation key can vouch for it: by a successor. The lock must be
// held, or the ledger not yet shared.
func (l *ledger) noteSelf(chain []journal.Signed) {
	ours := l.n.keys().chain
	known := func(s journal.Signed) bool {
		same := func(x journal.Signed) bool { return x.Text == s.Text }
		return slices.ContainsFunc(ours, same) || slices.ContainsFunc(l.ownChain, same)
	}
	if !slices.ContainsFunc(chain, func(s journal.Signed) bool { return !known(s) }) {
		return
	}
	merged, err := journal.MergeIdentityChains(ours, l.ownChain)
	if err == nil {
		merged, err = journal.MergeIdentityChains(merged, chain)
	}
	if err != nil {
		l.n.opts.Log.Error("what the unit was told of this party's identity does not fit it", "unit", l.id.Short(), "err", err)
		return
	}
	l.ownChain = merged
	if l.own == nil {
		return
	}
	e, err := l.entry(journal.Ref{Origin: l.origin()})
	if err != nil {
		l.n.opts.Log.Error("the own journal's beginning cannot be read", "unit", l.id.Short(), "err", err)
		return
	}
	if err := journal.CheckGenesis(e, merged); err != nil {
		l.retire(fmt.Sprintf("members know version %d of this party's identity, and this folder was put back to before it, to version %d, and began its journal under that: %v",
			versionOf(merged), l.n.keys().id.Version, err))
	}
}

// outdated tells whether members who know what the unit knows of this party refuse one of
// its journals for how it begins. The lock must be held.
func (l *ledger) outdated(o journal.Origin) (bool, error) {
	if len(l.ownChain) == 0 {
		return false, nil
	}
	e, err := l.entry(journal.Ref{Origin: o})
	if err != nil {
		return false, err
	}
	return journal.CheckGenesis(e, l.ownChain) != nil, nil
}

// versionOf is the newest version in a chain that was verified.
func versionOf(chain []journal.Signed) int {
	if len(chain) == 0 {
		return 0
	}
	id, err := journal.ParseIdentity(chain[len(chain)-1])
	if err != nil {
		return 0
	}
	return id.Version
}

// knownFor gives what a mirror of a journal is to know of its author's identity. A journal
// that was begun under a replaced identity is refused, unless the author's organisation key
// vouches for it: a successor, which is held, names it, and these are its entries up to the
// head that is named. Then the identity is the one that the journal itself tells, and
// nothing newer. The lock must be held.
func (l *ledger) knownFor(e *journal.Entry, run peer.Run) func(journal.PartyID) []journal.Signed {
	for _, m := range l.mirrors {
		if m.party != e.Author || m.m.Head().Size == 0 {
			continue
		}
		c := m.m.Certificate()
		if c.Predecessor == nil || c.Predecessor.Origin != run.Origin || !begins(run.Entries, c.Predecessor.Head) {
			continue
		}
		g, err := e.Genesis()
		if err != nil {
			break
		}
		as := versionOf(g.Identities)
		return func(p journal.PartyID) []journal.Signed {
			return slices.DeleteFunc(slices.Clone(l.known(p)), func(s journal.Signed) bool { return versionOf([]journal.Signed{s}) > as })
		}
	}
	return l.known
}

// begins tells whether entries are the beginning of a journal with this head, or all of it.
func begins(entries [][]byte, head journal.Head) bool {
	if head.Size < 1 || int64(len(entries)) < head.Size {
		return false
	}
	var hashes []tlog.Hash
	read := tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, 0, len(at))
		for _, i := range at {
			if i >= int64(len(hashes)) {
				return nil, fmt.Errorf("hash %d is not here", i)
			}
			out = append(out, hashes[i])
		}
		return out, nil
	})
	for i, raw := range entries[:head.Size] {
		more, err := tlog.StoredHashes(int64(i), raw, read)
		if err != nil {
			return false
		}
		hashes = append(hashes, more...)
	}
	root, err := tlog.TreeHash(head.Size, read)
	return err == nil && root == head.Root
}

// firstStretch is the last head of a journal that its first stretch reaches as it is sent,
// of so many entries at most: what a successor has to name so that others can hold the
// stretch against it. The lock must be held.
func (l *ledger) firstStretch(m *mirror) (journal.Head, error) {
	for run, err := range peer.Runs(m.store, 0, false) {
		if err != nil {
			return journal.Head{}, err
		}
		_, head, err := journal.CheckpointHead(run.Checkpoint)
		return head, err
	}
	return journal.Head{}, nil
}
