package input

import (
	"context"
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

const (
	// maxConnections is the number of senders over TCP, or over one socket, at once.
	maxConnections = 256
	// minSilence is how long a connection has been silent at least that gives its place to another.
	minSilence = time.Minute
	// maxBegin is how long a sender of dnstap or TLS may take to begin, and to take an answer.
	maxBegin = 30 * time.Second
	// maxFrameWait is how long a frame of dnstap, or a message of syslog, that has begun may take.
	maxFrameWait = 30 * time.Second
	// acceptAgain is the wait before the next try where the system had nothing left for a connection.
	acceptAgain = 100 * time.Millisecond
	// keepIdle, keepEvery and maxProbes are how a peer over TCP that is gone is found: what it is asked after so long a silence, how often, and how
	// often in vain before the connection ends.
	keepIdle  = time.Minute
	keepEvery = 15 * time.Second
	maxProbes = 4
)

// listenTCP opens a listener whose connections end when the peer is gone.
func listenTCP(ctx context.Context, address string) (net.Listener, error) {
	lc := net.ListenConfig{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: keepIdle, Interval: keepEvery, Count: maxProbes}}
	return lc.Listen(ctx, "tcp", address)
}

// passing tells whether what kept a connection from being taken goes away by itself: others have all descriptors, or the memory.
func passing(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ENOBUFS) || errors.Is(err, syscall.ENOMEM)
}

// accept takes connections until the context ends, and returns when those that it took have ended, too. Each is read by one, in a goroutine of its own, and
// closed behind it. Where all places are taken, the connection that was silent longest gives way; where none was silent long enough the new one is closed, and
// full is told.
func accept(ctx context.Context, l net.Listener, one func(*seat), full func()) error {
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	var r room
	for {
		c, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			if !passing(err) {
				return err
			}
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(acceptAgain):
			}
			continue
		}
		s := &seat{Conn: c}
		gone, ok := r.take(s)
		if gone != nil {
			wg.Go(func() { _ = gone.Close() }) // TLS says goodbye, and a peer may not listen
		}
		if !ok {
			full()
			_ = c.Close()
			continue
		}
		wg.Go(func() {
			defer r.leave(s)
			stop := context.AfterFunc(ctx, func() { _ = s.Close() })
			defer stop()
			defer s.Close()
			one(s)
		})
	}
}

// room is the places for connections.
type room struct {
	mu    sync.Mutex
	seats map[*seat]struct{}
}

// take gives a connection a place, if there is one. Where it is that of another, that one is to be closed.
func (r *room) take(s *seat) (gone *seat, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.seats) >= maxConnections {
		longest := minSilence
		for x := range r.seats {
			if silence := x.silence(); silence >= longest {
				gone, longest = x, silence
			}
		}
		if gone == nil || !gone.giveWay(minSilence) {
			return nil, false
		}
		delete(r.seats, gone)
	}
	if r.seats == nil {
		r.seats = map[*seat]struct{}{}
	}
	r.seats[s] = struct{}{}
	return gone, true
}

func (r *room) leave(s *seat) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.seats, s)
}

// seat is a connection that has a place. Its reader says where it is: between two messages, where it may wait as long as the sender has nothing to say, or
// within one, where what is missing has to come. A new one is between two messages.
type seat struct {
	net.Conn

	mu     sync.Mutex
	within time.Duration // what is left of the message may take so long; 0: it is between two
	until  time.Time     // it has to be there; zero: nothing of it was waited for yet
	silent time.Time     // since when it waits between two messages; zero: it does not
	gone   bool          // it gave way
}

// errGaveWay is why a connection ended that was silent.
var errGaveWay = errors.New("it was silent, and gave its place to another connection")

// rests tells that all of a message was read, and nothing of the next one.
func (s *seat) rests() { s.goesOn(0) }

// begins tells that a message has begun. Waiting for the rest of it takes no longer than that in all.
func (s *seat) begins(within time.Duration) { s.goesOn(within) }

func (s *seat) goesOn(within time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.within, s.until, s.silent = within, time.Time{}, time.Time{}
}

// Read implements [io.Reader].
func (s *seat) Read(p []byte) (int, error) {
	s.mu.Lock()
	now := time.Now()
	switch {
	case s.within == 0 && s.silent.IsZero():
		s.silent = now
	case s.within > 0 && s.until.IsZero():
		s.until = now.Add(s.within)
	}
	err := s.SetReadDeadline(s.until)
	s.mu.Unlock()
	if err != nil {
		return 0, err
	}
	n, err := s.Conn.Read(p)
	if n > 0 {
		s.mu.Lock()
		s.silent = time.Time{}
		s.mu.Unlock()
	}
	return n, err
}

// silence tells how long it has waited between two messages.
func (s *seat) silence() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.silent.IsZero() {
		return 0
	}
	return time.Since(s.silent)
}

// giveWay takes its place if it still is silent.
func (s *seat) giveWay(atLeast time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = !s.silent.IsZero() && time.Since(s.silent) >= atLeast
	return s.gone
}

// why is the reason for which it ended: what reading it failed with, or that it gave way.
func (s *seat) why(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return errGaveWay
	}
	return err
}
