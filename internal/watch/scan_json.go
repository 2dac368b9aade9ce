package watch

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"

	"entente/internal/observable"
)

const (
	quotes = ones * '"'
	colons = ones * ':'
	slants = ones * '\\'
	dots   = ones * '.'
	lows   = ^uint64(highs)
	// loose are the bits of a byte by which quotation marks, white space and some more are told from others, see keyEnds.
	loose = ones * 0xD0
)

// The space around a line that is needed to read whole words of it.
const (
	padBefore = 8
	padAfter  = 24
	keyPad    = 80 // for keyEnds, which reads 40 bytes from each 32 of a line
)

func word(b []byte, i int) uint64 { return binary.LittleEndian.Uint64(b[i:]) }

// zeros has the high bit of each byte that is 0; exact, unlike the shorter form.
func zeros(x uint64) uint64 { return ^((x&lows + lows) | x | lows) }

// keyEnds appends where a quotation mark or white space stands before a colon in a line. Some other punctuation is
// told of, too; who reads the list looks again.
func keyEnds(dst []uint32, b []byte, start, end int) []uint32 {
	n := len(dst)
	dst = dst[:cap(dst)]
	for i := start; i < end; i += 32 {
		if n+32 > len(dst) {
			dst = append(dst, make([]uint32, len(dst)+64)...)
		}
		c := b[i : i+40 : i+40]
		m := mask8(binary.LittleEndian.Uint64(c[0:8]), binary.LittleEndian.Uint64(c[1:9])) |
			mask8(binary.LittleEndian.Uint64(c[8:16]), binary.LittleEndian.Uint64(c[9:17]))<<8 |
			mask8(binary.LittleEndian.Uint64(c[16:24]), binary.LittleEndian.Uint64(c[17:25]))<<16 |
			mask8(binary.LittleEndian.Uint64(c[24:32]), binary.LittleEndian.Uint64(c[25:33]))<<24
		// The first four are written whether they are there or not: a branch less to guess.
		out := dst[n : n+4 : n+4]
		k := bits.OnesCount64(m)
		out[0] = uint32(i + bits.TrailingZeros64(m))
		m &= m - 1
		out[1] = uint32(i + bits.TrailingZeros64(m))
		m &= m - 1
		out[2] = uint32(i + bits.TrailingZeros64(m))
		m &= m - 1
		out[3] = uint32(i + bits.TrailingZeros64(m))
		m &= m - 1
		for j := n + 4; m != 0; j++ {
			dst[j] = uint32(i + bits.TrailingZeros64(m))
			m &= m - 1
		}
		n += k
	}
	for n > 0 && int(dst[n-1]) >= end { // of what stands behind the line
		n--
	}
	return dst[:n]
}

// mask8 has a bit for each byte of x before a colon in y, which is x one byte later. The short form of the test for zero
// is exact here: it errs only for a byte of 1 after a match, and what is after a match is a colon in x.
func mask8(x, y uint64) uint64 {
	s := (x^quotes)&loose | (y ^ colons)
	z := (s - ones) &^ s & highs
	return (z >> 7) * 0x0102040810204080 >> 56
}

// json looks at one JSON line, b[start:end], around which there is room.
func (s *Scanner) json(b []byte, start, end int, escapes bool) {
	keys := s.keys
	s.hosts, s.paths, s.oddPath = s.hosts[:0], s.paths[:0], false
	s.ends = keyEnds(s.ends[:0], b, start, end)
	mul, shift, slots := keys.mul, keys.shift&63, keys.slots
	for _, j := range s.ends {
		i := int(j)
		w := word(b, i-8)
		lz := uint(bits.LeadingZeros64(zeros(w ^ quotes)))
		w >>= (64 - lz) & 63
		slot := &slots[w*mul>>shift]
		if slot.end == w && slot.look != 0 && b[i] == '"' {
			s.value(b, i+2, end, slot.look)
			continue
		}
		if b[i] != '"' {
			for i > start && b[i] <= ' ' {
				i--
			}
			if i < int(j) && b[i] == '"' { // white space between a key and its colon
				s.mark()
				return
			}
			continue
		}
		if escapes && lz == 64 && escapedKey(b, start, i) {
			s.mark()
			return
		}
		if escapes && zeros(word(b, i-8)^slants) != 0 && escapedKey(b, start, i) {
			s.mark()
			return
		}
	}
	if len(s.paths) > 0 || s.oddPath {
		s.join()
	}
}

// escapedKey tells whether the key that ends before the quotation mark at i holds an escape: it may be one that is looked for.
func escapedKey(b []byte, start, i int) bool {
	slashes := 0
	for j := i - 1; j >= start && b[j] == '\\'; j-- {
		slashes++
	}
	if slashes%2 == 1 {
		return false // an escaped quotation mark inside of a text
	}
	for j := i - 1; j >= start; j-- {
		switch b[j] {
		case '\\':
			return true
		case '"':
			return false // one that is escaped has a backslash before it, which cannot be in what stands between keys
		}
	}
	return false
}

// value looks at the value that begins at i.
func (s *Scanner) value(b []byte, i, end int, look Look) {
	for i < end && (b[i] == ' ' || b[i] == '\t') {
		i++
	}
	if i >= end {
		return
	}
	switch b[i] {
	case '"':
		s.str(b, i+1, end, look)
	case '[':
		for i++; i < end; {
			switch c := b[i]; c {
			case '"':
				if i = s.str(b, i+1, end, look); i < 0 {
					return
				}
			case ']':
				return
			case '{', '[': // strings may follow
				if c == '[' || s.mixed(b, i, end) {
					s.mark()
				}
				return
			default: // commas, numbers, literals and space
				i = s.scalar(b, i, end, look)
			}
		}
	default:
		s.scalar(b, i, end, look)
	}
}

// scalar looks at a number that begins at i, as far as one can be what is looked for, and gives what comes after it or after
// the byte there.
func (s *Scanner) scalar(b []byte, i, end int, look Look) int {
	n := i
	for n < end && (b[n]-'0' <= 9 || b[n] == '-' || b[n] == '+' || b[n] == '.' || b[n]|0x20 == 'e') {
		n++
	}
	if n == i || b[i]|0x20 == 'e' {
		return i + 1
	}
	if look&(LookText|LookNumber|LookFile|LookHash) != 0 {
		s.look(b, i, n, look)
	}
	return n
}

// mixed tells whether a list of objects that goes on at i has a string among them.
func (s *Scanner) mixed(b []byte, i, end int) bool {
	depth, before := 0, byte(',')
	for i < end {
		switch c := b[i]; c {
		case '{', '[':
			if depth++; c == '[' && before != ':' {
				return true // a list in a list
			}
		case '}', ']':
			if depth--; depth < 0 {
				return false
			}
		case '"':
			if depth == 0 && (before == ',' || before == '[') {
				return true
			}
			for i++; i < end && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		}
		if i < end && b[i] > ' ' {
			before = b[i]
		}
		i++
	}
	return true
}

// str looks at the text that begins at i and gives where it ends, past the quotation mark; -1 if it does not.
func (s *Scanner) str(b []byte, i, end int, look Look) int {
	for e := i; e < end; e += 8 {
		w := word(b, e)
		q, sl := w^quotes, w^slants
		m := ((q - ones) &^ q & highs) | ((sl - ones) &^ sl & highs)
		if m == 0 {
			continue
		}
		e += bits.TrailingZeros64(m) >> 3
		if e >= end {
			break
		}
		if b[e] == '\\' {
			return s.escaped(b, i, e, end, look)
		}
		if e > i {
			if s.percents && look&LookHost != 0 && bytes.IndexByte(b[i:e], '%') >= 0 {
				s.mark() // as the host of a URL it is a name without the escape
			}
			if look == LookHost {
				s.host(b, i, e)
			} else {
				s.look(b, i, e, look)
			}
		}
		return e + 1
	}
	s.mark() // cut off: whoever decodes it says so
	return -1
}

// escaped looks at a text with an escape at e.
func (s *Scanner) escaped(b []byte, i, e, end int, look Look) int {
	out := append(s.text[:0], make([]byte, padBefore)...)
	for out = append(out, b[i:e]...); e < end; {
		c := b[e]
		e++
		switch {
		case c == '"':
			n := len(out)
			out = append(out, make([]byte, padAfter)...)
			s.text = out
			if n > padBefore {
				s.look(out, padBefore, n, look)
			}
			return e
		case c != '\\':
			out = append(out, c)
			continue
		case e >= end:
			continue
		}
		c = b[e]
		e++
		switch c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r, n := hexRune(b[e:end])
			if n == 0 {
				out = append(out, '\\', 'u') // no escape: it stays as it is
				continue
			}
			out = append(out, string(r)...)
			e += n
			continue
		case '"', '\\', '/':
		default:
			out = append(out, '\\')
		}
		out = append(out, c)
	}
	s.text = out
	s.mark()
	return -1
}

// probe is a hash that is looked for on behalf of a line.
func (s *Scanner) probe(h uint64) {
	if s.n == len(s.hashes) {
		s.flush()
	}
	s.hashes[s.n], s.owners[s.n] = h, s.line
	s.n++
}

// mark says that the line is worth decoding.
func (s *Scanner) mark() { s.marks[s.line>>6] |= 1 << (s.line & 63) }

// flush asks the set for all hashes that were collected. The words of the Bloom filter are read one after the other
// without waiting for what was in them, so that the processor fetches many at once.
func (s *Scanner) flush() {
	hashes, n := s.hashes[:s.n], 0
	found := s.found[:len(hashes)]
	bloom := s.base.bloom
	for i, h := range hashes {
		found[n] = uint32(i)
		bit := bloomBits(h)
		hit := 0
		if bloom[place(h, len(bloom))]&bit == bit {
			hit = 1
		}
		n += hit
	}
	for _, i := range found[:n] {
		if s.base.slot(hashes[i]) != 0 {
			line := s.owners[i]
			s.marks[line>>6] |= 1 << (line & 63)
		}
	}
	if s.delta != nil {
		for i, h := range hashes {
			if s.delta.has(h) {
				line := s.owners[i]
				s.marks[line>>6] |= 1 << (line & 63)
			}
		}
	}
	s.n = 0
}

// now tells whether a hash is in the set, without waiting for others.
func (s *Scanner) now(h uint64) bool { return s.base.has(h) || s.delta != nil && s.delta.has(h) }

// host looks at a name or an address in b[i:e], which is not empty, and keeps it as the host of the line.
func (s *Scanner) host(b []byte, i, e int) {
	if b[e-1] == '.' {
		if e--; e == i {
			return
		}
	}
	if e-i > 4*observable.MaxText {
		return // no name, even with a port
	}
	if b[i] == '*' && e-i > 2 && b[i+1] == '.' {
		i += 2 // in certificates: what is below the rest is not looked for apart from that
	}
	n := e - i
	if n <= 15 && b[i]-'0' <= 9 && b[e-1]-'0' <= 9 {
		// What is made of digits and dots only has no names above it.
		lo, hi := keepTop(word(b, e-8), n), uint64(ones*'0')
		if n > 8 {
			hi = keepTop(word(b, e-16), n-8)
		}
		if numeric(lo) && numeric(hi) {
			s.ipv4(b, i, e)
			return
		}
	}
	state, pos := s.hash.k0, e
	var odd uint64
	first := true // the last label alone is never looked for
	for {
		left := pos - i
		w := word(b, pos-8)
		if left < 8 {
			if left == 0 {
				w = 0
			} else {
				w &= ^uint64(0) << (64 - 8*uint(left)&63)
			}
		}
		c := w ^ colons
		odd |= w&highs | (c-ones)&^c&highs
		folded := w | fold
		for d := zeros(w ^ dots); d != 0; {
			lz := uint(bits.LeadingZeros64(d))
			d &^= 1 << (63 - lz)
			if first {
				first = false
				continue
			}
			var part uint64
			if lz > 0 {
				part = folded >> ((64 - lz) & 63)
			}
			s.probe(s.hash.finish(state, part, e-pos+int(lz>>3)))
		}
		if left < 8 {
			var part uint64
			if left > 0 {
				part = folded >> (64 - 8*uint(left)&63)
			}
			h := s.hash.finish(state, part, n)
			if odd != 0 {
				break
			}
			s.probe(h)
			if s.keepHosts {
				s.hosts = append(s.hosts, h)
			}
			if s.name != nil && !first && s.name(h, b[i:e]) {
				s.mark()
			}
			return
		}
		state = mix(state^folded, s.hash.k1)
		pos -= 8
	}
	s.oddHost(b, i, e)
}

// keepTop keeps the n highest bytes of a word and puts digits in place of the others.
func keepTop(w uint64, n int) uint64 {
	if n >= 8 {
		return w
	}
	m := ^uint64(0) << (64 - 8*uint(n)&63)
	if n == 0 {
		m = 0
	}
	return w&m | ones*'0'&^m
}

// numeric tells whether all bytes of a word are digits, dots or slashes.
func numeric(w uint64) bool {
	const above, below = ones * (0x80 - '.'), ones * (0x7f - '9')
	return w&highs == 0 && (w+above)&highs == highs && (w+below)&highs == 0
}

// text gives bytes as a string for as long as they do not change.
func asString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// hexRune reads what follows \u, with the second half of a pair, and tells how many bytes it took.
func hexRune(b []byte) (rune, int) {
	r := hex4(b)
	if r < 0 {
		return utf8.RuneError, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, 4
	}
	if len(b) >= 10 && b[4] == '\\' && b[5] == 'u' {
		if full := utf16.DecodeRune(r, hex4(b[6:])); full != utf8.RuneError {
			return full, 10
		}
	}
	return utf8.RuneError, 4
}

func hex4(b []byte) rune {
	if len(b) < 4 {
		return -1
	}
	var r rune
	for _, c := range b[:4] {
		v := hexValue(c)
		if v > 15 {
			return -1
		}
		r = r<<4 | rune(v)
	}
	return r
}
