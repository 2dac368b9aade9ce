package peer

import (
	"io"
	"net"
	"net/netip"
	"testing"
	"time"
)

func TestOneHostHasItsShareOfConnections(t *testing.T) {
	a, b := twoEnds(t)
	b.listen(t, b.party, Limits{Connections: 16}, nil)
	var conns []net.Conn
	for range 8 { // a stranger who says nothing
		c, err := net.Dial("tcp", b.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		conns = append(conns, c)
	}
	closed := 0
	for _, c := range conns {
		_ = c.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
		if _, err := c.Read(make([]byte, 1)); err == io.EOF || err != nil && !isTimeout(err) {
			closed++
		}
	}
	if closed != 4 {
		t.Errorf("%d of 8 were closed, want all beyond a quarter of 16", closed)
	}
	for _, c := range conns {
		c.Close()
	}
	// Once they are gone there is room again.
	c := a.client(t, a.party, Limits{})
	var err error
	for range 50 {
		if _, err = c.Sync(t.Context(), b.target(), nil); err == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err != nil {
		t.Error(err)
	}
}

func isTimeout(err error) bool {
	ne, ok := err.(net.Error)
	return ok && ne.Timeout()
}

func TestHostOf(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.7:99": "192.0.2.7/32", "[::ffff:192.0.2.7]:99": "192.0.2.7/32", "[2001:db8:0:1::7]:99": "2001:db8:0:1::/64",
		"[fe80::1%eth0]:1": "fe80::/64",
	} {
		if got := hostOf(net.TCPAddrFromAddrPort(netip.MustParseAddrPort(in))); got != netip.MustParsePrefix(want) {
			t.Errorf("%s counts as %s, want %s", in, got, want)
		}
	}
	if hostOf(&net.UnixAddr{Name: "x"}).IsValid() {
		t.Error("a socket has a host")
	}
}
