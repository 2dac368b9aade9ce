package web

import (
	"net/http"
	"strconv"

	"entente/internal/node"
)

// unitData is one unit.
type unitData struct {
	*node.UnitShowResponse
	Accord *node.AccordShowResponse // nil while there is none
	Parts  unitState
}

func (h *handler) unit(r *http.Request) (string, *page, error) {
	u, err := h.node.ShowUnit(r.Context(), node.UnitShowRequest{Unit: r.FormValue("unit")})
	if err != nil {
		return "", nil, err
	}
	d := unitData{UnitShowResponse: u, Parts: readState(u.State, u.Brief.Members)}
	if a, err := h.node.ShowAccord(r.Context(), node.AccordShowRequest{Unit: u.Brief.Unit}); err == nil {
		d.Accord = a // a unit that is being founded has none
	}
	return "unit", &page{Title: u.Brief.Name, Here: "home", Data: d}, nil
}

// accordData is one accord, clause by clause, or the difference of two.
type accordData struct {
	*node.AccordShowResponse
	Sections []section
	Diff     *node.AccordDiffResponse
	Talks    unitState
	Current  string // hash of the accord in force
}

func (h *handler) accord(r *http.Request) (string, *page, error) {
	unit := r.FormValue("unit")
	a, err := h.node.ShowAccord(r.Context(), node.AccordShowRequest{Unit: unit, Hash: r.FormValue("hash")})
	if err != nil {
		return "", nil, err
	}
	d := accordData{AccordShowResponse: a, Sections: accordSections(a.Text)}
	u, err := h.node.ShowUnit(r.Context(), node.UnitShowRequest{Unit: a.Unit})
	if err != nil {
		return "", nil, err
	}
	d.Talks, d.Current = readProposals(a.Proposals, u.Brief.Members), u.Brief.Accord
	if r.URL.Query().Has("from") {
		if d.Diff, err = h.node.DiffAccords(r.Context(), node.AccordDiffRequest{Unit: unit, A: r.FormValue("from"), B: r.FormValue("to")}); err != nil {
			return "", nil, err
		}
	}
	return "accord", &page{Key: "ui.accord", Here: "home", Data: d}, nil
}

func formInt(r *http.Request, name string) int64 {
	n, err := strconv.ParseInt(r.FormValue(name), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}
