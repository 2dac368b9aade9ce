package watch

import "bytes"

// plainBytes is how many bytes hostAVX2 looks at, and how many hashes it gives at most.
const plainBytes = 64

// plainHost is str for a host in its most common form: shorter than plainBytes, of ASCII, without escapes, a port and such. Of any other it gives -1.
func (s *Scanner) plainHost(b []byte, i, end int) int {
	if s.n >= probes {
		s.flush()
	}
	_ = b[i-padBefore : i+plainBytes]
	hashes, owners := s.hashes[s.n:s.n+plainBytes], s.owners[s.n:s.n+plainBytes]
	n, count, number := hostAVX2(&s.hash, &b[i], &s.view.prefixes.starts, &hashes[0])
	e := i + n
	if n < 0 || e >= end {
		return -1
	}
	owners[0], owners[1], owners[2], owners[3] = s.line, s.line, s.line, s.line // most have no more
	for k := 4; k < count; k++ {
		owners[k] = s.line
	}
	s.n += count
	if s.keepHosts && count > 0 {
		s.hosts = append(s.hosts, hashes[0])
	}
	if number || s.name != nil && n > 0 {
		last := e
		if b[e-1] == '.' {
			last--
		}
		if number {
			s.around(b, i, last)
		} else if bytes.IndexByte(b[i:last], '.') >= 0 && s.name(hashes[0], b[i:last]) {
			s.mark()
		}
	}
	return e + 1
}
