package web

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"entente/internal/node"
)

// intelSource is what the pages about intelligence are about.
type intelSource interface {
	Search(context.Context, node.SearchRequest) (*node.SearchResponse, error)
	Around(context.Context, node.AroundRequest) (*node.AroundResponse, error)
	Intake(context.Context, node.IntakeRequest) (*node.IntakeResponse, error)
	DecideIntake(context.Context, node.IntakeDecideRequest) (*node.IntakeDecideResponse, error)
	Import(context.Context, node.ImportRequest, io.Reader, func(node.Progress)) (*node.ImportResponse, error)
	Share(context.Context, node.ShareRequest, func(node.Progress)) (*node.ShareResponse, error)
}

func (h *handler) intelRoutes() []route {
	return []route{
		look("GET /intelligence", h.intelligence),
		look("GET /object", h.object),
		look("GET /graph", h.graph),
		look("GET /intake", h.intake),
		{pattern: "POST /intake/decide", scope: node.ScopeIntel, show: h.intake, act: posted(h.decide)},
		{pattern: "GET /import", scope: node.ScopeIntel, show: h.importForm},
		{pattern: "POST /import", scope: node.ScopeIntel, show: h.importForm, act: uploaded(h.importFile), upload: true},
		{pattern: "GET /share", scope: node.ScopeIntel, show: h.shareForm},
		{pattern: "POST /share", scope: node.ScopeIntel, show: h.shareForm, act: posted(h.share)},
	}
}

type searchData struct {
	In    node.SearchRequest
	Found *node.SearchResponse // nil where what was asked cannot be
	After string               // as typed
	Wrong bool                 // After is no date
}

func (h *handler) intelligence(r *http.Request) (string, *page, error) {
	d := searchData{In: node.SearchRequest{Value: r.FormValue("value"), Text: r.FormValue("text"), Type: r.FormValue("type"), TLP: r.FormValue("tlp"), Source: r.FormValue("source"), Next: r.FormValue("next"), Limit: 25}, After: r.FormValue("after")}
	if d.In.Value != "" {
		d.In.Above, d.In.Below = r.FormValue("above") != "", r.FormValue("below") != ""
	}
	if d.After != "" {
		t, err := startOf(d.After, 0, h.zoneOf(r, grantOf(r)))
		if err != nil {
			d.Wrong, d.After = true, ""
		}
		d.In.After = t
	}
	if !d.Wrong {
		found, err := h.node.Search(r.Context(), d.In)
		if err != nil {
			return "", nil, err
		}
		d.Found = found
	}
	return "intelligence", &page{Key: "ui.intelligence", Here: "intelligence", Data: d}, nil
}

// maxVersions bounds what is shown of one id.
const maxVersions = 100

func (h *handler) object(r *http.Request) (string, *page, error) {
	found, err := h.known(r.Context(), r.FormValue("id"))
	if err != nil {
		return "", nil, err
	}
	title := objectName(found[0].Object)
	if title == "" {
		title = found[0].ID
	}
	return "object", &page{Title: title, Here: "intelligence", Data: found}, nil
}

// known are the versions of an object that are here, at least one.
func (h *handler) known(ctx context.Context, id string) ([]node.FoundObject, error) {
	found, err := h.node.Search(ctx, node.SearchRequest{ID: id, Limit: maxVersions, Held: true})
	if err != nil {
		return nil, err
	}
	if id == "" || len(found.Objects) == 0 {
		return nil, &node.Error{Code: node.CodeNotFound, Status: http.StatusNotFound, What: "Nothing is known under this id.", Next: "Search for a value on the page Intelligence."}
	}
	return found.Objects, nil
}

type intakeData struct {
	*node.IntakeResponse
	State string
}

func (h *handler) intake(r *http.Request) (string, *page, error) {
	in := node.IntakeRequest{State: r.FormValue("state"), Ref: r.URL.Query().Get("ref"), Next: r.FormValue("next"), Limit: 50}
	list, err := h.node.Intake(r.Context(), in)
	if err != nil {
		return "", nil, err
	}
	return "intake", &page{Key: "ui.intake", Here: "intake", Data: intakeData{list, in.State}}, nil
}

// decide accepts or rejects what was ticked.
func (h *handler) decide(r *http.Request, in node.IntakeDecideRequest) (outcome, error) {
	if _, err := h.node.DecideIntake(r.Context(), in); err != nil {
		return outcome{}, err
	}
	if in.Accept {
		return outcome{to: "/intake", done: "done.accepted"}, nil
	}
	return outcome{to: "/intake", done: "done.rejected"}, nil
}

func (h *handler) importForm(*http.Request) (string, *page, error) {
	return "import", &page{Key: "ui.import", Here: "intelligence"}, nil
}

// importFile takes a file in, or says what would come in. Either way the page tells what it was seen to be.
func (h *handler) importFile(r *http.Request, in node.ImportRequest, name string, file io.Reader) (outcome, error) {
	if in.Name == "" {
		in.Name = name
	}
	report, err := h.node.Import(r.Context(), in, file, nil)
	if err != nil {
		return outcome{}, err
	}
	return outcome{shown: report}, nil
}

// shareData is what is to be shared: what the criteria fit, or single objects, which are shown field by field.
type shareData struct {
	In      node.ShareRequest
	Units   []node.UnitBrief
	Objects []leaving
	More    int // objects that are named and not shown
}

// leaving is one object field by field, as it would leave.
type leaving struct {
	node.FoundObject
	Fields []field
}

type field struct{ Name, Value string }

// maxLeaving bounds the objects that are shown field by field.
const maxLeaving = 20

func (h *handler) shareForm(r *http.Request) (string, *page, error) {
	var d shareData
	if err := r.ParseForm(); err != nil {
		return "", nil, badForm(err)
	}
	form := maps.Clone(r.Form)
	delete(form, "lang") // of the address, and not of the form
	delete(form, "done")
	if err := fill(&d.In, form, claimField); err != nil {
		return "", nil, err
	}
	status, err := h.node.Overview(r.Context())
	if err != nil {
		return "", nil, err
	}
	d.Units = slices.DeleteFunc(status.Units, func(u node.UnitBrief) bool { return u.Accord == "" || u.State == "withdrawn" })
	for i, id := range d.In.IDs {
		if i == maxLeaving {
			d.More = len(d.In.IDs) - i
			break
		}
		found, err := h.known(r.Context(), id)
		if err != nil {
			return "", nil, err
		}
		newest := slices.MaxFunc(found, func(a, b node.FoundObject) int { return a.Added.Compare(b.Added) })
		d.Objects = append(d.Objects, leaving{newest, fieldsOf(newest.Object)})
	}
	return "share", &page{Key: "ui.share", Here: "intelligence", Data: d}, nil
}

// share shares, or says what would leave and what the gate says.
func (h *handler) share(r *http.Request, in node.ShareRequest) (outcome, error) {
	res, err := h.node.Share(r.Context(), in, nil)
	if err != nil || in.DryRun || res.Stopped > 0 {
		return outcome{shown: res}, err
	}
	return outcome{to: "/intelligence", done: "done.shared"}, nil
}

// fieldsOf are the members of an object in their order.
func fieldsOf(object json.RawMessage) []field {
	var out []field
	d := json.NewDecoder(strings.NewReader(string(object)))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return []field{{"", string(object)}}
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			break
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			break
		}
		key, _ := name.(string)
		text := string(value)
		var s string
		if json.Unmarshal(value, &s) == nil {
			text = s
		}
		out = append(out, field{key, text})
	}
	return out
}
