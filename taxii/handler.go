package taxii

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	discoveryPath = "/taxii2/" // section 4.1: where discovery must be found
	maxPath       = 2 << 10    // bytes of an escaped request path
)

// Root is one API root (section 4.2): collections that belong together.
type Root struct {
	Path        string // absolute URL path with a slash at both ends, e.g. /api1/; letters, digits and - . _ ~ /
	Title       string // required
	Description string // optional
	Store       Store  // required
}

// Options configure a [Handler]. The zero value of a field with a default means the default.
type Options struct {
	Title       string // of the server, in discovery; required
	Description string // optional
	Contact     string // optional; how to reach those who run the server

	Roots []Root // at least one; the first is the default

	// Authenticate decides who asks; required. Use [Anonymous] to serve without asking.
	Authenticate Authenticate
	// Challenges are the values of WWW-Authenticate that go with a 401; Basic and Bearer by default.
	Challenges []string
	// PublicDiscovery lets discovery be read without a credential.
	PublicDiscovery bool

	// NextKey authenticates next values; at least 32 bytes of secret randomness. As long as it stays the same,
	// next values given out before stay valid.
	NextKey []byte

	MaxLimit         int   // objects in a page, whatever limit asks for; default 1000
	MaxPageBytes     int   // bytes of objects after which a page ends, with at least one object in it; default 8 MiB
	MaxContentLength int64 // bytes of a request to add objects, told to clients as max_content_length; default 8 MiB

	// PostWait is how long a request to add objects waits for them to be stored. After that it is answered with a
	// status that is pending, and the work goes on. Default 10 seconds.
	PostWait time.Duration
	// Statuses keeps what became of requests to add objects; without it that is forgotten when the process ends.
	Statuses StatusStore
	// Now is the clock, for the time of a request in its status; default [time.Now].
	Now func() time.Time

	Log    *slog.Logger // failures of the server; default discards
	Random io.Reader    // names for errors; default crypto/rand
}

type handler struct {
	Options
	log    *slog.Logger
	random io.Reader
	now    func() time.Time
	origin *http.CrossOriginProtection // browsers keep the password of HTTP Basic, and send it for any page
	room   chan struct{}               // one for each request to add objects that is under way
	posts  statuses
}

// Handler returns the server side of TAXII 2.1. It serves discovery at /taxii2/ and each API root below its
// path, so it wants to be mounted where it sees whole URL paths. Deadlines, TLS and the number of connections are the
// business of the [http.Server]. An error says which option is missing or out of its bounds.
func Handler(o Options) (http.Handler, error) {
	bad := func(format string, args ...any) (http.Handler, error) {
		return nil, fmt.Errorf("taxii: "+format, args...)
	}
	switch {
	case o.Title == "":
		return bad("Options.Title is empty: discovery must have a title")
	case len(o.Roots) == 0:
		return bad("Options.Roots is empty: give at least one API root")
	case o.Authenticate == nil:
		return bad("Options.Authenticate is nil: use Anonymous to serve without asking who it is")
	case len(o.NextKey) < minNextKey:
		return bad("Options.NextKey has %d bytes, needs at least %d random ones", len(o.NextKey), minNextKey)
	case o.MaxLimit < 0 || o.MaxPageBytes < 0 || o.MaxContentLength < 0 || o.PostWait < 0:
		return bad("a negative bound in Options")
	}
	for i, root := range o.Roots {
		if err := root.check(); err != nil {
			return nil, err
		}
		for _, other := range o.Roots[:i] {
			if strings.HasPrefix(root.Path, other.Path) || strings.HasPrefix(other.Path, root.Path) {
				return bad("the API roots %s and %s overlap: give each a path of its own", other.Path, root.Path)
			}
		}
	}
	o.Roots = append([]Root(nil), o.Roots...)
	o.NextKey = append([]byte(nil), o.NextKey...)
	if len(o.Challenges) == 0 {
		o.Challenges = []string{`Bearer realm="taxii"`, `Basic realm="taxii", charset="UTF-8"`}
	}
	if o.MaxLimit == 0 {
		o.MaxLimit = 1000
	}
	if o.MaxPageBytes == 0 {
		o.MaxPageBytes = 8 << 20
	}
	if o.MaxContentLength == 0 {
		o.MaxContentLength = 8 << 20
	}
	if o.PostWait == 0 {
		o.PostWait = 10 * time.Second
	}
	h := &handler{Options: o, log: o.Log, random: o.Random, now: o.Now, origin: http.NewCrossOriginProtection(), room: make(chan struct{}, maxPosts)}
	if h.now == nil {
		h.now = time.Now
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	if h.random == nil {
		h.random = rand.Reader
	}
	h.warn(context.Background(), h.posts.restore(o.Statuses, h.now().UTC()))
	return h, nil
}

func (r Root) check() error {
	switch {
	case r.Store == nil:
		return fmt.Errorf("taxii: the API root %q has no Store", r.Path)
	case r.Title == "":
		return fmt.Errorf("taxii: the API root %q has no Title", r.Path)
	case len(r.Path) < 3 || r.Path[0] != '/' || r.Path[len(r.Path)-1] != '/' || strings.Contains(r.Path, "//") ||
		strings.Contains(r.Path, "/./") || strings.Contains(r.Path, "/../"):
		return fmt.Errorf("taxii: the API root path %q must begin and end with a single slash, like /api1/", r.Path)
	case r.Path == discoveryPath:
		return fmt.Errorf("taxii: the API root path %s is where discovery is served; use one of its own, like /api1/", r.Path)
	}
	for _, c := range []byte(r.Path) {
		if !isDigit(c) && !('a' <= c|0x20 && c|0x20 <= 'z') && !strings.ContainsRune("/-._~", rune(c)) {
			return fmt.Errorf("taxii: the API root path %q may hold only letters, digits and - . _ ~ /", r.Path)
		}
	}
	return nil
}

// call is one request on its way through the handler.
type call struct {
	*http.Request
	w         http.ResponseWriter // for the deadline of a body only
	h         *handler
	principal Principal
	root      Root
	args      []string // path segments below the API root
}

// endpoint is one resource: what it answers to GET and HEAD, and to the one other method it may have.
type endpoint struct {
	get    func(*call) (*response, error)
	method string // POST or DELETE, if it has one
	write  func(*call) (*response, error)
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Vary", "Accept, Accept-Encoding, Authorization")
	header.Set("Cache-Control", "private, no-cache")
	header.Set("X-Content-Type-Options", "nosniff")
	res, err := h.serve(w, r)
	if err == nil {
		err = r.Context().Err()
	}
	if err != nil {
		h.writeProblem(w, r, asProblem(err))
		return
	}
	if err := res.write(w, r); err != nil && r.Context().Err() == nil {
		h.log.LogAttrs(r.Context(), slog.LevelDebug, "taxii response not fully sent", slog.Any("cause", err))
	}
}

func (h *handler) serve(w http.ResponseWriter, r *http.Request) (*response, error) {
	c := &call{Request: r, w: w, h: h}
	if err := h.origin.Check(r); err != nil {
		return nil, &problem{status: http.StatusForbidden, code: "cross-origin", title: "Not permitted", cause: err,
			detail: "A page of another site may not change anything here with the credentials that a browser keeps. Other clients send no Origin and no Sec-Fetch-Site."}
	}
	if !(h.PublicDiscovery && r.URL.Path == discoveryPath) {
		var err error
		if c.principal, err = h.Authenticate(r); err != nil {
			return nil, h.authProblem(err)
		}
		c.Request = r.WithContext(WithCaller(r.Context(), c.principal))
	}
	e, err := h.route(c)
	if err != nil {
		return nil, err
	}
	serve := e.get
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case e.method:
		serve = e.write
	default:
		return nil, refuseMethod(e)
	}
	if !acceptsTAXII(r.Header.Values("Accept")) {
		return nil, &problem{status: http.StatusNotAcceptable, code: "not-acceptable", title: "Not acceptable",
			detail: "This server speaks only " + MediaType + "; send it in the Accept header."}
	}
	return serve(c)
}

func (h *handler) authProblem(err error) error {
	switch {
	case errors.Is(err, ErrUnauthenticated):
		return &problem{status: http.StatusUnauthorized, code: "unauthenticated", title: "Authentication required", cause: err,
			detail: "Send a credential that this server knows in the Authorization header.",
			header: http.Header{"Www-Authenticate": h.Challenges}}
	case errors.Is(err, ErrForbidden):
		return &problem{status: http.StatusForbidden, code: "forbidden", title: "Not permitted", cause: err,
			detail: "The credential is valid but may not be used here."}
	default:
		return fmt.Errorf("taxii: authenticate: %w", err)
	}
}

// route finds the endpoint of a path and leaves root and segments in c.
func (h *handler) route(c *call) (endpoint, error) {
	path := c.URL.EscapedPath()
	if len(path) > maxPath {
		return endpoint{}, notFound("There is no resource with so long a path.")
	}
	if path == discoveryPath {
		return endpoint{get: (*call).discovery}, nil
	}
	for _, root := range h.Roots {
		rest, ok := strings.CutPrefix(path, root.Path)
		if !ok {
			continue
		}
		c.root = root
		if rest == "" {
			return endpoint{get: (*call).apiRoot}, nil
		}
		if !strings.HasSuffix(rest, "/") {
			return endpoint{}, notFound("Every TAXII 2.1 endpoint ends with a slash; add one to the path.")
		}
		for segment := range strings.SplitSeq(strings.TrimSuffix(rest, "/"), "/") {
			plain, err := url.PathUnescape(segment)
			if err != nil || plain == "" || len(plain) > maxMatchValue {
				return endpoint{}, notFound("There is no such resource.")
			}
			c.args = append(c.args, plain)
		}
		if e, ok := findEndpoint(c.args); ok {
			return e, nil
		}
	}
	return endpoint{}, notFound("There is no such resource. Discovery is at " + discoveryPath + ".")
}

// findEndpoint maps the segments below an API root to endpoints (sections 4 and 5).
func findEndpoint(args []string) (endpoint, bool) {
	switch n := len(args); {
	case args[0] == "status" && n == 2:
		return endpoint{get: (*call).status}, true
	case args[0] != "collections":
		return endpoint{}, false
	case n == 1:
		return endpoint{get: (*call).collections}, true
	case n == 2:
		return endpoint{get: (*call).collection}, true
	case n == 3 && args[2] == "manifest":
		return endpoint{get: (*call).manifest}, true
	case n == 3 && args[2] == "objects":
		return endpoint{get: (*call).objects, method: http.MethodPost, write: (*call).addObjects}, true
	case n == 4 && args[2] == "objects":
		return endpoint{get: (*call).object, method: http.MethodDelete, write: (*call).removeObject}, true
	case n == 5 && args[2] == "objects" && args[4] == "versions":
		return endpoint{get: (*call).versions}, true
	}
	return endpoint{}, false
}

// refuseMethod answers a method that the endpoint does not have.
func refuseMethod(e endpoint) error {
	allow, detail := "GET, HEAD", "This resource can only be read: use GET."
	if e.method != "" {
		allow, detail = allow+", "+e.method, "This resource is read with GET and changed with "+e.method+"."
	}
	return &problem{status: http.StatusMethodNotAllowed, code: "method-not-allowed", title: "Method not allowed",
		detail: detail, header: http.Header{"Allow": {allow}}}
}
