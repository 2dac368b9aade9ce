package node

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"entente/internal/notify"
	"entente/internal/store"
	"entente/journal"
)

// ail notes that a write failed in a way that leaves unknown what is on the disk,
// so that the journals concerned are opened again (see [Node.mend]). Until then
// nothing is signed or taken in there. The lock must be held.
func (l *ledger) ail(err error) error {
	if err != nil && (errors.Is(err, journal.ErrBroken) || errors.Is(err, store.ErrBroken)) {
		l.ailing = err
	}
	return err
}

// mend looks after the disk while the node runs: it says when there is no room and
// when there is again, opens again what a failing disk has closed, and lets what
// waited go on. It is called every second, and does nothing on a good day.
func (n *Node) mend(ctx context.Context) {
	view, _, control := n.room()
	was := n.full.Swap(view.Full)
	switch {
	case view.Full && !was:
		n.opts.Log.Error("the disk is full: nothing is imported, shared or received until there is room", "free", view.Free, "reserve", view.Reserve)
	case !view.Full && was:
		n.opts.Log.Info("there is room on the disk again", "free", view.Free)
	}
	if control <= 0 {
		return
	}
	mended := was && !view.Full
	if n.intel.Behind() && n.objects.Fault() == nil {
		if err := n.intel.Mend(ctx); err != nil {
			n.trouble(ctx, "the local log or the objects", err)
			return
		}
		n.opts.Log.Info("what the node knows is up to date again")
		mended = true
	}
	for _, l := range n.units() {
		l.mu.Lock()
		if l.ailing != nil {
			if err := l.reload(ctx); err != nil {
				n.trouble(ctx, "the journals of unit "+l.id.Short(), err)
			} else {
				n.opts.Log.Info("the journals were opened again and go on", "unit", l.id.Short())
				mended = true
			}
		}
		l.mu.Unlock()
	}
	if !mended {
		return
	}
	n.intakeSoon(nil)
	for _, l := range n.units() {
		n.ring(l.id)
	}
}

// trouble logs what is tried again every second, once for each reason.
func (n *Node) trouble(ctx context.Context, what string, err error) {
	text := fmt.Sprintf("%s: %v", what, err)
	if old := n.troubled.Swap(&text); ctx.Err() == nil && (old == nil || *old != text) {
		n.opts.Log.Error("the disk still fails; it is tried again", "what", what, "err", err)
	}
}

// reload opens a unit's journals again and establishes what they hold, as at a
// start: what was signed is kept if it is whole, and the high-water mark is held
// against it. The journals that were open are closed only then, so that reading
// goes on while the disk fails. The lock must be held.
func (l *ledger) reload(ctx context.Context) error {
	fresh, err := openLedger(ctx, l.n, l.id)
	if err != nil {
		return err
	}
	if fresh == nil {
		return fmt.Errorf("unit %s is gone from %s", l.id.Short(), l.dir)
	}
	old := []*store.Journal{}
	if l.ownStore != nil {
		old = append(old, l.ownStore)
	}
	for _, m := range l.mirrors {
		old = append(old, m.store)
	}
	// An accord text that a failing disk does not give now is still known: without it the node would
	// take a unit under an accord for one that has none, until the next start.
	for hash, text := range l.texts {
		if _, there := fresh.texts[hash]; !there {
			fresh.texts[hash] = text
			_ = fresh.fold.AddAccord(text) // what it is was said when it came
		}
	}
	fresh.file = l.file // its mirrors ask it who is who
	was := l.contents
	l.contents = fresh.contents
	// What is due and what is waited for came after the start, and goes on.
	l.hold, l.begun = was.hold, was.begun
	l.owed = fresh.owed
	l.owed = append(l.owed, slices.DeleteFunc(was.owed, l.owedAlready)...)
	// The unit's file is what is in memory: its last writing may have failed.
	if l.file.Retired && l.own != nil {
		l.retired = retiredError(l, journal.ErrRolledBack)
		l.giveUp()
	}
	for _, s := range old {
		if err := s.Close(); err != nil && !errors.Is(err, store.ErrBroken) {
			l.n.opts.Log.Info("a journal that was given up did not close well", "unit", l.id.Short(), "err", err)
		}
	}
	return l.save()
}

// owedAlready tells whether a draft that was owed before the journals were opened
// again is in the own journal, or owed, by what the disk says.
func (l *ledger) owedAlready(d journal.Draft) bool {
	switch d.Kind {
	case journal.KindIdentity:
		return true
	case journal.KindEvidence:
		c, ok := d.Body.(journal.Contradiction)
		return ok && (l.proclaimed[c.Origin] || slices.ContainsFunc(l.owed, func(o journal.Draft) bool {
			b, ok := o.Body.(journal.Contradiction)
			return ok && b.Origin == c.Origin
		}))
	}
	return false
}

// diskNeeds is what the disk needs a person for.
func (n *Node) diskNeeds(view DiskView) []notify.Item {
	var out []notify.Item
	if view.Full {
		out = append(out, notify.Item{Code: notify.ItemDiskFull, Detail: fmt.Sprintf("%s (%d bytes) free under %s, %s kept for what is under way", sizeText(view.Free), view.Free, n.at.dir, sizeText(view.Reserve))})
	}
	if err := n.objects.Fault(); err != nil && !errors.Is(err, store.ErrNoRoom) {
		out = append(out, notify.Item{Code: notify.ItemDerived, Detail: err.Error()})
	}
	if err := n.local.Fault(); err != nil {
		out = append(out, notify.Item{Code: notify.ItemLocal, Detail: err.Error()})
	}
	return out
}
