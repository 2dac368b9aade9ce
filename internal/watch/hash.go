package watch

import (
	"encoding/binary"
	"math/bits"
)

// Seed makes the places of values in a set unforeseeable, so that nobody can choose names that all meet in one. It is
// random and secret, and all parts of one set share it.
type Seed [2]uint64

// hasher hashes texts without regard to the case of ASCII letters, eight bytes at a time from the right. What lies
// right of a dot is so hashed on the way to what lies left of it: all parents of a name for the price of one. Other
// characters may fall together, too; whatever is found is compared byte for byte.
type hasher struct{ k0, k1, k2, k3 uint64 }

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
	fold  = 0x2020202020202020
)

func newHasher(s Seed) hasher {
	// The steps of splitmix64 spread whatever was given over all bits.
	x := s[0]
	next := func() uint64 {
		x += 0x9e3779b97f4a7c15
		z := x ^ s[1]
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		return z ^ z>>31
	}
	return hasher{next(), next() | 1, next() | 1, next() | 1}
}

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// partial reads up to seven bytes as the low bytes of a word.
func partial(b []byte) uint64 {
	var w uint64
	for i := len(b) - 1; i >= 0; i-- {
		w = w<<8 | uint64(b[i])
	}
	return w
}

// whole hashes a text.
func (h *hasher) whole(b []byte) uint64 { return h.hash(b, fold) }

// cased hashes what differs if its case does: paths of URLs, identifiers. Whoever writes many that differ in nothing else would have them meet in one place.
func (h *hasher) cased(b []byte) uint64 { return h.hash(b, 0) }

// hash hashes a text whose bytes all have the bits of set.
func (h *hasher) hash(b []byte, set uint64) uint64 {
	n := len(b)
	state := h.k0
	for len(b) >= 8 {
		state = mix(state^(binary.LittleEndian.Uint64(b[len(b)-8:])|set), h.k1)
		b = b[:len(b)-8]
	}
	var w uint64
	if len(b) > 0 {
		w = (partial(b) | set) & (1<<(8*len(b)) - 1)
	}
	return h.finish(state, w, n)
}

// finish ends a hash of n bytes of which w are the first, fewer than eight.
func (h *hasher) finish(state, w uint64, n int) uint64 { return mix(state^w, h.k2^uint64(n)<<1) }

// pair hashes a host and what was asked of it, by the hashes of both.
func (h *hasher) pair(host, path uint64) uint64 { return mix(host^h.k1, path^h.k3) ^ host }

// block hashes an address block of a length.
func (h *hasher) block(addr [16]byte, length int) uint64 {
	state := mix(binary.LittleEndian.Uint64(addr[8:])^h.k3, h.k1)
	return mix(state^binary.LittleEndian.Uint64(addr[:8]), h.k2^uint64(length+1)<<32)
}
