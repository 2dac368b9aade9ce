// Package openid asks one OpenID Connect provider who somebody is: the authorization
// code flow with PKCE (OpenID Connect Core 1.0; RFC 7636, method S256; RFC 9207). What
// the provider answers is hostile until it is verified: bounded in size and time, and
// believed only as an ID token for this client with the nonce of this flow. It hears, too,
// whom the provider has signed out (Back-Channel Logout 1.0). No token of a provider is kept.
package openid

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Errors that a caller decides by.
var (
	// ErrDown: the provider cannot be reached, or does not say how it is asked.
	ErrDown = errors.New("openid: the provider cannot be asked")
	// ErrBusy: too many are being asked about at once.
	ErrBusy = errors.New("openid: too many sign-ins at once")
	// ErrAnswer: what the provider, or somebody in its name, answered does not hold.
	ErrAnswer = errors.New("openid: the answer does not hold")
	// ErrFactor: the provider does not vouch for the second factor that is asked for.
	ErrFactor = errors.New("openid: there is no second factor in the answer")
)

// Bounds on what a provider may do.
const (
	maxTime    = 10 * time.Second // for one answer of a provider
	maxAnswer  = 1 << 20          // bytes of one
	maxAsked   = 16               // sign-ins in which the provider is being asked, at once
	maxSubject = 255              // bytes of a subject (OpenID Connect Core 1.0, section 2)
	maxShown   = 100              // characters kept of a name
	maxAddress = 2048             // bytes of an address of the provider
	// What a provider says of itself is asked for again after so long; after a failure,
	// nobody has to wait for the next one for so long.
	metadataLife, failureLife = time.Hour, 5 * time.Second
)

// Config is one provider, and this node as its client.
type Config struct {
	Issuer   string // as in its metadata, to the byte
	Client   string // client_id
	Redirect string // address that a browser comes back to, as it is registered
	Scopes   []string
	// ACR are authentication context classes that are asked for, one of which has to be
	// in the ID token; none: any. AMR are authentication methods (RFC 8176), likewise.
	ACR, AMR []string
	// Secret gives the client's secret, "" for a public client.
	Secret func() (string, error)
	Clock  func() time.Time
}

// Check looks at what a configuration says of a provider.
func Check(issuer string) error {
	u, err := address(issuer, true)
	if err != nil {
		return err
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return errors.New("an issuer has neither a query nor a fragment")
	}
	return nil
}

// address reads an address of a provider: over TLS, or on this machine.
func address(s string, local bool) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil || len(s) > maxAddress || u.Host == "" || u.User != nil:
		return nil, fmt.Errorf("%.100q is no address", s)
	case u.Scheme == "https", u.Scheme == "http" && local && loopback(u.Hostname()):
		return u, nil
	}
	return nil, fmt.Errorf("%.100q is neither https nor on this machine", s)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Provider is a provider that can be asked. It is safe for concurrent use.
type Provider struct {
	Config
	client *http.Client
	asked  chan struct{} // a place for each sign-in in which it is asked

	turn   chan struct{} // holds one while what follows is looked at
	known  *metadata
	failed error
	when   time.Time // that it was known, or failed

	heard   chan struct{} // a place for each logout token that is verified
	seen    seen
	outKeys *paced
	outTurn sync.Mutex
	outOf   *metadata // that out was made of
	out     *oidc.IDTokenVerifier
}

// metadata is what a provider says of itself (OpenID Connect Discovery 1.0; RP-Initiated
// Logout 1.0; RFC 9207).
type metadata struct {
	oidc   *oidc.Provider
	oauth2 oauth2.Endpoint

	Auth    string   `json:"authorization_endpoint"`
	Token   string   `json:"token_endpoint"`
	Keys    string   `json:"jwks_uri"`
	End     string   `json:"end_session_endpoint"`
	Methods []string `json:"token_endpoint_auth_methods_supported"`
	Named   bool     `json:"authorization_response_iss_parameter_supported"`

	Logout   bool `json:"backchannel_logout_supported"`
	Sessions bool `json:"backchannel_logout_session_supported"`
}

// New makes a provider; it is asked for the first time when somebody signs in.
func New(c Config) *Provider {
	t := &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxResponseHeaderBytes: 64 << 10, IdleConnTimeout: maxTime}
	return &Provider{Config: c, asked: make(chan struct{}, maxAsked), heard: make(chan struct{}, maxHeard), turn: make(chan struct{}, 1), outKeys: &paced{RoundTripper: bounded{t}}, client: &http.Client{Transport: bounded{t}, Timeout: maxTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// bounded ends an answer that is too long.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Body = http.MaxBytesReader(nil, resp.Body, maxAnswer)
	}
	return resp, err
}

// Close lets go of connections that nobody uses.
func (p *Provider) Close() { p.client.CloseIdleConnections() }

// ask takes a place among those who ask; the second result gives it back.
func (p *Provider) ask() (func(), error) {
	select {
	case p.asked <- struct{}{}:
		return func() { <-p.asked }, nil
	default:
		return nil, ErrBusy
	}
}

// about is what the provider says of itself, an hour old at most while it answers. Who
// asks and goes away does not spoil it for others.
func (p *Provider) about(ctx context.Context) (*metadata, error) {
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	since := p.Clock().Sub(p.when)
	if p.known != nil && since < metadataLife {
		return p.known, nil
	}
	if p.failed != nil && since < failureLife {
		return nil, p.failed
	}
	m, err := p.discover(context.WithoutCancel(ctx))
	p.when, p.failed = p.Clock(), nil
	switch {
	case err == nil:
		p.known = m
	case p.known == nil:
		p.failed = fmt.Errorf("%w: %s", ErrDown, brief(err))
	}
	return p.known, p.failed
}

func (p *Provider) discover(ctx context.Context) (*metadata, error) {
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, p.client), maxTime)
	defer cancel()
	o, err := oidc.NewProvider(ctx, p.Issuer)
	if err != nil {
		return nil, err
	}
	m := &metadata{oidc: o, oauth2: o.Endpoint()}
	if err := o.Claims(m); err != nil {
		return nil, err
	}
	local := strings.HasPrefix(p.Issuer, "http:")
	for _, s := range []string{m.Auth, m.Token, m.Keys} {
		if _, err := address(s, local); err != nil {
			return nil, err
		}
	}
	if _, err := address(m.End, local); err != nil {
		m.End = ""
	}
	// Without the list it is the header (Discovery 1.0, section 3); trying both would use the code up.
	m.oauth2.AuthStyle = oauth2.AuthStyleInHeader
	if len(m.Methods) > 0 && !slices.Contains(m.Methods, "client_secret_basic") {
		m.oauth2.AuthStyle = oauth2.AuthStyleInParams
	}
	return m, nil
}

// brief is an error of a library in one line that is not long: it may quote the provider.
func brief(err error) string { return line(err.Error(), 300) }

// line is what is printable of a text, in one line.
func line(s string, most int) string {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s[:min(len(s), 8*most)]))
	if r := []rune(s); len(r) > most {
		s = string(r[:most])
	}
	return s
}

func (p *Provider) config(m *metadata) (*oauth2.Config, error) {
	c := &oauth2.Config{ClientID: p.Client, Endpoint: m.oauth2, RedirectURL: p.Redirect, Scopes: p.Scopes}
	var err error
	if p.Secret != nil {
		c.ClientSecret, err = p.Secret()
	}
	if c.ClientSecret == "" {
		c.Endpoint.AuthStyle = oauth2.AuthStyleInParams // a public client names itself
	}
	return c, err
}

// Flow is one sign-in under way. Each is a secret of 256 bits, made for it alone.
type Flow struct {
	State    string // comes back in the browser's address
	Nonce    string // comes back in the ID token
	Verifier string // of PKCE
}

// Begin is the address to which the browser is sent.
func (p *Provider) Begin(ctx context.Context, f Flow) (string, error) {
	done, err := p.ask()
	if err != nil {
		return "", err
	}
	defer done()
	m, err := p.about(ctx)
	if err != nil {
		return "", err
	}
	c, err := p.config(m)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrDown, err)
	}
	o := []oauth2.AuthCodeOption{oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier)}
	if len(p.ACR) > 0 {
		o = append(o, oauth2.SetAuthURLParam("acr_values", strings.Join(p.ACR, " ")))
	}
	return c.AuthCodeURL(f.State, o...), nil
}

// Answer is what a browser brought back, beside the state (RFC 6749, section 4.1.2;
// RFC 9207).
type Answer struct {
	Code, Error, Issuer string
}

// Refused is an error that the provider told the browser (RFC 6749, section 4.1.2.1).
type Refused struct{ Code string }

func (e *Refused) Error() string { return "openid: the provider refused: " + e.Code }

// Person is who a provider says somebody is. Only the subject names them; the name is
// for people to read. Session names the session there, "" where the provider does not.
type Person struct{ Subject, Name, Session string }

// claims are what is read of an ID token beside what the library verifies.
type claims struct {
	Party  string   `json:"azp"`
	ACR    string   `json:"acr"`
	AMR    []string `json:"amr"`
	Name   string   `json:"name"`
	User   string   `json:"preferred_username"`
	EMail  string   `json:"email"`
	Issued *int64   `json:"iat"`
	// Session is that at the provider (Back-Channel Logout 1.0, section 2.1).
	Session string `json:"sid"`
}

// End asks the provider whom the code of an answer is for, and verifies what it says.
func (p *Provider) End(ctx context.Context, f Flow, a Answer) (*Person, error) {
	done, err := p.ask()
	if err != nil {
		return nil, err
	}
	defer done()
	m, err := p.about(ctx)
	if err != nil {
		return nil, err
	}
	// An answer of another provider is one that was mixed up, an error too (RFC 9207, section 2.4).
	if a.Issuer != "" && a.Issuer != p.Issuer || a.Issuer == "" && m.Named {
		return nil, fmt.Errorf("%w: it is not of this issuer, but of %.100q", ErrAnswer, a.Issuer)
	}
	switch {
	case a.Error != "":
		return nil, &Refused{Code: line(a.Error, maxShown)}
	case a.Code == "":
		return nil, fmt.Errorf("%w: it has no code", ErrAnswer)
	}
	c, err := p.config(m)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDown, err)
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, p.client), maxTime)
	defer cancel()
	tokens, err := c.Exchange(ctx, a.Code, oauth2.VerifierOption(f.Verifier))
	if err != nil {
		var said *oauth2.RetrieveError
		if errors.As(err, &said) && said.Response != nil && said.Response.StatusCode < 500 {
			return nil, fmt.Errorf("%w: the code is not taken: %s", ErrAnswer, brief(err))
		}
		return nil, fmt.Errorf("%w: %s", ErrDown, brief(err))
	}
	raw, ok := tokens.Extra("id_token").(string)
	if !ok {
		return nil, fmt.Errorf("%w: there is no ID token", ErrAnswer)
	}
	token, err := m.oidc.Verifier(&oidc.Config{ClientID: p.Client, Now: p.Clock}).Verify(ctx, raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", ErrAnswer, brief(err))
	}
	return p.person(token, f.Nonce)
}

// person checks what the library leaves to its caller (OpenID Connect Core 1.0, section
// 3.1.3.7).
func (p *Provider) person(t *oidc.IDToken, nonce string) (*Person, error) {
	var c claims
	if err := t.Claims(&c); err != nil {
		return nil, fmt.Errorf("%w: %s", ErrAnswer, brief(err))
	}
	switch {
	case nonce == "" || subtle.ConstantTimeCompare([]byte(t.Nonce), []byte(nonce)) != 1:
		return nil, fmt.Errorf("%w: the nonce is of another sign-in", ErrAnswer)
	case c.Party != "" && c.Party != p.Client || c.Party == "" && len(t.Audience) > 1:
		return nil, fmt.Errorf("%w: it was made for another client", ErrAnswer)
	case t.Subject == "" || len(t.Subject) > maxSubject || line(t.Subject, maxSubject) != t.Subject:
		return nil, fmt.Errorf("%w: the subject is none", ErrAnswer)
	case c.Issued == nil || t.IssuedAt.After(p.Clock().Add(maxSkew)):
		return nil, fmt.Errorf("%w: it is of later, or of no time", ErrAnswer)
	case len(p.ACR) > 0 && !slices.Contains(p.ACR, c.ACR),
		len(p.AMR) > 0 && !slices.ContainsFunc(c.AMR, func(s string) bool { return slices.Contains(p.AMR, s) }):
		said, _ := json.Marshal(map[string]any{"acr": c.ACR, "amr": c.AMR}) // strings always can be
		return nil, fmt.Errorf("%w: %s", ErrFactor, line(string(said), 200))
	}
	who := &Person{Subject: t.Subject, Session: c.Session}
	for _, s := range []string{c.Name, c.User, c.EMail} {
		if who.Name == "" {
			who.Name = line(s, maxShown)
		}
	}
	return who, nil
}

// SignOut is where a browser goes to be signed out of the provider, too (OpenID Connect
// RP-Initiated Logout 1.0); "" if the provider has no such place or does not answer.
func (p *Provider) SignOut(ctx context.Context) string {
	done, err := p.ask()
	if err != nil {
		return ""
	}
	defer done()
	m, err := p.about(ctx)
	if err != nil || m.End == "" {
		return ""
	}
	u, err := url.Parse(m.End)
	if err != nil {
		return ""
	}
	q := u.Query()
	q.Set("client_id", p.Client)
	u.RawQuery = q.Encode()
	return u.String()
}
