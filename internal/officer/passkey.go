package officer

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
)

// Passkey is a credential of WebAuthn (Level 3) that its authenticator can find by
// itself and uses only after it has verified the person.
type Passkey struct {
	ID        []byte    `json:"id"`
	Name      string    `json:"name"` // what the officer calls it
	Key       []byte    `json:"key"`  // COSE
	Count     uint32    `json:"count"`
	Flags     byte      `json:"flags"`
	Transport []string  `json:"transport,omitempty"`
	Created   time.Time `json:"created"`
	Used      time.Time `json:"used,omitzero"`
}

const maxKeyBytes = 2048 // of a passkey's id, and of its public key

func (p *Passkey) check() error {
	if len(p.ID) == 0 || len(p.ID) > maxKeyBytes || len(p.Key) == 0 || len(p.Key) > maxKeyBytes || p.Created.IsZero() || len(p.Transport) > 8 {
		return errors.New("a passkey is not whole")
	}
	return printable("the name of a passkey", p.Name, false)
}

// Site is where the pages are, as the browser sees it: WebAuthn ties a passkey to it.
type Site struct {
	Domain string // a name, never an address
	Origin string // https://name, or http://localhost:port
	Party  string // what the authenticator shows
}

func (s Site) relying() (*webauthn.WebAuthn, error) {
	return webauthn.New(&webauthn.Config{RPID: s.Domain, RPDisplayName: s.Party, RPOrigins: []string{s.Origin},
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: protocol.ResidentKeyRequired(), UserVerification: protocol.VerificationRequired}})
}

// person is an officer as the library asks for one.
type person struct{ o *Officer }

func (p person) WebAuthnID() []byte          { return p.o.Handle }
func (p person) WebAuthnName() string        { return p.o.Name }
func (p person) WebAuthnDisplayName() string { return p.o.Display }

func (p person) WebAuthnCredentials() []webauthn.Credential {
	var out []webauthn.Credential
	for _, k := range p.o.Passkeys {
		c := webauthn.Credential{ID: k.ID, PublicKey: k.Key, Flags: webauthn.NewCredentialFlags(protocol.AuthenticatorFlags(k.Flags)),
			Authenticator: webauthn.Authenticator{SignCount: k.Count}}
		for _, t := range k.Transport {
			c.Transport = append(c.Transport, protocol.AuthenticatorTransport(t))
		}
		out = append(out, c)
	}
	return out
}

// AskPasskey begins to sign in with a passkey, whoever it is; the answer is for the
// browser.
func (r *Register) AskPasskey(site Site, v Visitor) (*protocol.CredentialAssertion, error) {
	if !r.address.allow(place(v.From), r.Clock()) {
		return nil, ErrSlow
	}
	w, err := site.relying()
	if err != nil {
		return nil, err
	}
	ask, session, err := w.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return nil, err
	}
	session.Expires = time.Time{} // the ceremony ends by the register's clock
	r.waiting.begin(session.Challenge, &ceremony{kind: forPasskey, session: session}, r.Clock())
	return ask, nil
}

// Passkey begins the session of whose passkey answered. The id is the officer's, if it
// is known.
func (r *Register) Passkey(site Site, answer []byte, v Visitor) (_ Entry, id string, err error) {
	if !r.address.allow(place(v.From), r.Clock()) {
		return Entry{}, "", ErrSlow
	}
	w, err := site.relying()
	if err != nil {
		return Entry{}, "", err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return Entry{}, "", errPasskey(err)
	}
	x := r.waiting.take(parsed.Response.CollectedClientData.Challenge, forPasskey, r.Clock())
	if x == nil {
		return Entry{}, "", ErrCode
	}
	var found Officer
	_, c, err := w.ValidatePasskeyLogin(func(_, handle []byte) (webauthn.User, error) {
		o, err := r.first(func(o *Officer) bool { return bytes.Equal(o.Handle, handle) })
		if err != nil {
			return nil, err
		}
		found = o
		return person{&found}, nil
	}, *x.session, parsed)
	if err != nil {
		return Entry{}, found.ID, errPasskey(err)
	}
	// What was verified is compared again under the lock: a counter that did not go up
	// means that somebody has a copy (section 6.1.1).
	_, err = r.change(found.ID, func(o *Officer) error {
		i := slices.IndexFunc(o.Passkeys, func(k Passkey) bool { return bytes.Equal(k.ID, c.ID) })
		if i < 0 || o.State != Active {
			return ErrWrong
		}
		k := &o.Passkeys[i]
		now := parsed.Response.AuthenticatorData.Counter
		if (now != 0 || k.Count != 0) && now <= k.Count {
			return ErrCloned
		}
		k.Count, k.Flags, k.Used = now, byte(c.Flags.ProtocolValue()), r.Clock().UTC().Truncate(time.Second)
		return nil
	})
	if err != nil {
		return Entry{}, found.ID, err
	}
	e, err := r.enter(found.ID, "passkey", v, Digest{})
	return e, found.ID, err
}

// ErrCloned: a passkey's counter did not go up, so that there may be a copy of it.
var ErrCloned = errors.New("officer: the counter of the passkey did not go up")

// AskNewPasskey begins to make a passkey for who is signed in.
func (r *Register) AskNewPasskey(site Site, s Session) (*protocol.CredentialCreation, error) {
	o, err := r.Find(s.Officer)
	if err != nil {
		return nil, err
	}
	return r.askKey(site, &o, &ceremony{kind: forKey, officer: o.ID})
}

// AskFirstPasskey is [Register.AskNewPasskey] for an officer who sets up credentials.
func (r *Register) AskFirstPasskey(site Site, ticket string) (*protocol.CredentialCreation, error) {
	o, x, err := r.setting(ticket)
	if err != nil {
		return nil, err
	}
	return r.askKey(site, &o, &ceremony{kind: forKey, officer: o.ID, how: x.how})
}

func (r *Register) askKey(site Site, o *Officer, x *ceremony) (*protocol.CredentialCreation, error) {
	if len(o.Passkeys) >= maxPasskeys {
		return nil, ErrFull
	}
	w, err := site.relying()
	if err != nil {
		return nil, err
	}
	p := person{o}
	ask, session, err := w.BeginRegistration(p, webauthn.WithExclusions(webauthn.Credentials(p.WebAuthnCredentials()).CredentialDescriptors()))
	if err != nil {
		return nil, err
	}
	session.Expires = time.Time{}
	x.session = session
	r.waiting.begin(session.Challenge, x, r.Clock())
	return ask, nil
}

// newKey verifies a passkey that a browser has made.
func (r *Register) newKey(site Site, answer []byte, name string, of func(*ceremony) bool) (*ceremony, Passkey, error) {
	w, err := site.relying()
	if err != nil {
		return nil, Passkey{}, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return nil, Passkey{}, errPasskey(err)
	}
	x := r.waiting.take(parsed.Response.CollectedClientData.Challenge, forKey, r.Clock())
	if x == nil || !of(x) {
		return nil, Passkey{}, ErrCode
	}
	o, err := r.Find(x.officer)
	if err != nil {
		return nil, Passkey{}, err
	}
	c, err := w.CreateCredential(person{&o}, *x.session, parsed)
	if err != nil {
		return nil, Passkey{}, errPasskey(err)
	}
	k := Passkey{ID: c.ID, Name: name, Key: c.PublicKey, Count: c.Authenticator.SignCount, Flags: byte(c.Flags.ProtocolValue()), Created: r.Clock().UTC().Truncate(time.Second)}
	for _, t := range c.Transport {
		if len(k.Transport) < 8 {
			k.Transport = append(k.Transport, detail(string(t)))
		}
	}
	return x, k, nil
}

// addKey gives an officer a passkey that nobody has yet. Ids of passkeys are unique in
// a register, as the specification asks (section 7.1).
func addKey(o *Officer, k Passkey, known bool) error {
	if known {
		return ErrTaken
	}
	if len(o.Passkeys) >= maxPasskeys {
		return ErrFull
	}
	o.Passkeys = append(o.Passkeys, k)
	return nil
}

func (r *Register) knownKey(id []byte) bool {
	_, err := r.first(func(o *Officer) bool {
		return slices.ContainsFunc(o.Passkeys, func(k Passkey) bool { return bytes.Equal(k.ID, id) })
	})
	return err == nil
}

// AddPasskey keeps a passkey that the browser of who is signed in has made.
func (r *Register) AddPasskey(site Site, s Session, answer []byte, name string) error {
	_, k, err := r.newKey(site, answer, name, func(x *ceremony) bool { return x.officer == s.Officer && x.how == "" })
	if err != nil {
		return err
	}
	known := r.knownKey(k.ID)
	return r.credential(s, func(o *Officer) error { return addKey(o, k, known) })
}

// SetUpPasskey sets a passkey as the first credential of an invited officer and signs
// them in.
func (r *Register) SetUpPasskey(site Site, ticket string, answer []byte, name string, v Visitor) (Entry, error) {
	o, _, err := r.setting(ticket)
	if err != nil {
		return Entry{}, err
	}
	x, k, err := r.newKey(site, answer, name, func(x *ceremony) bool { return x.officer == o.ID && x.how != "" })
	if err != nil {
		return Entry{}, err
	}
	known := r.knownKey(k.ID)
	if err := r.setUp(x, func(o *Officer) error { return addKey(o, k, known) }); err != nil {
		return Entry{}, err
	}
	r.waiting.take(ticket, forSetUp, r.Clock())
	return r.enter(o.ID, "set-up", v, Digest{})
}

// RemovePasskey takes a passkey away from who is signed in, unless it is the last way
// to sign in.
func (r *Register) RemovePasskey(s Session, id []byte) error {
	return r.credential(s, func(o *Officer) error {
		i := slices.IndexFunc(o.Passkeys, func(k Passkey) bool { return bytes.Equal(k.ID, id) })
		if i < 0 {
			return ErrNone
		}
		if len(o.Passkeys) == 1 && o.Password == nil && o.Identity == nil {
			return ErrLast
		}
		o.Passkeys = slices.Delete(o.Passkeys, i, i+1)
		return nil
	})
}
