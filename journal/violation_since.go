package journal

import (
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// MaxStretch is the most bytes of entries that a [Stretch] holds. An entry that breaks
// a rule behind more than that in one stretch is refused, and not proved.
const MaxStretch = 2 << 20

// Stretch holds the entries that stand between what is known of a journal and the one
// that breaks a rule, so that whoever verifies it knows all identities and keys that
// the journal told before that one. What is left out could excuse it.
type Stretch struct {
	Size    int64    `json:"size"`              // how many entries stand before the stretch, at least 1
	Entries [][]byte `json:"entries,omitempty"` // all from there up to the one that breaks the rule, base64 in JSON; at most [MaxStretch] bytes
	Proof   []Hash   `json:"proof"`             // RFC 6962: the entries before the one that breaks the rule are the beginning of the signed tree
}

// ground is what is known of a journal at some size.
type ground struct {
	led  ledger
	tree tree
}

// ground is what is held now. Where nothing is, the proof has to bring the beginning.
func (m *Mirror) ground() ground { return ground{m.ledger, m.tree.clone()} }

// groundAt is what was known at a size that is held.
func (m *Mirror) groundAt(size int64) (ground, error) {
	if size < 1 || size > m.tree.size {
		return ground{}, fmt.Errorf("journal: violation: %d entries are not held of this journal", size)
	}
	if err := m.ledger.completeChain(); err != nil {
		return ground{}, err
	}
	led := m.ledger
	n := len(led.tells)
	for n > 0 && led.tells[n-1] >= size {
		n--
	}
	led.chain = led.chain[:len(led.chain)-len(led.tells)+n]
	led.tells = led.tells[:n]
	led.keys = led.keys.upTo(size)
	var err error
	if led.identity, err = ParseIdentity(led.chain[len(led.chain)-1]); err != nil {
		return ground{}, err
	}
	tr, err := loadTree(m.st, size)
	return ground{led, tr}, err
}

// upTo returns the schedule as the first size entries tell it.
func (k *Keyring) upTo(size int64) *Keyring {
	n := len(k.keys)
	for n > 1 && k.keys[n-1].From > size {
		n--
	}
	return &Keyring{k.origin, k.keys[:n:n], k.verify[:n:n]}
}

// VerifyViolation is [Violation.Verify] with all that is held of the journal: a proof
// with Since builds on it. Further schedules are for heads of another history.
func (m *Mirror) VerifyViolation(v Violation, keys ...*Keyring) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return v.verify(m.groundAt, append([]*Keyring{m.ledger.keys}, keys...))
}

// since names the rule about keys and identities that the entry breaks, after all that
// stands before it.
func (v Violation) since(h Head, e *Entry, held func(size int64) (ground, error)) (string, error) {
	fail := func(text string) (string, error) { return "", errors.New("journal: violation: " + text) }
	if e.Kind != KindIdentity && e.Kind != KindRotate && e.Kind != KindCompromise {
		return fail("the entry breaks no rule")
	}
	s, bytes := v.Since, 0
	for _, raw := range s.Entries {
		bytes += len(raw)
	}
	if s.Size < 1 || s.Size > v.Entry.Index || int64(len(s.Entries)) != v.Entry.Index-s.Size || bytes > MaxStretch || len(s.Proof) > MaxProof {
		return fail("what stands before the entry is not complete, or too large")
	}
	g, err := v.before(held)
	if err != nil {
		return "", err
	}
	led, tr := g.led, g.tree.clone()
	for _, raw := range s.Entries {
		x, err := ParseEntry(raw)
		if err != nil || x.Origin() != v.Origin || x.Index != tr.size {
			return fail("what stands before is not of this journal")
		}
		if x.Kind == KindIdentity || x.Kind == KindRotate {
			if led.control(x) != nil {
				return fail("an entry before breaks a rule already")
			}
		}
		tr.add(x.LeafHash, nil)
	}
	if err := tlog.CheckTree(s.Proof, h.Size, h.Root, tr.size, tr.root()); err != nil {
		return fail("what stands before is not what was signed")
	}
	if _, err := led.keys.VerifyCheckpoint([]byte(v.Checkpoint)); err != nil {
		return "", fmt.Errorf("journal: violation: after what stands before: %w", err)
	}
	if r := led.control(e); r != nil {
		return sinceCode(e.Kind, r.Code), nil
	}
	return fail("the entry breaks no rule")
}

// before returns what is known where the stretch begins.
func (v Violation) before(held func(size int64) (ground, error)) (ground, error) {
	switch {
	case v.First != nil && v.Since.Size == 1:
		var g ground
		e, err := ParseEntry(v.First.Raw)
		if err != nil {
			return g, err
		}
		if r := g.led.genesis(e, nil); r != nil {
			return g, r
		}
		g.tree.add(e.LeafHash, nil)
		return g, nil
	case v.First != nil:
		return ground{}, errors.New("journal: violation: what stands before has to begin with entry 1")
	case held == nil:
		return ground{}, fmt.Errorf("journal: violation: the first %d entries of the journal are needed to verify it", v.Since.Size)
	}
	return held(v.Since.Size)
}

// sinceCode joins the codes of what does not hold in itself: a stranger's verifier need
// not look in the same order.
func sinceCode(kind, code string) string {
	switch {
	case code == CodeBadSignature, code == CodeHalfSignature, code == CodeBadIdentity && kind != KindCompromise:
		return code
	case kind == KindIdentity:
		return CodeBadIdentity
	case kind == KindRotate:
		return CodeBadCertificate
	}
	return CodeBadEntry
}

// since gives a proof the entries that came before the one which breaks the rule.
func (x evidence) since(v Violation, i int64) (Violation, bool) {
	s := Stretch{Size: x.ground.tree.size, Entries: x.raws[:i]}
	if v.First != nil {
		s = Stretch{Size: 1, Entries: x.raws[1:i]}
	}
	var err error
	if s.Proof, err = tlog.ProveTree(x.signed.head.Size, v.Entry.Index, x.tree); v.Entry.Index == 0 || err != nil {
		return v, false
	}
	v.Told, v.Since = nil, &s
	v.Code, err = v.broken(x.signed.head, func(int64) (ground, error) { g := x.ground; return g, g.led.completeChain() })
	return v, err == nil
}
