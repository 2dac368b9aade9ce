package journal

import (
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Violation is proof that a party signed a journal that breaks a rule at one
// entry, for the rules that an entry and its predecessor show by themselves:
// bad-entry and oversize (not an entry), wrong-unit, wrong-author, wrong-origin,
// wrong-index, back-dated and bad-seen. Such an entry is void and its journal
// is at an end; its party can open a successor.
type Violation struct {
	Code       string      `json:"code"`
	Origin     Origin      `json:"origin"`
	Checkpoint string      `json:"checkpoint"`      // signed, covers both entries
	Before     *ProvenLeaf `json:"before,omitzero"` // the predecessor
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

// violation turns a refusal of an entry that the author signed into proof, if
// neighbouring entries can show it, and else returns the refusal. list are the
// entries that follow last, r reads the tree of cp.
func violation(bad *Refusal, last *Entry, list []*Entry, cp checkpointed, r tlog.HashReader) error {
	raws := make([][]byte, len(list))
	for i, e := range list {
		raws[i] = e.Raw
	}
	first := int64(0)
	if last != nil {
		first = last.Index + 1
	}
	return violationOf(bad, bad.Index, last, first, raws, cp, r)
}

func violationOf(bad *Refusal, place int64, last *Entry, first int64, raws [][]byte, cp checkpointed, r tlog.HashReader) error {
	i := place - first
	if i < 0 || i >= int64(len(raws)) {
		return bad
	}
	leaf := func(index int64, raw []byte) (ProvenLeaf, error) {
		p, err := tlog.ProveRecord(cp.head.Size, index, r)
		return ProvenLeaf{index, raw, p}, err
	}
	v := Violation{Code: bad.Code, Origin: bad.Origin, Checkpoint: string(cp.signed)}
	var err error
	if v.Entry, err = leaf(place, raws[i]); err != nil {
		return bad
	}
	before := []byte(nil)
	switch {
	case i > 0:
		before = raws[i-1]
	case last != nil:
		before = last.Raw
	}
	if before != nil {
		b, err := leaf(place-1, before)
		if err != nil {
			return bad
		}
		v.Before = &b
	}
	if code, err := v.broken(cp.head); err != nil || code != bad.Code {
		return bad // true, but not to be shown by these two entries alone
	}
	return &ViolationError{Refusal: *bad, Proof: v}
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
	return violationOf(&out, place, m.ledger.last, held, raws, checkpointed{checkpoint, head}, overlay(m.st, held, more))
}
