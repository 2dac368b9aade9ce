package watch

import (
	"bytes"
	"math/bits"
)

// MaxLine is the longest line that is looked at, in bytes. A longer one is counted and passed over; the lines around it
// are not touched by it.
const MaxLine = 16 << 20

// Stats counts what a scanner saw.
type Stats struct {
	Lines      int64 // lines, without those that were too long
	Bytes      int64 // with the ends of lines
	Candidates int64 // lines handed over
	TooLong    int64 // lines longer than [MaxLine], not looked at
	Broken     int64 // lines in a JSON stream that do not begin and end like an object: cut off, or of something else
}

// Scanner finds, in a stream of lines, those that may hold what a set looks for. Each worker has its own.
type Scanner struct {
	set     func() *Set
	keys    *Keys
	objects bool   // without keys: lines in JSON are looked at token by token, too
	carry   []byte // a line that has begun
	skip    bool   // the line that has begun is too long
	at      int64  // where the next byte stands in the stream
	stats   Stats

	// What is looked for in the block at hand.
	view  *Set
	hash  hasher
	table *table

	// The lines of the block at hand, and which are worth decoding.
	starts []uint32
	marks  []uint64
	line   uint32

	// The hashes that wait to be looked for, and the lines that they stand in.
	hashes  []uint64
	owners  []uint32
	bloomed []uint64 // of the Bloom filter
	found   []uint32
	n       int
	asked   int // of the hashes: those whose words of the Bloom filter are on their way

	// What a line has said so far: the ends of its keys, and the hosts and paths that may make a URL.
	masks     []uint64
	ends      []uint32
	portable  bool   // without vector instructions
	sieve     *sieve // nil: masks and ends are made without it
	hosts     []uint64
	paths     []uint64
	oddPath   bool
	keepHosts bool
	numbers   bool // the set has what only LookNumber finds
	percents  bool // what is looked at as a host becomes that of a URL, for which escapes with percent signs are undone
	// name is told of each name with a dot in it and its hash, and says whether the line is worth decoding for it; nil: nobody asks.
	name func(h uint64, name []byte) bool

	text   []byte // a text without its escapes
	padded []byte // a line with room around it
}

const (
	probes      = 1024 // how many hashes are looked for together, and one host more at most
	linesAtOnce = 1 << 16
)

// NewScanner gives a scanner that asks set for the set at every block: [Live.Load], or a function that gives always the
// same. keys says which values of JSON lines are worth a look. Without keys the lines are taken for text, such as columns:
// whatever stands between other characters than letters, digits, hyphens, underscores and dots is looked at, and JSON
// lines are all handed over, as are those that begin with #.
func NewScanner(set func() *Set, keys *Keys) *Scanner {
	s := &Scanner{set: set, keys: keys, hashes: make([]uint64, probes+plainBytes), owners: make([]uint32, probes+plainBytes), bloomed: make([]uint64, probes+plainBytes), found: make([]uint32, probes+plainBytes+1),
		ends: make([]uint32, 0, 256)}
	switch {
	case !vectors:
		s.portable = true
	case keys != nil:
		s.sieve = &sieve{at: -1}
	}
	return s
}

// NewTokenScanner gives a scanner that looks at every token of lines in JSON whose keys are not known. Lines with a backslash are handed over.
func NewTokenScanner(set func() *Set) *Scanner {
	s := NewScanner(set, nil)
	s.objects = true
	return s
}

// Names has f told of each name with a dot in it that is looked at, such as those asked for, of hosts, and in certificates: with its hash, the same for
// the same name in whatever case, and as it stands in the line. If f says so the line is handed over. A name may come that is none.
func (s *Scanner) Names(f func(h uint64, name []byte) bool) { s.name = f }

// Reset begins another stream, whose first byte stands at a position; what has begun of a line is dropped. The counters go on.
func (s *Scanner) Reset(at int64) { s.carry, s.skip, s.at = s.carry[:0], false, at }

// Stats gives the counters.
func (s *Scanner) Stats() Stats { return s.stats }

// Scan takes the next bytes of the stream, best 256 KiB at once, and hands over each line that may hold something, without
// its end, and where it begins in the stream. The line is good until emit returns. What is left at the end of p is
// kept for the next call.
func (s *Scanner) Scan(p []byte, emit func(line []byte, at int64)) {
	if len(s.carry) > 0 || s.skip {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			s.keep(p)
			return
		}
		s.keep(p[:i+1])
		if s.skip {
			s.skip = false
		} else {
			block := s.carry
			s.carry = nil // emit may call Reset
			s.block(block, s.at-int64(len(block)), emit)
			s.carry = block[:0]
		}
		p = p[i+1:]
	}
	end := bytes.LastIndexByte(p, '\n') + 1
	if end > 0 {
		at := s.at
		s.at += int64(end)
		s.stats.Bytes += int64(end)
		s.block(p[:end], at, emit)
	}
	s.keep(p[end:])
}

// End says that the stream is over: a last line without an end is a line, too.
func (s *Scanner) End(emit func(line []byte, at int64)) {
	if len(s.carry) > 0 {
		block := append(s.carry, '\n')
		s.carry = nil
		s.block(block, s.at-int64(len(block)-1), emit)
		s.carry = block[:0]
	}
	s.skip = false
}

// keep adds to the line that has begun.
func (s *Scanner) keep(p []byte) {
	s.at += int64(len(p))
	s.stats.Bytes += int64(len(p))
	switch {
	case s.skip || len(p) == 0:
	case len(s.carry)+len(p) > MaxLine:
		s.skip, s.carry = true, nil
		s.stats.TooLong++
	default:
		s.carry = append(s.carry, p...)
	}
}

// block looks at whole lines.
func (s *Scanner) block(p []byte, at int64, emit func(line []byte, at int64)) {
	s.view = s.set()
	s.hash, s.table = s.view.hash, s.view.table
	s.percents = s.keys != nil && s.keys.paths
	s.numbers = s.wants(kindSerial) || s.wants(kindMAC) || s.wants(kindASN)
	for len(p) > 0 {
		n := s.lines(p)
		s.flush()
		for i, m := range s.marks {
			for ; m != 0; m &= m - 1 {
				start := s.starts[i<<6+bits.TrailingZeros64(m)]
				end := bytes.IndexByte(p[start:n], '\n') + int(start)
				s.stats.Candidates++
				emit(trimReturn(p[start:end]), at+int64(start))
			}
		}
		p, at = p[n:], at+int64(n)
	}
	s.view, s.table = nil, nil
}

func trimReturn(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		return line[:n-1]
	}
	return line
}

// lines looks at the lines of p, at most linesAtOnce, and gives how many bytes they take.
func (s *Scanner) lines(p []byte) int {
	s.starts, s.marks = s.starts[:0], s.marks[:0]
	slant := -1 // the next backslash; -1 if not known
	pos := 0
	if s.sieve != nil {
		s.sieve.at = -1
	}
	for pos < len(p) && len(s.starts) < linesAtOnce {
		start := pos
		var end int
		var ends []uint64
		sifted := false
		if s.sieve != nil {
			end, ends, sifted = s.sieve.next(s.keys, p, start)
		}
		if !sifted {
			end = start + bytes.IndexByte(p[start:], '\n')
		}
		pos = end + 1
		if end > start && p[end-1] == '\r' {
			end--
		}
		if end-start > MaxLine {
			s.stats.TooLong++
			continue
		}
		s.stats.Lines++
		if end == start {
			continue
		}
		s.line = uint32(len(s.starts))
		if s.line&63 == 0 {
			s.marks = append(s.marks, 0)
		}
		s.starts = append(s.starts, uint32(start))
		for start < end && (p[start] == ' ' || p[start] == '\t') {
			start++
		}
		for end > start && (p[end-1] == ' ' || p[end-1] == '\t') {
			end--
		}
		if start == end {
			continue
		}
		object := p[start] == '{' && p[end-1] == '}'
		switch {
		case s.keys == nil && (p[start] == '{' && !s.objects || s.view.unmarked):
			s.mark()
			continue
		case s.keys != nil && !object:
			s.stats.Broken++
			s.mark()
			continue
		}
		b := p
		escapes := false
		switch {
		case s.keys == nil:
		case sifted:
			escapes = s.sieve.slanted(start, end)
		case s.sieve != nil:
			escapes = bytes.IndexByte(p[start:end], '\\') >= 0
		default:
			if slant < start {
				if slant = bytes.IndexByte(p[start:], '\\'); slant < 0 {
					slant = len(p)
				} else {
					slant += start
				}
			}
			escapes = slant < end
		}
		if start < padBefore || end+keyPad > len(p) {
			sifted = false
			b = append(append(append(s.padded[:0], make([]byte, padBefore)...), p[start:end]...), make([]byte, keyPad)...)
			s.padded = b
			start, end = padBefore, padBefore+end-start
		}
		if s.keys == nil {
			s.plain(b, start, end)
			s.fetch()
			continue
		}
		s.keepHosts = s.keys.paths
		if sifted {
			s.members(b, start, end, escapes, ends)
		} else {
			s.json(b, start, end, escapes, s.keyEnds(b, start, end, escapes))
		}
		s.fetch()
	}
	return pos
}
