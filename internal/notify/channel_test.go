package notify

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"entente/internal/lang"
)

var secret = []byte("0123456789abcdef")

func message(text string) Message {
	m := Render(lang.Match("ru"), []Delivery{{Channel: "desk", Key: "00112233445566ff", Event: event("1111", "urgent"), Try: 1}})
	if text != "" {
		m.Subject, m.Text = text, text
	}
	return m
}

func clockAt() time.Time { return noon }

func TestWebhook(t *testing.T) {
	type got struct {
		head http.Header
		body []byte
	}
	var all []got
	answer := http.StatusNoContent
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		all = append(all, got{r.Header, b})
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(answer)
	}))
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	w := &Webhook{URL: s.URL + "/hook", Secret: secret, Roots: roots, Now: clockAt}
	m := message("")
	if err := w.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	g := all[0]
	var back Message
	if err := json.Unmarshal(g.body, &back); err != nil || back.Event.Ref != m.Event.Ref || back.Text != m.Text {
		t.Errorf("%s, %v", g.body, err)
	}
	stamp := g.head.Get(HeaderTimestamp)
	if stamp != "1774612800" || g.head.Get(HeaderSignature) != Sign(secret, stamp, g.body) || g.head.Get(HeaderKey) != m.Key || g.head.Get("Content-Type") != "application/json" {
		t.Errorf("%v", g.head)
	}
	if Sign([]byte("another secret .."), stamp, g.body) == g.head.Get(HeaderSignature) || Sign(secret, "1", g.body) == g.head.Get(HeaderSignature) {
		t.Error("the signature binds neither secret nor time")
	}
	// As the receiver in docs/interop.md computes it, in another language.
	if got := Sign(secret, "1774612800", []byte("body")); got != "v1=18fce01ccdfc93d483d1df85986153a9e3911780e2ae8f21af55932b75b8f912" {
		t.Errorf("the signature is %s", got)
	}
	for _, status := range []int{http.StatusFound, http.StatusTemporaryRedirect, http.StatusInternalServerError, http.StatusBadRequest} {
		answer = status
		if err := w.Send(t.Context(), m); err == nil {
			t.Errorf("%d was taken for a success", status)
		}
	}
	if len(all) != 5 {
		t.Errorf("%d requests: a redirect was followed", len(all))
	}
	if err := (&Webhook{URL: s.URL, Secret: secret, Now: clockAt}).Send(t.Context(), m); err == nil {
		t.Error("a certificate that nobody vouches for was accepted")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Send(ctx, m); err == nil {
		t.Error("sent after the end")
	}
}

func TestAddressesOfWebhooks(t *testing.T) {
	for address, ok := range map[string]bool{
		"https://desk.example/hook": true, "http://127.0.0.1:8080/x": true, "http://[::1]/x": true, "http://localhost/x": true,
		"http://desk.example/hook": false, "http://127.0.0.1.example/": false, "ftp://desk.example": false, "https://": false,
		"https://user:secret@desk.example/": false, "https://desk.example/#x": false, "": false, "://": false, "http://10.0.0.1/": false,
	} {
		if err := CheckURL(address); (err == nil) != ok {
			t.Errorf("%s: %v", address, err)
		}
	}
	if onlyLoopback("tcp", "192.0.2.1:80", nil) == nil || onlyLoopback("tcp", "127.0.0.1:80", nil) != nil {
		t.Error("a name may lead to another machine without encryption")
	}
}

// mailServer is a small SMTP server: STARTTLS or TLS from the start, PLAIN, one message a connection.
type mailServer struct {
	t        *testing.T
	listener net.Listener
	tls      *tls.Config
	implicit bool
	plain    bool // offers no STARTTLS
	refuse   string
	after    string // what is said once a message is whole; "gone": nothing
	mu       sync.Mutex
	messages []string
	secure   []bool
	users    []string
	wg       sync.WaitGroup
}

func newMailServer(t *testing.T, s *mailServer) (*mailServer, *x509.CertPool) {
	t.Helper()
	web := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate
	web.Close()
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	s.t, s.tls = t, &tls.Config{Certificates: web.TLS.Certificates}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.listener = l
	s.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.wg.Go(func() { s.serve(c) })
		}
	})
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		s.wg.Wait()
	})
	return s, roots
}

func (s *mailServer) serve(c net.Conn) {
	secure := false
	if s.implicit {
		c, secure = tls.Server(c, s.tls), true
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	in := bufio.NewReader(c)
	say := func(line string) { _, _ = io.WriteString(c, line+"\r\n") }
	say("220 test ESMTP")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSpace(line)
		verb, rest, _ := strings.Cut(line, " ")
		if s.refuse != "" && strings.EqualFold(verb, s.refuse) {
			say("550 not here")
			continue
		}
		switch strings.ToUpper(verb) {
		case "EHLO":
			say("250-test")
			if !secure && !s.plain {
				say("250-STARTTLS")
			}
			say("250 AUTH PLAIN")
		case "STARTTLS":
			if s.plain {
				say("502 not here")
				continue
			}
			say("220 go on")
			c = tls.Server(c, s.tls)
			in, secure = bufio.NewReader(c), true
		case "AUTH":
			_, coded, _ := strings.Cut(rest, " ")
			text, _ := base64.StdEncoding.DecodeString(coded)
			s.mu.Lock()
			s.users = append(s.users, string(text))
			s.mu.Unlock()
			if string(text) != "\x00desk\x00pass word" {
				say("535 no")
				continue
			}
			say("235 yes")
		case "DATA":
			say("354 go on")
			var b strings.Builder
			for {
				l, err := in.ReadString('\n')
				if err != nil {
					return
				}
				if l == ".\r\n" {
					break
				}
				b.WriteString(strings.TrimPrefix(l, "."))
			}
			s.mu.Lock()
			s.messages, s.secure = append(s.messages, b.String()), append(s.secure, secure)
			s.mu.Unlock()
			switch s.after {
			case "":
				say("250 taken")
			case "gone":
				return
			default:
				say(s.after)
			}
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func TestMail(t *testing.T) {
	for mode, s := range map[string]*mailServer{StartTLS: {}, Implicit: {implicit: true}, NoTLS: {plain: true}} {
		t.Run(mode, func(t *testing.T) {
			s, roots := newMailServer(t, s)
			m := &Mail{Address: s.listener.Addr().String(), TLS: mode, User: "desk", Password: "pass word", From: "node@north.example", To: []string{"duty@north.example", "boss@north.example"}, Roots: roots, Now: clockAt}
			msg := message("")
			if err := m.Send(t.Context(), msg); err != nil {
				t.Fatal(err)
			}
			got, err := mail.ReadMessage(strings.NewReader(s.messages[0]))
			if err != nil {
				t.Fatal(err)
			}
			subject, err := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject"))
			if err != nil || subject != msg.Subject {
				t.Errorf("subject %q, %v", subject, err)
			}
			text, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, got.Body))
			if err != nil || strings.TrimSpace(string(text)) != msg.Text {
				t.Errorf("text %q, %v", text, err)
			}
			if got.Header.Get("Message-ID") != "<"+msg.Key+"@north.example>" || got.Header.Get("To") != "duty@north.example, boss@north.example" || got.Header.Get("Content-Language") != "ru" {
				t.Errorf("%v", got.Header)
			}
			if s.secure[0] != (mode != NoTLS) || len(s.users) != 1 {
				t.Errorf("over TLS: %v; as %q", s.secure, s.users)
			}
			m.Password = "wrong"
			if err := m.Send(t.Context(), msg); err == nil || len(s.messages) != 1 {
				t.Errorf("with a wrong password: %v", err)
			}
		})
	}
}

func TestMailRefuses(t *testing.T) {
	s, roots := newMailServer(t, &mailServer{plain: true})
	m := Mail{Address: s.listener.Addr().String(), TLS: StartTLS, From: "node@north.example", To: []string{"duty@north.example"}, Roots: roots, Now: clockAt}
	if err := m.Send(t.Context(), message("")); err == nil || len(s.messages) != 0 {
		t.Errorf("a server without STARTTLS was given the message: %v", err)
	}
	s, _ = newMailServer(t, &mailServer{})
	m.Address, m.Roots = s.listener.Addr().String(), nil
	if err := m.Send(t.Context(), message("")); err == nil || len(s.messages) != 0 {
		t.Errorf("a certificate that nobody vouches for: %v", err)
	}
	for _, verb := range []string{"MAIL", "RCPT", "DATA"} {
		s, roots := newMailServer(t, &mailServer{refuse: verb})
		m.Address, m.Roots = s.listener.Addr().String(), roots
		if err := m.Send(t.Context(), message("")); err == nil || len(s.messages) != 0 {
			t.Errorf("%s was refused: %v", verb, err)
		}
	}
	// A header cannot be smuggled in through what is told.
	s, roots = newMailServer(t, &mailServer{})
	m.Address, m.Roots = s.listener.Addr().String(), roots
	if err := m.Send(t.Context(), message("x\r\nBcc: spy@south.example\r\n\r\nbody\r\n.\r\nQUIT")); err != nil {
		t.Fatal(err)
	}
	if got, err := mail.ReadMessage(strings.NewReader(s.messages[0])); err != nil || got.Header.Get("Bcc") != "" || len(s.messages) != 1 {
		t.Errorf("%q, %v", s.messages, err)
	}
	for _, bad := range []func(*Mail){
		func(m *Mail) { m.Address = "mail.example" }, func(m *Mail) { m.TLS = "maybe" }, func(m *Mail) { m.Address, m.TLS = "mail.example:25", NoTLS },
		func(m *Mail) { m.To = nil }, func(m *Mail) { m.To = make([]string, 33) }, func(m *Mail) { m.To = []string{"a@b\r\nRCPT TO:<c@d>"} },
		func(m *Mail) { m.From = "Node <node@north.example>" }, func(m *Mail) { m.User = "x" },
	} {
		c := m
		bad(&c)
		if c.Check() == nil {
			t.Errorf("%+v", c)
		}
	}
}

// TestSilentServer: a server that says nothing holds nobody up longer than the time there is.
func TestSilentServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	m := Mail{Address: l.Addr().String(), TLS: Implicit, From: "node@north.example", To: []string{"duty@north.example"}, Now: clockAt}
	if m.Send(ctx, message("")) == nil {
		t.Error("a mail was taken by nobody")
	}
	if (&Webhook{URL: "http://" + l.Addr().String(), Secret: secret, Now: clockAt}).Send(ctx, message("")) == nil {
		t.Error("a webhook was taken by nobody")
	}
}

func script(t *testing.T, text string) string {
	t.Helper()
	if _, err := os.Stat("/bin/sh"); err != nil {
		t.Skip("there is no /bin/sh to write a command with")
	}
	name := filepath.Join(t.TempDir(), "hook")
	if err := os.WriteFile(name, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestCommand(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	m := message("$(touch /never) ; `id`")
	hook := script(t, `cat > "$1"; echo "$2|$ENTENTE_KEY|$HOME" >> "$1"`)
	if err := (&Command{Argv: []string{hook, out, "$(id) ;"}}).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	first, rest, _ := strings.Cut(string(text), "\n")
	var back Message
	if err := json.Unmarshal([]byte(first), &back); err != nil || back.Text != m.Text || rest != "$(id) ;|"+m.Key+"|\n" {
		t.Errorf("%s %v", text, err)
	}
	if err := (&Command{Argv: []string{script(t, "echo it is broken; exit 3")}}).Send(t.Context(), m); err == nil || !strings.Contains(err.Error(), "it is broken") {
		t.Errorf("%v", err)
	}
	began := time.Now()
	if err := (&Command{Argv: []string{script(t, "sleep 60 & sleep 60")}, Time: 200 * time.Millisecond}).Send(t.Context(), m); err == nil || time.Since(began) > 20*time.Second {
		t.Errorf("a command that hangs: %v after %s", err, time.Since(began))
	}
	if err := (&Command{Argv: []string{script(t, "cat >/dev/null; head -c 1000000 /dev/zero | tr '\\0' x; exit 1")}}).Send(t.Context(), m); err == nil || len(err.Error()) > 1000 {
		t.Errorf("a command that talks: %d bytes of an error", len(err.Error()))
	}
	if (&Command{Argv: []string{"/no/such/command"}}).Send(t.Context(), m) == nil {
		t.Error("a command that is not there took a message")
	}
}
