package input

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// tellEvery is how often at most a listener tells of connections that broke off.
const tellEvery = time.Minute

// senders counts the connections of listeners of one kind.
type senders struct {
	open, broken, cut atomic.Int64
	mu                sync.Mutex
	told              time.Time
}

// SenderStats are counts of connections.
type SenderStats struct {
	Open   int64 // at this moment
	Broken int64 // that broke off, were none of the kind, found no place or gave theirs to another
	Cut    int64 // messages of which only the beginning was read
}

func (s *senders) stats() SenderStats {
	return SenderStats{s.open.Load(), s.broken.Load(), s.cut.Load()}
}

// breaks counts a connection that broke off. tell, if not nil, is told why, of one in a minute.
func (s *senders) breaks(tell func(error), err error) {
	s.broken.Add(1)
	s.telling(tell, err)
}

// cuts counts a message of which only the beginning was read, and tells of it in the same way.
func (s *senders) cuts(tell func(error), err error) {
	s.cut.Add(1)
	s.telling(tell, err)
}

func (s *senders) telling(tell func(error), err error) {
	s.mu.Lock()
	now := time.Now()
	due := s.told.IsZero() || now.Sub(s.told) >= tellEvery
	if due {
		s.told = now
	}
	s.mu.Unlock()
	if due && tell != nil {
		tell(err)
	}
}

// isOver tells that a connection ended where it may: between two messages, in order or not.
func isOver(err error) bool {
	for _, end := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, end) {
			return true
		}
	}
	return false
}
