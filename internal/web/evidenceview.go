package web

import (
	"io"
	"net/http"
	"slices"

	"entente/internal/accord"
	"entente/internal/node"
)

func (h *handler) evidenceRoutes() []route {
	return []route{
		look("GET /exhibit", h.exhibit),
		{pattern: "POST /exhibit/verify", scope: node.ScopeRead, show: h.exhibit, act: posted(h.verifyExhibit)},
		{pattern: "POST /exhibit/custody", scope: node.ScopeRequest, show: h.exhibit, act: posted(h.stateCustody)},
		{pattern: "GET /exhibit/content", scope: node.ScopeRequest, raw: h.exhibitContent},
		{pattern: "POST /request/evidence", scope: node.ScopeRequest, show: h.request, act: uploads(h.attachFiles), upload: true},
	}
}

// exhibitData is one exhibit, and the agencies of this side to which it can be handed.
type exhibitData struct {
	*node.ExhibitView
	Agencies []accord.Agency
}

// Acts are the statements of custody that this side may make now.
func (d exhibitData) Acts() []string {
	return slices.DeleteFunc(slices.Clone(d.Next), func(s string) bool { return s == "abandon" || s == "chunk" || s == "complete" })
}

func (h *handler) exhibit(r *http.Request) (string, *page, error) {
	x, err := h.node.Exhibit(r.Context(), node.ExhibitIDRequest{Unit: r.FormValue("unit"), ID: r.FormValue("id")})
	if err != nil {
		return "", nil, err
	}
	_, own := h.terms(r, x.Unit)
	p := &page{Title: x.Title, Here: "requests", Data: exhibitData{x, own.Agencies}}
	if x.Title == "" {
		p.Key = "ui.no-title"
	}
	return "exhibit", p, nil
}

func (h *handler) verifyExhibit(r *http.Request, in node.ExhibitIDRequest) (outcome, error) {
	v, err := h.node.VerifyExhibit(r.Context(), in, nil)
	return outcome{shown: v}, err
}

// stateCustody states who holds an exhibit, or tells what would be written.
func (h *handler) stateCustody(r *http.Request, in node.ExhibitCustodyRequest) (outcome, error) {
	w, err := h.node.ExhibitCustody(r.Context(), in, nil)
	if err != nil || in.DryRun {
		return outcome{shown: w}, err
	}
	return outcome{to: "/exhibit" + string(query("unit", in.Unit, "id", in.ID)), done: "done.custody"}, nil
}

// attachFiles takes in one or more files as an exhibit for a request.
func (h *handler) attachFiles(r *http.Request, in node.ExhibitAttachRequest, next func() (string, io.Reader, error)) (outcome, error) {
	x, err := h.node.AttachFiles(r.Context(), in, next, nil)
	if err != nil || x.Exhibit == nil { // held ready
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
		return &node.Error{Code: "not-here", Status: http.StatusConflict, What: "This cannot be sent as one file.", Why: "Not all of it is here, or it has several files.", Next: "Wait until it has come, or write it out with 'entente exhibit export'."}
	}
	return h.send(w, r, "application/octet-stream", fileName(x.List[0].Path), func(out io.Writer) error {
		return h.node.GetExhibit(r.Context(), node.ExhibitGetRequest{Unit: x.Unit, ID: x.ID}, out)
	})
}
