package web

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"entente/internal/lang"
	"entente/internal/node"
)

//go:embed pages/*.html
var files embed.FS

// page is what every page is given.
type page struct {
	Title   string
	Key     string   // of the title in the catalogs; "" where it is not the program's
	Switch  []choice // the languages there are
	Here    string   // the part of the menu it belongs to
	Node    *node.HereResponse
	Grant   node.Grant // of the session
	Now     time.Time
	Data    any
	Public  bool       // nobody is signed in: no menu
	Form    url.Values // what was typed into the form that is shown again
	Problem *failure   // why the form was refused
	Shown   any        // what came of the form, where that is shown once
	Done    string     // what was done before this page, in words
}

// May tells whether the session has a scope; a page offers nothing that it may not.
func (p *page) May(s node.Scope) bool { return p.Grant.May(s) }

// Typed is what was typed into a field, or else what stands there at first.
func (p *page) Typed(name, first string) string {
	if p.Form.Has(name) {
		return p.Form.Get(name)
	}
	return first
}

// render writes a page whole or not at all. What left the templates is cleaned
// once more as a whole: no control character and no bidirectional override can
// come from a partner's text, in whatever field it stood.
func (h *handler) render(w http.ResponseWriter, r *http.Request, status int, name string, p *page) {
	p.Now = h.Clock()
	c := h.language(w, r)
	p.Switch = choices(c, r)
	if p.Key != "" {
		p.Title = c.Text(p.Key)
	}
	if f, ok := p.Data.(failure); ok {
		f.localize(c)
		p.Title, p.Data = f.What, f
	}
	if p.Problem != nil {
		p.Problem.localize(c)
	}
	if key := r.URL.Query().Get("done"); strings.HasPrefix(key, "done.") && c.Has(key) {
		p.Done = c.Text(key)
	}
	var b bytes.Buffer
	if err := h.pages[c.Tag()]()[name].ExecuteTemplate(&b, "layout", p); err != nil {
		h.Log.Error("page cannot be written", "page", name, "error", err)
		http.Error(w, "The page cannot be written; the node's log says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", c.Tag())
	w.WriteHeader(status)
	_, _ = w.Write(clean(b.Bytes())) // the reader is gone if this fails
}

func parsePages(c *lang.Catalog) map[string]*template.Template {
	out := map[string]*template.Template{}
	for _, name := range []string{"signin", "second", "setup", "codes", "profile", "error", "home", "unit", "pair", "accord", "ask", "requests", "request", "requestform", "exhibit", "intelligence", "object", "graph", "intake", "import", "share", "journal", "entry"} {
		out[name] = template.Must(template.New(name).Funcs(functions).Funcs(words(c)).ParseFS(files, "pages/layout.html", "pages/tables.html", "pages/terms.html", "pages/negotiation.html", "pages/moves.html", "pages/credentials.html", "pages/"+name+".html"))
	}
	return out
}
