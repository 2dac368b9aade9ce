package web

import (
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 6238
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"entente/internal/node"
)

// deskOf is a story behind the door of a real node, with the clock of that node.
type deskOf struct {
	n   *node.Node
	h   http.Handler
	now time.Time
}

// newDesk is a desk whose configuration has something more.
func newDesk(t *testing.T, more ...string) *deskOf {
	t.Helper()
	d := &deskOf{now: noon}
	dir, o := filepath.Join(t.TempDir(), "node"), node.Options{Clock: func() time.Time { return d.now }}
	if _, err := node.Init(t.Context(), dir, node.InitOptions{Name: "North"}, o); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "config.yaml"), os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(strings.Join(more, "\n") + "\n"); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if d.n, err = node.Open(t.Context(), dir, o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.n.Close() })
	d.h = Handler(story{}, Options{Clock: o.Clock, Door: d.n.Door()})
	return d
}

func (d *deskOf) invite(t *testing.T, name string, claims ...node.Claim) string {
	t.Helper()
	r, err := d.n.NewOfficer(t.Context(), node.OfficerNewRequest{Name: name, Roles: []string{"duty"}, Claims: claims, Language: "vi"})
	if err != nil {
		t.Fatal(err)
	}
	return r.Code
}

// app is what an app for one-time codes shows (RFC 6238).
func (d *deskOf) app(t *testing.T, secret string) string {
	t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, key)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(d.now.Unix()/30))) //nolint:gosec // after 1970
	sum := mac.Sum(nil)
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[sum[19]&15:])&0x7fffffff)%1_000_000)
}

// sessionOf is the cookie of the session that an answer begins or ends; nil: it says nothing of one.
func sessionOf(resp *http.Response) *http.Cookie {
	for _, c := range resp.Cookies() {
		if strings.HasPrefix(c.Name, "entente_") && strings.Count(c.Name, "_") == 1 {
			return c
		}
	}
	return nil
}

// keep takes the cookies of an answer, as a browser does; the session is the visitor's.
func (v *visitor) keep(resp *http.Response) {
	if c := sessionOf(resp); c != nil {
		v.cookie = c
	}
}

func found(t *testing.T, pattern, body string) string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(body)
	if m == nil {
		t.Fatalf("no %s in %s", pattern, body)
	}
	return m[1]
}

const (
	passphrase = "correct horse battery"
	ticketOf   = `name="ticket" value="([^"]+)"`
	secretOf   = `<code>([A-Z2-7]{32})</code>`
)

// setUp sets up password and second factor in the pages and signs in with it.
func (d *deskOf) setUp(t *testing.T, code string) (v *visitor, secret string) {
	t.Helper()
	v = &visitor{h: d.h}
	if resp, body := v.post(t, "/set-up", url.Values{"code": {"AAAA-AAAA-AAAA-AAAA"}}); resp.StatusCode != http.StatusForbidden || strings.Contains(body, "ticket") {
		t.Errorf("a wrong code: %d", resp.StatusCode)
	}
	_, body := v.post(t, "/set-up", url.Values{"code": {code}})
	ticket := found(t, ticketOf, body)
	secret = found(t, secretOf, body)
	for _, bad := range []url.Values{{"password": {passphrase}, "again": {"other"}}, {"password": {"short"}, "again": {"short"}}, {"password": {passphrase}, "again": {passphrase}, "code": {"000000"}}} {
		bad.Set("ticket", ticket)
		if resp, body := v.post(t, "/set-up/password", bad); resp.StatusCode < 400 || len(resp.Cookies()) != 0 || !strings.Contains(body, secret) {
			t.Errorf("%v: %d", bad, resp.StatusCode)
		}
	}
	resp, body := v.post(t, "/set-up/password", url.Values{"ticket": {ticket}, "password": {passphrase}, "again": {passphrase}, "code": {d.app(t, secret)}})
	if resp.StatusCode != http.StatusOK || strings.Count(body, "<li><code>") != 10 {
		t.Fatalf("%d: %s", resp.StatusCode, body)
	}
	v.keep(resp)
	d.now = d.now.Add(time.Minute)
	return v, secret
}

// An officer sets up password and second factor, signs out, and in again in two steps.
func TestOfficersSignIn(t *testing.T) {
	d := newDesk(t)
	v, secret := d.setUp(t, d.invite(t, "ada", node.Claim{Agency: "cert", Role: "duty-officer"}))
	if resp, body := v.get(t, "/?lang=en"); resp.StatusCode != http.StatusOK || !strings.Contains(body, `href="/profile"`) {
		t.Fatalf("signed in: %d", resp.StatusCode)
	}
	v.do(httptest.NewRequest(http.MethodPost, "/sign-out", nil))
	if resp, _ := v.get(t, "/"); resp.StatusCode != http.StatusUnauthorized {
		t.Fatalf("signed out: %d", resp.StatusCode)
	}
	v = &visitor{h: d.h}
	_, wrong := v.post(t, "/sign-in", url.Values{"name": {"ada"}, "password": {"a wrong password"}})
	_, nobody := v.post(t, "/sign-in", url.Values{"name": {"eve"}, "password": {"a wrong password"}})
	if !strings.Contains(wrong, "not right") || strings.ReplaceAll(wrong, "ada", "eve") != nobody {
		t.Error("a page says which names there are")
	}
	resp, body := v.post(t, "/sign-in", url.Values{"name": {"ada"}, "password": {passphrase}, "back": {"/journal?unit=x"}})
	if resp.StatusCode != http.StatusOK || len(resp.Cookies()) != 0 || strings.Contains(body, "Joint Cyber Unit") {
		t.Fatalf("one factor: %d, %v", resp.StatusCode, resp.Cookies())
	}
	ticket := found(t, ticketOf, body)
	if resp, _ := v.post(t, "/sign-in/second", url.Values{"ticket": {ticket}, "code": {"000000"}}); resp.StatusCode != http.StatusUnauthorized || len(resp.Cookies()) != 0 {
		t.Fatalf("a wrong code: %d", resp.StatusCode)
	}
	resp, _ = v.post(t, "/sign-in/second", url.Values{"ticket": {ticket}, "code": {d.app(t, secret)}, "back": {"/journal?unit=x"}})
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/journal?unit=x" || len(resp.Cookies()) < 2 {
		t.Fatalf("%d to %q with %v", resp.StatusCode, resp.Header.Get("Location"), resp.Cookies())
	}
	for _, c := range resp.Cookies() {
		if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode && !strings.HasSuffix(c.Name, languageSuffix) {
			t.Errorf("%+v", c)
		}
	}
	v.keep(resp)
	// What they may not, they may not; in whose name they act is theirs to choose from.
	if resp, _ := v.post(t, "/request/move", url.Values{"move": {"acknowledge"}, claimField: {"cert:release-officer"}}); resp.StatusCode != http.StatusForbidden {
		t.Errorf("a claim of somebody else: %d", resp.StatusCode)
	}
	if resp, _ := v.post(t, "/request/move", url.Values{"move": {"acknowledge"}, "by.agency": {"cert"}, "by.role": {"release-officer"}}); resp.StatusCode != http.StatusForbidden {
		t.Errorf("a claim of somebody else, in other fields: %d", resp.StatusCode)
	}
	if resp, body := v.post(t, "/request/move", url.Values{"id": {"entente/x#1"}, "move": {"acknowledge"}}); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("the only claim: %d %s", resp.StatusCode, body)
	}
	lines, err := d.n.Audit(t.Context(), node.AuditListRequest{Who: "ada", Limit: 1})
	if err != nil || lines.Lines[0].Action != "request.move" || lines.Lines[0].Outcome != "ok" || lines.Lines[0].Ref != "entente/x#1" || lines.Lines[0].Claim != "cert:duty-officer" {
		t.Errorf("%+v, %v", lines, err)
	}
	// What they take along is told too.
	if resp, _ := v.get(t, "/exhibit/content?id=x"); resp.StatusCode != http.StatusOK {
		t.Errorf("taken along: %d", resp.StatusCode)
	}
	lines, err = d.n.Audit(t.Context(), node.AuditListRequest{Who: "ada", Limit: 1})
	if err != nil || len(lines.Lines) != 1 || lines.Lines[0].Action != "exhibit.content" || lines.Lines[0].Ref != "x" {
		t.Errorf("the log says %+v, %v", lines, err)
	}
	if _, err := d.n.DisableOfficer(t.Context(), node.OfficerEndRequest{Officer: "ada"}); err != nil {
		t.Fatal(err)
	}
	if resp, _ := v.get(t, "/"); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("disabled: %d", resp.StatusCode)
	}
}

// An officer's own page: password, second factor, recovery codes, sessions; only a
// moment after signing in.
func TestProfile(t *testing.T) {
	d := newDesk(t)
	v, _ := d.setUp(t, d.invite(t, "ada"))
	_, body := v.get(t, "/profile")
	for _, want := range []string{"/profile/password", "/profile/recovery", "ada"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	resp, body := v.post(t, "/profile/second", url.Values{})
	ticket, secret := found(t, ticketOf, body), found(t, secretOf, body)
	if resp.StatusCode != http.StatusOK {
		t.Fatal(resp.StatusCode)
	}
	if resp, body = v.post(t, "/profile/second", url.Values{"ticket": {ticket}, "code": {d.app(t, secret)}}); resp.StatusCode != http.StatusOK || strings.Count(body, "<li><code>") != 10 {
		t.Fatalf("%d: %s", resp.StatusCode, body)
	}
	if resp, body = v.post(t, "/profile/recovery", url.Values{}); resp.StatusCode != http.StatusOK || strings.Count(body, "<li><code>") != 10 {
		t.Fatalf("%d", resp.StatusCode)
	}
	next := url.Values{"current": {passphrase}, "password": {passphrase + "!"}, "again": {passphrase + "!"}}
	if resp, _ = v.post(t, "/profile/password", next); resp.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d", resp.StatusCode)
	}
	if resp, _ = v.post(t, "/profile/password", next); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("the password of before: %d", resp.StatusCode)
	}
	if resp, _ = v.post(t, "/profile/no-password", url.Values{}); resp.StatusCode != http.StatusConflict {
		t.Errorf("the last way: %d", resp.StatusCode)
	}
	d.now = d.now.Add(20 * time.Minute)
	if resp, _ = v.post(t, "/profile/recovery", url.Values{}); resp.StatusCode != http.StatusForbidden {
		t.Errorf("long after signing in: %d", resp.StatusCode)
	}
	// A token has no such page.
	if resp, _ := signedIn(t, story{}).get(t, "/profile"); resp.StatusCode != http.StatusNotFound {
		t.Errorf("a token's page: %d", resp.StatusCode)
	}
}

func TestAddressesBehindAProxy(t *testing.T) {
	for _, c := range [][3]string{{"127.0.0.1:9", "203.0.113.9, 192.0.2.1", "192.0.2.1"}, {"192.0.2.7:9", "203.0.113.9", "192.0.2.7:9"}, {"127.0.0.1:9", "no address", "127.0.0.1:9"}, {"[::1]:9", "2001:db8::1", "2001:db8::1"}} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c[0]
		r.Header.Set("X-Forwarded-For", c[1])
		if got := whoAsks(r, "").From; got != c[2] {
			t.Errorf("%v: %s", c, got)
		}
	}
}

// The pages of people who are not signed in are made of the same few elements.
func TestDoorPagesInEachLanguage(t *testing.T) {
	d := newDesk(t)
	code := d.invite(t, "ada")
	v := &visitor{h: d.h}
	for _, tag := range []string{"en", "fr", "ru", "zh-Hans", "vi"} {
		for _, path := range []string{"/", "/set-up"} {
			_, body := v.get(t, path+"?lang="+tag)
			if !strings.Contains(body, `<html lang="`+tag+`"`) || strings.Contains(body, "ui.") {
				t.Errorf("%s in %s: %s", path, tag, body)
			}
		}
		if _, body := v.post(t, "/set-up?lang="+tag, url.Values{"code": {code}}); strings.Contains(body, ">ui.") || !strings.Contains(body, "data:image/png;base64,") {
			t.Errorf("set-up in %s: %s", tag, body)
		}
	}
}

// TestPasskeyInABrowser makes a passkey with a virtual authenticator, signs out, and in
// again with it.
func TestPasskeyInABrowser(t *testing.T) {
	ctx, cancel := context.WithTimeout(browser(t), 40*time.Second)
	defer cancel()
	d := newDesk(t)
	d.now = time.Now()
	server := httptest.NewServer(d.h)
	defer server.Close()
	defer server.CloseClientConnections() // a live page would hold it up
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	base := "http://localhost:" + u.Port()
	if err := chromedp.Do(ctx, chromedp.Navigate(base+"/set-up?lang=en")); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, webauthn.Enable, webauthn.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	_, err = chromedp.Call(ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: "ctap2", Transport: "internal", HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true}})
	if err != nil {
		t.Fatal(err)
	}
	code := d.invite(t, "ada")
	if err := chromedp.Do(ctx, chromedp.SendKeys("#code", code), chromedp.Submit("#code"), chromedp.Query("button[data-passkey]", chromedp.NodeVisible)); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, chromedp.SendKeys("#passkey-name", "my laptop"), press("button[data-passkey]"), chromedp.Query(`a[href="/profile"]`, chromedp.NodeVisible)); err != nil {
		text, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText`))
		t.Fatalf("%v: %s", err, text)
	}
	signIn := func() error {
		if err := chromedp.Do(ctx, chromedp.Navigate(base+"/"), chromedp.Query(`form[action="/sign-out"] button`, chromedp.NodeVisible), press(`form[action="/sign-out"] button`),
			chromedp.Query("button[data-passkey]", chromedp.NodeVisible), press("button[data-passkey]")); err != nil {
			return err
		}
		return chromedp.Do(ctx, chromedp.Query(`a[href="/profile"]`, chromedp.NodeVisible))
	}
	if err := signIn(); err != nil {
		t.Fatal(err)
	}
	o, err := d.n.Officer(t.Context(), node.OfficerRequest{Officer: "ada"})
	if err != nil || len(o.Officer.Passkeys) != 1 || o.Officer.Passkeys[0].Name != "my laptop" || o.Officer.Passkeys[0].Used.IsZero() || o.Officer.State != "active" || o.Officer.Password {
		t.Fatalf("%+v, %v", o, err)
	}
	// It stands on the officer's own page.
	if err := chromedp.Do(ctx, chromedp.Navigate(base+"/profile"), chromedp.Query(`form[action="/profile/passkey"]`, chromedp.NodeVisible)); err != nil {
		t.Fatal(err)
	}
	lines, err := d.n.Audit(t.Context(), node.AuditListRequest{Who: "ada"})
	if err != nil || len(lines.Lines) < 3 || lines.Lines[0].Action != "sign-in" || !strings.HasPrefix(lines.Lines[0].Ref, "passkey ") {
		t.Errorf("%+v, %v", lines, err)
	}
}

// press activates a button as the keyboard does, wherever it stands on the page.
func press(selector string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := chromedp.Evaluate[bool]("document.querySelector(`"+selector+"`).click() === undefined")(ctx, t)
		return err
	})
}
