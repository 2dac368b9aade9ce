package input

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"entente/internal/watch/dnstap"
)

const (
	// maxBegin is how long a sender of dnstap may take to begin, and to take an answer.
	maxBegin = 30 * time.Second
	// maxFrameWait is how long a frame of dnstap that has begun may take.
	maxFrameWait = 30 * time.Second
	// tellEvery is how often at most a listener tells of connections that broke off.
	tellEvery = time.Minute
	// socketMode lets the owner and the group of a socket send to it.
	socketMode = 0o660
)

// Taps takes dnstap as DNS servers send it: Frame Streams over a unix socket, TCP or TLS.
type Taps struct {
	// Out is where lines go.
	Out chan<- Message
	// TLS is for the network tls.
	TLS *tls.Config
	// Tell is told why connections broke off, of one in a minute.
	Tell func(error)

	open, broken atomic.Int64
	mu           sync.Mutex
	told         time.Time
}

// TapStats are counts of connections.
type TapStats struct {
	Open   int64 // at this moment
	Broken int64 // that broke off, were none of dnstap, or found no place
}

// Stats gives the counts. It may be called at any time; nil: all are 0.
func (t *Taps) Stats() TapStats {
	if t == nil {
		return TapStats{}
	}
	return TapStats{t.open.Load(), t.broken.Load()}
}

// Listen takes connections until the context ends. network is unix (address is the path of a socket, which it makes, with access for its owner and
// group), tcp or tls. A sender that waits for an answer, when it begins and when it ends, has it; the last one once its lines were read. Ready is told the address.
func (t *Taps) Listen(ctx context.Context, network, address string, ready func(net.Addr)) error {
	l, err := tapListener(ctx, network, address)
	if err != nil {
		return fmt.Errorf("dnstap: %w", err)
	}
	if network == "tls" {
		config := t.TLS.Clone()
		config.SessionTicketsDisabled = true // Unbound 1.17 now and then trips over what comes behind the handshake and is not Frame Streams
		l = tls.NewListener(l, config)
	}
	ready(l.Addr())
	err = accept(ctx, l, func(c net.Conn) {
		t.open.Add(1)
		defer t.open.Add(-1)
		from := sender("dnstap", c.RemoteAddr())
		if network == "unix" {
			from = "dnstap " + address
		}
		if err := t.read(ctx, c, from); err != nil && ctx.Err() == nil {
			t.breaks(fmt.Errorf("%s: %w", from, err))
		}
	}, func() { t.breaks(fmt.Errorf("more than %d connections", maxConnections)) })
	if err != nil {
		return fmt.Errorf("dnstap: %w", err)
	}
	return nil
}

// breaks counts a connection that broke off.
func (t *Taps) breaks(err error) {
	t.broken.Add(1)
	t.mu.Lock()
	now := time.Now()
	tell := t.told.IsZero() || now.Sub(t.told) >= tellEvery
	if tell {
		t.told = now
	}
	t.mu.Unlock()
	if tell && t.Tell != nil {
		t.Tell(err)
	}
}

// tapListener opens a listener. A socket that nobody listens at any more, because who did was killed, gives way.
func tapListener(ctx context.Context, network, address string) (net.Listener, error) {
	lc := net.ListenConfig{}
	if network != "unix" {
		return lc.Listen(ctx, "tcp", address)
	}
	l, err := lc.Listen(ctx, "unix", address)
	if errors.Is(err, syscall.EADDRINUSE) && abandoned(address) {
		if err := os.Remove(address); err != nil {
			return nil, err
		}
		l, err = lc.Listen(ctx, "unix", address)
	}
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(address, socketMode); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// abandoned tells whether a path is that of a socket that nobody listens at.
func abandoned(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Type() != fs.ModeSocket {
		return false
	}
	c, err := net.DialTimeout("unix", path, time.Second)
	if err != nil {
		return errors.Is(err, syscall.ECONNREFUSED)
	}
	_ = c.Close()
	return false
}

// read reads one connection to its end.
func (t *Taps) read(ctx context.Context, c net.Conn, from string) error {
	if err := c.SetDeadline(time.Now().Add(maxBegin)); err != nil {
		return err
	}
	in := bufio.NewReaderSize(c, 64<<10)
	r, err := dnstap.Accept(in, c)
	if errors.Is(err, io.EOF) {
		return nil // who only looks whether somebody listens
	}
	if err != nil {
		return err
	}
	for {
		if err := c.SetDeadline(time.Now().Add(maxIdle)); err != nil {
			return err
		}
		if _, err := in.Peek(1); err != nil {
			for _, end := range []error{io.EOF, io.ErrUnexpectedEOF, os.ErrDeadlineExceeded, syscall.ECONNRESET, syscall.EPIPE} {
				if errors.Is(err, end) {
					return nil // between two frames
				}
			}
			return err
		}
		if err := c.SetDeadline(time.Now().Add(maxFrameWait)); err != nil {
			return err
		}
		text, err := tapLines(r)
		if len(text) > 0 || errors.Is(err, io.EOF) {
			done := make(chan struct{})
			if !hand(ctx, t.Out, Message{From: from, Text: text, Done: done}) {
				return nil
			}
			select {
			case <-done:
			case <-ctx.Done():
				return nil
			}
		}
		if errors.Is(err, io.EOF) {
			if err := c.SetDeadline(time.Now().Add(maxBegin)); err != nil {
				return err
			}
			_ = r.Finish(c) // a sender that is stopped may not wait for it
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// tapLines gives the line of the next frame, and those of the frames that are there already, up to a block. What was read comes with the error.
func tapLines(r *dnstap.Reader) ([]byte, error) {
	var text []byte
	for {
		line, err := r.Line()
		if err != nil {
			return text, err
		}
		if text = append(text, line...); len(text) >= blockSize || r.Waits() {
			return text, nil
		}
	}
}
