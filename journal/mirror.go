package journal

import (
	"bytes"
	"fmt"
	"sync"

	"golang.org/x/mod/sumdb/tlog"
)

// Mirror is a verified, durable copy of a journal that another party writes.
// Its methods may be called concurrently.
type Mirror struct {
	mu     sync.Mutex
	st     Storage
	params MirrorParams
	parser *parser
	ledger ledger
	tree   tree
	latest []byte
	broken error
}

// MirrorParams says which journal a mirror is for. What is empty is taken from
// the genesis entry.
type MirrorParams struct {
	Unit   UnitID  // required: entries of another unit are refused
	Party  PartyID // the author, or ""
	Origin Origin  // the journal, or ""
	// Known returns the identity chain of a party as known from pairing or
	// another journal, nil if none; a genesis that disagrees is refused. It may be nil.
	Known func(PartyID) []Signed
}

// Extension is what a mirror took in.
type Extension struct {
	Entries []*Entry // the new ones, in index order
	Head    Head     // the head that now is durable
}

// OpenMirror opens a mirror on its storage, empty or not.
func OpenMirror(st Storage, p MirrorParams) (*Mirror, error) {
	if err := p.Unit.Check(); err != nil {
		return nil, err
	}
	m := &Mirror{st: st, params: p, parser: newParser(), ledger: ledger{unit: p.Unit, party: p.Party, origin: p.Origin}}
	head, cp, err := openLedger(st, &m.ledger)
	if err != nil {
		return nil, err
	}
	if m.tree, err = loadTree(st, head.Size); err != nil {
		return nil, err
	}
	if cp != nil && m.tree.head() != head {
		return nil, refuse(CodeDamaged, m.ledger.origin, -1, "the stored tree hashes do not give the signed root")
	}
	m.latest = cp
	return m, nil
}

// Extend takes entries and the signed checkpoint over the journal up to and
// including them. The entries may start below what is held (they then have to
// be the same) but not above. Nothing is taken in unless every check holds:
//
//   - both halves of the signature under the key schedule;
//   - unit, author, epoch, index, time and seen of every entry;
//   - the root over all entries.
//
// A rotate entry has to be the last of its call, because the next key signs
// from its checkpoint on.
//
// It returns a [*Refusal] with code stale ([ErrStale]) if the head brings nothing
// new and contradicts nothing, a [*ContradictionError] or [*ViolationError] with
// proof if the author is caught, another [*Refusal] if what came does not hold
// but proves nothing against its author, and other errors for storage.
func (m *Mirror) Extend(entries [][]byte, checkpoint []byte) (*Extension, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken != nil {
		return nil, m.broken
	}
	if err := m.bounds(entries); err != nil {
		return nil, err
	}
	led := m.ledger
	if m.tree.size == 0 {
		return m.first(led, entries, checkpoint)
	}
	head, cp, err := led.keys.open(checkpoint)
	if err != nil {
		return nil, m.skippedRotation(entries, err)
	}
	if head.Size <= m.tree.size {
		return nil, m.compare(head, cp)
	}
	list, err := m.parse(entries)
	if err != nil {
		return nil, m.blame(list, entries, checkpoint, head, asRefusal(err, CodeBadEntry, led.origin, -1))
	}
	if r := m.order(list, head.Size); r != nil {
		return nil, m.blame(list, entries, checkpoint, head, r)
	}
	skip := int(m.tree.size - list[0].Index)
	if err := m.overlap(list, skip, head, cp); err != nil {
		return nil, err
	}
	return m.take(led, list[skip:], checkpoint, &checkpointed{cp, head})
}

// first takes the beginning of the journal, from which its key is learnt.
func (m *Mirror) first(led ledger, entries [][]byte, checkpoint []byte) (*Extension, error) {
	if len(entries) == 0 {
		return nil, refuse(CodeGap, led.origin, 0, "nothing is held yet and no entries came")
	}
	list, err := m.parse(entries)
	if err != nil {
		return nil, asRefusal(err, CodeBadEntry, led.origin, int64(len(list)))
	}
	_, head, err := CheckpointHead(checkpoint)
	if err != nil {
		return nil, asRefusal(err, CodeBadSignature, led.origin, -1)
	}
	if r := m.order(list, head.Size); r != nil {
		return nil, r
	}
	return m.take(led, list, checkpoint, nil)
}

// take checks entries that follow what is held, makes them durable and
// accounts for them. verified is the checkpoint if the keys known before the
// entries have verified it already.
func (m *Mirror) take(led ledger, list []*Entry, checkpoint []byte, verified *checkpointed) (*Extension, error) {
	before := led.keys
	tr := m.tree.clone()
	b := Batch{First: tr.size, Entries: make([][]byte, 0, len(list)), Hashes: make([]Hash, 0, 2*len(list)+64)}
	var bad *Refusal
	for i, e := range list {
		b.Hashes = tr.add(e.LeafHash, b.Hashes)
		b.Entries = append(b.Entries, e.Raw)
		if bad != nil {
			continue
		}
		if bad = led.step(e, m.params.Known); bad == nil && e.Kind == KindRotate && i+1 < len(list) {
			bad = rotationFirst(led.origin, e.Index)
		}
	}
	if bad != nil && led.keys == nil {
		return nil, bad // no key to check anything with
	}
	// At the beginning, and after a rotate entry at the end, led.keys demands
	// more than was known before.
	if verified == nil || led.keys != before {
		head, cp, err := led.keys.open(checkpoint)
		if err != nil {
			return nil, err
		}
		verified = &checkpointed{cp, head}
	}
	head, cp := verified.head, verified.signed
	if root := tr.root(); head.Size != tr.size || head.Root != root {
		if bad != nil {
			return nil, bad
		}
		return nil, refuse(CodeBadRoot, led.origin, -1, "the %d entries that came do not give the signed root of size %d", len(list), head.Size)
	}
	if bad != nil {
		return nil, violation(bad, m.ledger.last, list, *verified, overlay(m.st, m.tree.size, b.Hashes))
	}
	b.Checkpoint = cp
	if err := m.st.Append(b); err != nil {
		m.broken = fmt.Errorf("%w (%w)", ErrBroken, err)
		return nil, m.broken
	}
	m.ledger, m.tree, m.latest = led, tr, cp
	return &Extension{Entries: list, Head: head}, nil
}

// skippedRotation explains a signature that does not verify because the key was
// rotated among the entries that came.
func (m *Mirror) skippedRotation(entries [][]byte, err error) error {
	for _, raw := range entries[:max(0, len(entries)-1)] {
		if !bytes.Contains(raw, []byte(KindRotate)) {
			continue
		}
		if e, perr := m.parser.parse(raw); perr == nil && e.Kind == KindRotate {
			return fmt.Errorf("%w (the entries rotate the key at %d: %w)", rotationFirst(m.ledger.origin, e.Index), e.Index, err)
		}
	}
	return err
}

func rotationFirst(o Origin, index int64) *Refusal {
	return refuse(CodeHalfSignature, o, index, "the key is rotated here; the checkpoint of size %d, signed by both keys, has to come first", index+1)
}

func (m *Mirror) bounds(entries [][]byte) error {
	if len(entries) > MaxBatchEntries {
		return refuse(CodeOversize, m.ledger.origin, -1, "%d entries came at once; %d are allowed", len(entries), MaxBatchEntries)
	}
	n := 0
	for _, e := range entries {
		if n += len(e); n > MaxBatchBytes {
			return refuse(CodeOversize, m.ledger.origin, -1, "more than %d bytes of entries came at once", MaxBatchBytes)
		}
	}
	return nil
}

// parse parses all entries; on error it returns those before the bad one.
func (m *Mirror) parse(entries [][]byte) ([]*Entry, error) {
	out := make([]*Entry, 0, len(entries))
	for _, raw := range entries {
		e, err := m.parser.parse(raw)
		if err != nil {
			return out, err
		}
		out = append(out, e)
	}
	return out, nil
}

// order checks that the indexes count up by one, start at or below what is
// held, and end at the head.
func (m *Mirror) order(list []*Entry, size int64) *Refusal {
	o, held := m.ledger.origin, m.tree.size
	if len(list) == 0 {
		return refuse(CodeGap, o, held, "the head has %d entries, %d are held and none came", size, held)
	}
	for _, e := range list {
		// Entries of other journals are named as such before their places are judged.
		switch {
		case m.params.Unit != e.Unit:
			return refuse(CodeWrongUnit, o, e.Index, "it belongs to unit %s, not %s", e.Unit.Short(), m.params.Unit.Short())
		case m.ledger.party != "" && m.ledger.party != e.Author:
			return refuse(CodeWrongAuthor, o, e.Index, "it was written by party %s, not %s", e.Author.Short(), m.ledger.party.Short())
		case o != "" && o != e.Origin():
			return refuse(CodeWrongOrigin, o, e.Index, "it belongs to another journal of its party (epoch %d)", e.Epoch)
		}
	}
	first := list[0].Index
	for i, e := range list {
		if e.Index == first+int64(i) {
			continue
		}
		return m.misplaced(list, i)
	}
	switch end := first + int64(len(list)); {
	case first > held:
		return refuse(CodeGap, o, held, "entries %d to %d are missing", held, first-1)
	case end < size:
		return refuse(CodeGap, o, end, "the head covers %d entries, those from %d on are missing", size, end)
	case end > size:
		return refuse(CodeWrongIndex, o, size, "more entries came than the head covers")
	}
	return nil
}

// misplaced names what is wrong with the first entry that is not in its place.
func (m *Mirror) misplaced(list []*Entry, i int) *Refusal {
	o, want, e := m.ledger.origin, list[0].Index+int64(i), list[i]
	seen := make(map[int64]int, len(list))
	for _, x := range list {
		seen[x.Index]++
	}
	switch {
	case seen[e.Index] > 1:
		return refuse(CodeReplay, o, want, "entry %d came more than once", e.Index)
	case e.Index < list[0].Index && e.Index < m.tree.size && m.holds(e):
		return refuse(CodeReplay, o, want, "entry %d, which is already held, came again in its place", e.Index)
	case seen[want] > 0:
		return refuse(CodeReorder, o, want, "entry %d came in its place", e.Index)
	case e.Index > want:
		return refuse(CodeGap, o, want, "it is missing, entry %d came", e.Index)
	}
	return refuse(CodeWrongIndex, o, want, "it calls itself entry %d", e.Index)
}

func (m *Mirror) holds(e *Entry) bool {
	h, err := m.st.ReadHashes([]int64{tlog.StoredHashIndex(0, e.Index)})
	return err == nil && len(h) == 1 && h[0] == e.LeafHash
}

// overlap compares entries that are already held with what is held. If they
// differ and the signed head covers the other ones, history was rewritten.
func (m *Mirror) overlap(list []*Entry, skip int, head Head, cp []byte) error {
	bad := -1
	for i, e := range list[:skip] {
		if !m.holds(e) {
			bad = i
			break
		}
	}
	if bad < 0 {
		return nil
	}
	first := list[0].Index
	tr, err := loadTree(m.st, first)
	if err != nil {
		return err
	}
	var more []Hash
	for _, e := range list {
		more = tr.add(e.LeafHash, more)
	}
	if tr.head() != head {
		return refuse(CodeRewritten, m.ledger.origin, list[bad].Index, "it is not the entry that is held, and the signed head does not cover it either")
	}
	theirs := overlay(m.st, first, more)
	root, err := tlog.TreeHash(m.tree.size, theirs)
	if err != nil {
		return err
	}
	proof, err := tlog.ProveTree(head.Size, m.tree.size, theirs)
	if err != nil {
		return err
	}
	return contradiction(CodeRewritten, m.ledger.origin, m.latest, cp, proof, root)
}

// compare judges a verified head that is not longer than what is held.
func (m *Mirror) compare(head Head, cp []byte) error {
	o := m.ledger.origin
	stale := func() error {
		return refuse(CodeStale, o, -1, "the head of size %d is consistent with the %d entries held and brings nothing new", head.Size, m.tree.size)
	}
	if head.Size == 0 {
		return stale()
	}
	root, err := tlog.TreeHash(head.Size, m.st)
	if err != nil {
		return fmt.Errorf("journal: reading tree hashes: %w", err)
	}
	switch {
	case root == head.Root:
		return stale()
	case head.Size == m.tree.size:
		return contradiction(CodeFork, o, m.latest, cp, nil, Hash{})
	}
	// If the very head of that size is kept, two heads of one size say it best.
	for kept, err := range m.st.Checkpoints(head.Size) {
		if err != nil {
			return fmt.Errorf("journal: reading checkpoints: %w", err)
		}
		if _, h, err := CheckpointHead(kept); err == nil && h.Size == head.Size {
			return contradiction(CodeFork, o, bytes.Clone(kept), cp, nil, Hash{})
		}
		break
	}
	proof, err := tlog.ProveTree(m.tree.size, head.Size, m.st)
	if err != nil {
		return fmt.Errorf("journal: proving: %w", err)
	}
	return contradiction(CodeRollback, o, cp, m.latest, proof, root)
}

// Offer judges a signed head whose entries have not come. consistency returns
// the RFC 6962 consistency proof from size m to size n of the tree that the
// head is of, as its holder tells it; it is called only for a head longer than
// what is held. Nil means that the head is signed and contains everything held.
// Errors are as for [Mirror.Extend].
func (m *Mirror) Offer(checkpoint []byte, consistency func(m, n int64) ([]Hash, error)) (Head, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.tree.size == 0 {
		return Head{}, refuse(CodeGap, m.ledger.origin, 0, "nothing is held of this journal, so no head of it can be judged")
	}
	head, cp, err := m.ledger.keys.open(checkpoint)
	if err != nil {
		return Head{}, err
	}
	ours := m.tree.head()
	if head == ours {
		return head, nil
	}
	if head.Size <= ours.Size {
		return head, m.compare(head, cp)
	}
	if consistency == nil {
		return head, refuse(CodeGap, m.ledger.origin, ours.Size, "no proof came that the head of size %d contains what is held", head.Size)
	}
	proof, err := consistency(ours.Size, head.Size)
	if err != nil {
		return head, fmt.Errorf("journal: getting a consistency proof: %w", err)
	}
	if len(proof) > maxProof {
		return head, refuse(CodeOversize, m.ledger.origin, -1, "a consistency proof of %d hashes is longer than any can be", len(proof))
	}
	if err := tlog.CheckTree(proof, head.Size, head.Root, ours.Size, ours.Root); err == nil {
		return head, nil
	}
	if root, ok := impliedRoot(proof, head.Size, head.Root, ours.Size); ok && root != ours.Root {
		return head, contradiction(CodeRewritten, m.ledger.origin, m.latest, cp, proof, root)
	}
	return head, refuse(CodeBadRoot, m.ledger.origin, -1, "the proof does not show that the head of size %d contains the %d entries held", head.Size, ours.Size)
}

// CheckSuccessor judges a certificate of the journal that is to succeed this
// one: it has to name this journal, and a head that agrees with what is held. A
// head that is shorter than what is held takes nothing back: the longer signed
// tail stays binding, and more of it can still be mirrored.
func (m *Mirror) CheckSuccessor(c Certificate) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := c.Predecessor
	if p == nil || p.Origin != m.ledger.origin {
		return refuse(CodeWrongOrigin, m.ledger.origin, -1, "the certificate does not name this journal as predecessor")
	}
	if p.Head.Size == 0 || p.Head.Size > m.tree.size {
		return nil // nothing to compare with yet
	}
	root, err := tlog.TreeHash(p.Head.Size, m.st)
	if err != nil {
		return fmt.Errorf("journal: reading tree hashes: %w", err)
	}
	if root != p.Head.Root {
		return refuse(CodeRewritten, m.ledger.origin, -1, "the successor names a head of size %d that this journal never had", p.Head.Size)
	}
	return nil
}

// Head returns the durable head; size 0 if nothing is held.
func (m *Mirror) Head() Head {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.tree.head()
}

// Checkpoint returns the signed checkpoint of [Mirror.Head], nil if nothing is held.
func (m *Mirror) Checkpoint() []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return bytes.Clone(m.latest)
}

// Keyring returns the key schedule, nil if nothing is held.
func (m *Mirror) Keyring() *Keyring {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ledger.keys
}

// Origin returns the journal's name, "" if it is not known yet.
func (m *Mirror) Origin() Origin {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ledger.origin
}

// Party returns the author, "" if it is not known yet.
func (m *Mirror) Party() PartyID {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ledger.party
}

// Certificate returns the certificate of the journal's first key; the zero
// value if nothing is held.
func (m *Mirror) Certificate() Certificate {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ledger.cert
}

// Identities returns the author's identity chain as far as the journal tells it.
func (m *Mirror) Identities() ([]Signed, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	err := m.ledger.completeChain()
	return append([]Signed(nil), m.ledger.chain...), err
}
