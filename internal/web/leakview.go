package web

import (
	"context"
	"net/http"

	"entente/internal/node"
)

// leakSource is what the pages about leaks are about.
type leakSource interface {
	Leaks(context.Context, node.JointListRequest) (*node.LeakListResponse, error)
	Leak(context.Context, node.JointShowRequest) (*node.LeakView, error)
	ReportLeak(context.Context, node.LeakReportRequest) (*node.WriteResponse, error)
	MoveLeak(context.Context, node.LeakMoveRequest) (*node.WriteResponse, error)
}

func (h *handler) leakRoutes() []route {
	return []route{
		look("GET /leaks", h.leaks),
		look("GET /leak", h.leak),
		{pattern: "POST /leak/move", scope: node.ScopeRequest, show: h.leak, act: posted(h.moveLeak)},
		{pattern: "GET /leak/new", scope: node.ScopeRequest, show: h.leakForm},
		{pattern: "POST /leak/new", scope: node.ScopeRequest, show: h.leakForm, act: posted(h.reportLeak)},
	}
}

func (h *handler) leaks(r *http.Request) (string, *page, error) {
	in := listed(r)
	list, err := h.node.Leaks(r.Context(), in)
	if err != nil {
		return "", nil, err
	}
	return "leaks", &page{Key: "ui.leaks", Here: "records", Data: jointList{list.Leaks, in.All}}, nil
}

// leakData is one leak with what this side may say of it.
type leakData struct {
	*node.LeakView
	talk
	Moves []saying
}

func (h *handler) leak(r *http.Request) (string, *page, error) {
	l, err := h.node.Leak(r.Context(), node.JointShowRequest{Unit: r.FormValue("unit"), ID: r.FormValue("id")})
	if err != nil {
		return "", nil, err
	}
	here, err := h.node.Here(r.Context())
	if err != nil {
		return "", nil, err
	}
	d := leakData{LeakView: l, talk: talk{"/leak/move", "leak-move", l.Unit, l.ID, r.PostForm}}
	d.Moves = []saying{d.Say("answer", "optional")}
	if l.Reporter == here.Name && l.Withdrawn == nil {
		d.Moves = append(d.Moves, d.Say("withdraw", "optional"))
	}
	return "leak", &page{Key: "ui.leak", Here: "records", Data: d}, nil
}

func (h *handler) moveLeak(r *http.Request, in node.LeakMoveRequest) (outcome, error) {
	w, err := h.node.MoveLeak(r.Context(), in)
	return said(w, err, in.DryRun, "/leak", in.Unit, in.ID)
}

func (h *handler) leakForm(r *http.Request) (string, *page, error) {
	a, err := h.acting(r, r.FormValue("unit"))
	return "leakform", &page{Key: "ui.new-leak", Here: "records", Data: a}, err
}

func (h *handler) reportLeak(r *http.Request, in node.LeakReportRequest) (outcome, error) {
	w, err := h.node.ReportLeak(r.Context(), in)
	return said(w, err, in.DryRun, "/leak", in.Unit, w.FirstRef())
}
