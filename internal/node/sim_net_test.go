package node

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// simNet is the network of the simulated machines. What happens to a connection is
// decided when it is opened, by faults.
type simNet struct {
	mu        sync.Mutex
	listeners map[string]*simListener
	open      map[*simConn]bool
	faults    func(from *machine, address string) lineFault // nil: none
	wire      *wiretap
}

// lineFault is what happens to one connection.
type lineFault struct {
	refuse    bool
	blackhole bool          // nothing ever answers
	latency   time.Duration // each way
	cutUp     int           // bytes from the dialling side until the line is cut; 0: never
	cutDown   int           // bytes towards the dialling side
	silent    bool          // a cut line stays open and carries nothing more
}

func newSimNet() *simNet {
	return &simNet{listeners: map[string]*simListener{}, open: map[*simConn]bool{}, wire: newWire()}
}

// meet says what happens to lines that are opened from now on.
func (n *simNet) meet(faults func(from *machine, address string) lineFault) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.faults = faults
}

// dialer is how one machine opens connections.
func (n *simNet) dialer(m *machine) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, _, address string) (net.Conn, error) {
		var f lineFault
		n.mu.Lock()
		l, plan := n.listeners[address], n.faults
		n.mu.Unlock()
		if plan != nil {
			f = plan(m, address)
		}
		if f.blackhole {
			t := time.NewTimer(10 * time.Second)
			defer t.Stop()
			select {
			case <-ctx.Done():
			case <-t.C:
			}
			return nil, os.ErrDeadlineExceeded
		}
		if m.dead.Load() || l == nil || l.m.dead.Load() || f.refuse {
			return nil, syscall.ECONNREFUSED
		}
		up, down := newStream(f.latency, f.cutUp), newStream(f.latency, f.cutDown)
		broken := func() {
			if !f.silent {
				up.fail(syscall.ECONNRESET)
				down.fail(syscall.ECONNRESET)
			}
		}
		up.onCut, down.onCut = broken, broken
		up.tap, down.tap = n.wire.open(m, l.m)
		here := &simConn{net: n, m: m, in: down, out: up, local: m.addr, remote: address}
		there := &simConn{net: n, m: l.m, in: up, out: down, local: address, remote: m.addr}
		select {
		case l.queue <- there:
		case <-l.done:
			return nil, syscall.ECONNREFUSED
		}
		n.mu.Lock()
		n.open[here], n.open[there] = true, true
		n.mu.Unlock()
		return here, nil
	}
}

// listen is where a machine is reached.
func (n *simNet) listen(m *machine) *simListener {
	l := &simListener{net: n, m: m, queue: make(chan net.Conn, 64), done: make(chan struct{})}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.listeners[m.addr] = l
	return l
}

// cutOff breaks all lines of a machine. The other ends notice at once, or never.
func (n *simNet) cutOff(m *machine, silent bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.open {
		if c.m != m {
			continue
		}
		delete(n.open, c)
		c.in.fail(syscall.ECONNRESET)
		if silent {
			c.out.mute()
		} else {
			c.out.fail(syscall.ECONNRESET)
		}
	}
}

// cutAll breaks every line.
func (n *simNet) cutAll() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.open {
		c.in.fail(syscall.ECONNRESET)
		c.out.fail(syscall.ECONNRESET)
	}
	clear(n.open)
}

type simListener struct {
	net   *simNet
	m     *machine
	queue chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func (l *simListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *simListener) Close() error {
	l.once.Do(func() {
		close(l.done)
		l.net.mu.Lock()
		defer l.net.mu.Unlock()
		if l.net.listeners[l.m.addr] == l {
			delete(l.net.listeners, l.m.addr)
		}
	})
	return nil
}

func (l *simListener) Addr() net.Addr { return simAddr(l.m.addr) }

type simAddr string

func (simAddr) Network() string  { return "tcp" }
func (a simAddr) String() string { return string(a) }

// simConn is one end of a line.
type simConn struct {
	net           *simNet
	m             *machine
	in, out       *stream
	local, remote string
}

func (c *simConn) Read(p []byte) (int, error)  { return c.in.read(p) }
func (c *simConn) Write(p []byte) (int, error) { return c.out.write(p) }
func (c *simConn) LocalAddr() net.Addr         { return simAddr(c.local) }
func (c *simConn) RemoteAddr() net.Addr        { return simAddr(c.remote) }

func (c *simConn) Close() error {
	c.net.mu.Lock()
	delete(c.net.open, c)
	c.net.mu.Unlock()
	c.in.fail(net.ErrClosed)
	c.out.end()
	return nil
}

func (c *simConn) SetDeadline(t time.Time) error {
	c.in.setDeadline(t)
	return nil
}
func (c *simConn) SetReadDeadline(t time.Time) error  { c.in.setDeadline(t); return nil }
func (c *simConn) SetWriteDeadline(t time.Time) error { return nil } // writing never waits

// stream carries bytes one way. Writing never waits; reading waits for the latency,
// and for the deadline of its reader.
type stream struct {
	latency time.Duration
	onCut   func()
	tap     *tap // is told of everything that is written

	mu       sync.Mutex
	chunks   []chunk
	ended    bool // the writer has closed
	muted    bool // what is written is lost
	err      error
	budget   int // bytes until the cut; -1: none
	deadline time.Time
	changed  chan struct{}
}

type chunk struct {
	at   time.Time
	data []byte
}

func newStream(latency time.Duration, cut int) *stream {
	s := &stream{latency: latency, budget: -1, changed: make(chan struct{})}
	if cut > 0 {
		s.budget = cut
	}
	return s
}

// tell wakes the reader. The lock must be held.
func (s *stream) tell() {
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *stream) write(p []byte) (int, error) {
	s.mu.Lock()
	if s.err != nil || s.ended {
		err := s.err
		s.mu.Unlock()
		return 0, errors.Join(err, io.ErrClosedPipe)
	}
	s.tap.note(p)
	keep, cut := p, false
	if s.budget >= 0 {
		if len(p) >= s.budget {
			keep, cut = p[:s.budget], true
		}
		s.budget -= len(keep)
	}
	if len(keep) > 0 && !s.muted {
		s.chunks = append(s.chunks, chunk{time.Now().Add(s.latency), append([]byte{}, keep...)})
		s.tell()
	}
	if cut {
		s.muted, s.budget = true, -1
	}
	s.mu.Unlock()
	if cut {
		s.onCut()
	}
	return len(p), nil
}

func (s *stream) read(p []byte) (int, error) {
	for {
		s.mu.Lock()
		now := time.Now()
		wait := time.Duration(-1)
		switch {
		case s.err != nil:
			defer s.mu.Unlock()
			return 0, s.err
		case len(s.chunks) > 0 && !s.chunks[0].at.After(now):
			defer s.mu.Unlock()
			n := copy(p, s.chunks[0].data)
			if s.chunks[0].data = s.chunks[0].data[n:]; len(s.chunks[0].data) == 0 {
				s.chunks = s.chunks[1:]
			}
			return n, nil
		case len(s.chunks) == 0 && s.ended && !s.muted:
			defer s.mu.Unlock()
			return 0, io.EOF
		case !s.deadline.IsZero() && !s.deadline.After(now):
			defer s.mu.Unlock()
			return 0, os.ErrDeadlineExceeded
		}
		if len(s.chunks) > 0 {
			wait = s.chunks[0].at.Sub(now)
		}
		if !s.deadline.IsZero() {
			if d := s.deadline.Sub(now); wait < 0 || d < wait {
				wait = d
			}
		}
		changed := s.changed
		s.mu.Unlock()
		if wait < 0 {
			<-changed
			continue
		}
		t := time.NewTimer(wait)
		select {
		case <-changed:
		case <-t.C:
		}
		t.Stop()
	}
}

func (s *stream) setDeadline(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deadline = t
	s.tell()
}

func (s *stream) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
		s.tell()
	}
}

func (s *stream) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	s.tell()
}

func (s *stream) mute() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.muted = true
}
