package openid

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"entente/internal/openid/openidtest"
)

var flow = Flow{State: strings.Repeat("s", 43), Nonce: strings.Repeat("n", 43), Verifier: strings.Repeat("v", 43)}

func client(p *openidtest.Provider, change func(*Config)) *Provider {
	c := Config{Issuer: p.Issuer, Client: openidtest.Client, Redirect: "http://localhost/back", Scopes: []string{"openid", "profile"}, AMR: []string{"mfa"},
		Secret: func() (string, error) { return openidtest.Secret, nil }, Clock: time.Now}
	if change != nil {
		change(&c)
	}
	return New(c)
}

// round is a whole sign-in, with what a browser brings back changed.
func round(t *testing.T, c *Provider, f Flow, change func(*Answer)) (*Person, error) {
	t.Helper()
	to, err := c.Begin(t.Context(), f)
	if err != nil {
		return nil, err
	}
	back, err := openidtest.Visit(to)
	if err != nil {
		t.Fatal(err)
	}
	q := back.Query()
	if back.Path != "/back" || q.Get("state") != f.State {
		t.Fatal(back)
	}
	a := Answer{Code: q.Get("code"), Issuer: q.Get("iss")}
	if change != nil {
		change(&a)
	}
	return c.End(t.Context(), f, a)
}

func TestWhoSomebodyIs(t *testing.T) {
	p := openidtest.New(t)
	c := client(p, nil)
	defer c.Close()
	who, err := round(t, c, flow, nil)
	if err != nil || who.Subject != "17" || who.Name != "Ada Byron" {
		t.Fatalf("%+v, %v", who, err)
	}
	if to := c.SignOut(t.Context()); to != p.Issuer+"/end?client_id=entente" {
		t.Error(to)
	}
	// What is required may be a class, too.
	if _, err := round(t, client(p, func(c *Config) { c.ACR, c.AMR = []string{"1", "2"}, nil }), flow, nil); err != nil {
		t.Error(err)
	}
}

// What does not hold is refused with the error that says which it is.
func TestHostileProvider(t *testing.T) {
	for name, x := range map[string]struct {
		provider func(*openidtest.Provider)
		config   func(*Config)
		answer   func(*Answer)
		want     error
	}{
		"another nonce":            {provider: says("nonce", "another"), want: ErrAnswer},
		"no nonce":                 {provider: says("nonce", nil), want: ErrAnswer},
		"another audience":         {provider: says("aud", "another"), want: ErrAnswer},
		"others in the audience":   {provider: says("aud", []string{"another", openidtest.Client}), want: ErrAnswer},
		"another authorised party": {provider: says("azp", "another"), want: ErrAnswer},
		"another issuer":           {provider: says("iss", "https://evil.example"), want: ErrAnswer},
		"expired":                  {provider: says("exp", time.Now().Add(-time.Second).Unix()), want: ErrAnswer},
		"no expiry":                {provider: says("exp", nil), want: ErrAnswer},
		"not yet valid":            {provider: says("nbf", time.Now().Add(time.Hour).Unix()), want: ErrAnswer},
		"of tomorrow":              {provider: says("iat", time.Now().Add(24*time.Hour).Unix()), want: ErrAnswer},
		"of no time":               {provider: says("iat", nil), want: ErrAnswer},
		"no subject":               {provider: says("sub", nil), want: ErrAnswer},
		"a long subject":           {provider: says("sub", strings.Repeat("x", 256)), want: ErrAnswer},
		"an odd subject":           {provider: says("sub", "17\n"), want: ErrAnswer},
		"one factor":               {provider: says("amr", []string{"pwd"}), want: ErrFactor},
		"no factors":               {provider: says("amr", nil), want: ErrFactor},
		"a lower class":            {config: func(c *Config) { c.ACR = []string{"3"} }, want: ErrFactor},
		"not signed": {provider: func(p *openidtest.Provider) {
			p.Token = func(id string) string { // alg none
				return "eyJhbGciOiJub25lIn0." + strings.Split(id, ".")[1] + "."
			}
		}, want: ErrAnswer},
		"signed with the secret": {provider: func(p *openidtest.Provider) {
			p.Metadata = func(m map[string]any) { m["id_token_signing_alg_values_supported"] = []string{"HS256", "none"} }
		}, want: ErrAnswer},
		"another signature": {provider: func(p *openidtest.Provider) {
			p.Token = func(id string) string { return id[:len(id)-4] + "AAAA" }
		}, want: ErrAnswer},
		"no token":            {provider: func(p *openidtest.Provider) { p.Token = func(string) string { return "" } }, want: ErrAnswer},
		"a code that is none": {answer: func(a *Answer) { a.Code = "x" }, want: ErrAnswer},
		"no code":             {answer: func(a *Answer) { a.Code = "" }, want: ErrAnswer},
		"mixed up":            {answer: func(a *Answer) { a.Issuer = "https://evil.example" }, want: ErrAnswer},
		"not named":           {answer: func(a *Answer) { a.Issuer = "" }, want: ErrAnswer},
		"mixed up error":      {answer: func(a *Answer) { a.Issuer, a.Error = "https://evil.example", "access_denied" }, want: ErrAnswer},
		"the wrong secret":    {config: func(c *Config) { c.Secret = func() (string, error) { return "x", nil } }, want: ErrAnswer},
		"no secret to be had": {config: func(c *Config) {
			c.Secret = func() (string, error) { return "", errors.New("there is no file") }
		}, want: ErrDown},
		"says it is another":   {provider: knows("issuer", "https://evil.example"), want: ErrDown},
		"asks elsewhere":       {provider: knows("authorization_endpoint", "javascript:alert(1)"), want: ErrDown},
		"answers in the clear": {provider: knows("token_endpoint", "http://192.0.2.1/token"), want: ErrDown},
		"has no keys":          {provider: knows("jwks_uri", ""), want: ErrDown},
		"metadata without end": {provider: serves("/.well-known/openid-configuration", func(w http.ResponseWriter) { endless(w) }), want: ErrDown},
		"keys without end":     {provider: serves("/keys", func(w http.ResponseWriter) { endless(w) }), want: ErrAnswer},
		"a token without end":  {provider: serves("/token", func(w http.ResponseWriter) { endless(w) }), want: ErrDown},
		"leads elsewhere": {provider: serves("/token", func(w http.ResponseWriter) {
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(http.StatusTemporaryRedirect)
		}), want: ErrAnswer},
		"is broken":  {provider: serves("/token", func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway) }), want: ErrDown},
		"is no JSON": {provider: serves("/.well-known/openid-configuration", func(w http.ResponseWriter) { _, _ = io.WriteString(w, "<html>") }), want: ErrDown},
	} {
		t.Run(name, func(t *testing.T) {
			p := openidtest.New(t)
			if x.provider != nil {
				x.provider(p)
			}
			c := client(p, x.config)
			defer c.Close()
			who, err := round(t, c, flow, x.answer)
			if !errors.Is(err, x.want) || who != nil {
				t.Fatalf("%+v, %v", who, err)
			}
			if len(err.Error()) > 1000 || strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("the error quotes %d bytes", len(err.Error()))
			}
		})
	}
	// An error that the provider told the browser is told as what it is.
	var refused *Refused
	if _, err := round(t, client(openidtest.New(t), nil), flow, func(a *Answer) { a.Error = "access_denied\n" }); !errors.As(err, &refused) || refused.Code != "access_denied" {
		t.Error(err)
	}
}

func says(claim string, v any) func(*openidtest.Provider) {
	return func(p *openidtest.Provider) {
		p.Claims = func(c map[string]any) {
			if c[claim] = v; v == nil {
				delete(c, claim)
			}
		}
	}
}

func knows(member string, v any) func(*openidtest.Provider) {
	return func(p *openidtest.Provider) { p.Metadata = func(m map[string]any) { m[member] = v } }
}

func serves(path string, f func(http.ResponseWriter)) func(*openidtest.Provider) {
	return func(p *openidtest.Provider) {
		p.Serve = func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == path {
				f(w)
			}
			return r.URL.Path == path
		}
	}
}

// endless sends JSON that never ends, until nobody reads it any more.
func endless(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	_, err := io.WriteString(w, `{"x":"`)
	for piece := strings.Repeat("x", 1<<16); err == nil; {
		_, err = io.WriteString(w, piece)
	}
}

// A code is good once, and with the verifier of its own flow only.
func TestCodesAreGoodOnce(t *testing.T) {
	c := client(openidtest.New(t), nil)
	var kept Answer
	if _, err := round(t, c, flow, func(a *Answer) { kept = *a }); err != nil {
		t.Fatal(err)
	}
	if _, err := c.End(t.Context(), flow, kept); !errors.Is(err, ErrAnswer) {
		t.Errorf("again: %v", err)
	}
	to, err := c.Begin(t.Context(), flow)
	if err != nil {
		t.Fatal(err)
	}
	back, err := openidtest.Visit(to)
	if err != nil {
		t.Fatal(err)
	}
	other := flow
	other.Verifier = strings.Repeat("w", 43)
	if _, err := c.End(t.Context(), other, Answer{Code: back.Query().Get("code"), Issuer: back.Query().Get("iss")}); !errors.Is(err, ErrAnswer) {
		t.Errorf("stolen: %v", err)
	}
}

// silent is a network on which nobody ever answers.
type silent struct{ asked int }

func (s *silent) RoundTrip(r *http.Request) (*http.Response, error) {
	s.asked++
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// A provider that does not answer is waited for so long and no longer; who comes soon after is
// told at once, and later it is tried again. Who goes away does not make it look as if it were down.
func TestSilentProvider(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &silent{}
		c := New(Config{Issuer: "https://id.example", Client: "x", Clock: time.Now})
		c.client.Transport = s
		for i, want := range []time.Duration{maxTime, 0} {
			gone, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			begun := time.Now()
			if _, err := c.Begin(gone, flow); !errors.Is(err, ErrDown) || time.Since(begun) != want {
				t.Errorf("%d: %v after %v", i, err, time.Since(begun))
			}
		}
		time.Sleep(failureLife)
		if _, err := c.Begin(t.Context(), flow); !errors.Is(err, ErrDown) || s.asked != 2 {
			t.Errorf("%v, asked %d times", err, s.asked)
		}
		// So many wait at once, and no more.
		time.Sleep(failureLife)
		busy := 0
		told := make(chan error)
		for range maxAsked + 5 {
			go func() { _, err := c.Begin(t.Context(), flow); told <- err }()
		}
		for range maxAsked + 5 {
			if errors.Is(<-told, ErrBusy) {
				busy++
			}
		}
		if busy != 5 || s.asked != 3 {
			t.Errorf("%d were busy, asked %d times", busy, s.asked)
		}
	})
}

// What a provider says of itself is asked for again after an hour; one that is down then goes on
// being known.
func TestMetadataIsRenewed(t *testing.T) {
	p := openidtest.New(t)
	now := time.Now()
	c := client(p, func(c *Config) { c.Clock = func() time.Time { return now } })
	for _, path := range []string{"/auth", "/other"} {
		p.Metadata = func(m map[string]any) { m["authorization_endpoint"] = p.Issuer + path }
		to, err := c.Begin(t.Context(), flow)
		if err != nil || !strings.HasPrefix(to, p.Issuer+path+"?") {
			t.Errorf("%s: %s, %v", path, to, err)
		}
		now = now.Add(metadataLife)
	}
	p.Stop()
	if _, err := c.Begin(t.Context(), flow); err != nil {
		t.Error(err)
	}
}

func TestCheck(t *testing.T) {
	for s, good := range map[string]bool{"https://id.example": true, "https://id.example/realms/x": true, "http://127.0.0.1:9": true, "http://localhost:9/": true, "http://[::1]:9": true,
		"http://id.example": false, "https://u@id.example": false, "https://id.example?x": false, "https://id.example#x": false, "id.example": false, "": false, "ftp://id.example": false} {
		if err := Check(s); (err == nil) != good {
			t.Errorf("%s: %v", s, err)
		}
	}
}

// FuzzAnswers: nobody is believed to be anybody, whatever a provider's address answers that does
// not have its key.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte(`{"issuer":"https://id.example","authorization_endpoint":"https://id.example/a","token_endpoint":"https://id.example/t","jwks_uri":"https://id.example/k"}`),
		[]byte(`{"access_token":"x","id_token":"eyJhbGciOiJub25lIn0.eyJzdWIiOiIxNyJ9."}`), []byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`))
	f.Add([]byte(`{}`), []byte(`access_token=x`), []byte(`null`))
	f.Fuzz(func(t *testing.T, metadata, token, keys []byte) {
		c := New(Config{Issuer: "https://id.example", Client: "x", Clock: time.Now})
		c.client.Transport = answers{"/.well-known/openid-configuration": metadata, "/t": token, "/k": keys}
		to, err := c.Begin(t.Context(), flow)
		if err != nil {
			return
		}
		if u, err := url.Parse(to); err != nil || u.Scheme != "https" || u.Host == "" {
			t.Errorf("a browser is sent to %q", to)
		}
		if who, err := c.End(t.Context(), flow, Answer{Code: "x", Issuer: "https://id.example"}); err == nil {
			t.Errorf("%+v", who)
		}
	})
}

// answers are what is answered at each path, whatever the host.
type answers map[string][]byte

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(string(a[r.URL.Path]))), Request: r}, nil
}
