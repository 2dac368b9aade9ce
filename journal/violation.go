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
// continue one that its own journal told before (bad-identity). Such an entry is
// void and its journal is at an end; its party can open a successor.
type Violation struct {
	Code       string      `json:"code"`
	Origin     Origin      `json:"origin"`
	Checkpoint string      `json:"checkpoint"`      // signed, covers both entries
	Before     *ProvenLeaf `json:"before,omitzero"` // the predecessor
	Told       *ProvenLeaf `json:"told,omitzero"`   // the entry that told the author's identity before, if the rule is about that
	Entry      ProvenLeaf  `json:"entry"`           // the entry that breaks the rule
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

// Verify checks the proof with nothing but the keys. Nil means that the party
// is proved to have signed the violation.
func (v Violation) Verify(keys ...*Keyring) error {
	h, err := anyKeyring(v.Origin, v.Checkpoint, keys)
	if err != nil {
		return fmt.Errorf("journal: violation: %w", err)
	}
	if err := v.Entry.included(h); err != nil {
		return fmt.Errorf("journal: violation: the entry is not in the signed tree: %w", err)
	}
	code, err := v.broken(h)
	if err != nil {
		return err
	}
	if code != v.Code {
		return fmt.Errorf("journal: violation: the entry shows %q, not %q", code, v.Code)
	}
	return nil
}

// broken names the rule that the entry breaks.
func (v Violation) broken(h Head) (string, error) {
	e, err := ParseEntry(v.Entry.Raw)
	if err != nil {
		return CodeOf(err), nil
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
	v := Violation{Code: bad.Code, Origin: bad.Origin, Checkpoint: string(x.signed.signed)}
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
	if code, err := v.broken(x.signed.head); err != nil || code != bad.Code {
		return bad // true, but not to be shown by these entries alone
	}
	return &ViolationError{Refusal: *bad, Proof: v}
}

func (x evidence) leaf(index int64, raw []byte) (*ProvenLeaf, error) {
	p, err := tlog.ProveRecord(x.signed.head.Size, index, x.tree)
	return &ProvenLeaf{index, raw, p}, err
}

// blame handles entries that cannot even be put in order: if the signed root
// covers exactly these bytes in this order, the author signed the disorder.
func (m *Mirror) blame(list []*Entry, raws [][]byte, checkpoint []byte, head Head, bad *Refusal) error {
	held := m.tree.size
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
			if r := adjacent(prev, e); r != nil {
				bad, place = r, held+int64(i)
				break
			}
			prev = e
		}
	}
	out := *bad
	out.Index = place
	return evidence{m.ledger.last, raws, checkpointed{checkpoint, head}, overlay(m.st, held, more), nil}.violation(&out, place)
}
