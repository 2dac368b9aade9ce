package misp

import (
	"fmt"
	"io"
)

// source reads from a stream and refuses to read on once more than allowed has come
// since the allowance was last renewed, so that a decoder above it cannot be made
// to hold more.
type source struct {
	r     io.Reader
	left  int
	limit int
	fail  error
}

// afterMark leaves out the byte order mark that programs of Windows put before UTF-8.
type afterMark struct {
	r     io.Reader
	begun bool
	first []byte // read to look for the mark, and none
}

func (a *afterMark) Read(p []byte) (int, error) {
	if !a.begun {
		a.begun = true
		head := make([]byte, len(byteOrderMark))
		n, err := io.ReadFull(a.r, head)
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return 0, err
		}
		if a.first = head[:n]; string(a.first) == byteOrderMark {
			a.first = nil
		}
	}
	if len(a.first) > 0 {
		n := copy(p, a.first)
		a.first = a.first[n:]
		return n, nil
	}
	return a.r.Read(p)
}

const byteOrderMark = "\xef\xbb\xbf"

// renew allows so many bytes from here on.
func (s *source) renew(limit int) { s.left, s.limit = limit+sourceSlack, limit }

// sourceSlack is what a decoder may read ahead of what it was asked for.
const sourceSlack = 64 << 10

func (s *source) Read(p []byte) (int, error) {
	if s.fail != nil {
		return 0, s.fail
	}
	if s.left <= 0 {
		s.fail = fmt.Errorf("%w: more than the %d bytes allowed", ErrTooLarge, s.limit)
		return 0, s.fail
	}
	n, err := s.r.Read(p[:min(len(p), s.left)])
	s.left -= n
	if err != nil && err != io.EOF {
		s.fail = err
	}
	return n, err
}
