package peer

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"entente/journal"

	"github.com/go-json-experiment/json"
)

// ErrUnreachable marks that no address of the peer answered.
var ErrUnreachable = errors.New("the peer cannot be reached at any of its addresses")

// StatusError is an answer that is not a packet: the peer refused the exchange as
// a whole. Its Refusal says why, as far as the peer said.
type StatusError struct {
	Status  int
	Refusal Refusal
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("the peer answered with status %d: %s", e.Status, e.Refusal.Error())
}

// Unwrap gives the refusal.
func (e *StatusError) Unwrap() error { return &e.Refusal }

// Target is a peer and the unit to talk about.
type Target struct {
	Party journal.PartyID
	Unit  journal.UnitID
	// Addresses are host:port, tried in order.
	Addresses []string
	// Pins are the peer's present TLS keys.
	Pins []journal.Hash
}

// ClientParams are what a Client is made from. Dial may be nil.
type ClientParams struct {
	Self    journal.PartyID
	Cert    tls.Certificate
	Backend Backend
	Limits  Limits
	Now     func() time.Time
	Log     *slog.Logger
	// Certificate is asked at each connection for the certificate to show; nil: Cert.
	Certificate func() (*tls.Certificate, error)
	// Dial opens connections; when nil, a net.Dialer with a 10 s timeout that gives connections up on which nothing was heard for 20 s (Linux).
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// KeyLog, where a test sets it, gets the secrets of every connection, so that what
	// went over the wire can be read: see crypto/tls.Config.KeyLogWriter. Nothing else
	// sets it.
	KeyLog io.Writer
}

// Client opens exchanges with other nodes. It is safe for concurrent use. Two syncs with
// one party in one unit wait for each other; those in several units take turns, round by
// round, because the party answers one exchange of ours at a time.
type Client struct {
	p ClientParams

	mu     sync.Mutex
	peers  map[peerKey]*peerLine
	rounds map[journal.PartyID]chan struct{} // of each party one token: whoever has it may ask the party for an exchange

	openMu sync.Mutex   // taken by connections as they close, also while mu is held
	open   []*heardConn // oldest first
}

type peerKey struct {
	party journal.PartyID
	unit  journal.UnitID
}

// peerLine is what a client keeps about one peer between syncs.
type peerLine struct {
	turn      chan struct{} // holds one token: whoever has it may sync
	round     chan struct{} // that of the party
	mu        sync.Mutex
	pins      []journal.Hash
	shown     journal.Hash // pin of the own key when a connection was last asked for
	transport *http.Transport
	address   string // the one that answered last
	have      map[journal.Origin]journal.Head
}

// NewClient makes a client. Close it to drop its connections.
func NewClient(p ClientParams) *Client {
	p.Limits = p.Limits.withDefaults()
	if p.Log == nil {
		p.Log = slog.New(slog.DiscardHandler)
	}
	if p.Dial == nil {
		p.Dial = dialer().DialContext
	}
	return &Client{p: p, peers: make(map[peerKey]*peerLine), rounds: make(map[journal.PartyID]chan struct{})}
}

// Close drops all connections, and returns when they are gone: one that the other end
// has ended closes by itself, beside whatever comes next.
func (c *Client) Close() {
	c.mu.Lock()
	for _, l := range c.peers {
		l.transport.CloseIdleConnections()
	}
	c.mu.Unlock()
	c.openMu.Lock()
	open := slices.Clone(c.open)
	c.openMu.Unlock()
	for _, conn := range open {
		conn.Close()
	}
}

// keep remembers a connection until it is closed.
func (c *Client) keep(conn *heardConn) *heardConn {
	c.openMu.Lock()
	defer c.openMu.Unlock()
	c.open = append(c.open, conn)
	conn.gone = func() {
		c.openMu.Lock()
		defer c.openMu.Unlock()
		c.open = slices.DeleteFunc(c.open, func(o *heardConn) bool { return o == conn })
	}
	return conn
}

func (c *Client) line(t Target) *peerLine {
	shown := c.shows()
	c.mu.Lock()
	defer c.mu.Unlock()
	key := peerKey{t.Party, t.Unit}
	l := c.peers[key]
	if l == nil {
		if c.rounds[t.Party] == nil {
			c.rounds[t.Party] = oneToken()
		}
		l = &peerLine{turn: oneToken(), round: c.rounds[t.Party]}
		l.transport = c.transport(func() []journal.Hash {
			l.mu.Lock()
			defer l.mu.Unlock()
			return l.pins
		})
		c.peers[key] = l
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !sameHashes(l.pins, t.Pins) || l.shown != shown {
		// Connections made under other keys, theirs or ours, are not used again.
		l.transport.CloseIdleConnections()
		l.pins, l.shown = append([]journal.Hash(nil), t.Pins...), shown
	}
	return l
}

func oneToken() chan struct{} {
	c := make(chan struct{}, 1)
	c <- struct{}{}
	return c
}

// shows is the pin of the key that the next connection will show.
func (c *Client) shows() journal.Hash {
	cert := &c.p.Cert
	if c.p.Certificate != nil {
		now, err := c.p.Certificate()
		if err != nil {
			return journal.Hash{} // the connection will say so
		}
		cert = now
	}
	if cert.Leaf == nil {
		return journal.Hash{}
	}
	return Pin(cert.Leaf)
}

func sameHashes(a, b []journal.Hash) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func (c *Client) transport(pins func() []journal.Hash) *http.Transport {
	config := ClientConfig(c.p.Cert, pins)
	if c.p.Certificate != nil {
		config.Certificates = nil
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return c.p.Certificate() }
	}
	config.KeyLogWriter = c.p.KeyLog
	t := &http.Transport{
		DialTLSContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			raw, err := c.p.Dial(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			conn := tls.Client(raw, config)
			hctx, cancel := context.WithTimeout(ctx, 10*time.Second)
			defer cancel()
			if err := conn.HandshakeContext(hctx); err != nil {
				raw.Close()
				return nil, err
			}
			return c.keep(newHeardConn(conn)), nil
		},
		ResponseHeaderTimeout:  c.p.Limits.Answer,
		DisableCompression:     true,
		MaxIdleConnsPerHost:    2,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: MaxHeader,
		WriteBufferSize:        64 << 10,
		ReadBufferSize:         64 << 10,
		Protocols:              new(http.Protocols),
	}
	t.Protocols.SetHTTP1(true)
	return t
}

// do sends one request to the first address that answers. body may be nil; it is
// called once for each address tried.
func (c *Client) do(ctx context.Context, l *peerLine, t Target, method, path string, body func() io.ReadCloser) (*http.Response, error) {
	l.mu.Lock()
	addresses := t.Addresses
	if l.address != "" {
		for i, a := range addresses {
			if a == l.address { // the one that answered last comes first
				addresses = append([]string{a}, append(append([]string(nil), addresses[:i]...), addresses[i+1:]...)...)
				break
			}
		}
	}
	l.mu.Unlock()
	errs := []error{ErrUnreachable}
	for _, a := range addresses {
		resp, reused, err := c.try(ctx, l, a, method, path, body)
		if err != nil && reused && ctx.Err() == nil {
			// A connection kept from before that is dead now says nothing about the peer.
			// Requests of this protocol may be repeated without harm.
			l.transport.CloseIdleConnections()
			resp, _, err = c.try(ctx, l, a, method, path, body)
		}
		if err == nil {
			l.mu.Lock()
			l.address = a
			l.mu.Unlock()
			return resp, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		errs = append(errs, fmt.Errorf("%s: %w", a, err))
	}
	return nil, errors.Join(errs...)
}

// try sends the request to one address, and tells whether it went over a connection
// that was there before.
func (c *Client) try(ctx context.Context, l *peerLine, address, method, path string, body func() io.ReadCloser) (resp *http.Response, reused bool, err error) {
	var conn *heardConn
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
		reused = i.Reused
		conn, _ = i.Conn.(*heardConn)
	}})
	req, err := http.NewRequestWithContext(ctx, method, "https://"+address+path, nil)
	if err != nil {
		return nil, false, err // before there is a body, of which nobody would say that it is done with
	}
	if body != nil {
		req.Body, req.ContentLength = body(), -1
	}
	req.Header.Set("Content-Type", ContentType)
	req.Header.Set("User-Agent", "entente/1")
	resp, err = l.transport.RoundTrip(req)
	if err != nil && conn != nil && conn.refused.Load() {
		err = fmt.Errorf("%w: %w", ErrNotAdmitted, err)
	}
	return resp, reused, err
}

// statusError reads the refusal that is the body of an answer without a packet.
func statusError(resp *http.Response) error {
	e := &StatusError{Status: resp.StatusCode, Refusal: Refusal{Code: CodeInternal, Index: -1, Detail: "no reason was given"}}
	data, err := io.ReadAll(io.LimitReader(resp.Body, MaxRefusalBytes))
	var r Refusal
	if err == nil && json.Unmarshal(data, &r) == nil && validCode(r.Code) {
		r.Detail = plain(r.Detail, 1024)
		e.Refusal = r
	}
	return e
}

// Hint tells the peer that this side has something new in the unit.
func (c *Client) Hint(ctx context.Context, t Target) error {
	data, err := json.Marshal(hintMessage{Unit: t.Unit})
	if err != nil {
		return fmt.Errorf("hinting: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.p.Limits.Window)
	defer cancel()
	resp, err := c.do(ctx, c.line(t), t, http.MethodPost, PathHint, func() io.ReadCloser { return io.NopCloser(bytes.NewReader(data)) })
	if err != nil {
		return fmt.Errorf("hinting: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		return fmt.Errorf("hinting: %w", statusError(resp))
	}
	return nil
}

// WaitHint waits, at most wait (up to a minute), until the peer has something new:
// until its count differs from after. Start with 0; it answers at once then.
func (c *Client) WaitHint(ctx context.Context, t Target, after int64, wait time.Duration) (int64, error) {
	wait = min(max(wait, 0), c.p.Limits.Poll, c.p.Limits.Answer/2)
	ctx, cancel := context.WithTimeout(ctx, wait+c.p.Limits.Window)
	defer cancel()
	q := url.Values{
		"unit":  {string(t.Unit)},
		"after": {strconv.FormatInt(after, 10)},
		"wait":  {strconv.Itoa(int(wait / time.Second))},
	}
	resp, err := c.do(ctx, c.line(t), t, http.MethodGet, PathHint+"?"+q.Encode(), nil)
	if err != nil {
		return after, fmt.Errorf("waiting for a hint: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return after, fmt.Errorf("waiting for a hint: %w", statusError(resp))
	}
	var m hintMessage
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxHintBody))
	if err == nil {
		err = json.Unmarshal(data, &m)
	}
	if err != nil || m.Unit != t.Unit || m.Count < 0 || m.Count > maxPollCounts {
		return after, fmt.Errorf("waiting for a hint: %w", refuse(CodeBadFrame, "the answer is not a count for this unit"))
	}
	return m.Count, nil
}

// HTTP is a plain client towards one peer under its pinned keys, for the calls that
// are not an exchange: its witness.
func (c *Client) HTTP(t Target) *http.Client {
	return &http.Client{Transport: c.line(t).transport, Timeout: c.p.Limits.Answer, CheckRedirect: noRedirect}
}
