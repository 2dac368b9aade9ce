package web

import (
	"context"
	"io"
	"mime"
	"net/http"

	"entente/internal/node"
)

// releaseSource is what the page about acts that lack a second person is made of.
type releaseSource interface {
	HeldActs(context.Context, node.ReleaseListRequest) (*node.ReleaseListResponse, error)
	HeldAct(context.Context, node.ReleaseShowRequest) (*node.HeldAct, error)
	HeldContent(context.Context, node.ReleaseContentRequest, io.Writer) error
	Release(context.Context, node.ReleaseApproveRequest) (*node.WriteResponse, error)
	Reject(context.Context, node.ReleaseRejectRequest) (*node.HeldAct, error)
}

func (h *handler) releaseRoutes() []route {
	return []route{
		look("GET /release", h.releases),
		{pattern: "GET /release/content", scope: node.ScopeRead, raw: h.heldContent},
		{pattern: "POST /release/approve", scope: node.ScopeRelease, show: h.releases, act: posted(h.approve)},
		// Whoever may not release takes back what they prepared: the use case knows.
		{pattern: "POST /release/reject", scope: node.ScopeRead, show: h.releases, act: posted(h.reject)},
	}
}

// releaseData is what waits for a second person, or one act of it.
type releaseData struct {
	*node.ReleaseListResponse
	Act *node.HeldAct // nil: the list
}

func (h *handler) releases(r *http.Request) (string, *page, error) {
	p := &page{Key: "ui.release", Here: "release"}
	var d releaseData
	if id := r.FormValue("id"); id != "" {
		in := node.ReleaseShowRequest{ID: id}
		in.Asks(grantOf(r))
		act, err := h.node.HeldAct(r.Context(), in)
		if err != nil {
			return "", nil, err
		}
		d.Act = act
	} else {
		in := node.ReleaseListRequest{All: true}
		in.Asks(grantOf(r))
		list, err := h.node.HeldActs(r.Context(), in)
		if err != nil {
			return "", nil, err
		}
		d.ReleaseListResponse = list
	}
	p.Data = d
	return "release", p, nil
}

func (h *handler) approve(r *http.Request, in node.ReleaseApproveRequest) (outcome, error) {
	claim, err := claimOf(r.PostForm)
	if err != nil {
		return outcome{}, err
	}
	in.By = claim
	w, err := h.node.Release(r.Context(), in)
	if err != nil || in.DryRun {
		return outcome{shown: w}, err
	}
	return outcome{to: "/release" + string(query("id", in.ID)), done: "done.released"}, nil
}

func (h *handler) reject(r *http.Request, in node.ReleaseRejectRequest) (outcome, error) {
	if _, err := h.node.Reject(r.Context(), in); err != nil {
		return outcome{}, err
	}
	return outcome{to: "/release", done: "done.rejected"}, nil
}

// heldContent sends one content of an act as it would leave, as something to keep and never to show.
func (h *handler) heldContent(w http.ResponseWriter, r *http.Request) (err error) {
	in := node.ReleaseContentRequest{ID: r.URL.Query().Get("id"), Entry: int(formInt(r, "entry")), Files: r.URL.Query().Has("files")}
	in.Asks(grantOf(r))
	out := &steadyWriter{w: w, conn: http.NewResponseController(w)}
	name := in.ID + ".json"
	if in.Files {
		if name, err = h.heldFileName(r, in.ID); err != nil {
			return err
		}
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": fileName(name)}))
	err = h.node.HeldContent(r.Context(), in, out)
	if err != nil && !out.begun {
		w.Header().Del("Content-Disposition")
	}
	return err
}

// heldFileName is what the files of an exhibit that waits are kept as: under the name of the only one, else as what they are, one behind
// the other.
func (h *handler) heldFileName(r *http.Request, id string) (string, error) {
	in := node.ReleaseShowRequest{ID: id}
	in.Asks(grantOf(r))
	act, err := h.node.HeldAct(r.Context(), in)
	if err != nil {
		return "", err
	}
	if len(act.Entries) > 0 && len(act.Entries[0].List) == 1 {
		return act.Entries[0].List[0].Path, nil
	}
	return id + ".bin", nil
}
