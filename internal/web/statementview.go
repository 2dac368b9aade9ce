package web

import (
	"context"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"entente/internal/node"
)

// statementSource is what the pages about statements are about.
type statementSource interface {
	Statements(context.Context, node.JointListRequest) (*node.StatementListResponse, error)
	Statement(context.Context, node.JointShowRequest) (*node.StatementView, error)
	ProposeStatement(context.Context, node.StatementProposeRequest) (*node.WriteResponse, error)
	MoveStatement(context.Context, node.StatementMoveRequest) (*node.WriteResponse, error)
	CompareStatement(context.Context, node.StatementCompareRequest) (*node.StatementCompareResponse, error)
	ExportStatement(context.Context, node.StatementExportRequest, io.Writer) error
}

func (h *handler) statementRoutes() []route {
	return []route{
		look("GET /statements", h.statements),
		look("GET /statement", h.statement),
		{pattern: "GET /statement/file", scope: node.ScopeUnit, raw: h.statementFile},
		{pattern: "POST /statement/compare", scope: node.ScopeRead, show: h.statement, act: posted(h.compareStatement)},
		{pattern: "POST /statement/move", scope: node.ScopeRequest, show: h.statement, act: posted(h.moveStatement)},
		{pattern: "GET /statement/new", scope: node.ScopeRequest, show: h.statementForm},
		{pattern: "POST /statement/new", scope: node.ScopeRequest, show: h.statementForm, act: posted(h.proposeStatement)},
	}
}

func (h *handler) statements(r *http.Request) (string, *page, error) {
	in := listed(r)
	list, err := h.node.Statements(r.Context(), in)
	if err != nil {
		return "", nil, err
	}
	return "statements", &page{Key: "ui.statements", Here: "records", Data: jointList{list.Statements, in.All}}, nil
}

// statementData is one statement with what this side may do.
type statementData struct {
	*node.StatementView
	talk
	Moves []saying
}

func (h *handler) statement(r *http.Request) (string, *page, error) {
	s, err := h.node.Statement(r.Context(), node.JointShowRequest{Unit: r.FormValue("unit"), ID: r.FormValue("id")})
	if err != nil {
		return "", nil, err
	}
	here, err := h.node.Here(r.Context())
	if err != nil {
		return "", nil, err
	}
	d := statementData{StatementView: s, talk: talk{"/statement/move", "statement-move", s.Unit, s.ID, r.PostForm}}
	by := func(m node.MarkView) bool { return m.Party == here.Name }
	signed, missing := slices.ContainsFunc(s.Signed, by), slices.Contains(s.Missing, here.Name)
	if s.State != "retracted" && (signed || missing) {
		if !s.Counts && missing && s.Problem == "" {
			d.Moves = append(d.Moves, d.SayOn("sign", "sha256", s.SHA256, "optional"))
		}
		if !s.Counts {
			d.Moves = append(d.Moves, d.Say("decline", "optional"))
		}
		if s.Counts && !slices.ContainsFunc(s.Retracted, by) || !s.Counts && s.Proposer == here.Name {
			d.Moves = append(d.Moves, d.Say("retract", "optional"))
		}
	}
	return "statement", &page{Key: "ui.statement", Here: "records", Data: d}, nil
}

func (h *handler) moveStatement(r *http.Request, in node.StatementMoveRequest) (outcome, error) {
	w, err := h.node.MoveStatement(r.Context(), in)
	return said(w, err, in.DryRun, "/statement", in.Unit, in.ID)
}

func (h *handler) compareStatement(r *http.Request, in node.StatementCompareRequest) (outcome, error) {
	res, err := h.node.CompareStatement(r.Context(), in)
	return outcome{shown: res}, err
}

// statementFile sends a statement that counts, as a file to take along.
func (h *handler) statementFile(w http.ResponseWriter, r *http.Request) error {
	var in node.StatementExportRequest
	if err := fill(&in, r.URL.Query()); err != nil {
		return err
	}
	return h.send(w, r, "application/octet-stream", "statement.entente", func(out io.Writer) error { return h.node.ExportStatement(r.Context(), in, out) })
}

// statementPlace is a place for one text in the form.
type statementPlace struct {
	Key, Lang, Text string
	Authentic       bool // what is ticked at first
}

type statementFormData struct {
	acting
	Places   []statementPlace
	Replaces *node.StatementView // nil: it is a first version
}

// morePlaces are those for languages beside the ones of the accord.
const morePlaces = 2

func (h *handler) statementForm(r *http.Request) (string, *page, error) {
	a, err := h.acting(r, r.FormValue("unit"))
	if err != nil {
		return "", nil, err
	}
	d := statementFormData{acting: a}
	if a.Unit == nil {
		return "statementform", &page{Key: "ui.new-statement", Here: "records", Data: d}, nil
	}
	old := map[string]node.StatementTextView{}
	var langs []string
	if id := r.FormValue("replaces"); id != "" {
		if d.Replaces, err = h.node.Statement(r.Context(), node.JointShowRequest{Unit: a.Unit.Unit, ID: id}); err != nil {
			return "", nil, err
		}
		for _, t := range d.Replaces.Texts {
			old[t.Lang] = t
			langs = append(langs, t.Lang)
		}
	}
	terms, _ := h.terms(r, a.Unit.Unit)
	for _, l := range terms.Languages {
		if !slices.Contains(langs, l) {
			langs = append(langs, l)
		}
	}
	for range morePlaces {
		langs = append(langs, "")
	}
	for i, l := range langs {
		text, again := old[l]
		d.Places = append(d.Places, statementPlace{strconv.Itoa(i), l, text.Text, text.Authentic || !again && l != ""})
	}
	return "statementform", &page{Key: "ui.new-statement", Here: "records", Data: d}, nil
}

// statementTexts is what the form of a statement sends: texts by the number of their place.
type statementTexts struct {
	node.Acting
	Unit      string            `json:"unit"`
	Form      string            `json:"form"`
	TLP       string            `json:"tlp"`
	Replaces  string            `json:"replaces"`
	Embargo   time.Time         `json:"embargo"`
	Lang      map[string]string `json:"lang"`
	Text      map[string]string `json:"text"`
	Authentic map[string]bool   `json:"authentic"`
	DryRun    bool              `json:"dry_run"`
}

func (h *handler) proposeStatement(r *http.Request, in statementTexts) (outcome, error) {
	out := node.StatementProposeRequest{Acting: in.Acting, Unit: in.Unit, Form: in.Form, TLP: in.TLP, Replaces: in.Replaces, Embargo: in.Embargo, DryRun: in.DryRun}
	for _, key := range slices.Sorted(maps.Keys(in.Text)) {
		out.Texts = append(out.Texts, node.StatementTextRequest{Lang: in.Lang[key], Text: in.Text[key], Authentic: in.Authentic[key]})
	}
	w, err := h.node.ProposeStatement(r.Context(), out)
	return said(w, err, in.DryRun, "/statement", in.Unit, w.FirstRef())
}
