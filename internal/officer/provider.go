package officer

import (
	"slices"
	"time"
)

// Kinds of ceremony with a provider.
const (
	forProvider = "provider" // the browser is at the provider
	forLink     = "link"     // the provider said who it is, and the officer has not said yes
)

// Flow is a sign-in at an OpenID provider that a browser has begun: secrets that are
// good once, and where it goes on afterwards.
type Flow struct {
	State, Nonce, Verifier string
	Back                   string
	// Session is that of the officer who wants to link the account, "" for signing in.
	Session string
}

// AskProvider begins a sign-in at a provider or, for who is signed in, the linking of an
// account.
func (r *Register) AskProvider(back string, s *Session, v Visitor) (Flow, error) {
	if !r.address.allow(place(v.From), r.Clock()) {
		return Flow{}, ErrSlow
	}
	f := Flow{Back: back}
	if s != nil {
		f.Session = s.ID
	}
	for _, secret := range []*string{&f.State, &f.Nonce, &f.Verifier} {
		var err error
		if *secret, err = newSecret(r.Rand); err != nil {
			return Flow{}, err
		}
	}
	r.waiting.begin(f.State, &ceremony{kind: forProvider, flow: f}, r.Clock())
	return f, nil
}

// Returned is the flow of a browser that has come back, once.
func (r *Register) Returned(state string, v Visitor) (Flow, error) {
	if !r.address.allow(place(v.From), r.Clock()) {
		return Flow{}, ErrSlow
	}
	x := r.waiting.take(state, forProvider, r.Clock())
	if x == nil {
		return Flow{}, ErrCode
	}
	return x.flow, nil
}

// Provided signs in the officer whose account a provider vouches for. Nobody becomes an
// officer by it, and it gives nobody a role. There is the session at the provider, "" if it names none. The second
// result is the officer's id, if it is known.
func (r *Register) Provided(account Identity, there string, v Visitor) (_ Entry, id string, err error) {
	o, err := r.first(func(o *Officer) bool { return o.Identity != nil && *o.Identity == account })
	if err != nil {
		return Entry{}, "", ErrUnbound
	}
	e, err := r.enter(o.ID, ByProvider, v, sessionThere(account.Issuer, there))
	return e, o.ID, err
}

// Offer keeps the account that an officer was at the provider with until they say that
// it is theirs, or for some minutes. Name is what the provider calls them.
func (r *Register) Offer(f Flow, id Identity, name string) {
	r.waiting.begin(forLink+" "+f.Session, &ceremony{kind: forLink, identity: id, how: name}, r.Clock())
}

// Offered is what [Register.Offer] has kept.
func (r *Register) Offered(s Session) (id Identity, name string, ok bool) {
	x := r.waiting.look(forLink+" "+s.ID, forLink, maxSetUpUse, r.Clock())
	if x == nil {
		return Identity{}, "", false
	}
	return x.identity, x.how, true
}

// Link binds the account that was offered to the officer whose session it is, if they
// say yes.
func (r *Register) Link(s Session, yes bool) error {
	x := r.waiting.take(forLink+" "+s.ID, forLink, r.Clock())
	switch {
	case x == nil:
		return ErrCode
	case !yes:
		return nil
	}
	return r.credential(s, r.binding(x.identity))
}

// binding gives an officer an account that nobody else has.
func (r *Register) binding(id Identity) func(*Officer) error {
	return func(o *Officer) error { // under the lock
		if slices.ContainsFunc(r.list, func(p Officer) bool { return p.ID != o.ID && p.Identity != nil && *p.Identity == id }) {
			return ErrTaken
		}
		o.Identity = &id
		return nil
	}
}

// Unlink takes the account at the provider away from who is signed in.
func (r *Register) Unlink(s Session) error { return r.credential(s, unbind) }

func unbind(o *Officer) error {
	switch {
	case o.Identity == nil:
		return ErrNone
	case o.Password == nil && len(o.Passkeys) == 0:
		return ErrLast
	}
	o.Identity = nil
	return nil
}

// Bind gives an officer an account at a provider, as an administrator says; nil takes it
// away. Their sessions end. Who had a one-time code signs in with the account instead.
func (r *Register) Bind(id string, account *Identity) (Officer, error) {
	o, err := r.change(id, func(o *Officer) error {
		if account == nil {
			return unbind(o)
		}
		if o.State == Invited {
			o.State, o.Invitation = Active, nil
		}
		return r.binding(*account)(o)
	})
	if err != nil {
		return o, err
	}
	return o, r.Sessions.EndOf(id, "")
}

// sessionThere is what is kept of the name of a session at a provider, which may be of any length.
func sessionThere(issuer, id string) Digest {
	if id == "" {
		return Digest{}
	}
	return digestOf(issuer + "\n" + id)
}

// later is how much later than a provider tells of a sign-out a session has to have begun to be another one: clocks differ.
const later = 5 * time.Minute

// SignedOut ends the sessions here that came of a session at a provider, or of any of somebody's there; subject or session is ""
// where the provider does not say. Of who signed in here without the provider nothing ends, and nothing of what began after it.
// A session of which it is not known what it came of ends with any of its officer's.
func (r *Register) SignedOut(issuer, subject, session string, at time.Time) ([]Session, error) {
	of := map[string]bool{} // officers by id
	for _, o := range r.List() {
		of[o.ID] = o.Identity != nil && o.Identity.Issuer == issuer && (subject == "" || o.Identity.Subject == subject)
	}
	there := sessionThere(issuer, session)
	return r.Sessions.endIf(func(s *Session) bool {
		if s.How != ByProvider || !of[s.Officer] || s.Begun.After(at.Add(later)) {
			return false
		}
		if session == "" || s.There == (Digest{}) && subject != "" {
			return true
		}
		return s.There == there
	})
}

// Tells asks whether somebody may tell of a sign-out at the provider: who told many that were none has to wait. Who tells of
// those that were some never has.
func (r *Register) Tells(v Visitor) error {
	if !r.teller.may(place(v.From), r.Clock()) {
		return ErrSlow
	}
	return nil
}

// ToldWrong counts what somebody told that was none.
func (r *Register) ToldWrong(v Visitor) { r.teller.allow(place(v.From), r.Clock()) }
