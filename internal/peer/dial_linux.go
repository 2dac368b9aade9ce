package peer

import (
	"net"
	"syscall"
	"time"
)

// unheard is how long what was sent may stay unacknowledged before a connection is
// given up: one whose other end, or whose own address, is gone would otherwise be
// waited for until the bounds of a whole exchange are over.
const unheard = 20 * time.Second

// dialer opens connections that notice when nobody is there any more.
func dialer() *net.Dialer {
	return &net.Dialer{Timeout: 10 * time.Second, Control: func(_, _ string, c syscall.RawConn) error {
		const userTimeout = 18 // TCP_USER_TIMEOUT, RFC 5482; in milliseconds
		return c.Control(func(fd uintptr) {
			// A system that does not know it goes without.
			_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, userTimeout, int(unheard/time.Millisecond))
		})
	}}
}
