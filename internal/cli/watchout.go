package cli

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"entente/internal/notify"
	"entente/internal/watch/outlet"
	"entente/internal/watch/sighting"
)

const (
	// maxOutFile is the largest file of a secret or of certificates for receivers, in bytes.
	maxOutFile = 1 << 20
	// minOutSecret is the shortest secret that messages are signed with, in bytes.
	minOutSecret = 16
	// maxRefusedFile is the largest file of messages that receivers refuse, in bytes.
	maxRefusedFile = 16 << 20
	// outWait is how long at the end of a watch receivers are given to take what waits.
	outWait = 30 * time.Second
)

// outFlags are the flags of watch that are about receivers of what it sees.
type outFlags struct {
	toSyslog, toWebhook, toSecret, toCA string
	toLines                             bool

	roots  *x509.CertPool // nil: those of the system
	secret []byte
}

func (f *outFlags) register(x *pflag.FlagSet) {
	x.StringVar(&f.toSyslog, "to-syslog", "", "tell each sighting to udp://HOST:PORT, tcp://HOST:PORT or tls://HOST:PORT (RFC 5424)")
	x.StringVar(&f.toWebhook, "to-webhook", "", "post sightings as JSON (ECS) to this URL: https, or http to this machine")
	x.StringVar(&f.toSecret, "to-secret-file", "", "a file with the secret that posts to --to-webhook are signed with, at least 16 bytes")
	x.StringVar(&f.toCA, "to-ca", "", "certificates in PEM that those of receivers are signed with (default: those of the system)")
	x.BoolVar(&f.toLines, "to-lines", false, "send lines of the logs, too: otherwise none is sent")
}

// outs are the receivers of what a watch sees.
type outs struct {
	syslog, webhook *outlet.Outlet // nil: there is none
	list            []*outlet.Outlet
}

// check says what is wrong with the flags, and reads the files that they name.
func (f *outFlags) check() error {
	if f.toSyslog != "" {
		kind, address, ok := strings.Cut(f.toSyslog, "://")
		host, port, err := net.SplitHostPort(address)
		if !ok || kind != "udp" && kind != "tcp" && kind != "tls" || err != nil || host == "" || port == "" {
			return usage("usage.not-form", "flag", "--to-syslog", "value", f.toSyslog, "form", "udp://HOST:PORT, tcp://HOST:PORT, tls://HOST:PORT")
		}
	}
	switch {
	case f.toWebhook != "" && notify.CheckURL(f.toWebhook) != nil:
		return usage("usage.not-form", "flag", "--to-webhook", "value", redacted(f.toWebhook), "form", "https://HOST/hook, http://127.0.0.1")
	case (f.toWebhook == "") != (f.toSecret == ""):
		return usage("usage.only-with", "flags", "--to-webhook, --to-secret-file", "with", "--to-secret-file, --to-webhook")
	case f.toSyslog == "" && f.toWebhook == "" && (f.toCA != "" || f.toLines):
		return usage("usage.only-with", "flags", "--to-ca, --to-lines", "with", "--to-syslog, --to-webhook")
	}
	if f.toCA != "" {
		text, err := readSmall(f.toCA, maxOutFile, false)
		if err != nil {
			return err
		}
		if f.roots = x509.NewCertPool(); !f.roots.AppendCertsFromPEM(text) {
			return usage("usage.no-certificates", "flag", "--to-ca", "file", f.toCA)
		}
	}
	if f.toSecret != "" {
		text, err := readSmall(f.toSecret, maxOutFile, true)
		if err != nil {
			return err
		}
		f.secret = bytes.TrimSpace(text)
		if len(f.secret) < minOutSecret || bytes.ContainsAny(f.secret, "\r\n") {
			return usage("usage.short-secret", "file", f.toSecret)
		}
	}
	return nil
}

// redacted is an address without what may be a secret in it.
func redacted(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "..."
	}
	return u.Scheme + "://" + u.Host + "/..."
}

// openOuts makes the receivers that the flags name. What a file of positions holds has been read by then.
func (w *watching) openOuts() {
	f := w.f.outFlags
	open := func(kind, address string, s outlet.Sender) *outlet.Outlet {
		o := outlet.New(s, outlet.Options{Key: outlet.KeyOf(address), Secret: w.secret, Now: w.a.now, Aside: func(m outlet.Message, why error) { w.setAside(kind, m, why) }, Tell: func(err error) {
			p := w.a.printer()
			p.say("", "ui.watch-out", "kind", kind, "why", p.tell(err.Error()))
			if w.bar != nil {
				w.bar.done()
			}
			if err := w.note(p); err != nil {
				w.err = err
			}
		}})
		w.outs.list = append(w.outs.list, o)
		return o
	}
	if f.toSyslog != "" {
		kind, address, _ := strings.Cut(f.toSyslog, "://")
		host, err := os.Hostname()
		if err != nil {
			host = "" // the header says that it is not known
		}
		w.outs.syslog = open("syslog", f.toSyslog, &outlet.Syslog{Network: kind, Address: address, Host: host, Lines: f.toLines, TLS: &tls.Config{RootCAs: f.roots, MinVersion: tls.VersionTLS12}})
	}
	if f.toWebhook != "" {
		w.outs.webhook = open("webhook", f.toWebhook, &outlet.Webhook{Lines: f.toLines, To: &notify.Webhook{URL: f.toWebhook, Secret: f.secret, Roots: f.roots, Now: w.a.now}})
	}
	for _, s := range w.table.All() {
		for key := range s.Sent {
			if !w.outs.knows(key) {
				delete(s.Sent, key) // a receiver that is named again is told all
			}
		}
		for key := range s.Aside {
			if !w.outs.knows(key) {
				delete(s.Aside, key)
			}
		}
		w.outs.add(s)
	}
}

// refusedMessage is a message that a receiver refuses, as it is kept for people: a JSON object on a line of its own.
type refusedMessage struct {
	Time     time.Time `json:"time"`
	Receiver string    `json:"receiver"` // syslog or webhook
	Why      string    `json:"why"`
	ID       string    `json:"id"`
	Message  string    `json:"message"` // as it was sent
}

// setAside tells of a message that a receiver refuses, and keeps it beside the positions as far as there is room.
func (w *watching) setAside(kind string, m outlet.Message, why error) {
	p := w.a.printer()
	args := []any{"kind", kind, "why", p.tell(why.Error()), "id", m.ID}
	err := errors.New("without --position")
	if file := w.f.position + ".refused"; w.f.position != "" {
		if err = keepRefused(file, refusedMessage{w.a.now().UTC(), kind, why.Error(), m.ID, string(m.Text)}); err == nil {
			p.say("", "ui.watch-out-aside", append(args, "file", file)...)
		}
	}
	if err != nil {
		p.say("", "ui.watch-out-refused", append(args, "reason", p.tell(err.Error()))...)
	}
	if w.bar != nil {
		w.bar.done()
	}
	if _, err := io.WriteString(w.a.err, p.String()); err != nil {
		w.err = err
	}
}

// keepRefused adds a message to a file of those that were refused.
func keepRefused(file string, m refusedMessage) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil && info.Size()+int64(len(text)) >= maxRefusedFile {
		err = fmt.Errorf("%s is full", file)
	}
	if err == nil {
		_, err = f.Write(append(text, '\n'))
	}
	return errors.Join(err, f.Close())
}

func (o *outs) knows(key string) bool {
	for _, x := range o.list {
		if x.Key() == key {
			return true
		}
	}
	return false
}

// add notes a sighting that is new or grew; nil: there was no room for it.
func (o *outs) add(s *sighting.Sighting) {
	if s == nil {
		return
	}
	for _, x := range o.list {
		x.Add(s)
	}
}

// owes tells whether a receiver does not have a sighting as it is.
func (o *outs) owes(s *sighting.Sighting) bool {
	for _, x := range o.list {
		if x.Owes(s) {
			return true
		}
	}
	return false
}

// tellOuts sends what waits, if it is time to.
func (w *watching) tellOuts() {
	for _, x := range w.outs.list {
		if x.Turn(context.Background()) { // each attempt is bounded
			w.reader.Touch()
		}
	}
}

// tellOutsLast sends the rest: the watch is over. What is not taken in time is told, and with --position waits for the next run.
func (w *watching) tellOutsLast(ctx context.Context) error {
	if len(w.outs.list) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), outWait)
	defer cancel()
	var err error
	for _, x := range w.outs.list {
		if !errors.Is(x.Flush(ctx), outlet.ErrWaits) {
			continue
		}
		p := w.a.printer()
		kind, key := "webhook", "ui.watch-out-lost"
		if x == w.outs.syslog {
			kind = "syslog"
		}
		if w.f.position != "" {
			key = "ui.watch-out-waits"
		}
		p.say("", key, "kind", kind, "n", p.number(x.Stats().Waiting))
		_, werr := w.a.err.Write([]byte(p.String()))
		err = errors.Join(err, werr)
		w.a.code = exitFailed
	}
	w.reader.Touch()
	w.measure()
	return errors.Join(err, w.reader.Save())
}
