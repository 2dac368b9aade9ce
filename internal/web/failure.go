package web

import (
	"errors"
	"maps"
	"net/http"
	"slices"

	"entente/internal/lang"
	"entente/internal/node"
)

// failure is what the page about an error shows.
type failure struct {
	Status          int
	Code            string
	What, Why, Next string
	Decision        *node.Decision
	terms           *node.Terms
	Hold            *heldForm // the same form again, to be held ready for a second person
}

// heldForm is what was posted, to be posted once more.
type heldForm struct {
	To     string
	Fields []field
}

// hold offers to hold ready what only lacks a second person.
func (f *failure) hold(r *http.Request, err error) {
	var lacks lacksSecond
	if !errors.As(err, &lacks) {
		return
	}
	f.Hold = &heldForm{To: sanePath(r.URL.RequestURI())}
	for _, name := range slices.Sorted(maps.Keys(r.PostForm)) {
		for _, value := range r.PostForm[name] {
			if name != "dry_run" {
				f.Hold.Fields = append(f.Hold.Fields, field{name, value})
			}
		}
	}
}

// localize puts the sentences into a language, as the API does.
func (f *failure) localize(c *lang.Catalog) {
	t := node.Telling{Code: f.Code, What: f.What, Why: f.Why, Next: f.Next, Terms: f.terms, Decision: f.Decision}.In(c)
	f.What, f.Why, f.Next = t.What, t.Why, t.Next
	if f.Decision != nil && !c.IsEnglish() { // the verdict stands beside it, with its reason
		f.Why = c.Text("problem.gate.detail", "clause", f.Decision.Clause, "code", c.Code("gate", f.Decision.Code), "verdict", c.Code("verdict", f.Decision.Verdict))
	}
}

// failureOf is what a page says of an error.
func failureOf(err error) failure {
	f := failure{Status: http.StatusInternalServerError, Code: "internal", What: "The node could not do this.", Next: "The node's log says more."}
	var ne *node.Error
	if errors.As(err, &ne) {
		f.Code, f.What, f.Why, f.Next, f.terms = ne.Code, ne.What, ne.Why, ne.Next, ne.Terms
		if ne.Status >= 400 && ne.Status <= 599 {
			f.Status = ne.Status
		}
		var gate *node.GateError
		if errors.As(err, &gate) {
			f.Decision = &gate.Decision
		}
	}
	return f
}

func (h *handler) logFailure(r *http.Request, f failure, err error) {
	if f.Status >= 500 {
		h.Log.Error("page failed", "path", r.URL.Path, "error", err)
	}
}

// fail answers with a page of its own about an error.
func (h *handler) fail(w http.ResponseWriter, r *http.Request, here *node.HereResponse, err error) {
	f := failureOf(err)
	h.logFailure(r, f, err)
	h.render(w, r, f.Status, "error", &page{Title: f.What, Node: here, Grant: grantOf(r), Public: here == nil, Data: f})
}
