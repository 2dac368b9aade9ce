package web

import (
	"net/http"
	"net/url"
	"slices"

	"entente/internal/accord"
	"entente/internal/node"
)

func (h *handler) requestRoutes() []route {
	return []route{
		look("GET /requests", h.requests),
		{pattern: "POST /requests/saved", scope: node.ScopeRead, show: h.requests, act: posted(h.saveFilter)},
		look("GET /request", h.request),
		{pattern: "POST /request/move", scope: node.ScopeRequest, show: h.request, act: posted(h.moveRequest)},
		look("GET /request/new", h.requestForm),
		{pattern: "POST /request/new", scope: node.ScopeRequest, show: h.requestForm, act: posted(h.newRequest)},
		{pattern: "POST /request/drop", scope: node.ScopeRequest, show: h.requestForm, act: posted(h.dropDraft)},
	}
}

// requestData is one request with what may be said next.
type requestData struct {
	*node.RequestView
	Exhibits []node.ExhibitView
	Second   bool            // the accord wants two persons for evidence
	Calls    []node.CallView // about it, that are not over
	Forms    []moveForm      // the moves of this side
	Aside    []moveForm      // those that carry the request no further
}

// moveForm is the form of one move: the fields that it takes, and no others.
type moveForm struct {
	Move     string
	Text     string               // "", optional or required
	Codes    []accord.RefusalCode // of the accord, to choose from
	Code     bool                 // a code of one's own
	MayCode  bool                 // a code of one's own, if need be
	Until    bool                 // a date that it needs
	MayUntil bool                 // a date, if need be
	Agencies []accord.Agency      // to one of which it goes
	Objects  bool
	Scores   []string
	Texts    []spokenText // one of which it translates
	typed    url.Values
}

// spokenText is a text of the request that can be translated.
type spokenText struct {
	Ref, Move, Party string
	First            bool // the request itself: it has a title too
}

// Typed is what was typed into a field of this very form, when it comes again.
func (f moveForm) Typed(name string) string { return f.typed.Get(name) }

// Again tells whether this form comes again.
func (f moveForm) Again() bool { return f.typed != nil }

// TypedObjects are the objects that were named, and places for some more.
func (f moveForm) TypedObjects() []string {
	return append(f.typed["objects"], "", "")[:min(len(f.typed["objects"])+2, 20)]
}

func (h *handler) request(r *http.Request) (string, *page, error) {
	q, err := h.node.Request(r.Context(), node.RequestShowRequest{Unit: r.FormValue("unit"), ID: r.FormValue("id")})
	if err != nil {
		return "", nil, err
	}
	x, err := h.node.Exhibits(r.Context(), node.ExhibitListRequest{Unit: q.Unit, About: q.ID})
	if err != nil {
		return "", nil, err
	}
	calls, err := h.node.Calls(r.Context(), node.HotlineListRequest{Unit: q.Unit})
	if err != nil {
		return "", nil, err
	}
	d := requestData{RequestView: q, Exhibits: x.Exhibits}
	d.Calls = slices.DeleteFunc(calls.Calls, func(c node.CallView) bool { return c.Request != q.ID })
	terms, own := h.terms(r, q.Unit)
	d.Second = len(terms.TwoPerson("exhibit.add")) > 0
	for _, move := range q.Next {
		f := formOf(move, q, terms, own)
		if r.PostForm.Get("move") == move {
			f.typed = r.PostForm
		}
		if move == "translate" || move == "dispute" || move == "withdraw" {
			d.Aside = append(d.Aside, f)
		} else {
			d.Forms = append(d.Forms, f)
		}
	}
	p := &page{Title: q.Title, Here: "requests", Data: d}
	if q.Title == "" {
		p.Key = "ui.no-title"
	}
	return "request", p, nil
}

// terms are the accord in force in a unit and this party in it; both empty where there is none that this version reads.
func (h *handler) terms(r *http.Request, unit string) (*accord.Document, accord.Party) {
	a, err := h.node.ShowAccord(r.Context(), node.AccordShowRequest{Unit: unit})
	if err != nil || !a.InForce {
		return new(accord.Document), accord.Party{}
	}
	doc := h.accords.read(a)
	here, err := h.node.Here(r.Context())
	if err != nil {
		return doc, accord.Party{}
	}
	for _, p := range doc.Signatories {
		if p.Party == here.Party {
			return doc, p
		}
	}
	return doc, accord.Party{}
}

// formOf is the form of a move under an accord.
func formOf(move string, q *node.RequestView, terms *accord.Document, own accord.Party) moveForm {
	f := moveForm{Move: move, Text: "optional"}
	switch move {
	case "needs-info", "info", "conditions", "progress", "dispute":
		f.Text = "required"
	case "transfer":
		f.Text, f.Agencies = "", own.Agencies
	case "refuse", "postpone":
		f.Codes, f.Code, f.Until = terms.Refusals, len(terms.Refusals) == 0, move == "postpone"
	case "at-risk":
		f.Code = true
	case "hold":
		f.Until = true
	case "renew":
		f.MayUntil = true
	case "partial", "answer":
		f.Objects = true
	case "assess":
		f.Scores = node.RequestScores()
	case "translate":
		f.Text, f.Texts = "required", spokenTexts(q)
	}
	if move == "dispute" || move == "withdraw" {
		f.MayCode = true
	}
	return f
}

func spokenTexts(q *node.RequestView) []spokenText {
	out := []spokenText{{Ref: q.ID, Move: "send", Party: q.From, First: true}}
	for _, m := range q.Moves {
		if m.Text != "" && m.Refused == "" && m.Ref != q.ID {
			out = append(out, spokenText{Ref: m.Ref, Move: m.Move, Party: m.Party})
		}
	}
	return out
}

// moveRequest makes a move, or tells what it would do.
func (h *handler) moveRequest(r *http.Request, in node.RequestMoveRequest) (outcome, error) {
	w, err := h.node.MoveRequest(r.Context(), in)
	if err != nil || in.DryRun {
		return outcome{shown: w}, err
	}
	return outcome{to: "/request" + string(query("unit", in.Unit, "id", in.ID)), done: "done.moved"}, nil
}
