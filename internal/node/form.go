package node

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"entente/internal/accord"
	"entente/internal/desk"
)

// RequestFormRequest asks for the form of a type of request.
type RequestFormRequest struct {
	Unit string `json:"unit,omitempty"`
	Type string `json:"type"` // a type of the accord in force
}

// RequestFormResponse is the form: what the accord in force wants filled in, and what else has a place.
type RequestFormResponse struct {
	Type      string      `json:"type"`
	Clause    string      `json:"clause"`    // the clause that offers the type
	Urgencies []string    `json:"urgencies"` // that the type is offered in
	Fields    []FormField `json:"fields"`    // the mandatory ones first
	Labels    Labels      `json:"labels,omitempty"`
}

// FormField is one line of a form.
type FormField struct {
	Name      string `json:"name"`
	Kind      string `json:"kind"` // how its value is written: text, phone, email, zone, period or yes-no
	Mandatory bool   `json:"mandatory,omitempty"`
	Labels    Labels `json:"labels,omitempty"`
}

// RequestForm returns the form of a type of request under the accord in force.
func (n *Node) RequestForm(_ context.Context, r RequestFormRequest) (*RequestFormResponse, error) {
	l, err := n.findUnit(r.Unit)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	doc, _ := l.fold.InForce()
	l.mu.Unlock()
	if doc == nil {
		return nil, conflict("no-accord", "There is no form yet.", "What a request has to say is set by the accord, and none is in force in this unit.", "Propose one, and have every member sign it.")
	}
	t := doc.RequestType(r.Type)
	if t == nil {
		var offered []string
		for _, t := range doc.Requests.Types {
			offered = append(offered, t.Type)
		}
		return nil, badInput(fmt.Sprintf("The accord in force offers no request of type %q.", r.Type), "", "Use one of "+strings.Join(offered, ", ")+".")
	}
	res := &RequestFormResponse{Type: t.Type, Clause: t.ID, Urgencies: slices.SortedFunc(maps.Keys(t.Clocks), byUrgency), Fields: []FormField{}}
	for _, name := range t.Fields {
		res.Fields = append(res.Fields, FormField{Name: name, Kind: string(desk.FieldOf(name).Kind), Mandatory: true})
	}
	for _, f := range desk.Fields() {
		if !slices.Contains(t.Fields, f.Name) {
			res.Fields = append(res.Fields, FormField{Name: f.Name, Kind: string(f.Kind)})
		}
	}
	return res, nil
}

// checkFields refuses a form of which a value cannot be read at the other end.
func checkFields(fields map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if value := fields[name]; strings.TrimSpace(value) != "" {
			if err := desk.FieldOf(name).Check(value); err != nil {
				return badInput("A field of the form cannot be read.", err.Error()+".", "See how each is written with 'entente request form'.")
			}
		}
	}
	return nil
}

// byUrgency orders urgencies from the most urgent on.
func byUrgency(a, b string) int {
	all := []string{accord.Emergency, accord.Urgent, accord.Routine}
	return cmp.Compare(slices.Index(all, a), slices.Index(all, b))
}
