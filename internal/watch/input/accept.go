package input

import (
	"context"
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

const (
	// maxConnections is the number of senders over TCP, or over one socket, at once.
	maxConnections = 256
	// maxIdle is how long a connection may be silent.
	maxIdle = 15 * time.Minute
	// acceptAgain is the wait before the next try where the system had nothing left for a connection.
	acceptAgain = 100 * time.Millisecond
)

// passing tells whether what kept a connection from being taken goes away by itself: others have all descriptors, or the memory.
func passing(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ENOBUFS) || errors.Is(err, syscall.ENOMEM)
}

// accept takes connections until the context ends, and returns when those that it took have ended, too. Each is read by one, in a goroutine of its own, and
// closed behind it; full is told of one that found no place: it is closed at once, and who comes back finds one.
func accept(ctx context.Context, l net.Listener, one func(net.Conn), full func()) error {
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, maxConnections)
	for {
		c, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			if !passing(err) {
				return err
			}
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(acceptAgain):
			}
			continue
		}
		select {
		case slots <- struct{}{}:
		default:
			_ = c.Close()
			full()
			continue
		}
		wg.Go(func() {
			defer func() { <-slots }()
			stop := context.AfterFunc(ctx, func() { _ = c.Close() })
			defer stop()
			defer c.Close()
			one(c)
		})
	}
}

// patient gives each read its own time.
type patient struct{ net.Conn }

func (p *patient) Read(b []byte) (int, error) {
	_ = p.SetReadDeadline(time.Now().Add(maxIdle)) // without a deadline the connection stays open
	return p.Conn.Read(b)
}
