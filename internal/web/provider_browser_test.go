package web

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"entente/internal/lang"
	"entente/internal/node"
)

// realProvider starts the provider that ENTENTE_OPENID_PROVIDER names (docs/dependencies.md says which), with this
// node as its client, or skips the test by name.
func realProvider(t *testing.T, origin string) (issuer string) {
	t.Helper()
	path := os.Getenv("ENTENTE_OPENID_PROVIDER")
	if path == "" {
		t.Skipf("SKIPPED %s: ENTENTE_OPENID_PROVIDER names no provider, so nobody signed in at a real one", t.Name())
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	said, err := os.Create(filepath.Join(t.TempDir(), "provider.log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = said.Close() })
	cmd := exec.Command(path)
	cmd.Env = append(os.Environ(), "PORT="+port, "REDIRECT_URI="+origin+flowPath+"/callback")
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(said.Name())
			t.Logf("the provider said: %s", text[max(0, len(text)-4000):])
		}
	})
	issuer = "http://localhost:" + port + "/"
	for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		resp, err := http.Get(issuer + ".well-known/openid-configuration")
		if err == nil {
			_ = resp.Body.Close()
			return issuer
		}
		if time.Since(begun) > 20*time.Second {
			t.Fatal(err)
		}
	}
}

// TestProviderInABrowser: an officer signs in at a real provider, from another site and over TLS as in earnest, in
// two languages, and out of both. The provider vouches for a password alone, which is not enough unless it is said.
func TestProviderInABrowser(t *testing.T) {
	ctx := browser(t, chromedp.Flag("host-resolver-rules", "MAP entente.example 127.0.0.1"), chromedp.Flag("ignore-certificate-errors", true))
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	var d *deskOf
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { d.h.ServeHTTP(w, r) }))
	defer server.Close()
	defer server.CloseClientConnections() // a live page would hold it up
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	base := "https://entente.example:" + port
	issuer := realProvider(t, base)
	pictures := os.Getenv("ENTENTE_SCREENSHOTS")
	// look has axe-core look at a page, and keeps a picture of it.
	look := func(name string) {
		t.Helper()
		if _, err := chromedp.Run(ctx, chromedp.Evaluate[any](axe+"; true")); err != nil {
			t.Fatal(err)
		}
		r, err := chromedp.Run(ctx, chromedp.Evaluate[axeResult](axeRun+"; entente(false)", chromedp.EvalAwaitPromise))
		if err != nil || r.Passed < 5 || len(r.Violations) > 0 {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
		if pictures == "" {
			return
		}
		picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
		if err == nil {
			err = os.WriteFile(filepath.Join(pictures, name+".png"), picture, 0o600)
		}
		if err != nil {
			t.Error(err)
		}
	}
	do := func(actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		for _, a := range actions {
			if err := chromedp.Do(ctx, a); err != nil {
				text, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`location.href + " " + document.body.innerText`))
				t.Fatalf("%v: %s", err, text)
			}
		}
	}
	for _, c := range []struct{ amr, tag string }{{"mfa", "en"}, {"pwd", "en"}, {"pwd", "vi"}} {
		d = newDesk(t, providerConfig(t, base, issuer, "web", "secret", fmt.Sprintf("amr: [%s]", c.amr)))
		d.now = time.Now()
		if _, err := d.n.NewOfficer(t.Context(), node.OfficerNewRequest{Name: "ada", Roles: []string{"duty"}, Language: c.tag}); err != nil {
			t.Fatal(err)
		}
		if _, err := d.n.BindOfficer(t.Context(), node.OfficerBindRequest{Officer: "ada", Subject: "id1"}); err != nil {
			t.Fatal(err)
		}
		tag := c.tag
		words := lang.Match(tag)
		do(chromedp.Navigate(base+"/?lang="+tag), chromedp.Navigate(base+"/journal"), chromedp.Query(`a[href^="/sign-in/provider"]`, chromedp.NodeVisible))
		look("provider-signin-" + tag)
		do(press(`a[href^="/sign-in/provider"]`), chromedp.Query("#username", chromedp.NodeVisible),
			chromedp.SendKeys("#username", "test-user@localhost"), chromedp.SendKeys("#password", "verysecure"), chromedp.Submit("#password"))
		if c.amr == "mfa" {
			do(chromedp.Query("#problem", chromedp.NodeVisible))
			look("provider-factor-" + tag)
			if text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText`)); err != nil || !strings.Contains(text, "does not say that a second factor was used") {
				t.Fatalf("%s, %v", text, err)
			}
			continue
		}
		// The page that they wanted, with a session that a request from another site would not have brought.
		do(chromedp.Query(`a[href="/profile"]`, chromedp.NodeVisible))
		if at, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.pathname + " " + document.documentElement.lang`)); err != nil || at != "/journal "+words.Tag() {
			t.Errorf("came to %s, %v", at, err)
		}
		do(press(`a[href="/profile"]`), chromedp.Query("#sessions", chromedp.NodeVisible))
		look("provider-profile-" + tag)
		if text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText`)); err != nil || !strings.Contains(text, words.Code("how", "openid")) {
			t.Errorf("%s, %v", text, err)
		}
		do(press(`form[action="/sign-out"] button`), chromedp.Query(`a[href^="`+issuer+`"]`, chromedp.NodeVisible))
		look("provider-signedout-" + tag)
		do(press(`a[href^="` + issuer + `"]`))
		for range 100 {
			text, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText`))
			if strings.Contains(text, "signed out successfully") {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		if at, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.href`)); err != nil || at != issuer+"logged-out" {
			t.Errorf("signing out there came to %s, %v", at, err)
		}
	}
	// Who signed in otherwise links an account, after having seen which it is.
	v, _ := d.setUp(t, d.invite(t, "eve"))
	if _, err := chromedp.Call(ctx, network.SetCookie, network.SetCookieParams{Name: v.cookie.Name, Value: v.cookie.Value, URL: base, Secure: new(true), HTTPOnly: new(true), SameSite: "Strict"}); err != nil {
		t.Fatal(err)
	}
	do(chromedp.Navigate(base+"/profile?lang=en"), chromedp.Query(`a[href="/profile/provider"]`, chromedp.NodeVisible), press(`a[href="/profile/provider"]`), chromedp.Query("#username", chromedp.NodeVisible),
		chromedp.SendKeys("#username", "test-user2"), chromedp.SendKeys("#password", "verysecure"), chromedp.Submit("#password"), chromedp.Query(`button[value="yes"]`, chromedp.NodeVisible))
	look("provider-offered-en")
	do(press(`button[value="yes"]`), chromedp.Query(".notice.good", chromedp.NodeVisible))
	look("provider-linked-en")
	if o, err := d.n.Officer(t.Context(), node.OfficerRequest{Officer: "eve"}); err != nil || o.Officer.Provider != issuer || o.Officer.Subject != "id2" {
		t.Errorf("%+v, %v", o, err)
	}
	lines, err := d.n.Audit(t.Context(), node.AuditListRequest{Who: "ada", Action: "sign-in"})
	if err != nil || len(lines.Lines) != 1 || !strings.HasPrefix(lines.Lines[0].Ref, "openid ") {
		t.Errorf("%+v, %v", lines, err)
	}
}
