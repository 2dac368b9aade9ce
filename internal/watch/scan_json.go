package watch

import (
	"encoding/binary"
	"math/bits"
	"sync/atomic"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"

	"entente/internal/observable"
)

const (
	quotes   = ones * '"'
	colons   = ones * ':'
	slants   = ones * '\\'
	percents = ones * '%'
	dots     = ones * '.'
	lows     = ^uint64(highs)
	// loose are bits that neither quotation marks nor white space have, and most other characters of ASCII do, see keyMasks.
	loose = ones * 0x50
)

// The space around a line that is needed to read whole words of it.
const (
	padBefore = 24 // for hostAVX2, which reads so many bytes before the end of a name however short it is
	padAfter  = 24
	keyPad    = 80 // for keyMasks, which reads 72 bytes from each 64 of a line
)

func word(b []byte, i int) uint64 { return binary.LittleEndian.Uint64(b[i:]) }

// zeros has the high bit of each byte that is 0; exact, unlike the shorter form.
func zeros(x uint64) uint64 { return ^((x&lows + lows) | x | lows) }

// keyMasks gives, for each 64 bytes of a line, a mask of where a quotation mark or white space stands before a colon. Some other characters
// are told of, too; who reads the masks looks again. Bit 8j+k is byte 8k+j: so the bits of eight words come together without being moved about.
func keyMasks(dst []uint64, b []byte, start, end int) []uint64 {
	n := (end - start + 63) / 64
	if n > cap(dst) {
		dst = make([]uint64, 2*n)
	}
	dst = dst[:n]
	for k := range dst {
		c := b[start : start+72 : start+72]
		dst[k] = ^(others8(binary.LittleEndian.Uint64(c[0:8]), binary.LittleEndian.Uint64(c[1:9]))>>7 |
			others8(binary.LittleEndian.Uint64(c[8:16]), binary.LittleEndian.Uint64(c[9:17]))>>6 |
			others8(binary.LittleEndian.Uint64(c[16:24]), binary.LittleEndian.Uint64(c[17:25]))>>5 |
			others8(binary.LittleEndian.Uint64(c[24:32]), binary.LittleEndian.Uint64(c[25:33]))>>4 |
			others8(binary.LittleEndian.Uint64(c[32:40]), binary.LittleEndian.Uint64(c[33:41]))>>3 |
			others8(binary.LittleEndian.Uint64(c[40:48]), binary.LittleEndian.Uint64(c[41:49]))>>2 |
			others8(binary.LittleEndian.Uint64(c[48:56]), binary.LittleEndian.Uint64(c[49:57]))>>1 |
			others8(binary.LittleEndian.Uint64(c[56:64]), binary.LittleEndian.Uint64(c[57:65])))
		start += 64
	}
	if n > 0 {
		dst[n-1] &= firstBytes[end-start+64]
	}
	return dst
}

// others8 has the high bit of each byte of x that is no end of a key: of which loose has a bit, or that has no colon after it, in y, which is
// x one byte later. The highest bits of both do not count, so that no byte borrows from the next.
func others8(x, y uint64) uint64 { return ((x&loose | (y ^ colons) | highs) - ones) & highs }

// place64 gives which of 64 bytes a bit of a mask stands for.
func place64(bit int) int { return bit>>3 + bit&7<<3 }

// firstBytes has masks of the first n of 64 bytes.
var firstBytes = func() (t [65]uint64) {
	for n := range t {
		for bit := range 64 {
			if place64(bit) < n {
				t[n] |= 1 << bit
			}
		}
	}
	return t
}()

// ends gives where the names of keys end, in no order: of a line with escapes all, otherwise those of names in the table and a few others, and
// all that have white space before the colon. It is for the masks of a line that begins at start.
func (k *Keys) ends(dst []uint32, masks []uint64, b []byte, start int, escapes bool) []uint32 {
	n := 0
	for _, m := range masks {
		if most := n + bits.OnesCount64(m) + 1; most > len(dst) {
			dst = append(dst, make([]uint32, most)...)
		}
		if escapes {
			for ; m != 0; m &= m - 1 {
				dst[n] = uint32(start + place64(bits.TrailingZeros64(m)))
				n++
			}
		}
		// Each is written whether it is kept or not, as no processor foresees which keys come.
		for ; m != 0; m &= m - 1 {
			i := start + place64(bits.TrailingZeros64(m))
			x := binary.LittleEndian.Uint32(b[i-3:])
			dst[n] = uint32(i)
			if x>>24 <= ' ' {
				n++
				continue
			}
			n += int(k.tails[tail(x)])
		}
		start += 64
	}
	return dst[:n]
}

// keyEnds gives where the keys of a JSON line end, b[start:end], around which there is room.
func (s *Scanner) keyEnds(b []byte, start, end int, escapes bool) []uint32 {
	s.masks = keyMasks(s.masks, b, start, end)
	s.ends = s.keys.ends(s.ends[:cap(s.ends)], s.masks, b, start, escapes)
	return s.ends
}

// white tells whether a byte is white space in a line of JSON.
func white(c byte) bool { return c == ' ' || c == '\t' || c == '\r' }

// json looks at one JSON line, b[start:end], around which there is room, and of which the keys that may matter, and others, are told.
func (s *Scanner) json(b []byte, start, end int, escapes bool, ends []uint32) {
	keys := s.keys
	s.hosts, s.paths, s.oddPath = s.hosts[:0], s.paths[:0], false
	mul, shift, slots := keys.mul, keys.shift&63, keys.slots
	for _, j := range ends {
		i := int(j)
		if b[i+1] != ':' {
			continue
		}
		w := word(b, i-8)
		lz := uint(bits.LeadingZeros64(zeros(w ^ quotes)))
		w >>= (64 - lz) & 63
		slot := &slots[w*mul>>shift]
		if slot.end == w && slot.look != 0 && b[i] == '"' {
			s.member(b, start, i, end, slot)
			continue
		}
		if b[i] != '"' {
			for i > start && white(b[i]) {
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

// members is json for a line and what the sieve gives for it.
func (s *Scanner) members(b []byte, start, end int, escapes bool, ends []uint64) {
	if escapes && s.escapedKeys(b, start, end) {
		s.mark()
		return
	}
	s.hosts, s.paths, s.oddPath = s.hosts[:0], s.paths[:0], false
	slots := s.keys.slots
	for _, x := range ends {
		i := int(uint32(x))
		if b[i] == '"' {
			slot := &slots[x>>32]
			if slot.look&^LookAuthority == LookHost && b[i+2] == '"' && slot.after == 0 {
				if e := s.plainHost(b, i+3, end); e >= 0 { // most are that; what is not is looked at again
					if slot.look != LookHost && partsURL(b[i+3:e-1]) {
						s.mark()
					}
					continue
				}
			}
			if slot.look != 0 {
				s.member(b, start, i, end, slot)
			}
			continue
		}
		for i > start && white(b[i]) {
			i--
		}
		if b[i] == '"' { // white space between a key and its colon
			s.mark()
			return
		}
	}
	if len(s.paths) > 0 || s.oddPath {
		s.join()
	}
}

// escapedKeys tells whether a key of a line that the sieve tells of, and that is not in the table, holds an escape, as escapedKey does for each. It looks at what
// stands behind backslashes, of several beside each other the last, as most lines have fewer of them than keys.
func (s *Scanner) escapedKeys(b []byte, start, end int) bool {
	base := s.sieve.base
	for k := (start - base) / 64; base+64*k < end; k++ {
		m := s.sieve.slants[k]
		for m &^= m >> 1; m != 0; m &= m - 1 {
			if p := base + 64*k + bits.TrailingZeros64(m); p >= start && s.escapesKey(b, start, p, end) {
				return true
			}
		}
	}
	return false
}

// escapesKey tells whether the next quotation mark or backslash behind a backslash at p is the end of a key that is not in the table, and p in the key.
func (s *Scanner) escapesKey(b []byte, start, p, end int) bool {
	i, m := p+1, closes(word(b, p+1))
	for m == 0 && i < end {
		i += 8
		m = closes(word(b, i))
	}
	i += bits.TrailingZeros64(m) >> 3
	return i < end && b[i] == '"' && b[i+1] == ':' && escapedKey(b, start, i) && !s.keys.has(b, i)
}

// member looks at the value of a key that ends before the quotation mark at i.
func (s *Scanner) member(b []byte, start, i, end int, slot *keySlot) {
	switch {
	case b[i+2] != '"':
		s.value(b, i+2, end, slot.look)
	case slot.after == 0 || s.keys.follows(slot, b, start, i):
		s.str(b, i+3, end, slot.look)
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
	for j := i; j > start; j -= 8 {
		w := word(b, j-8)
		if m := zeros(w^slants) | zeros(w^quotes); m != 0 {
			// A quotation mark that is escaped has a backslash before it, which cannot be in what stands between keys.
			at := j - 1 - bits.LeadingZeros64(m)>>3
			return at >= start && b[at] == '\\'
		}
	}
	return false
}

// follows tells whether what stands before the key that ends before the quotation mark at i is one of the texts that its value is looked at after,
// or something else than a text that can be told with a glance.
func (k *Keys) follows(slot *keySlot, b []byte, start, i int) bool {
	end := i - int(slot.size) - 3 // the quotation mark of the text before
	if end <= start || b[end] != '"' || b[end+1] != ',' {
		return true
	}
	j := end
	for j > start && b[j-1] != '"' {
		if j--; b[j] >= 0x80 || b[j] == '\\' { // lower case may be of ASCII; an escape may be of a letter
			return true
		}
	}
	if j == end || b[j-2] == '\\' {
		return true
	}
	for _, text := range k.after[slot.after-1] {
		if len(text) == end-j && equalFold(b[j:end], text) {
			return true
		}
	}
	return false
}

// equalFold tells whether b is text, which is in lower case, whatever the case of its letters.
func equalFold(b []byte, text string) bool {
	for i, c := range b {
		if c-'A' <= 'Z'-'A' {
			c |= 0x20
		}
		if c != text[i] {
			return false
		}
	}
	return true
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
	if look&(LookText|LookNumber|LookFile|LookHash|LookForm) != 0 {
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
	if look == LookHost && !s.portable {
		if e := s.plainHost(b, i, end); e >= 0 {
			return e
		}
	}
	for e := i; e < end; e += 8 {
		m := closes(word(b, e))
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

// closes has the high bit of the first byte of a word that is a quotation mark or a backslash, and perhaps of some behind it.
func closes(w uint64) uint64 {
	q, sl := w^quotes, w^slants
	return ((q - ones) &^ q & highs) | ((sl - ones) &^ sl & highs)
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
	if s.n >= probes {
		s.flush()
	}
	s.hashes[s.n], s.owners[s.n] = h, s.line
	s.n++
}

// mark says that the line is worth decoding.
func (s *Scanner) mark() { s.marks[s.line>>6] |= 1 << (s.line & 63) }

// fetch has the processor fetch what flush will read for the hashes that came since it was called last, if they are worth a call, while the next lines are looked at.
func (s *Scanner) fetch() {
	if n := s.n - s.asked; n >= 16 && !s.portable {
		prefetch(&s.table.bloom[0], len(s.table.bloom), &s.hashes[s.asked], n)
		s.asked = s.n
	}
}

// flush asks the set for all hashes that were collected. The words of the Bloom filter are read one after the other, with as little as can be between
// two of them and without waiting for what was in them, so that the processor fetches many at once.
func (s *Scanner) flush() {
	hashes, n := s.hashes[:s.n], 0
	words, found := s.bloomed[:len(hashes)], s.found[:len(hashes)]
	bloom := s.table.bloom
	for i, h := range hashes {
		words[i] = atomic.LoadUint64(&bloom[place(h, len(bloom))])
	}
	for i, h := range hashes {
		found[n] = uint32(i)
		hit := 0
		if bloomBits(h)&^words[i] == 0 {
			hit = 1
		}
		n += hit
	}
	for _, i := range found[:n] {
		if s.table.holds(hashes[i]) {
			line := s.owners[i]
			s.marks[line>>6] |= 1 << (line & 63)
		}
	}
	s.n, s.asked = 0, 0
}

// now tells whether a hash is in the set, without waiting for others.
func (s *Scanner) now(h uint64) bool { return s.table.has(h) }

// host looks at a name or an address in b[i:e], which is not empty, and keeps it as the host of the line.
func (s *Scanner) host(b []byte, i, e int) {
	if b[e-1] == '.' {
		if e--; e == i {
			return
		}
	}
	if e-i > 4*observable.MaxText {
		if s.percents {
			s.mark()
		}
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
	var odd, escape uint64
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
		p := w ^ percents
		escape |= (p - ones) &^ p & highs
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
			if escape != 0 && s.percents {
				s.mark() // as the host of a URL it is a name without the escape
			}
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
