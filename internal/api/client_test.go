package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/internal/node"
)

// clients are the three ways to one handler.
func clients(t *testing.T) map[string]*Client {
	t.Helper()
	trusted := newHandler(nil, Options{Trusted: true}, trial())
	server := httptest.NewServer(newHandler(nil, Options{Grant: one(token)}, trial()))
	t.Cleanup(server.Close)
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	local := &http.Server{Handler: trusted, ReadTimeout: 300 * time.Millisecond, WriteTimeout: 300 * time.Millisecond}
	go local.Serve(l) //nolint:errcheck // ends with Close
	t.Cleanup(func() { _ = local.Close() })
	out := map[string]*Client{
		"in process": InProcess(trusted),
		"TCP":        TCP(server.URL, token),
		"unix": Dialed(func(ctx context.Context) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", path)
		}),
	}
	for _, c := range out {
		t.Cleanup(c.Close)
	}
	return out
}

func each(t *testing.T, f func(*testing.T, *Client)) {
	for name, c := range clients(t) {
		t.Run(name, func(t *testing.T) { f(t, c) })
	}
}

func TestCall(t *testing.T) {
	each(t, func(t *testing.T, c *Client) {
		var r greeted
		if err := c.Call(t.Context(), "greet", greeting{Name: "Ünïcode"}, &r); err != nil || r.Text != "hello <Ünïcode>" {
			t.Fatalf("%+v, %v", r, err)
		}
		err := c.Call(t.Context(), "gate", nil, &r)
		var p *Problem
		if !errors.As(err, &p) || p.Decision == nil || p.Decision.Verdict != "refuse" || !strings.Contains(err.Error(), "Clause H1.") {
			t.Fatalf("gate: %v", err)
		}
	})
}

func TestLongWorkTellsProgress(t *testing.T) {
	each(t, func(t *testing.T, c *Client) {
		var stages []string
		var r greeted
		err := c.Long(t.Context(), "count", greeting{Count: 3}, nil, func(p node.Progress) { stages = append(stages, p.Stage) }, &r)
		if err != nil || r.Text != "counted" || !slices.Equal(stages, []string{"stage 0", "stage 1", "stage 2"}) {
			t.Fatalf("%v %+v %v", stages, r, err)
		}
		for _, count := range []int{0, 2} { // before anything was said, and after
			err = c.Long(t.Context(), "count", greeting{Name: "fail", Count: count}, nil, nil, &r)
			var p *Problem
			if !errors.As(err, &p) || p.Code != "late" {
				t.Fatalf("failing after %d: %v", count, err)
			}
		}
		// Who asks for one document gets one.
		if err := c.Call(t.Context(), "count", greeting{Count: 2}, &r); err != nil || r.Text != "counted" {
			t.Fatalf("as one document: %+v %v", r, err)
		}
	})
}

// slow gives a body in pieces, over a longer time than the server's deadlines.
type slow struct {
	pieces int
	pause  time.Duration
}

func (s *slow) Read(p []byte) (int, error) {
	if s.pieces == 0 {
		return 0, io.EOF
	}
	s.pieces--
	time.Sleep(s.pause)
	return copy(p, "piece"), nil
}

func TestUpload(t *testing.T) {
	each(t, func(t *testing.T, c *Client) {
		body := bytes.Repeat([]byte("x"), 3<<20)
		var r greeted
		var stages []string
		err := c.Long(t.Context(), "swallow", greeting{Name: "größe"}, bytes.NewReader(body), func(p node.Progress) { stages = append(stages, p.Stage) }, &r)
		if err != nil || r.Read != int64(len(body)) || r.Text != "größe" || !slices.Equal(stages, []string{"begun"}) {
			t.Fatalf("%+v %v %v", r, stages, err)
		}
		if err := c.Long(t.Context(), "swallow", nil, &slow{8, 100 * time.Millisecond}, nil, &r); err != nil || r.Read != 40 {
			t.Fatalf("a slow body: %+v %v", r, err)
		}
		// The answer is not lost when nobody reads the body.
		err = c.Long(t.Context(), "swallow", greeting{Name: "at once"}, bytes.NewReader(bytes.Repeat([]byte("x"), 30<<20)), nil, &r)
		var p *Problem
		if !errors.As(err, &p) || p.Code != node.CodeBadInput {
			t.Fatalf("refused at once: %v", err)
		}
	})
}

func TestDownload(t *testing.T) {
	each(t, func(t *testing.T, c *Client) {
		var b bytes.Buffer
		var r greeted
		if err := c.Download(t.Context(), "give", greeting{Count: 20000}, &b, &r); err != nil || r.Text != "given" || strings.Count(b.String(), "\n") != 20000 {
			t.Fatalf("%d bytes, %+v, %v", b.Len(), r, err)
		}
		for _, count := range []int{0, 5} {
			var p *Problem
			if err := c.Download(t.Context(), "give", greeting{Count: count, Name: "fail"}, &b, &r); !errors.As(err, &p) || p.Code != "late" {
				t.Fatalf("failing after %d lines: %v", count, err)
			}
		}
	})
}

func TestBrokenDownloadIsNoticed(t *testing.T) {
	c := clients(t)["TCP"]
	if err := c.Download(t.Context(), "give", greeting{Count: 5000, Name: "die"}, io.Discard, nil); err == nil {
		t.Fatal("a download that broke off was taken as whole")
	}
}

func TestCancelledCallEndsTheWork(t *testing.T) {
	ended := make(chan error, 1)
	ops := []Operation{plain(node.ScopeRead, "wait", "Waits", func(_ *node.Node, ctx context.Context, _ none) (*greeted, error) {
		<-ctx.Done()
		ended <- ctx.Err()
		return nil, ctx.Err()
	})}
	c := InProcess(newHandler(nil, Options{Trusted: true}, ops))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := c.Call(ctx, "wait", nil, nil); err == nil {
		t.Fatal("it did not end")
	}
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Fatal("the work went on")
	}
}
