package journal

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Signature types of C2SP signed-note.
const (
	algEd25519 = 0x01 // the text itself
	algMLDSA44 = 0x06 // subtree/v1 of C2SP tlog-cosignature, with a timestamp
)

// formatCheckpoint returns the text that is signed: a C2SP tlog-checkpoint
// without extension lines.
func formatCheckpoint(o Origin, h Head) string {
	return torchwood.Checkpoint{Origin: string(o), Tree: tlog.Tree{N: h.Size, Hash: h.Root}}.String()
}

// subtreeMessage is the cosigned_message of C2SP tlog-cosignature for the whole tree.
func subtreeMessage(o Origin, timestamp uint64, h Head) []byte {
	b := make([]byte, 0, 12+2*(1+len(o))+3*8+32)
	b = append(b, "subtree/v1\n\x00"...)
	b = append(b, byte(len(o)))
	b = append(b, o...) // the cosigner's name is the journal's origin
	b = binary.BigEndian.AppendUint64(b, timestamp)
	b = append(b, byte(len(o)))
	b = append(b, o...)
	b = binary.BigEndian.AppendUint64(b, 0)
	b = binary.BigEndian.AppendUint64(b, uint64(h.Size))
	return append(b, h.Root[:]...)
}

// noteKeyHash is the key id of C2SP signed-note.
func noteKeyHash(name string, alg byte, key []byte) uint32 {
	h := sha256.New()
	h.Write([]byte(name))
	h.Write([]byte{'\n', alg})
	h.Write(key)
	return binary.BigEndian.Uint32(h.Sum(nil))
}

// VKeys returns the two C2SP signed-note verifier keys of a journal key, for
// other tools: Ed25519 (type 0x01) and ML-DSA-44 (type 0x06).
func (p PublicKey) VKeys(o Origin) (ed25519Key, mldsaKey string) {
	f := func(alg byte, key []byte) string {
		return fmt.Sprintf("%s+%08x+%s", o, noteKeyHash(string(o), alg, key),
			base64.StdEncoding.EncodeToString(append([]byte{alg}, key...)))
	}
	return f(algEd25519, p.Ed25519), f(algMLDSA44, p.MLDSA44)
}

// SignCheckpoint signs a head with every key, both halves each. The timestamp
// of the ML-DSA-44 half is at, in seconds; it is a claim like at itself. Only a
// [Writer] should call it, and tests that play a hostile one: whoever signs two
// heads that contradict each other has made a [Contradiction].
func SignCheckpoint(o Origin, h Head, at time.Time, keys ...*PrivateKey) ([]byte, error) {
	text := formatCheckpoint(o, h)
	var b bytes.Buffer
	b.WriteString(text)
	b.WriteByte('\n')
	line := func(alg byte, key, sig []byte) {
		raw := binary.BigEndian.AppendUint32(nil, noteKeyHash(string(o), alg, key))
		fmt.Fprintf(&b, "\u2014 %s %s\n", o, base64.StdEncoding.EncodeToString(append(raw, sig...)))
	}
	for _, k := range keys {
		ts := uint64(at.Unix())
		pq, err := k.pq.SignDeterministic(subtreeMessage(o, ts, h), nil)
		if err != nil {
			return nil, fmt.Errorf("journal: signing a checkpoint with ML-DSA-44: %w", err)
		}
		line(algEd25519, k.pub.Ed25519, ed25519.Sign(k.ed, []byte(text)))
		line(algMLDSA44, k.pub.MLDSA44, append(binary.BigEndian.AppendUint64(nil, ts), pq...))
	}
	return b.Bytes(), nil
}

// CheckpointHead reads the origin and head of a signed checkpoint without
// verifying any signature. Errors are a [*Refusal].
func CheckpointHead(signed []byte) (Origin, Head, error) {
	c, err := parseCheckpointText(signed)
	if err != nil {
		return "", Head{}, err
	}
	return Origin(c.Origin), Head{c.N, c.Hash}, nil
}

// parseCheckpointText parses the text above the signatures and insists on its
// one canonical form without extension lines: the ML-DSA-44 half signs the
// parsed values, not the text.
func parseCheckpointText(signed []byte) (torchwood.Checkpoint, error) {
	if len(signed) > MaxCheckpoint {
		return torchwood.Checkpoint{}, refuse(CodeOversize, "", -1, "a checkpoint of %d bytes is larger than %d", len(signed), MaxCheckpoint)
	}
	i := bytes.Index(signed, []byte("\n\n"))
	if i < 0 {
		return torchwood.Checkpoint{}, refuse(CodeBadSignature, "", -1, "not a signed checkpoint")
	}
	text := string(signed[:i+1])
	c, err := torchwood.ParseCheckpoint(text)
	if err == nil && c.String() != text {
		err = errors.New("it is not in canonical form")
	}
	if err == nil && c.Extension != "" {
		err = errors.New("it has extension lines, which journals do not use")
	}
	if err == nil && c.N > maxIndex {
		err = errors.New("its size is out of range")
	}
	if err == nil {
		err = Origin(c.Origin).Check()
	}
	if err != nil {
		return torchwood.Checkpoint{}, refuse(CodeBadSignature, "", -1, "not a journal's checkpoint: %v", err)
	}
	return c, nil
}

// canonicalCheckpoint writes the text with exactly the required signature
// lines, in the order of the keys. Cosignatures and foreign lines are left out.
func canonicalCheckpoint(text string, sigs []note.Signature, need []note.Verifier) ([]byte, error) {
	var b strings.Builder
	b.WriteString(text)
	b.WriteByte('\n')
	for _, v := range need {
		for _, s := range sigs {
			if s.Name != v.Name() || s.Hash != v.KeyHash() {
				continue
			}
			raw, err := base64.StdEncoding.DecodeString(s.Base64)
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(&b, "\u2014 %s %s\n", s.Name, base64.StdEncoding.EncodeToString(raw))
		}
	}
	return []byte(b.String()), nil
}

// SignedAt returns when a checkpoint of the journal was signed, as its signer
// says: the time that the ML-DSA-44 half signs. Errors are as for
// [Keyring.VerifyCheckpoint]. A time outside the years 2000 to 2200 is told as zero.
func (k *Keyring) SignedAt(signed []byte) (time.Time, error) {
	_, canonical, err := k.open(signed)
	if err != nil {
		return time.Time{}, err
	}
	lines := strings.Split(strings.TrimSuffix(string(canonical), "\n"), "\n")
	raw, err := base64.StdEncoding.DecodeString(lines[len(lines)-1][strings.LastIndexByte(lines[len(lines)-1], ' ')+1:])
	if err != nil || len(raw) < 12 {
		return time.Time{}, refuse(CodeBadSignature, k.origin, -1, "the checkpoint tells no time")
	}
	at := time.Unix(int64(min(binary.BigEndian.Uint64(raw[4:12]), 1<<40)), 0).UTC()
	if checkTime(at) != nil {
		return time.Time{}, nil
	}
	return at, nil
}
