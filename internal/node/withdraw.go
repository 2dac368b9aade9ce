package node

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"entente/internal/intel"
	"entente/internal/notify"
	"entente/journal"
	"entente/stix"
)

// What was shared and is taken back here has to be taken back wherever it went. What went where is in the own journals and
// nowhere else, so that nothing of it is kept that could be wrong: whoever takes something back has them read.

// withdrawnSource is what the import is called in which the node revokes what a TAXII client deleted.
const withdrawnSource = "deleted here"

// Bounds on looking after what was taken back.
const (
	maxTakenBack  = 10_000          // objects for which the own journals are read at once
	maxForgotten  = 1000            // objects that one request deletes
	withdrawAgain = 5 * time.Minute // after which what could not be told is tried again
)

// withdrawals is what is known of objects that were taken back here.
type withdrawals struct {
	pass sync.Mutex // one at a time

	mu     sync.Mutex
	done   map[string]bool // ids of which nobody has to be told any more
	owed   []owed
	shares int  // since the start
	stale  bool // something was shared while the last pass was made
}

// owed is an object of which the members of a unit have a version that is not revoked, though it is taken back here.
type owed struct {
	unit journal.UnitID
	id   string
	why  string // it was not told by itself
}

// sentVersion is the newest version of an object that went into a unit.
type sentVersion struct {
	object   *stix.Object
	unmarked string // what its entry stated
}

// withdrawLoop has the pass made whenever something may have been taken back, and again while something is owed.
func (n *Node) withdrawLoop(ctx context.Context) {
	again := time.NewTicker(withdrawAgain)
	defer again.Stop()
	failed := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.intel.Taken():
			settle(ctx, n.intel.Taken())
		case <-again.C:
			if !failed && n.withdrawals.idle() {
				continue
			}
		}
		err := n.withdraw(ctx)
		if failed = err != nil; failed && ctx.Err() == nil {
			n.opts.Log.Error("whether members know what was taken back here could not be seen to; it is tried again", "in", withdrawAgain.String(), "err", err)
		}
	}
}

func (w *withdrawals) list() []owed {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.owed
}

// idle tells that nothing is left to be tried again.
func (w *withdrawals) idle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.owed) == 0 && !w.stale
}

// shared notes what went into a unit: what revokes is owed no more, and what had been seen to before has to be seen to again when
// it is taken back.
func (w *withdrawals) shared(id journal.UnitID, objects []sharedObject) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shares++
	for i := range objects {
		delete(w.done, objects[i].id)
	}
	w.owed = slices.DeleteFunc(slices.Clone(w.owed), func(o owed) bool {
		return o.unit == id && slices.ContainsFunc(objects, func(s sharedObject) bool { return s.id == o.id && s.revokes() })
	})
}

// owes tells whether an object revokes one of which a unit has a version from here: then it may go there, whoever it is from.
func (w *withdrawals) owes(id journal.UnitID, s *sharedObject) bool {
	return slices.ContainsFunc(w.list(), func(o owed) bool { return o.unit == id && o.id == s.id }) && s.revokes()
}

func (s *sharedObject) revokes() bool {
	o, err := stix.Parse(s.raw)
	return err == nil && o.Revoked
}

// withdraw finds what was taken back here and was shared. What a client deleted is revoked and shared as far as it had gone; for
// all else that members do not know, a person is told.
func (n *Node) withdraw(ctx context.Context) error {
	w := &n.withdrawals
	w.pass.Lock()
	defer w.pass.Unlock()
	var open []owed
	w.mu.Lock()
	before := w.shares
	w.mu.Unlock()
	var settled []string
	for last := ""; ; {
		back, err := n.takenBack(ctx, last)
		if err != nil {
			return err
		}
		if len(back) == 0 {
			break
		}
		last = back[len(back)-1]
		sent, err := n.sentBefore(ctx, back)
		if err != nil {
			return err
		}
		for _, id := range back {
			left, err := n.withdrawOne(ctx, id, sent[id])
			if err != nil {
				return fmt.Errorf("%s: %w", id, err)
			}
			if open = append(open, left...); len(left) == 0 {
				settled = append(settled, id)
			}
		}
	}
	slices.SortFunc(open, func(a, b owed) int { return cmp.Or(cmp.Compare(a.unit, b.unit), cmp.Compare(a.id, b.id)) })
	w.mu.Lock()
	defer w.mu.Unlock()
	w.owed = open
	if w.stale = w.shares != before; w.stale {
		return nil // it may have been one of these: the next pass finds out
	}
	if w.done == nil {
		w.done = map[string]bool{}
	}
	for _, id := range settled {
		w.done[id] = true
	}
	return nil
}

func (w *withdrawals) isSettled(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.done[id]
}

// takenBack lists, behind one, the objects that were here and of which nothing is, or nothing but what revokes.
func (n *Node) takenBack(ctx context.Context, behind string) (ids []string, err error) {
	for id, err := range n.intel.TakenBack(ctx, behind) {
		if err != nil {
			return nil, err
		}
		if n.withdrawals.isSettled(id) {
			continue
		}
		revoked, here, err := n.revoked(ctx, id)
		if err != nil {
			return nil, err
		}
		if here && !revoked {
			continue
		}
		if ids = append(ids, id); len(ids) == maxTakenBack {
			break
		}
	}
	return ids, nil
}

// revoked tells whether the newest accepted version of an object is, and whether there is one.
func (n *Node) revoked(ctx context.Context, id string) (revoked, here bool, err error) {
	f, here, err := n.intel.Newest(ctx, id)
	if err != nil || !here {
		return false, false, err
	}
	o, err := stix.Parse(f.Raw)
	if err != nil {
		return false, false, fmt.Errorf("%s, as it is kept, cannot be read: %w", id, err)
	}
	return o.Revoked, true, nil
}

// sentBefore reads what this party shared, and keeps the newest version of each of the objects in each unit.
func (n *Node) sentBefore(ctx context.Context, list []string) (map[string]map[journal.UnitID]sentVersion, error) {
	ids, out := map[string]bool{}, map[string]map[journal.UnitID]sentVersion{}
	for _, id := range list {
		ids[id] = true
	}
	for _, l := range n.units() {
		l.mu.Lock()
		self := n.keys().party
		var own []namedPayload
		if !l.fold.Withdrawn(self) {
			for _, list := range l.named {
				for _, np := range list {
					if np.from == self && bringsObjects(np) {
						own = append(own, np)
					}
				}
			}
		}
		l.mu.Unlock()
		for _, np := range own {
			if err := n.sentWith(ctx, l, np, ids, out); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// sentWith reads one payload. One that is not here any more was destroyed, and so was what members have of it.
func (n *Node) sentWith(ctx context.Context, l *ledger, np namedPayload, ids map[string]bool, out map[string]map[journal.UnitID]sentVersion) error {
	leave, err := n.opts.Limits.Memory.Enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	plain, err := l.bundle(np.p)
	switch {
	case errors.Is(err, intel.ErrGone):
		return nil
	case err != nil && ofTheMachine(err):
		return fmt.Errorf("reading what was shared with %s: %w", np.ref, err)
	case err != nil:
		n.opts.Log.Warn("what was shared cannot be read, so that nobody knows whether it is taken back; 'entente doctor' says what to do", "ref", np.ref.String(), "err", err)
		return nil
	}
	l.mu.Lock()
	body, _, _ := l.fold.Content(np.ref)
	l.mu.Unlock()
	for o, err := range stix.NewReader(bytes.NewReader(plain), stix.ReaderOptions{}).Objects() {
		if err != nil || !ids[o.ID] {
			continue // this node wrote it: what it cannot read in it was no object when it was shared
		}
		if o, err = stix.Parse(bytes.Clone(o.Raw)); err != nil { // a copy, so that the payload is not kept for it
			return err
		}
		units := out[o.ID]
		if units == nil {
			units = map[journal.UnitID]sentVersion{}
			out[o.ID] = units
		}
		if have, ok := units[l.id]; !ok || stix.CompareVersions(have.object, o) < 0 {
			units[l.id] = sentVersion{o, body.Unmarked}
		}
	}
	return nil
}

// withdrawOne has the units told that have a version of an object which is not revoked, and lists those where that is for a
// person to do.
func (n *Node) withdrawOne(ctx context.Context, id string, sent map[journal.UnitID]sentVersion) ([]owed, error) {
	var newest *stix.Object
	var units []journal.UnitID
	for _, u := range slices.Sorted(maps.Keys(sent)) {
		v := sent[u]
		if newest == nil || stix.CompareVersions(newest, v.object) < 0 {
			newest = v.object
		}
		if !v.object.Revoked {
			units = append(units, u)
		}
	}
	if len(units) == 0 {
		return nil, nil
	}
	f, here, err := n.intel.Newest(ctx, id)
	if err != nil {
		return nil, err
	}
	deleted := here && len(f.Provenance) > 0 && f.Provenance[0].From == "" && f.Provenance[0].Source == withdrawnSource
	if !here {
		if newest.IsSCO() || newest.Modified.IsZero() {
			return nil, nil // it has no versions, and says nothing by itself
		}
		if err := n.revoke(ctx, newest); err != nil {
			return nil, err
		}
		deleted = true
	}
	var left []owed
	for _, u := range units {
		o := owed{unit: u, id: id, why: "the version that revokes it was not shared there"}
		if deleted {
			switch res, err := n.Share(ctx, ShareRequest{Unit: string(u), IDs: []string{id}, Unmarked: sent[u].unmarked}, nil); {
			case err != nil && (ctx.Err() != nil || n.takesNothing(err)):
				return nil, err
			case err != nil:
				o.why = err.Error()
			case res.Shared > 0:
				continue
			}
		}
		left = append(left, o)
	}
	return left, nil
}

// revoke takes in a version of an object, as it was shared, that takes it back: the next one, unless it does so itself.
func (n *Node) revoke(ctx context.Context, o *stix.Object) error {
	if !o.Revoked {
		now := n.now().UTC().Truncate(time.Millisecond)
		if !now.After(o.Modified.Time) {
			now = o.Modified.Time.Truncate(time.Millisecond).Add(time.Millisecond)
		}
		var err error
		if o, err = stix.Revise(o, now).Revoke().Object(); err != nil {
			return fmt.Errorf("the version that revokes it cannot be made: %w", err)
		}
	}
	_, err := n.intel.Import(ctx, bytes.NewReader(o.Raw), intel.Source{Name: withdrawnSource, Note: "a TAXII client deleted it, and it had been shared"}, intel.Options{})
	return err
}

// ForgetImported deletes here what an import brought, as a TAXII client deletes what it posted.
func (n *Node) ForgetImported(ctx context.Context, r ImportForgetRequest) (*ImportForgetResponse, error) {
	if r.Source == "" || len(r.IDs) == 0 || len(r.IDs) > maxForgotten {
		return nil, badInput("Nothing was chosen to be deleted, or too much at once.", fmt.Sprintf("The name of an import and 1 to %d ids are needed.", maxForgotten), "Look the ids up with 'entente search --source NAME'.")
	}
	done, err := n.intel.RemoveImported(ctx, r.Source, r.IDs, "import "+r.Source)
	if err != nil {
		return nil, err
	}
	return &ImportForgetResponse{Forgotten: done}, nil
}

// withdrawNeeds are the objects that are taken back here and that members have.
func (n *Node) withdrawNeeds() []notify.Item {
	var out []notify.Item
	for _, o := range n.withdrawals.list() {
		name := o.unit.Short()
		if l := n.ledger(o.unit); l != nil {
			name = l.name()
		}
		out = append(out, notify.Item{Code: notify.ItemTakenBack, Unit: name, Word: o.id, Detail: o.why})
	}
	return out
}
