package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os/exec"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

// Bounds of a channel.
const (
	sendTime  = 20 * time.Second // for one message over the network
	maxAnswer = 64 << 10         // bytes of an answer, or of a command's output, that are read
	// maxMailAnswers bounds all that a mail server says while it takes a message, in bytes, with TLS.
	maxMailAnswers = 1 << 20
	maxCommand     = 30 * time.Second // for one run of a command
)

// ErrUncertain marks an attempt after which nobody here knows whether the other end took the message: it had all of it, and
// did not answer. Any other error says that it did not.
var ErrUncertain = errors.New("it is not known whether the message was taken")

// Channel sends messages. Send returns nil once the other end has taken the message. Errors: ErrUncertain.
type Channel interface {
	Send(ctx context.Context, m Message) error
}

// Signature headers of a webhook.
const (
	HeaderTimestamp = "Entente-Timestamp" // seconds since 1970, when it was signed
	HeaderSignature = "Entente-Signature" // v1= and the HMAC-SHA256 of timestamp, ".", body; hex
	HeaderKey       = "Idempotency-Key"   // Message.Key
)

// Webhook posts a message as JSON.
type Webhook struct {
	URL    string
	Secret []byte         // signs; at least 16 bytes
	Roots  *x509.CertPool // nil: those of the machine
	Now    func() time.Time
}

// CheckURL says what is wrong with the address of a webhook: it has to be https, or http to this machine.
func CheckURL(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return fmt.Errorf("notify: the address of the webhook cannot be read: %w", err)
	case u.Host == "" || u.User != nil || u.Fragment != "":
		return errors.New("notify: the address of a webhook has a host, and neither a user nor a fragment")
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	}
	return errors.New("notify: a webhook is https, or http to this machine (127.0.0.1, ::1, localhost)")
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// onlyLoopback refuses a connection to another machine, whatever a name resolved to.
func onlyLoopback(_, address string, _ syscall.RawConn) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil || !net.ParseIP(host).IsLoopback() {
		return fmt.Errorf("notify: %s is not this machine, and the connection is not encrypted", address)
	}
	return nil
}

// Sign returns the signature of a body at a time, as HeaderSignature carries it.
func Sign(secret []byte, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(timestamp + "."))
	mac.Write(body)
	return "v1=" + hex.EncodeToString(mac.Sum(nil))
}

// Send implements [Channel].
func (w *Webhook) Send(ctx context.Context, m Message) error {
	body, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("notify: message: %w", err)
	}
	return w.Post(ctx, m.Key, body)
}

// Post signs and posts a body of JSON; key is what the receiver tells repeats by. It follows no redirect and uses no proxy. It
// returns nil once the other end has taken it. Errors: ErrUncertain.
func (w *Webhook) Post(ctx context.Context, key string, body []byte) error {
	if err := CheckURL(w.URL); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("notify: webhook: %w", err)
	}
	stamp := strconv.FormatInt(w.Now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "entente")
	req.Header.Set(HeaderTimestamp, stamp)
	req.Header.Set(HeaderSignature, Sign(w.Secret, stamp, body))
	req.Header.Set(HeaderKey, key)
	d := net.Dialer{Timeout: sendTime}
	if req.URL.Scheme == "http" {
		d.Control = onlyLoopback
	}
	t := &http.Transport{DialContext: d.DialContext, TLSClientConfig: &tls.Config{RootCAs: w.Roots, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true, ForceAttemptHTTP2: true,
		MaxResponseHeaderBytes: maxAnswer}
	var wrote atomic.Bool // the other end may have all of it
	c := http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := c.Do(req.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(w httptrace.WroteRequestInfo) { wrote.Store(w.Err == nil) }})))
	if err != nil && wrote.Load() {
		return fmt.Errorf("notify: webhook: %w", fmt.Errorf("%w: %w", ErrUncertain, err))
	}
	if err != nil {
		return fmt.Errorf("notify: webhook: %w", err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer)) // what it says beyond its status is nobody's business here
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fmt.Errorf("notify: %w", &AnswerError{resp.StatusCode})
	}
	return nil
}

// AnswerError is that a webhook answered with another status than 2xx.
type AnswerError struct{ Status int }

func (e *AnswerError) Error() string { return fmt.Sprintf("the webhook answered %d", e.Status) }

// Command runs a program with the message as JSON on its standard input. No shell is involved, and
// nothing of a message is in its arguments.
type Command struct {
	Argv []string      // the first is an absolute path
	Time time.Duration // at most; 0: 30 s
}

// Send implements [Channel]. The command has taken the message when it exits with 0.
func (c *Command) Send(ctx context.Context, m Message) error {
	body, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("notify: message: %w", err)
	}
	limit := c.Time
	if limit <= 0 || limit > maxCommand {
		limit = maxCommand
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.Argv[0], c.Argv[1:]...) //nolint:gosec // the operator's own configuration
	out := &bounded{most: maxAnswer}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(append(body, '\n')), out, out
	cmd.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "ENTENTE_KEY=" + m.Key, "ENTENTE_KIND=" + m.Event.Kind}
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("it took longer than %s: %w", limit, err)
		}
		return fmt.Errorf("notify: command %s: %w: %s", c.Argv[0], err, clip(string(out.text), 200))
	}
	return nil
}

// bounded keeps the beginning of what is written and drops the rest.
type bounded struct {
	text []byte
	most int
}

func (b *bounded) Write(p []byte) (int, error) {
	if room := b.most - len(b.text); room > 0 {
		b.text = append(b.text, p[:min(room, len(p))]...)
	}
	return len(p), nil
}
