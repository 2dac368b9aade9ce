package journal

import (
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Contradiction is proof that a party signed two histories of one journal. With
// equal sizes the two heads suffice. With different sizes A is the smaller one
// and Proof shows (RFC 6962 section 2.1.2) that the tree of B has, at A's size,
// the root Root, which is not A's. A third person needs nothing but the keys.
type Contradiction struct {
	Code   string `json:"code"`            // fork, rollback or rewritten: which came when is for people, the proof is the same
	Origin Origin `json:"origin"`          // the journal
	A      string `json:"a"`               // signed checkpoint of the smaller (or equal) size
	B      string `json:"b"`               // signed checkpoint
	Proof  []Hash `json:"proof,omitempty"` // consistency of Root at A's size with B, if the sizes differ
	Root   Hash   `json:"root,omitzero"`   // what B's tree has at A's size, if the sizes differ
}

// MaxProof is the most hashes of an RFC 6962 proof in a tree of at most 2^53 entries.
const MaxProof = 64

// Prefix says what a longer tree has at a smaller size, with the proof (RFC 6962
// section 2.1.2) that leads from there to the head it is shown with. Whoever holds
// another signed root of that size has a [Contradiction].
type Prefix struct {
	Size  int64
	Root  Hash
	Proof []Hash
}

// Check bounds a prefix from outside.
func (p Prefix) Check() error {
	if p.Size < 1 || p.Size > maxIndex || len(p.Proof) > MaxProof {
		return fmt.Errorf("journal: a prefix has 1 to 2^53 entries and a proof of at most %d hashes", MaxProof)
	}
	return nil
}

func (c Contradiction) check() error {
	if err := c.Origin.Check(); err != nil {
		return err
	}
	if len(c.Proof) > MaxProof {
		return fmt.Errorf("a proof has at most %d hashes", MaxProof)
	}
	for _, cp := range []string{c.A, c.B} {
		o, _, err := CheckpointHead([]byte(cp))
		if err != nil {
			return err
		}
		if o != c.Origin {
			return errors.New("the heads are of another journal")
		}
	}
	return nil
}

// Verify checks the proof. Each head has to be signed under one of the keyrings
// (several, because the two histories may have rotated their keys differently).
// Nil means that the party is proved to have signed both.
func (c Contradiction) Verify(keys ...*Keyring) error {
	if err := c.check(); err != nil {
		return fmt.Errorf("journal: contradiction: %w", err)
	}
	a, err := anyKeyring(c.Origin, c.A, keys)
	if err != nil {
		return fmt.Errorf("journal: contradiction: head a: %w", err)
	}
	b, err := anyKeyring(c.Origin, c.B, keys)
	if err != nil {
		return fmt.Errorf("journal: contradiction: head b: %w", err)
	}
	return c.excludes(a, b)
}

// Kind is the code that the two heads themselves bear out: fork if they have one
// size, else rewritten, or rollback if Code says so. What Code says otherwise is
// foreign text and means nothing.
func (c Contradiction) Kind() string {
	_, a, errA := CheckpointHead([]byte(c.A))
	_, b, errB := CheckpointHead([]byte(c.B))
	switch {
	case errA == nil && errB == nil && a.Size == b.Size:
		return CodeFork
	case c.Code == CodeRollback:
		return CodeRollback
	}
	return CodeRewritten
}

// Refuted says why the two heads do not contradict each other, whoever signed
// them: an error means that nothing could make this a proof. Nil means that
// only the signatures are left to be checked.
func (c Contradiction) Refuted() error {
	if err := c.check(); err != nil {
		return fmt.Errorf("journal: contradiction: %w", err)
	}
	_, a, err := CheckpointHead([]byte(c.A))
	if err != nil {
		return err
	}
	_, b, err := CheckpointHead([]byte(c.B))
	if err != nil {
		return err
	}
	return c.excludes(a, b)
}

func (c Contradiction) excludes(a, b Head) error {
	switch {
	case a.Size == b.Size && a.Root != b.Root:
		return nil
	case a.Size == b.Size:
		return errors.New("journal: contradiction: the two heads are the same, which proves nothing")
	case a.Size > b.Size:
		return errors.New("journal: contradiction: head a has to be the smaller one")
	case a.Size == 0:
		return errors.New("journal: contradiction: an empty journal contradicts nothing")
	case c.Root == a.Root:
		return errors.New("journal: contradiction: the proof shows the same root, which proves nothing")
	}
	if err := tlog.CheckTree(c.Proof, b.Size, b.Root, a.Size, c.Root); err != nil {
		return fmt.Errorf("journal: contradiction: the proof does not hold: %w", err)
	}
	return nil
}

func anyKeyring(o Origin, signed string, keys []*Keyring) (Head, error) {
	err := error(refuse(CodeBadSignature, o, -1, "no keyring of this journal was given"))
	for _, k := range keys {
		if k == nil || k.origin != o {
			continue
		}
		var h Head
		if h, err = k.VerifyCheckpoint([]byte(signed)); err == nil {
			return h, nil
		}
	}
	return Head{}, err
}

// ContradictionError is returned when what came contradicts what is held. The
// proof is to be kept and shown.
type ContradictionError struct {
	Refusal
	Proof Contradiction
}

// Unwrap makes errors.As find the refusal.
func (e *ContradictionError) Unwrap() error { return &e.Refusal }

func contradiction(code string, o Origin, a, b []byte, proof []Hash, root Hash) *ContradictionError {
	detail := map[string]string{
		CodeFork:      "its writer signed two different heads of the same size",
		CodeRollback:  "its writer signed a shorter head that does not lead to the one known here",
		CodeRewritten: "its writer signed a longer head that does not contain the one known here",
	}[code]
	return &ContradictionError{
		Refusal: Refusal{Code: code, Origin: o, Index: -1, Detail: detail + "; both signed heads are kept as proof"},
		Proof:   Contradiction{Code: code, Origin: o, A: string(a), B: string(b), Proof: proof, Root: root},
	}
}

// Forked is the error for two signed heads of one size. The caller has verified
// both, and that they differ.
func Forked(o Origin, a, b []byte) *ContradictionError {
	return contradiction(CodeFork, o, a, b, nil, Hash{})
}

// impliedRoot runs a consistency proof from n to t and returns the root that
// the tree of size t and root th has at size n, if the proof determines it (it
// does not if the first n entries are one complete subtree, which RFC 6962
// leaves out of the proof).
func impliedRoot(proof []Hash, t int64, th Hash, n int64) (Hash, bool) {
	if n < 1 || n >= t || n&(n-1) == 0 || len(proof) > MaxProof {
		return Hash{}, false
	}
	old, root, ok := runConsistency(proof, 0, t, n)
	return old, ok && root == th
}

// runConsistency returns the roots of [lo, hi) cut at n and whole, as RFC 6962
// section 2.1.2 builds them. lo is 0 only on the leftmost path, which never
// ends at n here because n is no power of two.
func runConsistency(p []Hash, lo, hi, n int64) (old, whole Hash, ok bool) {
	if n == hi {
		if lo == 0 || len(p) != 1 {
			return Hash{}, Hash{}, false
		}
		return p[0], p[0], true
	}
	if len(p) == 0 {
		return Hash{}, Hash{}, false
	}
	k := int64(1)
	for k<<1 < hi-lo {
		k <<= 1
	}
	last := p[len(p)-1]
	if n <= lo+k {
		old, whole, ok = runConsistency(p[:len(p)-1], lo, lo+k, n)
		return old, tlog.NodeHash(whole, last), ok
	}
	old, whole, ok = runConsistency(p[:len(p)-1], lo+k, hi, n)
	return tlog.NodeHash(last, old), tlog.NodeHash(last, whole), ok
}
