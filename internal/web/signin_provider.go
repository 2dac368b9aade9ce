package web

import (
	"crypto/subtle"
	"net/http"
	"net/url"
	"time"

	"entente/internal/node"
)

const (
	// flowSuffix is behind the name of the cookie of a browser that is at the provider.
	flowSuffix = "_flow"
	flowPath   = "/sign-in/provider"
	flowLife   = 10 * time.Minute
	maxQuery   = 16 << 10 // bytes of what a provider sends a browser back with
)

// providerData is what the pages about the provider show.
type providerData struct {
	Name string // of the provider
	To   string // where the browser goes on to
}

// providerRoutes are the addresses of who signs in at the provider of the organisation.
func (h *handler) providerRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+flowPath, h.atDoor(h.askProvider))
	mux.HandleFunc("GET "+flowPath+"/callback", h.atDoor(h.provided))
	mux.HandleFunc("POST "+flowPath+"/logout", h.signedOutThere)
}

// flowCookie is what a browser is known by that comes back: a navigation from another site, with which nothing goes
// that is SameSite=Strict. It goes with nothing else.
func flowCookie(w http.ResponseWriter, r *http.Request, here *node.HereResponse, value string, life time.Duration) {
	http.SetCookie(w, &http.Cookie{Name: cookieName(here.Party) + flowSuffix, Value: value, Path: flowPath, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: isSecure(r), MaxAge: int(life / time.Second)})
}

// askProvider sends a browser to the provider. It is a link and no form: the policy of the pages lets no form lead
// elsewhere. A page of somebody else does not begin it.
func (h *handler) askProvider(w http.ResponseWriter, r *http.Request, here *node.HereResponse, v node.Visitor) {
	d := signInData{Back: sanePath(r.URL.Query().Get("back"))}
	if r.Header.Get("Sec-Fetch-Site") == "cross-site" {
		h.askSignIn(w, r, http.StatusUnauthorized, here, d)
		return
	}
	to, state, err := h.Door.AskProvider(r.Context(), d.Back, v)
	if err != nil {
		h.askSignIn(w, r, http.StatusUnauthorized, here, d, err)
		return
	}
	flowCookie(w, r, here, state, flowLife)
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// linkProvider sends the browser of an officer who is signed in to the provider.
func (h *handler) linkProvider(w http.ResponseWriter, r *http.Request) error {
	if h.Door == nil {
		return noOfficers()
	}
	here, err := h.node.Here(r.Context())
	if err != nil {
		return err
	}
	to, state, err := h.Door.AskLink(r.Context(), grantOf(r), "/profile", whoAsks(r, cookieName(here.Party)))
	if err != nil {
		return err
	}
	flowCookie(w, r, here, state, flowLife)
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// returned reads what the browser brings back: each value at most once, and with the state that this browser was
// sent away with.
func returned(r *http.Request, cookie string) (x node.Returned, ok bool) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(r.URL.RawQuery) > maxQuery {
		return x, false
	}
	for name, to := range map[string]*string{"state": &x.State, "code": &x.Code, "error": &x.Error, "iss": &x.Issuer} {
		if len(q[name]) > 1 {
			return x, false
		}
		*to = q.Get(name)
	}
	c, err := r.Cookie(cookie)
	return x, err == nil && x.State != "" && subtle.ConstantTimeCompare([]byte(c.Value), []byte(x.State)) == 1
}

// provided is where browsers come back to. It answers with a page that goes on by itself: after a redirect the
// browser would still come from another site, and would bring no session.
func (h *handler) provided(w http.ResponseWriter, r *http.Request, here *node.HereResponse, v node.Visitor) {
	x, ok := returned(r, cookieName(here.Party)+flowSuffix)
	flowCookie(w, r, here, "", -time.Second)
	a := node.Arrived{Back: "/"}
	var err error = &node.Error{Code: "bad-code", Status: http.StatusForbidden, What: "This is not good, or not any more.", Why: "This browser did not begin this sign-in, or began another one since.", Next: "Begin again."}
	if ok {
		a, err = h.Door.Provided(r.Context(), x, v)
	}
	d := providerData{Name: h.Door.Provider(), To: sanePath(a.Back)}
	switch {
	case err != nil && a.Linking:
		h.renderDoor(w, r, http.StatusForbidden, "arrived", "ui.sign-in", here, d, err)
		return
	case err != nil:
		h.askSignIn(w, r, http.StatusForbidden, here, signInData{Back: d.To}, err)
		return
	case a.In != nil:
		h.letIn(w, r, here, a.In)
	}
	w.Header().Set("Refresh", "0; url="+d.To)
	h.renderDoor(w, r, http.StatusOK, "arrived", "ui.sign-in", here, d)
}
