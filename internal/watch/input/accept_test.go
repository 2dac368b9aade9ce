package input

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
)

// scarce is a listener for which the system has no descriptor at first.
type scarce struct {
	net.Listener
	answers chan error
	one     net.Conn
}

func (s *scarce) Accept() (net.Conn, error) {
	err, ok := <-s.answers
	if !ok {
		return nil, net.ErrClosed
	}
	if err != nil {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", err)}
	}
	return s.one, nil
}

func (s *scarce) Close() error { return nil }

// TestListenerOutlivesScarcity: where the system has nothing left for a connection the listener waits, and takes the next one.
func TestListenerOutlivesScarcity(t *testing.T) {
	one, other := net.Pipe()
	defer other.Close()
	s := &scarce{answers: make(chan error, 4), one: one}
	s.answers <- syscall.EMFILE
	s.answers <- syscall.ENFILE
	s.answers <- nil
	close(s.answers)
	taken := 0
	err := accept(t.Context(), s, func(*seat) { taken++ }, func() { t.Error("full") })
	if taken != 1 || !errors.Is(err, net.ErrClosed) {
		t.Errorf("%d taken, %v", taken, err)
	}
}
