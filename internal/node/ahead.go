package node

import (
	"path/filepath"
	"slices"
	"strings"

	"entente/journal"
)

// aheadHead is a head that was properly signed by its journal's writer, is longer
// than what is held here, and came without the entries that lead to it. It proves
// nothing yet. Once the journal has grown so far it is held against what came
// instead: without that, somebody could show a second history, or have it
// cosigned, and be believed as if nobody had seen it.
type aheadHead struct {
	From       journal.PartyID `json:"from,omitempty"` // who showed it; empty: somebody who asked the witness
	Size       int64           `json:"size"`
	Checkpoint string          `json:"checkpoint"`
}

// Bounds on heads that wait, for each journal. Its writer (and whoever asks the
// witness, which is open to all) cannot crowd out what other members showed.
const (
	maxAhead      = 8
	maxAheadOfOwn = 4
)

func (l *ledger) aheadPath(o journal.Origin) string {
	return filepath.Join(l.dir, "ahead", strings.TrimPrefix(string(o), "entente/")+".json")
}

// remember keeps a head that lies ahead of what is held. Two of one size that
// differ are a proof at once, which is returned as an error like any other.
func (l *ledger) remember(o journal.Origin, m *mirror, from journal.PartyID, checkpoint []byte) error {
	keys := m.m.Keyring()
	if keys == nil || m.fault != "" {
		return nil
	}
	head, signed, err := keys.Canonical(checkpoint)
	if err != nil || head.Size <= m.m.Head().Size {
		return nil // proves nothing, now or later
	}
	next := aheadHead{From: from, Size: head.Size, Checkpoint: string(signed)}
	for _, had := range m.ahead {
		if had.Size != head.Size {
			continue
		}
		if _, h, err := journal.CheckpointHead([]byte(had.Checkpoint)); err == nil && h != head {
			return l.refused(o, m, m.m.Head(), journal.Forked(o, []byte(had.Checkpoint), signed))
		}
		return nil
	}
	kept := int64(0)
	if len(m.ahead) >= maxAheadOfOwn {
		cosigned, err := l.n.cosigned(o)
		if err != nil {
			return err
		}
		kept = cosigned.Size
	}
	before := slices.Clone(m.ahead)
	if !m.room(next, kept) {
		return nil
	}
	if err := l.n.at.writeJSON(l.aheadPath(o), m.ahead); err != nil {
		m.ahead = before // what is not on disk counts for nothing: it is kept when it is shown again
		return err
	}
	return nil
}

// room puts a head among those that wait. If there is no place left, what can be
// judged soonest stays, and what another member showed stays before what the
// writer itself did. The head of size kept, which was cosigned here last, stays in any case:
// whatever else was cosigned is part of its history.
func (m *mirror) room(next aheadHead, kept int64) bool {
	own := func(h aheadHead) bool { return h.From == "" || h.From == m.party }
	count, last := 0, -1 // of the writer's, and the longest of them
	for i, had := range m.ahead {
		if own(had) {
			count++
			if had.Size != kept && (last < 0 || had.Size > m.ahead[last].Size) {
				last = i
			}
		}
	}
	switch full := len(m.ahead) >= maxAhead; {
	case !full && (!own(next) || count < maxAheadOfOwn):
		m.ahead = append(m.ahead, next)
	case last < 0 || own(next) && m.ahead[last].Size <= next.Size:
		return false
	default:
		m.ahead[last] = next
	}
	return true
}

// meet judges heads that were shown before their entries came, now that the
// journal has grown.
func (l *ledger) meet(o journal.Origin, m *mirror) error {
	before := m.m.Head()
	due := func(h aheadHead) bool { return h.Size <= before.Size }
	if !slices.ContainsFunc(m.ahead, due) {
		return nil
	}
	var judged error
	for _, h := range m.ahead {
		if !due(h) || judged != nil {
			continue
		}
		if _, err := m.m.Offer([]byte(h.Checkpoint), nil); err != nil && !isStale(err) {
			judged = l.refused(o, m, before, err)
		}
	}
	m.ahead = slices.DeleteFunc(m.ahead, due)
	if err := l.n.at.writeJSON(l.aheadPath(o), m.ahead); err != nil {
		return err
	}
	return judged
}
