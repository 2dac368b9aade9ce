package web

import (
	"crypto/sha256"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"

	"entente/internal/node"
)

var _, _ Source = story{}, hostile{}

// addresses are all pages.
var addresses = slices.Concat(generalAddresses, unitAddresses, requestAddresses, intelAddresses, journalAddresses, recordAddresses, adminAddresses, hotlineAddresses, releaseAddresses, watchAddresses)

var generalAddresses = []string{
	"/", "/unit?unit=" + unitID, "/accord?unit=" + unitID, "/accord?unit=" + unitID + "&from=", "/intelligence?value=198.51.100.7", "/intelligence?after=never", "/object?id=indicator--x", "/intake", "/intake?state=all",
}

// visitor is a browser that is signed in, or not.
type visitor struct {
	h      http.Handler
	cookie *http.Cookie
}

func (v *visitor) do(r *http.Request) *http.Response {
	if v.cookie != nil {
		r.AddCookie(v.cookie)
	}
	w := httptest.NewRecorder()
	v.h.ServeHTTP(w, r)
	return w.Result()
}

func (v *visitor) get(t *testing.T, path string) (*http.Response, string) {
	t.Helper()
	resp := v.do(httptest.NewRequest(http.MethodGet, path, nil))
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

func signedIn(t *testing.T, n Source) *visitor {
	t.Helper()
	v := &visitor{h: Handler(n, Options{Clock: func() time.Time { return noon }})}
	resp, _ := v.get(t, "/?token="+token)
	if resp.StatusCode != http.StatusSeeOther || len(resp.Cookies()) != 1 {
		t.Fatalf("signing in: %d, %d cookies", resp.StatusCode, len(resp.Cookies()))
	}
	v.cookie = resp.Cookies()[0]
	return v
}

func TestSigningIn(t *testing.T) {
	v := signedIn(t, story{})
	resp, _ := (&visitor{h: v.h}).get(t, "/?token="+token)
	if to := resp.Header.Get("Location"); strings.Contains(to, "token") || to != "/" {
		t.Errorf("it went on to %q", to)
	}
	c := v.cookie
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || len(c.Value) < 40 || strings.Contains(c.Value, token) {
		t.Errorf("cookie %+v", c)
	}
	if resp, body := v.get(t, "/"); resp.StatusCode != 200 || !strings.Contains(body, "Joint Cyber Unit") {
		t.Errorf("the overview: %d", resp.StatusCode)
	}
	for _, wrong := range []string{"x", "", strings.Repeat("a", 5000)} {
		resp, body := (&visitor{h: v.h}).get(t, "/?token="+wrong)
		if resp.StatusCode != 401 || len(resp.Cookies()) != 0 || strings.Contains(body, "Joint Cyber Unit") {
			t.Errorf("token %.5q: %d", wrong, resp.StatusCode)
		}
	}
	for _, path := range addresses {
		resp, body := (&visitor{h: v.h}).get(t, path)
		if resp.StatusCode != 401 || !strings.Contains(body, `name="token"`) || strings.Contains(body, "Joint Cyber Unit") {
			t.Errorf("%s without a session: %d", path, resp.StatusCode)
		}
	}
	out := v.do(httptest.NewRequest(http.MethodPost, "/sign-out", nil))
	if out.StatusCode != http.StatusSeeOther {
		t.Errorf("signing out: %d", out.StatusCode)
	}
	if resp, _ := v.get(t, "/"); resp.StatusCode != 401 {
		t.Errorf("after signing out: %d", resp.StatusCode)
	}
}

func TestTheFormSignsInAndGoesBack(t *testing.T) {
	h := Handler(story{}, Options{})
	for back, want := range map[string]string{"/journal?unit=x": "/journal?unit=x", "//evil.example/": "/", "https://evil.example/": "/", `/\evil.example`: "/", "": "/", "/\r\nSet-Cookie: a=b": "/"} {
		r := httptest.NewRequest(http.MethodPost, "/sign-in", strings.NewReader(url.Values{"token": {" " + token + "\n"}, "back": {back}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp := (&visitor{h: h}).do(r)
		if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != want {
			t.Errorf("back to %q: %d to %q", back, resp.StatusCode, resp.Header.Get("Location"))
		}
	}
}

func TestASessionEnds(t *testing.T) {
	now := noon
	h := Handler(story{}, Options{Clock: func() time.Time { return now }})
	v := &visitor{h: h}
	resp, _ := v.get(t, "/?token="+token)
	v.cookie = resp.Cookies()[0]
	now = now.Add(sessionIdle - time.Minute)
	if resp, _ := v.get(t, "/"); resp.StatusCode != 200 {
		t.Fatal("a session ended early")
	}
	now = now.Add(sessionIdle + time.Minute)
	if resp, _ := v.get(t, "/"); resp.StatusCode != 401 {
		t.Error("an idle session goes on")
	}
}

// revocable is a node whose token can be taken back.
type revocable struct {
	story
	gone *bool
}

func (r revocable) GrantOf(d [sha256.Size]byte) (node.Grant, bool) {
	g, ok := r.story.GrantOf(d)
	return g, ok && !*r.gone
}

func TestASessionEndsWithItsToken(t *testing.T) {
	gone := false
	v := signedIn(t, revocable{gone: &gone})
	if resp, _ := v.get(t, "/"); resp.StatusCode != 200 {
		t.Fatal("not signed in")
	}
	gone = true
	if resp, _ := v.get(t, "/"); resp.StatusCode != 401 {
		t.Error("the session of a revoked token goes on")
	}
	gone = false
	if resp, _ := v.get(t, "/"); resp.StatusCode != 401 {
		t.Error("a session that had ended goes on")
	}
}

func TestOldSessionsMakeRoom(t *testing.T) {
	h := Handler(story{}, Options{})
	first := &visitor{h: h}
	for i := range maxSessions + 1 {
		v := &visitor{h: h}
		resp, _ := v.get(t, "/?token="+token)
		if i == 0 {
			first.cookie = resp.Cookies()[0]
		}
	}
	if resp, _ := first.get(t, "/"); resp.StatusCode != 401 {
		t.Error("sessions are kept without bound")
	}
}

func TestOtherSitesCannotPost(t *testing.T) {
	v := signedIn(t, story{})
	r := httptest.NewRequest(http.MethodPost, "/sign-out", nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if resp := v.do(r); resp.StatusCode != http.StatusForbidden {
		t.Errorf("a post from another site: %d", resp.StatusCode)
	}
	if resp, _ := v.get(t, "/"); resp.StatusCode != 200 {
		t.Error("it signed out")
	}
}

func TestEveryPageHasTheSecurityHeaders(t *testing.T) {
	v := signedIn(t, story{})
	for _, path := range append([]string{"/nothing", "/style.css", "/healthz", "/unit?unit=none"}, addresses...) {
		resp, _ := v.get(t, path)
		csp := resp.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "http") {
			t.Errorf("%s: policy %q", path, csp)
		}
		for _, name := range []string{"X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Cache-Control", "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy"} {
			if resp.Header.Get(name) == "" {
				t.Errorf("%s has no %s", path, name)
			}
		}
	}
}

func TestPagesSayWhatThereIs(t *testing.T) {
	v := signedIn(t, story{})
	for path, want := range map[string][]string{
		"/":                         {"OVERDUE since", "Joint Cyber Unit", "100,812"},
		"/unit?unit=" + unitID:      {"South", "1,281", "had suspended share", "suspended all", "lifted", "Against the accord", "tlp-ceiling", "Version 3", "reservation", "H1, R1", "/accord?hash="},
		"/unit?unit=none":           {"There is no unit none."},
		"/accord?unit=" + unitID:    {"H1", "Nothing above TLP:AMBER leaves either side.", "sender may state", "in force"},
		"/accord?from=":             {"rises from TLP:GREEN to TLP:AMBER", "PT30M"},
		"/requests":                 {"Who runs 198.51.100.7?", "OVERDUE", "Drafts"},
		"/request?id=x":             {"ask for more information", "Which ports", "This move changed nothing", "2 h 10 min ago", `name="move" value="acknowledge"`},
		"/intelligence?value=x":     {"Login attempts against voter registries", "TLP:AMBER", "from South", "conflict"},
		"/intelligence?after=never": {"The date is not one"},
		"/intelligence?value=x&below=1&text=loader": {"name=\"below\" type=\"checkbox\" value=\"1\" checked", "below=1&next=25&text=loader&value=x"},
		"/object?id=indicator--x":                   {"198.51.100.7", "imported here"},
		"/object?id=indicator--none":                {"Nothing is known under this id."},
		"/intake":                                   {"A public service must never be acted on.", "Q2"},
		"/nothing":                                  {"There is no such page."},
	} {
		_, body := v.get(t, path)
		for _, s := range want {
			if !strings.Contains(html.UnescapeString(body), s) {
				t.Errorf("%s does not say %q", path, s)
			}
		}
	}
}

// elements and attributes are all that a page may be made of.
var elements = strings.Fields("html head meta title link body a header div span b nav form button main section h1 h2 h3 h4 p ul ol li dl dt dd table thead tbody tr th td code pre time footer details summary label input select option article br textarea fieldset legend script svg circle path text datalist img line figure figcaption rect desc")

var attributes = strings.Fields("lang dir charset name content rel href class id tabindex aria-hidden aria-label aria-labelledby aria-current method action type value autocomplete required autofocus spellcheck hidden for placeholder selected scope role title datetime rows checked src defer data-live data-answer data-keep enctype maxlength viewbox viewBox cx cy r x y d dy list readonly alt width height inputmode open pattern formnovalidate aria-describedby data-progress x1 x2 y1 y2 text-anchor download aria-live data-as data-ring data-drill data-who data-about data-bell accesskey multiple min max")

func TestPartnerTextNeverBecomesMarkup(t *testing.T) {
	v := signedIn(t, hostile{})
	for _, path := range addresses {
		resp, body := v.get(t, path)
		if resp.StatusCode != 200 {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
		if !utf8.ValidString(body) {
			t.Errorf("%s is not UTF-8", path)
		}
		for _, r := range body {
			if r != '\n' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
				t.Errorf("%s holds %U", path, r)
				break
			}
		}
		checkMarkup(t, path, body)
		if path != "/intelligence?after=never" && !strings.Contains(body, "&lt;script&gt;") {
			t.Errorf("%s shows nothing of the poison: the test looks at nothing", path)
		}
	}
}

func checkMarkup(t *testing.T, path, body string) {
	t.Helper()
	z := html.NewTokenizer(strings.NewReader(body))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return
		case html.StartTagToken, html.SelfClosingTagToken:
			tag := z.Token()
			if !slices.Contains(elements, tag.Data) {
				t.Errorf("%s holds <%s>", path, tag.Data)
			}
			if tag.Data == "script" && (z.Next() != html.EndTagToken || !slices.ContainsFunc(tag.Attr, func(a html.Attribute) bool { return a.Key == "src" && strings.HasPrefix(a.Val, "/assets/") })) {
				t.Errorf("%s runs a script that is not an asset: %v", path, tag.Attr)
			}
			for _, a := range tag.Attr {
				if !slices.Contains(attributes, a.Key) {
					t.Errorf("%s: <%s %s>", path, tag.Data, a.Key)
				}
				if a.Key == "href" || a.Key == "action" {
					if u, err := url.Parse(a.Val); err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "#") {
						t.Errorf("%s leads to %q", path, a.Val)
					}
				}
			}
		case html.TextToken, html.EndTagToken, html.CommentToken, html.DoctypeToken:
		}
	}
}

func TestCleanLeavesLettersAlone(t *testing.T) {
	for in, want := range map[string]string{
		"مرحبا עברית 中文 é می\u200cخواهم": "مرحبا עברית 中文 é می\u200cخواهم", "a\u202eb": `a\u202eb`, "a\x1b[0m": `a\x1b[0m`, "\xff": `\xff`, "\ufffd": "\ufffd", "a\r\nb\tc": "a\nb\tc", "\U000e0041": `\ue0041`,
	} {
		if got := string(clean([]byte(in))); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func FuzzAccordText(f *testing.F) {
	f.Add([]byte(`{"a":{"id":"x","text":{"en":"y"}},"b":[{"kind":"z"},1,null]}`))
	f.Add([]byte(`{"a":` + strings.Repeat(`{"a":`, 100) + `1` + strings.Repeat(`}`, 101)))
	f.Add([]byte(`[`))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, s := range sections(text) { // it must end, and never fail
			_ = s.Name
		}
	})
}

// TestPartsAreDefinedOnce: a template that two files define is the last one's for every page.
func TestPartsAreDefinedOnce(t *testing.T) {
	where := map[string]string{}
	for _, file := range shared {
		text, err := files.ReadFile("pages/" + file + ".html")
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\{\{define "([^"]+)"`).FindAllSubmatch(text, -1) {
			if name := string(m[1]); where[name] != "" {
				t.Errorf("%q is defined in %s.html and in %s.html", name, where[name], file)
			} else {
				where[name] = file
			}
		}
	}
}
