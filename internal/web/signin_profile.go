package web

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"entente/internal/node"
)

// ownRoutes are the pages where officers look after themselves.
func (h *handler) ownRoutes() []route {
	own := func(f func(r *http.Request, g node.Grant, v node.Visitor) (outcome, error)) act {
		return func(r *http.Request) (outcome, error) {
			if h.Door == nil {
				return outcome{}, noOfficers()
			}
			here, err := h.node.Here(r.Context())
			if err != nil {
				return outcome{}, err
			}
			return f(r, grantOf(r), whoAsks(r, cookieName(here.Party)))
		}
	}
	done := func(err error) (outcome, error) { return outcome{to: "/profile", done: "done.credentials"}, err }
	return []route{
		look("GET /profile", h.profile),
		{pattern: "POST /profile/password", scope: node.ScopeRead, show: h.profile, act: own(func(r *http.Request, g node.Grant, v node.Visitor) (outcome, error) {
			if err := samePassword(r); err != nil {
				return outcome{}, err
			}
			return done(h.Door.SetPassword(r.Context(), g, r.PostForm.Get("current"), r.PostForm.Get("password"), v))
		})},
		{pattern: "POST /profile/language", scope: node.ScopeRead, show: h.profile, act: own(func(r *http.Request, g node.Grant, v node.Visitor) (outcome, error) {
			tag := r.PostForm.Get("language")
			return outcome{to: "/profile", done: "done.language", cookie: h.languageKept(r, tag)}, h.Door.SetLanguage(g, tag, v)
		})},
		{pattern: "POST /profile/zone", scope: node.ScopeRead, show: h.profile, act: own(func(r *http.Request, g node.Grant, v node.Visitor) (outcome, error) {
			return outcome{to: "/profile", done: "done.zone"}, h.Door.SetZone(g, strings.TrimSpace(r.PostForm.Get("zone")), v)
		})},
		{pattern: "POST /profile/no-password", scope: node.ScopeRead, show: h.profile, act: own(func(_ *http.Request, g node.Grant, v node.Visitor) (outcome, error) {
			return done(h.Door.DropPassword(g, v))
		})},
		{pattern: "POST /profile/second", scope: node.ScopeRead, show: h.profile, act: own(func(r *http.Request, g node.Grant, v node.Visitor) (outcome, error) {
			ticket := r.PostForm.Get("ticket")
			if ticket == "" {
				x, err := h.Door.NewSecond(g)
				return outcome{shown: shownOnce{Second: x}}, err
			}
			codes, err := h.Door.SetSecond(g, ticket, r.PostForm.Get("code"), v)
			if err != nil {
				if x, gone := h.Door.SecondOf(g, ticket); gone == nil {
					return outcome{shown: shownOnce{Second: x}}, err
				}
			}
			return outcome{shown: shownOnce{Codes: codes}}, err
		})},
		{pattern: "POST /profile/recovery", scope: node.ScopeRead, show: h.profile, act: own(func(_ *http.Request, g node.Grant, v node.Visitor) (outcome, error) {
			codes, err := h.Door.NewRecovery(g, v)
			return outcome{shown: shownOnce{Codes: codes}}, err
		})},
		{pattern: "POST /profile/passkey", scope: node.ScopeRead, show: h.profile, act: own(func(r *http.Request, g node.Grant, v node.Visitor) (outcome, error) {
			return done(h.Door.RemovePasskey(g, r.PostForm.Get("id"), v))
		})},
		{pattern: "GET /profile/provider", scope: node.ScopeRead, raw: h.linkProvider},
		{pattern: "POST /profile/provider", scope: node.ScopeRead, show: h.profile, act: own(func(r *http.Request, g node.Grant, v node.Visitor) (outcome, error) {
			switch r.PostForm.Get("link") {
			case "yes":
				return done(h.Door.Link(g, true, v))
			case "no":
				return outcome{to: "/profile", done: "done.not-linked"}, h.Door.Link(g, false, v)
			}
			return done(h.Door.Unlink(g, v))
		})},
		{pattern: "POST /profile/session", scope: node.ScopeRead, show: h.profile, act: own(func(r *http.Request, g node.Grant, v node.Visitor) (outcome, error) {
			return outcome{to: "/profile", done: "done.session-ended"}, h.Door.EndSession(g, r.PostForm.Get("id"), v)
		})},
	}
}

func noOfficers() error {
	return &node.Error{Code: "not-an-officer", Status: http.StatusNotFound, What: "There is nobody whose page this would be.", Next: "Sign in as an officer."}
}

// shownOnce is what the profile shows once.
type shownOnce struct {
	Second *node.Setting
	Codes  []string
}

type profileData struct {
	*node.Profile
	Passkeys bool
}

// profile is the officer's own page.
func (h *handler) profile(r *http.Request) (string, *page, error) {
	if h.Door == nil {
		return "", nil, noOfficers()
	}
	p, err := h.Door.Profile(grantOf(r))
	if err != nil {
		return "", nil, err
	}
	return "profile", &page{Key: "ui.profile", Here: "profile", Data: profileData{Profile: p, Passkeys: h.Door.Passkeys(r.Host)}}, nil
}

// claimField is the field of a form in which an officer chooses in whose name they act,
// as AGENCY:ROLE. No request of a use case has a field of this name.
const claimField = "acting"

func claimOf(form url.Values) (node.Claim, error) {
	s := form.Get(claimField)
	if s == "" {
		return node.Claim{}, nil
	}
	c, err := parseClaim(s)
	if err != nil {
		return c, &node.Error{Code: node.CodeBadInput, Status: http.StatusBadRequest, What: "The claim cannot be read.", Why: err.Error() + ".", Next: "Choose one of the list."}
	}
	return c, nil
}

// parseClaim reads AGENCY:ROLE.
func parseClaim(s string) (node.Claim, error) {
	agency, role, ok := strings.Cut(s, ":")
	if !ok {
		return node.Claim{}, fmt.Errorf("%.100q is no claim: write AGENCY:ROLE, as the accord names them", s)
	}
	return node.Claim{Agency: agency, Role: role}, nil
}

// actFor puts the claim of who is signed in into a request that writes a journal entry.
func actFor(g node.Grant, in any, chosen node.Claim) error {
	x, ok := in.(interface{ Act() *node.Acting })
	if !ok {
		return nil
	}
	a := x.Act()
	if chosen != (node.Claim{}) {
		a.By = chosen
	}
	defer func() { a.Asks(g) }()
	if !g.IsOfficer() {
		return nil
	}
	if len(a.Release) > 0 {
		return &node.Error{Code: "claim", Status: http.StatusForbidden, What: "Nobody releases an own act.", Why: "Where the accord wants two persons, another officer releases it.", Next: "Send it without a release; the gate says whose it needs."}
	}
	acting, err := g.Acting(a.By)
	a.By = acting.By
	return err
}

// audit records an act in the pages. What officers do to their own credentials the door
// records itself.
func (h *handler) audit(r *http.Request, rt route, g node.Grant, err error) {
	_, path, _ := strings.Cut(rt.pattern, " /")
	if h.Door == nil || strings.HasPrefix(path, "profile/") {
		return
	}
	said := r.PostForm.Get
	d := node.Deed{Action: strings.ReplaceAll(path, "/", "."), Ref: cmp.Or(said("id"), said("officer"), said("unit"), said("name"), said("channel"), said("feed")), From: whoAsks(r, "").From, Err: err}
	if c, err := claimOf(r.PostForm); err == nil {
		d.By = c
	}
	if d.By == (node.Claim{}) && len(g.Claims) == 1 {
		d.By = g.Claims[0]
	}
	h.Door.Audited(g, d)
}
