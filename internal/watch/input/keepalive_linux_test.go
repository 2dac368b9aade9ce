package input

import (
	"net"
	"syscall"
	"testing"
)

// TestKeepAlive: the system asks a peer that is silent whether it is still there.
func TestKeepAlive(t *testing.T) {
	l, err := listenTCP(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	there, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []struct {
		name              string
		level, opt, wants int
	}{
		{"on", syscall.SOL_SOCKET, syscall.SO_KEEPALIVE, 1},
		{"idle", syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE, int(keepIdle.Seconds())},
		{"every", syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL, int(keepEvery.Seconds())},
		{"probes", syscall.IPPROTO_TCP, syscall.TCP_KEEPCNT, maxProbes},
	} {
		var got int
		var fault error
		err := raw.Control(func(fd uintptr) { got, fault = syscall.GetsockoptInt(int(fd), o.level, o.opt) })
		if err != nil || fault != nil || got != o.wants {
			t.Errorf("%s: %d instead of %d, %v, %v", o.name, got, o.wants, err, fault)
		}
	}
}
