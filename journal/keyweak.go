package journal

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"math/big"

	"filippo.io/mldsa"
)

// smallOrder holds the y coordinates of the eight points of small order of
// edwards25519, with the sign bit cleared (RFC 8032 section 5.1.2; the two
// points of order 4 and the four of order 8 share coordinates up to the sign).
// With such a key one signature verifies for many messages, so its owner could
// deny any of them.
var smallOrder = [5][32]byte{
	{0x01}, // order 1: (0, 1)
	{0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, // order 2: (0, -1)
	{}, // order 4: y = 0
	{0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
		0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05}, // order 8
	{0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
		0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a}, // order 8
}

// fieldPrime is 2^255 - 19, little endian.
var fieldPrime = [32]byte{0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}

func checkEd25519(key []byte) error {
	if len(key) != ed25519.PublicKeySize {
		return fmt.Errorf("an Ed25519 key has %d bytes, not %d", ed25519.PublicKeySize, len(key))
	}
	y := [32]byte(key)
	y[31] &= 0x7f
	if !below(y, fieldPrime) {
		return errors.New("the Ed25519 key is not in canonical form (y >= p)")
	}
	for _, s := range smallOrder {
		if y == s {
			return errors.New("the Ed25519 key is a point of small order: its signatures could be denied")
		}
	}
	if !onCurve(y) {
		return errors.New("the Ed25519 key is not a point of the curve")
	}
	return nil
}

// below compares little-endian numbers.
func below(a, b [32]byte) bool {
	for i := 31; i >= 0; i-- {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}

// onCurve reports whether x² = (y²-1)/(dy²+1) has a root, d = -121665/121666
// (RFC 8032 section 5.1.3). The key is public, so time need not be constant.
func onCurve(y [32]byte) bool {
	var be [32]byte
	for i := range y {
		be[31-i] = y[i]
	}
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	d := new(big.Int).ModInverse(big.NewInt(121666), p)
	d.Mul(d, big.NewInt(-121665)).Mod(d, p)
	yy := new(big.Int).SetBytes(be[:])
	yy.Mul(yy, yy).Mod(yy, p)
	u := new(big.Int).Sub(yy, big.NewInt(1))
	v := new(big.Int).Mul(d, yy)
	v.Add(v, big.NewInt(1))
	// u/v is a square exactly if u*v is.
	u.Mul(u, v).Mod(u, p)
	return big.Jacobi(u, p) != -1
}

// checkMLDSA44 refuses keys whose t1 (FIPS 204 section 5, pkEncode: 1,024 coefficients of 10
// bits after the 32-byte seed) is almost all 0 or 1023. Multiplied by 2^13 these
// stand for about 0, so anybody could sign anything and the owner could deny
// everything. An honest key has about two such coefficients.
func checkMLDSA44(key []byte) error {
	if len(key) != mldsa.MLDSA44PublicKeySize {
		return fmt.Errorf("an ML-DSA-44 key has %d bytes, not %d", mldsa.MLDSA44PublicKeySize, len(key))
	}
	degenerate := 0
	for b := key[32:]; len(b) >= 5; b = b[5:] {
		bits := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 | uint64(b[4])<<32
		for range 4 {
			if c := bits & 1023; c == 0 || c == 1023 {
				degenerate++
			}
			bits >>= 10
		}
	}
	if degenerate > 512 {
		return errors.New("the ML-DSA-44 key is degenerate: anybody could sign under it")
	}
	return nil
}
