package web

import (
	"context"
	"net/http"
	"slices"

	"entente/internal/accord"
	"entente/internal/node"
)

// caseSource is what the pages about cases are about.
type caseSource interface {
	Cases(context.Context, node.JointListRequest) (*node.CaseListResponse, error)
	Case(context.Context, node.JointShowRequest) (*node.CaseView, error)
	OpenCase(context.Context, node.CaseOpenRequest) (*node.WriteResponse, error)
	MoveCase(context.Context, node.CaseMoveRequest) (*node.WriteResponse, error)
}

func (h *handler) caseRoutes() []route {
	return []route{
		look("GET /cases", h.cases),
		look("GET /case", h.oneCase),
		{pattern: "POST /case/move", scope: node.ScopeRequest, show: h.oneCase, act: posted(h.moveCase)},
		{pattern: "GET /case/new", scope: node.ScopeRequest, show: h.caseForm},
		{pattern: "POST /case/new", scope: node.ScopeRequest, show: h.caseForm, act: posted(h.openCase)},
		{pattern: "GET /case/tie", scope: node.ScopeRequest, show: h.tieForm},
		{pattern: "POST /case/tie", scope: node.ScopeRequest, show: h.tieForm, act: posted(h.moveCase)},
	}
}

// jointList is what the lists of things that members keep together are given.
type jointList struct {
	Listed any
	All    bool
}

func listed(r *http.Request) node.JointListRequest {
	return node.JointListRequest{Unit: r.FormValue("unit"), All: r.FormValue("all") != ""}
}

func (h *handler) cases(r *http.Request) (string, *page, error) {
	in := listed(r)
	list, err := h.node.Cases(r.Context(), in)
	if err != nil {
		return "", nil, err
	}
	return "cases", &page{Key: "ui.cases", Here: "records", Data: jointList{list.Cases, in.All}}, nil
}

// caseData is one case with what this side may add to it.
type caseData struct {
	*node.CaseView
	talk
	Self    string // the name of this party
	Members []node.MemberBrief
	Moves   []saying
}

func (h *handler) oneCase(r *http.Request) (string, *page, error) {
	c, err := h.node.Case(r.Context(), node.JointShowRequest{Unit: r.FormValue("unit"), ID: r.FormValue("id")})
	if err != nil {
		return "", nil, err
	}
	here, err := h.node.Here(r.Context())
	if err != nil {
		return "", nil, err
	}
	d := caseData{CaseView: c, Self: here.Name, talk: talk{"/case/move", "case-move", c.Unit, c.ID, r.PostForm}}
	at, err := h.acting(r, c.Unit)
	if err != nil {
		return "", nil, err
	}
	if at.Unit != nil {
		d.Members = at.Others()
	}
	if c.State == "open" {
		d.Moves = []saying{d.Say("event", "optional"), d.Say("claim", "required"), d.Say("link", "optional"), d.Say("outcome", "optional")}
		if !d.has(c.Closing) {
			d.Moves = append(d.Moves, d.Say("close", "optional"))
		}
	}
	if c.State != "open" || len(c.Closing) > 0 {
		d.Moves = append(d.Moves, d.Say("reopen", "optional"))
	}
	p := &page{Title: c.Title, Here: "records", Data: d}
	if c.Title == "" {
		p.Key = "ui.no-title"
	}
	return "case", p, nil
}

func (d caseData) has(marks []node.MarkView) bool {
	return slices.ContainsFunc(marks, func(m node.MarkView) bool { return m.Party == d.Self })
}

// Mine are the claims that concern this side and that it has not answered.
func (d caseData) Mine() int {
	n := 0
	for _, o := range d.OpenReplies {
		if o.Party == d.Self {
			n++
		}
	}
	return n
}

// OfClass are the claims of one class: the classes are never mixed.
func (d caseData) OfClass(class string) []node.ClaimView {
	var out []node.ClaimView
	for _, c := range d.Claims {
		if c.Class == class {
			out = append(out, c)
		}
	}
	return out
}

// OwnEvents are the events that this side told and has not taken back.
func (d caseData) OwnEvents() []node.LineView {
	var out []node.LineView
	for _, l := range d.Line {
		if l.Of == "event" && l.Party == d.Self && !l.Withdrawn {
			out = append(out, l)
		}
	}
	return out
}

// Refused are the entries that changed nothing.
func (d caseData) Refused() []node.SaidView {
	var out []node.SaidView
	for _, s := range d.Said {
		if s.Refused != "" {
			out = append(out, s)
		}
	}
	return out
}

func (h *handler) moveCase(r *http.Request, in node.CaseMoveRequest) (outcome, error) {
	w, err := h.node.MoveCase(r.Context(), in)
	return said(w, err, in.DryRun, "/case", in.Unit, in.ID)
}

// caseFormData is the form of a new case.
type caseFormData struct {
	acting
	Scope accord.Scope // of the unit's accord
}

func (h *handler) caseForm(r *http.Request) (string, *page, error) {
	a, err := h.acting(r, r.FormValue("unit"))
	if err != nil {
		return "", nil, err
	}
	d := caseFormData{acting: a}
	if a.Unit != nil {
		terms, _ := h.terms(r, a.Unit.Unit)
		d.Scope = terms.Scope
	}
	return "caseform", &page{Key: "ui.new-case", Here: "records", Data: d}, nil
}

func (h *handler) openCase(r *http.Request, in node.CaseOpenRequest) (outcome, error) {
	w, err := h.node.OpenCase(r.Context(), in)
	return said(w, err, in.DryRun, "/case", in.Unit, w.FirstRef())
}

// tieData is the form that ties something to a case.
type tieData struct {
	Unit, Target, Object string
	Cases                []node.CaseView // that are open
}

func (h *handler) tieForm(r *http.Request) (string, *page, error) {
	d := tieData{Unit: r.FormValue("unit"), Target: r.FormValue("target"), Object: r.FormValue("object")}
	list, err := h.node.Cases(r.Context(), node.JointListRequest{Unit: d.Unit})
	if err != nil {
		return "", nil, err
	}
	for _, c := range list.Cases {
		if c.State == "open" {
			d.Cases = append(d.Cases, c)
		}
	}
	return "casetie", &page{Key: "ui.tie", Here: "records", Data: d}, nil
}
