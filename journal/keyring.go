package journal

import (
	"bytes"
	"errors"
	"fmt"

	"filippo.io/torchwood"
	"github.com/go-json-experiment/json"
	fnote "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
)

// MaxRotations is the most keys one journal can have had.
const MaxRotations = 1000

// Keyring is the key schedule of one journal. With a rotate entry at index i,
// heads of sizes up to i are signed by the old key, size i+1 by both, larger
// ones by the new key; each key by both halves. A Keyring never changes, so it
// can be shared and kept; [Keyring.With] returns a new one.
type Keyring struct {
	origin Origin
	keys   []ScheduledKey
	verify []keyVerifiers
}

// ScheduledKey is one key of a schedule.
type ScheduledKey struct {
	From int64     `json:"from"` // smallest size that it signs: 0, or the index of its rotate entry plus 1
	Key  PublicKey `json:"key"`
}

type keyVerifiers struct{ ed, pq note.Verifier }

// NewKeyring returns the schedule of a journal with its first key. Weak keys are refused.
func NewKeyring(o Origin, first PublicKey) (*Keyring, error) {
	if err := o.Check(); err != nil {
		return nil, refuse(CodeWrongOrigin, "", -1, "%v", err)
	}
	return (&Keyring{origin: o}).add(ScheduledKey{0, first})
}

func (k *Keyring) add(s ScheduledKey) (*Keyring, error) {
	if err := s.Key.Check(); err != nil {
		return nil, asRefusal(err, CodeWeakKey, k.origin, -1)
	}
	if len(k.keys) == MaxRotations {
		return nil, refuse(CodeOversize, k.origin, -1, "a journal has at most %d keys; open a successor", MaxRotations)
	}
	for _, old := range k.keys {
		if old.Key.Equal(s.Key) {
			return nil, refuse(CodeBadCertificate, k.origin, -1, "a journal key cannot come back after it was replaced")
		}
	}
	edKey, pqKey := s.Key.VKeys(k.origin)
	ed, err := note.NewVerifier(edKey)
	if err != nil {
		return nil, refuse(CodeWeakKey, k.origin, -1, "Ed25519: %v", err)
	}
	pq, err := fnote.NewMLDSAVerifier(pqKey)
	if err != nil {
		return nil, refuse(CodeWeakKey, k.origin, -1, "ML-DSA-44: %v", err)
	}
	n := len(k.keys)
	return &Keyring{origin: k.origin,
		keys:   append(k.keys[:n:n], s),
		verify: append(k.verify[:n:n], keyVerifiers{ed, pq})}, nil
}

// With returns the schedule after a rotate entry at the given index.
func (k *Keyring) With(rotateIndex int64, next PublicKey) (*Keyring, error) {
	if rotateIndex < 1 || rotateIndex >= maxIndex || rotateIndex+1 <= k.keys[len(k.keys)-1].From {
		return nil, refuse(CodeWrongIndex, k.origin, rotateIndex, "a key cannot be rotated at this index")
	}
	return k.add(ScheduledKey{rotateIndex + 1, next})
}

// Origin returns the journal that the schedule belongs to.
func (k *Keyring) Origin() Origin { return k.origin }

// Keys returns the schedule, oldest key first.
func (k *Keyring) Keys() []ScheduledKey { return append([]ScheduledKey(nil), k.keys...) }

// Current returns the newest key.
func (k *Keyring) Current() PublicKey { return k.keys[len(k.keys)-1].Key }

// At returns the keys that have to sign a head of this size: one, or two right
// after a rotate entry.
func (k *Keyring) At(size int64) []PublicKey {
	var out []PublicKey
	for i := range k.keys {
		if k.signs(i, size) {
			out = append(out, k.keys[i].Key)
		}
	}
	return out
}

func (k *Keyring) signs(i int, size int64) bool {
	return size >= k.keys[i].From && (i+1 == len(k.keys) || size <= k.keys[i+1].From)
}

func (k *Keyring) verifiers(size int64) []note.Verifier {
	var out []note.Verifier
	for i, v := range k.verify {
		if k.signs(i, size) {
			out = append(out, v.ed, v.pq)
		}
	}
	return out
}

// Policy returns the torchwood policy for heads of the given size: the
// journal's origin and both halves of every key that has to sign. It is for
// tools that verify C2SP formats themselves.
func (k *Keyring) Policy(size int64) torchwood.Policy { return k.policy(k.verifiers(size)) }

func (k *Keyring) policy(need []note.Verifier) torchwood.Policy {
	all := []torchwood.Policy{torchwood.OriginPolicy(string(k.origin))}
	for _, v := range need {
		all = append(all, torchwood.SingleVerifierPolicy(v))
	}
	return torchwood.ThresholdPolicy(len(all), all...)
}

// VerifyCheckpoint checks a signed checkpoint of the journal: canonical text,
// this origin, and both halves of each key that has to sign a head of its size.
// Cosignatures of witnesses may stand beside them and count for nothing.
// Errors are a [*Refusal] with code wrong-origin, bad-signature, half-signature
// or oversize.
func (k *Keyring) VerifyCheckpoint(signed []byte) (Head, error) {
	h, _, err := k.open(signed)
	return h, err
}

// Canonical is VerifyCheckpoint that also returns the checkpoint as it is kept:
// its text and the required signatures, nothing else.
func (k *Keyring) Canonical(signed []byte) (Head, []byte, error) { return k.open(signed) }

// open verifies and also returns the canonical form that is kept.
func (k *Keyring) open(signed []byte) (Head, []byte, error) {
	c, err := parseCheckpointText(signed)
	if err != nil {
		return Head{}, nil, asRefusal(err, CodeBadSignature, k.origin, -1)
	}
	if Origin(c.Origin) != k.origin {
		return Head{}, nil, refuse(CodeWrongOrigin, k.origin, -1, "the checkpoint is of journal %s", Origin(c.Origin).Short())
	}
	need := k.verifiers(c.N)
	_, n, err := torchwood.VerifyCheckpoint(signed, k.policy(need))
	if err != nil {
		return Head{}, nil, k.classify(c.N, err)
	}
	canonical, err := canonicalCheckpoint(n.Text, n.Sigs, need)
	if err != nil {
		return Head{}, nil, refuse(CodeBadSignature, k.origin, -1, "%v", err)
	}
	return Head{c.N, c.Hash}, canonical, nil
}

// verifyExact also insists that nothing else stands in the checkpoint, which is
// how journals keep them: then no byte of it can change unnoticed.
func (k *Keyring) verifyExact(signed []byte) (Head, error) {
	h, canonical, err := k.open(signed)
	if err == nil && !bytes.Equal(canonical, signed) {
		return Head{}, refuse(CodeDamaged, k.origin, -1, "the checkpoint of size %d is not stored as it was signed", h.Size)
	}
	return h, err
}

func (k *Keyring) classify(size int64, err error) *Refusal {
	var invalid *note.InvalidSignatureError
	var unverified *note.UnverifiedNoteError
	switch {
	case errors.As(err, &invalid):
		return refuse(CodeBadSignature, k.origin, -1, "a signature of the checkpoint of size %d does not verify (key %08x)", size, invalid.Hash)
	case errors.As(err, &unverified) && len(unverified.Note.Sigs) > 0:
		return refuse(CodeHalfSignature, k.origin, -1, "the checkpoint of size %d lacks a required signature: %d of %d are there",
			size, len(unverified.Note.Sigs), len(k.verifiers(size)))
	case errors.As(err, &unverified):
		return refuse(CodeBadSignature, k.origin, -1, "the checkpoint of size %d is not signed by the journal's key", size)
	}
	return refuse(CodeBadSignature, k.origin, -1, "not a signed checkpoint: %v", err)
}

type keyringJSON struct {
	Origin Origin         `json:"origin"`
	Keys   []ScheduledKey `json:"keys"`
}

// MarshalJSON writes {"origin", "keys": [{"from", "key"}]}: all a third person
// needs to verify evidence about the journal.
func (k *Keyring) MarshalJSON() ([]byte, error) { return json.Marshal(keyringJSON{k.origin, k.keys}) }

// UnmarshalJSON reads and checks what MarshalJSON writes.
func (k *Keyring) UnmarshalJSON(b []byte) error {
	var x keyringJSON
	if err := json.Unmarshal(b, &x); err != nil {
		return err
	}
	if len(x.Keys) == 0 || x.Keys[0].From != 0 {
		return fmt.Errorf("journal: a keyring starts with a key from size 0")
	}
	out, err := NewKeyring(x.Origin, x.Keys[0].Key)
	for _, s := range x.Keys[1:] {
		if err != nil {
			break
		}
		out, err = out.With(s.From-1, s.Key)
	}
	if err != nil {
		return err
	}
	*k = *out
	return nil
}
