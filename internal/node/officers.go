package node

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"entente/internal/accord"
	"entente/internal/audit"
	"entente/internal/lang"
	"entente/internal/officer"
)

// scopesOf is what each role may do. Every role looks at everything but the audit log.
var scopesOf = map[officer.Role][]Scope{
	officer.Duty:          {ScopeRead, ScopeRequest},
	officer.Analyst:       {ScopeRead, ScopeIntel},
	officer.Liaison:       {ScopeRead, ScopeRequest, ScopeUnit},
	officer.Releaser:      {ScopeRead, ScopeRelease},
	officer.Auditor:       {ScopeRead, ScopeAudit},
	officer.Administrator: {ScopeRead, ScopeAdmin},
}

// Roles lists the roles that officers may have, in their order.
func Roles() []string { return roleNames(officer.Roles()) }

// ScopesOf is what officers with these roles may do, in the order of [Scopes].
func ScopesOf(roles []officer.Role) []Scope {
	var out []Scope
	for _, s := range Scopes() {
		if slices.ContainsFunc(roles, func(r officer.Role) bool { return slices.Contains(scopesOf[r], s) }) {
			out = append(out, s)
		}
	}
	return out
}

// OfficerView is an officer without credentials.
type OfficerView struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"` // typed in to sign in
	Display  string    `json:"display"`
	Agency   string    `json:"agency,omitempty"`
	Roles    []string  `json:"roles"`
	Scopes   []Scope   `json:"scopes"`
	Claims   []Claim   `json:"claims"` // in whose names they may act
	Language string    `json:"language,omitempty"`
	Zone     string    `json:"zone,omitempty"` // an IANA name or an offset; "" is that of the browser
	State    string    `json:"state"`          // invited, active, disabled
	Created  time.Time `json:"created"`
	// CodeUntil is when the one-time code runs out, while there is one.
	CodeUntil time.Time     `json:"code_until,omitzero"`
	Password  bool          `json:"password"`
	Second    bool          `json:"second_factor"`
	Recovery  int           `json:"recovery_codes"` // that are left
	Passkeys  []PasskeyView `json:"passkeys"`
	Provider  string        `json:"provider,omitempty"` // issuer, of who can sign in with OpenID Connect
	Subject   string        `json:"subject,omitempty"`  // who they are there
	Sessions  int           `json:"sessions"`           // that are live
}

// PasskeyView is a passkey by name.
type PasskeyView struct {
	ID      string    `json:"id"` // base64url
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
	Used    time.Time `json:"used,omitzero"`
}

// SessionView is a browser in which an officer is signed in.
type SessionView struct {
	ID      string    `json:"id"`
	Officer string    `json:"officer"`         // id; "" where a token signed in
	Token   string    `json:"token,omitempty"` // id of the token that signed in
	Name    string    `json:"name"`
	How     string    `json:"how"` // password, recovery, passkey, set-up, openid, token
	From    string    `json:"from,omitempty"`
	Agent   string    `json:"agent,omitempty"`
	Begun   time.Time `json:"begun"`
	Seen    time.Time `json:"seen"`
	Ends    time.Time `json:"ends"` // at the latest
	Here    bool      `json:"here,omitempty"`
}

// OfficerNewRequest makes an officer.
type OfficerNewRequest struct {
	Name     string   `json:"name"`
	Display  string   `json:"display,omitempty"`
	Agency   string   `json:"agency,omitempty"`
	Roles    []string `json:"roles"`
	Claims   []Claim  `json:"claims,omitempty"`
	Language string   `json:"language,omitempty"`
	Zone     string   `json:"zone,omitempty"` // an IANA name or an offset such as +05:30
}

// OfficerReadsRequest changes how an officer reads the pages. What is nil stays; "" is what the browser asks for.
type OfficerReadsRequest struct {
	Officer  string  `json:"officer"`
	Language *string `json:"language,omitempty"`
	Zone     *string `json:"zone,omitempty"` // an IANA name or an offset such as +05:30
}

// OfficerCodeResponse carries a one-time code, which is shown this once.
type OfficerCodeResponse struct {
	DryRun  bool        `json:"dry_run,omitempty"` // nothing was changed, and there is no code
	Ends    *Ends       `json:"ends,omitempty"`    // of who starts anew
	Officer OfficerView `json:"officer"`
	Code    string      `json:"code"`
	Path    string      `json:"path"`           // of the page where it is used
	Link    string      `json:"link,omitempty"` // the whole address, where the configuration says how browsers see the pages
}

// OfficerRequest names an officer by id or sign-in name.
type OfficerRequest struct {
	Officer string `json:"officer"`
}

// OfficerEndRequest names an officer, by id or sign-in name, whom something is taken away from. A dry run says what, and
// takes nothing.
type OfficerEndRequest struct {
	Officer string `json:"officer"`
	DryRun  bool   `json:"dry_run,omitempty"`
}

// Ends is what ends with somebody's access, and what does not.
type Ends struct {
	Sessions []SessionView `json:"sessions"` // end at once
	// Held are acts that they prepared and that wait for a second person. They stay: another may still release them, so what must
	// not leave has to be rejected.
	Held []HeldBrief `json:"held"`
}

// HeldBrief is an act that waits, by name.
type HeldBrief struct {
	ID      string    `json:"id"`
	Kind    string    `json:"kind"` // of its entries
	At      time.Time `json:"at"`
	Expires time.Time `json:"expires"`
}

// OfficerRolesRequest replaces the roles of an officer, or the claims, or both.
type OfficerRolesRequest struct {
	Officer string   `json:"officer"`
	Roles   []string `json:"roles,omitempty"`
	Claims  []Claim  `json:"claims,omitempty"`
	// NoClaims takes all claims away.
	NoClaims bool `json:"no_claims,omitempty"`
}

// OfficerResponse is an officer as they now stand.
type OfficerResponse struct {
	DryRun  bool        `json:"dry_run,omitempty"` // nothing was changed
	Ends    *Ends       `json:"ends,omitempty"`    // of who is disabled
	Officer OfficerView `json:"officer"`
}

// OfficerListResponse lists the officers, the oldest first.
type OfficerListResponse struct {
	Officers []OfficerView `json:"officers"`
}

// SessionListRequest names an officer by id or sign-in name; nobody is everybody.
type SessionListRequest struct {
	Officer string `json:"officer,omitempty"`
}

// SessionListResponse lists sessions, the newest first.
type SessionListResponse struct {
	Sessions []SessionView `json:"sessions"`
}

// SessionEndRequest ends a session by its id, or all of an officer.
type SessionEndRequest struct {
	ID      string `json:"id,omitempty"`
	Officer string `json:"officer,omitempty"`
	DryRun  bool   `json:"dry_run,omitempty"`
}

// SessionEndResponse says what has ended, or would.
type SessionEndResponse struct {
	DryRun bool          `json:"dry_run,omitempty"`
	Ended  []SessionView `json:"ended"`
}

const (
	officersLost     = "The node does not start: it is not known who may sign in, and who was disabled."
	officersLostNext = "Remove it, and make the officers again with 'entente officer new'; tokens stay good, and so does the audit log. A backup does not hold it."
	sessionsLostNext = "Remove it: everybody signs in again."
)

// openOfficers opens who works here, and the log of what they do.
func (n *Node) openOfficers() error {
	o := officer.Options{FS: n.at.fs, Clock: n.now, Rand: n.opts.Rand}
	var err error
	if n.officers, err = officer.Open(n.at.dir, o); err != nil {
		next := officersLostNext
		if strings.Contains(err.Error(), officer.SessionsPath(n.at.dir)) {
			next = sessionsLostNext
		}
		return &Error{Code: CodeDamaged, Status: http.StatusInternalServerError, What: "The officers of this node cannot be read.", Why: err.Error() + ".", Next: next, Err: err}
	}
	n.openProvider()
	n.tallies = newTallies()
	if n.audit, err = audit.Open(audit.Dir(n.at.dir), n.at.fs, n.now); err != nil {
		return &Error{Code: CodeDamaged, Status: http.StatusInternalServerError, What: "The audit log cannot be opened.", Why: err.Error() + ".",
			Next: "See to it that the node may write its folder audit; see 'entente doctor'.", Err: err}
	}
	if d := n.audit.Damage(); d != nil {
		n.opts.Log.Error("the audit log is broken; it goes on in a new file", "file", d.File, "line", d.Line, "why", d.Why)
	}
	return nil
}

// officerError puts an error of package officer into words.
func officerError(err error) error {
	is := func(e error) bool { return errors.Is(err, e) }
	switch {
	case err == nil:
		return nil
	case is(officer.ErrNone):
		return notFound("There is no such officer, session or passkey.", "List them with 'entente officer list' and 'entente officer sessions'.")
	case is(officer.ErrTaken):
		return conflict("taken", "This name is taken.", "Two officers cannot have one sign-in name, nor two one passkey.", "Choose another one.")
	case is(officer.ErrFull):
		return conflict("too-many", "There are too many.", "Officers, and the passkeys of each, are bounded (docs/limits.md).", "Remove some first.")
	case is(officer.ErrLast):
		return conflict("last-credential", "This is the last way to sign in.", "Without it the officer would be locked out.", "Add a passkey first, or ask an administrator for a reset.")
	case is(officer.ErrCode):
		return &Error{Code: "bad-code", Status: http.StatusForbidden, What: "This is not good, or not any more.", Why: "One-time codes are good once and for a time.", Next: "Begin again; for a new code ask an administrator ('entente officer reset NAME')."}
	case is(officer.ErrSlow):
		return &Error{Code: "slow-down", Status: http.StatusTooManyRequests, What: "There were too many tries.", Why: "How often somebody may try is bounded.", Next: "Wait a minute; from a browser that was signed in before, and with a passkey, it goes on at once."}
	case is(officer.ErrCloned):
		return &Error{Code: "cloned-passkey", Status: http.StatusForbidden, What: "The passkey is not taken.", Why: "Its counter did not go up: there may be a copy of it.", Next: "Sign in otherwise, remove the passkey and make a new one; tell an administrator."}
	case is(officer.ErrDisabled):
		return &Error{Code: "disabled", Status: http.StatusForbidden, What: "This officer is disabled.", Next: "An administrator can change that: 'entente officer enable NAME'."}
	case is(officer.ErrWrong):
		return &Error{Code: "wrong-credentials", Status: http.StatusUnauthorized, What: "Name, password or code is not right.", Why: "Which of them is not said.", Next: "Try again."}
	case is(officer.ErrShortPassword), is(officer.ErrLongPassword), is(officer.ErrBadPassword):
		return &Error{Code: "weak-password", Status: http.StatusBadRequest, What: "This password cannot be used.", Why: "It has 12 characters at least, 256 bytes at most, and is not the sign-in name.", Next: "A sentence of some words is a good one."}
	case is(officer.ErrNoSecond):
		return conflict("no-second-factor", "There is no second factor yet.", "A password alone does not let in.", "Set up the second factor first.")
	}
	return err
}

func (n *Node) officerView(o officer.Officer) OfficerView {
	v := OfficerView{ID: o.ID, Name: o.Name, Display: o.Display, Agency: o.Agency, Roles: roleNames(o.Roles), Scopes: ScopesOf(o.Roles), Claims: claimsOf(o.Claims), Language: o.Language, Zone: o.Zone,
		State: string(o.State), Created: o.Created, Password: o.Password != nil, Second: o.TOTP != nil, Recovery: len(o.Recovery), Passkeys: []PasskeyView{}, Sessions: len(n.officers.Sessions.List(o.ID))}
	if o.Invitation != nil {
		v.CodeUntil = o.Invitation.Expires
	}
	if o.Identity != nil {
		v.Provider, v.Subject = o.Identity.Issuer, o.Identity.Subject
	}
	for _, k := range o.Passkeys {
		v.Passkeys = append(v.Passkeys, PasskeyView{ID: base64.RawURLEncoding.EncodeToString(k.ID), Name: k.Name, Created: k.Created, Used: k.Used})
	}
	return v
}

func roleNames(roles []officer.Role) []string {
	out := []string{}
	for _, r := range officer.Roles() {
		if slices.Contains(roles, r) {
			out = append(out, string(r))
		}
	}
	return out
}

func claimsOf(list []officer.Claim) []Claim {
	out := []Claim{}
	for _, c := range list {
		out = append(out, Claim(c))
	}
	return out
}

// roles reads the names of roles, in any order.
func roles(names []string) ([]officer.Role, error) {
	var out []officer.Role
	for _, r := range officer.Roles() {
		if slices.Contains(names, string(r)) {
			out = append(out, r)
		}
	}
	if len(names) == 0 || len(out) != len(names) {
		return nil, badInput("The roles cannot be read.", fmt.Sprintf("There are %s, each once, and these are %.200q.", strings.Join(roleNames(officer.Roles()), ", "), names), "Name one or more of them.")
	}
	return out, nil
}

func officerClaims(list []Claim) []officer.Claim {
	var out []officer.Claim
	for _, c := range list {
		out = append(out, officer.Claim(c))
	}
	return out
}

// NewOfficer makes an officer with a one-time code, with which they set up how they
// sign in.
func (n *Node) NewOfficer(ctx context.Context, r OfficerNewRequest) (*OfficerCodeResponse, error) {
	rs, err := roles(r.Roles)
	if err != nil {
		return nil, err
	}
	if err := readable(r.Language, r.Zone); err != nil {
		return nil, err
	}
	o, code, err := n.officers.New(officer.Officer{Name: r.Name, Display: r.Display, Agency: r.Agency, Roles: rs, Claims: officerClaims(r.Claims), Language: r.Language, Zone: r.Zone})
	if err != nil {
		return nil, officerInput(err)
	}
	return n.codeOf(o, code), ctx.Err()
}

// readable tells why an officer cannot read in a language, or in a time zone; of both "" is good.
func readable(tag, zone string) error {
	if _, ok := lang.Known(tag); tag != "" && !ok {
		return badInput("There are no texts in this language.", "There are "+strings.Join(lang.Tags(), ", ")+".", "Name one of them, or none.")
	}
	if _, err := accord.Zone(zone); zone != "" && err != nil {
		return badInput("This time zone is not known here.", err.Error()+".", "Name one of the IANA database, such as Asia/Kolkata, or an offset such as +05:30.")
	}
	return nil
}

func said(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// OfficerReads changes in which language and time zone an officer reads the pages. It holds from their next page on; a
// language from when they sign in next.
func (n *Node) OfficerReads(ctx context.Context, r OfficerReadsRequest) (*OfficerResponse, error) {
	o, err := n.officers.Find(r.Officer)
	if err != nil {
		return nil, officerError(err)
	}
	if r.Language == nil && r.Zone == nil {
		return nil, badInput("Nothing is to be changed.", "Neither language nor time zone is named.", "Name one of them, or both.")
	}
	if o, err = n.setReads(o.ID, r.Language, r.Zone); err != nil {
		return nil, err
	}
	return &OfficerResponse{Officer: n.officerView(o)}, ctx.Err()
}

// setReads keeps how an officer reads; what is nil stays.
func (n *Node) setReads(id string, tag, zone *string) (officer.Officer, error) {
	if err := readable(said(tag), said(zone)); err != nil {
		return officer.Officer{}, err
	}
	kept, err := n.officers.Change(id, func(o *officer.Officer) {
		if tag != nil {
			o.Language = *tag
		}
		if zone != nil {
			o.Zone = *zone
		}
	})
	return kept, officerInput(err)
}

// officerInput says of an error that is in no table that what was said of an officer cannot be
// kept.
func officerInput(err error) error {
	out := officerError(err)
	var known *Error
	if out == nil || errors.As(out, &known) || StorageError(err) != nil {
		return out
	}
	return badInput("The officer cannot be kept like this.", err.Error()+".", "Correct it; 'entente officer new --help' has examples.")
}

func (n *Node) codeOf(o officer.Officer, code string) *OfficerCodeResponse {
	res := &OfficerCodeResponse{Officer: n.officerView(o), Code: code, Path: "/set-up"}
	if n.config.SignIn.Origin != "" {
		res.Link = n.config.SignIn.Origin + res.Path
	}
	return res
}

// Officers lists the officers.
func (n *Node) Officers(ctx context.Context) (*OfficerListResponse, error) {
	res := &OfficerListResponse{Officers: []OfficerView{}}
	for _, o := range n.officers.List() {
		res.Officers = append(res.Officers, n.officerView(o))
	}
	return res, ctx.Err()
}

// Officer shows an officer.
func (n *Node) Officer(ctx context.Context, r OfficerRequest) (*OfficerResponse, error) {
	o, err := n.officers.Find(r.Officer)
	if err != nil {
		return nil, officerError(err)
	}
	return &OfficerResponse{Officer: n.officerView(o)}, ctx.Err()
}

// ChangeOfficer replaces what an officer may do. It holds from their next page on.
func (n *Node) ChangeOfficer(ctx context.Context, r OfficerRolesRequest) (*OfficerResponse, error) {
	o, err := n.officers.Find(r.Officer)
	if err != nil {
		return nil, officerError(err)
	}
	rs := o.Roles
	if len(r.Roles) > 0 {
		if rs, err = roles(r.Roles); err != nil {
			return nil, err
		}
	} else if len(r.Claims) == 0 && !r.NoClaims {
		return nil, badInput("Nothing is to be changed.", "Neither roles nor claims are named.", "Name the roles that the officer is to have from now on, all of them.")
	}
	o, err = n.officers.Change(o.ID, func(o *officer.Officer) {
		o.Roles = rs
		if len(r.Claims) > 0 || r.NoClaims {
			o.Claims = officerClaims(r.Claims)
		}
	})
	if err != nil {
		return nil, officerInput(err)
	}
	return &OfficerResponse{Officer: n.officerView(o)}, ctx.Err()
}

// DisableOfficer ends an officer's sessions and lets them in no more.
func (n *Node) DisableOfficer(ctx context.Context, r OfficerEndRequest) (*OfficerResponse, error) {
	o, err := n.officers.Find(r.Officer)
	if err != nil {
		return nil, officerError(err)
	}
	ends := n.endsOf(o)
	if r.DryRun {
		return &OfficerResponse{DryRun: true, Ends: ends, Officer: n.officerView(o)}, ctx.Err()
	}
	res, err := n.eachOfficer(ctx, OfficerRequest{Officer: o.ID}, n.officers.Disable)
	if res != nil {
		res.Ends = ends
	}
	return res, err
}

// endsOf is what ends with an officer's access.
func (n *Node) endsOf(o officer.Officer) *Ends {
	return &Ends{Sessions: n.sessionViews(n.officers.Sessions.List(o.ID)), Held: n.heldBy(Person{"officer", o.ID, o.Name})}
}

// heldBy are the acts that somebody prepared and that wait.
func (n *Node) heldBy(p Person) []HeldBrief {
	n.held.mu.Lock()
	defer n.held.mu.Unlock()
	out := []HeldBrief{}
	for _, h := range n.held.acts {
		if h.open() && h.Prepared.Kind == p.Kind && h.Prepared.ID == p.ID && n.now().Before(h.At.Add(heldLife)) {
			b := HeldBrief{ID: h.ID, At: h.At, Expires: h.At.Add(heldLife)}
			if len(h.Entries) > 0 {
				b.Kind = h.Entries[0].Kind
			}
			out = append(out, b)
		}
	}
	slices.SortFunc(out, func(a, b HeldBrief) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	return out
}

// EnableOfficer lets a disabled officer in again, with the credentials they had.
func (n *Node) EnableOfficer(ctx context.Context, r OfficerRequest) (*OfficerResponse, error) {
	return n.eachOfficer(ctx, r, n.officers.Enable)
}

func (n *Node) eachOfficer(ctx context.Context, r OfficerRequest, f func(string) (officer.Officer, error)) (*OfficerResponse, error) {
	o, err := n.officers.Find(r.Officer)
	if err == nil {
		o, err = f(o.ID)
	}
	if err != nil {
		return nil, officerError(err)
	}
	return &OfficerResponse{Officer: n.officerView(o)}, ctx.Err()
}

// ResetOfficer takes credentials and sessions of an officer away and makes a new
// one-time code.
func (n *Node) ResetOfficer(ctx context.Context, r OfficerEndRequest) (*OfficerCodeResponse, error) {
	o, err := n.officers.Find(r.Officer)
	if err != nil {
		return nil, officerError(err)
	}
	ends := n.endsOf(o)
	if r.DryRun {
		return &OfficerCodeResponse{DryRun: true, Ends: ends, Officer: n.officerView(o), Path: "/set-up"}, ctx.Err()
	}
	o, code, err := n.officers.Reset(o.ID)
	if err != nil {
		return nil, officerError(err)
	}
	res := n.codeOf(o, code)
	res.Ends = ends
	return res, ctx.Err()
}

func (n *Node) sessionViews(list []officer.Session) []SessionView {
	out := []SessionView{}
	names := map[string]string{}
	for _, o := range n.officers.List() {
		names[o.ID] = o.Name
	}
	for _, s := range list {
		out = append(out, SessionView{ID: s.ID, Officer: s.Officer, Name: names[s.Officer], How: s.How, From: s.From, Agent: s.Agent, Begun: s.Begun, Seen: s.Seen, Ends: s.Begun.Add(officer.SessionLife)})
	}
	return out
}

// OfficerSessions lists who is signed in.
func (n *Node) OfficerSessions(ctx context.Context, r SessionListRequest) (*SessionListResponse, error) {
	id := ""
	if r.Officer != "" {
		o, err := n.officers.Find(r.Officer)
		if err != nil {
			return nil, officerError(err)
		}
		id = o.ID
	}
	res := &SessionListResponse{Sessions: n.sessionViews(n.officers.Sessions.List(id))}
	if id == "" {
		res.Sessions = append(res.Sessions, n.byTokens()...)
		slices.SortStableFunc(res.Sessions, func(a, b SessionView) int { return b.Begun.Compare(a.Begun) })
	}
	return res, ctx.Err()
}

// TokenSessions are the sessions of pages that tokens began. They are in memory, at the pages; a restart ends them.
type TokenSessions interface {
	// List returns those whose tokens are still good.
	List() []SessionView
	// End ends one by its id. It reports whether there was one.
	End(id string) bool
}

// byTokens are the sessions that tokens began.
func (n *Node) byTokens() []SessionView {
	if s := n.pageSessions.Load(); s != nil {
		return (*s).List()
	}
	return nil
}

// EndSession signs an officer out: of one browser, or of all.
func (n *Node) EndSession(ctx context.Context, r SessionEndRequest) (*SessionEndResponse, error) {
	switch {
	case (r.ID == "") == (r.Officer == ""):
		return nil, badInput("It is not said which session is to end.", "Either a session is named, or an officer.", "Name one of them; 'entente officer sessions' lists them.")
	case r.ID != "":
		all := slices.Concat(n.sessionViews(n.officers.Sessions.List("")), n.byTokens())
		i := slices.IndexFunc(all, func(s SessionView) bool { return s.ID == r.ID })
		if i >= 0 && r.DryRun {
			return &SessionEndResponse{DryRun: true, Ended: all[i : i+1]}, ctx.Err()
		}
		if i >= 0 && all[i].Token != "" {
			if (*n.pageSessions.Load()).End(r.ID) {
				return &SessionEndResponse{Ended: all[i : i+1]}, ctx.Err()
			}
			return nil, officerError(officer.ErrNone)
		}
		if r.DryRun {
			return nil, officerError(officer.ErrNone)
		}
		s, err := n.officers.Sessions.End(r.ID, "")
		if err != nil {
			return nil, officerError(err)
		}
		return &SessionEndResponse{Ended: n.sessionViews([]officer.Session{s})}, ctx.Err()
	}
	o, err := n.officers.Find(r.Officer)
	if err != nil {
		return nil, officerError(err)
	}
	list := n.officers.Sessions.List(o.ID)
	if r.DryRun {
		return &SessionEndResponse{DryRun: true, Ended: n.sessionViews(list)}, ctx.Err()
	}
	if err := n.officers.Sessions.EndOf(o.ID, ""); err != nil {
		return nil, officerError(err)
	}
	return &SessionEndResponse{Ended: n.sessionViews(list)}, ctx.Err()
}

// grantOf is what an officer may do who is signed in.
func grantOf(o officer.Officer, s officer.Session) Grant {
	return Grant{ID: o.ID, Name: o.Name, Scopes: ScopesOf(o.Roles), Session: s.ID, Roles: slices.Clone(o.Roles), Claims: claimsOf(o.Claims), Zone: o.Zone}
}

// IsOfficer tells whether a person asks who is signed in, and not a token.
func (g Grant) IsOfficer() bool { return g.Session != "" }

// Acting is the claim that who asks acts under: the one that was chosen, else the only
// one. An officer acts under no claim that is not theirs, and brings no release of
// others: that is for a second officer. A token's claims are its bearer's to say.
func (g Grant) Acting(chosen Claim) (Acting, error) {
	if !g.IsOfficer() {
		return Acting{By: chosen}, nil
	}
	if chosen == (Claim{}) && len(g.Claims) == 1 {
		return Acting{By: g.Claims[0]}, nil
	}
	if !slices.Contains(g.Claims, chosen) {
		why := "The officer has several claims, and none of them was chosen."
		switch {
		case len(g.Claims) == 0:
			why = "The officer has no claim: no agency and role of the accord to act under."
		case chosen != Claim{}:
			why = fmt.Sprintf("%s:%s is none of the officer's claims.", chosen.Agency, chosen.Role)
		}
		return Acting{}, &Error{Code: "claim", Status: http.StatusForbidden, What: "It is not said in whose name this is done.", Why: why,
			Next: "Choose a claim; an administrator gives one with 'entente officer roles NAME --claim AGENCY:ROLE'."}
	}
	return Acting{By: chosen}, nil
}
