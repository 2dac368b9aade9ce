package web

import (
	"net/http"
	"slices"
	"strings"

	"entente/internal/accord"
	"entente/internal/node"
)

// requestFormData is the form of a new request: first of which unit and kind it is, and then what the accord demands.
type requestFormData struct {
	acting
	Type   string
	Kinds  []accord.RequestType
	Form   *node.RequestFormResponse // nil until a kind was chosen
	Clause map[string]string         // the words of the accord on the kind, by language
	Draft  string                    // that is gone on with
	Drafts []node.RequestView
	saved  *node.RequestView
}

// requestPreview is what would leave.
type requestPreview struct {
	node.RequestNewRequest
	Decision *node.Decision
}

// Why is why the node made the draft by itself, nil if a person did.
func (d requestFormData) Why() *node.DraftReason {
	if d.saved == nil {
		return nil
	}
	return d.saved.Why
}

// Needed are the fields without which the request does not leave, Useful those that have a place in it; the reason for
// the urgency stands beside the urgency.
func (d requestFormData) Needed() []node.FormField { return d.fields(true) }

// Useful is explained at Needed.
func (d requestFormData) Useful() []node.FormField { return d.fields(false) }

func (d requestFormData) fields(mandatory bool) []node.FormField {
	return slices.DeleteFunc(slices.Clone(d.Form.Fields), func(f node.FormField) bool { return f.Mandatory != mandatory || f.Name == urgencyReason })
}

const urgencyReason = "urgency-reason"

// Reasoned tells whether the accord demands a reason for the urgency.
func (d requestFormData) Reasoned() bool {
	return slices.ContainsFunc(d.Form.Fields, func(f node.FormField) bool { return f.Name == urgencyReason && f.Mandatory })
}

// First is what stands in a field at first: what the draft says.
func (d requestFormData) First(name string) string {
	if d.saved == nil {
		return ""
	}
	if field, ok := strings.CutPrefix(name, "fields."); ok {
		return d.saved.Fields[field]
	}
	return map[string]string{"title": d.saved.Title, "text": d.saved.Text, "lang": d.saved.Lang, "urgency": d.saved.Urgency, "to": d.saved.To, "tlp": d.saved.TLP}[name]
}

// Detected is the time of detection that the draft says, as a field for times takes it; Zone is its offset.
func (d requestFormData) Detected() string {
	if d.saved == nil || d.saved.Detected.IsZero() {
		return ""
	}
	return d.saved.Detected.Format("2006-01-02T15:04")
}

// Zone is explained at Detected; "" where the draft says none.
func (d requestFormData) Zone() string {
	if d.Detected() == "" {
		return ""
	}
	return d.saved.Detected.Format("-07:00")
}

func (h *handler) requestForm(r *http.Request) (string, *page, error) {
	list, err := h.node.Requests(r.Context(), node.RequestListRequest{State: "draft", Limit: 1})
	if err != nil {
		return "", nil, err
	}
	d := requestFormData{Type: r.FormValue("type"), Draft: r.FormValue("from_draft"), Drafts: list.Drafts}
	unit := r.FormValue("unit")
	if i := slices.IndexFunc(list.Drafts, func(q node.RequestView) bool { return q.ID == d.Draft }); i >= 0 {
		d.saved = &list.Drafts[i]
		if d.Type == "" {
			d.Type, unit = d.saved.Type, d.saved.Unit
		}
	} else if d.Draft != "" {
		return "", nil, &node.Error{Code: node.CodeNotFound, Status: http.StatusNotFound, What: "There is no such draft.", Next: "Look at the list of requests: it may have been sent."}
	}
	if d.acting, err = h.acting(r, unit); err != nil {
		return "", nil, err
	}
	if d.Unit != nil {
		if err := h.kindOf(r, &d); err != nil {
			return "", nil, err
		}
	}
	return "requestform", &page{Key: "ui.new-request", Here: "requests", Data: d}, nil
}

// kindOf fills in what the accord of the unit says, of the kind if one was chosen.
func (h *handler) kindOf(r *http.Request, d *requestFormData) error {
	terms, _ := h.terms(r, d.Unit.Unit)
	d.Kinds = terms.Requests.Types
	if d.Type == "" {
		return nil
	}
	for _, k := range d.Kinds {
		if k.Type == d.Type {
			d.Clause = k.Text
		}
	}
	form, err := h.node.RequestForm(r.Context(), node.RequestFormRequest{Unit: d.Unit.Unit, Type: d.Type})
	d.Form = form
	return err
}

// newRequest sends a request, keeps it as a draft, or tells what would leave.
func (h *handler) newRequest(r *http.Request, in node.RequestNewRequest) (outcome, error) {
	switch {
	case in.DryRun:
		in.From = "" // what stands in the form is checked, not what was kept
		_, w, err := h.node.NewRequest(r.Context(), in)
		if err != nil {
			return outcome{}, err
		}
		return outcome{shown: requestPreview{in, w.Decision}}, nil
	case in.From != "" && !in.Draft: // what was changed goes into the draft, and the draft goes out
		kept := in
		kept.Draft = true
		if _, _, err := h.node.NewRequest(r.Context(), kept); err != nil {
			return outcome{}, err
		}
	}
	v, _, err := h.node.NewRequest(r.Context(), in)
	switch {
	case err != nil:
		return outcome{}, err
	case in.Draft:
		return outcome{to: "/request/new" + string(query("from_draft", v.ID)), done: "done.draft"}, nil
	}
	return outcome{to: "/request" + string(query("unit", v.Unit, "id", v.ID)), done: "done.sent"}, nil
}

// draftDrop is the form that drops a draft, once that was confirmed.
type draftDrop struct {
	node.RequestDropRequest
	Sure bool `json:"sure"`
}

func (h *handler) dropDraft(r *http.Request, in draftDrop) (outcome, error) {
	if !in.Sure {
		return outcome{}, &node.Error{Code: node.CodeBadInput, Status: http.StatusBadRequest, What: "Nothing was dropped.", Why: "A draft that is dropped is gone for good.", Next: "Tick that you mean it."}
	}
	_, err := h.node.DropDraft(r.Context(), in.RequestDropRequest)
	return outcome{to: "/requests", done: "done.draft-dropped"}, err
}
