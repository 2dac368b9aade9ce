package journal

import (
	"bytes"
	"fmt"
	"sync"
)

// Mirror is a verified, durable copy of a journal that another party writes.
// Its methods may be called concurrently.
type Mirror struct {
	mu     sync.Mutex
	st     Storage
	params MirrorParams
	parser *Parser
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
	// another journal, nil if none. A genesis that disagrees is refused, and so is
	// a successor that was certified with an organisation key that has since been
	// replaced; a host that has other reasons to trust such an old successor
	// (receipts of other members) returns the chain as it was then. It may be nil.
	Known func(PartyID) []Signed
}

// Extension is what a mirror took in.
type Extension struct {
	Entries []*Entry // the new ones, in index order; they use the bytes that were given
	Head    Head     // the head that now is durable
}

// OpenMirror opens a mirror on its storage, empty or not.
func OpenMirror(st Storage, p MirrorParams) (*Mirror, error) {
	if err := p.Unit.Check(); err != nil {
		return nil, err
	}
	m := &Mirror{st: st, params: p, parser: NewParser(), ledger: ledger{unit: p.Unit, party: p.Party, origin: p.Origin}}
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
// new and contradicts nothing, a [*ContradictionError], [*ViolationError] or
// [*EquivocationError] with proof if the author is caught, another [*Refusal] if what came does not hold
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
		return nil, m.otherGenesis(entries, m.skippedRotation(entries, err))
	}
	if head.Size <= m.tree.size {
		return nil, m.compare(head, cp)
	}
	list, err := m.parse(entries)
	if err != nil {
		return nil, m.blame(list, entries, checkpointed{cp, head}, asRefusal(err, CodeBadEntry, led.origin, -1))
	}
	if r := m.order(list, head.Size); r != nil {
		return nil, m.blame(list, entries, checkpointed{cp, head}, r)
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
		return nil, m.blameFirst(led, list, entries, checkpoint, asRefusal(err, CodeBadEntry, led.origin, int64(len(list))))
	}
	_, head, err := CheckpointHead(checkpoint)
	if err != nil {
		return nil, asRefusal(err, CodeBadSignature, led.origin, -1)
	}
	if r := m.order(list, head.Size); r != nil {
		return nil, m.blameFirst(led, list, entries, checkpoint, r)
	}
	ext, err := m.take(led, list, checkpoint, nil)
	if err != nil {
		return nil, otherIdentity(list[0], m.params.Known, err)
	}
	return ext, nil
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
		return nil, m.badGenesis(list[0], b, tr.head(), checkpoint, bad)
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
		told, err := m.telling(led, bad, list)
		if err != nil {
			return nil, err
		}
		return nil, evidence{m.ledger.last, b.Entries, *verified, overlay(m.st, m.tree.size, b.Hashes), told, m.ground()}.violation(bad, bad.Index)
	}
	b.Checkpoint = cp
	if err := m.st.Append(b); err != nil {
		m.broken = fmt.Errorf("%w (%w)", ErrBroken, err)
		return nil, m.broken
	}
	// The caller's bytes are not kept: the last entry may become part of a proof.
	last := *led.last
	last.Raw, last.Body = bytes.Clone(last.Raw), nil
	led.last = &last
	m.ledger, m.tree, m.latest = led, tr, cp
	return &Extension{Entries: list, Head: head}, nil
}

// telling returns the entry that told the author's newest identity before the one
// that is refused, if that one carries an identity; else nil.
func (m *Mirror) telling(led ledger, bad *Refusal, list []*Entry) (*Entry, error) {
	i := bad.Index - m.tree.size
	if i < 0 || i >= int64(len(list)) || list[i].Kind != KindIdentity {
		return nil, nil
	}
	if err := led.completeChain(); err != nil {
		return nil, err
	}
	if led.told >= m.tree.size {
		return list[led.told-m.tree.size], nil
	}
	return readEntry(m.st, led.told)
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
