// Package web is the pages of a node: server-rendered, readable without
// scripts, nothing from another host. They show what the node knows; what
// writes a journal entry is done on the command line or over the API.
package web

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"errors"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"entente/internal/lang"
	"entente/internal/node"
)

// Source is what the pages are about; *node.Node is one. It is as wide as there
// are things to look at.
type Source interface {
	Status(context.Context) (*node.StatusResponse, error)
	Identity(context.Context) (*node.IdentityResponse, error)
	ShowUnit(context.Context, node.UnitShowRequest) (*node.UnitShowResponse, error)
	ShowAccord(context.Context, node.AccordShowRequest) (*node.AccordShowResponse, error)
	DiffAccords(context.Context, node.AccordDiffRequest) (*node.AccordDiffResponse, error)
	Requests(context.Context, node.RequestListRequest) (*node.RequestListResponse, error)
	Request(context.Context, node.RequestShowRequest) (*node.RequestView, error)
	Search(context.Context, node.SearchRequest) (*node.SearchResponse, error)
	Intake(context.Context, node.IntakeRequest) (*node.IntakeResponse, error)
	ShowJournal(context.Context, node.JournalShowRequest) (*node.JournalShowResponse, error)
	ProveEntry(context.Context, node.JournalProveRequest) (*node.JournalProveResponse, error)
	// Authenticate tells whether a bearer token may look at the pages, and Reads the
	// same for its SHA-256: a session ends with the token that began it.
	Authenticate(token string) bool
	Reads(digest [sha256.Size]byte) bool
}

// Options configure a [Handler]; the zero value is good for use.
type Options struct {
	Clock func() time.Time
	Rand  io.Reader
	Log   *slog.Logger // failures of the node; never tokens or contents
}

//go:embed pages/*.html pages/style.css
var files embed.FS

type handler struct {
	Options
	node     Source
	sessions *sessions
	pages    map[string]func() map[string]*template.Template // by language
	style    []byte
}

// page is what every page is given.
type page struct {
	Title  string
	Key    string   // of the title in the catalogs; "" where it is not the program's
	Switch []choice // the languages there are
	Here   string   // the part of the menu it belongs to
	Node   *node.StatusResponse
	Now    time.Time
	Data   any
	Public bool // nobody is signed in: no menu
}

// Handler serves the pages at / and below. Everything but the sign-in form, the
// style sheet and /healthz asks for a session.
func Handler(n Source, o Options) http.Handler {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	h := &handler{Options: o, node: n, sessions: newSessions(o.Clock, o.Rand), pages: map[string]func() map[string]*template.Template{}}
	for _, tag := range lang.Tags() {
		h.pages[tag] = sync.OnceValue(func() map[string]*template.Template { return parsePages(lang.Match(tag)) })
	}
	h.pages["en"]()                                // a page that cannot be parsed stops the program at its start
	h.style, _ = files.ReadFile("pages/style.css") // embedded: it is there
	mux := http.NewServeMux()
	mux.HandleFunc("GET /style.css", h.serveStyle)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, "ok\n")
	})
	mux.HandleFunc("POST /sign-in", h.signIn)
	mux.HandleFunc("POST /sign-out", h.signOut)
	for pattern, show := range map[string]func(*http.Request) (string, *page, error){
		"GET /{$}":          h.home,
		"GET /unit":         h.unit,
		"GET /accord":       h.accord,
		"GET /requests":     h.requests,
		"GET /request":      h.request,
		"GET /intelligence": h.intelligence,
		"GET /object":       h.object,
		"GET /intake":       h.intake,
		"GET /journal":      h.journal,
		"GET /entry":        h.entry,
	} {
		mux.HandleFunc(pattern, h.show(show))
	}
	mux.HandleFunc("/", h.show(func(*http.Request) (string, *page, error) {
		return "", nil, &node.Error{Code: node.CodeNotFound, Status: http.StatusNotFound, What: "There is no such page.", Next: "The menu shows what there is."}
	}))
	return http.NewCrossOriginProtection().Handler(secure(mux))
}

// secure sets the headers that every answer has. No script runs, no style but
// the own sheet, no picture but data of the own page, no frame, no form to
// elsewhere; nothing is kept by a cache.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("X-Frame-Options", "DENY")
		head.Set("Referrer-Policy", "no-referrer")
		head.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), interest-cohort=()")
		head.Set("Cross-Origin-Opener-Policy", "same-origin")
		head.Set("Cross-Origin-Resource-Policy", "same-origin")
		head.Set("Cross-Origin-Embedder-Policy", "require-corp")
		head.Set("Cache-Control", "no-store")
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		next.ServeHTTP(w, r)
	})
}

func (h *handler) serveStyle(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "max-age=3600")
	_, _ = w.Write(h.style) // the reader is gone if this fails
}

// show turns a function that gathers a page into a handler that asks for a
// session first.
func (h *handler) show(gather func(*http.Request) (string, *page, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" && r.URL.Query().Has("token") {
			h.enter(w, r, r.URL.Query().Get("token"))
			return
		}
		status, err := h.node.Status(r.Context())
		if err != nil {
			h.fail(w, r, nil, err)
			return
		}
		if !h.sessions.valid(r, cookieName(status.Party), h.node.Reads) {
			h.render(w, r, http.StatusUnauthorized, "signin", &page{Title: "Sign in", Public: true, Node: status, Data: signInData{Back: localPath(r)}})
			return
		}
		name, p, err := gather(r)
		if err != nil {
			h.fail(w, r, status, err)
			return
		}
		p.Node = status
		h.render(w, r, http.StatusOK, name, p)
	}
}

// failure is what the page about an error shows.
type failure struct {
	Status          int
	Code            string
	What, Why, Next string
	Decision        *node.Decision
}

// localize puts the sentences into a language, as the API does. Codes, and what is particular to the case,
// stay.
func (f *failure) localize(c *lang.Catalog) {
	switch {
	case c.IsEnglish() || !c.Has("problem."+f.Code):
	case f.Decision != nil:
		f.What, f.Next = c.Text("problem.gate"), c.Text("problem.gate.next")
		f.Why = c.Text("problem.gate.detail", "clause", f.Decision.Clause, "code", c.Code("gate", f.Decision.Code), "verdict", c.Code("verdict", f.Decision.Verdict))
	default:
		f.Why = strings.TrimSpace(f.What + " " + f.Why)
		key := "problem." + f.Code
		if f.Code == "illegal-move" {
			key = "problem.illegal-move.other"
		}
		f.What = c.Text(key)
	}
}

func (h *handler) fail(w http.ResponseWriter, r *http.Request, status *node.StatusResponse, err error) {
	f := failure{Status: http.StatusInternalServerError, Code: "internal", What: "The node could not do this.", Next: "The node's log says more."}
	var ne *node.Error
	if errors.As(err, &ne) {
		f.Code, f.What, f.Why, f.Next = ne.Code, ne.What, ne.Why, ne.Next
		if ne.Status >= 400 && ne.Status <= 599 {
			f.Status = ne.Status
		}
		var gate *node.GateError
		if errors.As(err, &gate) {
			f.Decision = &gate.Decision
		}
	}
	if f.Status >= 500 {
		h.Log.Error("page failed", "path", r.URL.Path, "error", err)
	}
	h.render(w, r, f.Status, "error", &page{Title: f.What, Node: status, Public: status == nil, Data: f})
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
	for _, name := range []string{"signin", "error", "home", "unit", "accord", "requests", "request", "intelligence", "object", "intake", "journal", "entry"} {
		out[name] = template.Must(template.New(name).Funcs(functions).Funcs(words(c)).ParseFS(files, "pages/layout.html", "pages/tables.html", "pages/terms.html", "pages/negotiation.html", "pages/"+name+".html"))
	}
	return out
}
