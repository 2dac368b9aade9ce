package node

import (
	"errors"
	"iter"
	"maps"
	"slices"

	"entente/internal/peer"
	"entente/internal/unit"
	"entente/journal"
)

// ended tells whether a stretch is not to be looked at because its journal is
// proved to be false: nothing more of it comes from its author. What other members
// hold of it goes on to be taken, because their entries build on it: up to the
// larger head of two that contradict each other, and all that is sound where the
// proof is one entry that breaks a rule, which its author may not have shown them.
func (m *mirror) ended(from journal.PartyID, run peer.Run) bool {
	if m.fault == "" {
		return false
	}
	return from == m.party || contradicts(m.fault) && run.First+int64(len(run.Entries)) > m.upTo
}

// extend takes in a stretch, or judges a head that is shown without one.
func (m *mirror) extend(run peer.Run) (*journal.Extension, error) {
	if run.Prefix != nil {
		return nil, m.m.Show(run.Checkpoint, *run.Prefix)
	}
	return m.m.Extend(run.Entries, run.Checkpoint)
}

func contradicts(code string) bool {
	return code == journal.CodeFork || code == journal.CodeRollback || code == journal.CodeRewritten
}

// proves tells whether an error carries a proof against a journal's writer.
func proves(err error) bool {
	var c *journal.ContradictionError
	var v *journal.ViolationError
	return errors.As(err, &c) || errors.As(err, &v)
}

// unbegun yields the journals that are proved to be false and of which nothing is held, because their very
// first stretch was, with their authors.
func (l *ledger) unbegun() iter.Seq2[journal.Origin, journal.PartyID] {
	return func(yield func(journal.Origin, journal.PartyID) bool) {
		for _, p := range slices.Sorted(maps.Keys(l.file.Partners)) {
			for epoch := 0; epoch <= unit.MaxEpochs && len(l.file.Faults) > 0; epoch++ {
				o := journal.OriginOf(l.id, p, epoch)
				if _, lied := l.file.Faults[o]; lied && l.mirrors[o] == nil && !yield(o, p) {
					return
				}
			}
		}
	}
}

func isStale(err error) bool { return errors.Is(err, journal.ErrStale) }
