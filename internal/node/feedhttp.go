package node

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"entente/taxii"
)

// FeedPrefix is the path below which feeds are served.
const FeedPrefix = "/feeds/"

// FeedHandler serves the feeds to sensors, with the credentials of TAXII: the list
// at [FeedPrefix], each feed below it. An If-None-Match of what is there already is
// answered with 304, and gzip to whoever takes it.
func (n *Node) FeedHandler() (http.Handler, error) {
	auth, err := n.sensorAuth()
	if err != nil {
		return nil, err
	}
	return &feedHandler{n: n, auth: auth}, nil
}

type feedHandler struct {
	n    *Node
	auth taxii.Authenticate
}

// feedQuiet is how long a reader may stall.
const feedQuiet = time.Minute

func (h *feedHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("Cache-Control", "private, no-cache")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	head.Set("Vary", "Accept-Encoding, Authorization")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		head.Set("Allow", "GET, HEAD")
		http.Error(w, "A feed is read with GET.", http.StatusMethodNotAllowed)
		return
	}
	if _, err := h.auth(r); errors.Is(err, taxii.ErrForbidden) {
		http.Error(w, "The token has neither the scope taxii:read nor read: make one with 'entente token new --scope taxii:read'.", http.StatusForbidden)
		return
	} else if err != nil {
		head.Set("WWW-Authenticate", `Basic realm="entente", charset="UTF-8"`)
		http.Error(w, "Who asks is not known: send the TAXII user and password that 'entente init' showed, or a bearer token.", http.StatusUnauthorized)
		return
	}
	name := strings.TrimPrefix(r.URL.Path, FeedPrefix)
	if name == "" {
		h.index(w, r)
		return
	}
	name, file, folder := strings.Cut(name, "/")
	f := h.n.feeds.find(name)
	if f != nil && f.spec.format.Name == "misp" && !folder {
		http.Redirect(w, r, FeedPrefix+name+"/", http.StatusTemporaryRedirect)
		return
	}
	if f == nil || folder != (f.spec.format.Name == "misp") {
		http.Error(w, "There is no feed of this name; GET "+FeedPrefix+" lists them.", http.StatusNotFound)
		return
	}
	// Bringing a large feed up to date may take longer than the server's deadlines, which
	// are for strangers: the one for reading would end the context of the work.
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Time{})
	_ = rc.SetWriteDeadline(time.Time{})
	text, err := h.n.feeds.current(r.Context(), h.n, f)
	if err != nil {
		h.fail(w, err)
		return
	}
	tag := text.tag(f)
	if folder {
		h.misp(w, r, f, text, file)
		return
	}
	head.Set("ETag", tag)
	head.Set("Content-Type", f.spec.format.MediaType)
	head.Set("Content-Disposition", `inline; filename="`+f.spec.name+"."+f.spec.format.Extension+`"`)
	if sameTag(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	out := &steadyWriter{w: w, rc: rc}
	if takesGzip(r.Header.Get("Accept-Encoding")) {
		head.Set("Content-Encoding", "gzip")
		err = h.body(r, func() error { return text.writePacked(out) })
	} else {
		err = h.body(r, func() error { return text.writePlain(out) })
	}
	if err != nil && r.Context().Err() == nil {
		h.n.opts.Log.Debug("a feed was not read to its end", "feed", name, "err", err)
	}
}

func (h *feedHandler) body(r *http.Request, write func() error) error {
	if r.Method == http.MethodHead {
		return nil
	}
	return write()
}

func (h *feedHandler) index(w http.ResponseWriter, r *http.Request) {
	list, err := h.n.Feeds(r.Context())
	if err != nil {
		h.fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(list)
}

func (h *feedHandler) fail(w http.ResponseWriter, err error) {
	h.n.opts.Log.Error("a feed cannot be made", "err", err)
	var e *Error
	if errors.As(StorageError(err), &e) {
		http.Error(w, e.What, http.StatusServiceUnavailable)
		return
	}
	http.Error(w, "The feed cannot be made now.", http.StatusInternalServerError)
}

// sameTag compares weakly (RFC 9110 §13.1.2).
func sameTag(header, tag string) bool {
	for t := range strings.SplitSeq(header, ",") {
		t = strings.TrimSpace(t)
		if t == "*" || subtle.ConstantTimeCompare([]byte(strings.TrimPrefix(t, "W/")), []byte(strings.TrimPrefix(tag, "W/"))) == 1 {
			return true
		}
	}
	return false
}

// takesGzip reads an Accept-Encoding (RFC 9110 §12.5.3).
func takesGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		q := strings.ReplaceAll(params, " ", "")
		if name = strings.ToLower(strings.TrimSpace(name)); name == "gzip" || name == "*" {
			return q != "q=0" && q != "q=0.0" && q != "q=0.00" && q != "q=0.000"
		}
	}
	return false
}

// steadyWriter gives each write its own deadline.
type steadyWriter struct {
	w  http.ResponseWriter
	rc *http.ResponseController
}

func (s *steadyWriter) Write(p []byte) (int, error) {
	_ = s.rc.SetWriteDeadline(time.Now().Add(feedQuiet))
	return s.w.Write(p)
}
