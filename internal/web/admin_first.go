package web

import (
	"net/http"

	"entente/internal/node"
)

func (h *handler) firstRoutes() []route {
	return []route{
		mayAdmin("GET /first", h.first, nil),
		mayAdmin("POST /officer/first", h.first, posted(h.firstOfficer)),
	}
}

// first leads the first administrator of a new node through what it needs.
func (h *handler) first(r *http.Request) (string, *page, error) {
	s, err := h.node.Setup(r.Context())
	return "first", &page{Key: "ui.first-steps", Here: "home", Data: s}, err
}

// firstRoles are those that somebody needs who sets up a node alone. The second person and the auditor are others.
func firstRoles() []string { return []string{"duty", "analyst", "liaison", "administrator"} }

// firstOfficer is what the first administrator says of themselves.
type firstOfficer struct {
	Name    string `json:"name"`
	Display string `json:"display"`
}

// firstOfficer makes the first administrator's own account, in the name that the configuration acts in.
func (h *handler) firstOfficer(r *http.Request, in firstOfficer) (outcome, error) {
	s, err := h.node.Setup(r.Context())
	if err != nil {
		return outcome{}, err
	}
	return h.newOfficer(r, node.OfficerNewRequest{Name: in.Name, Display: in.Display, Roles: firstRoles(), Claims: []node.Claim{s.Acting}})
}
