package node

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"entente/internal/accord"
	"entente/internal/peer"
	"entente/internal/store"
	"entente/journal"

	"golang.org/x/mod/sumdb/tlog"
)

// backend is what the exchange (sessions and courier files alike) sees of a node.
type backend struct{ n *Node }

var (
	_ peer.Backend   = backend{}
	_ peer.Listener  = backend{}
	_ peer.Directory = backend{}
)

// Parties names the parties whose newest known identities list this TLS pin.
func (b backend) Parties(pin journal.Hash) []journal.PartyID {
	var out []journal.PartyID
	for _, l := range b.n.units() {
		for _, p := range l.partiesOfPin(pin) {
			if !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	return out
}

// Member reports whether a party may exchange this unit's journals.
func (b backend) Member(id journal.UnitID, party journal.PartyID) bool {
	l := b.n.ledger(id)
	return l != nil && l.knows(party)
}

func (l *ledger) partiesOfPin(pin journal.Hash) (out []journal.PartyID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range l.file.Partners {
		if id, ok := l.identity(p); ok && (slices.Contains(id.TLS, pin) || l.file.Partners[p].Pin == pin) {
			out = append(out, p)
		}
	}
	return out
}

func (l *ledger) knows(p journal.PartyID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.file.Partners[p]
	return ok
}

func (b backend) ledger(id journal.UnitID) (*ledger, error) {
	if l := b.n.ledger(id); l != nil {
		return l, nil
	}
	return nil, &peer.Refusal{Code: peer.CodeWrongUnit, Detail: "no unit of that id is shared here"}
}

// Heard looks at what a member says it holds of the own journal.
func (b backend) Heard(_ context.Context, id journal.UnitID, from journal.PartyID, have map[journal.Origin]journal.Head) error {
	l, err := b.ledger(id)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.claimed(from, have[l.origin()])
}

// Hello says what this node holds and lacks.
func (b backend) Hello(ctx context.Context, id journal.UnitID, _ journal.PartyID) (peer.Hello, error) {
	l, err := b.ledger(id)
	if err != nil {
		return peer.Hello{}, err
	}
	b.n.vouchSoon(ctx, l)
	l.mu.Lock()
	defer l.mu.Unlock()
	h := peer.Hello{Have: map[journal.Origin]journal.Head{}}
	for _, j := range l.journals() {
		if err := l.onlyTold(&j); err != nil {
			return peer.Hello{}, err
		}
		if j.head.Size > 0 {
			h.Have[j.origin] = j.head
		}
	}
	if b.n.roomFor(1) == nil { // what would be refused is not asked for
		h.Want = l.want(peer.MaxWant)
	}
	return h, nil
}

// Since yields what a member lacks: its own journals first, then the founder's,
// which introduces the others.
func (b backend) Since(ctx context.Context, id journal.UnitID, to journal.PartyID, have map[journal.Origin]journal.Head) iter.Seq2[peer.Run, error] {
	return func(yield func(peer.Run, error) bool) {
		l, err := b.ledger(id)
		if err != nil {
			yield(peer.Run{}, err)
			return
		}
		b.n.vouchSoon(ctx, l)
		l.mu.Lock()
		held := l.journals()
		for i := range held {
			if err := l.onlyTold(&held[i]); err != nil {
				l.mu.Unlock()
				yield(peer.Run{}, err)
				return
			}
		}
		founder := l.founder()
		last, closed := l.file.Closed[to]
		l.mu.Unlock()
		// The member's own journals come first: if it lost something it signed, it must
		// know before it signs anything about the rest.
		rank := func(j heldJournal) int {
			switch j.party {
			case to:
				return 0
			case founder:
				return 1
			}
			return 2
		}
		slices.SortStableFunc(held, func(a, b heldJournal) int {
			if d := rank(a) - rank(b); d != 0 {
				return d
			}
			return strings.Compare(string(a.origin), string(b.origin))
		})
		for _, j := range held {
			// What is held of a journal that turned out false is sound and goes on: the
			// entries of others build on it.
			if j.head.Size == 0 {
				continue
			}
			until := j.head.Size
			if closed {
				until = min(until, last[j.origin])
			}
			if !l.since(ctx, j, to, have[j.origin], until, yield) {
				return
			}
		}
	}
}

func (l *ledger) founder() journal.PartyID {
	f, err := journal.ParseFounding(l.file.Founding)
	if err != nil {
		return ""
	}
	return f.Founder
}

// since yields one journal from where the member's copy ends, up to the last
// kept head within until. Reading needs no lock: what lies below a head never
// changes.
func (l *ledger) since(ctx context.Context, j heldJournal, to journal.PartyID, theirs journal.Head, until int64, yield func(peer.Run, error) bool) bool {
	if theirs.Size > j.head.Size {
		if j.fault == journal.CodeTwoStatements && j.party == to {
			return l.beginning(j, yield) // its author may not know of its other beginning
		}
		return true
	}
	if theirs.Size > 0 {
		root, err := tlog.TreeHash(theirs.Size, j.store)
		if err != nil {
			return yield(peer.Run{}, err)
		}
		if root != theirs.Root {
			return l.contradict(ctx, j, theirs, root, yield)
		}
	}
	for run, err := range peer.Runs(upTo{j.store, until}, theirs.Size, true) {
		if err == nil {
			err = ctx.Err()
		}
		run.Payloads = slices.DeleteFunc(run.Payloads, func(c journal.Hash) bool { return !l.has(c) })
		if !yield(run, err) || err != nil {
			return false
		}
	}
	return true
}

// contradict shows a member that holds another history of a journal the one held
// here, so that signed heads meet: the first head kept from that size on and, if
// it is a larger one, what its tree has at that size.
func (l *ledger) contradict(ctx context.Context, j heldJournal, theirs journal.Head, ours journal.Hash, yield func(peer.Run, error) bool) bool {
	if j.fault != "" && j.fault != journal.CodeTwoStatements && !j.own {
		return true // proved already; the proof travels in a journal
	}
	// Two successors under one organisation key lie under different journal keys, so
	// that no heads of them can be held against each other: their beginnings can.
	if j.epoch() > 0 && !l.beginning(j, yield) {
		return false
	}
	if !yield(peer.Run{}, &peer.Refusal{Code: journal.CodeFork, Origin: j.origin, Index: theirs.Size,
		Detail: fmt.Sprintf("at size %d the root held here is another", theirs.Size)}) {
		return false
	}
	for cp, err := range j.store.Checkpoints(theirs.Size) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return yield(peer.Run{}, err)
		}
		_, head, err := journal.CheckpointHead(cp)
		if err != nil {
			return yield(peer.Run{}, err)
		}
		run := peer.Run{Origin: j.origin, Checkpoint: slices.Clone(cp)}
		if head.Size > theirs.Size {
			proof, err := tlog.ProveTree(head.Size, theirs.Size, j.store)
			if err != nil {
				return yield(peer.Run{}, err)
			}
			run.Prefix = &journal.Prefix{Size: theirs.Size, Root: ours, Proof: proof}
		}
		return yield(run, nil)
	}
	return true
}

// beginning shows a journal's first stretch, with the certificate of its key.
func (l *ledger) beginning(j heldJournal, yield func(peer.Run, error) bool) bool {
	for run, err := range peer.Runs(j.store, 0, true) {
		run.Payloads = nil
		return yield(run, err)
	}
	return true
}

// upTo is a journal as it was at a size that has a kept checkpoint.
type upTo struct {
	journal.Storage
	size int64
}

// Checkpoints yields those within the size.
func (u upTo) Checkpoints(from int64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for cp, err := range u.Storage.Checkpoints(from) {
			if err == nil {
				_, head, bad := journal.CheckpointHead(cp)
				if err = bad; err == nil && head.Size > u.size {
					return
				}
			}
			if !yield(cp, err) || err != nil {
				return
			}
		}
	}
}

// Payload hands over one payload after asking the gate again, as things stand now.
func (b backend) Payload(_ context.Context, id journal.UnitID, to journal.PartyID, c journal.Hash) (peer.Payload, error) {
	l, err := b.ledger(id)
	if err != nil {
		return peer.Payload{}, err
	}
	l.mu.Lock()
	d, err := l.handOver(c, to)
	l.mu.Unlock()
	if err != nil {
		return peer.Payload{}, err
	}
	if d.Verdict != accord.Allow {
		return peer.Payload{}, &peer.Refusal{Code: peer.CodeWithheld, Commitment: &c,
			Detail: fmt.Sprintf("clause %s: %s", d.Clause, d.Reason)}
	}
	salt, data, err := l.payloads.Get(c)
	l.noticed(c, err)
	if errors.Is(err, store.ErrNotFound) {
		return peer.Payload{}, &peer.Refusal{Code: peer.CodeMissing, Commitment: &c, Detail: "not held here"}
	}
	if harmed(err) { // of all else that is to be sent it keeps nothing back
		return peer.Payload{}, &peer.Refusal{Code: peer.CodeMissing, Commitment: &c, Detail: "it was changed on the disk here, and is not held as it was"}
	}
	if errors.Is(err, store.ErrSealed) {
		b.n.opts.Log.Error("evidence cannot be handed over", "unit", id.Short(), "err", err)
		return peer.Payload{}, &peer.Refusal{Code: peer.CodeMissing, Commitment: &c, Detail: "it lies sealed here, and cannot be opened at the moment"}
	}
	if err != nil {
		return peer.Payload{}, err
	}
	return peer.Payload{Commitment: c, Salt: salt, Data: data}, nil
}

// Accept verifies a stretch of a journal and makes it durable, as fast as one
// partner may make this node grow.
func (b backend) Accept(ctx context.Context, id journal.UnitID, from journal.PartyID, run peer.Run) (int, error) {
	return b.accept(ctx, id, from, run, true)
}

// carried is what the exchange sees of a node when an officer brings a courier
// file: nobody can make it grow that way who is not let in.
type carried struct{ backend }

// Accept takes a stretch of any size.
func (b carried) Accept(ctx context.Context, id journal.UnitID, from journal.PartyID, run peer.Run) (int, error) {
	return b.accept(ctx, id, from, run, false)
}

// AcceptPayload takes as many as there are.
func (b carried) AcceptPayload(_ context.Context, id journal.UnitID, from journal.PartyID, p peer.Payload) (bool, error) {
	return b.acceptPayload(id, from, p, false)
}

func (b backend) accept(ctx context.Context, id journal.UnitID, from journal.PartyID, run peer.Run, bounded bool) (int, error) {
	l, err := b.ledger(id)
	if err != nil {
		return 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if run.Origin == l.origin() && l.own != nil {
		if err := l.mirrored(run); err != nil {
			return 0, err
		}
	}
	if l.ailing != nil {
		return 0, l.unable(run, l.ailing)
	}
	if b.n.roomForControl(runBytes(run)) != nil {
		return 0, noRoom(run.Origin, run.First, nil)
	}
	if err := l.otherBeginning(ctx, run); err != nil {
		return 0, err
	}
	m := l.mirrors[run.Origin]
	held := int64(0)
	if m != nil {
		held = m.m.Head().Size
	}
	if bounded && !b.n.growth.admit(b.n.now(), from, cost(run, held)) {
		return 0, b.n.growth.later(run.Origin, held)
	}
	if m == nil {
		if m, err = l.newMirror(run); err != nil {
			return 0, err
		}
	}
	if m.ended(from, run) {
		return 0, &peer.Refusal{Code: m.fault, Origin: run.Origin, Index: run.First, Detail: "this journal contradicted itself before; nothing more of it is taken"}
	}
	before := m.m.Head()
	ext, err := m.extend(run)
	if errors.Is(err, journal.ErrBroken) {
		if before.Size == 0 {
			err = errors.Join(err, l.dropMirror(run.Origin, m)) // of which nothing was receipted
		} else {
			l.ailing = err
		}
		return 0, l.unable(run, err)
	}
	if err != nil {
		if before.Size > 0 && !proves(err) && !isStale(err) {
			err = errors.Join(err, l.remember(run.Origin, m, from, run.Checkpoint))
		}
		if before.Size == 0 {
			err = errors.Join(err, l.dropMirror(run.Origin, m))
		}
		return 0, l.refused(run.Origin, m, before, err)
	}
	// They are on the disk from here on. What is not folded for any reason would be missing in the
	// state until the next start, so the journals are opened again then.
	for _, e := range ext.Entries {
		if bounded && e.Payload != nil && e.Payload.Type == journal.PayloadAccord {
			b.n.growth.charge(b.n.now(), from, accordCost)
		}
		if err := l.take(e, e.Author == l.n.keys().party); err != nil {
			l.ailing = err
			return 0, l.unable(run, err)
		}
	}
	if len(l.accused[run.Origin]) > 0 {
		if err := l.accuse(run.Origin); err != nil {
			l.ailing = err
			return 0, l.unable(run, err)
		}
	}
	if err := l.learnAll(); err != nil {
		return 0, err
	}
	return len(ext.Entries), l.meet(run.Origin, m)
}

// unable tells a partner that the disk here keeps nothing at the moment.
func (l *ledger) unable(run peer.Run, err error) error {
	if store.IsFull(err) {
		return noRoom(run.Origin, run.First, nil)
	}
	l.n.opts.Log.Error("entries could not be stored", "unit", l.id.Short(), "origin", run.Origin.Short(), "err", err)
	return &peer.Refusal{Code: peer.CodeInternal, Origin: run.Origin, Index: run.First, Detail: "this side's disk fails; try again later"}
}

// refused keeps the proof where there is one, and says no.
func (l *ledger) refused(o journal.Origin, m *mirror, before journal.Head, err error) error {
	if isStale(err) {
		return &peer.Refusal{Code: peer.CodeStale, Origin: o, Index: before.Size, Detail: "older than what is held, and consistent with it"}
	}
	var c *journal.ContradictionError
	if errors.As(err, &c) {
		return l.caught(o, m, before, c.Code, err, c.Proof, func() journal.Draft {
			return journal.Draft{Kind: journal.KindEvidence, By: l.n.machine(), Body: c.Proof}
		})
	}
	var v *journal.ViolationError
	if errors.As(err, &v) {
		return l.caught(o, m, before, v.Code, err, v.Proof, nil)
	}
	var q *journal.EquivocationError
	if errors.As(err, &q) {
		return l.caught(o, m, before, q.Code, err, q.Proof, nil)
	}
	if code := journal.CodeOf(err); code != "" {
		l.n.opts.Log.Warn("journal refused", "unit", l.id.Short(), "origin", o.Short(), "code", code, "err", err)
	}
	return err
}

// caught keeps the proof of misbehaviour, journals it if it fits into an entry,
// so that every member gets it, and stops taking that journal.
func (l *ledger) caught(o journal.Origin, m *mirror, before journal.Head, code string, err error, proof any, entry func() journal.Draft) error {
	no := &peer.Refusal{Code: code, Origin: o, Index: before.Size, Detail: err.Error()}
	if m.fault != "" {
		return no // proved already: one proof is enough, however often it is shown
	}
	if l.file.Faults == nil {
		l.file.Faults = map[journal.Origin]string{}
	}
	l.file.Faults[o] = code
	if err := errors.Join(l.keepOnce(o, code, proof), l.save()); err != nil {
		// What is not on disk counts for nothing: the next time that it is shown, it is
		// kept then.
		delete(l.file.Faults, o)
		return err
	}
	m.fault = code
	l.n.opts.Log.Error("a partner's journal is proved to break the rules; the proof is kept", "unit", l.id.Short(), "origin", o.Short(), "code", code)
	if entry != nil && l.own != nil && o != l.origin() {
		l.owed = append(l.owed, entry())
		if err := l.paid(); err != nil {
			return err
		}
	}
	return no
}

// AcceptPayload takes a payload that a held entry names.
func (b backend) AcceptPayload(_ context.Context, id journal.UnitID, from journal.PartyID, p peer.Payload) (bool, error) {
	return b.acceptPayload(id, from, p, true)
}

func (b backend) acceptPayload(id journal.UnitID, from journal.PartyID, p peer.Payload, bounded bool) (bool, error) {
	l, err := b.ledger(id)
	if err != nil {
		return false, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	entries := l.named[p.Commitment]
	if len(entries) > 0 && !l.wanted[p.Commitment] {
		return false, nil
	}
	if len(entries) == 0 {
		return false, &peer.Refusal{Code: peer.CodeUnwanted, Commitment: &p.Commitment, Detail: "no entry held here names it"}
	}
	// Evidence is large: what its author may not have written by the accord (over the bytes of its day, say) fills no disk here.
	if !slices.ContainsFunc(entries, func(np namedPayload) bool {
		return !isEvidence(np) || l.fold.Verdict(np.ref).Verdict != accord.Refuse
	}) {
		return false, &peer.Refusal{Code: peer.CodeUnwanted, Commitment: &p.Commitment, Detail: "the accord's gate refuses the evidence that names it"}
	}
	if bounded && !b.n.growth.admitPayload(b.n.now(), from, len(p.Data)) {
		return false, b.n.growth.later("", -1)
	}
	// The commitment binds the bytes and so their number. An entry that names another
	// size is false; it shows as unreadable and keeps nobody else's bytes out.
	fits := func(np namedPayload) bool { return np.p.Size == int64(len(p.Data)) }
	if !slices.ContainsFunc(entries, fits) || journal.Commit(p.Salt, p.Data) != p.Commitment {
		return false, &peer.Refusal{Code: peer.CodeBadFrame, Commitment: &p.Commitment, Detail: "the bytes are not those that the entry committed to"}
	}
	if b.n.roomFor(int64(len(p.Data))) != nil {
		return false, noRoom("", -1, &p.Commitment)
	}
	if err := l.payloads.Put(store.Payload{Commitment: p.Commitment, Salt: p.Salt, Data: p.Data, Sealed: slices.ContainsFunc(entries, isEvidence)}); err != nil {
		if store.IsFull(err) {
			return false, noRoom("", -1, &p.Commitment)
		}
		return false, err
	}
	delete(l.wanted, p.Commitment)
	if slices.ContainsFunc(entries, isEvidence) {
		l.writtenHere(p.Commitment)
	}
	for _, np := range entries {
		l.bothHere(np, int64(len(p.Data)))
	}
	return true, nil
}

// Settle receipts what was taken in, and sends arrived content through intake.
func (b backend) Settle(_ context.Context, id journal.UnitID, from journal.PartyID) error {
	l, err := b.ledger(id)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b.n.intakeSoon(l)
	return errors.Join(l.receiptAll(), l.closeLeft())
}

// receiptAll writes one receipt for each mirror that grew by more than
// receipts, as far as its entries have their past here; and one more when a
// payload arrived that the last receipt named as missing.
func (l *ledger) receiptAll() error {
	if l.maySign() != nil {
		return nil // nothing can be signed; the status says so
	}
	if err := l.payOwed(); err != nil {
		return err
	}
	var drafts []journal.Draft
	gaps := l.gaps()
	seen := l.fold.Seen(l.n.keys().party)
	for _, j := range l.journals() {
		m := l.mirrors[j.origin]
		head := seen[j.origin]
		if m == nil || j.fault != "" || head.Size == 0 || head.Size < m.receipted {
			continue
		}
		size, missing := missing(gaps[j.origin], head.Size)
		if size < m.receipted || !l.fold.NeedsReceipt(j.origin, m.receipted, size) && len(missing) >= m.missing {
			continue
		}
		if size < head.Size {
			root, err := tlog.TreeHash(size, j.store)
			if err != nil {
				return err
			}
			head = journal.Head{Size: size, Root: root}
		}
		drafts = append(drafts, journal.Draft{Kind: journal.KindReceipt, By: l.n.machine(),
			Body: journal.ReceiptBody{Origin: j.origin, Size: head.Size, Root: head.Root, Missing: missing}})
	}
	if len(drafts) == 0 {
		return nil
	}
	_, err := l.write(drafts...)
	return err
}

// maxMissing is the most payloads that a receipt of this node says it lacks, so
// that with all that an entry has seen it stays within journal.MaxEntry.
const maxMissing = 256

// gap is an entry whose payload is not here.
type gap struct {
	index int64
	c     journal.Hash
}

// gaps are the entries whose payloads are not here, by journal, the first of each
// payload.
func (l *ledger) gaps() map[journal.Origin][]gap {
	out := map[journal.Origin][]gap{}
	for c := range l.wanted {
		for i, np := range l.named[c] {
			if !slices.ContainsFunc(l.named[c][:i], func(x namedPayload) bool { return x.ref.Origin == np.ref.Origin }) {
				out[np.ref.Origin] = append(out[np.ref.Origin], gap{np.ref.Index, c})
			}
		}
	}
	for _, list := range out {
		slices.SortFunc(list, func(a, b gap) int { return cmp.Compare(a.index, b.index) })
	}
	return out
}

// missing says up to where a journal of so many entries can be receipted, and the
// payloads below that are not here. A receipt that could not name all of them
// would claim what is not so; it covers less instead.
func missing(gaps []gap, size int64) (int64, []journal.Hash) {
	var out []journal.Hash
	for _, g := range gaps {
		if g.index >= size {
			break
		}
		if len(out) == maxMissing {
			size = g.index
			break
		}
		out = append(out, g.c)
	}
	slices.SortFunc(out, func(a, b journal.Hash) int { return bytes.Compare(a[:], b[:]) })
	return size, out
}

// machine is the role under which the node itself writes protocol entries.
func (n *Node) machine() journal.By { return journal.By{Agency: "node", Role: "machine"} }
