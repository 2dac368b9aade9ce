package cli

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"

	"github.com/spf13/pflag"

	"entente/internal/watch/input"
)

// listenFlags are the flags of watch that are about what is sent to it.
type listenFlags struct {
	syslog, dnstap  []string
	http            string
	tlsCert, tlsKey string
}

func (f *listenFlags) register(x *pflag.FlagSet) {
	x.StringArrayVar(&f.syslog, "syslog", nil, "take syslog at udp://HOST:PORT, tcp://HOST:PORT or tls://HOST:PORT (again for more)")
	x.StringArrayVar(&f.dnstap, "dnstap", nil, "take dnstap of DNS servers at unix:///PATH, tcp://HOST:PORT or tls://HOST:PORT (again for more)")
	x.StringVar(&f.http, "http", "", "take lines by HTTP POST at HOST:PORT")
	x.StringVar(&f.tlsCert, "tls-certificate", "", "the certificate for tls:// in PEM")
	x.StringVar(&f.tlsKey, "tls-key", "", "its key in PEM")
}

// listens tells whether something is taken that is sent.
func (f *listenFlags) listens() bool { return len(f.syslog)+len(f.dnstap) > 0 || f.http != "" }

// check says what is wrong with the flags.
func (f *listenFlags) check() error {
	secure := func(kind, flag, address string) error {
		if kind == "tls" && (f.tlsCert == "" || f.tlsKey == "") {
			return usage("usage.listen-tls", "flag", flag, "address", address)
		}
		return nil
	}
	for _, s := range f.syslog {
		kind, address, ok := strings.Cut(s, "://")
		if !ok || kind != "udp" && kind != "tcp" && kind != "tls" || address == "" {
			return usage("usage.not-form", "flag", "--syslog", "value", s, "form", "udp://HOST:PORT, tcp://HOST:PORT, tls://HOST:PORT")
		}
		if err := secure(kind, "--syslog", s); err != nil {
			return err
		}
	}
	for _, s := range f.dnstap {
		kind, address, ok := strings.Cut(s, "://")
		if !ok || kind != "unix" && kind != "tcp" && kind != "tls" || address == "" || kind == "unix" && !filepath.IsAbs(address) {
			return usage("usage.not-form", "flag", "--dnstap", "value", s, "form", "unix:///PATH, tcp://HOST:PORT, tls://HOST:PORT")
		}
		if err := secure(kind, "--dnstap", s); err != nil {
			return err
		}
	}
	return nil
}

// listen opens the listeners; nil if there are none.
func (w *watching) listen(ctx context.Context, wg *sync.WaitGroup) (<-chan input.Message, error) {
	f := w.f
	if f.metrics != "" {
		if err := w.serveMetrics(ctx, wg); err != nil {
			return nil, err
		}
	}
	if !f.listens() {
		return nil, nil
	}
	out := make(chan input.Message, 256)
	var config *tls.Config
	if f.tlsCert != "" {
		pair, err := tls.LoadX509KeyPair(f.tlsCert, f.tlsKey)
		if err != nil {
			return nil, fmt.Errorf("--tls-certificate: %w", err)
		}
		config = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	start := func(kind string, run func(ready func(net.Addr)) error) error {
		up, down := make(chan net.Addr, 1), make(chan error, 1)
		wg.Go(func() {
			began := false
			err := run(func(at net.Addr) { began = true; up <- at })
			if err != nil && began { // what never began is told by who waits for it
				w.tellLater(kind, err)
			}
			down <- err
		})
		select {
		case at := <-up:
			p := w.a.printer()
			p.say("", "ui.watch-listening", "kind", kind, "address", at.String())
			return w.note(p)
		case err := <-down:
			return err
		}
	}
	for _, s := range f.syslog {
		kind, address, _ := strings.Cut(s, "://")
		if w.syslog == nil {
			w.syslog = &input.Syslog{Out: out, TLS: config, Tell: func(err error) { w.tellLater("syslog", err) }}
		}
		if err := start("syslog "+kind, func(ready func(net.Addr)) error { return w.syslog.Listen(ctx, kind, address, ready) }); err != nil {
			return nil, err
		}
	}
	for _, s := range f.dnstap {
		kind, address, _ := strings.Cut(s, "://")
		if w.taps == nil {
			w.taps = &input.Taps{Out: out, TLS: config, Tell: func(err error) { w.tellLater("dnstap", err) }}
		}
		if err := start("dnstap "+kind, func(ready func(net.Addr)) error { return w.taps.Listen(ctx, kind, address, ready) }); err != nil {
			return nil, err
		}
	}
	if f.http != "" {
		if err := start("http", func(ready func(net.Addr)) error { return input.HTTP(ctx, f.http, out, ready) }); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// tellLater tells why a listener ended, from its own goroutine.
func (w *watching) tellLater(kind string, err error) {
	fmt.Fprintf(w.a.err, "entente: %s: %s\n", kind, cleanLine(err.Error()))
}
