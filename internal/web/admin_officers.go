package web

import (
	"cmp"
	"net/http"
	"slices"

	"entente/internal/node"
)

func (h *handler) officerRoutes() []route {
	return []route{
		mayAdmin("GET /admin/officers", h.officers, nil),
		mayAdmin("GET /admin/officer", h.officer, nil),
		mayAdmin("GET /admin/sessions", h.signedIn, nil),
		mayAdmin("POST /officer/new", h.officers, posted(h.newOfficer)),
		mayAdmin("POST /officer/roles", h.officer, posted(h.changeOfficer)),
		mayAdmin("POST /officer/reads", h.officer, posted(h.officerReads)),
		mayAdmin("POST /officer/disable", h.officer, posted(h.disableOfficer)),
		mayAdmin("POST /officer/enable", h.officer, posted(h.enableOfficer)),
		mayAdmin("POST /officer/reset", h.officer, posted(h.resetOfficer)),
		mayAdmin("POST /officer/end-session", h.signedIn, posted(h.endSession)),
	}
}

// officersData is who works here.
type officersData struct {
	Officers []node.OfficerView
	Claims   []string // to choose from, as AGENCY:ROLE
}

func (h *handler) officers(r *http.Request) (string, *page, error) {
	list, err := h.node.Officers(r.Context())
	if err != nil {
		return "", nil, err
	}
	known, err := h.knownClaims(r, nil)
	return "officers", adminPage("officers", officersData{list.Officers, known}), err
}

// officerData is one of them, with where they are signed in.
type officerData struct {
	node.OfficerView
	Has      []string // claims
	Known    []string // claims to choose from, those too
	Sessions []node.SessionView
	Self     bool // who is signed in looks at themselves
}

func (h *handler) officer(r *http.Request) (string, *page, error) {
	res, err := h.node.Officer(r.Context(), node.OfficerRequest{Officer: r.FormValue("officer")})
	if err != nil {
		return "", nil, err
	}
	d := officerData{OfficerView: res.Officer, Has: claimTexts(res.Officer.Claims), Self: res.Officer.ID == grantOf(r).ID}
	if d.Known, err = h.knownClaims(r, d.Has); err != nil {
		return "", nil, err
	}
	list, err := h.node.OfficerSessions(r.Context(), node.SessionListRequest{Officer: d.ID})
	if err != nil {
		return "", nil, err
	}
	d.Sessions = h.here(list.Sessions, r)
	p := adminPage("officers", d)
	p.Key, p.Title = "", d.Display
	return "officer", p, nil
}

func claimTexts(list []node.Claim) []string {
	var out []string
	for _, c := range list {
		out = append(out, c.Agency+":"+c.Role)
	}
	return out
}

// knownClaims are those that the accords in force know of this party, those that are had, and those that were typed.
func (h *handler) knownClaims(r *http.Request, had []string) ([]string, error) {
	status, err := h.node.Overview(r.Context())
	if err != nil {
		return nil, err
	}
	out := slices.Clone(had)
	for _, u := range status.Units {
		_, own := h.terms(r, u.Unit)
		for _, a := range own.Agencies {
			for _, role := range a.Roles {
				out = append(out, a.Agency+":"+role.Role)
			}
		}
	}
	for _, s := range r.PostForm["claims"] {
		if _, err := parseClaim(s); err == nil {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// newOfficer makes an officer; the one-time code is shown this once.
func (h *handler) newOfficer(r *http.Request, in node.OfficerNewRequest) (outcome, error) {
	res, err := h.node.NewOfficer(r.Context(), in)
	return outcome{shown: res, empty: err == nil}, err
}

func toOfficer(who string) string { return "/admin/officer" + string(query("officer", who)) }

// changeOfficer replaces roles and claims by what is ticked.
func (h *handler) changeOfficer(r *http.Request, in node.OfficerRolesRequest) (outcome, error) {
	in.NoClaims = len(in.Claims) == 0
	_, err := h.node.ChangeOfficer(r.Context(), in)
	return outcome{to: toOfficer(in.Officer), done: "done.officer"}, err
}

// readsForm is how an officer reads; what is empty is what the browser asks for.
type readsForm struct {
	Officer  string `json:"officer"`
	Language string `json:"language"`
	Zone     string `json:"zone"`
}

func (h *handler) officerReads(r *http.Request, in readsForm) (outcome, error) {
	_, err := h.node.OfficerReads(r.Context(), node.OfficerReadsRequest{Officer: in.Officer, Language: &in.Language, Zone: &in.Zone})
	return outcome{to: toOfficer(in.Officer), done: "done.officer"}, err
}

// officerShown is what came of a form about an officer: a one-time code, or what would end.
type officerShown struct {
	Code *node.OfficerCodeResponse
	Ends *node.Ends
}

// sessionsShown is what would end of sessions, by a token that is revoked or by itself.
type sessionsShown struct {
	New  *node.TokenNewResponse
	Ends *node.Ends
}

func (h *handler) disableOfficer(r *http.Request, in node.OfficerEndRequest) (outcome, error) {
	res, err := h.node.DisableOfficer(r.Context(), in)
	if err == nil && in.DryRun {
		return outcome{shown: officerShown{Ends: res.Ends}, empty: true}, nil
	}
	return outcome{to: toOfficer(in.Officer), done: "done.officer-disabled"}, err
}

func (h *handler) enableOfficer(r *http.Request, in node.OfficerRequest) (outcome, error) {
	_, err := h.node.EnableOfficer(r.Context(), in)
	return outcome{to: toOfficer(in.Officer), done: "done.officer-enabled"}, err
}

func (h *handler) resetOfficer(r *http.Request, in node.OfficerEndRequest) (outcome, error) {
	res, err := h.node.ResetOfficer(r.Context(), in)
	if err == nil && in.DryRun {
		return outcome{shown: officerShown{Ends: res.Ends}, empty: true}, nil
	}
	return outcome{shown: officerShown{Code: res}}, err
}

// signedInData is who is signed in, and what ends sessions from outside.
type signedInData struct {
	Sessions []node.SessionView
	Provider *node.ProviderResponse // nil: there is none
}

func (h *handler) signedIn(r *http.Request) (string, *page, error) {
	list, err := h.node.OfficerSessions(r.Context(), node.SessionListRequest{})
	if err != nil {
		return "", nil, err
	}
	d := signedInData{Sessions: h.here(list.Sessions, r)}
	if h.Door != nil {
		d.Provider = h.Door.ToldBy()
	}
	return "signedin", adminPage("sessions", d), nil
}

// here marks the session of who asks.
func (h *handler) here(list []node.SessionView, r *http.Request) []node.SessionView {
	mine := ""
	if n, err := h.node.Here(r.Context()); err == nil {
		mine = h.sessions.idOf(r, cookieName(n.Party))
	}
	for i := range list {
		list[i].Here = list[i].ID == cmp.Or(grantOf(r).Session, mine)
	}
	return list
}

func (h *handler) endSession(r *http.Request, in node.SessionEndRequest) (outcome, error) {
	res, err := h.node.EndSession(r.Context(), in)
	if err == nil && in.DryRun {
		return outcome{shown: sessionsShown{Ends: &node.Ends{Sessions: res.Ended}}, empty: true}, nil
	}
	return outcome{to: "/admin/sessions", done: "done.session-ended"}, err
}
