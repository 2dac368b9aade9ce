package web

import (
	"bytes"
	"embed"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"entente/internal/node"
	"entente/internal/unread"
)

//go:embed pages/*.html
var files embed.FS

// page is what every page is given.
type page struct {
	Title     string
	Key       string   // of the title in the catalogs; "" where it is not the program's
	Switch    []choice // the languages there are
	Here      string   // the part of the menu it belongs to
	Area      string   // of administration
	Node      *node.HereResponse
	Grant     node.Grant // of the session
	Now       time.Time
	Data      any
	As        string     // the pulse of the node that the page was made at, "" where nobody knows
	Public    bool       // nobody is signed in: no menu
	Form      url.Values // what was typed into the form that is shown again
	Query     url.Values // of the address
	Problem   *failure   // why the form was refused
	Lost      []string   // what was typed into it, where the page does not have it any more
	Resumed   bool       // the form is shown again after signing in, and did nothing yet
	Shown     any        // what came of the form, where that is shown once
	Done      string     // what was done before this page, in words
	Ringing   []node.CallView
	Scripts   []string // assets beside those of every page
	Answer    bool     // it answers a form: what it says is said once, and stays as it is
	Elsewhere string   // the zone of the browser, where the officer chose another
	Found     string   // where an answer can be asked for again without losing what it says; "" if nowhere
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

// Asked is what was typed into a field, or else what the address says stands there.
func (p *page) Asked(name string) string { return p.Typed(name, p.Query.Get(name)) }

// Ticked tells whether a value of a field was chosen in the form that is shown again.
func (p *page) Ticked(name, value string) bool { return slices.Contains(p.Form[name], value) }

// Picked tells whether a box is ticked: as it was sent, or else as it is at first.
func (p *page) Picked(name, value string, first []string) bool {
	if p.Form.Has(name) {
		first = p.Form[name]
	}
	return slices.Contains(first, value)
}

// maxBuffer is how large a buffer may be that is kept for further pages, in bytes: larger ones are rare.
const maxBuffer = 1 << 20

// buffers are those of pages that were sent. They are the collector's to take.
type buffers struct{ pool sync.Pool }

func (b *buffers) take() *bytes.Buffer {
	if x, ok := b.pool.Get().(*bytes.Buffer); ok {
		return x
	}
	return new(bytes.Buffer)
}

// put takes a buffer back, which nobody may use any more.
func (b *buffers) put(x *bytes.Buffer) {
	if x.Cap() <= maxBuffer {
		x.Reset()
		b.pool.Put(x)
	}
}

// render writes a page whole or not at all.
func (h *handler) render(w http.ResponseWriter, r *http.Request, status int, name string, p *page) {
	b := h.buffers.take()
	defer h.buffers.put(b)
	if h.fill(b, w, r, name, p) {
		h.answer(w, r, status, b)
	}
}

// fill makes a page, and says of one that cannot be made that it cannot.
func (h *handler) fill(b *bytes.Buffer, w http.ResponseWriter, r *http.Request, name string, p *page) bool {
	p.Now, p.Query = h.Clock(), r.URL.Query()
	if !p.Public {
		p.Ringing = h.ringing(r)
	}
	zone := h.zoneOf(r, p.Grant)
	c := h.language(w, r).In(zone.at)
	p.Switch = choices(c, r)
	if z, ok := browserZone(r); ok && z.Name != zone.Name {
		p.Elsewhere = z.Name
	}
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
	if err := h.pages.execute(b, name, reader{c, zone}, p); err != nil {
		h.Log.Error("page cannot be written", "page", name, "error", err)
		http.Error(w, "The page cannot be written; the node's log says why.", http.StatusInternalServerError)
		return false
	}
	if p.Problem != nil {
		p.Lost = lost(p, b.String())
	}
	if p.Lost != nil { // with it, the page once more
		b.Reset()
		if err := h.pages.execute(b, name, reader{c, zone}, p); err != nil {
			h.Log.Error("page cannot be written", "page", name, "error", err)
			http.Error(w, "The page cannot be written; the node's log says why.", http.StatusInternalServerError)
			return false
		}
	}
	w.Header().Set("Content-Language", c.Tag())
	return true
}

// answer sends a page. What left the templates is cleaned once more as a whole: no control character and no bidirectional override can
// come from a partner's text, in whatever field it stood.
func (h *handler) answer(w http.ResponseWriter, r *http.Request, status int, b *bytes.Buffer) {
	if status >= 400 {
		unread.Drop(w, r)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(clean(b.Bytes())) // the reader is gone if this fails
}

// shared are the templates that pages are put together from; what else lies in pages/ is a page.
var shared = []string{
	"layout",
	"adminparts",
	"calls",
	"credentials",
	"joint",
	"moves",
	"negotiation",
	"ring",
	"tables",
	"terms",
	"watch",
}
