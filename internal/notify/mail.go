package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"strings"
	"time"
)

// How a mail server is spoken to.
const (
	StartTLS = "starttls" // RFC 3207; without it nothing is sent
	Implicit = "implicit" // TLS from the first byte, RFC 8314
	NoTLS    = "none"     // only to this machine
)

// heard is a connection of which so many bytes are read and no more: a server could make a line of its answer as long as it likes.
type heard struct {
	net.Conn
	left int
}

func (h *heard) Read(p []byte) (int, error) {
	if h.left <= 0 {
		return 0, errors.New("the mail server says more than is listened to")
	}
	n, err := h.Conn.Read(p[:min(len(p), h.left)])
	h.left -= n
	return n, err
}

// Mail sends a message over SMTP (RFC 5321).
type Mail struct {
	Address        string // host:port
	TLS            string // StartTLS, Implicit or NoTLS
	User, Password string // "" : no authentication
	From           string
	To             []string
	Roots          *x509.CertPool // nil: those of the machine
	Now            func() time.Time
}

// Check says what is wrong with the settings.
func (m *Mail) Check() error {
	host, _, err := net.SplitHostPort(m.Address)
	switch {
	case err != nil || host == "":
		return fmt.Errorf("notify: the mail server %q is not host:port", m.Address)
	case m.TLS != StartTLS && m.TLS != Implicit && m.TLS != NoTLS:
		return fmt.Errorf("notify: tls is %q; it is starttls, implicit or none", m.TLS)
	case m.TLS == NoTLS && !loopback(host):
		return errors.New("notify: mail goes without TLS only to this machine")
	case len(m.To) == 0 || len(m.To) > 32:
		return errors.New("notify: mail goes to 1 to 32 addresses")
	case (m.User == "") != (m.Password == ""):
		return errors.New("notify: user and password go together")
	}
	for _, a := range append([]string{m.From}, m.To...) {
		if p, err := mail.ParseAddress(a); err != nil || p.Name != "" || strings.ContainsAny(a, "\r\n") {
			return fmt.Errorf("notify: %q is no mail address", clip(a, 100))
		}
	}
	return nil
}

// Send implements [Channel]. The server has taken the message when it has answered its end with 250.
func (m *Mail) Send(ctx context.Context, msg Message) error {
	if err := m.Check(); err != nil {
		return err
	}
	host, _, _ := net.SplitHostPort(m.Address)
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	d := net.Dialer{}
	if m.TLS == NoTLS {
		d.Control = onlyLoopback
	}
	conn, err := d.DialContext(ctx, "tcp", m.Address)
	if err != nil {
		return fmt.Errorf("notify: mail server: %w", err)
	}
	conn = &heard{conn, maxMailAnswers}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) }) // whatever is under way ends
	defer stop()
	secure := &tls.Config{ServerName: host, RootCAs: m.Roots, MinVersion: tls.VersionTLS12}
	if m.TLS == Implicit {
		conn = tls.Client(conn, secure)
	}
	return m.over(conn, host, secure, msg)
}

// over speaks with a mail server over a connection, and closes it.
func (m *Mail) over(conn net.Conn, host string, secure *tls.Config, msg Message) error {
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		_ = conn.Close() // it said nothing that could be answered
		return fmt.Errorf("notify: mail server: %w", err)
	}
	defer func() { _ = c.Close() }() // after QUIT there is nothing to lose
	if m.TLS == StartTLS {
		if err := c.StartTLS(secure); err != nil {
			return fmt.Errorf("notify: mail server: STARTTLS: %w", err)
		}
	}
	if m.User != "" {
		if err := c.Auth(smtp.PlainAuth("", m.User, m.Password, host)); err != nil {
			return fmt.Errorf("notify: mail server: authentication: %w", err)
		}
	}
	if err := c.Mail(m.From); err != nil {
		return fmt.Errorf("notify: mail server: sender: %w", err)
	}
	for _, to := range m.To {
		if err := c.Rcpt(to); err != nil {
			return fmt.Errorf("notify: mail server: recipient %s: %w", to, err)
		}
	}
	w, err := c.Data()
	if err != nil {
		return fmt.Errorf("notify: mail server: %w", err)
	}
	if _, err := w.Write(m.text(msg)); err != nil {
		return fmt.Errorf("notify: mail server: %w", err)
	}
	if err := w.Close(); err != nil {
		if _, answered := errors.AsType[*textproto.Error](err); !answered {
			return fmt.Errorf("notify: mail server: %w", fmt.Errorf("%w: %w", ErrUncertain, err))
		}
		return fmt.Errorf("notify: mail server did not take it: %w", err)
	}
	_ = c.Quit() // it has the message already
	return nil
}

// text is the message as RFC 5322 and 2045 have it. Its Message-ID is made from the key, so that a mailbox
// shows one that came twice once.
func (m *Mail) text(msg Message) []byte {
	domain := "entente.invalid"
	if _, d, ok := strings.Cut(m.From, "@"); ok {
		domain = d
	}
	var b bytes.Buffer
	for _, h := range [][2]string{{"From", m.From}, {"To", strings.Join(m.To, ", ")}, {"Subject", mime.BEncoding.Encode("utf-8", oneLine(msg.Subject))},
		{"Date", m.Now().Format("Mon, 02 Jan 2006 15:04:05 -0700")}, {"Message-ID", "<" + msg.Key + "@" + domain + ">"}, {"Auto-Submitted", "auto-generated"},
		{"Content-Language", msg.Lang}, {"MIME-Version", "1.0"}, {"Content-Type", "text/plain; charset=utf-8"}, {"Content-Transfer-Encoding", "base64"}} {
		b.WriteString(h[0] + ": " + h[1] + "\r\n")
	}
	b.WriteString("\r\n")
	coded := base64.StdEncoding.EncodeToString([]byte(msg.Text + "\n"))
	for len(coded) > 0 {
		n := min(76, len(coded))
		b.WriteString(coded[:n] + "\r\n")
		coded = coded[n:]
	}
	return b.Bytes()
}

func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}
