package peer

import (
	"io"
	"sync"
	"time"
)

// body is a request body read by the transport under a pace: what passes between
// two of its reads, it spends writing to the peer. It begins with the first Read, so
// that dialling is not charged to anybody.
type body struct {
	r      io.Reader
	pace   pace
	arm    func(time.Duration) (disarm func())
	closed chan struct{}

	mu     sync.Mutex
	disarm func()
	since  time.Time
	moved  int
	whole  bool // read to its end
	over   bool
}

func newBody(r io.Reader, p pace, arm func(time.Duration) (disarm func())) *body {
	return &body{r: r, pace: p, arm: arm, closed: make(chan struct{})}
}

// Read gives no more at a time than the peer has to take in one window.
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		return 0, io.ErrClosedPipe
	}
	if b.disarm != nil {
		b.disarm()
		b.disarm = nil
		b.pace.charge(time.Since(b.since), b.moved)
	}
	left := b.pace.left()
	if left <= 0 {
		return 0, ErrSlow
	}
	n, err := b.r.Read(p[:min(len(p), int(max(b.pace.least, 1)))])
	if err != nil {
		b.whole = err == io.EOF
		return n, err
	}
	b.disarm, b.since, b.moved = b.arm(left), time.Now(), n
	return n, nil
}

// Close is called by the transport once it is done with the body, in any case.
func (b *body) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.disarm != nil {
		b.disarm()
		b.disarm = nil
	}
	if !b.over {
		b.over = true
		close(b.closed)
	}
	return nil
}

// wait returns when the transport is done with it, and tells whether it took all.
func (b *body) wait() (whole bool) {
	<-b.closed
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.whole
}
