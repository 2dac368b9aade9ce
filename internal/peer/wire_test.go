package peer

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/journal"
)

// TestForeignCertificates shows a server certificates that are nearly a partner's.
// Only the private key behind a present pin counts.
func TestForeignCertificates(t *testing.T) {
	a, b := twoEnds(t)
	b.listen(t, b.party, Limits{}, nil)
	stranger := testCert(t)
	pins := func() []journal.Hash { return []journal.Hash{Pin(b.cert.Leaf)} }
	ask := func(change func(*tls.Config)) (int, error) {
		c := ClientConfig(stranger, pins)
		change(c)
		return get(t, b.addr, c, "GET", PathHint+"?unit="+string(b.unit)+"&after=0&wait=0")
	}
	// Everything that can be read of the partner's certificate, under a key of one's own.
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	like := *a.cert.Leaf
	like.PublicKey = nil // it is the new key's
	der, err := x509.CreateCertificate(rand.Reader, &like, &like, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	again := *a.cert.Leaf
	again.SerialNumber, again.NotBefore, again.NotAfter = big.NewInt(1), time.Unix(0, 0), time.Unix(1, 0)
	expired, err := x509.CreateCertificate(rand.Reader, &again, &again, a.cert.PrivateKey.(ed25519.PrivateKey).Public(), a.cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name string
		cert tls.Certificate
		in   bool
	}{
		{"a stranger's", stranger, false},
		{"a partner's in every field, under another key", tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, false},
		{"the partner's own, without its key", tls.Certificate{Certificate: a.cert.Certificate, PrivateKey: key}, false},
		{"a stranger's with the partner's behind it", tls.Certificate{Certificate: [][]byte{der, a.cert.Certificate[0]}, PrivateKey: key}, false},
		{"the server's own", tls.Certificate{Certificate: b.cert.Certificate, PrivateKey: key}, false},
		{"none", tls.Certificate{}, false},
		// Dates in a certificate mean nothing: whether a key is present its identity says.
		{"the partner's key in a certificate that has expired", tls.Certificate{Certificate: [][]byte{expired}, PrivateKey: a.cert.PrivateKey}, true},
	} {
		code, err := ask(func(c *tls.Config) {
			c.Certificates = nil
			c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &x.cert, nil }
		})
		if in := err == nil && code == http.StatusOK; in != x.in {
			t.Errorf("%s: let in %v (%d, %v)", x.name, in, code, err)
		}
	}
	for name, change := range map[string]func(*tls.Config){
		"TLS 1.0":       func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS10 },
		"TLS 1.2":       func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS12, tls.VersionTLS12 },
		"HTTP/2 alone":  func(c *tls.Config) { c.NextProtos = []string{"h2"} },
		"no such curve": func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{999} },
	} {
		if code, err := ask(func(c *tls.Config) {
			c.Certificates = []tls.Certificate{a.cert}
			c.VerifyConnection = nil
			change(c)
		}); err == nil {
			t.Errorf("%s: answered with %d", name, code)
		}
	}
	if _, err := a.client(t, a.party, Limits{}).Sync(t.Context(), b.target(), nil); err != nil {
		t.Errorf("the partner: %v", err)
	}
}

// TestNothingIsResumed keeps whatever a server gives for later, and shows it again
// after the key was taken away: there is nothing to come back with.
func TestNothingIsResumed(t *testing.T) {
	a, b := twoEnds(t)
	b.listen(t, b.party, Limits{}, nil)
	kept := tls.NewLRUClientSessionCache(8)
	dial := func() (*tls.Conn, error) {
		c := ClientConfig(a.cert, func() []journal.Hash { return []journal.Hash{Pin(b.cert.Leaf)} })
		c.ClientSessionCache, c.SessionTicketsDisabled = kept, false
		return tls.Dial("tcp", b.addr, c)
	}
	ask := func(c *tls.Conn) error {
		fmt.Fprintf(c, "GET %s?unit=%s&after=0&wait=0 HTTP/1.1\r\nHost: x\r\n\r\n", PathHint, b.unit)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err == nil && resp.StatusCode != http.StatusOK {
			err = fmt.Errorf("status %d", resp.StatusCode)
		}
		return err
	}
	for range 3 {
		c, err := dial()
		if err != nil {
			t.Fatal(err)
		}
		if err := ask(c); err != nil || c.ConnectionState().DidResume {
			t.Errorf("resumed %v, %v", c.ConnectionState().DidResume, err)
		}
		c.Close()
	}
	if s, ok := kept.Get("entente.invalid"); ok {
		t.Errorf("a session could be kept: %v", s)
	}
	open, err := dial()
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	if err := ask(open); err != nil { // the server's end of the handshake is over, too
		t.Fatal(err)
	}
	b.book.mu.Lock()
	delete(b.book.parties, Pin(a.cert.Leaf))
	b.book.mu.Unlock()
	if err := ask(open); err == nil || !strings.Contains(err.Error(), "status 403") {
		t.Errorf("a connection from before, after the key was taken away: %v", err)
	}
	if c, err := dial(); err == nil {
		if err := ask(c); err == nil {
			t.Error("a new connection with a key that was taken away is answered")
		}
		c.Close()
	}
}

// TestOddHTTP sends what no client of ours would, over a partner's own connection.
func TestOddHTTP(t *testing.T) {
	a, b := twoEnds(t)
	b.listen(t, b.party, Limits{}, nil)
	packet := frames(newHostile(t, a, b).hello(func(m *Hello) { m.Have = map[journal.Origin]journal.Head{} })).whole(t).String()
	chunked := func(s string) string { return fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(s), s) }
	post := "POST " + PathExchange + " HTTP/1.1\r\nHost: x\r\n"
	length := fmt.Sprintf("Content-Length: %d\r\n", len(packet))
	many := strings.Repeat("X-Y: z\r\n", 4000)
	for _, x := range []struct {
		name string
		send string
		want []int // statuses of the answers in order; 0 is the end of the connection
	}{
		{"a proper one", post + length + "\r\n" + packet, []int{200}},
		{"a proper one in chunks", post + "Transfer-Encoding: chunked\r\n\r\n" + chunked(packet), []int{200}},
		{"two at once, answered one after the other", post + length + "\r\n" + packet + post + length + "\r\n" + packet, []int{200, 200}},
		{"Expect: 100-continue", post + length + "Expect: 100-continue\r\n\r\n" + packet, []int{100, 200}},
		{"an expectation that is none", post + length + "Expect: 200-ok\r\n\r\n" + packet, []int{417, 0}},
		{"a huge header", post + "X-Y: " + strings.Repeat("x", 64<<10) + "\r\n" + length + "\r\n" + packet, []int{431, 0}},
		{"many headers", post + many + length + "\r\n" + packet, []int{431, 0}},
		{"a huge request line", "POST /" + strings.Repeat("x", 64<<10) + " HTTP/1.1\r\nHost: x\r\n\r\n", []int{431, 0}},
		{"two lengths", post + length + "Content-Length: 5\r\n\r\n" + packet, []int{400, 0}},
		{"a negative length", post + "Content-Length: -1\r\n\r\n", []int{400, 0}},
		{"a length in other digits", post + "Content-Length: +5\r\n\r\nhello", []int{400, 0}},
		{"a coding that is not known", post + "Transfer-Encoding: gzip, chunked\r\n\r\n" + chunked(packet), []int{501, 0}},
		{"two codings", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(packet), []int{501, 0}},
		{"a length and chunks: only the chunks count, so nothing can hide in the difference", post + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(packet) +
			post + length + "\r\n" + packet, []int{200, 200}},
		{"a chunk extension without end", post + "Transfer-Encoding: chunked\r\n\r\n5;" + strings.Repeat("x", 64<<10), []int{400, 0}},
		{"many chunk extensions", post + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1;"+strings.Repeat("x", 2000)+"\r\ne\r\n", 200), []int{400, 0}},
		{"a chunk of a size beyond all", post + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", []int{400, 0}},
		{"trailers without end", post + "Transfer-Encoding: chunked\r\nTrailer: X-Y\r\n\r\n" + strings.TrimSuffix(chunked(packet), "\r\n") + many + "\r\n", []int{400, 0}},
		{"no host", "POST " + PathExchange + " HTTP/1.1\r\n" + length + "\r\n" + packet, []int{400, 0}},
		{"two hosts", post + "Host: y\r\n" + length + "\r\n" + packet, []int{400, 0}},
		{"NUL in a header", post + "X-Y: a\x00b\r\n\r\n", []int{400, 0}},
		{"a folded header", post + "X-Y: a\r\n b\r\n" + length + "\r\n" + packet, []int{200}},
		{"CONNECT", "CONNECT 192.0.2.1:443 HTTP/1.1\r\nHost: 192.0.2.1:443\r\n\r\n", []int{404}},
		{"another method", "DELETE " + PathExchange + " HTTP/1.1\r\nHost: x\r\n\r\n", []int{405}},
		{"TRACE", "TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", []int{404}},
		{"another server's URL", "POST https://192.0.2.1/other HTTP/1.1\r\nHost: x\r\n\r\n", []int{404}},
		{"a path around corners", "POST /peer/v1/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", []int{307}},
		{"an encoded slash", "POST /peer%2Fv1%2Fexchange HTTP/1.1\r\nHost: x\r\n\r\n", []int{404}},
		{"HTTP/2 without asking", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", []int{400, 0}},
		{"an upgrade", post + "Connection: Upgrade\r\nUpgrade: h2c\r\n" + length + "\r\n" + packet, []int{200}},
		{"HTTP/0.9", "GET /\r\n\r\n", []int{400, 0}},
		{"no HTTP", "\x16\x03\x01\x00\x00\r\n\r\n", []int{400, 0}},
	} {
		conn, err := tls.Dial("tcp", b.addr, ClientConfig(a.cert, func() []journal.Hash { return []journal.Hash{Pin(b.cert.Leaf)} }))
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		go func() { _, _ = io.WriteString(conn, x.send) }()
		r := bufio.NewReader(conn)
		var got []int
		for range x.want {
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				got = append(got, 0)
				break
			}
			got = append(got, resp.StatusCode)
			_, _ = io.Copy(io.Discard, resp.Body)
		}
		conn.Close()
		if !slices.Equal(got, x.want) {
			t.Errorf("%s: answered with %v, want %v", x.name, got, x.want)
		}
	}
	if b.settled > 0 || len(b.journals[a.own()]) > 0 {
		t.Error("something of all this was taken in")
	}
	a.write("an honest entry", "")
	if _, err := a.client(t, a.party, Limits{}).Sync(t.Context(), b.target(), nil); err != nil || a.same(b.party) != "" {
		t.Errorf("afterwards: %v, %s", err, a.same(b.party))
	}
}

// TestSlowHeads opens connections that stop everywhere before a request is whole.
// Each is ended in its time, and gives back all it had.
func TestSlowHeads(t *testing.T) {
	a, b := twoEnds(t)
	b.listen(t, b.party, Limits{Header: 300 * time.Millisecond, Idle: 300 * time.Millisecond}, nil)
	secure := func() (net.Conn, error) {
		return tls.Dial("tcp", b.addr, ClientConfig(a.cert, func() []journal.Hash { return []journal.Hash{Pin(b.cert.Leaf)} }))
	}
	for _, x := range []struct {
		name string
		open func() (net.Conn, error)
		send string // a byte at a time
	}{
		{"nothing at all", func() (net.Conn, error) { return net.Dial("tcp", b.addr) }, ""},
		{"a handshake byte by byte", func() (net.Conn, error) { return net.Dial("tcp", b.addr) }, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc" + strings.Repeat("\x03", 500)},
		{"no request", secure, ""},
		{"a head byte by byte", secure, "POST " + PathExchange + " HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X-Y: z\r\n", 500)},
		{"idle after a request", func() (net.Conn, error) {
			c, err := secure()
			if err == nil {
				fmt.Fprintf(c, "GET %s?unit=%s&after=0&wait=0 HTTP/1.1\r\nHost: x\r\n\r\n", PathHint, b.unit)
				_, err = http.ReadResponse(bufio.NewReader(c), nil)
			}
			return c, err
		}, ""},
	} {
		c, err := x.open()
		if err != nil {
			t.Fatalf("%s: %v", x.name, err)
		}
		go func() {
			for i := range len(x.send) {
				if _, err := c.Write([]byte{x.send[i]}); err != nil {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
		}()
		_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
		if _, err := io.Copy(io.Discard, c); isTimeout(err) {
			t.Errorf("%s: still open after half a minute", x.name)
		}
		c.Close()
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		b.server.door.mu.Lock()
		left := len(b.server.door.at)
		b.server.door.mu.Unlock()
		if left == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d connections are still kept", left)
		}
	}
}

// TestOnePartyHasItsShareOfRequests: a partner that opens many requests and ends none
// is told busy, and another partner is answered.
func TestOnePartyHasItsShareOfRequests(t *testing.T) {
	a, b := twoEnds(t)
	other := testCert(t)
	b.book.parties[Pin(other.Leaf)] = partyID("other")
	b.listen(t, b.party, Limits{}, nil)
	config := func(cert tls.Certificate) *tls.Config {
		return ClientConfig(cert, func() []journal.Hash { return []journal.Hash{Pin(b.cert.Leaf)} })
	}
	for range MaxRequests {
		c, err := tls.Dial("tcp", b.addr, config(a.cert))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{", PathHint)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		b.server.mu.Lock()
		n := b.server.asked[caller{a.id}.key()]
		b.server.mu.Unlock()
		if n == MaxRequests {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d requests are under way", n)
		}
	}
	path := PathHint + "?unit=" + string(b.unit) + "&after=0&wait=0"
	if code, err := get(t, b.addr, config(a.cert), "GET", path); err != nil || code != http.StatusServiceUnavailable {
		t.Errorf("one request more: %d, %v", code, err)
	}
	if code, err := get(t, b.addr, config(other), "GET", path); err != nil || code != http.StatusOK {
		t.Errorf("another partner: %d, %v", code, err)
	}
}

// TestMemoryIsForTheComplete: while peers hold on in the middle of large things, no
// place is taken; and what lies on disk is gone when they are.
func TestMemoryIsForTheComplete(t *testing.T) {
	a, b := twoEnds(t)
	dir := t.TempDir()
	memory := NewMemory(dir, 1)
	b.listen(t, b.party, Limits{Memory: memory}, nil)
	h := newHostile(t, a, b)
	whole := frames(h.hello(nil)).frame(framePayload, bytes.Repeat([]byte{7}, payloadHeader+8<<20)).whole(t).Bytes()
	conn, err := tls.Dial("tcp", b.addr, ClientConfig(a.cert, func() []journal.Hash { return []journal.Hash{Pin(b.cert.Leaf)} }))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", PathExchange, len(whole))
	if _, err := conn.Write(whole[:len(whole)-1000]); err != nil {
		t.Fatal(err)
	}
	if len(memory.work) != 0 {
		t.Error("what is incomplete has a place")
	}
	// Somebody else takes and leaves the only place meanwhile.
	leave, err := memory.Enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	leave()
	if _, err := conn.Write(whole[len(whole)-1000:]); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("the whole: %v, %v", resp, err)
	}
	if len(memory.work) != 0 {
		t.Error("the place was not left")
	}
	if err := memory.Clear(); err != nil {
		t.Fatal(err)
	}
}
