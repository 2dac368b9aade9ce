package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entente/internal/node"
	"entente/internal/openid/openidtest"
)

// providerConfig is the configuration of a node whose officers sign in at a provider.
func providerConfig(t *testing.T, origin, issuer, client, secret, more string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("sign_in:\n  origin: %q\n  provider: {name: The bureau, issuer: %q, client_id: %s, secret_file: %q, %s}\n", origin, issuer, client, file, more)
}

// atProvider is a desk whose officers sign in at a provider of a test.
func atProvider(t *testing.T) (*deskOf, *openidtest.Provider) {
	t.Helper()
	p := openidtest.New(t)
	d := newDesk(t, providerConfig(t, "http://localhost:8080", p.Issuer, openidtest.Client, openidtest.Secret, "amr: [mfa]"))
	p.Now = func() time.Time { return d.now }
	return d, p
}

// begun is a browser that was sent to the provider, and comes back to an address with a cookie.
func begun(t *testing.T, v *visitor, path string) (back string, flow *http.Cookie) {
	t.Helper()
	resp, body := v.get(t, path)
	if resp.StatusCode != http.StatusSeeOther || len(resp.Cookies()) != 1 {
		t.Fatalf("%s: %d with %v: %s", path, resp.StatusCode, resp.Cookies(), body)
	}
	flow = resp.Cookies()[0]
	if !flow.HttpOnly || flow.SameSite != http.SameSiteLaxMode || flow.Path != flowPath || flow.MaxAge != 600 {
		t.Errorf("%+v", flow)
	}
	u, err := openidtest.Visit(resp.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(u.String(), "http://localhost:8080/sign-in/provider/callback?") {
		t.Fatalf("the provider sends to %s", u)
	}
	return u.RequestURI(), flow
}

// comesBack is the answer to a browser that comes back as from another site: with this cookie alone.
func comesBack(t *testing.T, d *deskOf, back string, flow *http.Cookie) (*http.Response, string) {
	t.Helper()
	r := newGet(back)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if flow != nil {
		r.AddCookie(flow)
	}
	resp := (&visitor{h: d.h}).do(r)
	return resp, readAll(t, resp)
}

// An officer signs in at the provider and lands where they wanted to go; nobody else brings their
// answer, nobody brings it twice, and it leads nowhere else.
func TestProviderSignsIn(t *testing.T) {
	d, _ := atProvider(t)
	d.invite(t, "ada")
	if _, err := d.n.BindOfficer(t.Context(), node.OfficerBindRequest{Officer: "ada", Subject: "17"}); err != nil {
		t.Fatal(err)
	}
	v := &visitor{h: d.h}
	if _, body := v.get(t, "/journal?unit=x"); !strings.Contains(body, `href="/sign-in/provider?back=%2fjournal%3funit%3dx"`) || !strings.Contains(body, "The bureau") || !strings.Contains(body, `name="password"`) {
		t.Fatalf("the page does not offer it: %s", body)
	}
	for path, to := range map[string]string{"?back=%2Fjournal%3Funit%3Dx": "/journal?unit=x", "": "/", "?back=https://evil.example": "/", "?back=//evil.example": "/", `?back=/\evil.example`: "/", "?back=%2F%0D%0Ax": "/"} {
		back, flow := begun(t, v, flowPath+path)
		for name, other := range map[string]*http.Cookie{"no cookie": nil, "another browser's": {Name: flow.Name, Value: strings.Repeat("x", 43)}, "an empty one": {Name: flow.Name}} {
			if resp, _ := comesBack(t, d, back, other); resp.StatusCode != http.StatusForbidden || sessionOf(resp) != nil {
				t.Errorf("%s: %d, %v", name, resp.StatusCode, resp.Cookies())
			}
		}
		if resp, _ := comesBack(t, d, back+"&state="+url.QueryEscape(flow.Value), flow); resp.StatusCode != http.StatusForbidden || sessionOf(resp) != nil {
			t.Errorf("two states: %d", resp.StatusCode)
		}
		resp, _ := comesBack(t, d, back, flow)
		s := sessionOf(resp)
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Refresh") != "0; url="+to || s == nil || s.SameSite != http.SameSiteStrictMode {
			t.Fatalf("%q: %d, on to %q, with %v", path, resp.StatusCode, resp.Header.Get("Refresh"), resp.Cookies())
		}
		if resp, _ := comesBack(t, d, back, flow); resp.StatusCode != http.StatusForbidden || sessionOf(resp) != nil {
			t.Errorf("again: %d", resp.StatusCode)
		}
		in := &visitor{h: d.h, cookie: s}
		if resp, _ := in.get(t, "/"); resp.StatusCode != http.StatusOK {
			t.Errorf("signed in: %d", resp.StatusCode)
		}
		// Where they came from they may still be signed in, and are told how to end that.
		if resp := in.do(httptest.NewRequest(http.MethodPost, "/sign-out", nil)); resp.StatusCode != http.StatusOK || !strings.Contains(readAll(t, resp), "/end?client_id=entente") {
			t.Errorf("signed out: %d", resp.StatusCode)
		}
		if resp, _ := in.get(t, "/"); resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("signed out: %d", resp.StatusCode)
		}
		d.now = d.now.Add(time.Minute) // the rate of tries
	}
	r := newGet(flowPath)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if resp := v.do(r); resp.StatusCode != http.StatusUnauthorized || len(resp.Cookies()) != 0 {
		t.Errorf("begun by another site: %d", resp.StatusCode)
	}
}

// Whatever goes wrong is said in words, in each language, and beside the other ways to sign in.
func TestProviderGoesWrong(t *testing.T) {
	d, p := atProvider(t)
	d.invite(t, "ada")
	v := &visitor{h: d.h}
	p.Subject = `<b onclick="x">17</b>`
	for what, x := range map[string]struct {
		change func(query url.Values)
		status int
		says   string
	}{
		"not bound": {func(url.Values) {}, http.StatusForbidden, "&lt;b onclick="},
		"refused":   {func(q url.Values) { q.Del("code"); q.Set("error", "access_denied<b>") }, http.StatusForbidden, "access_denied&lt;b&gt;"},
		"mixed up":  {func(q url.Values) { q.Set("iss", "https://evil.example") }, http.StatusForbidden, "does not hold"},
		"forged":    {func(q url.Values) { q.Set("code", "x") }, http.StatusForbidden, "does not hold"},
		"long":      {func(q url.Values) { q.Set("code", strings.Repeat("x", maxQuery)) }, http.StatusForbidden, "Begin again"},
	} {
		back, flow := begun(t, v, flowPath)
		u, err := url.Parse(back)
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		x.change(q)
		u.RawQuery = q.Encode()
		resp, body := comesBack(t, d, u.RequestURI(), flow)
		if resp.StatusCode != x.status || sessionOf(resp) != nil || !strings.Contains(body, x.says) || !strings.Contains(body, `name="password"`) || strings.Contains(body, "<b onclick") {
			t.Errorf("%s: %d: %s", what, resp.StatusCode, body)
		}
	}
	p.Stop()
	d, p = atProvider(t)
	p.Stop()
	d.invite(t, "ada")
	v = &visitor{h: d.h}
	for _, tag := range []string{"en", "fr", "ru", "zh-Hans", "vi"} {
		resp, body := v.get(t, flowPath+"?lang="+tag)
		if resp.StatusCode != http.StatusBadGateway || !strings.Contains(body, `<html lang="`+tag+`"`) || !strings.Contains(body, `name="password"`) || strings.Contains(body, ">ui.") {
			t.Errorf("%s: %d: %s", tag, resp.StatusCode, body)
		}
	}
}

// An officer links the account on their own page: in this session, after seeing which it is.
func TestProviderIsLinked(t *testing.T) {
	d, _ := atProvider(t)
	v, _ := d.setUp(t, d.invite(t, "ada"))
	link := func() {
		t.Helper()
		back, flow := begun(t, v, "/profile/provider")
		if resp, body := comesBack(t, d, back, flow); resp.StatusCode != http.StatusOK || resp.Header.Get("Refresh") != "0; url=/profile" || sessionOf(resp) != nil {
			t.Fatalf("%d: %s", resp.StatusCode, body)
		}
	}
	link()
	if _, body := v.get(t, "/profile?lang=en"); !strings.Contains(body, "Ada Byron (17)") {
		t.Fatalf("it is not offered: %s", body)
	}
	if resp, _ := v.post(t, "/profile/provider", url.Values{"link": {"no"}}); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("no: %d", resp.StatusCode)
	}
	if resp, _ := v.post(t, "/profile/provider", url.Values{"link": {"yes"}}); resp.StatusCode != http.StatusForbidden {
		t.Errorf("yes, after no: %d", resp.StatusCode)
	}
	link()
	if resp, _ := v.post(t, "/profile/provider", url.Values{"link": {"yes"}}); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("yes: %d", resp.StatusCode)
	}
	back, flow := begun(t, &visitor{h: d.h}, flowPath)
	resp, _ := comesBack(t, d, back, flow)
	other := &visitor{h: d.h, cookie: sessionOf(resp)}
	if _, body := other.get(t, "/profile?lang=en"); !strings.Contains(body, "only after signing in without it") || strings.Contains(body, "/profile/password") {
		t.Errorf("by the provider: %s", body)
	}
	if resp, _ := other.get(t, "/profile/provider"); resp.StatusCode != http.StatusForbidden {
		t.Errorf("by the provider: %d", resp.StatusCode)
	}
	if resp, _ := v.post(t, "/profile/provider", url.Values{}); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("taken away: %d", resp.StatusCode)
	}
	if resp, _ := other.get(t, "/"); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a session by it goes on: %d", resp.StatusCode)
	}
	d.now = d.now.Add(20 * time.Minute)
	if resp, _ := v.get(t, "/profile/provider"); resp.StatusCode != http.StatusForbidden {
		t.Errorf("long after signing in: %d", resp.StatusCode)
	}
}

// The provider says who is signed out there, and their next page is the sign-in page. What it says is a form with one token, and
// the answer is for a program: 200, or 400 whatever is wrong.
func TestProviderSignsOut(t *testing.T) {
	d, p := atProvider(t)
	d.invite(t, "ada")
	if _, err := d.n.BindOfficer(t.Context(), node.OfficerBindRequest{Officer: "ada", Subject: "17"}); err != nil {
		t.Fatal(err)
	}
	back, flow := begun(t, &visitor{h: d.h}, flowPath)
	resp, _ := comesBack(t, d, back, flow)
	ada := &visitor{h: d.h, cookie: sessionOf(resp)}
	if resp, _ := ada.get(t, "/"); resp.StatusCode != http.StatusOK {
		t.Fatal(resp.StatusCode)
	}
	const kind = "application/x-www-form-urlencoded"
	tell := func(kind, body string) (*http.Response, string) {
		t.Helper()
		r := httptest.NewRequest(http.MethodPost, flowPath+"/logout", strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		resp := (&visitor{h: d.h}).do(r)
		if resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("Content-Type") != "application/json" || len(resp.Cookies()) != 0 {
			t.Errorf("%d with %v", resp.StatusCode, resp.Header)
		}
		return resp, readAll(t, resp)
	}
	form := func(token string) string { return url.Values{"logout_token": {token}, "and": {"more"}}.Encode() }
	for name, x := range map[string]struct{ kind, body, says string }{
		"nothing":      {kind, "", "invalid_request"},
		"no token":     {kind, form("x"), "invalid_request"},
		"two tokens":   {kind, form(p.LogoutToken(nil)) + "&" + form("x"), "invalid_request"},
		"JSON":         {"application/json", `{"logout_token":"x"}`, "invalid_request"},
		"no form":      {"text/plain", form(p.LogoutToken(nil)), "invalid_request"},
		"much":         {kind, form(p.LogoutToken(nil)) + "&x=" + strings.Repeat("x", maxLogout), "invalid_request"},
		"another node": {kind, form(p.LogoutToken(func(c map[string]any) { c["aud"] = "another" })), "invalid_request"},
	} {
		if resp, body := tell(x.kind, x.body); resp.StatusCode != http.StatusBadRequest || !strings.Contains(body, `"error":"`+x.says+`"`) {
			t.Errorf("%s: %d, %s", name, resp.StatusCode, body)
		}
	}
	r := newGet(flowPath + "/logout?" + form(p.LogoutToken(nil)))
	if resp := (&visitor{h: d.h}).do(r); resp.StatusCode == http.StatusOK {
		t.Error("a token in an address")
	}
	r = httptest.NewRequest(http.MethodPost, flowPath+"/logout?"+form(p.LogoutToken(nil)), strings.NewReader(""))
	r.Header.Set("Content-Type", kind)
	if resp := (&visitor{h: d.h}).do(r); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a token in an address: %d", resp.StatusCode)
	}
	if resp, _ := ada.get(t, "/"); resp.StatusCode != http.StatusOK {
		t.Fatal("what was wrong signed somebody out")
	}
	boss := signedInAs(t, d, "boss", "administrator")
	if _, body := boss.get(t, "/admin/sessions?lang=en"); !strings.Contains(body, "It has told nothing since this node started.") {
		t.Errorf("before: %s", body)
	}
	token := p.LogoutToken(nil)
	if resp, body := tell(kind+"; charset=UTF-8", form(token)); resp.StatusCode != http.StatusOK {
		t.Errorf("%d, %s", resp.StatusCode, body)
	}
	if resp, body := ada.get(t, "/journal"); resp.StatusCode != http.StatusUnauthorized || !strings.Contains(body, "/sign-in/provider?back=%2fjournal") {
		t.Errorf("signed out: %d, %s", resp.StatusCode, body)
	}
	if _, body := boss.get(t, "/admin/sessions?lang=en"); !strings.Contains(body, "It last did:") {
		t.Errorf("after: %s", body)
	}
	if resp, body := tell(kind, form(token)); resp.StatusCode != http.StatusBadRequest || !strings.Contains(body, "came before") {
		t.Errorf("again: %d, %s", resp.StatusCode, body)
	}
	p.Stop()
	if resp, body := tell(kind, form("eyJhbGciOiJFZERTQSIsImtpZCI6IjIifQ.e30.AAAA")); resp.StatusCode != http.StatusBadRequest || !strings.Contains(body, "temporarily_unavailable") {
		t.Errorf("without keys: %d, %s", resp.StatusCode, body)
	}
}

// signedInAs makes an officer with one role and signs them in.
func signedInAs(t *testing.T, d *deskOf, name, role string) *visitor {
	t.Helper()
	made, err := d.n.NewOfficer(t.Context(), node.OfficerNewRequest{Name: name, Roles: []string{role}})
	if err != nil {
		t.Fatal(err)
	}
	v, _ := d.setUp(t, made.Code)
	return v
}
