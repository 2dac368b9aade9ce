package peer

import (
	"net"
	"net/netip"
	"sync"
)

// hostListener closes at once what one address opens beyond its share, so that a
// stranger, who needs no key to connect, cannot take all the connections there are.
// IPv6 addresses count by their /64, which is what one host commonly has.
type hostListener struct {
	net.Listener
	share int
	mu    sync.Mutex
	open  map[netip.Prefix]int
}

func newHostListener(l net.Listener, share int) *hostListener {
	return &hostListener{Listener: l, share: max(share, 1), open: make(map[netip.Prefix]int)}
}

// Accept returns the next connection of a host within its share.
func (l *hostListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		host := hostOf(c.RemoteAddr())
		if !l.enter(host) {
			c.Close()
			continue
		}
		return &hostConn{Conn: c, leave: sync.OnceFunc(func() { l.leave(host) })}, nil
	}
}

func (l *hostListener) enter(host netip.Prefix) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[host] >= l.share {
		return false
	}
	l.open[host]++
	return true
}

func (l *hostListener) leave(host netip.Prefix) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[host]--; l.open[host] <= 0 {
		delete(l.open, host)
	}
}

// hostOf is the network that counts as one host; all addresses that are no IP
// addresses (sockets in tests) count as one.
func hostOf(a net.Addr) netip.Prefix { return hostOfText(a.String()) }

// hostOfText is hostOf for an address as text.
func hostOfText(a string) netip.Prefix {
	ap, err := netip.ParseAddrPort(a)
	if err != nil {
		return netip.Prefix{}
	}
	ip, bits := ap.Addr().Unmap(), 64
	if ip.Is4() {
		bits = 32
	}
	p, err := ip.WithZone("").Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

type hostConn struct {
	net.Conn
	leave func()
}

func (c *hostConn) Close() error {
	c.leave()
	return c.Conn.Close()
}
