package node

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"entente/internal/officer"
	"entente/internal/openid"
)

// ProviderConfig is the OpenID Connect provider of the organisation, at which officers may
// sign in that were made and bound here.
type ProviderConfig struct {
	Name   string `yaml:"name"`      // on the button; default: the host of the issuer
	Issuer string `yaml:"issuer"`    // to the byte as its metadata says it
	Client string `yaml:"client_id"` // of this node
	// SecretFile holds the client's secret; "" is a public client. It is read at each sign-in.
	SecretFile string   `yaml:"secret_file"`
	Scopes     []string `yaml:"scopes"` // default openid, profile
	// ACR and AMR are what shows a second factor: one of each list has to be in the ID token.
	ACR []string `yaml:"acr"`
	AMR []string `yaml:"amr"`
	// AnyFactor takes whatever the provider takes for signing in, be it a password alone.
	AnyFactor bool `yaml:"any_factor"`
}

// callbackPath is where browsers come back to from the provider; the address with it is registered there.
const callbackPath = "/sign-in/provider/callback"

const maxProviderList = 16 // scopes, acr, amr: each

func (c *ProviderConfig) check(origin string) error {
	bad := func(why, next string) error { return badInput("sign_in.provider cannot be used.", why, next) }
	switch {
	case origin == "":
		return bad("A provider sends browsers back to sign_in.origin, which is not there.", "Name the address as browsers show it in sign_in.origin, and register it with "+callbackPath+" at the provider.")
	case c.Client == "" || len(c.Client) > 255:
		return bad("client_id is missing or too long.", "Register this node at the provider, and name the client id that it gave.")
	case utf8.RuneCountInString(c.Name) > 60:
		return bad("The name is too long.", "Give it at most 60 characters.")
	case max(len(c.Scopes), len(c.ACR), len(c.AMR)) > maxProviderList:
		return bad(fmt.Sprintf("scopes, acr and amr have at most %d values each.", maxProviderList), "Leave out what is not needed.")
	case len(c.Scopes) > 0 && !slices.Contains(c.Scopes, "openid"):
		return bad("The scopes are without openid.", "Add it: without it a provider says nothing of who somebody is.")
	case slices.ContainsFunc(slices.Concat(c.Scopes, c.ACR, c.AMR), func(s string) bool { return s == "" || len(s) > 255 || strings.ContainsAny(s, " \t\n") }):
		return bad("A value of scopes, acr or amr is empty, too long or has a space in it.", "Write one value a line.")
	case len(c.ACR) == 0 && len(c.AMR) == 0 && !c.AnyFactor:
		return bad("It is not said what shows a second factor.", "Name what the provider puts into ID tokens for it, as in amr: [mfa] or acr: [\"2\"]; or say any_factor: true, and whatever signs in there signs in here.")
	}
	if err := openid.Check(c.Issuer); err != nil {
		return bad("issuer: "+err.Error()+".", "Give it to the byte as the provider's metadata says it, with https.")
	}
	return nil
}

// openProvider makes the client of the provider, if there is one.
func (n *Node) openProvider() {
	c := n.config.SignIn.Provider
	if c == nil {
		return
	}
	o := openid.Config{Issuer: c.Issuer, Client: c.Client, Redirect: n.config.SignIn.Origin + callbackPath, Scopes: c.Scopes, ACR: c.ACR, AMR: c.AMR, Clock: n.now}
	if len(o.Scopes) == 0 {
		o.Scopes = []string{"openid", "profile"}
	}
	if c.SecretFile != "" {
		o.Secret = func() (string, error) {
			secret, err := n.at.secretFile(c.SecretFile)
			return string(secret), err
		}
	}
	n.provider = openid.New(o)
}

// Provider is what the provider is called where officers can sign in at one; "" is nowhere.
func (d *Door) Provider() string {
	switch c := d.n.config.SignIn.Provider; {
	case c == nil:
		return ""
	case c.Name != "":
		return c.Name
	default:
		return strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(c.Issuer, "https://"), "http://"), "/")
	}
}

var errNoProvider = &Error{Code: CodeNotFound, Status: http.StatusNotFound, What: "No provider is configured.", Next: "Sign in otherwise; docs/operations.md says how a provider is configured."}

// providerError puts an error of package openid into words.
func (n *Node) providerError(err error) error {
	var refused *openid.Refused
	is := func(e error) bool { return errors.Is(err, e) }
	const otherwise = "Try again, or sign in otherwise."
	var e *Error
	switch {
	case err == nil:
		return nil
	case is(openid.ErrBusy):
		return officerError(officer.ErrSlow)
	case is(openid.ErrDown):
		e = &Error{Code: "provider-down", Status: http.StatusBadGateway, What: "The provider cannot be asked.", Why: "It does not answer, or not as a provider does.", Next: otherwise + " The node's log says more."}
	case is(openid.ErrAnswer):
		e = &Error{Code: "provider-answer", Status: http.StatusForbidden, What: "What the provider answered does not hold.", Why: "It could not be verified as an answer to this sign-in.", Next: otherwise + " The node's log says more."}
	case is(openid.ErrFactor):
		e = &Error{Code: "provider-factor", Status: http.StatusForbidden, What: "The provider does not say that a second factor was used.", Why: "Nobody comes in here with a password alone.", Next: "Sign in there with a second factor, or sign in otherwise."}
	case errors.As(err, &refused):
		e = &Error{Code: "provider-refused", Status: http.StatusForbidden, What: "The provider did not sign in.", Why: refused.Code, Next: otherwise}
	default:
		return err
	}
	n.opts.Log.Warn("signing in at the provider failed", "code", e.Code, "err", err)
	e.Err = err
	return e
}

// begin sends a browser to the provider. The state is for a cookie of the browser: only the one that has it may come back.
func (d *Door) begin(ctx context.Context, back string, s *officer.Session, v Visitor) (to, state string, err error) {
	if d.n.provider == nil {
		return "", "", errNoProvider
	}
	f, err := d.n.officers.AskProvider(back, s, v.officer())
	if err != nil {
		return "", "", officerError(err)
	}
	to, err = d.n.provider.Begin(ctx, openid.Flow{State: f.State, Nonce: f.Nonce, Verifier: f.Verifier})
	return to, f.State, d.n.providerError(err)
}

// AskProvider begins to sign in at the provider; afterwards the browser goes on to back.
func (d *Door) AskProvider(ctx context.Context, back string, v Visitor) (to, state string, err error) {
	if to, state, err = d.begin(ctx, back, nil, v); err != nil {
		d.refused(Grant{}, Deed{Action: "sign-in", Ref: officer.ByProvider, From: v.From, Err: err})
	}
	return to, state, err
}

// AskLink begins to link the account at the provider of who is signed in.
func (d *Door) AskLink(ctx context.Context, g Grant, back string, v Visitor) (to, state string, err error) {
	s, err := d.fresh(g)
	if err != nil {
		return "", "", err
	}
	return d.begin(ctx, back, &s, v)
}

// Returned is what a browser brought back from the provider.
type Returned struct {
	State, Code, Error, Issuer string
}

// Arrived is a browser that has come back from the provider.
type Arrived struct {
	In   *Entered // nil: nobody has come in
	Back string   // where it goes on to
	// Linking says that the officer was signed in and wants to link an account, which waits for their yes ([Door.Link]).
	Linking bool
}

// Provided lets in whom the provider vouches for. What it returns is good beside an error, too.
func (d *Door) Provided(ctx context.Context, x Returned, v Visitor) (a Arrived, err error) {
	if d.n.provider == nil {
		return a, errNoProvider
	}
	f, err := d.n.officers.Returned(x.State, v.officer())
	if err = officerError(err); err != nil {
		d.refused(Grant{}, Deed{Action: "sign-in", Ref: officer.ByProvider, From: v.From, Err: err})
		return a, err
	}
	a.Back, a.Linking = f.Back, f.Session != ""
	who, err := d.n.provider.End(ctx, openid.Flow{State: f.State, Nonce: f.Nonce, Verifier: f.Verifier}, openid.Answer{Code: x.Code, Error: x.Error, Issuer: x.Issuer})
	if err = d.n.providerError(err); err != nil {
		d.refused(Grant{}, Deed{Action: "sign-in", Ref: officer.ByProvider, From: v.From, Err: err})
		return a, err
	}
	account := officer.Identity{Issuer: d.n.config.SignIn.Provider.Issuer, Subject: who.Subject}
	if a.Linking {
		d.n.officers.Offer(f, account, who.Name)
		return a, nil
	}
	e, id, err := d.n.officers.Provided(account, who.Session, v.officer())
	if errors.Is(err, officer.ErrUnbound) {
		err = &Error{Code: "not-bound", Status: http.StatusForbidden, What: "No officer here has this account.", Why: "At the provider you are " + who.Subject + ".",
			Next: "Sign in otherwise and link the account on your own page, or ask an administrator: entente officer bind NAME --subject " + who.Subject}
		d.refused(Grant{}, Deed{Action: "sign-in", Ref: officer.ByProvider + " " + who.Subject, From: v.From, Err: err})
		return a, err
	}
	a.In, err = d.entered("sign-in", e, id, nil, v, err)
	return a, err
}

// Offered is an account at the provider that waits for an officer's yes.
type Offered struct{ Issuer, Subject, Name string }

// Who is the account for people to read: what the provider calls them, where it says so, and the subject.
func (o Offered) Who() string {
	if o.Name == "" {
		return o.Subject
	}
	return o.Name + " (" + o.Subject + ")"
}

// Offered is the account that waits for who is signed in, nil if none does.
func (d *Door) Offered(g Grant) *Offered {
	_, s, err := d.own(g)
	if err != nil {
		return nil
	}
	id, name, ok := d.n.officers.Offered(s)
	if !ok {
		return nil
	}
	return &Offered{Issuer: id.Issuer, Subject: id.Subject, Name: name}
}

// Link links the account that waits, or forgets it.
func (d *Door) Link(g Grant, yes bool, v Visitor) error {
	ref := ""
	if x := d.Offered(g); x != nil {
		ref = x.Subject
	}
	action := "link-provider"
	if !yes {
		action = "not-link-provider"
	}
	return d.change(g, v, action, ref, func(s officer.Session) error {
		return accountError(officerError, d.n.officers.Link(s, yes))
	})
}

// Unlink takes the account at the provider away from who is signed in.
func (d *Door) Unlink(g Grant, v Visitor) error {
	return d.change(g, v, "unlink-provider", "", d.n.officers.Unlink)
}

// SignedOutAt is where who signed in at the provider can sign out there, too; "" is nowhere.
func (d *Door) SignedOutAt(ctx context.Context) string {
	if d.n.provider == nil {
		return ""
	}
	return d.n.provider.SignOut(ctx)
}

// OfficerBindRequest names an officer, by id or sign-in name, and who they are at the provider of the
// configuration: the sub that it puts into ID tokens.
type OfficerBindRequest struct {
	Officer string `json:"officer"`
	Subject string `json:"subject"`
}

// BindOfficer gives an officer an account at the provider. Their sessions end, and a one-time code that
// they have is used up by it.
func (n *Node) BindOfficer(ctx context.Context, r OfficerBindRequest) (*OfficerResponse, error) {
	c := n.config.SignIn.Provider
	if c == nil {
		return nil, errNoProvider
	}
	return n.eachOfficer(ctx, OfficerRequest{Officer: r.Officer}, func(id string) (officer.Officer, error) {
		o, err := n.officers.Bind(id, &officer.Identity{Issuer: c.Issuer, Subject: r.Subject})
		return o, accountError(officerInput, err)
	})
}

// accountError says of an account that is taken whose it is not, and of other errors what words says.
func accountError(words func(error) error, err error) error {
	if errors.Is(err, officer.ErrTaken) {
		return conflict("account-taken", "Another officer has this account.", "An account at the provider lets in one officer.", "See 'entente officer list', and 'entente officer unbind NAME'.")
	}
	return words(err)
}

// UnbindOfficer takes the account at a provider away from an officer. Their sessions end.
func (n *Node) UnbindOfficer(ctx context.Context, r OfficerRequest) (*OfficerResponse, error) {
	return n.eachOfficer(ctx, r, func(id string) (officer.Officer, error) { return n.officers.Bind(id, nil) })
}

// provider looks at what officers need who sign in at a provider.
func (d *doctor) provider() {
	if d.config == nil {
		return // it cannot be read, which is said
	}
	issuer := ""
	if p := d.config.SignIn.Provider; p != nil {
		issuer = p.Issuer
		if p.SecretFile != "" {
			if _, err := d.at.secretFile(p.SecretFile); err != nil {
				d.found(DoctorFinding{Rank: RankRisk, Kind: "sign-in", What: "The client secret for the provider " + p.Issuer + " cannot be read: " + err.Error() + ".", Means: "Nobody can sign in there.",
					Next: "Put the secret that the provider gave into the file that sign_in.provider.secret_file names."})
			}
		}
	}
	list, _ := officer.Read(d.at.fs, d.at.dir) // a file that cannot be read is said of the file
	var lost []string
	for _, o := range list {
		if o.State == officer.Active && o.Identity != nil && o.Identity.Issuer != issuer && o.Password == nil && len(o.Passkeys) == 0 {
			lost = append(lost, o.Name)
		}
	}
	if len(lost) > 0 {
		d.found(DoctorFinding{Rank: RankRisk, Kind: "sign-in", What: fmt.Sprintf("%d officers can sign in at a provider only that the configuration does not name: %.200s.", len(lost), strings.Join(lost, ", ")),
			Means: "They cannot sign in.", Next: "Name their provider in sign_in.provider, bind them to the one that is named, or give each a new one-time code.", Commands: []string{d.entente("officer reset " + lost[0])}})
	}
}
