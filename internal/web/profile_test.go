package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"entente/internal/node"
)

// languageOf is what an answer puts into the cookie of the language, "" if it takes it back, "-" if it leaves it.
func languageOf(resp *http.Response) string {
	for _, c := range resp.Cookies() {
		if strings.HasSuffix(c.Name, languageSuffix) {
			return c.Value
		}
	}
	return "-"
}

// TestLanguageOfAnOfficer: what an officer chose holds wherever they sign in, whoever chose what in the browser
// before; it can be taken back.
func TestLanguageOfAnOfficer(t *testing.T) {
	d := newDesk(t)
	v, secret := d.setUp(t, d.invite(t, "ada"))
	if _, body := v.get(t, "/profile"); !strings.Contains(body, `<option value="vi" lang="vi" selected>Tiếng Việt</option>`) {
		t.Error("the page does not show what is chosen")
	}
	signIn := func() string {
		b := &visitor{h: d.h}
		_, body := b.post(t, "/sign-in", url.Values{"name": {"ada"}, "password": {passphrase}})
		r := newPost("/sign-in/second", url.Values{"ticket": {found(t, ticketOf, body)}, "code": {d.app(t, secret)}})
		here, err := d.n.Here(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		r.AddCookie(&http.Cookie{Name: cookieName(here.Party) + languageSuffix, Value: "fr"}) // of somebody before
		resp := b.do(r)
		d.now = d.now.Add(31 * time.Second) // the next code of the app
		return languageOf(resp)
	}
	if got := signIn(); got != "vi" {
		t.Errorf("signed in, the language is %q", got)
	}
	for _, tag := range []string{"ru", ""} {
		resp, _ := v.post(t, "/profile/language", url.Values{"language": {tag}})
		o, err := d.n.Officer(t.Context(), node.OfficerRequest{Officer: "ada"})
		if resp.StatusCode != http.StatusSeeOther || languageOf(resp) != tag || err != nil || o.Officer.Language != tag {
			t.Errorf("%q: %d, %q, %+v, %v", tag, resp.StatusCode, languageOf(resp), o, err)
		}
	}
	if resp, _ := v.post(t, "/profile/language", url.Values{"language": {"tlh"}}); resp.StatusCode != http.StatusBadRequest || languageOf(resp) != "-" {
		t.Errorf("a language without texts: %d, %q", resp.StatusCode, languageOf(resp))
	}
	lines, err := d.n.Audit(t.Context(), node.AuditListRequest{Action: "profile.language"})
	if err != nil || len(lines.Lines) != 3 {
		t.Errorf("%+v, %v", lines, err)
	}
}
