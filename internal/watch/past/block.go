package past

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/bits"
)

// A block is up to blockEntries addresses, or the tokens of one bucket: those that
// begin with the same bits. It ends with a checksum over its bytes and its place, so
// that a directory that leads to the wrong block is found out too.
const blockEntries = 128

func blockSum(k kind, number uint64, body []byte) uint32 {
	var place [9]byte
	place[0] = byte(k)
	binary.LittleEndian.PutUint64(place[1:], number)
	return crc32.Update(crc32.Checksum(place[:], castagnoli), castagnoli, body)
}

// bucketBits is how many bits of a token name its bucket, so that a bucket has 128
// to 256 tokens.
func bucketBits(tokens uint64) uint {
	if tokens <= 256 {
		return 0
	}
	return uint(bits.Len64((tokens - 1) / 256))
}

// riceBits is the parameter of the Rice code of the gaps between tokens.
func riceBits(tokens uint64) uint {
	if tokens == 0 {
		return 0
	}
	return uint(max(bits.Len64((1<<tokenBits)/tokens)-1, 0))
}

// Hours take five bits: the one hour, or one of these.
const (
	maskBits  = 5
	manyHours = 24 // which are told in 24 bits more
	allHours  = 25
)

// bitWriter appends bits, the lowest of each byte first.
type bitWriter struct {
	b   []byte
	acc uint64
	n   uint
}

// put writes the lowest bits of a number, at most 48.
func (w *bitWriter) put(v uint64, width uint) {
	for width > 0 {
		part := min(width, 56-w.n)
		w.acc |= (v & (1<<part - 1)) << w.n
		v, w.n, width = v>>part, w.n+part, width-part
		for w.n >= 8 {
			w.b = append(w.b, byte(w.acc))
			w.acc, w.n = w.acc>>8, w.n-8
		}
	}
}

func (w *bitWriter) mask(mask uint32) {
	switch {
	case mask == everyHour:
		w.put(allHours, maskBits)
	case mask&(mask-1) == 0 && mask != 0:
		w.put(uint64(bits.TrailingZeros32(mask)), maskBits)
	default:
		w.put(manyHours, maskBits)
		w.put(uint64(mask), 24)
	}
}

// end gives the bytes; the last one is filled with zeros.
func (w *bitWriter) end() []byte {
	if w.n > 0 {
		w.b = append(w.b, byte(w.acc))
	}
	return w.b
}

// mask reads what bitWriter.mask wrote; ok is false for what it never writes.
func (r *bitReader) mask() (mask uint32, ok bool) {
	code, ok := r.take(maskBits)
	switch {
	case !ok || code > allHours:
		return 0, false
	case code == allHours:
		return everyHour, true
	case code == manyHours:
		m, ok := r.take(24)
		mask = uint32(m)
		return mask, ok && mask != everyHour && mask&(mask-1) != 0
	}
	return 1 << code, true
}

// appendBucket writes the tokens of a bucket that begins with base.
func appendBucket(b []byte, es []entry, base uint64, rice uint) []byte {
	w := bitWriter{b: binary.AppendUvarint(b, uint64(len(es)))}
	for _, e := range es {
		gap := e.lo - base
		for q := gap >> rice; q > 0; q-- {
			w.put(1, 1)
		}
		w.put(0, 1)
		w.put(gap, rice)
		base = e.lo + 1
	}
	for _, e := range es {
		w.mask(e.mask)
	}
	return w.end()
}

// bitReader reads bits, the lowest of each byte first.
type bitReader struct {
	b  []byte
	at uint // in bits
}

// ones counts the ones up to the next zero, which it takes too.
func (r *bitReader) ones() (n uint64, ok bool) {
	for r.at>>3 < uint(len(r.b)) {
		left := 8 - r.at&7
		ones := min(uint(bits.TrailingZeros8(^(r.b[r.at>>3] >> (r.at & 7)))), left)
		n += uint64(ones)
		r.at += ones
		if ones < left {
			r.at++
			return n, true
		}
	}
	return 0, false
}

func (r *bitReader) take(width uint) (uint64, bool) {
	if uint(len(r.b))<<3-r.at < width {
		return 0, false
	}
	var v uint64
	for got := uint(0); got < width; {
		w := min(8-r.at&7, width-got)
		v |= uint64(r.b[r.at>>3]>>(r.at&7)&(1<<w-1)) << got
		got, r.at = got+w, r.at+w
	}
	return v, true
}

// takeBucket reads what appendBucket wrote. width is how many bits of the tokens
// are free in the bucket.
func takeBucket(es []entry, b []byte, base uint64, width, rice uint) ([]entry, error) {
	count, n := binary.Uvarint(b)
	if n <= 0 || count > 2*uint64(len(b)) { // a token has at least six bits
		return es, fmt.Errorf("%w: a block of tokens with an impossible number of them", ErrDamaged)
	}
	r := bitReader{b: b[n:]}
	start, next := len(es), base
	for range count {
		q, ok := r.ones()
		low, ok2 := r.take(rice)
		gap := q<<rice | low
		if !ok || !ok2 || q > 1<<tokenBits>>rice || gap > 1<<width || next-base+gap >= 1<<width {
			return es, fmt.Errorf("%w: a block of tokens that leads out of itself", ErrDamaged)
		}
		es = append(es, entry{token: token{kind: hashed, lo: next + gap}})
		next += gap + 1
	}
	return takeMasks(es, start, &r)
}

func takeMasks(es []entry, start int, r *bitReader) ([]entry, error) {
	ok := false
	for i := start; i < len(es); i++ {
		if es[i].mask, ok = r.mask(); !ok {
			return es, fmt.Errorf("%w: a block with hours that no day has", ErrDamaged)
		}
	}
	if rest, _ := r.take(-r.at & 7); rest != 0 || r.at>>3 != uint(len(r.b)) {
		return es, fmt.Errorf("%w: a block with something after its end", ErrDamaged)
	}
	return es, nil
}

// addressBytes is how many bytes an address has.
func (k kind) addressBytes() int {
	if k == address4 {
		return 4
	}
	return 16
}

func (t token) appendAddress(b []byte) []byte {
	if t.kind == address4 {
		return binary.BigEndian.AppendUint32(b, uint32(t.lo))
	}
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, t.hi), t.lo)
}

func takeAddress(k kind, b []byte) token {
	if k == address4 {
		return token{kind: k, lo: uint64(binary.BigEndian.Uint32(b))}
	}
	return token{k, binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
}

// appendAddresses writes addresses. Of IPv4 it is the first one, and the gaps between them in a Rice code whose parameter fits the block: a few networks
// have most of them. Of IPv6 it is of each how many bytes it shares with the one before, and the others.
func appendAddresses(b []byte, es []entry) []byte {
	b = binary.AppendUvarint(b, uint64(len(es)))
	if len(es) > 0 && es[0].kind == address4 {
		return appendGaps(b, es)
	}
	var last, this [16]byte
	for i, e := range es {
		a := e.appendAddress(this[:0])
		shared := 0
		for i > 0 && shared < len(a)-1 && a[shared] == last[shared] {
			shared++
		}
		b = append(append(b, byte(shared)), a[shared:]...)
		last = this
	}
	w := bitWriter{b: b}
	for _, e := range es {
		w.mask(e.mask)
	}
	return w.end()
}

func takeAddresses(es []entry, b []byte, k kind) ([]entry, error) {
	count, n := binary.Uvarint(b)
	if n <= 0 || count > blockEntries {
		return es, fmt.Errorf("%w: a block of addresses with an impossible number of them", ErrDamaged)
	}
	b = b[n:]
	if k == address4 && count > 0 {
		return takeGaps(es, b, count)
	}
	var a [16]byte
	size, start := k.addressBytes(), len(es)
	for i := range int(count) {
		if len(b) == 0 || int(b[0]) >= size || i == 0 && b[0] != 0 || len(b) < 1+size-int(b[0]) {
			return es, fmt.Errorf("%w: a block of addresses that is cut short", ErrDamaged)
		}
		shared := int(b[0])
		b = b[1+copy(a[shared:size], b[1:]):]
		t := takeAddress(k, a[:size])
		if i > 0 && t.compare(es[len(es)-1].token) <= 0 {
			return es, fmt.Errorf("%w: addresses that are not in order", ErrDamaged)
		}
		es = append(es, entry{token: t})
	}
	return takeMasks(es, start, &bitReader{b: b})
}

func appendGaps(b []byte, es []entry) []byte {
	rice := uint(0)
	if n := uint64(len(es)); n > 1 {
		rice = uint(max(bits.Len64((es[n-1].lo-es[0].lo)/(n-1))-1, 0))
	}
	w := bitWriter{b: append(es[0].appendAddress(b), byte(rice))}
	for i := 1; i < len(es); i++ {
		gap := es[i].lo - es[i-1].lo - 1
		for q := gap >> rice; q > 0; q-- {
			w.put(1, 1)
		}
		w.put(0, 1)
		w.put(gap, rice)
	}
	for _, e := range es {
		w.mask(e.mask)
	}
	return w.end()
}

func takeGaps(es []entry, b []byte, count uint64) ([]entry, error) {
	if len(b) < 5 || b[4] > 31 {
		return es, fmt.Errorf("%w: a block of addresses that is cut short", ErrDamaged)
	}
	start, t, rice := len(es), takeAddress(address4, b), uint(b[4])
	r := bitReader{b: b[5:]}
	for i := range count {
		if i > 0 {
			q, ok := r.ones()
			low, ok2 := r.take(rice)
			if !ok || !ok2 || q > 1<<32>>rice {
				return es, fmt.Errorf("%w: a block of addresses that is cut short", ErrDamaged)
			}
			if t.lo += (q<<rice | low) + 1; t.lo >= 1<<32 {
				return es, fmt.Errorf("%w: addresses that lead out of themselves", ErrDamaged)
			}
		}
		es = append(es, entry{token: t})
	}
	return takeMasks(es, start, &r)
}
