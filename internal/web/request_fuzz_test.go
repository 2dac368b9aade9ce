package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// FuzzPages asks for any path and query, as a visitor who is signed in and as one
// who is not, and posts any form. Nobody who is not signed in sees a page; no answer
// leads off the site, sets a header of the visitor's, or fails.
func FuzzPages(f *testing.F) {
	for _, a := range addresses {
		path, query, _ := strings.Cut(a, "?")
		f.Add(path, query, "token=x&back="+url.QueryEscape(a))
	}
	f.Add("/journal", "before.x=-1&before="+strings.Repeat("9", 40), "back=//evil.example")
	f.Add("/entry", "index=1e9&origin=%00", "back=/%0d%0aSet-Cookie:%20a=b")
	f.Add("/../../etc/passwd", "%zz", "%zz")
	f.Add("/sign-out", "token="+token, "token="+token+"&back=/unit")
	f.Fuzz(func(t *testing.T, path, query, form string) {
		u, err := url.ParseRequestURI((&url.URL{Path: "/" + strings.TrimPrefix(path, "/"), RawQuery: query}).RequestURI())
		if err != nil {
			return // the server answers such a line itself
		}
		v := signedIn(t, story{})
		check := func(who string, resp *http.Response) {
			t.Helper()
			if resp.StatusCode >= 500 {
				t.Fatalf("%s: status %d", who, resp.StatusCode)
			}
			if to := resp.Header.Get("Location"); to != "" {
				u, err := url.Parse(to)
				if err != nil || u.Host != "" || u.Scheme != "" || strings.ContainsAny(to, "\\\r\n") || strings.HasPrefix(to, "//") {
					t.Fatalf("%s is led to %q", who, to)
				}
			}
			for _, c := range resp.Cookies() {
				if c.Name == "a" {
					t.Fatalf("%s: a cookie from the request", who)
				}
			}
		}
		request := func(method string, body string) *http.Request {
			r := httptest.NewRequest(method, "/", strings.NewReader(body))
			r.URL, r.RequestURI = new(url.URL), u.RequestURI()
			*r.URL = *u
			return r
		}
		asked := v.do(request(http.MethodGet, ""))
		check("a visitor who is signed in", asked)
		stranger := &visitor{h: v.h}
		resp := stranger.do(request(http.MethodGet, ""))
		check("a stranger", resp)
		if values := u.Query(); values.Get("token") != token && resp.StatusCode == http.StatusOK && asked.StatusCode == http.StatusOK && !public(u.Path) {
			t.Fatalf("a stranger sees %q", path)
		}
		for _, to := range []string{"/sign-in", u.Path} {
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form))
			r.URL = &url.URL{Path: to}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			resp := stranger.do(r)
			check("a stranger with a form", resp)
			values, _ := url.ParseQuery(form)
			if len(resp.Cookies()) > 0 && resp.Cookies()[0].MaxAge >= 0 && strings.TrimSpace(values.Get("token")) != token {
				t.Fatalf("%q signs in", form)
			}
		}
	})
}

// public are the paths that strangers may see.
func public(path string) bool {
	return path == "/style.css" || path == "/healthz"
}
