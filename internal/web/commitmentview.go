package web

import (
	"context"
	"net/http"
	"slices"

	"entente/internal/node"
)

// commitmentSource is what the pages about commitments are about.
type commitmentSource interface {
	Commitments(context.Context, node.JointListRequest) (*node.CommitmentListResponse, error)
	Commitment(context.Context, node.JointShowRequest) (*node.CommitmentView, error)
	MakeCommitment(context.Context, node.CommitmentMakeRequest) (*node.WriteResponse, error)
	MoveCommitment(context.Context, node.CommitmentMoveRequest) (*node.WriteResponse, error)
}

func (h *handler) commitmentRoutes() []route {
	return []route{
		look("GET /commitments", h.commitments),
		look("GET /commitment", h.commitment),
		{pattern: "POST /commitment/move", scope: node.ScopeRequest, show: h.commitment, act: posted(h.moveCommitment)},
		{pattern: "GET /commitment/new", scope: node.ScopeRequest, show: h.commitmentForm},
		{pattern: "POST /commitment/new", scope: node.ScopeRequest, show: h.commitmentForm, act: posted(h.makeCommitment)},
	}
}

func (h *handler) commitments(r *http.Request) (string, *page, error) {
	in := listed(r)
	list, err := h.node.Commitments(r.Context(), in)
	if err != nil {
		return "", nil, err
	}
	return "commitments", &page{Key: "ui.commitments", Here: "records", Data: jointList{list.Commitments, in.All}}, nil
}

// commitmentData is one commitment with what this side may say of it.
type commitmentData struct {
	*node.CommitmentView
	talk
	Moves []saying
}

func (h *handler) commitment(r *http.Request) (string, *page, error) {
	c, err := h.node.Commitment(r.Context(), node.JointShowRequest{Unit: r.FormValue("unit"), ID: r.FormValue("id")})
	if err != nil {
		return "", nil, err
	}
	here, err := h.node.Here(r.Context())
	if err != nil {
		return "", nil, err
	}
	d := commitmentData{CommitmentView: c, talk: talk{"/commitment/move", "commitment-move", c.Unit, c.ID, r.PostForm}}
	switch {
	case c.State == "released":
	case c.Party != here.Name:
		d.Moves = []saying{d.Say("view", "optional"), d.Say("accept", "optional"), d.Say("decline", "optional")}
		if !slices.ContainsFunc(c.Released, func(m node.MarkView) bool { return m.Party == here.Name }) {
			d.Moves = append(d.Moves, d.Say("release", "optional"))
		}
	default:
		d.Moves = []saying{d.Say("report", "optional")}
		if c.Form != "standing" && c.State != "kept" {
			d.Moves = append(d.Moves, d.Say("amend", "optional"))
		}
	}
	p := &page{Title: c.Title, Here: "records", Data: d}
	if c.Title == "" {
		p.Key = "ui.no-title"
	}
	return "commitment", p, nil
}

// Standings are how this commitment may stand: one that stands for good is never done.
func (d commitmentData) Standings() []string {
	all := node.Standings()
	if d.Form == "standing" {
		all = slices.DeleteFunc(all, func(s string) bool { return s == "done" })
	}
	return all
}

func (h *handler) moveCommitment(r *http.Request, in node.CommitmentMoveRequest) (outcome, error) {
	w, err := h.node.MoveCommitment(r.Context(), in)
	return said(w, err, in.DryRun, "/commitment", in.Unit, in.ID)
}

// commitmentFormData is the form of a new commitment.
type commitmentFormData struct {
	acting
	Cases []node.CaseView // out of one of which it may have come
}

func (h *handler) commitmentForm(r *http.Request) (string, *page, error) {
	a, err := h.acting(r, r.FormValue("unit"))
	if err != nil {
		return "", nil, err
	}
	d := commitmentFormData{acting: a}
	if a.Unit != nil {
		list, err := h.node.Cases(r.Context(), node.JointListRequest{Unit: a.Unit.Unit})
		if err != nil {
			return "", nil, err
		}
		d.Cases = list.Cases
	}
	return "commitmentform", &page{Key: "ui.new-commitment", Here: "records", Data: d}, nil
}

func (h *handler) makeCommitment(r *http.Request, in node.CommitmentMakeRequest) (outcome, error) {
	w, err := h.node.MakeCommitment(r.Context(), in)
	return said(w, err, in.DryRun, "/commitment", in.Unit, w.FirstRef())
}
