package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestTokens: a token lets in with its scopes until it runs out or is revoked, also
// over a restart; its secret lies nowhere in the folder.
func TestTokens(t *testing.T) {
	a := newParty(t, "North")
	var ahead atomic.Int64
	a.stop()
	a.clock = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	a.start()
	made := must[*TokenNewResponse](t)(a.NewToken(t.Context(), TokenNewRequest{Name: "reader", Scopes: []Scope{ScopeIntel, ScopeRead, ScopeRead}, Expires: time.Hour}))
	other := must[*TokenNewResponse](t)(a.NewToken(t.Context(), TokenNewRequest{Name: "other", Scopes: []Scope{ScopeAdmin}}))
	g, ok := a.Grant(made.Secret)
	if !ok || !g.May(ScopeRead) || !g.May(ScopeIntel) || g.May(ScopeAdmin) || !slices.Equal(g.Scopes, []Scope{ScopeRead, ScopeIntel}) {
		t.Fatalf("%+v, %v", g, ok)
	}
	if g, ok := a.Grant(a.init.APIToken); !ok || len(g.Scopes) != len(Scopes()) {
		t.Errorf("the token of init: %+v, %v", g, ok)
	}
	text := string(must[[]byte](t)(os.ReadFile(tokensPath(a.dir))))
	if strings.Contains(text, made.Secret) || strings.Contains(text, made.Secret[len(made.Secret)-6:]) {
		t.Error("the secret, or its end, is in the folder")
	}
	a.stop()
	a.start()
	must[*TokenRevokeResponse](t)(a.RevokeToken(t.Context(), TokenRevokeRequest{ID: other.Token.ID}))
	if _, ok := a.Grant(other.Secret); ok {
		t.Error("a revoked token lets in")
	}
	if _, ok := a.Grant(made.Secret); !ok {
		t.Error("a good token does not let in after a restart")
	}
	ahead.Store(int64(2 * time.Hour))
	if _, ok := a.Grant(made.Secret); ok {
		t.Error("a token that has run out lets in")
	}
}

// TestTokensAtTheDoors: what a token opens at TAXII and at the feeds, and what it does
// not.
func TestTokensAtTheDoors(t *testing.T) {
	a := newParty(t, "North")
	a.Node.config.TAXII.Collections = []WritableConfig{{Alias: "scratch", Title: "Scratch"}, {Alias: "other", Title: "Other"}}
	a.Node.config.Feeds = []FeedConfig{{Name: "list", Format: "domains", TLP: "amber"}}
	taxii, feeds := must[http.Handler](t)(a.TAXII()), must[http.Handler](t)(a.FeedHandler())
	token := func(scopes ...Scope) string {
		return must[*TokenNewResponse](t)(a.NewToken(t.Context(), TokenNewRequest{Name: "x", Scopes: scopes})).Secret
	}
	object := `{"objects":[{"type":"identity","spec_version":"2.1","id":"identity--00000000-0000-4000-8000-%012d","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"x"}]}`
	revoked := must[*TokenNewResponse](t)(a.NewToken(t.Context(), TokenNewRequest{Name: "x", Scopes: Scopes()}))
	must[*TokenRevokeResponse](t)(a.RevokeToken(t.Context(), TokenRevokeRequest{ID: revoked.Token.ID}))
	for i, c := range []struct {
		name                string
		secret              string
		feed, read, written int
		all                 int    // reading everything accepted
		listed              string // whether scratch can be read and written, as its resource says
	}{
		{"read", token(ScopeRead), 200, 200, 403, 200, "true false"},
		{"read and intel", token(ScopeRead, ScopeIntel), 200, 200, 202, 200, "true true"},
		{"intel alone", token(ScopeIntel), 403, 403, 202, 404, "false true"},
		{"admin alone", token(ScopeAdmin), 403, 403, 403, 403, ""},
		{"taxii:read", token(ScopeTAXIIRead), 200, 200, 403, 200, "true false"},
		{"taxii:write", token(ScopeTAXIIWrite), 403, 403, 202, 404, "false true"},
		{"both", token(ScopeTAXIIRead, ScopeTAXIIWrite), 200, 200, 202, 200, "true true"},
		{"taxii:read of one", token("taxii:read:scratch"), 403, 200, 403, 404, "true false"},
		{"taxii:write of one", token("taxii:write:scratch"), 403, 403, 202, 404, "false true"},
		{"of another", token("taxii:read:all", "taxii:write:other"), 403, 404, 404, 200, ""},
		{"the TAXII user of init", "", 200, 200, 403, 200, "true false"},
		{"revoked", revoked.Secret, 401, 401, 401, 401, ""},
		{"made up", strings.Repeat("x", 43), 401, 401, 401, 401, ""},
	} {
		for _, scheme := range []string{"bearer", "basic"} {
			do := func(h http.Handler, method, path, body string) (int, string) {
				r := httptest.NewRequest(method, path, strings.NewReader(body))
				switch {
				case c.secret == "":
					r.SetBasicAuth(a.init.TAXIIUser, a.init.TAXIIPassword)
				case scheme == "basic":
					r.SetBasicAuth("any", c.secret)
				default:
					r.Header.Set("Authorization", "Bearer "+c.secret)
				}
				if body != "" {
					r.Header.Set("Content-Type", "application/taxii+json;version=2.1")
				}
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				return w.Code, w.Body.String()
			}
			if got, _ := do(feeds, "GET", "/feeds/list", ""); got != c.feed {
				t.Errorf("%s, %s: a feed: %d, not %d", c.name, scheme, got, c.feed)
			}
			if got, _ := do(taxii, "GET", TAXIIRoot+"collections/scratch/objects/", ""); got != c.read {
				t.Errorf("%s, %s: reading over TAXII: %d, not %d", c.name, scheme, got, c.read)
			}
			if got, _ := do(taxii, "GET", TAXIIRoot+"collections/all/objects/", ""); got != c.all {
				t.Errorf("%s, %s: reading everything over TAXII: %d, not %d", c.name, scheme, got, c.all)
			}
			if got, _ := do(taxii, "POST", TAXIIRoot+"collections/scratch/objects/", fmt.Sprintf(object, i)); got != c.written {
				t.Errorf("%s, %s: writing over TAXII: %d, not %d", c.name, scheme, got, c.written)
			}
			if got, _ := do(taxii, "POST", TAXIIRoot+"collections/local/objects/", fmt.Sprintf(object, i)); got == 202 {
				t.Errorf("%s, %s: wrote to what is not writable", c.name, scheme)
			}
			// DELETE asks for both rights (TAXII 2.1, section 5.7).
			gone := TAXIIRoot + "collections/scratch/objects/" + fmt.Sprintf("identity--00000000-0000-4000-8000-%012d/", i)
			if got, _ := do(taxii, "DELETE", gone, ""); (got == 200) != (c.read == 200 && c.written == 202) {
				t.Errorf("%s, %s: deleting over TAXII: %d", c.name, scheme, got)
			}
			code, text := do(taxii, "GET", TAXIIRoot+"collections/scratch/", "")
			if c.listed == "" && code == 200 {
				t.Errorf("%s, %s: scratch is there: %s", c.name, scheme, text)
			} else if c.listed != "" {
				var col struct {
					Read  bool `json:"can_read"`
					Write bool `json:"can_write"`
				}
				if err := json.Unmarshal([]byte(text), &col); err != nil || fmt.Sprint(col.Read, col.Write) != c.listed {
					t.Errorf("%s, %s: %s, not %s", c.name, scheme, text, c.listed)
				}
			}
		}
	}
	for _, s := range []Scope{"taxii:write:local", "taxii:read:nothing", "taxii:read:", "taxii:write:A", "read:all", "taxii"} {
		var e *Error
		if _, err := a.NewToken(t.Context(), TokenNewRequest{Name: "x", Scopes: []Scope{s}}); !errors.As(err, &e) || e.Next == "" {
			t.Errorf("%s: %v", s, err)
		}
	}
}

// TestTokenLimits reaches the bounds of docs/limits.md on tokens.
func TestTokenLimits(t *testing.T) {
	a := newParty(t, "North")
	scopes := []Scope{ScopeRead}
	for _, r := range []TokenNewRequest{{Name: "", Scopes: scopes}, {Name: strings.Repeat("x", maxTokenName+1), Scopes: scopes}, {Name: "a\nb", Scopes: scopes}, {Name: "x"},
		{Name: "x", Scopes: []Scope{"all"}}, {Name: "x", Scopes: scopesFor(maxTokenScopes + 1)}, {Name: "x", Scopes: scopes, Expires: -1}, {Name: "x", Scopes: scopes, Expires: maxTokenLife + 1}} {
		var e *Error
		if _, err := a.NewToken(t.Context(), r); !errors.As(err, &e) || e.Next == "" {
			t.Errorf("%+v: %v", r, err)
		}
	}
	if got, err := sortedScopes(scopesFor(maxTokenScopes)); err != nil || len(got) != maxTokenScopes {
		t.Errorf("%v, %v", got, err)
	}
	for i := range maxTokens {
		must[*TokenNewResponse](t)(a.NewToken(t.Context(), TokenNewRequest{Name: fmt.Sprint("token ", i), Scopes: scopes, Expires: maxTokenLife}))
	}
	if _, err := a.NewToken(t.Context(), TokenNewRequest{Name: "one more", Scopes: scopes}); err == nil {
		t.Error("any number of tokens is kept")
	}
	if n := len(must[*TokenListResponse](t)(a.Tokens(t.Context())).Tokens); n != maxTokens {
		t.Errorf("%d tokens", n)
	}
	a.stop()
	for _, text := range []string{"{}", "[]", `{"tokens":[{}]}`, `{"tokens":[],"more":1}`, strings.Repeat(" ", maxTokensFile+1)} {
		if err := os.WriteFile(tokensPath(a.dir), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), a.dir, testOptions(t)); err == nil || !strings.Contains(err.Error(), "tokens.json") {
			t.Errorf("%.40q: %v", text, err)
		}
	}
	if err := os.Remove(tokensPath(a.dir)); err != nil {
		t.Fatal(err)
	}
	a.start()
}

// scopesFor gives n scopes for single collections.
func scopesFor(n int) (out []Scope) {
	for i := range n {
		out = append(out, Scope(fmt.Sprintf("taxii:read:c%d", i)))
	}
	return out
}

// FuzzTokens: whatever tokens.json holds is read as this version would have written
// it, or is damage.
func FuzzTokens(f *testing.F) {
	f.Add([]byte(`{"tokens":[]}`))
	f.Add([]byte(`{"tokens":[{"id":"0123456789ab","name":"x","sha256":"` + strings.Repeat("ab", 32) + `","scopes":["read"],"created":"2026-01-01T00:00:00Z"}]}`))
	f.Add([]byte(`{"tokens":[{"id":"0123456789ab","scopes":["read","read"]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		list, err := parseTokens(text)
		if err != nil {
			return
		}
		for i := range list {
			if err := list[i].check(); err != nil || len(list) > maxTokens {
				t.Fatalf("%q: %v", text, err)
			}
		}
	})
}
