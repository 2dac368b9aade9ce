package api

import (
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"

	"entente/internal/node"
	"entente/internal/unread"
)

// Prefix is the path below which all operations lie.
const Prefix = "/api/v1/"

// quiet is how long a caller may stall: each read of a body and each write of
// an answer has this long. The work between may take as long as it takes.
const quiet = time.Minute

// maxDrain is how many bytes of an upload are read and dropped after the
// answer was given.
const maxDrain = 1 << 30

// Options configure a [Handler].
type Options struct {
	// Grant tells what the bearer of a token may do, and false for one that is not
	// good; required unless Trusted.
	Grant func(token string) (node.Grant, bool)
	// Trusted lets every caller do everything. It is for callers whom something else has
	// checked: a unix socket with mode 0600 in the node's own folder, or the
	// same process.
	Trusted bool
	// Log receives failures of the node, never requests, payloads or secrets.
	Log *slog.Logger
}

// Handler serves the API of n at and below [Prefix].
func Handler(n *node.Node, o Options) http.Handler { return newHandler(n, o, Operations()) }

type handler struct {
	Options
	node  *node.Node
	table map[string]Operation
	list  []Operation
	// document is made at the first request for it.
	document func() ([]byte, error)
}

func newHandler(n *node.Node, o Options, list []Operation) http.Handler {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	h := &handler{Options: o, node: n, table: map[string]Operation{}, list: list,
		document: sync.OnceValues(func() ([]byte, error) { return openAPI(list) })}
	for _, op := range list {
		h.table[op.Name] = op
	}
	return h
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("Cache-Control", "no-store")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("X-Frame-Options", "DENY")
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("Cross-Origin-Resource-Policy", "same-origin")
	head.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")

	if c := h.language(r); c != nil {
		head.Set("Content-Language", c.Tag())
	}
	if zone := h.zone(r); zone != "" {
		head.Set(HeaderZone, zone)
	}
	head.Set("Vary", "Accept-Language, "+HeaderZone)
	name, ok := strings.CutPrefix(r.URL.Path, Prefix)
	if !ok {
		h.refuse(w, r, "", &Problem{Status: http.StatusNotFound, Code: node.CodeNotFound, Title: "There is nothing at this address.", Next: "GET " + Prefix + " lists the operations."})
		return
	}
	grant, ok := node.Console(), true
	if !h.Trusted {
		grant, ok = h.granted(r)
	}
	if !ok {
		head.Set("WWW-Authenticate", `Bearer realm="entente"`)
		h.refuse(w, r, "", &Problem{Status: http.StatusUnauthorized, Code: "unauthenticated", Title: "Who asks is not known.",
			Detail: "The request carries no valid bearer token.", Next: "Send 'Authorization: Bearer TOKEN' with the token that 'entente init' showed, or one of 'entente token new'."})
		return
	}
	if name == "" {
		h.index(w, r)
		return
	}
	if name == documentName {
		h.openAPI(w, r)
		return
	}
	op, ok := h.table[name]
	if !ok {
		h.refuse(w, r, "", &Problem{Status: http.StatusNotFound, Code: node.CodeNotFound, Title: "There is no operation of this name.", Next: "GET " + Prefix + " lists the operations."})
		return
	}
	if r.Method != http.MethodPost {
		head.Set("Allow", http.MethodPost)
		h.refuse(w, r, "", &Problem{Status: http.StatusMethodNotAllowed, Code: "method", Title: "An operation is asked for with POST.", Next: "Use POST " + Prefix + op.Name + "."})
		return
	}
	if !grant.May(op.Scope) {
		head.Set("WWW-Authenticate", `Bearer realm="entente", error="insufficient_scope", scope="`+string(op.Scope)+`"`) // RFC 6750, section 3.1
		h.refuse(w, r, op.Name, &Problem{Status: http.StatusForbidden, Code: "scope", Title: "The token may not be used for this.", Scope: op.Scope,
			Detail: "The operation " + op.Name + " needs the scope " + string(op.Scope) + ", which the token does not have.",
			Next:   "Use a token with this scope: 'entente token new --name NAME --scope " + string(op.Scope) + "' makes one."})
		return
	}
	h.run(w, r, op, grant)
}

// granted tells what the caller may do, by the token it sends.
func (h *handler) granted(r *http.Request) (node.Grant, bool) {
	lines := r.Header.Values("Authorization")
	if len(lines) != 1 || len(lines[0]) > 1024 || h.Grant == nil {
		return node.Grant{}, false
	}
	scheme, token, ok := strings.Cut(lines[0], " ")
	if token = strings.TrimSpace(token); !ok || !strings.EqualFold(scheme, "bearer") || token == "" {
		return node.Grant{}, false
	}
	return h.Grant(token)
}

// listed is one operation as the index shows it.
type listed struct {
	Op      string         `json:"op"`
	Kind    Kind           `json:"kind"`
	Scope   node.Scope     `json:"scope"` // that a token needs
	Summary string         `json:"summary"`
	Request map[string]any `json:"request"` // the kind of value of each field
}

// index lists the operations.
type index struct {
	Operations []listed `json:"operations"`
	OpenAPI    string   `json:"openapi"` // where the whole description is
}

func (h *handler) index(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		h.refuse(w, r, "", &Problem{Status: http.StatusMethodNotAllowed, Code: "method", Title: "The list of operations is read with GET."})
		return
	}
	out := index{Operations: []listed{}, OpenAPI: Prefix + documentName}
	for _, op := range h.list {
		out.Operations = append(out.Operations, listed{Op: op.Name, Kind: op.Kind, Scope: op.Scope, Summary: op.Summary, Request: fields(op.Request)})
	}
	h.answer(w, http.StatusOK, "application/json", out)
}

// run reads the request of an operation in the way of its kind, runs it, and
// answers in the way of its kind.
func (h *handler) run(w http.ResponseWriter, r *http.Request, op Operation, who node.Grant) {
	rc := http.NewResponseController(w)
	// The deadlines of the server are for strangers and for pages; here each
	// read and write has its own. Not every writer has deadlines (in process).
	_ = rc.SetWriteDeadline(time.Time{})
	body := &steadyReader{r: r.Body, rc: rc}
	op = op.recorded()
	c := call{node: h.node, who: who, from: r.RemoteAddr, progress: func(node.Progress) {}}
	var err error
	if op.Kind == Upload {
		_ = rc.EnableFullDuplex() // progress is told while the body still arrives
		defer func() {
			// Closing with unread bytes would reset the connection, and the
			// caller might lose the answer. A caller who has it stops sending.
			_ = rc.Flush()
			_, _ = io.CopyN(io.Discard, body, maxDrain)
		}()
		if c.request = []byte(r.Header.Get(HeaderRequest)); len(c.request) > maxHeaderRequest {
			err = &node.Error{Code: "too-long", Status: http.StatusRequestEntityTooLarge, What: "The header " + HeaderRequest + " is too long."}
		}
		c.body = body
	} else if err = jsonContent(r); err == nil {
		c.request, err = readAtMost(body, maxRequest)
		// Nothing more is expected: without this the reading deadline would
		// end the context of work that takes longer.
		_ = rc.SetReadDeadline(time.Time{})
	}
	if err != nil && op.Kind != Upload {
		h.refuse(w, r, op.Name, ProblemOf(err))
		return
	}
	if err != nil {
		h.fail(w, op.Name, ProblemOf(err))
		return
	}
	switch {
	case op.Kind == Download:
		h.download(w, r, op, c, rc)
	case op.Kind != Plain && !strings.HasPrefix(r.Header.Get("Accept"), "application/json"):
		h.lines(w, r, op, c, rc)
	default:
		out, err := op.run(r.Context(), c)
		if err != nil {
			h.fail(w, op.Name, ProblemOf(err))
			return
		}
		label(w, out)
		h.answer(w, http.StatusOK, "application/json", out)
	}
}

// jsonContent refuses a body that says it is something else than JSON.
func jsonContent(r *http.Request) error {
	t := r.Header.Get("Content-Type")
	if t == "" {
		return nil
	}
	if media, _, err := mime.ParseMediaType(t); err == nil && media == "application/json" {
		return nil
	}
	return &node.Error{Code: "media-type", Status: http.StatusUnsupportedMediaType, What: "The request is not JSON.",
		Why: "Its Content-Type says otherwise.", Next: "Send 'Content-Type: application/json'."}
}

func (h *handler) answer(w http.ResponseWriter, status int, media string, v any) {
	text, err := encode(v)
	if err != nil {
		h.Log.Error("answer cannot be written", "error", err)
		http.Error(w, "the answer cannot be written as JSON", http.StatusInternalServerError)
		return
	}
	h.answerText(w, status, media, text)
}

func (h *handler) answerText(w http.ResponseWriter, status int, media string, text []byte) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(quiet))
	w.Header().Set("Content-Type", media)
	w.Header().Set("Content-Length", fmt.Sprint(len(text)))
	w.WriteHeader(status)
	_, _ = w.Write(text) // the caller is gone if this fails
}

func (h *handler) fail(w http.ResponseWriter, op string, p *Problem) {
	if p.Type == "" {
		p.Type = "urn:entente:problem:" + p.Code
	}
	h.logProblem(op, p)
	localize(w, p)
	h.answer(w, p.Status, "application/problem+json", p)
}

// refuse answers a request whose body was not read to its end, after it has dropped the rest.
func (h *handler) refuse(w http.ResponseWriter, r *http.Request, op string, p *Problem) {
	unread.Drop(w, r)
	h.fail(w, op, p)
}

// logProblem keeps failures of the node itself; what a caller did wrong is
// told to the caller only.
func (h *handler) logProblem(op string, p *Problem) {
	if p.Status >= 500 {
		h.Log.Error("operation failed", "op", op, "code", p.Code, "detail", p.Detail)
	}
}

// steadyReader gives each read its own deadline, so that a large import may
// take hours and a silent caller may not.
type steadyReader struct {
	r  io.Reader
	rc *http.ResponseController
}

func (s *steadyReader) Read(p []byte) (int, error) {
	_ = s.rc.SetReadDeadline(time.Now().Add(quiet))
	return s.r.Read(p)
}
