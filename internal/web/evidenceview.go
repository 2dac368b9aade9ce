package web

import (
	"io"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"entente/internal/node"
)

func (h *handler) evidenceRoutes() []route {
	return []route{
		look("GET /exhibit", h.exhibit),
		{pattern: "POST /exhibit/verify", scope: node.ScopeRead, show: h.exhibit, act: posted(h.verifyExhibit)},
		{pattern: "GET /exhibit/content", scope: node.ScopeRequest, raw: h.exhibitContent},
		{pattern: "POST /request/evidence", scope: node.ScopeRequest, show: h.request, act: uploaded(h.attachFile), upload: true},
	}
}

func (h *handler) exhibit(r *http.Request) (string, *page, error) {
	x, err := h.node.Exhibit(r.Context(), node.ExhibitIDRequest{Unit: r.FormValue("unit"), ID: r.FormValue("id")})
	if err != nil {
		return "", nil, err
	}
	p := &page{Title: x.Title, Here: "requests", Data: x}
	if x.Title == "" {
		p.Key = "ui.no-title"
	}
	return "exhibit", p, nil
}

func (h *handler) verifyExhibit(r *http.Request, in node.ExhibitIDRequest) (outcome, error) {
	v, err := h.node.VerifyExhibit(r.Context(), in, nil)
	return outcome{shown: v}, err
}

// attachFile takes in one file as evidence for a request.
func (h *handler) attachFile(r *http.Request, in node.ExhibitAttachRequest, name string, file io.Reader) (outcome, error) {
	in.Name = name
	x, err := h.node.AttachFile(r.Context(), in, file, nil)
	if err != nil {
		return outcome{}, err
	}
	return outcome{to: "/exhibit" + string(query("unit", x.Unit, "id", x.Exhibit.ID)), done: "done.attached"}, nil
}

// exhibitContent sends the content of an exhibit of one file, as something to keep and never to show.
func (h *handler) exhibitContent(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	x, err := h.node.Exhibit(r.Context(), node.ExhibitIDRequest{Unit: q.Get("unit"), ID: q.Get("id")})
	switch {
	case err != nil:
		return err
	case x.Files != 1 || len(x.List) != 1 || x.Here < x.Chunks:
		return &node.Error{Code: "not-here", Status: http.StatusConflict, What: "This cannot be sent as one file.", Why: "Not all of it is here, or it has several files.", Next: "Wait until it has come, or write it out with 'entente exhibit get'."}
	}
	out := &steadyWriter{w: w, conn: http.NewResponseController(w)}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": fileName(x.List[0].Path)}))
	if err := h.node.GetExhibit(r.Context(), node.ExhibitGetRequest{Unit: x.Unit, ID: x.ID}, out); err != nil {
		if !out.begun {
			w.Header().Del("Content-Disposition")
			return err
		}
		h.logFailure(r, failureOf(err), err)
		panic(http.ErrAbortHandler) // the browser must not take a part for the whole
	}
	return nil
}

// fileName is the last part of a path with nothing in it that a file system or a header could take amiss.
func fileName(p string) string {
	name := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, path.Base(p))
	return string(clean([]byte(name)))
}

// steadyWriter gives a large answer as long as it takes while the browser takes it.
type steadyWriter struct {
	w     io.Writer
	conn  *http.ResponseController
	begun bool
}

func (s *steadyWriter) Write(p []byte) (int, error) {
	s.begun = true
	_ = s.conn.SetWriteDeadline(time.Now().Add(patience)) // where it cannot be set there is none
	return s.w.Write(p)
}
