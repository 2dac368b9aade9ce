//go:build unix

package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	bigint "math/big"
	mrand "math/rand/v2"
	"net"
	"net/mail"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"entente/internal/api"
	"entente/internal/node"
)

// What a mail server does with the message of a connection.
const (
	fateTake    = iota // takes it and says so
	fateTorn           // goes away in the middle of it: the message is lost
	fateSilent         // takes it and goes away without a word
	fateKilled         // takes it, and the node is killed before it hears so
	fateKillDue        // takes it and says so, and the node is killed within moments
)

// letter is a message that a mail server has taken.
type letter struct{ id, text string }

// postOffice is a mail server that speaks TLS and is not to be relied upon.
type postOffice struct {
	t        *testing.T
	listener net.Listener
	implicit bool
	wg       sync.WaitGroup

	mu      sync.Mutex
	cert    tls.Certificate
	fates   []int // of the next connections that bring a message; then fateTake
	kill    func(soon bool)
	letters []letter
	greeted int // connections that got as far as MAIL
}

func newPostOffice(t *testing.T, implicit bool) *postOffice {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &postOffice{t: t, listener: l, implicit: implicit}
	s.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.wg.Go(func() { s.serve(c) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); s.wg.Wait() })
	return s
}

func (s *postOffice) config() *tls.Config {
	return &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		c := s.cert
		return &c, nil
	}}
}

func (s *postOffice) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	secure := s.implicit
	if s.implicit {
		c = tls.Server(c, s.config())
	}
	in := bufio.NewReader(c)
	say := func(line string) { _, _ = io.WriteString(c, line+"\r\n") }
	say("220 post.example ESMTP")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		verb, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch strings.ToUpper(verb) {
		case "EHLO":
			say("250-post.example")
			if !secure {
				say("250-STARTTLS")
			}
			say("250 8BITMIME")
		case "STARTTLS":
			say("220 go on")
			c = tls.Server(c, s.config())
			in, secure = bufio.NewReader(c), true
		case "MAIL":
			if !secure {
				s.t.Error("a message was about to go in the clear")
			}
			s.mu.Lock()
			s.greeted++
			s.mu.Unlock()
			say("250 ok")
		case "DATA":
			say("354 go on")
			if !s.take(in, say) {
				return
			}
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

// take reads a message and does with it as fate has it; false: the connection is over.
func (s *postOffice) take(in *bufio.Reader, say func(string)) bool {
	s.mu.Lock()
	fate := fateTake
	if len(s.fates) > 0 {
		fate, s.fates = s.fates[0], s.fates[1:]
	}
	s.mu.Unlock()
	var b strings.Builder
	for lines := 0; ; lines++ {
		if fate == fateTorn && lines == 5 {
			return false
		}
		l, err := in.ReadString('\n')
		if err != nil {
			return false
		}
		if l == ".\r\n" {
			break
		}
		b.WriteString(strings.TrimPrefix(l, "."))
	}
	m, err := mail.ReadMessage(strings.NewReader(b.String()))
	if err != nil {
		s.t.Error(err)
		return false
	}
	text, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, m.Body))
	if err != nil {
		s.t.Error(err)
	}
	s.mu.Lock()
	s.letters = append(s.letters, letter{m.Header.Get("Message-Id"), string(text)})
	s.mu.Unlock()
	switch fate {
	case fateSilent:
		return false
	case fateKilled:
		s.kill(false)
		_, _ = io.Copy(io.Discard, in) // until it is no more
		return false
	case fateKillDue:
		say("250 taken")
		s.kill(true)
		return false
	}
	say("250 taken")
	return true
}

// next says what becomes of the next messages.
func (s *postOffice) next(fates ...int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fates = append(s.fates, fates...)
}

// got are the letters that name a request: their ids, each once, and how many there were.
func (s *postOffice) got(request string) (ids map[string]bool, copies int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids = map[string]bool{}
	for _, l := range s.letters {
		if strings.Contains(l.text, request) {
			ids[l.id] = true
			copies++
		}
	}
	return ids, copies
}

// vouched makes an authority and a certificate by it for a host.
func vouched(t *testing.T, host string) (ca string, cert tls.Certificate) {
	t.Helper()
	make := func(template, parent *x509.Certificate, signer *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if signer == nil {
			parent, signer = template, key
		}
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
		der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
		if err != nil {
			t.Fatal(err)
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return c, key
	}
	root, rootKey := make(&x509.Certificate{SerialNumber: bigint.NewInt(1), Subject: pkix.Name{CommonName: "an authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, nil, nil)
	leaf := &x509.Certificate{SerialNumber: bigint.NewInt(2), Subject: pkix.Name{CommonName: host}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	if ip := net.ParseIP(host); ip != nil {
		leaf.IPAddresses = []net.IP{ip}
	} else {
		leaf.DNSNames = []string{host}
	}
	made, key := make(leaf, root, rootKey)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw})), tls.Certificate{Certificate: [][]byte{made.Raw}, PrivateKey: key}
}

// TestMailOnceAcrossKills: a request that arrives is told over mail servers that speak STARTTLS and TLS from the first byte,
// while they have a wrong certificate, go away in the middle of a message or after it, and while the node is killed for good
// at the worst moments. Each is told once; where the message was taken and nobody here can know, it comes again as the
// same message, by its Message-ID, whatever else was due meanwhile.
func TestMailOnceAcrossKills(t *testing.T) {
	t.Parallel() // most of it is waiting
	if testing.Short() {
		t.Skip("SKIPPED with -short: two real nodes, one of them killed again and again")
	}
	exe, dir := program(t)
	north := newServed(t, exe, dir, "North", "", freePort(t))
	south := newServed(t, exe, dir, "South", "", freePort(t))
	south.configure("language: \"\"", "language: \"\"\nnotify:\n  every: 1s\n")
	north.start()
	south.start()
	pair(t, north, south)

	ca, cert := vouched(t, "127.0.0.1")
	_, elsewhere := vouched(t, "127.0.0.1")
	sameCA, otherHost := vouched(t, "post.example")
	offices := map[string]*postOffice{"starttls": newPostOffice(t, false), "implicit": newPostOffice(t, true)}
	killed := make(chan bool, 16)
	for _, s := range offices {
		s.cert = elsewhere
		s.kill = func(soon bool) { killed <- soon }
	}
	recipients := 0
	set := func(ca string) { // a channel that is another now is tried at once
		t.Helper()
		recipients = recipients%30 + 1
		to := []string{}
		for i := range recipients {
			to = append(to, fmt.Sprintf("duty%d@south.example", i))
		}
		for name, s := range offices {
			south.call("notify.set", node.NotifySetRequest{Channel: name, Kind: "mail", Server: s.listener.Addr().String(), TLS: name, CA: ca, From: "node@south.example", To: to}, nil)
		}
	}
	set(ca)
	request := func() string {
		t.Helper()
		var r api.RequestNewResponse
		north.call("request.new", node.RequestNewRequest{Type: "information", Urgency: "urgent", Title: "Who?", Text: "x", Fields: map[string]string{"subject": "host", "purpose": "case-17"}}, &r)
		return r.Request.Short
	}
	notice := func(short string) (node.NotifyView, error) {
		var list node.NotifyListResponse
		if err := south.api.Call(t.Context(), "notify.list", node.NotifyListRequest{}, &list); err != nil {
			return node.NotifyView{}, err
		}
		for _, e := range list.Events {
			if e.Need != nil && e.Need.Short == short {
				return e, nil
			}
		}
		return node.NotifyView{}, errNotYet
	}
	failed := func(short, with string) {
		t.Helper()
		eventuallySoon(t, "both channels have failed: "+with, func() error {
			e, err := notice(short)
			if err != nil {
				return err
			}
			n := 0
			for _, x := range e.Sent {
				if x.Done.IsZero() && x.Tries > 0 && strings.Contains(x.Error, with) {
					n++
				}
			}
			if n != len(offices) {
				return fmt.Errorf("%+v", e.Sent)
			}
			return nil
		})
	}
	told := func(short string) {
		t.Helper()
		eventuallySoon(t, "told over both channels", func() error {
			e, err := notice(short)
			if err != nil {
				return err
			}
			n := 0
			for _, x := range e.Sent {
				if !x.Done.IsZero() {
					n++
				}
			}
			if n != len(offices) {
				return fmt.Errorf("%+v", e.Sent)
			}
			return nil
		})
	}
	all := func(fates ...int) {
		for _, s := range offices {
			s.next(fates...)
		}
	}

	// A certificate of another authority, then one for another host: nothing is said to that server, not even who writes.
	first := request()
	failed(first, "certificate")
	for _, s := range offices {
		s.mu.Lock()
		s.cert = otherHost
		s.mu.Unlock()
	}
	set(sameCA)
	failed(first, "certificate")
	for name, s := range offices {
		s.mu.Lock()
		if s.greeted > 0 {
			t.Errorf("%s: with a wrong certificate it was told who writes", name)
		}
		s.cert = cert
		s.mu.Unlock()
	}
	set(ca)
	told(first)

	// It goes away in the middle of a message: that one is lost, and comes again.
	all(fateTorn)
	torn := request()
	failed(torn, "")
	set(ca)
	told(torn)

	// It has the message and goes away without a word; meanwhile something else is due. What may be there already comes again as
	// the same message, and the other one in a message of its own.
	all(fateSilent)
	silent := request()
	failed(silent, "not known whether")
	all(fateTake, fateTake)
	beside := request()
	told(beside)
	set(ca)
	told(silent)

	// The node is killed once a server has the message and before it hears so, and just after.
	certain := []string{first, torn, beside}
	again := []string{silent}
	rng := mrand.New(mrand.NewPCG(1, 5))
	for i := range 4 { // more would be more than ten messages an hour, and a channel has rest then
		fate := []int{fateKilled, fateKillDue}[i%2]
		for name, s := range offices {
			if (name == "implicit") == (i/2%2 == 0) {
				s.next(fate)
			}
		}
		short := request()
		if soon := <-killed; soon {
			time.Sleep(time.Duration(rng.Int64N(int64(5 * time.Millisecond)))) // a moment that is not known: it is drawn, and nothing is asserted on it
		}
		south.kill(syscall.SIGKILL)
		south.start()
		told(short)
		again = append(again, short)
	}
	last := request() // whatever was still to come has come with it
	told(last)
	certain = append(certain, last)
	for name, s := range offices {
		for _, short := range append(certain, again...) {
			if ids, copies := s.got(short); len(ids) != 1 || copies > 2 {
				t.Errorf("%s: %s came %d times, as %d messages", name, short, copies, len(ids))
			}
		}
		for _, short := range certain {
			if _, copies := s.got(short); copies != 1 {
				t.Errorf("%s: %s came %d times, and the server had said that it has it", name, short, copies)
			}
		}
		if _, copies := s.got(silent); copies != 2 {
			t.Errorf("%s: the message after which it was silent came %d times", name, copies)
		}
	}
	same(t, north, south)
}
