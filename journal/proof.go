package journal

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"
)

// ErrNoCheckpoint marks a size for which no signed checkpoint is kept.
var ErrNoCheckpoint = errors.New("journal: no signed checkpoint of this size is kept")

// maxProofText bounds a C2SP tlog-proof: 64 hashes and a checkpoint.
const maxProofText = MaxCheckpoint + 8<<10

// CheckpointAt returns the kept checkpoint with the smallest size that is at
// least the given one, or [ErrNoCheckpoint].
func CheckpointAt(st Storage, size int64) ([]byte, Head, error) {
	for cp, err := range st.Checkpoints(size) {
		if err != nil {
			return nil, Head{}, fmt.Errorf("journal: reading checkpoints: %w", err)
		}
		cp = bytes.Clone(cp)
		_, h, err := CheckpointHead(cp)
		return cp, h, err
	}
	return nil, Head{}, ErrNoCheckpoint
}

// Prove returns a C2SP tlog-proof: that the entry at index is in the journal,
// under the kept checkpoint of exactly the given size, or of the first
// checkpoint that covers the entry if size is 0.
func Prove(st Storage, index, size int64) ([]byte, error) {
	if index < 0 || size < 0 || size > 0 && index >= size {
		return nil, fmt.Errorf("journal: entry %d is not among the first %d", index, size)
	}
	cp, h, err := CheckpointAt(st, max(size, index+1))
	if err != nil {
		return nil, err
	}
	if size > 0 && h.Size != size {
		return nil, ErrNoCheckpoint
	}
	p, err := tlog.ProveRecord(h.Size, index, st)
	if err != nil {
		return nil, fmt.Errorf("journal: proving entry %d: %w", index, err)
	}
	return torchwood.FormatProof(index, p, cp), nil
}

// VerifyProof checks a C2SP tlog-proof for the bytes of an entry, offline, and
// returns the entry and the head that covers it. The entry also has to be one
// of this journal and to name its place itself.
func VerifyProof(raw, proof []byte, keys *Keyring) (*Entry, Head, error) {
	e, err := ParseEntry(raw)
	if err != nil {
		return nil, Head{}, err
	}
	if e.Origin() != keys.origin {
		return nil, Head{}, refuse(CodeWrongOrigin, keys.origin, e.Index, "the entry belongs to journal %s", e.Origin().Short())
	}
	if len(proof) > maxProofText {
		return nil, Head{}, refuse(CodeOversize, keys.origin, e.Index, "a proof of %d bytes is larger than any can be", len(proof))
	}
	head, cp, ok := bytes.Cut(proof, []byte("\n\n"))
	if !ok || bytes.Count(head, []byte("\n")) > 2+maxProof {
		return nil, Head{}, refuse(CodeBadRoot, keys.origin, e.Index, "not a tlog-proof")
	}
	if i := bytes.Index(head, []byte("\nindex ")); i < 0 ||
		!bytes.HasPrefix(append(head[i+7:len(head):len(head)], '\n'), []byte(strconv.FormatInt(e.Index, 10)+"\n")) {
		return nil, Head{}, refuse(CodeWrongIndex, keys.origin, e.Index, "the proof is for another index")
	}
	h, err := keys.VerifyCheckpoint(cp)
	if err != nil {
		return nil, Head{}, err
	}
	if err := torchwood.VerifyProof(keys.Policy(h.Size), e.LeafHash, proof); err != nil {
		return nil, Head{}, refuse(CodeBadRoot, keys.origin, e.Index, "the proof does not hold: %v", err)
	}
	return e, h, nil
}

// VerifyReceipt checks, offline, that the owner of the keyring receipted a
// head: the receipt entry has to be covered by a checkpoint that both halves of
// the journal's key signed. Cosignatures of witnesses never count.
func VerifyReceipt(raw, proof []byte, keys *Keyring) (*Entry, ReceiptBody, error) {
	e, _, err := VerifyProof(raw, proof, keys)
	if err != nil {
		return nil, ReceiptBody{}, err
	}
	if r := seenAlone(e); r != nil {
		return nil, ReceiptBody{}, r
	}
	b, err := e.Receipt()
	return e, b, err
}

// ProveConsistency returns the RFC 6962 proof that the first n entries of a
// stored journal are the beginning of the first m, for [Mirror.Offer].
func ProveConsistency(st Storage, n, m int64) ([]Hash, error) {
	p, err := tlog.ProveTree(m, n, st)
	if err != nil {
		return nil, fmt.Errorf("journal: proving consistency of %d and %d entries: %w", n, m, err)
	}
	return p, nil
}
