package web

import (
	"html/template"
	"net/http"
	"time"

	"entente/internal/lang"
	"entente/internal/node"
)

// languageSuffix is behind the name of the cookie that holds the language chosen on a page. It says nothing about anybody.
const languageSuffix = "_lang"

const languageLife = 365 * 24 * time.Hour

// languageCookie is of one node: two on one host, with another port each, are read in languages of their own.
func (h *handler) languageCookie(r *http.Request) string {
	here, err := h.node.Here(r.Context())
	if err != nil {
		return cookieName("") + languageSuffix // the page says what is wrong; in whatever language
	}
	return cookieName(here.Party) + languageSuffix
}

// keepLanguage gives a browser the language that was chosen in it. It goes with who comes from another site, too: from
// the provider of the organisation, say.
func keepLanguage(w http.ResponseWriter, r *http.Request, cookie string, c *lang.Catalog) {
	http.SetCookie(w, &http.Cookie{Name: cookie, Value: c.Tag(), Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: isSecure(r), MaxAge: int(languageLife / time.Second)})
}

// choice is one language of the switch.
type choice struct {
	Tag, Name, To string
	Here          bool
}

// language is that which was chosen on a page, else that of the browser (Accept-Language), else English.
// A choice in the address is kept in a cookie; what an officer chose on the own page is put into it when they
// sign in.
func (h *handler) language(w http.ResponseWriter, r *http.Request) *lang.Catalog {
	cookie := h.languageCookie(r)
	if c, ok := lang.Known(r.URL.Query().Get("lang")); ok {
		keepLanguage(w, r, cookie, c)
		return c
	}
	if k, err := r.Cookie(cookie); err == nil {
		if c, ok := lang.Known(k.Value); ok {
			return c
		}
	}
	w.Header().Add("Vary", "Accept-Language")
	return lang.Match(r.Header.Get("Accept-Language"))
}

// languageKept is the cookie of a choice; "" takes it back.
func (h *handler) languageKept(r *http.Request, tag string) *http.Cookie {
	life := int(languageLife / time.Second)
	if tag == "" {
		life = -1
	}
	return &http.Cookie{Name: h.languageCookie(r), Value: tag, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode, MaxAge: life}
}

// choices are the languages, each with the address of the same page in it. What was posted has no
// address to go back to, and a token in an address is not repeated.
func choices(c *lang.Catalog, r *http.Request) []choice {
	var out []choice
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return nil
	}
	for _, tag := range lang.Tags() {
		other := lang.Match(tag)
		q := r.URL.Query()
		q.Del("token")
		q.Set("lang", tag)
		out = append(out, choice{Tag: tag, Name: other.Name(), To: sanePath(r.URL.EscapedPath() + "?" + q.Encode()), Here: tag == c.Tag()})
	}
	return out
}

// reader is whom a page is made for.
type reader struct {
	c    *lang.Catalog // in their zone
	zone readerZone
}

// words are what templates say to a reader, whoever that is at the time.
func words(to *reader) template.FuncMap {
	return template.FuncMap{
		"catalog":     func() *lang.Catalog { return to.c },
		"tag":         func() string { return to.c.Tag() },
		"t":           func(key string, args ...any) string { return to.c.Text(key, args...) },
		"code":        func(family, code string) string { return to.c.Code(family, code) },
		"codes":       func(family string, codes []string) string { return to.c.Codes(family, codes) },
		"tell":        func(said string) string { return to.c.Tell(said) },
		"language":    func(tag string) string { return to.c.Language(tag) },
		"moment":      func(t time.Time) string { return to.c.Time(t) },
		"momentThere": func(t time.Time, in *time.Location) string { return to.c.In(in).Time(t) },
		"zone":        func() string { return to.zone.Name },
		"offset":      func(t time.Time) string { return offsetOf(t.In(to.zone.at)) },
		"relative":    func(t, now time.Time) string { return to.c.Relative(t.Sub(now)) },
		"entrykind":   func(kind string) string { return node.EntryText(to.c, kind) },
		"step":        func(s node.CheckStep) string { return stepText(to.c, s) },
		"lineText":    func(l node.LineView) string { return lineText(to.c, l) },
		"span":        func(seconds int64) string { return spanOf(to.c, seconds) },
		"illegal":     func(code string) string { return node.IllegalText(to.c, code) },
		"doctor":      func(said string) string { return node.DoctorText(to.c, said) },
		"authentic":   func(t node.TranslationView) string { return node.AuthenticText(to.c, t) },
		"translated":  func(t node.TranslationView) string { return node.TranslationLine(to.c, t) },
		"assetkind":   func(kind string) string { return node.AssetKindText(to.c, kind) },
		"findingwhy":  func(of, why string) string { return node.FindingWhyText(to.c, of, why) },
		"whydrafted":  func(w *node.DraftReason) string { return node.DraftReasonText(to.c, w) },
		"way":         func(way string) string { return wayText(to.c, way) },
		"role":        func(role string) string { return roleText(to.c, role) },
		"help": func(field string) string {
			if key := "field." + field + ".help"; to.c.Has(key) {
				return to.c.Text(key)
			}
			return ""
		},
	}
}
