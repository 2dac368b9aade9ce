package web

import (
	"crypto/sha256"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"entente/internal/lang"
	"entente/internal/node"
)

// granted is what the session of a request lets do: of an officer, or of a token.
func (h *handler) granted(r *http.Request, cookie string, byHand bool) (node.Grant, bool) {
	if h.Door != nil {
		if c, err := r.Cookie(cookie); err == nil {
			if g, ok := h.Door.Session(c.Value, byHand); ok {
				return g, g.May(node.ScopeRead)
			}
		}
	}
	if !h.tokens() {
		return node.Grant{}, false
	}
	return h.sessions.look(r, cookie, h.node.GrantOf, byHand)
}

// tokens tells whether bearer tokens sign in.
func (h *handler) tokens() bool { return h.Door == nil || h.Door.Tokens() }

// signInData is what the sign-in page shows.
type signInData struct {
	Back     string // where to go afterwards
	Name     string // as it was typed
	Ticket   string // of the second step
	Officers bool   // there are some
	Passkeys bool
	Provider string // what the provider is called; "" is none
	Tokens   bool
}

// askSignIn shows the sign-in page.
func (h *handler) askSignIn(w http.ResponseWriter, r *http.Request, status int, here *node.HereResponse, d signInData, problem ...error) {
	d.Tokens = h.tokens()
	if h.Door != nil {
		d.Officers, d.Passkeys, d.Provider = h.Door.Officers(), h.Door.Passkeys(r.Host), h.Door.Provider()
	}
	h.renderDoor(w, r, status, "signin", "ui.sign-in", here, d, problem...)
}

// renderDoor shows a page to somebody who is not signed in, with why the step before
// it was refused.
func (h *handler) renderDoor(w http.ResponseWriter, r *http.Request, status int, name, key string, here *node.HereResponse, d any, problem ...error) {
	p := &page{Key: key, Public: true, Node: here, Data: d}
	for _, err := range problem {
		f := failureOf(err)
		h.logFailure(r, f, err)
		p.Problem, status = &f, f.Status
	}
	h.render(w, r, status, name, p)
}

// whoAsks is the browser of a request. A proxy on this machine says whom it speaks for.
func whoAsks(r *http.Request, cookie string) node.Visitor {
	v := node.Visitor{From: r.RemoteAddr, Agent: r.UserAgent(), Host: r.Host}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	if a, err := netip.ParseAddr(host); err == nil && a.IsLoopback() {
		if lines := r.Header.Values("X-Forwarded-For"); len(lines) > 0 {
			list := strings.Split(lines[len(lines)-1], ",")
			if a, err := netip.ParseAddr(strings.TrimSpace(list[len(list)-1])); err == nil {
				v.From = a.String()
			}
		}
	}
	if c, err := r.Cookie(cookie + deviceSuffix); err == nil && len(c.Value) < 100 {
		v.Device = c.Value
	}
	return v
}

// deviceSuffix is behind the name of the cookie of a browser that signed in before.
const deviceSuffix = "_device"

func setCookie(w http.ResponseWriter, r *http.Request, name, value string, life time.Duration) {
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: isSecure(r), MaxAge: int(life / time.Second)})
}

// letIn gives the browser what it needs to be known as an officer's.
func (h *handler) letIn(w http.ResponseWriter, r *http.Request, here *node.HereResponse, e *node.Entered) {
	cookie := cookieName(here.Party)
	setCookie(w, r, cookie, e.Secret, node.SessionLife)
	if e.Device != "" {
		setCookie(w, r, cookie+deviceSuffix, e.Device, node.DeviceLife)
	}
	if c, ok := lang.Known(e.Language); ok { // the officer's own choice, whoever used the browser before
		keepLanguage(w, r, cookie+languageSuffix, c)
	}
}

// atDoor is a step of somebody who is not signed in: it reads the form first.
func (h *handler) atDoor(step func(http.ResponseWriter, *http.Request, *node.HereResponse, node.Visitor)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		here, err := h.node.Here(r.Context())
		if err != nil {
			h.fail(w, r, nil, err)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if err := r.ParseForm(); err != nil {
			h.fail(w, r, nil, badForm(err))
			return
		}
		step(w, r, here, whoAsks(r, cookieName(here.Party)))
	}
}

// doorRoutes are the addresses of people who are not signed in.
func (h *handler) doorRoutes(mux *http.ServeMux) {
	if h.Door == nil {
		return
	}
	mux.HandleFunc("POST /sign-in/second", h.atDoor(h.second))
	mux.HandleFunc("GET /set-up", h.atDoor(h.setUp))
	mux.HandleFunc("POST /set-up", h.atDoor(h.setUp))
	mux.HandleFunc("POST /set-up/password", h.atDoor(h.setUpPassword))
	h.passkeyRoutes(mux)
	h.providerRoutes(mux)
}

// signIn is the form of the sign-in page: name and password, or a token.
func (h *handler) signIn(w http.ResponseWriter, r *http.Request) {
	h.atDoor(func(w http.ResponseWriter, r *http.Request, here *node.HereResponse, v node.Visitor) {
		if h.Door == nil || r.PostForm.Has("token") {
			h.enter(w, r, r.PostForm.Get("token"))
			return
		}
		d := signInData{Back: sanePath(r.PostForm.Get("back")), Name: r.PostForm.Get("name")}
		ticket, err := h.Door.Password(r.Context(), d.Name, r.PostForm.Get("password"), v)
		if err != nil {
			h.askSignIn(w, r, http.StatusUnauthorized, here, d, err)
			return
		}
		d.Ticket = ticket
		h.renderDoor(w, r, http.StatusOK, "second", "ui.sign-in", here, d)
	})(w, r)
}

// second is the form of the second step.
func (h *handler) second(w http.ResponseWriter, r *http.Request, here *node.HereResponse, v node.Visitor) {
	d := signInData{Back: sanePath(r.PostForm.Get("back")), Ticket: r.PostForm.Get("ticket")}
	e, err := h.Door.Second(d.Ticket, r.PostForm.Get("code"), v)
	if err != nil {
		if f := failureOf(err); f.Code == "bad-code" || f.Code == "disabled" {
			h.askSignIn(w, r, http.StatusUnauthorized, here, d, err)
			return
		}
		h.renderDoor(w, r, http.StatusUnauthorized, "second", "ui.sign-in", here, d, err)
		return
	}
	h.letIn(w, r, here, e)
	http.Redirect(w, r, d.Back, http.StatusSeeOther)
}

// enter begins a session for a good token and goes on to a page without the
// token in its address.
func (h *handler) enter(w http.ResponseWriter, r *http.Request, token string) {
	here, err := h.node.Here(r.Context())
	if err != nil {
		h.fail(w, r, nil, err)
		return
	}
	back := "/"
	if r.Method == http.MethodPost {
		back = sanePath(r.PostForm.Get("back"))
	}
	token = strings.TrimSpace(token)
	g, ok := node.Grant{}, false
	if len(token) <= 1024 && h.tokens() {
		g, ok = h.node.GrantOf(sha256.Sum256([]byte(token)))
	}
	ok = ok && g.May(node.ScopeRead)
	if h.Door != nil {
		h.Door.Token(g, ok, whoAsks(r, ""))
	}
	if !ok {
		h.Log.Warn("sign-in refused", "from", r.RemoteAddr)
		h.askSignIn(w, r, http.StatusUnauthorized, here, signInData{Back: back}, &node.Error{Code: "wrong-token", Status: http.StatusUnauthorized, What: "This is not a token that opens the pages.",
			Why: "It is not known, has run out, was revoked or has not the scope read; or tokens do not sign in here.", Next: "'entente init' showed one, and 'entente token new --scope read' makes another."})
		return
	}
	secret, err := h.sessions.begin(token, whoAsks(r, ""))
	if err != nil {
		h.fail(w, r, nil, err)
		return
	}
	setCookie(w, r, cookieName(here.Party), secret, sessionLife)
	h.language(w, r) // the address may choose one, and is left behind
	http.Redirect(w, r, back, http.StatusSeeOther)
}

func (h *handler) signOut(w http.ResponseWriter, r *http.Request) {
	here, err := h.node.Here(r.Context())
	if err != nil {
		h.fail(w, r, nil, err)
		return
	}
	name := cookieName(here.Party)
	elsewhere := ""
	if c, err := r.Cookie(name); err == nil && h.Door != nil && h.Door.SignOut(c.Value, whoAsks(r, name)) {
		elsewhere = h.Door.SignedOutAt(r.Context())
	}
	h.sessions.end(r, name)
	setCookie(w, r, name, "", -time.Second)
	if elsewhere != "" {
		h.renderDoor(w, r, http.StatusOK, "signedout", "ui.signed-out", here, providerData{Name: h.Door.Provider(), To: elsewhere})
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// setUpData is what the pages of setting up show.
type setUpData struct {
	*node.Setting // nil before the code is known
	Passkeys      bool
	Codes         []string // recovery codes, on their own page
	Back          string
}

func (h *handler) renderSetUp(w http.ResponseWriter, r *http.Request, here *node.HereResponse, x *node.Setting, problem ...error) {
	h.renderDoor(w, r, http.StatusOK, "setup", "ui.set-up", here, setUpData{Setting: x, Passkeys: h.Door.Passkeys(r.Host)}, problem...)
}

// setUp asks for the one-time code, and with it for a credential. The code is never in
// an address.
func (h *handler) setUp(w http.ResponseWriter, r *http.Request, here *node.HereResponse, v node.Visitor) {
	if r.Method != http.MethodPost {
		h.renderSetUp(w, r, here, nil)
		return
	}
	x, err := h.Door.SetUp(r.PostForm.Get("code"), v)
	if err != nil {
		h.renderSetUp(w, r, here, nil, err)
		return
	}
	h.renderSetUp(w, r, here, x)
}

func (h *handler) setUpPassword(w http.ResponseWriter, r *http.Request, here *node.HereResponse, v node.Visitor) {
	ticket := r.PostForm.Get("ticket")
	var e *node.Entered
	err := samePassword(r)
	if err == nil {
		e, err = h.Door.SetUpPassword(r.Context(), ticket, r.PostForm.Get("password"), r.PostForm.Get("code"), v)
	}
	if err != nil {
		x, gone := h.Door.Setting(ticket)
		if gone != nil {
			x = nil
		}
		h.renderSetUp(w, r, here, x, err)
		return
	}
	h.letIn(w, r, here, e)
	h.renderDoor(w, r, http.StatusOK, "codes", "ui.recovery-codes", here, setUpData{Codes: e.Recovery, Back: "/"})
}

func samePassword(r *http.Request) error {
	if r.PostForm.Get("password") != r.PostForm.Get("again") {
		return &node.Error{Code: "weak-password", Status: http.StatusBadRequest, What: "The passwords are not the same.", Next: "Type the same one twice."}
	}
	return nil
}
