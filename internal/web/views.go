package web

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"

	"entente/internal/node"
)

// maxWhole is of how many entries of all journals the whole state of a unit stands in its page. That of more is a file.
const maxWhole = 200

// unitData is one unit.
type unitData struct {
	Brief  node.UnitBrief
	Whole  json.RawMessage          // the state, nil: it is a file
	Accord *node.AccordShowResponse // nil while there is none
	Parts  unitState
}

func (h *handler) unit(r *http.Request) (string, *page, error) {
	u, err := h.node.ShowUnit(r.Context(), node.UnitShowRequest{Unit: r.FormValue("unit"), Standing: true})
	if err != nil {
		return "", nil, err
	}
	d := unitData{Brief: u.Brief, Parts: readState(u.State, u.Brief.Members)}
	entries := int64(0)
	for _, m := range u.Brief.Members {
		entries += m.Size
	}
	if entries <= maxWhole {
		whole, err := h.node.ShowUnit(r.Context(), node.UnitShowRequest{Unit: r.FormValue("unit")})
		if err != nil {
			return "", nil, err
		}
		d.Whole = whole.State
	}
	if a, err := h.node.ShowAccord(r.Context(), node.AccordShowRequest{Unit: u.Brief.Unit}); err == nil {
		d.Accord = a // a unit that is being founded has none
	}
	return "unit", &page{Title: u.Brief.Name, Here: "home", Data: d}, nil
}

// unitFile hands out the whole state of a unit: the bytes that every member has that holds the same journals.
func (h *handler) unitFile(w http.ResponseWriter, r *http.Request) error {
	u, err := h.node.ShowUnit(r.Context(), node.UnitShowRequest{Unit: r.URL.Query().Get("unit")})
	if err != nil {
		return err
	}
	return h.send(w, r, "application/json", "unit-"+brief(u.Brief.Unit)+".json", func(out io.Writer) error {
		_, err := out.Write(u.State)
		return err
	})
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
	u, err := h.node.ShowUnit(r.Context(), node.UnitShowRequest{Unit: a.Unit, Standing: true})
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
