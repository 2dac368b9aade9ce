package web

import (
	"net/http"
	"strings"
	"time"

	"entente/internal/accord"
	"entente/internal/node"
)

// homeRequests is how many requests the first page lists, the most urgent first.
const homeRequests = 10

// homeData is the first page: what needs a person, whom one can call, how the units and the node are.
type homeData struct {
	*node.StatusResponse
	Requests []node.RequestView
	Open     int // requests, listed or not
	Identity *node.IdentityResponse
	Places   []place
	Setup    *node.SetupResponse // what a new node still needs; nil: nothing, or not for this session
}

// place is one unit with what is agreed in it.
type place struct {
	node.UnitBrief
	Terms     *accord.Document // nil: no accord is in force
	Expires   time.Time        // of the accord; zero: it does not
	Windows   []window
	Contacts  []node.ContactView // of the others, in the order in which to call them now
	LastDrill time.Time
}

// window is an election window that is open or to come.
type window struct {
	Name     string
	From, To time.Time
	Open     bool
}

// Own is how many entries this side has written in the unit.
func (p place) Own() int64 {
	for _, m := range p.Members {
		if m.Self {
			return m.Size
		}
	}
	return 0
}

// Witness says what stops this node's own witness; "" if nothing does.
func (d homeData) Witness() string {
	for _, a := range d.Attention {
		if strings.HasPrefix(a.Code, "witness-") {
			return a.Code
		}
	}
	return ""
}

func (h *handler) home(r *http.Request) (string, *page, error) {
	status, err := h.node.Status(r.Context())
	if err != nil {
		return "", nil, err
	}
	list, err := h.node.Requests(r.Context(), node.RequestListRequest{Limit: homeRequests})
	if err != nil {
		return "", nil, err
	}
	id, err := h.node.Identity(r.Context())
	if err != nil {
		return "", nil, err
	}
	d := homeData{StatusResponse: status, Requests: list.Requests, Open: len(list.Requests) + list.More, Identity: id}
	if grantOf(r).May(node.ScopeAdmin) {
		setup, err := h.node.Setup(r.Context())
		if err != nil {
			return "", nil, err
		}
		if !setup.Done {
			d.Setup = setup
		}
	}
	for _, u := range status.Units {
		d.Places = append(d.Places, h.place(r, u))
	}
	return "home", &page{Key: "ui.overview", Here: "home", Data: d}, nil
}

// place looks at a unit. What it has not, because no accord is in force, is left out.
func (h *handler) place(r *http.Request, u node.UnitBrief) place {
	p := place{UnitBrief: u}
	if u.Accord == "" || u.State == "withdrawn" {
		return p
	}
	p.Terms, _ = h.terms(r, u.Unit)
	p.Expires, _ = time.Parse(time.RFC3339, p.Terms.Validity.Expires)
	now := h.Clock()
	for _, e := range p.Terms.Elections {
		from, errFrom := time.Parse(time.RFC3339, e.From)
		to, errTo := time.Parse(time.RFC3339, e.To)
		if errFrom == nil && errTo == nil && now.Before(to) {
			p.Windows = append(p.Windows, window{e.Name, from, to, !now.Before(from)})
		}
	}
	if list, err := h.node.Contacts(r.Context(), node.ContactListRequest{Unit: u.Unit}); err == nil {
		p.Contacts = list.Contacts
	}
	if history, err := h.node.CallHistory(r.Context(), node.HotlineHistoryRequest{Unit: u.Unit}); err == nil {
		for _, s := range history.Drills {
			if s.LastAt.After(p.LastDrill) {
				p.LastDrill = s.LastAt
			}
		}
	}
	return p
}

// recordsPages are the pages of what members keep together, by the first part of the codes of what waits.
var recordsPages = map[string]bool{"case": true, "review": true, "statement": true, "leak": true, "commitment": true}

// attentionPage is where a person does what waits: the page of the thing if there is one, else that of its unit.
func attentionPage(a node.Attention) string {
	at := func(path string, kv ...any) string { return path + string(query(kv...)) }
	switch {
	case a.Group() == "request" && entryOf(a.Ref) != nil:
		return at("/request", "unit", a.Unit, "id", a.Ref)
	case recordsPages[a.Group()] && entryOf(a.Ref) != nil:
		return at("/"+a.Group(), "unit", a.Unit, "id", a.Ref)
	case a.Group() == "exhibit" && entryOf(a.Ref) != nil:
		return at("/exhibit", "unit", a.Unit, "id", a.Ref)
	case a.Group() == "call" && entryOf(a.Ref) != nil:
		return at("/call", "unit", a.Unit, "id", a.Ref)
	case a.Group() == "ping", a.Group() == "drill":
		return at("/drills", "unit", a.Unit)
	case a.Group() == "contact":
		return at("/contacts", "unit", a.Unit)
	case a.Code == "more" && a.Word == "call":
		return "/hotline"
	case a.Group() == "release":
		return at("/release", "id", a.Ref)
	case a.Code == "alarm":
		return at("/request/new", "from_draft", a.Ref)
	case a.Code == "finding-open":
		return at("/findings", "asset", a.Ref, "open", "1")
	case a.Code == "guard-prevalent":
		return "/prevalent"
	case a.Code == "guard-disputed":
		return "/disputes"
	case a.Code == "guard-list":
		return "/admin/guard"
	case a.Code == "quarantine", a.Group() == "intake":
		return "/intake"
	case a.Code == "more" && a.Word == "request":
		return "/requests"
	case a.Unit != "":
		return at("/unit", "unit", a.Unit)
	}
	return "/#health"
}
