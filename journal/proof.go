package journal

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

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
	index, path, cp, err := parseProof(proof)
	if err != nil {
		return nil, Head{}, refuse(CodeBadRoot, keys.origin, e.Index, "not a tlog-proof: %v", err)
	}
	if index != e.Index {
		return nil, Head{}, refuse(CodeWrongIndex, keys.origin, e.Index, "the proof is for entry %d", index)
	}
	h, err := keys.verifyExact(cp)
	if err != nil {
		return nil, Head{}, err
	}
	if err := tlog.CheckRecord(path, h.Size, h.Root, index, e.LeafHash); err != nil {
		return nil, Head{}, refuse(CodeBadRoot, keys.origin, e.Index, "the proof does not hold: %v", err)
	}
	return e, h, nil
}

// parseProof reads a C2SP tlog-proof in the one form that [Prove] writes:
// without extra data, and without spare bits in base64, so that no byte of it
// can change unnoticed.
func parseProof(proof []byte) (index int64, path tlog.RecordProof, checkpoint []byte, err error) {
	head, rest, ok := strings.Cut(string(proof), "\n\n")
	lines := strings.Split(head, "\n")
	if !ok || len(lines) < 2 || len(lines) > 2+MaxProof || lines[0] != "c2sp.org/tlog-proof@v1" {
		return 0, nil, nil, errors.New("it does not have the form of one")
	}
	n, ok := strings.CutPrefix(lines[1], "index ")
	if !ok {
		return 0, nil, nil, errors.New("it names no index")
	}
	if index, err = parseInt([]byte(n), maxIndex); err != nil {
		return 0, nil, nil, fmt.Errorf("index: %w", err)
	}
	for _, l := range lines[2:] {
		h, err := decodeHash([]byte(l))
		if err != nil {
			return 0, nil, nil, err
		}
		path = append(path, h)
	}
	return index, path, []byte(rest), nil
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
