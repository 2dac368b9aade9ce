//go:build !linux

package peer

import (
	"net"
	"time"
)

// dialer opens connections. How long an unheard one lasts is up to the system.
func dialer() *net.Dialer { return &net.Dialer{Timeout: 10 * time.Second} }
