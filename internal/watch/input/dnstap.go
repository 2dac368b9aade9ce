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
	"syscall"
	"time"

	"entente/internal/watch/dnstap"
)

// socketMode lets the owner and the group of a socket send to it.
const socketMode = 0o660

// Taps takes dnstap as DNS servers send it: Frame Streams over a unix socket, TCP or TLS.
type Taps struct {
	// Out is where lines go.
	Out chan<- Message
	// TLS is for the network tls.
	TLS *tls.Config
	// Tell is told why connections broke off, of one in a minute.
	Tell func(error)

	senders senders
}

// Stats gives the counts. It may be called at any time; nil: all are 0.
func (t *Taps) Stats() SenderStats {
	if t == nil {
		return SenderStats{}
	}
	return t.senders.stats()
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
	err = accept(ctx, l, func(c *seat) {
		t.senders.open.Add(1)
		defer t.senders.open.Add(-1)
		from := sender("dnstap", c.RemoteAddr())
		if network == "unix" {
			from = "dnstap " + address
		}
		if err := c.why(t.read(ctx, c, from)); err != nil && ctx.Err() == nil {
			t.senders.breaks(t.Tell, fmt.Errorf("%s: %w", from, err))
		}
	}, func() { t.senders.breaks(t.Tell, fmt.Errorf("more than %d connections", maxConnections)) })
	if err != nil {
		return fmt.Errorf("dnstap: %w", err)
	}
	return nil
}

// tapListener opens a listener. A socket that nobody listens at any more, because who did was killed, gives way.
func tapListener(ctx context.Context, network, address string) (net.Listener, error) {
	if network != "unix" {
		return listenTCP(ctx, address)
	}
	lc := net.ListenConfig{}
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
func (t *Taps) read(ctx context.Context, c *seat, from string) error {
	c.begins(maxBegin)
	if err := c.SetWriteDeadline(time.Now().Add(maxBegin)); err != nil {
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
	if err := c.SetWriteDeadline(time.Time{}); err != nil { // TLS may answer what changes keys
		return err
	}
	for {
		c.rests()
		if _, err := in.Peek(1); err != nil {
			if isOver(err) {
				return nil
			}
			return err
		}
		c.begins(maxFrameWait)
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
			if err := c.SetWriteDeadline(time.Now().Add(maxBegin)); err != nil {
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
