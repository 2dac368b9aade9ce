package node

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"entente/internal/dossier"
	"entente/internal/unit"
	"entente/journal"

	"golang.org/x/mod/sumdb/tlog"
)

// check looks at every promise after a step.
func (w *world) check() {
	w.register()
	w.checkHeads()
	w.checkReceipts()
	w.checkPrivate()
	for _, m := range w.ms {
		if m.node == nil || m.hostile {
			continue
		}
		w.checkAcknowledged(m)
		w.checkApplied(m)
		for _, l := range m.node.units() {
			l.mu.Lock()
			w.checkLedger(m, l)
			l.mu.Unlock()
		}
	}
}

// register learns whose journals there are.
func (w *world) register() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.ms {
		if m.node == nil {
			continue
		}
		for _, l := range m.node.units() {
			w.eye.owner[l.origin()], w.eye.unitOf[l.origin()] = m, l.id
		}
	}
}

// checkHeads: no node signs two heads of one size. All that ever got to any disk count.
// And what a partner has taken in was durable at its author when it did: durable, then said.
func (w *world) checkHeads() {
	w.mu.Lock()
	fresh := w.eye.fresh
	w.eye.fresh = nil
	w.mu.Unlock()
	for _, s := range fresh {
		author := w.eye.owner[s.origin]
		if author == nil || author.hostile {
			continue
		}
		if w.eye.heads == nil {
			w.eye.heads = map[journal.Origin]map[int64]journal.Hash{}
		}
		known := w.eye.heads[s.origin]
		if known == nil {
			known = map[int64]journal.Hash{}
			w.eye.heads[s.origin] = known
		}
		if root, ok := known[s.head.Size]; ok && root != s.head.Root {
			w.fail("no node signs two heads of one size", "%s signed two of size %d (%s); the second was found at %s", author.name, s.head.Size, s.origin.Short(), s.at.name)
		}
		known[s.head.Size] = s.head.Root
		if s.at != author {
			w.eye.elsewhere[s.origin] = max(w.eye.elsewhere[s.origin], s.head.Size)
		}
		if s.at != author && s.heads != nil && !s.durable && s.head.Size > w.eye.before[s.origin] {
			w.fail("durable, then said", "%s holds %d entries of %s, which would lose some of them in a power loss: it has %d durably", s.at.name, s.head.Size, author.name, s.heads[s.origin])
		}
		if s.at != author && s.heads != nil {
			w.checkReceiptsOf(author, s)
		}
	}
}

// checkReceiptsOf: every receipt is for what is durable at the moment when somebody
// else sees it.
func (w *world) checkReceiptsOf(m *machine, s sighting) {
	if m.node == nil {
		return
	}
	from := w.eye.receipts[s.origin]
	for _, l := range m.node.units() {
		if l.origin() != s.origin || l.own == nil {
			continue
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		to := min(s.head.Size, l.own.Head().Size)
		if to <= from {
			return
		}
		for raw, err := range l.ownStore.Read(from, to) {
			if err != nil {
				return
			}
			e, err := journal.ParseEntry(slices.Clone(raw))
			if err != nil || e.Kind != journal.KindReceipt {
				continue
			}
			r, err := e.Receipt()
			if err != nil {
				w.fail("every receipt is for what is durable", "%s: receipt %s cannot be read", m.name, e.Ref())
				continue
			}
			if s.heads[r.Origin] < r.Size {
				w.fail("every receipt is for what is durable", "%s receipted %d entries of %s, but only %d are durable", m.name, r.Size, r.Origin.Short(), s.heads[r.Origin])
			}
			if len(r.Missing) == journal.MaxMissing {
				continue
			}
			for c, np := range l.allNamed() {
				if np.ref.Origin == r.Origin && np.ref.Index < r.Size && !slices.Contains(r.Missing, c) && !l.gone[c] && !s.payload[hex.EncodeToString(c[:])] {
					w.fail("every receipt is for what is durable", "%s receipted %s with its payload, which is not durable", m.name, np.ref)
				}
			}
		}
		w.eye.receipts[s.origin] = to
	}
}

// checkReceipts: what a node receipted it still holds.
func (w *world) checkReceipts() {
	for _, m := range w.ms {
		if m.node == nil || m.hostile {
			continue
		}
		for _, l := range m.node.units() {
			l.mu.Lock()
			for o, x := range l.mirrors {
				if x.receipted > x.m.Head().Size && !w.eye.mayLack(m, o, x.receipted) {
					w.fail("every receipt is for what is durable", "%s receipted %d entries of %s and holds %d", m.name, x.receipted, o.Short(), x.m.Head().Size)
				}
			}
			l.mu.Unlock()
		}
	}
}

// checkPrivate: a private thing is in no journal.
func (w *world) checkPrivate() {
	w.mu.Lock()
	found := w.eye.private
	w.eye.private = nil
	w.mu.Unlock()
	for _, f := range found {
		w.fail("private stays private", "%s holds a draft, a note or the name of an import", f)
	}
}

// checkAcknowledged: nothing that was acknowledged is lost.
func (w *world) checkAcknowledged(m *machine) {
	for _, l := range m.node.units() {
		l.mu.Lock()
		for _, j := range l.journals() {
			want, ok := m.book.heads[j.origin]
			if !ok || !j.own || want.Size == 0 {
				continue
			}
			if j.head.Size < want.Size {
				w.fail("nothing acknowledged is lost", "%s: its journal has %d entries, had %d", m.name, j.head.Size, want.Size)
			} else if l.ailing != nil {
				// A write failed, and the tree is computed again from the entries when the
				// journals are opened again: what is derived may lie half written until then.
				continue
			} else if root, err := tlog.TreeHash(want.Size, j.store); err != nil || root != want.Root {
				w.fail("nothing acknowledged is lost", "%s: its journal was another at size %d (%v)", m.name, want.Size, err)
			}
		}
		l.mu.Unlock()
	}
	for _, id := range m.book.units {
		if !m.in(id) {
			w.fail("nothing acknowledged is lost", "%s: it is in unit %s no more", m.name, id.Short())
		}
	}
	if len(m.book.drafts) > 0 {
		f, err := m.node.readDrafts()
		for _, id := range m.book.drafts {
			if err != nil || !slices.ContainsFunc(f.Drafts, func(d savedDraft) bool { return d.ID == id }) {
				w.fail("nothing acknowledged is lost", "%s: draft %s is gone (%v)", m.name, id, err)
			}
		}
	}
	// What is derived may be behind while the disk fails; the node knows, and catches up.
	if c, err := m.node.counts(w.ctx); err == nil && !m.node.intel.Behind() && c.Accepted+c.Quarantined+c.Rejected < int64(m.book.objects) {
		w.fail("nothing acknowledged is lost", "%s: %d objects were imported, %+v are known", m.name, m.book.objects, c)
	}
}

// readLog is how far a local log was read, and the shares that it says were taken in.
type readLog struct {
	next int64
	seen map[string]bool
}

// checkApplied: nothing is applied twice. What is new in the local log is read.
func (w *world) checkApplied(m *machine) {
	r := w.eye.logs[m]
	if r == nil {
		r = &readLog{seen: map[string]bool{}}
		w.eye.logs[m] = r
	}
	if have := m.node.local.Len(); have < r.next {
		w.fail("nothing acknowledged is lost", "%s: its local log has %d records, had %d", m.name, have, r.next)
		return
	}
	for rec, err := range m.node.local.Records(r.next) {
		if err != nil {
			if m.bad == nil {
				w.fail("nothing acknowledged is lost", "%s: the local log cannot be read: %v", m.name, err)
			}
			return
		}
		r.next++
		if ref, ok := receivedRef(rec); ok {
			if r.seen[ref] {
				w.fail("nothing is applied twice", "%s took %s in twice", m.name, ref)
			}
			r.seen[ref] = true
		}
	}
}

// noteHeads remembers what the journals hold once a command has returned, and tells
// what is new in them.
func (m *machine) noteHeads() {
	for _, l := range m.node.units() {
		l.mu.Lock()
		for _, j := range l.journals() {
			if j.own && j.head.Size >= m.book.heads[j.origin].Size {
				for raw, err := range j.store.Read(m.book.heads[j.origin].Size, j.head.Size) {
					if err == nil {
						m.w.dated(m, raw)
						m.w.checkWritten(m, l, raw)
						m.w.noteCosigned(m, j, raw)
						m.w.tell("  %s writes in %s: %s", m.name, l.name(), raw)
					}
				}
				m.book.heads[j.origin] = j.head
			}
		}
		l.mu.Unlock()
	}
}

// dated: the time an author claims never goes back within its journal.
func (w *world) dated(m *machine, raw []byte) {
	e, err := journal.ParseEntry(slices.Clone(raw))
	if err != nil || m.hostile {
		return
	}
	if last := w.eye.dates[e.Origin()]; e.Index > last.index && e.At.Before(last.at) {
		w.fail("time never goes back", "%s: %s is dated %s, before entry %d", m.name, e.Ref(), e.AtText, last.index)
	}
	w.eye.dates[e.Origin()] = dated{e.Index, e.At}
}

// checkLedger looks at one unit as one node has it. The lock is held.
func (w *world) checkLedger(m *machine, l *ledger) {
	for _, j := range l.journals() {
		// A proof that was kept stays: nothing more of that journal is believed.
		if k := (finality{m, j.origin}); j.fault != "" {
			w.eye.faults[k] = j.fault
		} else if was := w.eye.faults[k]; was != "" {
			w.fail("undeniable", "%s had a proof against %s (%s) and has forgotten it", m.name, j.origin.Short(), was)
		}
		// An honest node never looks guilty to an honest observer.
		if author := w.eye.owner[j.origin]; author != nil && !author.hostile && j.fault != "" {
			w.fail("an honest node never looks guilty", "%s holds the journal of %s to be false: %s", m.name, author.name, j.fault)
		}
	}
	if l.ailing != nil {
		// An append failed half-way: the entry may be on the disk and is neither folded nor
		// told, and nothing is signed until the journals were opened again.
		return
	}
	holds := l.fingerprint()
	if w.eye.holds[m] == nil {
		w.eye.holds[m] = map[journal.UnitID]string{}
	}
	if w.eye.holds[m][l.id] == holds {
		return
	}
	w.eye.holds[m][l.id] = holds
	w.checkHeld(m, l)
	state := l.fold.State(w.epoch.Add(90 * 24 * time.Hour))
	for _, b := range state.Breaches {
		if author := w.byParty(b.Party); author != nil && !author.hostile && !b.Partial {
			w.fail("an honest node never looks guilty", "%s: %s broke the accord with %s: %s, %s", m.name, author.name, b.Ref, b.Code, b.Reason)
		}
	}
	// What was final stays final, and an accord in force is the same for everybody.
	for _, f := range state.Frontier {
		k := finality{m, f.Origin}
		old := w.eye.final[k]
		if f.Size < old.Size {
			w.fail("what was final stays final", "%s: %s was final up to %d, now up to %d", m.name, f.Origin.Short(), old.Size, f.Size)
		}
		w.eye.final[k] = journal.Head{Size: f.Size}
		w.checkFinal(m, l, f.Origin, f.Size)
	}
	if a := state.Accord; a != nil {
		k := accordAt{l.id, a.Version}
		if h, ok := w.eye.accords[k]; ok && h != a.Hash {
			w.fail("what was final stays final", "%s has another accord in force as version %d", m.name, a.Version)
		}
		if _, known := w.eye.accords[k]; !known && a.Version > 1 {
			w.counts["amended accords in force"]++
			if len(state.Members) != len(w.ms)-w.strangers && l.name() == "Joint" {
				w.counts["accords in force with other members"]++
			}
		}
		w.eye.accords[k] = a.Hash
	}
	// The same journals give the same state.
	text := state.JSON()
	if other, ok := w.eye.states[holds]; !ok {
		w.eye.states[holds] = foldedState{m, text}
	} else if !bytes.Equal(other.text, text) {
		w.fail("state is a fold", "%s and %s hold the same journals and texts, and have other states: %s", m.name, other.m.name, firstDifference(other.text, text))
	}
}

// checkFinal: what is final at one honest node is what is final at every other, and what
// it was before, to the root. The lock is held.
func (w *world) checkFinal(m *machine, l *ledger, o journal.Origin, size int64) {
	if size == 0 {
		return
	}
	i := slices.IndexFunc(l.journals(), func(j heldJournal) bool { return j.origin == o })
	if i < 0 {
		return
	}
	st := l.journals()[i].store
	// What is final is so in one history, whoever holds it: also of a journal that has two, as
	// nobody honest names both (unit.TestForkIsFinalForNobody).
	k := finality{nil, o}
	if author := w.eye.owner[o]; author != nil && !author.hostile {
		w.checkEverybodyHas(m, l, o, size)
	}
	best, ok := w.eye.finalRoot[k]
	if at := min(size, best.Size); ok && at == best.Size {
		if root, err := tlog.TreeHash(at, st); err != nil || root != best.Root {
			w.fail("what was final stays final", "%s: %s was final with another root at %d (%v)", m.name, o.Short(), at, err)
		}
	}
	if size > best.Size {
		root, err := tlog.TreeHash(size, st)
		if err != nil {
			w.fail("what was final stays final", "%s: %s is final up to %d, which is not held: %v", m.name, o.Short(), size, err)
			return
		}
		w.eye.finalRoot[k] = journal.Head{Size: size, Root: root}
	}
}

// checkEverybodyHas: what is final everybody who is there has, not by what their journals
// say, but by what they hold. Who came later, or was taken back, may lack it.
func (w *world) checkEverybodyHas(m *machine, l *ledger, o journal.Origin, size int64) {
	members := l.fold.Members()
	for _, x := range w.ms[:len(w.ms)-w.strangers] {
		if x == m || x.hostile || x.node == nil || w.eye.lost[x] != nil || !slices.Contains(members, w.eye.party[x]) {
			continue
		}
		if have := x.has(l.id, o); have < size && !leaves(l, w.eye.party[x]) {
			w.fail("what was final stays final", "%s takes %d entries of %s for final, and %s, a member, holds %d", m.name, size, o.Short(), x.name, have)
		}
	}
}

// leaves tells whether an amendment that all its parties have signed leaves a member out: it is not
// in force before their journals hold all signatures, and what they agree on is final from then on.
// The lock is held.
func leaves(l *ledger, p journal.PartyID) bool {
	return slices.ContainsFunc(l.fold.State(l.n.now()).Proposals, func(a unit.Proposal) bool {
		return a.Status == unit.StatusComplete && !slices.Contains(a.Parties, p)
	})
}

// has is how much of a journal a machine holds, without waiting for what it is doing: a
// step is over.
func (m *machine) has(id journal.UnitID, o journal.Origin) int64 {
	l := m.node.ledger(id)
	if l == nil {
		return 0
	}
	for _, j := range l.journals() {
		if j.origin == o {
			return j.head.Size
		}
	}
	return 0
}

// checkHeld: the payloads of what was acknowledged as written are here, unless they were
// destroyed, or went with a machine that was taken back. The lock is held.
func (w *world) checkHeld(m *machine, l *ledger) {
	for c, np := range l.allNamed() {
		o := np.ref.Origin
		if np.from != w.eye.party[m] || np.ref.Index >= m.book.heads[o].Size || l.gone[c] || w.eye.lost[m] != nil && np.ref.Index < w.eye.lost[m][o] {
			continue
		}
		if held, err := l.payloads.Has(c); err == nil && !held {
			w.fail("nothing acknowledged is lost", "%s has lost the payload of its %s", m.name, np.ref)
		}
	}
}

// fingerprint names what the fold depends on: journals, texts, proofs that count.
func (l *ledger) fingerprint() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s", l.id.Short())
	js := l.journals()
	slices.SortFunc(js, func(a, b heldJournal) int { return strings.Compare(string(a.origin), string(b.origin)) })
	for _, j := range js {
		fmt.Fprintf(&b, " %s %d %s", j.origin.Short(), j.head.Size, j.head.Root)
	}
	for _, h := range slices.Sorted(maps.Keys(l.texts)) {
		fmt.Fprintf(&b, " %s", h)
	}
	return b.String()
}

func firstDifference(a, b []byte) string {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	cut := func(t []byte) string { return string(t[max(0, i-120):min(len(t), i+120)]) }
	return fmt.Sprintf("...%s... and ...%s...", cut(a), cut(b))
}

func (w *world) byParty(p journal.PartyID) *machine {
	for m, q := range w.eye.party {
		if p == q {
			return m
		}
	}
	return nil
}

// judge: no dossier proves an honest party guilty.
func (w *world) judge(m *machine, rep *DossierReport) {
	if rep.Report == nil {
		w.fail("an honest node never looks guilty", "a dossier of %s does not verify: %s", m.name, rep.Damage)
		return
	}
	for _, f := range rep.Findings {
		if author := w.byParty(f.Party); f.Weight == dossier.Proved && author != nil && !author.hostile && guilty(f.Code) {
			w.fail("an honest node never looks guilty", "a dossier of %s proves %s of %s: %s", m.name, f.Code, author.name, f.Text)
		}
	}
}

// guilty tells misbehaviour from what else a dossier proves.
func guilty(code string) bool {
	return code == journal.CodeFork || code == journal.CodeTwoStatements || strings.Contains(code, "fork") || code == dossier.CodeCosigned || strings.Contains(code, "violation") || strings.Contains(code, "breach")
}

// checkContent is dear: no object above the accord's ceiling ever was in a share of an
// honest node, nothing is applied twice, and a fresh fold in another order has the
// same state.
func (w *world) checkContent() {
	for _, m := range w.ms {
		if m.node == nil || m.hostile {
			continue
		}
		delete(w.eye.logs, m)
		w.checkApplied(m) // all of it once more, as it can be read now
		for _, l := range m.node.units() {
			l.mu.Lock()
			for _, np := range l.allNamed() {
				if np.from != w.eye.party[m] {
					continue
				}
				plain, err := l.openPayload(np.p)
				if err == nil && np.kind == unit.KindShare && bytes.Contains(plain, []byte(tlpRed)) {
					w.fail("one way out", "%s shared an object marked TLP:RED in %s", m.name, np.ref)
				}
				if err == nil && bytes.Contains(plain, []byte(private)) {
					w.fail("private stays private", "%s shared a private thing in %s", m.name, np.ref)
				}
			}
			w.checkFold(m, l)
			l.mu.Unlock()
		}
	}
}

// checkFold folds the journals again, the last one first.
func (w *world) checkFold(m *machine, l *ledger) {
	now := w.epoch.Add(90 * 24 * time.Hour)
	again := unit.NewFold(l.file.Founding)
	js := l.journals()
	slices.Reverse(js)
	var proofs []*journal.Entry
	for _, j := range js {
		for raw, err := range j.store.Read(0, j.size()) {
			if err != nil {
				w.fail("state is a fold", "%s: %v", m.name, err)
				return
			}
			e, err := journal.ParseEntry(slices.Clone(raw))
			if err == nil {
				err = again.Add(e)
			}
			if err != nil {
				w.fail("state is a fold", "%s: %v", m.name, err)
				return
			}
			if e.Kind == journal.KindEvidence {
				proofs = append(proofs, e)
			}
			w.checkCosigned(m, e, func(size int64) (journal.Hash, error) { return tlog.TreeHash(size, j.store) })
		}
	}
	for _, h := range slices.Sorted(maps.Keys(l.texts)) {
		_ = again.AddAccord(l.texts[h])
	}
	l.disprove(again, proofs)
	if a, b := l.fold.State(now).JSON(), again.State(now).JSON(); !bytes.Equal(a, b) {
		w.fail("state is a fold", "%s: folded in another order the state is another: %s", m.name, firstDifference(a, b))
	}
}

// checkRest: at rest all honest members of a unit hold the same honest journals.
func (w *world) checkRest() {
	for _, a := range w.ms {
		for _, b := range w.ms {
			if a.n >= b.n || a.hostile || b.hostile {
				continue
			}
			for _, l := range a.node.units() {
				r := b.node.ledger(l.id)
				if r == nil || l.parted() || r.parted() {
					continue
				}
				x, y := l.sizes(w), r.sizes(w)
				if !maps.Equal(x, y) {
					w.fail("all come to rest", "%s and %s hold other journals of unit %s: %v and %v", a.name, b.name, l.name(), x, y)
				}
			}
		}
	}
}

// parted tells whether somebody has left the unit: then not everything is for everybody.
func (l *ledger) parted() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range l.file.Partners {
		if l.fold.HasLeft(p) {
			return true
		}
	}
	return l.fold.HasLeft(l.n.keys().party)
}

// sizes are those of the honest members' journals.
func (l *ledger) sizes(w *world) map[journal.Origin]int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[journal.Origin]int64{}
	for _, j := range l.journals() {
		if m := w.byParty(j.party); m != nil && !m.hostile && j.head.Size > 0 {
			out[j.origin] = j.head.Size
		}
	}
	return out
}
