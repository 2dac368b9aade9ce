package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// TestLimits reaches the bounds of docs/limits.md on what the command line reads.
func TestLimits(t *testing.T) {
	dir := t.TempDir()
	for _, x := range []struct {
		limit string
		args  []string
		most  int
	}{
		{"maxAccord", []string{"accord", "check"}, maxAccord},
		{"maxText", []string{"--dir", dir, "request", "new", "--title", "x", "--text-file"}, maxText},
	} {
		for _, more := range []int{0, 1} {
			text := strings.Repeat(" ", x.most+more)
			file := filepath.Join(dir, fmt.Sprint(x.limit, more))
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, from := range []string{file, "-"} {
				var out, told bytes.Buffer
				// What fits is read, and then is no accord, or there is no node in the folder.
				code := Main(t.Context(), append(x.args, from), strings.NewReader(text), &out, &told, func(string) string { return "" })
				if long := strings.Contains(told.String(), "too long: more than"); long != (more > 0) || code == exitOK || long && code != exitFailed {
					t.Errorf("%s, %d more, from %.1s: exit %d: %s%.200s", x.limit, more, from, code, told.String(), out.String())
				}
			}
		}
	}
	// The name of the control socket: longer, it is reached through a descriptor.
	for more, short := range []bool{true, false} {
		deep := filepath.Join(dir, strings.Repeat("d", maxSocketName-len(dir)-len(controlSocket)-2+more))
		if err := os.Mkdir(deep, 0o700); err != nil {
			t.Fatal(err)
		}
		name, release, err := socketName(deep)
		if err != nil {
			if _, none := os.Stat("/proc/self/fd"); short || none == nil || !strings.Contains(err.Error(), "nearer to the root") {
				t.Errorf("maxSocketName, %d more: %v", more, err)
			}
			continue
		}
		if release(); (name == filepath.Join(deep, controlSocket)) != short || len(name) > maxSocketName {
			t.Errorf("maxSocketName, %d more: %q", more, name)
		}
	}
}

// TestServerLimits reaches the bounds of the HTTP server: on connections at a time, the
// next of which waits until one ends, and on the head of a request.
func TestServerLimits(t *testing.T) {
	serve := func() net.Addr {
		t.Helper()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var work errgroup.Group
		serveHTTP(ctx, &work, l, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		t.Cleanup(func() {
			cancel()
			if err := work.Wait(); err != nil {
				t.Error(err)
			}
		})
		return l.Addr()
	}
	answer := func(c net.Conn) int {
		t.Helper()
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	call := func(to net.Addr, head int) net.Conn {
		t.Helper()
		c, err := net.Dial("tcp", to.String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		first, last := "GET / HTTP/1.1\r\nHost: x\r\nX: ", "\r\n\r\n"
		if _, err := io.WriteString(c, first+strings.Repeat("x", max(0, head-len(first)-len(last)))+last); err != nil {
			t.Fatal(err)
		}
		return c
	}
	// net/http reads 4 KiB more than it is told, for what it reads ahead.
	heads := serve()
	in, out := call(heads, maxHeader), call(heads, maxHeader+5<<10)
	if a, b := answer(in), answer(out); a != http.StatusOK || b != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("maxHeader: %d and %d", a, b)
	}
	_, _ = in.Close(), out.Close()
	many := serve() // an answer of 431 holds its place for a while
	var open []net.Conn
	for range maxConnections {
		open = append(open, call(many, 0))
		if code := answer(open[len(open)-1]); code != http.StatusOK {
			t.Fatalf("connection %d: %d", len(open), code)
		}
	}
	next := call(many, 0)
	if err := next.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := next.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("maxConnections: one more was served: %v", err)
	}
	_ = open[0].Close()
	if err := next.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if code := answer(next); code != http.StatusOK {
		t.Errorf("once one has ended: %d", code)
	}
	for _, c := range open {
		_ = c.Close()
	}
}
