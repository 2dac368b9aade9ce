package web

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// post sends a form as the pages do.
func (v *visitor) post(t *testing.T, path string, form url.Values) (*http.Response, string) {
	t.Helper()
	resp, body := v.postRaw(t, path, form)
	return resp, html.UnescapeString(body)
}

// postRaw is post with the page as it was sent.
func (v *visitor) postRaw(t *testing.T, path string, form url.Values) (*http.Response, string) {
	t.Helper()
	resp := v.do(newPost(path, form))
	return resp, readAll(t, resp)
}

func newPost(path string, form url.Values) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func newGet(path string) *http.Request { return httptest.NewRequest(http.MethodGet, path, nil) }

// TestForms: what is done leads on to a page that says so; what is tried, or refused, shows the form again
// with all that was typed.
func TestForms(t *testing.T) {
	v := signedIn(t, story{})
	form := func(move, more string) url.Values {
		f := url.Values{"unit": {unitID}, "id": {"entente/x#1"}, "move": {move}, "text": {"Words of <mine> & \"more\""}}
		if more != "" {
			f.Set(more, "true")
		}
		return f
	}
	resp, _ := v.post(t, "/request/move", form("acknowledge", ""))
	to := resp.Header.Get("Location")
	if resp.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, "/request?") {
		t.Fatalf("%d to %q", resp.StatusCode, to)
	}
	if _, body := v.get(t, to); !strings.Contains(body, "The move is in the journal.") {
		t.Error("the page does not say what was done")
	}
	if _, body := v.get(t, "/?done=<b>x"); strings.Contains(body, "<b>x") {
		t.Error("an address puts words on a page")
	}
	resp, body := v.post(t, "/request/move", form("acknowledge", "dry_run"))
	if resp.StatusCode != http.StatusOK || !strings.Contains(body, "South is told.") || !strings.Contains(body, `Words of <mine> & "more"`) || !strings.Contains(body, `id="do-acknowledge" data-keep open`) {
		t.Errorf("a dry run: %d", resp.StatusCode)
	}
	resp, body = v.post(t, "/request/move", form("refuse", ""))
	if resp.StatusCode != http.StatusConflict || !strings.Contains(body, "This move is not open now.") || !strings.Contains(body, `Words of <mine> & "more"`) {
		t.Errorf("a move that is refused: %d", resp.StatusCode)
	}
	resp, body = v.post(t, "/request/move", url.Values{"colour": {"red"}})
	if resp.StatusCode != http.StatusBadRequest || !strings.Contains(body, `"colour"`) {
		t.Errorf("a field that is not one: %d", resp.StatusCode)
	}
	// A form of another site does not count, whoever is signed in.
	r := httptest.NewRequest(http.MethodPost, "/request/move", strings.NewReader(form("acknowledge", "").Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if resp := v.do(r); resp.StatusCode != http.StatusForbidden {
		t.Errorf("a form of another site: %d", resp.StatusCode)
	}
}
