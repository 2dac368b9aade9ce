package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
)

// BrokenError says that the connection to the node broke, or that none could be made: whoever answered there has ended, or
// was ended. What was asked for may have been done or not.
type BrokenError struct {
	Op  string // that was asked for
	Err error
}

func (e *BrokenError) Error() string {
	return fmt.Sprintf("the connection to the node broke during %s: %v", e.Op, e.Err)
}

func (e *BrokenError) Unwrap() error { return e.Err }

// broken says what an error on the way to the node means. What was read of an upload is not the node's fault, nor is the
// end of the caller's patience.
func broken(ctx context.Context, op string, body *uploaded, err error) error {
	var lost *net.OpError
	switch {
	case err == nil || ctx.Err() != nil:
		return err
	case body.failure() != nil:
		return fmt.Errorf("reading what %s is given: %w", op, body.failure())
	case errors.As(err, &lost), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNRESET), errors.Is(err, net.ErrClosed), hungUp(err):
		return &BrokenError{op, err}
	}
	return err
}

// hungUp tells a request that was to be written just when the node hung up. net/http does not give that error a name, and sends a request again by itself only if
// it changes nothing.
func hungUp(err error) bool {
	return strings.HasSuffix(err.Error(), "http: server closed idle connection")
}

// uploaded remembers how reading an upload failed. It is read beside the answer.
type uploaded struct {
	io.Reader
	mu     sync.Mutex
	failed error
}

func (u *uploaded) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		u.mu.Lock()
		u.failed = err
		u.mu.Unlock()
	}
	return n, err
}

// failure is nil where nothing was uploaded, too.
func (u *uploaded) failure() error {
	if u == nil {
		return nil
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.failed
}
