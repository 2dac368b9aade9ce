package notify

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// taken says everything that a mail server answers when it takes a message.
const taken = "220 mail.example\r\n250 mail.example\r\n250 ok\r\n250 ok\r\n354 go on\r\n250 taken\r\n221 bye\r\n"

// saidTo speaks to a mail server that says all of the answers at once, and returns what it was told.
func saidTo(t *testing.T, answers []byte) (told []byte, err error) {
	t.Helper()
	here, there := net.Pipe()
	var wg sync.WaitGroup
	wg.Go(func() {
		told, _ = io.ReadAll(there)
	})
	wg.Go(func() {
		_, _ = there.Write(answers)
		_, _ = there.Write([]byte("\n")) // and no more: a line that was begun ends
		_ = there.Close()
	})
	m := &Mail{Address: "127.0.0.1:25", TLS: NoTLS, From: "node@north.example", To: []string{"duty@north.example"}, Now: clockAt}
	err = m.over(&heard{here, maxMailAnswers}, "127.0.0.1", nil, message("x"))
	_ = here.Close()
	wg.Wait()
	return told, err
}

// TestMailServerThatNeverEnds: what a server says is bounded, however it is cut into lines.
func TestMailServerThatNeverEnds(t *testing.T) {
	if _, err := saidTo(t, []byte(taken)); err != nil {
		t.Fatalf("a server that takes it: %v", err)
	}
	for name, greeting := range map[string]string{"a line": "220 " + strings.Repeat("x", 2*maxMailAnswers) + "\r\n", "lines": strings.Repeat("220-x\r\n", maxMailAnswers/4) + "220 x\r\n"} {
		_, err := saidTo(t, []byte(greeting+taken[len("220 mail.example\r\n"):]))
		if err == nil || errors.Is(err, ErrUncertain) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestWebhookThatNeverEnds: the head of an answer is bounded.
func TestWebhookThatNeverEnds(t *testing.T) {
	for head, good := range map[string]bool{"HTTP/1.1 204 OK\r\nX: " + strings.Repeat("x", maxAnswer/2) + "\r\n\r\n": true, "HTTP/1.1 204 OK\r\nX: " + strings.Repeat("x", 4*maxAnswer) + "\r\n\r\n": false} {
		if err := newAnswering(t).post(t, []byte(head)); (err == nil) != good {
			t.Errorf("a head of %d bytes: %v", len(head), err)
		}
	}
}

// FuzzMailAnswers: whatever a mail server says, nothing panics and nothing hangs; a message counts as taken only if the server
// had all of it and said so.
func FuzzMailAnswers(f *testing.F) {
	for _, s := range []string{taken, "", "220 x\r\n", "554 no\r\n", "220-a\r\n220 b\r\n250-PIPELINING\r\n250 SIZE 1\r\n250 ok\r\n550 unknown\r\n", strings.Replace(taken, "250 taken", "451 later", 1),
		strings.Replace(taken, "354 go on", "250 what", 1), "220 \xff\xfe\r\n250\r\n", "2\n\n\n", "220-" + strings.Repeat("y", 5000), "999999999999 x\r\n", "220 a\n250-b\n250-c\n250 d\n250\t\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, answers []byte) {
		told, err := saidTo(t, answers)
		end := bytes.Index(told, []byte("\r\n.\r\n"))
		switch {
		case err == nil && (end < 0 || !bytes.Contains(told, []byte("Message-ID: <00112233445566ff@north.example>"))):
			t.Fatalf("it counts as taken, and the server had %q", told)
		case err == nil && (!bytes.Contains(answers, []byte("354")) || !bytes.Contains(answers, []byte("250"))):
			t.Fatalf("it counts as taken, and the server said %q", answers)
		case errors.Is(err, ErrUncertain) && !bytes.Contains(told, []byte("DATA\r\n")):
			t.Fatalf("it counts as perhaps taken, and the server had %q", told)
		}
	})
}

// answering is a server that answers a request with bytes.
type answering struct {
	url    string
	mu     sync.Mutex
	answer []byte
}

func newAnswering(t testing.TB) *answering {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	a := &answering{url: "http://" + l.Addr().String() + "/hook"}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if r, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				_, _ = io.Copy(io.Discard, r.Body)
				a.mu.Lock()
				_, _ = conn.Write(a.answer)
				a.mu.Unlock()
			}
			_ = conn.Close()
		}
	}()
	return a
}

func (a *answering) post(t testing.TB, answer []byte) error {
	a.mu.Lock()
	a.answer = answer
	a.mu.Unlock()
	w := &Webhook{URL: a.url, Secret: secret, Now: func() time.Time { return noon }}
	return w.Post(t.Context(), "k", []byte("{}"))
}

// FuzzWebhookAnswers: whatever a webhook answers, nothing panics; only an answer of 2xx says that the message was taken.
func FuzzWebhookAnswers(f *testing.F) {
	for _, s := range []string{"HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 302 Found\r\nLocation: http://x.example/\r\n\r\n", "HTTP/1.1 500 no\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", "HTTP/1.0 299\r\n\r\n", "", "220 mail\r\n", "HTTP/2.0 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nxx", "HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + "HTTP/1.1 200 OK\r\n\r\n"} {
		f.Add([]byte(s))
	}
	a := newAnswering(f)
	f.Fuzz(func(t *testing.T, answer []byte) {
		if err := a.post(t, answer); err == nil && !bytes.Contains(answer, []byte(" 2")) {
			t.Fatalf("it counts as taken: %q", answer)
		}
	})
}
