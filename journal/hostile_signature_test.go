package journal_test

import (
	"bytes"
	"slices"
	"testing"

	"entente/journal"
)

// Where the hints stand in an ML-DSA-44 signature (FIPS 204, sections 4 and 7.2):
// 80 positions, then for each of four polynomials where its positions end.
const (
	hintsAt   = 2420 - 80 - 4
	hintEnds  = 2420 - 4
	maxHints  = 80
	sizeMLDSA = 2420
)

// TestHostileSignatureBytes gives signatures other forms: none is a second signature
// of the same message, and none makes the verifier fall over.
func TestHostileSignatureBytes(t *testing.T) {
	k := seed("x")
	// A message whose signature has two hints in its first polynomial and room after the last.
	var good journal.Signature
	msg := []byte("m")
	for {
		s, err := k.Sign("test", msg)
		ok(t, err)
		if good = s; s.MLDSA44[hintEnds] >= 2 && s.MLDSA44[sizeMLDSA-1] < maxHints {
			break
		}
		msg = append(msg, 'm')
	}
	used := int(good.MLDSA44[sizeMLDSA-1])
	pq := func(change func(b []byte) []byte) journal.Signature {
		return journal.Signature{Ed25519: good.Ed25519, MLDSA44: change(slices.Clone(good.MLDSA44))}
	}
	set := func(at int, v byte) journal.Signature {
		return pq(func(b []byte) []byte { b[at] = v; return b })
	}
	for name, s := range map[string]journal.Signature{
		"one byte short":             pq(func(b []byte) []byte { return b[1:] }),
		"cut":                        pq(func(b []byte) []byte { return b[:sizeMLDSA-1] }),
		"one byte long":              pq(func(b []byte) []byte { return append(b, 0) }),
		"twice":                      pq(func(b []byte) []byte { return append(b, b...) }),
		"empty":                      pq(func([]byte) []byte { return []byte{} }),
		"all zero":                   pq(func([]byte) []byte { return make([]byte, sizeMLDSA) }),
		"all ones":                   pq(func([]byte) []byte { return bytes.Repeat([]byte{255}, sizeMLDSA) }),
		"hints swapped":              pq(func(b []byte) []byte { b[hintsAt], b[hintsAt+1] = b[hintsAt+1], b[hintsAt]; return b }),
		"a hint twice":               set(hintsAt+1, good.MLDSA44[hintsAt]),
		"a hint behind the last":     set(hintsAt+used, 1),
		"more hints than there are":  set(sizeMLDSA-1, maxHints+1),
		"hints that go back":         set(hintEnds, byte(used+1)),
		"one hint less":              set(sizeMLDSA-1, byte(used-1)),
		"another challenge":          set(0, ^good.MLDSA44[0]),
		"a coefficient out of range": pq(func(b []byte) []byte { copy(b[32:], bytes.Repeat([]byte{255}, 64)); return b }),
	} {
		t.Run(name, func(t *testing.T) {
			wantCode(t, k.Public().Verify("test", msg, s), journal.CodeHalfSignature)
		})
	}
	for name, ed := range map[string][]byte{
		"short":    good.Ed25519[:63],
		"long":     append(slices.Clone(good.Ed25519), 0),
		"all zero": make([]byte, 64),
		"S plus L": plusL(good.Ed25519),
	} {
		t.Run("Ed25519 "+name, func(t *testing.T) {
			wantCode(t, k.Public().Verify("test", msg, journal.Signature{Ed25519: ed, MLDSA44: good.MLDSA44}), journal.CodeHalfSignature)
		})
	}
	for name, size := range map[string]int{"none": 0, "short": 1311, "long": 1313, "of ML-DSA-65": 1952} {
		t.Run("a key "+name, func(t *testing.T) {
			p := k.Public()
			p.MLDSA44 = slices.Clone(append(slices.Clone(p.MLDSA44), make([]byte, 1952)...)[:size])
			wantCode(t, p.Verify("test", msg, good), journal.CodeWeakKey)
		})
	}
	ok(t, k.Public().Verify("test", msg, good))
}

// plusL adds the order of the group to S: the classic second form of a signature
// (RFC 8032, section 5.1.7, forbids it).
func plusL(sig []byte) []byte {
	order := [32]byte{0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 31: 0x10}
	out, carry := slices.Clone(sig), 0
	for i, b := range order {
		sum := int(out[32+i]) + int(b) + carry
		out[32+i], carry = byte(sum), sum>>8
	}
	return out
}

// TestHostileOneKeyForTwo signs with one key for two journals, of two units and of
// two parties, and for two roles: a signature counts where it was made and nowhere else.
func TestHostileOneKeyForTwo(t *testing.T) {
	k := seed("shared")
	here := journal.OriginOf(journal.UnitOf("here"), journal.PartyOf("p"), 0)
	signed, err := journal.SignCheckpoint(here, head(3, 1), start, k)
	ok(t, err)
	ring, err := journal.NewKeyring(here, k.Public())
	ok(t, err)
	_, err = ring.VerifyCheckpoint(signed)
	ok(t, err)
	for name, o := range map[string]journal.Origin{
		"another unit":  journal.OriginOf(journal.UnitOf("there"), journal.PartyOf("p"), 0),
		"another party": journal.OriginOf(journal.UnitOf("here"), journal.PartyOf("q"), 0),
		"another epoch": journal.OriginOf(journal.UnitOf("here"), journal.PartyOf("p"), 1),
	} {
		other, err := journal.NewKeyring(o, k.Public())
		ok(t, err)
		if _, err := other.VerifyCheckpoint(signed); journal.CodeOf(err) != journal.CodeWrongOrigin {
			t.Errorf("%s, the head as it is: %v", name, err)
		}
		// With the name changed, what was signed is another text.
		if _, err := other.VerifyCheckpoint(bytes.ReplaceAll(signed, []byte(here), []byte(o))); journal.CodeOf(err) != journal.CodeBadSignature {
			t.Errorf("%s, renamed: %v", name, err)
		}
	}
	// The signatures of one head beside the text of another, and halves of two heads.
	second, err := journal.SignCheckpoint(here, head(4, 2), start, k)
	ok(t, err)
	text, sigs, _ := bytes.Cut(second, []byte("\n\n"))
	_, old, _ := bytes.Cut(signed, []byte("\n\n"))
	now, then := bytes.SplitAfter(sigs, []byte("\n")), bytes.SplitAfter(old, []byte("\n"))
	join := func(lines ...[]byte) []byte { return slices.Concat(text, []byte("\n\n"), slices.Concat(lines...)) }
	for name, c := range map[string]struct {
		signed []byte
		code   string
	}{
		"of another head":         {join(old), journal.CodeBadSignature},
		"ML-DSA of another head":  {join(now[0], then[1]), journal.CodeBadSignature},
		"Ed25519 of another head": {join(then[0], now[1]), journal.CodeBadSignature},
		"one half twice":          {join(now[0], now[0]), journal.CodeHalfSignature},
	} {
		if _, err := ring.VerifyCheckpoint(c.signed); journal.CodeOf(err) != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	// A head is no statement: the node key may be a journal's key, and neither signs for the other.
	for _, domain := range []string{"statement/identity", "statement/certificate", "test"} {
		s, err := k.Sign(domain, append(slices.Clone(text), '\n'))
		ok(t, err)
		if err := k.Public().Verify(domain+"x", append(slices.Clone(text), '\n'), s); journal.CodeOf(err) != journal.CodeBadSignature {
			t.Errorf("%s: %v", domain, err)
		}
	}
}
