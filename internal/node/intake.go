package node

import (
	"context"
	"errors"
	"slices"
	"time"

	"entente/internal/accord"
	"entente/internal/desk"
	"entente/internal/intel"
	"entente/internal/store"
	"entente/internal/unit"
	"entente/journal"
	"entente/stix"
)

// arrival is content that is on this disk and has not been through intake yet.
type arrival struct {
	namedPayload
	since time.Time // when it arrived, or the node was started
	err   error     // why the last attempt to take it in failed
	done  bool
}

// intakeSoon wakes the worker that takes arrived payloads in. The ledger's lock
// is held by the caller, so nothing is done here.
func (n *Node) intakeSoon(*ledger) {
	select {
	case n.arrivals <- struct{}{}:
	default:
	}
}

// Pauses after an intake that failed.
const (
	leastIntakePause = 2 * time.Second
	mostIntakePause  = time.Minute
)

// intakeLoop takes arrived payloads in as they come, until ctx ends. What failed is
// tried again after a pause that doubles: it has arrived already, so nothing else
// may ever wake the loop for it. What arrives meanwhile does not wait for that.
func (n *Node) intakeLoop(ctx context.Context) {
	pause, said := leastIntakePause, ""
	again := time.NewTimer(time.Hour)
	again.Stop()
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.arrivals:
		case <-again.C:
		}
		err := n.drainIntake(ctx)
		if err == nil {
			pause, said = leastIntakePause, ""
			again.Stop()
			continue
		}
		if text := err.Error(); ctx.Err() == nil && text != said {
			n.opts.Log.Error("intake failed; it is tried again", "in", pause.String(), "err", err)
			said = text
		}
		again.Reset(pause)
		pause = min(2*pause, mostIntakePause)
	}
}

// drainIntake takes everything in that has arrived. What was taken in before is
// not taken in again. What fails keeps nothing else waiting, unless it is the machine
// that fails.
func (n *Node) drainIntake(ctx context.Context) error {
	n.taking.Lock()
	defer n.taking.Unlock()
	var first error
	for _, l := range n.units() {
		err, stop := n.drainUnit(ctx, l)
		if first == nil {
			first = err
		}
		if stop {
			break
		}
	}
	return first
}

// drainUnit takes in what arrived in one unit. It returns the first failure, and
// whether the next payload would fail in the same way.
func (n *Node) drainUnit(ctx context.Context, l *ledger) (first error, stop bool) {
	defer l.forgetTaken()
	for _, a := range l.arrived() {
		l.mu.Lock()
		r := l.received(a.ref, a.namedPayload)
		if a.kind != unit.KindShare && r.Verdict.Verdict == accord.Allow {
			r.Verdict = l.answered(a.ref, r.Verdict)
		}
		l.mu.Unlock()
		err := n.opened(ctx, l, a.namedPayload, r)
		l.mu.Lock()
		a.err, a.done = err, err == nil
		l.mu.Unlock()
		if err == nil {
			continue
		}
		if first == nil {
			first = err
		}
		if ctx.Err() != nil || n.takesNothing(err) {
			return first, true
		}
	}
	return first, false
}

// answered holds what comes with an answer that answers nothing: the gate allows the entry for what it is, but nobody asked, or
// it is not its author's to answer. The lock must be held.
func (l *ledger) answered(ref journal.Ref, allowed accord.Decision) accord.Decision {
	s, known := l.fold.Move(ref)
	switch {
	case !known:
		s.Refused, s.Reason = desk.CodeRefused, "it is no move of any request"
	case s.Refused == "":
		return allowed
	}
	return accord.Decision{Verdict: accord.Refuse, Clause: accord.Protocol, Code: s.Refused, Reason: s.Reason}
}

// takesNothing tells whether what failed would fail for any other payload too.
func (n *Node) takesNothing(err error) bool {
	return store.IsFull(err) || derivedDamaged(err) || n.local.Fault() != nil || n.objects.Fault() != nil
}

// opened takes one payload in. What it opens counts with what exchanges have in
// memory.
func (n *Node) opened(ctx context.Context, l *ledger, np namedPayload, r intel.Received) error {
	if err := n.roomFor(np.p.Size); err != nil {
		return err
	}
	leave, err := n.opts.Limits.Memory.Enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	return n.takeIn(ctx, l, np, r)
}

// arrived lists the arrived payloads whose entries have their past here, so that
// the shared verdict on them is known. The others go on waiting; they are
// looked at once for all that came, not once for each.
func (l *ledger) arrived() (ready []*arrival) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.pending {
		if !a.done && !waits(l.fold.Verdict(a.ref)) {
			ready = append(ready, a)
		}
	}
	return ready
}

// waits tells whether a verdict may become another one when more arrives.
func waits(d accord.Decision) bool {
	return d.Code == unit.CodeWaiting || d.Code == unit.CodeTextMissing
}

// forgetTaken drops what was taken in from the list of what waits.
func (l *ledger) forgetTaken() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending = slices.DeleteFunc(l.pending, func(a *arrival) bool { return a.done })
}

// awaiting says what content is here and not taken in, since when and why; nil if
// all is. The lock must be held.
func (l *ledger) awaiting() *IntakeWaiting {
	var w *IntakeWaiting
	var failed, asked error
	for _, a := range l.pending {
		if a.done {
			continue
		}
		if w == nil {
			w = &IntakeWaiting{Since: a.since}
			if d := l.fold.Verdict(a.ref); waits(d) {
				asked = errors.New(d.Reason)
			}
		}
		w.Entries++
		w.Bytes += a.p.Size
		if a.since.Before(w.Since) {
			w.Since = a.since
		}
		if failed == nil {
			failed = a.err
		}
	}
	switch machine := StorageError(failed); {
	case w == nil:
	case machine != nil:
		w.Failed, w.Why = true, machine.What+" "+machine.Why+" "+machine.Next
	case failed != nil:
		w.Failed, w.Why = true, failed.Error()+"; it is tried again by itself"
	case asked != nil:
		w.Why = asked.Error()
	default:
		w.Why = "its turn has not come"
	}
	return w
}

// patience is how long content may wait for intake before a person is told.
const patience = time.Minute

// received says of a payload what its entry says. The lock must be held.
func (l *ledger) received(ref journal.Ref, np namedPayload) intel.Received {
	r := intel.Received{Unit: l.id, From: np.from, Ref: ref, Commitment: np.p.Commitment, At: l.n.now(), Verdict: l.fold.Verdict(ref)}
	if b, at, ok := l.fold.Content(ref); ok {
		r.At = at
		r.Claims.Objects, r.Claims.Types = int(b.Objects), map[string]int{}
		for t, c := range b.Types {
			r.Claims.Types[t] = int(c)
		}
		if b.TLP != "" {
			r.Claims.TLP, _ = stix.ParseTLP(b.TLP) // the gate has refused what cannot be read
		}
		if b.Unmarked != "" {
			r.Claims.Unmarked, _ = stix.ParseTLP(b.Unmarked)
		}
	}
	return r
}
