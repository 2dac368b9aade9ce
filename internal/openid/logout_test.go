package openid

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"entente/internal/openid/openidtest"
)

// A logout token names a session, somebody, or both; it is good once, and the answer to a sign-in names the same session.
func TestSignedOutThere(t *testing.T) {
	p := openidtest.New(t)
	p.Session = "s1"
	c := client(p, nil)
	defer c.Close()
	if who, err := round(t, c, flow, nil); err != nil || who.Session != "s1" {
		t.Fatalf("%+v, %v", who, err)
	}
	for name, x := range map[string]struct {
		change func(map[string]any)
		want   SignedOut
	}{
		"a session":          {nil, SignedOut{Subject: "17", Session: "s1"}},
		"somebody":           {without("sid"), SignedOut{Subject: "17"}},
		"nobody by name":     {without("sub"), SignedOut{Session: "s1"}},
		"several audiences":  {with("aud", []string{"another", openidtest.Client}), SignedOut{Subject: "17", Session: "s1"}},
		"more than one word": {with("events", map[string]any{"x": 1, logoutEvent: map[string]any{"y": 2}}), SignedOut{Subject: "17", Session: "s1"}},
	} {
		token := p.LogoutToken(x.change)
		got, err := c.SignedOut(t.Context(), token)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if time.Since(got.At).Abs() > time.Minute || got.Subject != x.want.Subject || got.Session != x.want.Session {
			t.Errorf("%s: %+v", name, got)
		}
		if _, err := c.SignedOut(t.Context(), token); !errors.Is(err, ErrReplay) {
			t.Errorf("%s, again: %v", name, err)
		}
	}
	if x := c.Tells(t.Context()); x != (Tells{true, true, true}) {
		t.Errorf("%+v", x)
	}
}

func with(claim string, v any) func(map[string]any) {
	return func(c map[string]any) { c[claim] = v }
}

func without(claim string) func(map[string]any) {
	return func(c map[string]any) { delete(c, claim) }
}

// What does not hold signs nobody out.
func TestHostileLogoutTokens(t *testing.T) {
	p := openidtest.New(t)
	p.Session = "s1"
	c := client(p, nil)
	defer c.Close()
	now := time.Now()
	claims := func(change func(map[string]any)) func() string { return func() string { return p.LogoutToken(change) } }
	for name, token := range map[string]func() string{
		"nothing":               func() string { return "" },
		"no token":              func() string { return "a.b.c" },
		"another issuer":        claims(with("iss", "https://evil.example")),
		"another audience":      claims(with("aud", "another")),
		"no audience":           claims(without("aud")),
		"no issuer":             claims(without("iss")),
		"no id":                 claims(without("jti")),
		"a long id":             claims(with("jti", strings.Repeat("x", maxTokenID+1))),
		"no expiry":             claims(without("exp")),
		"expired":               claims(with("exp", now.Add(-time.Second).Unix())),
		"of no time":            claims(without("iat")),
		"of tomorrow":           claims(with("iat", now.Add(24*time.Hour).Unix())),
		"of a time in words":    claims(with("iat", "yesterday")),
		"no events":             claims(without("events")),
		"events of a list":      claims(with("events", []string{logoutEvent})),
		"another event":         claims(with("events", map[string]any{"https://x.example/event": map[string]any{}})),
		"an event of words":     claims(with("events", map[string]any{logoutEvent: "x"})),
		"an event of nothing":   claims(with("events", map[string]any{logoutEvent: nil})),
		"a nonce":               claims(with("nonce", "x")),
		"a nonce that is empty": claims(with("nonce", "")),
		"a nonce of nothing":    claims(with("nonce", nil)),
		"nobody":                claims(func(c map[string]any) { delete(c, "sub"); delete(c, "sid") }),
		"a long subject":        claims(with("sub", strings.Repeat("x", maxSubject+1))),
		"an odd subject":        claims(with("sub", "17\n")),
		"a long session":        claims(with("sid", strings.Repeat("x", maxSession+1))),
		"an ID token": func() string {
			return p.Sign(map[string]any{"iss": p.Issuer, "sub": "17", "aud": openidtest.Client, "exp": now.Add(time.Hour).Unix(), "iat": now.Unix(), "jti": "x", "nonce": flow.Nonce})
		},
		"not signed":        func() string { return "eyJhbGciOiJub25lIn0." + strings.Split(p.LogoutToken(nil), ".")[1] + "." },
		"another signature": func() string { s := p.LogoutToken(nil); return s[:len(s)-4] + "AAAA" },
	} {
		c.outKeys.next = time.Time{} // who is not of the provider waits otherwise
		if x, err := c.SignedOut(t.Context(), token()); !errors.Is(err, ErrAnswer) || x != nil {
			t.Errorf("%s: %+v, %v", name, x, err)
		} else if len(err.Error()) > 1000 || strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("%s: the error quotes %d bytes", name, len(err.Error()))
		}
	}
	if _, err := c.SignedOut(t.Context(), p.LogoutToken(nil)); err != nil {
		t.Errorf("a good one after them: %v", err)
	}
	p.Stop()
	down := client(p, nil)
	if _, err := down.SignedOut(t.Context(), "a.b.c"); !errors.Is(err, ErrDown) {
		t.Errorf("a provider that is away: %v", err)
	}
	if x := down.Tells(t.Context()); x != (Tells{}) {
		t.Errorf("a provider that is away: %+v", x)
	}
}

// Keys that cannot be had are no fault of the token.
func TestLogoutWithoutKeys(t *testing.T) {
	p := openidtest.New(t)
	p.Serve = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/keys" {
			w.WriteHeader(http.StatusBadGateway)
		}
		return r.URL.Path == "/keys"
	}
	c := client(p, nil)
	defer c.Close()
	if _, err := c.SignedOut(t.Context(), p.LogoutToken(nil)); !errors.Is(err, ErrDown) {
		t.Error(err)
	}
}

// Tokens are remembered until they run out, and no more of them than a bound.
func TestLogoutTokensAreRemembered(t *testing.T) {
	var s seen
	now := time.Now()
	for i := range maxSeen {
		if !s.first(fmt.Sprint(i), now.Add(time.Minute+time.Duration(i)), now) {
			t.Fatal(i)
		}
	}
	if s.first("0", now.Add(time.Minute), now) || !s.first("new", now.Add(time.Hour), now) || len(s.by) != maxSeen || !s.first("0", now.Add(time.Hour), now) {
		t.Error("the one that runs out first makes room")
	}
	later := now.Add(2 * time.Minute)
	if s.first("new", later, later) || !s.first("5", later.Add(time.Minute), later) || len(s.by) != 3 {
		t.Errorf("%d are known after the time of most", len(s.by))
	}
}

// counted counts who is asked what.
type counted struct {
	answers
	keys int
}

func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == "/k" {
		c.keys++
	}
	return c.answers.RoundTrip(r)
}

// signer is the key of a provider, and what it publishes of it.
func signer() (sign func(claims string) string, keys []byte) {
	key := ed25519.NewKeyFromSeed([]byte(strings.Repeat("k", ed25519.SeedSize)))
	text := base64.RawURLEncoding.EncodeToString
	sign = func(claims string) string {
		head := text([]byte(`{"alg":"EdDSA","kid":"1"}`)) + "." + text([]byte(claims))
		return head + "." + text(ed25519.Sign(key, []byte(head)))
	}
	return sign, []byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"1","x":"` + text(key.Public().(ed25519.PublicKey)) + `"}]}`)
}

const aProvider = `{"issuer":"https://id.example","authorization_endpoint":"https://id.example/a","token_endpoint":"https://id.example/t","jwks_uri":"https://id.example/k","id_token_signing_alg_values_supported":["EdDSA"]}`

// Whoever sends tokens that nobody signed makes the node ask the provider for its keys so often and no oftener; and a token of
// the provider waits for nobody.
func TestForgedLogoutTokensAskForFewKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sign, keys := signer()
		n := &counted{answers: answers{"/.well-known/openid-configuration": []byte(aProvider), "/k": keys}}
		c := New(Config{Issuer: "https://id.example", Client: "x", Clock: time.Now})
		c.client.Transport, c.outKeys.RoundTripper = n, n
		good := func(id string) string {
			return sign(fmt.Sprintf(`{"iss":"https://id.example","aud":"x","sub":"17","iat":%d,"exp":%d,"jti":%q,"events":{%q:{}}}`, time.Now().Unix(), time.Now().Unix()+60, id, logoutEvent))
		}
		if _, err := c.SignedOut(t.Context(), good("1")); err != nil || n.keys != 1 {
			t.Fatalf("%d, %v", n.keys, err)
		}
		forged := good("2")
		forged = forged[:len(forged)-4] + "AAAA"
		begun, told := time.Now(), make(chan error)
		for range maxHeard - 1 {
			go func() { _, err := c.SignedOut(t.Context(), forged); told <- err }()
		}
		synctest.Wait()
		if _, err := c.SignedOut(t.Context(), good("3")); err != nil || time.Since(begun) != 0 {
			t.Errorf("a good one waited %v: %v", time.Since(begun), err)
		}
		for range maxHeard - 1 {
			if err := <-told; !errors.Is(err, ErrAnswer) {
				t.Error(err)
			}
		}
		if n.keys != 2 || time.Since(begun) != keysEvery {
			t.Errorf("the keys were asked for %d times in %v", n.keys, time.Since(begun))
		}
		// So many are looked at at once; who waits too long for a place goes without.
		for range maxHeard {
			c.heard <- struct{}{}
		}
		begun = time.Now()
		if _, err := c.SignedOut(t.Context(), good("4")); !errors.Is(err, ErrBusy) || time.Since(begun) != maxTime {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
		<-c.heard
		if _, err := c.SignedOut(t.Context(), good("4")); err != nil {
			t.Error(err)
		}
	})
}

// FuzzLogoutTokens: whatever the provider signs, who is signed out by it is named within bounds, at a time that has been, and
// nothing that is not signed signs anybody out.
func FuzzLogoutTokens(f *testing.F) {
	sign, keys := signer()
	f.Add([]byte(`{"iss":"https://id.example","aud":"x","sub":"17","sid":"s","iat":1760000000,"exp":1760000060,"jti":"1","events":{"`+logoutEvent+`":{}}}`), "a.b.c")
	f.Add([]byte(`{"iss":"https://id.example","aud":["x"],"SUB":"17","iat":1.76e9,"exp":1760000060.5,"jti":"1","Events":{"`+logoutEvent+`":{"x":null}},"nonce":null}`), "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxNyJ9.")
	f.Add([]byte(`{"events":{"`+logoutEvent+`":[]},"iat":-1,"exp":99999999999999999999}`), "")
	now := time.Unix(1760000001, 0)
	f.Fuzz(func(t *testing.T, claims []byte, raw string) {
		n := answers{"/.well-known/openid-configuration": []byte(aProvider), "/k": keys}
		c := New(Config{Issuer: "https://id.example", Client: "x", Clock: func() time.Time { return now }})
		c.client.Transport, c.outKeys.RoundTripper = n, n
		if x, err := c.SignedOut(t.Context(), sign(string(claims))); err == nil {
			if x.Subject == "" && x.Session == "" || len(x.Subject) > maxSubject || len(x.Session) > maxSession || strings.ContainsAny(x.Subject, "\n\x00") || x.At.After(now.Add(maxSkew)) {
				t.Errorf("%+v of %s", x, claims)
			}
			if _, err := c.SignedOut(t.Context(), sign(string(claims))); !errors.Is(err, ErrReplay) {
				t.Errorf("again: %v", err)
			}
		}
		c.outKeys.next = time.Time{} // nothing waits
		if x, err := c.SignedOut(t.Context(), raw); err == nil && raw != sign(string(claims)) {
			t.Errorf("%+v of %q", x, raw)
		}
	})
}
