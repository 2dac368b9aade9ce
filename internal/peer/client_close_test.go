package peer

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// slowConn takes a moment to close, and counts.
type slowConn struct {
	net.Conn
	open *atomic.Int32
}

func (c slowConn) Close() error {
	time.Sleep(30 * time.Millisecond)
	err := c.Conn.Close()
	c.open.Add(-1)
	return err
}

// TestClientCloses: once a client is closed none of its connections runs, also not one
// that the other end has ended, which its transport closes by itself.
func TestClientCloses(t *testing.T) {
	a, b := twoEnds(t)
	b.listen(t, b.party, Limits{}, nil)
	var open atomic.Int32
	client := func() *Client {
		return NewClient(ClientParams{Self: a.id, Cert: a.cert, Backend: a.party, Now: time.Now, Log: testLog(t),
			Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := new(net.Dialer).DialContext(ctx, network, address)
				if err != nil {
					return nil, err
				}
				open.Add(1)
				return slowConn{conn, &open}, nil
			}})
	}
	c := client()
	if _, err := c.Sync(t.Context(), b.target(), nil); err != nil {
		t.Fatal(err)
	}
	c.Close()
	if n := open.Load(); n != 0 {
		t.Errorf("%d connections of a client that is closed are open", n)
	}
	for range 10 {
		c := client()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+b.addr+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Close = true
		resp, err := c.HTTP(b.target()).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		c.Close()
		if n := open.Load(); n != 0 {
			t.Fatalf("%d connections of a client that is closed are open", n)
		}
	}
}
