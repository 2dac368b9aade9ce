package web

import (
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"entente/internal/lang"
)

// TestPagesInEachLanguage: what a request says in codes is told in the language of the browser, or in the
// one that was chosen; every page can be made in each.
func TestPagesInEachLanguage(t *testing.T) {
	for _, tag := range lang.Tags() {
		c, _ := lang.Known(tag)
		v := signedIn(t, story{})
		get := func(path string) (*http.Response, string) {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.Header.Set("Accept-Language", tag+", de;q=0.5")
			resp := v.do(r)
			return resp, html.UnescapeString(readAll(t, resp))
		}
		for _, path := range addresses {
			resp, body := get(path)
			if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Language") != tag || !strings.Contains(body, `<html lang="`+tag+`"`) || !strings.Contains(body, c.Text("ui.requests")) {
				t.Errorf("%s in %s: %d, %v", path, tag, resp.StatusCode, resp.Header)
			}
		}
		_, body := get("/request?id=x")
		for _, want := range []string{c.Code("move", "needs-info"), c.Text("ui.conversation"), c.Text("ui.clocks"), c.Text("ui.language")} {
			if !strings.Contains(body, want) {
				t.Errorf("%s: the request does not say %q", tag, want)
			}
		}
		if resp, body := get("/nothing"); resp.StatusCode != http.StatusNotFound || !strings.Contains(body, c.Tell("There is no such page.")) {
			t.Errorf("%s: %d", tag, resp.StatusCode)
		}
	}
}

// TestSwitch: a choice on the page is kept, and its address never leads elsewhere.
func TestSwitch(t *testing.T) {
	v := signedIn(t, story{})
	resp, body := v.get(t, "/requests?state=all&lang=ru")
	if !strings.Contains(body, "Запросы") || !strings.Contains(body, `href="/requests?lang=fr&amp;state=all"`) {
		t.Errorf("%s", body)
	}
	var cookie *http.Cookie
	for _, k := range resp.Cookies() {
		if strings.HasSuffix(k.Name, languageSuffix) {
			cookie = k
		}
	}
	if cookie == nil || cookie.Value != "ru" || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode {
		t.Fatalf("%v", cookie)
	}
	r := httptest.NewRequest(http.MethodGet, "/requests", nil)
	r.AddCookie(cookie)
	r.Header.Set("Accept-Language", "fr")
	if body := readAll(t, v.do(r)); !strings.Contains(body, "Запросы") {
		t.Error("the choice was forgotten")
	}
	for _, path := range []string{"//evil.example/x", "/x?lang=%22%3E%3Cscript%3E", "/?lang=../../x"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.Path, r.URL.RawQuery, _ = strings.Cut(path, "?")
		for _, x := range choices(lang.English(), r) {
			if !strings.HasPrefix(x.To, "/") || strings.HasPrefix(x.To, "//") || strings.ContainsAny(x.To, `"<>`) {
				t.Errorf("%s leads to %s", path, x.To)
			}
		}
	}
}

// TestTwoNodesTwoLanguages: an address that signs in may choose the language, and what is chosen at one node of a
// host changes nothing at the other, although a browser sends cookies to every port.
func TestTwoNodesTwoLanguages(t *testing.T) {
	v := signedIn(t, story{})
	resp, _ := (&visitor{h: v.h}).get(t, "/?lang=vi&token="+token)
	var chosen []*http.Cookie
	for _, k := range resp.Cookies() {
		if strings.HasSuffix(k.Name, languageSuffix) {
			chosen = append(chosen, k)
		}
	}
	if resp.Header.Get("Location") != "/" || len(chosen) != 1 || chosen[0].Value != "vi" {
		t.Fatalf("%s, %v", resp.Header.Get("Location"), chosen)
	}
	other := *chosen[0]
	other.Name = cookieName("another party") + languageSuffix
	r := httptest.NewRequest(http.MethodGet, "/requests", nil)
	r.AddCookie(&other)
	if got := v.do(r).Header.Get("Content-Language"); got != "en" {
		t.Errorf("in %s", got)
	}
}

func readAll(t *testing.T, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
