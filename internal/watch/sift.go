package watch

import (
	"math"
	"math/bits"
	"slices"
)

// window is how many bytes are sifted at once: few enough for what was sifted to be in the cache still when its lines are looked at.
const window = 32 << 10

// sieve tells where lines end and the keys in them that are in the table, with vector instructions, for a window at a time. Of each key it gives where its quotation mark
// stands and, in the upper half, its slot; and in the same way where white space stands before a colon, with any slot.
type sieve struct {
	room  []uint32 // for what is sifted
	found []uint64 // of it, what is in the table
	ahead []uint64 // of that, what stands behind the lines that were told of
	at    int      // where the next of those lines begins; -1: there is none

	slants [window / 64]uint64 // where the window has backslashes
	base   int                 // where the window begins
	slant  int                 // the first backslash not before the line that was asked about last
}

// next gives where the line that begins at start ends, and its keys. It is false for a line that does not end within a window, or stands so near to an end
// of b that reading beside it would be reading beside b.
func (v *sieve) next(k *Keys, b []byte, start int) (end int, ends []uint64, ok bool) {
	if start == v.at {
		if end, ends, ok = v.cut(b); ok {
			return end, ends, true
		}
	}
	if v.at = -1; start < padBefore {
		return 0, nil, false
	}
	groups := min(window, len(b)-1-start) / 64
	if groups <= 0 {
		return 0, nil, false
	}
	_ = b[start-3 : start+64*groups+1]
	v.room = slices.Grow(v.room[:0], 64*groups+4)[:64*groups+4]
	all := v.room[:siftAVX2(&v.room[0], &v.slants[0], &b[0], start, groups, &k.tails[0])]
	if len(all) == 0 {
		return 0, nil, false
	}
	v.found = slices.Grow(v.found[:0], len(all))[:len(all)]
	v.ahead = v.found[:keep(&v.found[0], &b[0], &all[0], len(all), &k.slots[0], k.mul, k.shift)]
	v.base, v.slant = start, -1
	return v.cut(b)
}

// slanted tells whether there is a backslash in a line that next told of.
func (v *sieve) slanted(start, end int) bool {
	if v.slant < start {
		v.slant = v.nextSlant(start)
	}
	return v.slant < end
}

// nextSlant gives where the next backslash from start on is, as far as the window tells.
func (v *sieve) nextSlant(start int) int {
	k := uint(start - v.base)
	m := v.slants[k/64] >> (k % 64) << (k % 64)
	for k /= 64; m == 0; m = v.slants[k] {
		if k++; k == uint(len(v.slants)) {
			return math.MaxInt
		}
	}
	return v.base + int(k)*64 + bits.TrailingZeros64(m)
}

// cut takes the first line from what is ahead.
func (v *sieve) cut(b []byte) (end int, ends []uint64, ok bool) {
	for n, x := range v.ahead {
		if i := uint32(x); b[i] == '\n' {
			ends, v.ahead, v.at = v.ahead[:n], v.ahead[n+1:], int(i)+1
			return int(i), ends, true
		}
	}
	v.at = -1
	return 0, nil, false
}
