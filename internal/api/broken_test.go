package api

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http/httptrace"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"entente/internal/node"
)

// dying is a server that takes a connection, reads so many bytes of what it is sent, says something and goes away.
func dying(t *testing.T, read int, says string) *Client {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.ReadFull(c, make([]byte, read))
			_, _ = io.WriteString(c, says)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close() })
	c := Dialed(func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	})
	t.Cleanup(c.Close)
	return c
}

// failing is a file that cannot be read to its end.
type failing struct{ left int }

var errDisk = errors.New("input/output error")

func (f *failing) Read(p []byte) (int, error) {
	if f.left == 0 {
		return 0, errDisk
	}
	n := min(len(p), f.left)
	f.left -= n
	return n, nil
}

// TestTheNodeGoesAway: whatever a node was doing when it ended, it is told as that, and apart from what the caller did to
// end it and from a file of the caller's that cannot be read.
func TestTheNodeGoesAway(t *testing.T) {
	const begun = "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
	for name, c := range map[string]*Client{
		"at once": dying(t, 0, ""), "within the head": dying(t, 20, ""), "within the upload": dying(t, 100_000, ""),
		"within the answer": dying(t, 20, begun), "within a line of it": dying(t, 20, begun+"8\r\n{\"progre\r\n"),
		"nobody is there": Dialed(func(context.Context) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Net: "unix", Err: errors.New("connection refused")}
		}),
	} {
		t.Run(name, func(t *testing.T) {
			var lost *BrokenError
			if err := c.Long(t.Context(), "exhibit.content", nil, strings.NewReader(strings.Repeat("x", 10<<20)), func(node.Progress) {}, new(greeted)); !errors.As(err, &lost) || lost.Op != "exhibit.content" {
				t.Errorf("an upload: %v", err)
			}
			if name == "within the upload" {
				return // nothing else sends as much
			}
			if err := c.Long(t.Context(), "exhibit.verify", nil, nil, nil, new(greeted)); !errors.As(err, &lost) || lost.Op != "exhibit.verify" {
				t.Errorf("long work: %v", err)
			}
			if err := c.Call(t.Context(), "status", nil, new(greeted)); !errors.As(err, &lost) {
				t.Errorf("a call: %v", err)
			}
			if err := c.Download(t.Context(), "backup", nil, io.Discard, nil); !errors.As(err, &lost) {
				t.Errorf("a download: %v", err)
			}
			ended, cancel := context.WithCancel(t.Context())
			cancel()
			if err := c.Call(ended, "status", nil, nil); errors.As(err, &lost) {
				t.Errorf("the caller ended it: %v", err)
			}
		})
	}
	each(t, func(t *testing.T, c *Client) {
		var lost *BrokenError
		err := c.Long(t.Context(), "count", greeting{Count: 1}, &failing{left: 1 << 20}, nil, new(greeted))
		if errors.As(err, &lost) {
			t.Errorf("the caller's file cannot be read, and that is told as %v", err)
		}
	})
}

// noticed is a connection that says when it was closed.
type noticed struct {
	net.Conn
	once   sync.Once
	closed chan struct{}
}

func (c *noticed) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// TestTheNodeHangsUp: a node that is gone before anything was written to it is told like one that went away later.
func TestTheNodeHangsUp(t *testing.T) {
	here, there := net.Pipe()
	if err := there.Close(); err != nil {
		t.Fatal(err)
	}
	conn := &noticed{Conn: here, closed: make(chan struct{})}
	c := Dialed(func(context.Context) (net.Conn, error) { return conn, nil })
	t.Cleanup(c.Close)
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { <-conn.closed }})
	var lost *BrokenError
	if err := c.Long(ctx, "exhibit.verify", nil, nil, nil, new(greeted)); !errors.As(err, &lost) || lost.Op != "exhibit.verify" {
		t.Errorf("%v", err)
	}
}
