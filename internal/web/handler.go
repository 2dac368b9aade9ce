// Package web is the pages of a node: server-rendered, readable and usable without
// scripts, nothing from another host. A page shows what the node knows, and its forms
// run the same use cases as the command line and the API, under the same scopes.
package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/klauspost/compress/gzhttp"

	"entente/internal/node"
)

// Source is what the pages are about; *node.Node is one. It is as wide as there
// are things to look at.
type Source interface {
	adminSource
	intelSource
	unitSource
	journalSource
	caseSource
	reviewSource
	dossierSource
	hotlineSource
	statementSource
	leakSource
	commitmentSource
	watchSource
	releaseSource
	Here(context.Context) (*node.HereResponse, error)
	Status(context.Context) (*node.StatusResponse, error)
	Overview(context.Context) (*node.StatusResponse, error)
	Identity(context.Context) (*node.IdentityResponse, error)
	Requests(context.Context, node.RequestListRequest) (*node.RequestListResponse, error)
	Request(context.Context, node.RequestShowRequest) (*node.RequestView, error)
	MoveRequest(context.Context, node.RequestMoveRequest) (*node.WriteResponse, error)
	Exhibits(context.Context, node.ExhibitListRequest) (*node.ExhibitListResponse, error)
	Exhibit(context.Context, node.ExhibitIDRequest) (*node.ExhibitView, error)
	VerifyExhibit(context.Context, node.ExhibitIDRequest, func(node.Progress)) (*node.ExhibitVerifyResponse, error)
	ExhibitCustody(context.Context, node.ExhibitCustodyRequest, func(node.Progress)) (*node.WriteResponse, error)
	GetExhibit(context.Context, node.ExhibitGetRequest, io.Writer) error
	AttachFiles(context.Context, node.ExhibitAttachRequest, func() (string, io.Reader, error), func(node.Progress)) (*node.ExhibitAddResponse, error)
	NewRequest(context.Context, node.RequestNewRequest) (*node.RequestView, *node.WriteResponse, error)
	DropDraft(context.Context, node.RequestDropRequest) (*node.RequestView, error)
	RequestForm(context.Context, node.RequestFormRequest) (*node.RequestFormResponse, error)
	// Pulse is a number that is another whenever something changed that pages show.
	Pulse() uint64
	// GrantOf tells what the bearer of a token may do, by the SHA-256 of the token: a session ends with
	// the token that began it.
	GrantOf(digest [sha256.Size]byte) (node.Grant, bool)
}

// Options configure a [Handler]; the zero value is good for use.
type Options struct {
	Clock func() time.Time
	Rand  io.Reader
	Log   *slog.Logger // failures of the node; never tokens or contents
	// Door is where officers sign in; nil: only tokens do.
	Door *node.Door
	// Closing is closed when the server begins to end, so that live pages do not hold it up; nil: they end
	// with their connections.
	Closing <-chan struct{}
}

type handler struct {
	Options
	node     Source
	sessions *sessions
	accords  accords
	pages    *sheets
	streams  chan struct{} // a place for each live page
	renewing chan struct{} // a place for each page that is made anew
	buffers  buffers
}

// Handler serves the pages at / and below. Everything but the sign-in form, the
// assets and /healthz asks for a session.
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
	h := &handler{Options: o, node: n, sessions: newSessions(o.Clock, o.Rand), pages: parsePages(), streams: make(chan struct{}, maxStreams), renewing: make(chan struct{}, maxRenewing)}
	if h.Door != nil {
		h.Door.Keeps(tokenSessions{h.sessions, n.GrantOf})
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /assets/{name}", serveAsset)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, "ok\n")
	})
	mux.HandleFunc("POST /sign-in", h.signIn)
	h.doorRoutes(mux)
	mux.HandleFunc("POST /sign-out", h.signOut)
	mux.HandleFunc("GET /live", h.live)
	for _, rt := range h.routes() {
		mux.HandleFunc(rt.pattern, h.serve(rt))
	}
	mux.HandleFunc("/", h.serve(route{scope: node.ScopeRead, show: nowhere}))
	return http.NewCrossOriginProtection().Handler(secure(compressed(mux)))
}

// compressed sends pages and what belongs to them with gzip, where the browser takes it. Files that are fetched
// and live pages go as they are. The length of a page tells a listener little: nobody else's page can make a
// browser ask with the cookie of a session, which is SameSite=Strict.
func compressed(next http.Handler) http.Handler {
	wrap, err := gzhttp.NewWrapper(gzhttp.EnableZstd(false), gzhttp.ContentTypes([]string{"text/html", "text/css", "text/javascript", "application/json"}))
	if err != nil {
		panic(err) // the options above do not contradict each other
	}
	return wrap(next)
}

// nowhere answers for an address that no route has.
func nowhere(*http.Request) (string, *page, error) {
	return "", nil, &node.Error{Code: node.CodeNotFound, Status: http.StatusNotFound, What: "There is no such page.", Next: "The menu shows what there is."}
}

// secure sets the headers that every answer has. No script runs and no style applies
// but those of the program itself, no picture but data of the own page, no frame, no
// form to elsewhere, no connection to elsewhere; nothing is kept by a cache.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("X-Frame-Options", "DENY")
		head.Set("Referrer-Policy", "no-referrer")
		head.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), interest-cohort=()")
		head.Set("Cross-Origin-Opener-Policy", "same-origin")
		head.Set("Cross-Origin-Resource-Policy", "same-origin")
		head.Set("Cross-Origin-Embedder-Policy", "require-corp")
		head.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}
