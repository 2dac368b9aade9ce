package queue

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// errClear is what is said instead of sending a password.
var errClear = errors.New("a password would go in the clear to another machine")

// dialHere connects with this machine alone: what was entered in the clear goes nowhere else, whatever other hosts the queue names.
func dialHere() *net.Dialer {
	return &net.Dialer{Timeout: connectWait, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		if !at.Addr().Unmap().IsLoopback() {
			return fmt.Errorf("%w (%s)", errClear, at)
		}
		return nil
	}}
}

// reach knows which brokers cannot be reached: the client tries again and says nothing.
type reach struct {
	mu   sync.Mutex
	down map[int32]bool
	err  error // that was not told
}

// OnBrokerConnect is called by the client.
func (r *reach) OnBrokerConnect(broker kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err == nil:
		delete(r.down, broker.NodeID)
	case !r.down[broker.NodeID] && len(r.down) < maxHosts:
		if r.down == nil {
			r.down = map[int32]bool{}
		}
		r.down[broker.NodeID] = true
		r.err = fmt.Errorf("the broker %s:%d cannot be reached: %w", broker.Host, broker.Port, err)
	}
}

// failed tells of a broker that could not be reached since it was asked last: once, until it is reached again.
func (r *reach) failed() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.err
	r.err = nil
	return err
}

// why is the reason for a failure: that of a broker which cannot be reached, if there is one that was not told.
func (r *reach) why(err error) error {
	if down := r.failed(); down != nil {
		return down
	}
	return err
}
