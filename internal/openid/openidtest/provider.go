// Package openidtest is a small OpenID provider for tests. It signs in whoever it is
// told to without asking, checks what a client sends, and misbehaves as it is told to.
package openidtest

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"
)

// Client and Secret are what the one client shows.
const (
	Client = "entente"
	Secret = "a secret of client & provider"
)

// Provider is a provider on loopback. The functions that change what it says are nil for
// an honest one; they are set before it is asked.
type Provider struct {
	Issuer string
	// Subject is who is at the provider, and Session the session there, "" if it names none.
	Subject, Session string
	// Now is the clock of what it issues; nil: the real one.
	Now func() time.Time
	// Metadata, Claims and Token change what it says of itself, what it signs, and what it
	// answers in the end; Serve answers instead of it, if it returns true.
	Metadata func(map[string]any)
	Claims   func(map[string]any)
	Token    func(idToken string) string
	Serve    func(http.ResponseWriter, *http.Request) bool

	key    ed25519.PrivateKey
	mu     sync.Mutex
	codes  map[string]url.Values // what was asked for, by code
	closed func()
}

// New starts a provider that ends with the test.
func New(t testing.TB) *Provider {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &Provider{Subject: "17", key: key, codes: map[string]url.Values{}}
	s := httptest.NewServer(p)
	p.Issuer, p.closed = s.URL, sync.OnceFunc(func() { s.CloseClientConnections(); s.Close() })
	t.Cleanup(p.closed)
	return p
}

// Stop ends the provider: nobody answers at its address any more.
func (p *Provider) Stop() { p.closed() }

func (p *Provider) now() time.Time {
	if p.Now != nil {
		return p.Now()
	}
	return time.Now()
}

// ServeHTTP implements http.Handler.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.Serve != nil && p.Serve(w, r) {
		return
	}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		m := map[string]any{"issuer": p.Issuer, "authorization_endpoint": p.Issuer + "/auth", "token_endpoint": p.Issuer + "/token", "jwks_uri": p.Issuer + "/keys",
			"end_session_endpoint": p.Issuer + "/end", "id_token_signing_alg_values_supported": []string{"EdDSA"}, "authorization_response_iss_parameter_supported": true,
			"backchannel_logout_supported": true, "backchannel_logout_session_supported": p.Session != ""}
		if p.Metadata != nil {
			p.Metadata(m)
		}
		answer(w, m)
	case "/keys":
		answer(w, map[string]any{"keys": []any{map[string]any{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "1", "x": text(p.key.Public().(ed25519.PublicKey))}}})
	case "/auth":
		p.authorize(w, r)
	case "/token":
		p.token(w, r)
	default:
		http.NotFound(w, r)
	}
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client is gone if this fails
}

func text(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("response_type") != "code" || q.Get("client_id") != Client || q.Get("code_challenge_method") != "S256" || len(q.Get("nonce")) < 43 || len(q.Get("state")) < 43 {
		http.Error(w, "this is not how it is asked", http.StatusBadRequest)
		return
	}
	code := rand.Text()
	p.mu.Lock()
	p.codes[code] = q
	p.mu.Unlock()
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {p.Issuer}}.Encode(), http.StatusFound)
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	user, _ = url.QueryUnescape(user)
	password, _ = url.QueryUnescape(password)
	p.mu.Lock()
	asked, ok := p.codes[r.PostFormValue("code")]
	delete(p.codes, r.PostFormValue("code"))
	p.mu.Unlock()
	challenge := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	switch {
	case user != Client || password != Secret:
		w.WriteHeader(http.StatusUnauthorized)
		answer(w, map[string]any{"error": "invalid_client"})
		return
	case !ok, asked.Get("redirect_uri") != r.PostFormValue("redirect_uri"), asked.Get("code_challenge") != text(challenge[:]):
		w.WriteHeader(http.StatusBadRequest)
		answer(w, map[string]any{"error": "invalid_grant"})
		return
	}
	now := p.now()
	claims := map[string]any{"iss": p.Issuer, "sub": p.Subject, "aud": Client, "exp": now.Add(5 * time.Minute).Unix(), "iat": now.Unix(), "nonce": asked.Get("nonce"),
		"amr": []string{"pwd", "mfa"}, "acr": "2", "name": "Ada Byron"}
	if p.Session != "" {
		claims["sid"] = p.Session
	}
	if p.Claims != nil {
		p.Claims(claims)
	}
	id := p.Sign(claims)
	if p.Token != nil {
		id = p.Token(id)
	}
	answer(w, map[string]any{"access_token": "x", "token_type": "Bearer", "expires_in": 60, "id_token": id})
}

// Sign makes a token of claims.
func (p *Provider) Sign(claims map[string]any) string {
	body, err := json.Marshal(claims)
	if err != nil {
		panic(err) // what a test wrote
	}
	head := text([]byte(`{"alg":"EdDSA","kid":"1"}`)) + "." + text(body)
	return head + "." + text(ed25519.Sign(p.key, []byte(head)))
}

// LogoutToken makes a logout token of who is at the provider (OpenID Connect Back-Channel Logout 1.0, section 2.4); change,
// if not nil, changes what it says.
func (p *Provider) LogoutToken(change func(map[string]any)) string {
	now := p.now()
	claims := map[string]any{"iss": p.Issuer, "sub": p.Subject, "aud": Client, "iat": now.Unix(), "exp": now.Add(2 * time.Minute).Unix(), "jti": rand.Text(),
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}}
	if p.Session != "" {
		claims["sid"] = p.Session
	}
	if change != nil {
		change(claims)
	}
	return p.Sign(claims)
}

// Visit is a browser at an address of the provider: where it is sent.
func Visit(to string) (*url.URL, error) {
	c := http.Client{Timeout: 5 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := c.Get(to)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusFound {
		return nil, fmt.Errorf("the provider answered %d", resp.StatusCode)
	}
	return resp.Location()
}
