package journal

import (
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Violation is proof that a party signed a journal that breaks a rule at one
// entry, for the rules that an entry and its predecessor show by themselves:
// bad-entry and oversize (not an entry), wrong-unit, wrong-author, wrong-origin,
// wrong-index, back-dated and bad-seen; and for an identity that is not signed by
// the organisation keys that have to (bad-signature, half-signature), or does not
// continue one that its own journal told before (bad-identity). With Since it is for
// an identity, a rotation or a notice whose rule needs all that stands before, too
// (bad-certificate, bad-signature, half-signature, bad-identity, bad-entry). Such an
// entry is void and its journal is at an end; its party can open a successor.
//
// With First, or where the entry is entry 0 itself, nothing else of the journal has
// to be known: the genesis names its party and the key that signs.
type Violation struct {
	Code       string      `json:"code"`
	Origin     Origin      `json:"origin"`
	Checkpoint string      `json:"checkpoint"`      // signed, covers both entries
	Before     *ProvenLeaf `json:"before,omitzero"` // the predecessor
	Told       *ProvenLeaf `json:"told,omitzero"`   // the entry that told the author's identity before, if the rule is about that
	Entry      ProvenLeaf  `json:"entry"`           // the entry that breaks the rule
	First      *ProvenLeaf `json:"first,omitzero"`  // entry 0, where the journal's first stretch holds the entry
	Since      *Stretch    `json:"since,omitzero"`  // where the rule is about all that stands before
}

// ProvenLeaf is bytes at a place of a tree, with the RFC 6962 inclusion proof.
type ProvenLeaf struct {
	Index int64  `json:"index"`
	Raw   []byte `json:"raw"` // base64 in JSON, because it need not be text
	Proof []Hash `json:"proof"`
}

func (l ProvenLeaf) included(h Head) error {
	if len(l.Proof) > MaxProof {
		return fmt.Errorf("a proof has at most %d hashes", MaxProof)
	}
	return tlog.CheckRecord(l.Proof, h.Size, h.Root, l.Index, tlog.RecordHash(l.Raw))
}

// Verify checks the proof with nothing but the keys, or with none if it brings the
// journal's beginning (see [Violation.Opening]). Nil means that the party is proved to
// have signed the violation. One with Since that does not begin with the journal needs
// [Mirror.VerifyViolation].
func (v Violation) Verify(keys ...*Keyring) error { return v.verify(nil, keys) }

func (v Violation) verify(held func(size int64) (ground, error), keys []*Keyring) error {
	keys, err := v.keys(keys)
	if err != nil {
		return err
	}
	h, err := anyKeyring(v.Origin, v.Checkpoint, keys)
	if err != nil {
		return fmt.Errorf("journal: violation: %w", err)
	}
	if err := v.Entry.included(h); err != nil {
		return fmt.Errorf("journal: violation: the entry is not in the signed tree: %w", err)
	}
	if v.First != nil {
		if err := v.First.included(h); err != nil {
			return fmt.Errorf("journal: violation: the beginning is not in the signed tree: %w", err)
		}
	}
	code, err := v.broken(h, held)
	if err != nil {
		return err
	}
	if code != v.Code {
		return fmt.Errorf("journal: violation: the entry shows %q, not %q", code, v.Code)
	}
	return nil
}

// broken names the rule that the entry breaks.
func (v Violation) broken(h Head, held func(size int64) (ground, error)) (string, error) {
	e, err := ParseEntry(v.Entry.Raw)
	if err != nil {
		return CodeOf(err), nil
	}
	if v.Entry.Index == 0 {
		return v.brokenGenesis(e)
	}
	if v.Before == nil {
		return "", errors.New("journal: violation: the predecessor is missing")
	}
	if v.Before.Index != v.Entry.Index-1 {
		return "", errors.New("journal: violation: the two entries are not neighbours")
	}
	if err := v.Before.included(h); err != nil {
		return "", fmt.Errorf("journal: violation: the predecessor is not in the signed tree: %w", err)
	}
	prev, err := ParseEntry(v.Before.Raw)
	if err != nil || prev.Origin() != v.Origin || prev.Index != v.Before.Index {
		return "", errors.New("journal: violation: the predecessor is itself not an entry of this journal")
	}
	if r := adjacent(prev, e); r != nil {
		return r.Code, nil
	}
	if v.Since != nil {
		return v.since(h, e, held)
	}
	if e.Kind == KindIdentity {
		return v.identityAfter(h, e)
	}
	return "", errors.New("journal: violation: the entry breaks no rule")
}

// ViolationError is returned when a signed journal breaks a rule. The proof is
// to be kept and shown.
type ViolationError struct {
	Refusal
	Proof Violation
}

// Unwrap makes errors.As find the refusal.
func (e *ViolationError) Unwrap() error { return &e.Refusal }

// checkpointed is a verified head and its signed form.
type checkpointed struct {
	signed []byte
	head   Head
}

// evidence is what a proof about one entry is made from.
type evidence struct {
	last   *Entry   // before the first of raws, nil if that is entry 0
	raws   [][]byte // the entries that came, in their order
	signed checkpointed
	tree   tlog.HashReader // of the signed head
	told   *Entry          // told the author's newest identity before, or nil
	ground ground          // what was held before raws
}

// violation turns a refusal of an entry that the author signed into proof, if
// it and what the journal says before can show it, and else returns the refusal.
func (x evidence) violation(bad *Refusal, place int64) error {
	first := int64(0)
	if x.last != nil {
		first = x.last.Index + 1
	}
	i := place - first
	if i < 0 || i >= int64(len(x.raws)) {
		return bad
	}
	o, _, err := CheckpointHead(x.signed.signed)
	if err != nil {
		return bad
	}
	named := *bad
	bad, named.Origin = &named, o
	v := Violation{Code: bad.Code, Origin: o, Checkpoint: string(x.signed.signed)}
	entry, err := x.leaf(place, x.raws[i])
	if err != nil {
		return bad
	}
	v.Entry = *entry
	before := []byte(nil)
	switch {
	case i > 0:
		before = x.raws[i-1]
	case x.last != nil:
		before = x.last.Raw
	}
	if before != nil {
		if v.Before, err = x.leaf(place-1, before); err != nil {
			return bad
		}
	}
	if x.told != nil {
		if v.Told, err = x.leaf(x.told.Index, x.told.Raw); err != nil {
			return bad
		}
	}
	if first == 0 && place > 0 { // nothing of the journal need be known to whom this is shown
		if v.First, err = x.leaf(0, x.raws[0]); err != nil {
			return bad
		}
	}
	if code, err := v.broken(x.signed.head, nil); err == nil && code == bad.Code {
		return &ViolationError{Refusal: *bad, Proof: v}
	}
	if w, ok := x.since(v, i); ok {
		return &ViolationError{Refusal: *bad, Proof: w}
	}
	return bad // true, but not to be shown by these entries
}

func (x evidence) leaf(index int64, raw []byte) (*ProvenLeaf, error) {
	p, err := tlog.ProveRecord(x.signed.head.Size, index, x.tree)
	return &ProvenLeaf{index, raw, p}, err
}

// blame handles entries that cannot even be put in order: if the signed root
// covers exactly these bytes in this order, the author signed the disorder.
func (m *Mirror) blame(list []*Entry, raws [][]byte, signed checkpointed, bad *Refusal) error {
	held, head := m.tree.size, signed.head
	if head.Size-held != int64(len(raws)) {
		return bad
	}
	tr := m.tree.clone()
	var more []Hash
	for _, raw := range raws {
		more = tr.add(tlog.RecordHash(raw), more)
	}
	if tr.head() != head {
		return bad
	}
	place := bad.Index
	if len(list) < len(raws) {
		place = held + int64(len(list)) // the first that does not parse
	} else {
		prev := m.ledger.last
		for i, e := range list {
			if prev == nil { // entry 0 has no neighbour; the caller has judged it
				prev = e
				continue
			}
			if r := adjacent(prev, e); r != nil {
				bad, place = r, held+int64(i)
				break
			}
			prev = e
		}
	}
	out := *bad
	out.Index = place
	return evidence{m.ledger.last, raws, signed, overlay(m.st, held, more), nil, m.ground()}.violation(&out, place)
}

// blameFirst is blame for the first stretch of a journal, from which its key is
// learnt: whoever that key was certified by signed the disorder.
func (m *Mirror) blameFirst(led ledger, list []*Entry, raws [][]byte, checkpoint []byte, bad *Refusal) error {
	if len(list) == 0 || led.genesis(list[0], m.params.Known) != nil {
		return bad
	}
	head, cp, err := led.keys.open(checkpoint)
	if err != nil {
		return bad
	}
	return m.blame(list, raws, checkpointed{cp, head}, bad)
}
