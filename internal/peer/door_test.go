package peer

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"testing"
)

// standIn is a connection that only has an address.
type standIn struct {
	net.Conn
	from string
	cut  bool
}

func (c *standIn) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(c.from))
}
func (c *standIn) Close() error { c.cut = true; return nil }

// TestDoor lets half-open connections push out each other, oldest first, then those
// from where partners came, then idle ones, and never what is being answered.
func TestDoor(t *testing.T) {
	d := newDoor(4)
	d.know(hostOfText("192.0.2.1:1"))
	var all []*standIn
	come := func(from string, states ...http.ConnState) *standIn {
		c := &standIn{from: from}
		all = append(all, c)
		for _, s := range append([]http.ConnState{http.StateNew}, states...) {
			d.state(c, s)
		}
		return c
	}
	cut := func() (out []int) {
		for i, c := range all {
			if c.cut {
				out = append(out, i)
				d.state(c, http.StateClosed) // as the server does
			}
		}
		return out
	}
	come("192.0.2.1:1000")                                   // 0: a partner in its handshake
	come("192.0.2.2:1000", http.StateActive)                 // 1: being answered
	come("192.0.2.3:1000", http.StateActive, http.StateIdle) // 2: idle
	for i := range 6 {
		come(fmt.Sprintf("198.51.100.%d:1000", i+1)) // 3 to 8: half-open, each from elsewhere
	}
	if got := cut(); !slices.Equal(got, []int{3, 4, 5, 6, 7}) {
		t.Errorf("half-open connections: %v were cut", got)
	}
	d.state(all[8], http.StateActive) // somebody unknown finished
	come("192.0.2.4:1")               // 9
	if got := cut(); !slices.Equal(got, []int{0, 3, 4, 5, 6, 7}) {
		t.Errorf("with no stranger waiting: %v were cut", got)
	}
	d.state(all[9], http.StateActive)
	come("192.0.2.5:1", http.StateActive) // 10
	if got := cut(); !slices.Equal(got, []int{0, 2, 3, 4, 5, 6, 7}) {
		t.Errorf("with nobody waiting: %v were cut", got)
	}
	come("192.0.2.6:1") // 11: all others are being answered
	if got := cut(); !slices.Equal(got, []int{0, 2, 3, 4, 5, 6, 7, 11}) {
		t.Errorf("when all are being answered: %v were cut", got)
	}
	for _, c := range all {
		d.state(c, http.StateClosed)
	}
	if len(d.at) != 0 || d.strange.Len()+d.waiting.Len()+d.idle.Len() != 0 {
		t.Errorf("%d places are kept of connections that are gone", len(d.at))
	}
	for i := range 2 * maxHosts {
		d.know(hostOfText(fmt.Sprintf("10.0.%d.%d:1", i/256, i%256)))
	}
	if len(d.seen) != maxHosts || d.hosts.Len() != maxHosts {
		t.Errorf("%d hosts are remembered", len(d.seen))
	}
}
