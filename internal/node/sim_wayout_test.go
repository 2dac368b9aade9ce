package node

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"entente/internal/accord"
	"entente/internal/unit"
	"entente/journal"
)

// What left a node is held against what it knew. A payload may have been let out at any
// moment of a step, so it is wrong only if it was forbidden before the step and after it.

// moment is what one node knew of one unit when a step began.
type moment struct {
	at     time.Time
	stops  []stop
	sizes  map[journal.Origin]int64
	texts  []string
	terms  *accord.Document
	parted map[journal.PartyID]bool
}

// stop is a suspension that binds.
type stop struct {
	ref   journal.Ref
	scope []string
}

// covers tells whether it stops a kind of content, whatever the gate thinks. Suspensions
// of a clause stop what relies on it, which is left to the gate.
func (s stop) covers(kind string) bool {
	for _, sc := range s.scope {
		if sc == "all" || kindIn(sc, kind) {
			return true
		}
	}
	return len(s.scope) == 0
}

// kindIn: a kind, or a family with or without its star, or everything.
func kindIn(pattern, kind string) bool {
	family := strings.TrimSuffix(pattern, ".*")
	return pattern == "*" || pattern == kind || strings.HasPrefix(kind, family+".")
}

// isContent tells what the gate is for.
func isContent(kind string) bool {
	return kind == unit.KindShare || strings.HasPrefix(kind, "request.")
}

// stops reads the suspensions off the entries themselves, not off the state or the gate:
// the own ones always bind, those of others once their past is here. The lock is held.
func (l *ledger) stops() []stop {
	var placed map[journal.Ref]stop
	lifted := map[journal.Ref]journal.PartyID{}
	by := map[journal.Ref]journal.PartyID{}
	for _, j := range l.journals() {
		for raw, err := range j.store.Read(0, j.head.Size) {
			if err != nil || !bytes.Contains(raw, []byte(unit.KindSuspend)) && !bytes.Contains(raw, []byte(unit.KindResume)) {
				continue
			}
			e, err := journal.ParseEntry(slices.Clone(raw))
			if err != nil || !j.own && (l.fold.VoidCode(e.Ref()) != "" || l.fold.Verdict(e.Ref()).Code == unit.CodeWaiting) {
				continue
			}
			switch e.Kind {
			case unit.KindSuspend:
				if b, err := journal.DecodeBody[unit.SuspendBody](e, e.Kind); err == nil {
					if placed == nil {
						placed = map[journal.Ref]stop{}
					}
					placed[e.Ref()], by[e.Ref()] = stop{e.Ref(), b.Scope}, e.Author
				}
			case unit.KindResume:
				if b, err := journal.DecodeBody[unit.ResumeBody](e, e.Kind); err == nil {
					lifted[b.Suspension] = e.Author
				}
			}
		}
	}
	if placed == nil {
		return nil
	}
	members := l.fold.Members()
	var out []stop
	for ref, s := range placed {
		if lifted[ref] != by[ref] && slices.Contains(members, by[ref]) {
			out = append(out, s)
		}
	}
	return out
}

// noteMoments remembers, before a step, what everybody knows.
func (w *world) noteMoments() {
	clear(w.eye.moments)
	for _, m := range w.ms {
		if m.node == nil || m.hostile {
			continue
		}
		for _, l := range m.node.units() {
			l.mu.Lock()
			w.eye.moments[closing{m, l.id}] = w.moment(m, l)
			l.mu.Unlock()
		}
	}
}

// moment is what a node knows of a unit now. The lock is held.
func (w *world) moment(m *machine, l *ledger) *moment {
	holds := l.fingerprint()
	x := w.eye.moment[closing{m, l.id}]
	if x == nil || x.holds != holds {
		x = &keptMoment{holds: holds}
		x.stops, x.sizes, x.parted = l.stops(), map[journal.Origin]int64{}, map[journal.PartyID]bool{}
		for _, j := range l.journals() {
			x.sizes[j.origin] = j.head.Size
		}
		for h := range l.texts {
			x.texts = append(x.texts, h)
		}
		x.terms, _ = l.fold.InForce()
		for p := range l.file.Partners {
			x.parted[p] = l.fold.HasLeft(p)
		}
		w.eye.moment[closing{m, l.id}] = x
	}
	now := x.moment
	now.at = m.now()
	return &now
}

type keptMoment struct {
	moment
	holds string
}

// stopped is a suspension that stopped a kind all through a step, and that the accord
// let stop it before and after.
func stopped(before, after *moment, kind string) (stop, bool) {
	for _, x := range []*moment{before, after} {
		if x == nil || x.terms == nil || slices.ContainsFunc(x.terms.Suspension.StillAllowed, func(p string) bool { return kindIn(p, kind) }) {
			return stop{}, false
		}
	}
	for _, s := range before.stops {
		if s.covers(kind) && slices.ContainsFunc(after.stops, func(t stop) bool { return t.ref == s.ref }) {
			return s, true
		}
	}
	return stop{}, false
}

// above names a marking in a bundle that lies above the ceilings of both moments.
func above(before, after *moment, plain []byte) string {
	if bytes.Contains(plain, []byte(tlpRed)) {
		return "red"
	}
	for _, x := range []*moment{before, after} {
		if x == nil || x.terms == nil || slices.ContainsFunc(x.terms.Handling.Ceiling, func(c accord.Ceiling) bool { return c.TLP != "green" && c.TLP != "clear" }) {
			return ""
		}
	}
	if bytes.Contains(plain, []byte(tlpAmber)) {
		return "amber"
	}
	return ""
}

// checkWayOut: nothing left a node without an allowing gate decision, and a suspended
// unit lets out only what the accord still allows.
func (w *world) checkWayOut() {
	left := append(w.departed, w.readWire()...)
	w.departed = nil
	for _, d := range left {
		if d.from.hostile || d.from.node == nil {
			continue
		}
		l := d.from.node.ledger(d.unit)
		if l == nil {
			w.fail("one way out", "%s told %s a payload of unit %q, which it has not", d.from.name, d.to.name, d.unit.Short())
			continue
		}
		l.mu.Lock()
		w.checkDeparture(d, l)
		l.mu.Unlock()
	}
}

// checkDeparture looks at one payload. The lock is held.
func (w *world) checkDeparture(d departure, l *ledger) {
	c := d.p.Commitment
	to := w.eye.party[d.to]
	owners := l.owners(c)
	if len(owners) == 0 {
		w.fail("one way out", "%s told %s a payload that no entry names", d.from.name, d.to.name)
		return
	}
	before, after := w.eye.moments[closing{d.from, l.id}], w.moment(d.from, l)
	if _, partner := l.file.Partners[to]; !partner {
		w.fail("one way out", "%s told %s, who is no partner, the payload of %s", d.from.name, d.to.name, owners[0].ref)
	}
	w.counts["payloads that left a node"]++
	for _, np := range owners {
		if !isContent(np.kind) {
			continue
		}
		if s, ok := stopped(before, after, np.kind); ok {
			w.fail("a suspended unit lets out only what the accord still allows", "%s told %s the payload of %s, a %s, although %s suspends %v",
				d.from.name, d.to.name, np.ref, np.kind, s.ref, s.scope)
		}
		if before != nil && before.parted[to] && after.parted[to] {
			w.fail("one way out", "%s told %s, who has left, the payload of %s", d.from.name, d.to.name, np.ref)
		}
		if np.from == w.eye.party[d.from] && d.whole {
			w.checkPlain(d, np, before, after)
		}
	}
	if v, err := l.handOver(c, to); err == nil && v.Verdict != accord.Allow && before != nil {
		// It may have been allowed before what the node learned in this step.
		was := w.foldAt(d.from, l, before)
		if was == nil {
			return
		}
		for _, np := range owners {
			v := was.Verdict(np.ref)
			if v.Code == unit.CodeUnknownEntry || v.Code == unit.CodeWaiting {
				return // it came within this step, and was judged then
			}
			if v.Verdict == accord.Allow {
				v = was.HandOver(np.ref, to, before.at)
			}
			if v.Verdict != accord.Allow && l.ailing != nil && l.fold.Verdict(np.ref).Verdict == accord.Allow && l.fold.HandOver(np.ref, to, after.at).Verdict == accord.Allow {
				continue // by what it learned in this step, after which its disk failed
			}
			if v.Verdict != accord.Allow {
				w.fail("one way out", "%s told %s the payload of %s, which the gate does not let out: %s, clause %s: %s", d.from.name, d.to.name, np.ref, v.Code, v.Clause, v.Reason)
				return
			}
		}
	}
}

// checkPlain opens a payload as the reader will.
func (w *world) checkPlain(d departure, np namedPayload, before, after *moment) {
	plain, err := journal.OpenPayload(np.p, d.p.Salt, d.p.Data, journal.MaxPlain)
	if err != nil {
		w.fail("one way out", "%s told %s a payload for %s that does not open: %v", d.from.name, d.to.name, np.ref, err)
		return
	}
	if bytes.Contains(plain, []byte(private)) {
		w.fail("private stays private", "%s told %s a private thing in the payload of %s", d.from.name, d.to.name, np.ref)
	}
	if np.kind == unit.KindShare {
		if tlp := above(before, after, plain); tlp != "" {
			w.fail("one way out", "%s told %s an object marked TLP:%s in %s, above the ceiling", d.from.name, d.to.name, tlp, np.ref)
		}
	}
}

// checkWritten looks at a new entry of a node's own journal: content is not written in a
// suspension, nor above the ceiling, nor with anything private in its payload.
func (w *world) checkWritten(m *machine, l *ledger, raw []byte) {
	e, err := journal.ParseEntry(slices.Clone(raw))
	if err != nil || m.hostile || l.own == nil || e.Origin() != l.origin() || e.Index < w.eye.before[e.Origin()] {
		return // what a restored node has back from its partners was written long ago
	}
	before, after := w.eye.moments[closing{m, l.id}], w.moment(m, l)
	if isContent(e.Kind) {
		if s, ok := stopped(before, after, e.Kind); ok {
			w.fail("a suspended unit lets out only what the accord still allows", "%s wrote %s, a %s, although %s suspends %v", m.name, e.Ref(), e.Kind, s.ref, s.scope)
		}
	}
	if e.Payload == nil {
		return
	}
	plain, err := l.openPayload(*e.Payload)
	if err != nil {
		return // destroyed, or the disk fails; what is told is opened, too
	}
	if bytes.Contains(plain, []byte(private)) {
		w.fail("private stays private", "%s put a private thing into the payload of %s", m.name, e.Ref())
	}
	if e.Kind == unit.KindShare {
		if tlp := above(before, after, plain); tlp != "" {
			w.fail("one way out", "%s shared an object marked TLP:%s in %s, above the ceiling", m.name, tlp, e.Ref())
		}
	}
}

// foldAt is the state that a node had at a moment, folded again; nil if that cannot be.
func (w *world) foldAt(m *machine, l *ledger, x *moment) *unit.Fold {
	f := unit.NewFold(l.file.Founding)
	var proofs []*journal.Entry
	for _, j := range l.journals() {
		for raw, err := range j.store.Read(0, min(x.sizes[j.origin], j.head.Size)) {
			if err != nil {
				return nil
			}
			e, err := journal.ParseEntry(slices.Clone(raw))
			if err != nil || f.Add(e) != nil {
				return nil
			}
			if e.Kind == journal.KindEvidence {
				proofs = append(proofs, e)
			}
		}
	}
	for _, h := range slices.Sorted(slices.Values(x.texts)) {
		_ = f.AddAccord(l.texts[h])
	}
	l.disprove(f, proofs)
	return f
}

// disprove tells a fold of the proofs that hold.
func (l *ledger) disprove(f *unit.Fold, proofs []*journal.Entry) {
	for _, e := range proofs {
		if c, err := journal.DecodeBody[journal.EvidenceBody](e, e.Kind); err == nil {
			if k := l.keyring(c.Origin); k != nil && c.Verify(k) == nil {
				f.Disprove(c.Origin, e.Ref())
			}
		}
	}
}

// sharingStopped tells whether a machine's own suspension stops sharing.
func (w *world) sharingStopped(m *machine, id journal.UnitID) bool {
	x := w.eye.moments[closing{m, id}]
	return x != nil && slices.ContainsFunc(x.stops, func(s stop) bool { return s.covers(unit.KindShare) })
}
