package journal

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"filippo.io/mldsa"
)

// PublicKey is the pair of keys that every party, node and journal has: Ed25519
// (RFC 8032) for today and ML-DSA-44 (FIPS 204) for thirty years from now. A
// signature counts only if both halves verify.
type PublicKey struct {
	Ed25519 ed25519.PublicKey `json:"ed25519"` // 32 bytes
	MLDSA44 []byte            `json:"mldsa44"` // 1312 bytes
}

// Signature is the pair of signatures of one [PublicKey].
type Signature struct {
	Ed25519 []byte `json:"ed25519"` // 64 bytes
	MLDSA44 []byte `json:"mldsa44"` // 2420 bytes
}

// ID names the key: SHA-256("entente/key/v1\n" ed25519 mldsa44).
func (p PublicKey) ID() Hash { return hashOf("entente/key/v1\n", p.Ed25519, p.MLDSA44) }

// Equal reports whether both halves are the same.
func (p PublicKey) Equal(q PublicKey) bool {
	return bytes.Equal(p.Ed25519, q.Ed25519) && bytes.Equal(p.MLDSA44, q.MLDSA44)
}

// IsZero reports whether the key was never set.
func (p PublicKey) IsZero() bool { return len(p.Ed25519) == 0 && len(p.MLDSA44) == 0 }

// Check refuses (code weak-key) keys of a wrong size and keys under which a
// signature would be deniable: Ed25519 keys that are not canonical, not on the
// curve or of small order, and degenerate ML-DSA-44 keys.
func (p PublicKey) Check() error {
	if err := checkEd25519(p.Ed25519); err != nil {
		return refuse(CodeWeakKey, "", -1, "%v", err)
	}
	if err := checkMLDSA44(p.MLDSA44); err != nil {
		return refuse(CodeWeakKey, "", -1, "%v", err)
	}
	return nil
}

// signedMessage is what both halves sign: it can be mistaken neither for a
// message of another domain nor for a checkpoint or cosignature.
func signedMessage(domain string, msg []byte) ([]byte, error) {
	if len(domain) == 0 || len(domain) > 64 {
		return nil, errors.New("journal: a signature domain has 1 to 64 characters")
	}
	for i := 0; i < len(domain); i++ {
		if c := domain[i]; c < 0x21 || c > 0x7e {
			return nil, errors.New("journal: a signature domain has printable ASCII characters only")
		}
	}
	b := make([]byte, 0, 24+len(domain)+len(msg))
	b = append(b, "entente/signature/v1\n"...)
	b = append(b, domain...)
	b = append(b, '\n')
	return append(b, msg...), nil
}

// Verify checks both halves of a signature over "entente/signature/v1\n" domain
// "\n" msg. Errors are a [*Refusal] with code weak-key, bad-signature or half-signature.
func (p PublicKey) Verify(domain string, msg []byte, s Signature) error {
	if err := p.Check(); err != nil {
		return err
	}
	m, err := signedMessage(domain, msg)
	if err != nil {
		return err
	}
	pq, err := mldsa.NewPublicKey(mldsa.MLDSA44(), p.MLDSA44)
	if err != nil {
		return refuse(CodeWeakKey, "", -1, "ML-DSA-44: %v", err)
	}
	okEd := len(s.Ed25519) == ed25519.SignatureSize && ed25519.Verify(p.Ed25519, m, s.Ed25519)
	okPQ := len(s.MLDSA44) == mldsa.MLDSA44SignatureSize && mldsa.Verify(pq, m, s.MLDSA44, nil) == nil
	switch {
	case okEd && okPQ:
		return nil
	case okEd:
		return refuse(CodeHalfSignature, "", -1, "the Ed25519 half verifies, the ML-DSA-44 half does not; both are required")
	case okPQ:
		return refuse(CodeHalfSignature, "", -1, "the ML-DSA-44 half verifies, the Ed25519 half does not; both are required")
	}
	return refuse(CodeBadSignature, "", -1, "neither half of the signature verifies")
}

// PrivateKey signs with both halves. It is safe for concurrent use and never
// shows itself when printed or logged.
type PrivateKey struct {
	ed  ed25519.PrivateKey
	pq  *mldsa.PrivateKey
	pub PublicKey
}

// NewPrivateKey derives a key pair from two seeds of 32 bytes, which have to be
// independent and random.
func NewPrivateKey(ed25519Seed, mldsaSeed [32]byte) (*PrivateKey, error) {
	pq, err := mldsa.NewPrivateKey(mldsa.MLDSA44(), mldsaSeed[:])
	if err != nil {
		return nil, fmt.Errorf("journal: ML-DSA-44 seed: %w", err)
	}
	ed := ed25519.NewKeyFromSeed(ed25519Seed[:])
	return &PrivateKey{ed: ed, pq: pq, pub: PublicKey{
		Ed25519: ed.Public().(ed25519.PublicKey),
		MLDSA44: pq.PublicKey().Bytes(),
	}}, nil
}

// GenerateKey reads 64 bytes of seed from rand (crypto/rand.Reader outside of tests).
func GenerateKey(rand io.Reader) (*PrivateKey, error) {
	var seed [64]byte
	if _, err := io.ReadFull(rand, seed[:]); err != nil {
		return nil, fmt.Errorf("journal: reading randomness for a key: %w", err)
	}
	return NewPrivateKey([32]byte(seed[:32]), [32]byte(seed[32:]))
}

// Public returns the public half. The caller must not change it.
func (k *PrivateKey) Public() PublicKey { return k.pub }

// Sign signs "entente/signature/v1\n" domain "\n" msg with both halves.
// ML-DSA-44 is used in its deterministic variant (FIPS 204 section 3.4), so
// that signing needs no randomness.
func (k *PrivateKey) Sign(domain string, msg []byte) (Signature, error) {
	m, err := signedMessage(domain, msg)
	if err != nil {
		return Signature{}, err
	}
	pq, err := k.pq.SignDeterministic(m, nil)
	if err != nil {
		return Signature{}, fmt.Errorf("journal: signing with ML-DSA-44: %w", err)
	}
	return Signature{Ed25519: ed25519.Sign(k.ed, m), MLDSA44: pq}, nil
}

// String hides the key.
func (k *PrivateKey) String() string { return "private key (not shown)" }

// GoString hides the key from %#v.
func (k *PrivateKey) GoString() string { return k.String() }

// LogValue hides the key from log/slog.
func (k *PrivateKey) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalJSON fails: private keys are only written by [PrivateKey.Marshal].
func (k *PrivateKey) MarshalJSON() ([]byte, error) {
	return nil, errors.New("journal: a private key is not JSON; use Marshal")
}
