package journal_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"entente/journal"
)

func TestKeysWeakEd25519IsRefused(t *testing.T) {
	good := seed("x").Public()
	ok(t, good.Check())
	var bad []string
	// All encodings of points of small order, canonical or not, as listed in
	// "Taming the many EdDSAs" (Chalkias, Garillot, Nikolaenko 2020), table 1.
	bad = append(bad,
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0000000000000000000000000000000000000000000000000000000000000080",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000080",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
	)
	// All other y >= p, which no honest encoder writes.
	for b := 0xed; b <= 0xff; b++ {
		for _, top := range []string{"7f", "ff"} {
			bad = append(bad, fmt.Sprintf("%02x%s%s", b, strings.Repeat("ff", 30), top))
		}
	}
	// y = 2 is no point of the curve.
	bad = append(bad, "02"+strings.Repeat("00", 31))
	for _, h := range bad {
		raw, err := hex.DecodeString(h)
		ok(t, err)
		wantCode(t, journal.PublicKey{Ed25519: raw, MLDSA44: good.MLDSA44}.Check(), journal.CodeWeakKey)
	}
	for _, raw := range [][]byte{nil, good.Ed25519[:31], append(slices.Clone(good.Ed25519), 0)} {
		wantCode(t, journal.PublicKey{Ed25519: raw, MLDSA44: good.MLDSA44}.Check(), journal.CodeWeakKey)
	}
}

// The reason for the check: with a key of small order one signature can hold
// for many messages under the standard's own verification.
func TestKeysSmallOrderSignaturesWouldBeDeniable(t *testing.T) {
	identity := make([]byte, 32)
	identity[0] = 1
	forged := append(bytes.Clone(identity), make([]byte, 32)...) // R = identity, S = 0
	for _, msg := range []string{"yes", "no"} {
		if !ed25519.Verify(identity, []byte(msg), forged) {
			t.Fatal("crypto/ed25519 refuses small-order keys by now; the check is still right")
		}
	}
	k := journal.PublicKey{Ed25519: identity, MLDSA44: seed("x").Public().MLDSA44}
	wantCode(t, k.Verify("d", []byte("yes"), journal.Signature{Ed25519: forged}), journal.CodeWeakKey)
}

// The constants are the points of small order: multiplied by 8 they give the
// neutral element. Checked with the curve's own addition law.
func TestKeysSmallOrderListIsComplete(t *testing.T) {
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	d := new(big.Int).Mul(big.NewInt(-121665), new(big.Int).ModInverse(big.NewInt(121666), p))
	d.Mod(d, p)
	double := func(y *big.Int) *big.Int {
		// y(2P) = (y² + x²) / (2 - y² + x²) for -x² + y² = 1 + dx²y².
		yy := new(big.Int).Mul(y, y)
		u := new(big.Int).Sub(yy, big.NewInt(1))
		v := new(big.Int).Add(new(big.Int).Mul(d, yy), big.NewInt(1))
		xx := new(big.Int).Mul(u, new(big.Int).ModInverse(v.Mod(v, p), p))
		num := new(big.Int).Add(yy, xx)
		den := new(big.Int).Sub(big.NewInt(2), yy)
		den.Add(den, xx).Mod(den, p)
		return num.Mul(num, new(big.Int).ModInverse(den, p)).Mod(num, p)
	}
	n := 0
	for _, h := range []string{
		"0100000000000000000000000000000000000000000000000000000000000000",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"0000000000000000000000000000000000000000000000000000000000000000",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	} {
		raw, err := hex.DecodeString(h)
		ok(t, err)
		slices.Reverse(raw)
		y := new(big.Int).SetBytes(raw)
		for range 3 {
			y = double(y)
		}
		if y.Cmp(big.NewInt(1)) != 0 {
			t.Fatalf("%s is no point of small order", h)
		}
		n++
	}
	if n != 5 {
		t.Fatal("the 8-torsion has 5 values of y")
	}
}

func TestKeysDegenerateMLDSAIsRefused(t *testing.T) {
	good := seed("x").Public()
	for name, fill := range map[string]byte{"t1 all 0": 0, "t1 all 1023": 0xff} {
		raw := bytes.Clone(good.MLDSA44)
		for i := 32; i < len(raw); i++ {
			raw[i] = fill
		}
		t.Run(name, func(t *testing.T) {
			wantCode(t, journal.PublicKey{Ed25519: good.Ed25519, MLDSA44: raw}.Check(), journal.CodeWeakKey)
		})
	}
	wantCode(t, journal.PublicKey{Ed25519: good.Ed25519, MLDSA44: good.MLDSA44[:1311]}.Check(), journal.CodeWeakKey)
	for i := range 20 {
		ok(t, seed(fmt.Sprint(i)).Public().Check())
	}
}

func TestKeysBothHalvesAreRequired(t *testing.T) {
	k, other := seed("x"), seed("y")
	s, err := k.Sign("test", []byte("m"))
	ok(t, err)
	p := k.Public()
	ok(t, p.Verify("test", []byte("m"), s))
	so, err := other.Sign("test", []byte("m"))
	ok(t, err)
	for name, c := range map[string]struct {
		s    journal.Signature
		code string
	}{
		"no ML-DSA":       {journal.Signature{Ed25519: s.Ed25519}, journal.CodeHalfSignature},
		"no Ed25519":      {journal.Signature{MLDSA44: s.MLDSA44}, journal.CodeHalfSignature},
		"foreign ML-DSA":  {journal.Signature{Ed25519: s.Ed25519, MLDSA44: so.MLDSA44}, journal.CodeHalfSignature},
		"foreign Ed25519": {journal.Signature{Ed25519: so.Ed25519, MLDSA44: s.MLDSA44}, journal.CodeHalfSignature},
		"none":            {journal.Signature{}, journal.CodeBadSignature},
		"both foreign":    {so, journal.CodeBadSignature},
	} {
		t.Run(name, func(t *testing.T) { wantCode(t, p.Verify("test", []byte("m"), c.s), c.code) })
	}
	wantCode(t, p.Verify("test", []byte("n"), s), journal.CodeBadSignature)
	wantCode(t, p.Verify("tes", []byte("m"), s), journal.CodeBadSignature)
	wantCode(t, p.Verify("tes", []byte("t\nm"), s), journal.CodeBadSignature)
	if p.Verify("", []byte("m"), s) == nil || p.Verify("a\nb", []byte("m"), s) == nil {
		t.Fatal("a domain without bounds was accepted")
	}
	// A checkpoint cannot be passed off as a statement, nor the other way round.
	cp, err := journal.SignCheckpoint(journal.OriginOf(journal.UnitOf("u"), journal.PartyOf("p"), 0), head(1, 1), start, k)
	ok(t, err)
	text, _, _ := bytes.Cut(cp, []byte("\n\n"))
	wantCode(t, p.Verify("test", append(text, '\n'), s), journal.CodeBadSignature)
}

func TestPrivateKeyTextForm(t *testing.T) {
	k := seed("x")
	text := k.Marshal("organisation key of North\nkeep: offline")
	if !bytes.Contains(text, []byte("Comment: organisation key of North keep: offline\n")) {
		t.Fatalf("no comment line:\n%s", text)
	}
	back, err := journal.ParsePrivateKey(append([]byte("kept in the safe\n"), text...))
	ok(t, err)
	if !back.Public().Equal(k.Public()) {
		t.Fatal("another key came back")
	}
	for name, bad := range map[string][]byte{
		"empty":    nil,
		"no block": []byte("hello"),
		"two keys": append(bytes.Clone(text), text...),
		"cut":      bytes.Replace(text, []byte("\n\n"), []byte("\n\nAAAA"), 1),
		"key id":   bytes.Replace(text, []byte("Key-Id: "), []byte("Key-Id: A"), 1),
		"huge":     bytes.Repeat(text, 100),
	} {
		if _, err := journal.ParsePrivateKey(bad); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	_, err = journal.GenerateKey(strings.NewReader("too short"))
	if err == nil {
		t.Fatal("a key from too little randomness")
	}
}

func TestPrivateKeyNeverShowsItself(t *testing.T) {
	k := seed("x")
	var b bytes.Buffer
	slog.New(slog.NewTextHandler(&b, nil)).Info("key", "key", k)
	shown := fmt.Sprintf("%v %+v %#v %s", k, k, k, b.String())
	_, err := json.Marshal(k)
	if err == nil {
		t.Fatal("a private key became JSON")
	}
	text := string(k.Marshal(""))
	body := strings.Split(text, "\n\n")[1][:40]
	if strings.Contains(shown, body) || strings.Count(shown, "not shown") < 4 {
		t.Fatalf("shown: %s", shown)
	}
}
