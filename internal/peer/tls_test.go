package peer

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"entente/internal/peer/pairing"
	"entente/journal"
)

// get connects with a configuration of its own and asks for a path. The server's
// refusal of a certificate shows at the first read in TLS 1.3.
func get(t *testing.T, addr string, config *tls.Config, method, path string) (int, error) {
	t.Helper()
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}, Timeout: 5 * time.Second}
	req, err := http.NewRequest(method, "https://"+addr+path, bytes.NewReader(nil))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, nil
}

// openPairing stands for a node with an invitation pending, or none.
type openPairing struct{ open bool }

func (o *openPairing) Open() bool { return o.open }
func (o *openPairing) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusTeapot)
}

func TestTLS(t *testing.T) {
	a, b := twoEnds(t)
	pairing := new(openPairing)
	b.listen(t, b.party, Limits{}, func(p *ServerParams) { p.Pairing = pairing })
	pin := func() []journal.Hash { return []journal.Hash{Pin(b.cert.Leaf)} }
	stranger := testCert(t)
	config := func(cert tls.Certificate, change func(*tls.Config)) *tls.Config {
		c := ClientConfig(cert, pin)
		if change != nil {
			change(c)
		}
		return c
	}
	none := func(c *tls.Config) { c.Certificates = nil }
	old := func(c *tls.Config) {
		c.MinVersion, c.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
		c.VerifyConnection = nil
	}

	if code, err := get(t, b.addr, config(a.cert, nil), "GET", PathHint+"?unit="+string(b.unit)+"&after=0&wait=0"); err != nil || code != http.StatusOK {
		t.Fatalf("a partner: %d, %v", code, err)
	}
	for name, c := range map[string]*tls.Config{
		"TLS 1.2": config(a.cert, old), "no certificate": config(a.cert, none), "a foreign certificate": config(stranger, nil),
	} {
		if code, err := get(t, b.addr, c, "GET", PathHint); err == nil {
			t.Errorf("%s is let in with status %d", name, code)
		} else if !strings.Contains(err.Error(), "tls:") {
			t.Errorf("%s: not refused by TLS: %v", name, err)
		}
	}
	// An open invitation lets strangers reach the pairing and nothing else.
	pairing.open = true
	for path, want := range map[string]int{
		PathPair: http.StatusTeapot, PathExchange: http.StatusForbidden, PathHint: http.StatusForbidden,
	} {
		if code, err := get(t, b.addr, config(stranger, nil), "POST", path); err != nil || code != want {
			t.Errorf("a stranger at %s: %d, %v; want %d", path, code, err, want)
		}
	}
	for name, c := range map[string]*tls.Config{"TLS 1.2": config(stranger, old), "no certificate": config(stranger, none)} {
		if _, err := get(t, b.addr, c, "POST", PathPair); err == nil {
			t.Errorf("%s is let in while an invitation is open", name)
		}
	}
	// A client does not talk to another key than the pinned one.
	c := a.client(t, a.party, Limits{})
	wrong := b.target()
	wrong.Pins = []journal.Hash{Pin(stranger.Leaf)}
	if _, err := c.Sync(t.Context(), wrong, nil); !errors.Is(err, ErrPin) || !errors.Is(err, ErrUnreachable) {
		t.Errorf("another key than pinned: %v", err)
	}
	// A key that is taken away is refused at the next request, on an open connection too.
	if _, err := c.Sync(t.Context(), b.target(), nil); err != nil {
		t.Fatal(err)
	}
	b.book.mu.Lock()
	delete(b.book.parties, Pin(a.cert.Leaf))
	b.book.mu.Unlock()
	_, err := c.Sync(t.Context(), b.target(), nil)
	if !errors.Is(err, &Refusal{Code: CodeUnknownParty}) {
		t.Errorf("a key that was taken away: %v", err)
	}
}

func TestServerSpeaksNothingElse(t *testing.T) {
	a, b := twoEnds(t)
	b.listen(t, b.party, Limits{}, nil)
	conn, err := tls.Dial("tcp", b.addr, ClientConfig(a.cert, func() []journal.Hash { return []journal.Hash{Pin(b.cert.Leaf)} }))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s := conn.ConnectionState()
	if s.NegotiatedProtocol != alpn || s.Version != tls.VersionTLS13 || s.DidResume {
		t.Errorf("negotiated %q, version %x, resumed %v", s.NegotiatedProtocol, s.Version, s.DidResume)
	}
	if _, err := s.ExportKeyingMaterial(pairing.ExporterLabel, []byte("x"), 32); err != nil {
		t.Error(err)
	}
	bad := ClientConfig(a.cert, func() []journal.Hash { return []journal.Hash{Pin(b.cert.Leaf)} })
	bad.NextProtos = []string{"h2"}
	if c, err := tls.Dial("tcp", b.addr, bad); err == nil {
		c.Close()
		t.Error("HTTP/2 is spoken")
	}
}
