package web

import (
	"context"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"entente/internal/lang"
	"entente/internal/node"
)

func init() {
	rights["GET /first"], rights["POST /officer/first"] = node.ScopeAdmin, node.ScopeAdmin
}

func (story) Setup(context.Context) (*node.SetupResponse, error) {
	return &node.SetupResponse{Steps: []node.SetupStep{{Code: "account"}, {Code: "name", Done: true}, {Code: "keys"}, {Code: "unit", Done: true}, {Code: "partner", Done: true}, {Code: "import"}}, Name: "North", Told: "North", Party: northID,
		OrgKey: southID, OrgKeyFile: "/srv/entente/north/organisation.key", Commands: []string{"cp /srv/entente/north/organisation.key /media/OFFLINE/organisation.key"}, Acting: node.Claim{Agency: "cert", Role: "duty-officer"}}, nil
}

func (hostile) Setup(context.Context) (*node.SetupResponse, error) {
	r, err := filled[node.SetupResponse]()
	r.Done = false
	for _, code := range []string{"account", "name", "keys", "unit"} {
		r.Steps = append(r.Steps, node.SetupStep{Code: code})
	}
	return r, err
}

// newFirst is the pages of a node as 'entente init' leaves it, and the token that it showed.
func newFirst(t *testing.T) (d *deskOf, dir, token string) {
	t.Helper()
	d = &deskOf{now: noon}
	dir = filepath.Join(t.TempDir(), "node")
	o := node.Options{Clock: func() time.Time { return d.now }}
	made, err := node.Init(t.Context(), dir, node.InitOptions{Name: "North"}, o)
	if err != nil {
		t.Fatal(err)
	}
	if d.n, err = node.Open(t.Context(), dir, o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.n.Close() })
	closing := make(chan struct{})
	t.Cleanup(func() { close(closing) })
	d.h = Handler(d.n, Options{Clock: o.Clock, Door: d.n.Door(), Closing: closing})
	return d, dir, made.APIToken
}

// steps says which of them are done, by the pages' own words.
func (d *deskOf) steps(t *testing.T) map[string]bool {
	t.Helper()
	s, err := d.n.Setup(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for _, x := range s.Steps {
		out[x.Code] = x.Done
	}
	return out
}

// TestFirstSteps: a new node leads its first administrator; each step is done when it is, and home says no more of
// it when all are.
func TestFirstSteps(t *testing.T) {
	d, dir, secret := newFirst(t)
	v := &visitor{h: d.h}
	resp, _ := v.get(t, "/?token="+secret)
	v.keep(resp)
	if _, body := v.get(t, "/"); !strings.Contains(body, `href="/first"`) {
		t.Fatal("home does not lead to the first steps")
	}
	_, body := v.get(t, "/first")
	body = html.UnescapeString(body)
	for _, want := range []string{"Your own account", "The organisation key lies on this machine, in " + dir, "rm '" + filepath.Join(dir, "organisation.key"), `action="/officer/first"`, `href="/pair"`, `href="/import"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if got := d.steps(t); got["account"] || !got["name"] || got["keys"] || got["unit"] || got["partner"] || got["import"] {
		t.Errorf("%v", got)
	}
	resp, body = v.post(t, "/officer/first", url.Values{"name": {"ada"}, "display": {"Ada Byron"}})
	if resp.StatusCode != http.StatusOK || d.steps(t)["account"] {
		t.Fatalf("%d: %v", resp.StatusCode, d.steps(t))
	}
	code := found(t, `<code class="secret">([^<]+)</code>`, body)
	if _, body := v.get(t, "/first"); !strings.Contains(body, "ada has a one-time code") || strings.Contains(body, code) {
		t.Error("the code is shown twice, or nobody is told that it waits")
	}
	v, _ = d.setUp(t, code)
	o, err := d.n.Officer(t.Context(), node.OfficerRequest{Officer: "ada"})
	if err != nil || len(o.Officer.Claims) != 1 || o.Officer.Claims[0] != (node.Claim{Agency: "cert", Role: "duty-officer"}) || !d.steps(t)["account"] {
		t.Errorf("%+v, %v", o, err)
	}
	if err := os.Rename(filepath.Join(dir, "organisation.key"), filepath.Join(t.TempDir(), "offline.key")); err != nil {
		t.Fatal(err)
	}
	if resp, _ := v.post(t, "/pair/found", url.Values{"name": {"Joint Unit"}}); resp.StatusCode != http.StatusSeeOther {
		t.Fatal(resp.StatusCode)
	}
	if resp, _ := v.send(t, "/import", url.Values{"dry_run": {"false"}}, "list.txt", "198.51.100.7\n"); resp.StatusCode != http.StatusOK {
		t.Fatal(resp.StatusCode)
	}
	if got := d.steps(t); !got["keys"] || !got["unit"] || got["partner"] || !got["import"] {
		t.Errorf("%v", got)
	}
	if _, body := v.get(t, "/"); !strings.Contains(body, `href="/first"`) {
		t.Error("home says nothing of the step that is left")
	}
	if _, body := signedIn(t, with{scopes: []node.Scope{node.ScopeRead}}).get(t, "/"); strings.Contains(body, `href="/first"`) {
		t.Error("who may not is led there, too")
	}
	if _, body := signedIn(t, finished{}).get(t, "/"); strings.Contains(body, `href="/first"`) {
		t.Error("home says more when all is done")
	}
}

// finished is a story with nothing left to set up.
type finished struct{ story }

func (finished) Setup(context.Context) (*node.SetupResponse, error) {
	return &node.SetupResponse{Done: true, Steps: []node.SetupStep{{Code: "account", Done: true}}}, nil
}

// TestFirstRunInABrowser walks a new node from the token of init through the own account to the first unit and the
// first import, by what stands on the pages, in two languages.
func TestFirstRunInABrowser(t *testing.T) {
	for _, tag := range []string{"en", "vi"} {
		t.Run(tag, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(browser(t), 90*time.Second)
			defer cancel()
			d, dir, secret := newFirst(t)
			d.now = time.Now()
			server := httptest.NewServer(d.h)
			defer server.Close()
			defer server.CloseClientConnections()
			pictures := os.Getenv("ENTENTE_SCREENSHOTS")
			c := lang.Match(tag)
			still := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}}}
			if err := chromedp.Do(ctx); err != nil {
				t.Fatal(err)
			}
			if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, still); err != nil {
				t.Fatal(err)
			}
			shot := func(name string) chromedp.Action[chromedp.Void] { return picture(pictures, "first-"+tag+"-"+name) }
			step := func(name string, actions ...chromedp.Action[chromedp.Void]) {
				t.Helper()
				if err := chromedp.Do(ctx, append(actions, shot(name))...); err != nil {
					text, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`location.href + " " + document.body.innerText`))
					t.Fatalf("%s: %v: %s", name, err, text)
				}
			}
			says := func(key string) {
				t.Helper()
				text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText`))
				if err != nil || !strings.Contains(text, c.Text(key)) {
					t.Fatalf("the page does not say %q, %v: %s", c.Text(key), err, text)
				}
			}
			read := func(selector string) string {
				t.Helper()
				text, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.querySelector(`"+selector+"`).textContent"))
				if err != nil {
					t.Fatal(err)
				}
				return text
			}
			see := func(selector string) chromedp.Action[chromedp.Void] {
				return chromedp.Query(selector, chromedp.NodeVisible)
			}
			step("sign-in", chromedp.Navigate(server.URL+"/?lang="+tag), see("#token"))
			step("home", chromedp.SendKeys("#token", secret), chromedp.Submit("#token"), see("#setup"))
			says("ui.first-steps")
			step("steps", press(`a[href="/first"]`), see("#account"))
			says("setup-why.keys")
			step("code", chromedp.SendKeys("#name", "ada"), chromedp.SendKeys("#display", "Ada Byron"), chromedp.Submit("#name"), see("code.secret"))
			code := read("code.secret")
			step("set-up", press(`main a[href="/set-up"]`), see("#code"))
			step("credentials", chromedp.SendKeys("#code", code), chromedp.Submit("#code"), see("#again"))
			key := read("main form p > code")
			step("recovery", chromedp.SendKeys("#password", passphrase), chromedp.SendKeys("#again", passphrase), chromedp.SendKeys("#code", d.app(t, key)), chromedp.Submit("#code"), see(`main a[href="/"]`))
			says("ui.recovery-codes")
			step("home-as-oneself", press(`main a[href="/"]`), see("#setup"), see(`a[href="/profile"]`))
			if err := os.Remove(filepath.Join(dir, "organisation.key")); err != nil {
				t.Fatal(err)
			}
			step("steps-later", press(`a[href="/first"]`), see("#unit a.button"))
			says("ui.org-key-gone")
			step("pair", press(`#unit a.button`), see("#name"))
			step("founded", chromedp.SendKeys("#name", "Joint Unit"), chromedp.Submit("#name"), see(".notice.good"))
			step("import", chromedp.Navigate(server.URL+"/first"), see("#import a.button"), press("#import a.button"), see("#file"))
			file := filepath.Join(t.TempDir(), "list.txt")
			if err := os.WriteFile(file, []byte("198.51.100.7\nbad.example.net\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			step("imported", chromedp.SetUploadFiles("#file", []string{file}), press(`input[name="dry_run"][value="false"]`), press(`main form button[type="submit"]`), see("main [role=status]"))
			step("steps-at-the-end", chromedp.Navigate(server.URL+"/first"), see("#partner a.button"))
			if got := d.steps(t); !got["account"] || !got["name"] || !got["keys"] || !got["unit"] || !got["import"] {
				t.Errorf("%v", got)
			}
			step("narrow", chromedp.EmulateViewport(390, 900))
		})
	}
}
