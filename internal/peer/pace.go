package peer

import (
	"errors"
	"io"
	"time"
)

// ErrSlow marks an exchange that was ended because the peer moved less than the
// slowest speed allowed.
var ErrSlow = errors.New("the peer is too slow: less than the least amount moved in the time allowed")

// pace measures how long a peer keeps us waiting. In every window of waiting it
// has to move a least number of bytes; our own work between reads or writes is not
// charged. So neither a byte now and then nor a full stop holds a slot for long,
// and a slow disk of ours is not the peer's fault.
type pace struct {
	window time.Duration
	least  int64
	waited time.Duration
	moved  int64
}

// left is how long the peer may still keep us waiting.
func (p *pace) left() time.Duration { return p.window - p.waited }

func (p *pace) charge(waited time.Duration, moved int) {
	p.waited += waited
	p.moved += int64(moved)
	if p.moved >= p.least {
		p.waited, p.moved = 0, 0
	}
}

// pacedReader reads under a pace. arm is told how long the coming read may take
// and returns what to call after it.
type pacedReader struct {
	r    io.Reader
	pace pace
	arm  func(time.Duration) (disarm func())
}

func (p *pacedReader) Read(b []byte) (int, error) {
	left := p.pace.left()
	if left <= 0 {
		return 0, ErrSlow
	}
	disarm := p.arm(left)
	start := time.Now()
	n, err := p.r.Read(b)
	waited := time.Since(start)
	disarm()
	p.pace.charge(waited, n)
	if err != nil && err != io.EOF && waited >= left {
		err = errors.Join(ErrSlow, err)
	}
	return n, err
}

// pacedWriter writes under a pace, in pieces no larger than the least amount, so
// that one large write cannot hide a standstill.
type pacedWriter struct {
	w    io.Writer
	pace pace
	arm  func(time.Duration) (disarm func())
}

func (p *pacedWriter) Write(b []byte) (int, error) {
	done := 0
	for done < len(b) {
		left := p.pace.left()
		if left <= 0 {
			return done, ErrSlow
		}
		piece := b[done:min(len(b), done+int(max(p.pace.least, 1)))]
		disarm := p.arm(left)
		start := time.Now()
		n, err := p.w.Write(piece)
		waited := time.Since(start)
		disarm()
		p.pace.charge(waited, n)
		done += n
		if err != nil {
			if waited >= left {
				err = errors.Join(ErrSlow, err)
			}
			return done, err
		}
	}
	return done, nil
}
