package node

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"entente/internal/officer"
	"entente/internal/peer/pairing"
)

// SignInConfig is how officers come into the pages.
type SignInConfig struct {
	// Origin is where browsers see the pages, as in https://entente.example. Passkeys are
	// tied to it; without it they work at http://localhost only.
	Origin string `yaml:"origin"`
	// Tokens says whether bearer tokens of the scope read sign in, too. Default true.
	Tokens *bool `yaml:"tokens"`
	// Provider is the organisation's, where officers may sign in, too.
	Provider *ProviderConfig `yaml:"provider"`
}

func (c *SignInConfig) check() error {
	if c.Provider != nil {
		if err := c.Provider.check(c.Origin); err != nil {
			return err
		}
	}
	if c.Origin == "" {
		return nil
	}
	u, err := url.Parse(c.Origin)
	if err != nil || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil || u.Scheme != "https" && !(u.Scheme == "http" && u.Hostname() == "localhost") ||
		net.ParseIP(u.Hostname()) != nil || strings.ToLower(c.Origin) != c.Origin {
		return badInput("sign_in.origin is no place of pages.", fmt.Sprintf("%.200q is not of the form https://NAME or https://NAME:PORT.", c.Origin), "Give the address as browsers show it, without a slash at the end; a name, since passkeys know no addresses.")
	}
	return nil
}

// Door is how people come into the pages and look after their own credentials. What
// happens at it is recorded in the audit log.
type Door struct{ n *Node }

// Door returns the door of the pages.
func (n *Node) Door() *Door { return &Door{n: n} }

// refused records a failure of somebody who is not in.
func (d *Door) refused(g Grant, x Deed) {
	d.n.recordPaced("stranger", d.n.tallies.strangers, g, x)
}

// Visitor is a browser that is at the door.
type Visitor struct {
	From   string // address
	Agent  string
	Host   string // that it asked for
	Device string // what it was given when it signed in before
}

func (v Visitor) officer() officer.Visitor {
	return officer.Visitor{From: v.From, Agent: v.Agent, Device: v.Device}
}

// Entered is who has come in.
type Entered struct {
	Grant    Grant
	Secret   string // of the session: for the browser's cookie
	Device   string // for another cookie, which outlives the session; "" if the browser has one
	Language string // that the officer wants; may be ""
	// Recovery are codes that stand in for the second factor, told this once.
	Recovery []string
}

// Tokens tells whether bearer tokens sign in.
func (d *Door) Tokens() bool {
	return d.n.config.SignIn.Tokens == nil || *d.n.config.SignIn.Tokens
}

// Keeps tells the node where the sessions are that tokens began.
func (d *Door) Keeps(s TokenSessions) { d.n.pageSessions.Store(&s) }

// Audited is [Node.Record] for acts in the pages.
func (d *Door) Audited(g Grant, x Deed) { d.n.Record(g, x) }

// Officers tells whether there is anybody but tokens who could sign in.
func (d *Door) Officers() bool { return len(d.n.officers.List()) > 0 }

// Passkeys tells whether passkeys work where the browser is.
func (d *Door) Passkeys(host string) bool {
	_, err := d.site(host)
	return err == nil
}

func (d *Door) site(host string) (officer.Site, error) {
	origin := d.n.config.SignIn.Origin
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	if origin == "" && name == "localhost" {
		return officer.Site{Domain: name, Origin: "http://" + host, Party: d.n.config.Name}, nil
	}
	if u, err := url.Parse(origin); err == nil && origin != "" && strings.EqualFold(u.Host, host) {
		return officer.Site{Domain: u.Hostname(), Origin: origin, Party: d.n.config.Name}, nil
	}
	return officer.Site{}, conflict("no-passkeys", "Passkeys do not work at this address.", "They are tied to the name that browsers see the pages under.", "Name it in the configuration (sign_in.origin), or use http://localhost on the machine itself.")
}

// Session is what the session of a secret lets do; what nobody asked for by hand does
// not prolong it.
func (d *Door) Session(secret string, byHand bool) (Grant, bool) {
	o, s, ok := d.n.officers.Signed(secret, byHand)
	if !ok {
		return Grant{}, false
	}
	return grantOf(o, s), true
}

// known is who a failed sign-in was about, for the audit log.
func (d *Door) known(id string) Grant {
	if o, err := d.n.officers.Find(id); id != "" && err == nil {
		return Grant{ID: o.ID, Name: o.Name, Roles: o.Roles, Session: "-"}
	}
	return Grant{}
}

// entered records and shapes what came of signing in.
func (d *Door) entered(action string, e officer.Entry, id string, recovery []string, v Visitor, err error) (*Entered, error) {
	g := d.known(id)
	err = officerError(err)
	if err != nil {
		d.refused(g, Deed{Action: action, From: v.From, Err: err})
		return nil, err
	}
	g = grantOf(e.Officer, e.Session)
	d.n.Record(g, Deed{Action: action, Ref: e.Session.How + " " + e.Session.ID, From: v.From})
	return &Entered{Grant: g, Secret: e.Secret, Device: e.Device, Language: e.Officer.Language, Recovery: recovery}, nil
}

// Password looks at name and password. The ticket is for [Door.Second].
func (d *Door) Password(ctx context.Context, name, password string, v Visitor) (ticket string, err error) {
	ticket, id, err := d.n.officers.Password(ctx, name, password, v.officer())
	if err = officerError(err); err != nil {
		d.refused(d.known(id), Deed{Action: "sign-in", Ref: "password", From: v.From, Err: err})
	}
	return ticket, err
}

// Second lets in whose password was right with the second factor or a recovery code.
func (d *Door) Second(ticket, code string, v Visitor) (*Entered, error) {
	e, id, err := d.n.officers.Second(ticket, strings.TrimSpace(code), v.officer())
	return d.entered("sign-in", e, id, nil, v, err)
}

// AskPasskey is what the browser needs to sign in with a passkey; it is JSON.
func (d *Door) AskPasskey(v Visitor) (any, error) {
	site, err := d.site(v.Host)
	if err != nil {
		return nil, err
	}
	ask, err := d.n.officers.AskPasskey(site, v.officer())
	return ask, officerError(err)
}

// Passkey lets in whose passkey answered.
func (d *Door) Passkey(answer []byte, v Visitor) (*Entered, error) {
	site, err := d.site(v.Host)
	if err != nil {
		return nil, err
	}
	e, id, err := d.n.officers.Passkey(site, answer, v.officer())
	return d.entered("sign-in", e, id, nil, v, err)
}

// Token says that somebody came in with a bearer token, or tried.
func (d *Door) Token(g Grant, ok bool, v Visitor) {
	x := Deed{Action: "sign-in", Ref: "token", From: v.From}
	if !ok {
		x.Err = officerError(officer.ErrWrong)
		d.refused(Grant{}, x)
		return
	}
	d.n.Record(g, x)
}

// SignOut ends a session, and tells whether the provider had vouched for it.
func (d *Door) SignOut(secret string, v Visitor) (provided bool) {
	o, s, ok := d.n.officers.Signed(secret, true)
	if !ok {
		return false
	}
	_, err := d.n.officers.Sessions.End(s.ID, o.ID)
	d.n.Record(grantOf(o, s), Deed{Action: "sign-out", Ref: s.ID, From: v.From, Err: officerError(err)})
	return s.How == officer.ByProvider
}

// Setting is what an officer needs who sets up how they sign in.
type Setting struct {
	Ticket  string // goes with what follows
	Officer OfficerView
	Secret  string // of the second factor, as it is typed in
	Picture []byte // the same for an app: a QR code, PNG
}

func (d *Door) setting(o officer.Officer, ticket string, t *officer.TOTP) (*Setting, error) {
	x := &Setting{Ticket: ticket, Officer: d.n.officerView(o), Secret: t.Text()}
	qr, err := pairing.PictureOf(t.URI(d.n.config.Name, o.Name))
	if err == nil {
		x.Picture, err = qr.PNG(4)
	}
	return x, err
}

// SetUp begins to set up credentials with a one-time code.
func (d *Door) SetUp(code string, v Visitor) (*Setting, error) {
	o, ticket, t, err := d.n.officers.SetUp(code, v.officer())
	if err = officerError(err); err != nil {
		d.refused(Grant{}, Deed{Action: "set-up", From: v.From, Err: err})
		return nil, err
	}
	return d.setting(o, ticket, t)
}

// Setting is what [Door.SetUp] gave, again.
func (d *Door) Setting(ticket string) (*Setting, error) {
	o, t, err := d.n.officers.Setting(ticket)
	if err != nil {
		return nil, officerError(err)
	}
	return d.setting(o, ticket, t)
}

// SetUpPassword sets password and second factor, and lets in.
func (d *Door) SetUpPassword(ctx context.Context, ticket, password, code string, v Visitor) (*Entered, error) {
	id := ""
	if o, _, err := d.n.officers.Setting(ticket); err == nil {
		id = o.ID
	}
	e, codes, err := d.n.officers.SetUpPassword(ctx, ticket, password, strings.TrimSpace(code), v.officer())
	return d.entered("set-up", e, id, codes, v, err)
}

// AskFirstPasskey is what the browser needs to make the first passkey.
func (d *Door) AskFirstPasskey(ticket string, v Visitor) (any, error) {
	site, err := d.site(v.Host)
	if err != nil {
		return nil, err
	}
	ask, err := d.n.officers.AskFirstPasskey(site, ticket)
	return ask, officerError(err)
}

// SetUpPasskey sets the first passkey, and lets in.
func (d *Door) SetUpPasskey(ticket, name string, answer []byte, v Visitor) (*Entered, error) {
	site, err := d.site(v.Host)
	if err != nil {
		return nil, err
	}
	id := ""
	if o, _, err := d.n.officers.Setting(ticket); err == nil {
		id = o.ID
	}
	e, err := d.n.officers.SetUpPasskey(site, ticket, answer, passkeyName(name), v.officer())
	return d.entered("set-up", e, id, nil, v, err)
}

func passkeyName(s string) string {
	if s = strings.TrimSpace(s); s == "" {
		return "passkey"
	}
	return s
}

// Profile is what an officer sees of themselves.
type Profile struct {
	Officer  OfficerView
	Sessions []SessionView
	// Fresh tells whether they signed in a moment ago, and here: only then credentials can be
	// changed.
	Fresh bool
	// Provided tells whether the provider vouched for them: it opens the door, and hands out no keys.
	Provided bool
	// Provider is where accounts can be linked, "" if nowhere; Offered is an account that waits for a yes.
	Provider string
	Offered  *Offered
}

// own is the session of who is signed in.
func (d *Door) own(g Grant) (officer.Officer, officer.Session, error) {
	o, err := d.n.officers.Find(g.ID)
	list := d.n.officers.Sessions.List(g.ID)
	i := slices.IndexFunc(list, func(s officer.Session) bool { return s.ID == g.Session })
	if !g.IsOfficer() || err != nil || i < 0 {
		return o, officer.Session{}, &Error{Code: "not-an-officer", Status: http.StatusNotFound, What: "There is nobody whose page this would be.", Why: "Who is signed in is a token, and no officer.", Next: "Sign in as an officer."}
	}
	return o, list[i], nil
}

// fresh is own for who signed in a moment ago.
func (d *Door) fresh(g Grant) (officer.Session, error) {
	_, s, err := d.own(g)
	if err == nil && s.How == officer.ByProvider {
		err = &Error{Code: "provider-session", Status: http.StatusForbidden, What: "Sign in without the provider first.", Why: "Who comes by the provider changes nothing of how officers sign in here: a fault of the provider would outlast its mending.",
			Next: "Sign in with a passkey or a password; who has none asks an administrator for a reset."}
	}
	if err == nil && !s.Fresh(d.n.now()) {
		err = &Error{Code: "sign-in-again", Status: http.StatusForbidden, What: "Sign in again first.", Why: "How somebody signs in can be changed for 15 minutes after signing in.", Next: "Sign out, sign in, and come back."}
	}
	return s, err
}

// Profile shows an officer their own page.
func (d *Door) Profile(g Grant) (*Profile, error) {
	o, s, err := d.own(g)
	if err != nil {
		return nil, err
	}
	p := &Profile{Officer: d.n.officerView(o), Sessions: d.n.sessionViews(d.n.officers.Sessions.List(o.ID)), Fresh: s.Fresh(d.n.now()) && s.How != officer.ByProvider,
		Provided: s.How == officer.ByProvider, Provider: d.Provider(), Offered: d.Offered(g)}
	for i := range p.Sessions {
		p.Sessions[i].Here = p.Sessions[i].ID == s.ID
	}
	return p, nil
}

// change does something to the credentials of who is signed in, and records it.
func (d *Door) change(g Grant, v Visitor, action, ref string, f func(officer.Session) error) error {
	s, err := d.fresh(g)
	if err == nil {
		err = officerInput(f(s))
	}
	d.n.Record(g, Deed{Action: "profile." + action, Ref: ref, From: v.From, Err: err})
	return err
}

// SetPassword replaces the officer's password.
func (d *Door) SetPassword(ctx context.Context, g Grant, current, password string, v Visitor) error {
	return d.change(g, v, "password", "", func(s officer.Session) error { return d.n.officers.SetPassword(ctx, s, current, password) })
}

// DropPassword takes password and second factor away from an officer with a passkey.
func (d *Door) DropPassword(g Grant, v Visitor) error {
	return d.change(g, v, "no-password", "", d.n.officers.DropPassword)
}

// SecondOf is what [Door.NewSecond] gave, again.
func (d *Door) SecondOf(g Grant, ticket string) (*Setting, error) {
	o, s, err := d.own(g)
	if err != nil {
		return nil, err
	}
	t, err := d.n.officers.SecondOf(s, ticket)
	if err != nil {
		return nil, officerError(err)
	}
	return d.setting(o, ticket, t)
}

// NewSecond begins to replace the second factor.
func (d *Door) NewSecond(g Grant) (*Setting, error) {
	s, err := d.fresh(g)
	if err != nil {
		return nil, err
	}
	o, err := d.n.officers.Find(g.ID)
	if err != nil {
		return nil, officerError(err)
	}
	ticket, t, err := d.n.officers.NewSecond(s)
	if err != nil {
		return nil, err
	}
	return d.setting(o, ticket, t)
}

// SetSecond replaces the second factor and the recovery codes, which are returned.
func (d *Door) SetSecond(g Grant, ticket, code string, v Visitor) (codes []string, err error) {
	err = d.change(g, v, "second-factor", "", func(s officer.Session) (err error) {
		codes, err = d.n.officers.SetSecond(s, ticket, strings.TrimSpace(code))
		return err
	})
	return codes, err
}

// NewRecovery replaces the recovery codes.
func (d *Door) NewRecovery(g Grant, v Visitor) (codes []string, err error) {
	err = d.change(g, v, "recovery-codes", "", func(s officer.Session) (err error) {
		codes, err = d.n.officers.NewRecovery(s)
		return err
	})
	return codes, err
}

// AskNewPasskey is what the browser needs to make another passkey.
func (d *Door) AskNewPasskey(g Grant, v Visitor) (any, error) {
	site, err := d.site(v.Host)
	if err != nil {
		return nil, err
	}
	s, err := d.fresh(g)
	if err != nil {
		return nil, err
	}
	ask, err := d.n.officers.AskNewPasskey(site, s)
	return ask, officerError(err)
}

// AddPasskey keeps another passkey.
func (d *Door) AddPasskey(g Grant, name string, answer []byte, v Visitor) error {
	site, err := d.site(v.Host)
	if err != nil {
		return err
	}
	name = passkeyName(name)
	return d.change(g, v, "add-passkey", name, func(s officer.Session) error { return d.n.officers.AddPasskey(site, s, answer, name) })
}

// RemovePasskey takes a passkey away.
func (d *Door) RemovePasskey(g Grant, id string, v Visitor) error {
	return d.change(g, v, "remove-passkey", id, func(s officer.Session) error {
		raw, err := base64.RawURLEncoding.DecodeString(id)
		if err != nil {
			return officer.ErrNone
		}
		return d.n.officers.RemovePasskey(s, raw)
	})
}

// EndSession ends one of the officer's own sessions, or, with "", all but this one.
func (d *Door) EndSession(g Grant, id string, v Visitor) error {
	_, s, err := d.own(g)
	switch {
	case err != nil:
	case id == "":
		err = officerError(d.n.officers.Sessions.EndOf(g.ID, s.ID))
	default:
		_, err = d.n.officers.Sessions.End(id, g.ID)
		err = officerError(err)
	}
	d.n.Record(g, Deed{Action: "profile.end-session", Ref: id, From: v.From, Err: err})
	return err
}

// SetLanguage keeps the language in which the officer reads the pages; "" is that which
// the browser asks for.
func (d *Door) SetLanguage(g Grant, tag string, v Visitor) error {
	err := d.setLanguage(g, tag)
	d.n.Record(g, Deed{Action: "profile.language", Ref: tag, From: v.From, Err: err})
	return err
}

func (d *Door) setLanguage(g Grant, tag string) error {
	if _, _, err := d.own(g); err != nil {
		return err
	}
	_, err := d.n.setReads(g.ID, &tag, nil)
	return err
}

// SetZone keeps the time zone in which the officer reads the pages; "" is that of the browser.
func (d *Door) SetZone(g Grant, zone string, v Visitor) error {
	err := d.setZone(g, zone)
	d.n.Record(g, Deed{Action: "profile.zone", Ref: zone, From: v.From, Err: err})
	return err
}

func (d *Door) setZone(g Grant, zone string) error {
	if _, _, err := d.own(g); err != nil {
		return err
	}
	_, err := d.n.setReads(g.ID, nil, &zone)
	return err
}

// SessionLife is how long a session lasts at most.
const SessionLife = officer.SessionLife

// DeviceLife is how long a browser is known that signed in.
const DeviceLife = 180 * 24 * time.Hour
