package web

import (
	"net/http"
	"slices"

	"entente/internal/accord"
	"entente/internal/node"
)

func (h *handler) agencyRoutes() []route {
	return []route{mayAdmin("GET /admin/agencies", h.agencies, nil)}
}

// agenciesOf are the agencies of this party by one accord in force.
type agenciesOf struct {
	Unit     node.UnitBrief
	Agencies []accord.Agency
}

// agenciesData is who may act for this party, and which officers do.
type agenciesData struct {
	Units    []agenciesOf
	officers []node.OfficerView
}

// Officers are the officers who may act in a role of an agency.
func (d agenciesData) Officers(agency, role string) []node.OfficerView {
	return slices.DeleteFunc(slices.Clone(d.officers), func(o node.OfficerView) bool {
		return o.State == "disabled" || !slices.Contains(o.Claims, node.Claim{Agency: agency, Role: role})
	})
}

func (h *handler) agencies(r *http.Request) (string, *page, error) {
	status, err := h.node.Overview(r.Context())
	if err != nil {
		return "", nil, err
	}
	list, err := h.node.Officers(r.Context())
	if err != nil {
		return "", nil, err
	}
	d := agenciesData{officers: list.Officers}
	for _, u := range status.Units {
		_, own := h.terms(r, u.Unit)
		d.Units = append(d.Units, agenciesOf{u, own.Agencies})
	}
	return "agencies", adminPage("agencies", d), nil
}
