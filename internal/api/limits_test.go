package api

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// endless is a body that never ends, and counts what was read of it.
type endless struct{ read int64 }

func (e *endless) Read(p []byte) (int, error) { e.read += int64(len(p)); return len(p), nil }

// TestMaxDrain: an upload that goes on for ever after its answer is read up to the
// bound and no further; what ends before is read whole.
func TestMaxDrain(t *testing.T) {
	h := newHandler(nil, Options{Trusted: true}, trial())
	for _, most := range []int64{maxDrain - 1, maxDrain, maxDrain + 1, 1 << 62} {
		body := &endless{}
		r := httptest.NewRequest(http.MethodPost, Prefix+"swallow", io.LimitReader(body, most))
		r.Header.Set(HeaderRequest, `{"name":"at once"}`)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusBadRequest || body.read != min(most, maxDrain) {
			t.Errorf("an upload of %d bytes: %d, %d bytes read", most, w.Code, body.read)
		}
	}
}

// TestRefusalReachesWhoStillWrites has callers that write their whole request before they read, as most do.
func TestRefusalReachesWhoStillWrites(t *testing.T) {
	body := strings.Repeat(" ", 32<<20)
	for _, tt := range []struct {
		name, op, media string
		trusted         bool
		status          int
	}{
		{"a stranger", "swallow", "application/octet-stream", false, 401},
		{"no such operation", "none", "application/json", true, 404},
		{"not JSON", "greet", "text/plain", true, 415},
		{"too long", "greet", "application/json", true, 413},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(newHandler(nil, Options{Trusted: tt.trusted}, trial()))
			defer server.Close()
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := fmt.Fprintf(conn, "POST %s%s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", Prefix, tt.op, tt.media, len(body), body); err != nil {
				t.Fatalf("the connection broke while the request was written: %v", err)
			}
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if res.StatusCode != tt.status {
				t.Errorf("it is answered %d", res.StatusCode)
			}
		})
	}
}
