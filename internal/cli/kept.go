package cli

import (
	"errors"
	"net"
	"os"
	"sync"
	"syscall"
)

// keptListener takes a connection even where the process has no file descriptor left, because it keeps one for that: partners
// may hold the last ones for as long as they like, and whoever asks the node what ails it would wait for an answer in vain. One
// such connection is there at a time; the next is taken when it ends, or when there is a descriptor again.
type keptListener struct {
	net.Listener

	mu   sync.Mutex
	kept *os.File // nil while a connection has its place
}

// keepOne is the listener with a descriptor kept for it.
func keepOne(l net.Listener) *keptListener {
	k := &keptListener{Listener: l}
	k.keep()
	return k
}

// keep opens what is kept, if it is not there. Where that fails it is tried again with the next connection.
func (l *keptListener) keep() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.kept == nil {
		if f, err := os.Open(os.DevNull); err == nil {
			l.kept = f
		}
	}
}

// give closes what is kept, and says whether there was anything.
func (l *keptListener) give() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.kept == nil {
		return false
	}
	_ = l.kept.Close() // it was only opened
	l.kept = nil
	return true
}

// Accept implements [net.Listener].
func (l *keptListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.keep()
		return c, nil
	}
	if !errors.Is(err, syscall.EMFILE) && !errors.Is(err, syscall.ENFILE) || !l.give() {
		return nil, err
	}
	if c, err = l.Listener.Accept(); err != nil {
		l.keep()
		return nil, err
	}
	return &keptConn{Conn: c, keep: l.keep}, nil
}

// Close implements [net.Listener].
func (l *keptListener) Close() error {
	err := l.Listener.Close()
	l.give()
	return err
}

// keptConn is a connection in the place of what is kept.
type keptConn struct {
	net.Conn

	keep func()
}

// Close implements [net.Conn].
func (c *keptConn) Close() error {
	err := c.Conn.Close()
	c.keep()
	return err
}
