package web

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"

	"entente/internal/node"
)

// unitSource is what the pages about units and their accords are about.
type unitSource interface {
	ShowUnit(context.Context, node.UnitShowRequest) (*node.UnitShowResponse, error)
	FoundUnit(context.Context, node.UnitFoundRequest) (*node.UnitRef, error)
	Invite(context.Context, node.UnitInviteRequest) (*node.UnitInviteResponse, error)
	Join(context.Context, node.UnitJoinRequest) (*node.Pairing, error)
	Confirm(context.Context, node.UnitConfirmRequest) (*node.Pairing, error)
	Suspend(context.Context, node.UnitSuspendRequest) (*node.WriteResponse, error)
	Resume(context.Context, node.UnitResumeRequest) (*node.WriteResponse, error)
	Withdraw(context.Context, node.UnitWithdrawRequest) (*node.WriteResponse, error)
	ShowAccord(context.Context, node.AccordShowRequest) (*node.AccordShowResponse, error)
	DiffAccords(context.Context, node.AccordDiffRequest) (*node.AccordDiffResponse, error)
	AskAccord(context.Context, node.AccordAskRequest) (*node.AccordAskResponse, error)
	ActOnAccord(context.Context, node.AccordActRequest) (*node.WriteResponse, error)
	ProposeAccord(context.Context, node.AccordProposeRequest) (*node.AccordProposeResponse, error)
}

func (h *handler) unitRoutes() []route {
	mayUnit := func(pattern string, show gather, act act) route {
		return route{pattern: pattern, scope: node.ScopeUnit, show: show, act: act}
	}
	return []route{
		look("GET /unit", h.unit),
		{pattern: "GET /unit/file", scope: node.ScopeRead, raw: h.unitFile},
		mayUnit("POST /unit/suspend", h.unit, posted(h.suspend)),
		mayUnit("POST /unit/resume", h.unit, posted(h.resume)),
		mayUnit("POST /unit/withdraw", h.unit, posted(h.withdraw)),
		mayUnit("GET /pair", h.pair, nil),
		mayUnit("POST /pair/found", h.pair, posted(h.found)),
		mayUnit("POST /pair/invite", h.pair, posted(h.invite)),
		mayUnit("POST /pair/join", h.pair, posted(h.join)),
		mayUnit("POST /pair/confirm", h.pair, posted(h.confirm)),
		look("GET /accord", h.accord),
		look("GET /ask", h.ask),
		mayUnit("POST /accord/act", h.accord, posted(h.actOnAccord)),
		{pattern: "POST /accord/propose", scope: node.ScopeUnit, show: h.unit, act: uploaded(h.propose), upload: true},
	}
}

func toUnit(unit string) string { return "/unit" + string(query("unit", unit)) }

func (h *handler) suspend(r *http.Request, in node.UnitSuspendRequest) (outcome, error) {
	_, err := h.node.Suspend(r.Context(), in)
	return outcome{to: toUnit(in.Unit), done: "done.suspended"}, err
}

func (h *handler) resume(r *http.Request, in node.UnitResumeRequest) (outcome, error) {
	_, err := h.node.Resume(r.Context(), in)
	return outcome{to: toUnit(in.Unit), done: "done.resumed"}, err
}

// withdraw says what it would do until the unit's name is typed in.
func (h *handler) withdraw(r *http.Request, in node.UnitWithdrawRequest) (outcome, error) {
	w, err := h.node.Withdraw(r.Context(), in)
	if err != nil || w.DryRun {
		return outcome{shown: w}, err
	}
	return outcome{to: toUnit(in.Unit), done: "done.withdrawn"}, nil
}

// pairData is how two parties come to know each other.
type pairData struct {
	Pairings []node.Pairing
	Units    []node.UnitBrief
}

func (h *handler) pair(r *http.Request) (string, *page, error) {
	status, err := h.node.Overview(r.Context())
	if err != nil {
		return "", nil, err
	}
	return "pair", &page{Key: "ui.pair", Here: "home", Found: "/pair", Data: pairData{status.Pairings, status.Units}}, nil
}

func (h *handler) found(r *http.Request, in node.UnitFoundRequest) (outcome, error) {
	_, err := h.node.FoundUnit(r.Context(), in)
	return outcome{to: "/pair", done: "done.founded"}, err
}

// invite makes an invitation, which is shown this once.
func (h *handler) invite(r *http.Request, in node.UnitInviteRequest) (outcome, error) {
	res, err := h.node.Invite(r.Context(), in)
	return outcome{shown: res}, err
}

func (h *handler) join(r *http.Request, in node.UnitJoinRequest) (outcome, error) {
	_, err := h.node.Join(r.Context(), in)
	return outcome{to: "/pair", done: "done.joined"}, err
}

func (h *handler) confirm(r *http.Request, in node.UnitConfirmRequest) (outcome, error) {
	_, err := h.node.Confirm(r.Context(), in)
	return outcome{to: "/pair", done: "done.confirmed"}, err
}

// askData is a question to the accord and its answer.
type askData struct {
	In     node.AccordAskRequest
	Object string // the one STIX type that the form asks about
	Units  []node.UnitBrief
	Answer *node.AccordAskResponse // nil before anything was asked
}

func (h *handler) ask(r *http.Request) (string, *page, error) {
	if err := r.ParseForm(); err != nil {
		return "", nil, badForm(err)
	}
	form := url.Values(maps.Clone(r.Form))
	d := askData{Object: form.Get("object")}
	for _, name := range []string{"object", "asked", "lang"} { // of the page, and not of the question
		form.Del(name)
	}
	if err := fill(&d.In, form, claimField); err != nil {
		return "", nil, err
	}
	if d.Object != "" {
		d.In.Types = map[string]int64{d.Object: 1}
	}
	status, err := h.node.Overview(r.Context())
	if err != nil {
		return "", nil, err
	}
	d.Units = status.Units
	if r.Form.Has("asked") {
		if d.Answer, err = h.node.AskAccord(r.Context(), d.In); err != nil {
			return "", nil, err
		}
	}
	return "ask", &page{Key: "ui.ask-accord", Here: "home", Data: d}, nil
}

func (h *handler) actOnAccord(r *http.Request, in node.AccordActRequest) (outcome, error) {
	_, err := h.node.ActOnAccord(r.Context(), in)
	return outcome{to: "/accord" + string(query("unit", in.Unit, "hash", in.Hash)), done: "done.accord-" + in.Move}, err
}

// maxAccordFile bounds the text of an accord, as the protocol does.
const maxAccordFile = 16 << 20

// propose reads an accord's text from a file, and says how it differs before it is proposed.
func (h *handler) propose(r *http.Request, in node.AccordProposeRequest, _ string, file io.Reader) (outcome, error) {
	text, err := io.ReadAll(io.LimitReader(file, maxAccordFile+1))
	if err != nil {
		return outcome{}, badForm(err)
	}
	if len(text) > maxAccordFile {
		return outcome{}, badForm(fmt.Errorf("an accord's text has at most %d bytes", maxAccordFile))
	}
	in.Text = string(text)
	res, err := h.node.ProposeAccord(r.Context(), in)
	if err != nil || in.DryRun {
		return outcome{shown: res}, err
	}
	return outcome{to: "/accord" + string(query("unit", in.Unit, "hash", res.Hash)), done: "done.proposed"}, nil
}
