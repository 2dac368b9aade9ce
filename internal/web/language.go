package web

import (
	"html/template"
	"net/http"
	"time"

	"entente/internal/lang"
	"entente/internal/node"
)

// languageCookie holds the language that was chosen on a page. It says nothing about anybody.
const languageCookie = "entente-lang"

// choice is one language of the switch.
type choice struct {
	Tag, Name, To string
	Here          bool
}

// language is that which was chosen on a page, else that of the browser (Accept-Language), else English.
// A choice in the address is kept in a cookie.
func (h *handler) language(w http.ResponseWriter, r *http.Request) *lang.Catalog {
	if c, ok := lang.Known(r.URL.Query().Get("lang")); ok {
		http.SetCookie(w, &http.Cookie{Name: languageCookie, Value: c.Tag(), Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode, MaxAge: 365 * 24 * 3600})
		return c
	}
	if k, err := r.Cookie(languageCookie); err == nil {
		if c, ok := lang.Known(k.Value); ok {
			return c
		}
	}
	w.Header().Add("Vary", "Accept-Language")
	return lang.Match(r.Header.Get("Accept-Language"))
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

// words are what templates say in a language.
func words(c *lang.Catalog) template.FuncMap {
	return template.FuncMap{
		"catalog":    func() *lang.Catalog { return c },
		"tag":        c.Tag,
		"t":          c.Text,
		"code":       c.Code,
		"codes":      c.Codes,
		"language":   c.Language,
		"moment":     c.Time,
		"relative":   func(t, now time.Time) string { return c.Relative(t.Sub(now)) },
		"illegal":    func(code string) string { return node.IllegalText(c, code) },
		"authentic":  func(t node.TranslationView) string { return node.AuthenticText(c, t) },
		"translated": func(t node.TranslationView) string { return node.TranslationLine(c, t) },
		"help": func(field string) string {
			if key := "field." + field + ".help"; c.Has(key) {
				return c.Text(key)
			}
			return ""
		},
	}
}
