package web

import (
	"context"
	"net/http"
	"slices"

	"entente/internal/accord"
	"entente/internal/node"
)

// hotlineSource is what the pages about calls, drills and contacts are about.
type hotlineSource interface {
	Calls(context.Context, node.HotlineListRequest) (*node.HotlineListResponse, error)
	Ringing(context.Context) ([]node.CallView, error)
	ShowCall(context.Context, node.HotlineShowRequest) (*node.CallView, error)
	Call(context.Context, node.HotlineCallRequest) (*node.WriteResponse, error)
	MoveCall(context.Context, node.HotlineMoveRequest) (*node.WriteResponse, error)
	CallHistory(context.Context, node.HotlineHistoryRequest) (*node.HotlineHistoryResponse, error)
	AnnounceDrill(context.Context, node.HotlineAnnounceRequest) (*node.WriteResponse, error)
	Contacts(context.Context, node.ContactListRequest) (*node.ContactListResponse, error)
	ConfirmContact(context.Context, node.ContactConfirmRequest) (*node.WriteResponse, error)
	PingContact(context.Context, node.ContactPingRequest) (*node.WriteResponse, error)
	AnswerPing(context.Context, node.ContactAnswerRequest) (*node.WriteResponse, error)
}

func (h *handler) hotlineRoutes() []route {
	mayCall := func(pattern string, show gather, act act) route {
		return route{pattern: pattern, scope: node.ScopeRequest, show: show, act: act}
	}
	return []route{
		look("GET /hotline", h.hotline),
		look("GET /call", h.call),
		mayCall("POST /call/move", h.call, posted(h.moveCall)),
		mayCall("GET /call/new", h.callForm, nil),
		mayCall("POST /call/new", h.callForm, posted(h.newCall)),
		look("GET /drills", h.drills),
		mayCall("POST /drills/announce", h.drills, posted(h.announceDrill)),
		look("GET /contacts", h.contacts),
		mayCall("POST /contacts/confirm", h.contacts, posted(h.confirmContact)),
		mayCall("POST /contacts/ping", h.contacts, posted(h.pingContact)),
		mayCall("POST /contacts/answer", h.drills, posted(h.answerPing)),
		{pattern: "POST /contacts/replace", scope: node.ScopeUnit, show: h.contacts, act: posted(h.replaceContact)},
	}
}

// unitChoice is a page of one unit, and which units there are that have an accord.
type unitChoice struct {
	Units []node.UnitBrief
	Unit  *node.UnitBrief // nil: there is none
}

// Others are the members beside this one.
func (c unitChoice) Others() []node.MemberBrief {
	if c.Unit == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(c.Unit.Members), func(m node.MemberBrief) bool { return m.Self })
}

// chosenUnit is the unit that the address names, or else the first in which an accord is in force.
func (h *handler) chosenUnit(r *http.Request) (unitChoice, error) {
	var c unitChoice
	status, err := h.node.Overview(r.Context())
	if err != nil {
		return c, err
	}
	for _, u := range status.Units {
		if u.Accord != "" && u.State != "withdrawn" {
			c.Units = append(c.Units, u)
		}
	}
	wanted := r.FormValue("unit")
	for i, u := range c.Units {
		if wanted == "" || u.Unit == wanted || u.Name == wanted {
			c.Unit = &c.Units[i]
			return c, nil
		}
	}
	if wanted != "" {
		return c, &node.Error{Code: node.CodeNotFound, Status: http.StatusNotFound, What: "No accord is in force in this unit.", Next: "Look at the unit's page: it says how far the accord is."}
	}
	return c, nil
}

// hotlineData is the list of calls, and apart from them what is tried.
type hotlineData struct {
	*node.HotlineListResponse
	All bool
}

// Tried tells whether there is anything in the list of drills.
func (d hotlineData) Tried() bool {
	return slices.ContainsFunc(d.Drills, func(v node.DrillView) bool {
		return len(v.Calls)+len(v.Pings)+len(v.Announced) > 0 || v.Overdue
	})
}

func (h *handler) hotline(r *http.Request) (string, *page, error) {
	d := hotlineData{All: r.FormValue("state") == "all"}
	in := node.HotlineListRequest{Unit: r.FormValue("unit")}
	if d.All {
		in.State = "all"
	}
	var err error
	if d.HotlineListResponse, err = h.node.Calls(r.Context(), in); err != nil {
		return "", nil, err
	}
	return "hotline", &page{Key: "ui.hotline", Here: "hotline", Data: d}, nil
}

// callData is one call with what may be said next.
type callData struct {
	*node.CallView
}

// May tells whether this side may make a move.
func (d callData) May(move string) bool { return slices.Contains(d.Next, move) }

// Rung is the step of the ladder that comes next; nil at its top.
func (d callData) Rung() *node.RungView {
	for i := range d.Ladder {
		if d.Ladder[i].Step == d.Step+1 {
			return &d.Ladder[i]
		}
	}
	return nil
}

func (h *handler) call(r *http.Request) (string, *page, error) {
	c, err := h.node.ShowCall(r.Context(), node.HotlineShowRequest{Unit: r.FormValue("unit"), ID: r.FormValue("id")})
	if err != nil {
		return "", nil, err
	}
	p := &page{Title: c.Subject, Here: "hotline", Data: callData{c}}
	if c.Subject == "" {
		p.Key = "ui.call"
	}
	return "call", p, nil
}

func toCall(unit, id string) string { return "/call" + string(query("unit", unit, "id", id)) }

func (h *handler) moveCall(r *http.Request, in node.HotlineMoveRequest) (outcome, error) {
	w, err := h.node.MoveCall(r.Context(), in)
	if err != nil || in.DryRun {
		return outcome{shown: w}, err
	}
	done := map[string]string{"acknowledge": "done.call-taken", "escalate": "done.call-climbed", "close": "done.call-ended"}[in.Move]
	return outcome{to: toCall(in.Unit, in.ID), done: done}, nil
}

// callFormData is the form of a call: what the accord of the unit has for it.
type callFormData struct {
	unitChoice
	Drill     bool
	Terms     *accord.Document
	Contacts  []node.ContactView      // that can be called
	Request   *node.RequestView       // that it is about
	Follows   *node.CallView          // that it follows
	Announced []node.AnnouncementView // own, whose time it is
	Languages []string
}

func (h *handler) callForm(r *http.Request) (string, *page, error) {
	var d callFormData
	var err error
	if d.unitChoice, err = h.chosenUnit(r); err != nil {
		return "", nil, err
	}
	key := "ui.new-call"
	if d.Drill = r.FormValue("drill") == "true"; d.Drill {
		key = "ui.new-drill"
	}
	if d.Unit != nil {
		if err := h.callTerms(r, &d); err != nil {
			return "", nil, err
		}
	}
	return "callform", &page{Key: key, Here: "hotline", Data: d}, nil
}

func (h *handler) callTerms(r *http.Request, d *callFormData) error {
	unit := d.Unit.Unit
	d.Terms, _ = h.terms(r, unit)
	d.Languages = slices.Clone(d.Terms.Hotline.Languages)
	list, err := h.node.Contacts(r.Context(), node.ContactListRequest{Unit: unit})
	if err != nil {
		return err
	}
	d.Contacts = list.Contacts
	for _, c := range list.Contacts {
		d.Languages = append(d.Languages, c.Languages...)
	}
	slices.Sort(d.Languages)
	d.Languages = slices.Compact(d.Languages)
	if id := r.FormValue("request"); id != "" && !d.Drill {
		if d.Request, err = h.node.Request(r.Context(), node.RequestShowRequest{Unit: unit, ID: id}); err != nil {
			return err
		}
	}
	if id := r.FormValue("follows"); id != "" {
		if d.Follows, err = h.node.ShowCall(r.Context(), node.HotlineShowRequest{Unit: unit, ID: id}); err != nil {
			return err
		}
	}
	if d.Drill {
		d.Announced, err = h.announcedNow(r, unit)
	}
	return err
}

// announcedNow are the own announcements whose time it is.
func (h *handler) announcedNow(r *http.Request, unit string) ([]node.AnnouncementView, error) {
	here, err := h.node.Here(r.Context())
	if err != nil {
		return nil, err
	}
	list, err := h.node.Calls(r.Context(), node.HotlineListRequest{Unit: unit, State: "all"})
	if err != nil {
		return nil, err
	}
	var out []node.AnnouncementView
	for _, v := range list.Drills {
		for _, a := range v.Announced {
			if now := h.Clock(); a.From == here.Name && !now.Before(a.Begins) && now.Before(a.Ends) {
				out = append(out, a)
			}
		}
	}
	return out, nil
}

// newCall rings, or tells what would leave.
func (h *handler) newCall(r *http.Request, in node.HotlineCallRequest) (outcome, error) {
	w, err := h.node.Call(r.Context(), in)
	if err != nil || in.DryRun {
		return outcome{shown: w}, err
	}
	return outcome{to: toCall(w.Unit, w.Refs[0]), done: "done.calling"}, nil
}

// ringing are the calls that every page shows, as far as the node can tell.
func (h *handler) ringing(r *http.Request) []node.CallView {
	calls, err := h.node.Ringing(r.Context())
	if err != nil {
		h.Log.Error("what rings cannot be read", "error", err)
	}
	return calls
}

// Live is how many calls ring that are no drills.
func (p *page) Live() int {
	return len(p.Ringing) - len(slices.DeleteFunc(slices.Clone(p.Ringing), func(c node.CallView) bool { return !c.Drill }))
}
