package cli

import (
	"errors"
	"net"
	"syscall"
	"testing"
)

// crowded is a listener of a process that has room for so many descriptors.
type crowded struct {
	net.Listener

	free func() int
}

func (l crowded) Accept() (net.Conn, error) {
	if l.free() <= 0 {
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	c, _ := net.Pipe()
	return c, nil
}

func (crowded) Close() error { return nil }

// TestAConnectionIsKept: where there is no descriptor, one connection at a time is taken in the place of what is kept.
func TestAConnectionIsKept(t *testing.T) {
	var l *keptListener
	others := 0 // descriptors that others left free
	taken := 0
	l = keepOne(crowded{free: func() int {
		n := others - taken
		if l.kept == nil {
			n++
		}
		return n
	}})
	accept := func() net.Conn {
		t.Helper()
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		taken++
		return c
	}
	refused := func() {
		t.Helper()
		if _, err := l.Accept(); !errors.Is(err, syscall.EMFILE) {
			t.Fatalf("%v, and there was no room for another", err)
		}
	}
	end := func(c net.Conn) {
		t.Helper()
		taken--
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		first := accept()
		refused()
		end(first)
	}
	others = 2
	one, two := accept(), accept()
	three := accept()
	refused()
	end(one)
	accept()
	refused()
	end(three)
	if l.kept == nil {
		t.Error("nothing is kept after the connection in its place has ended")
	}
	end(two)
	if err := l.Close(); err != nil || l.kept != nil {
		t.Errorf("closed: %v", err)
	}
}
