package node

import (
	"context"
	"errors"
	"net/http"
	"time"

	"entente/internal/officer"
	"entente/internal/openid"
)

// logoutPath is where the provider tells who is signed out there; the address with it is registered there as the
// backchannel_logout_uri.
const logoutPath = "/sign-in/provider/logout"

// logoutError puts what is wrong with a logout token into words.
func (n *Node) logoutError(err error) error {
	is := func(e error) bool { return errors.Is(err, e) }
	var e *Error
	switch {
	case is(openid.ErrReplay):
		e = conflict("replayed", "This logout token came before.", "Each is good once.", "Make a new one.")
	case is(openid.ErrAnswer):
		e = &Error{Code: "provider-answer", Status: http.StatusBadRequest, What: "This logout token does not hold.", Why: "It could not be verified as one of the provider, for this node and of now.", Next: "The node's log says more."}
	case is(openid.ErrDown):
		e = &Error{Code: "provider-down", Status: http.StatusBadGateway, What: "The provider cannot be asked for its keys.", Why: "Without them a logout token is anybody's.", Next: "Send it again."}
	case is(openid.ErrBusy), is(officer.ErrSlow):
		return officerError(officer.ErrSlow)
	default:
		return err
	}
	e.Err = err
	return e
}

// ProviderSignsOut ends the sessions of whom the provider has signed out, by a logout token that somebody sent in its name (OpenID
// Connect Back-Channel Logout 1.0). It tells how many ended; that there were none is no error.
func (d *Door) ProviderSignsOut(ctx context.Context, token string, v Visitor) (ended int, err error) {
	if d.n.provider == nil {
		return 0, errNoProvider
	}
	refused := func(err error) error {
		d.refused(Grant{}, Deed{Action: "sign-out", Ref: officer.ByProvider, From: v.From, Err: err})
		return err
	}
	if err := d.n.officers.Tells(v.officer()); err != nil {
		return 0, refused(d.n.logoutError(err))
	}
	x, err := d.n.provider.SignedOut(ctx, token)
	if err != nil {
		if errors.Is(err, openid.ErrAnswer) || errors.Is(err, openid.ErrReplay) {
			d.n.officers.ToldWrong(v.officer())
		}
		d.n.opts.Log.Warn("what was told of a sign-out at the provider is not believed", "from", v.From, "err", err)
		return 0, refused(d.n.logoutError(err))
	}
	now := d.n.now()
	d.n.toldOut.Store(&now)
	list, err := d.n.officers.SignedOut(d.n.config.SignIn.Provider.Issuer, x.Subject, x.Session, x.At)
	for _, s := range list {
		d.n.Record(d.known(s.Officer), Deed{Action: "sign-out", Ref: officer.ByProvider + " " + s.ID, From: v.From, Err: err})
	}
	if len(list) == 0 {
		d.refused(Grant{}, Deed{Action: "sign-out", Ref: officer.ByProvider + " " + x.Subject, From: v.From, Err: err})
	}
	return len(list), err
}

// ProviderResponse is the provider at which officers may sign in, with what has to be registered there.
type ProviderResponse struct {
	Name     string `json:"name"`
	Issuer   string `json:"issuer"`
	Client   string `json:"client_id"`
	Redirect string `json:"redirect_uri"`
	Logout   string `json:"backchannel_logout_uri"`
	// Answers says that the provider can be asked, and what follows what it says of itself: whether it tells of those who
	// are signed out there, and whether of single sessions.
	Answers  bool `json:"answers"`
	Tells    bool `json:"backchannel_logout_supported"`
	Sessions bool `json:"backchannel_logout_session_supported"`
	// Told is when it last told of a sign-out, since this node started.
	Told time.Time `json:"told,omitzero"`
}

// SignInProvider is the provider at which officers may sign in.
func (n *Node) SignInProvider(ctx context.Context) (*ProviderResponse, error) {
	if n.provider == nil {
		return nil, errNoProvider
	}
	out := n.Door().ToldBy()
	x := n.provider.Tells(ctx)
	out.Answers, out.Tells, out.Sessions = x.Known, x.Logout, x.Sessions
	return out, ctx.Err()
}

// ToldBy is [Node.SignInProvider] without asking the provider; nil: there is none.
func (d *Door) ToldBy() *ProviderResponse {
	c := d.n.config.SignIn.Provider
	if c == nil {
		return nil
	}
	origin := d.n.config.SignIn.Origin
	out := &ProviderResponse{Name: d.Provider(), Issuer: c.Issuer, Client: c.Client, Redirect: origin + callbackPath, Logout: origin + logoutPath}
	if at := d.n.toldOut.Load(); at != nil {
		out.Told = *at
	}
	return out
}
