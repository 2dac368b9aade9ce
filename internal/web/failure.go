package web

import (
	"errors"
	"net/http"
	"strings"

	"entente/internal/lang"
	"entente/internal/node"
)

// failure is what the page about an error shows.
type failure struct {
	Status          int
	Code            string
	What, Why, Next string
	Decision        *node.Decision
}

// localize puts the sentences into a language, as the API does. Codes, and what is particular to the case,
// stay.
func (f *failure) localize(c *lang.Catalog) {
	switch {
	case c.IsEnglish() || !c.Has("problem."+f.Code):
	case f.Decision != nil:
		f.What, f.Next = c.Text("problem.gate"), c.Text("problem.gate.next")
		f.Why = c.Text("problem.gate.detail", "clause", f.Decision.Clause, "code", c.Code("gate", f.Decision.Code), "verdict", c.Code("verdict", f.Decision.Verdict))
	default:
		f.Why = strings.TrimSpace(f.What + " " + f.Why)
		key := "problem." + f.Code
		if f.Code == "illegal-move" {
			key = "problem.illegal-move.other"
		}
		f.What = c.Text(key)
	}
}

// failureOf is what a page says of an error.
func failureOf(err error) failure {
	f := failure{Status: http.StatusInternalServerError, Code: "internal", What: "The node could not do this.", Next: "The node's log says more."}
	var ne *node.Error
	if errors.As(err, &ne) {
		f.Code, f.What, f.Why, f.Next = ne.Code, ne.What, ne.Why, ne.Next
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
