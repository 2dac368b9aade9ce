package journal

import (
	"bytes"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

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
	if len(proof) > MaxProof {
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

// Show judges a signed head with what its tree has at a size that is held here. It
// is how two members who hold different histories of one journal make the signed
// heads meet, however long the journal is. Errors are as for [Mirror.Extend]: a
// [*ContradictionError] if the prefix is another one than the author signed for
// us, else a [*Refusal] (stale if the prefix is the one held).
func (m *Mirror) Show(checkpoint []byte, p Prefix) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	o := m.ledger.origin
	if m.tree.size == 0 {
		return refuse(CodeGap, o, 0, "nothing is held of this journal, so no head of it can be judged")
	}
	if err := p.Check(); err != nil {
		return refuse(CodeBadRoot, o, -1, "%v", err)
	}
	head, cp, err := m.ledger.keys.open(checkpoint)
	if err != nil {
		return err
	}
	if head.Size <= m.tree.size {
		return m.compare(head, cp)
	}
	if err := tlog.CheckTree(p.Proof, head.Size, head.Root, p.Size, p.Root); err != nil {
		return refuse(CodeBadRoot, o, -1, "the proof does not lead from size %d to the head of size %d", p.Size, head.Size)
	}
	if p.Size > m.tree.size {
		return refuse(CodeGap, o, m.tree.size, "the prefix of size %d is longer than what is held", p.Size)
	}
	root, err := tlog.TreeHash(p.Size, m.st)
	if err != nil {
		return fmt.Errorf("journal: reading tree hashes: %w", err)
	}
	if root == p.Root {
		return refuse(CodeStale, o, -1, "the head of size %d has the %d entries that are held", head.Size, p.Size)
	}
	for kept, err := range m.st.Checkpoints(p.Size) {
		if err != nil {
			return fmt.Errorf("journal: reading checkpoints: %w", err)
		}
		if _, h, err := CheckpointHead(kept); err == nil && h.Size == p.Size {
			return contradiction(CodeRewritten, o, bytes.Clone(kept), cp, p.Proof, p.Root)
		}
		break
	}
	return refuse(CodeBadRoot, o, -1, "the head of size %d has other entries than are held, but no head of size %d is kept to prove it with", head.Size, p.Size)
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
