package officer

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Visitor is who asks: an address, a browser, and the secret that the browser was
// given when it signed in before.
type Visitor struct {
	From, Agent, Device string
}

// Entry is a session that has begun.
type Entry struct {
	Officer Officer
	Session Session
	Secret  string // of the session
	Device  string // for the browser to keep, "" if it has one: it has its own rate of tries from now on
}

// Kinds of ceremony.
const (
	forSecond   = "second"
	forPasskey  = "passkey"
	forSetUp    = "set-up"
	forKey      = "key" // a new passkey
	forNewTOTP  = "totp"
	maxSetUpUse = 50 // of one ceremony of setting up
)

// mayTry counts a try at an officer's credentials. The name counts whether it is known
// or not, so that it does not show.
func (r *Register) mayTry(name string, v Visitor) error {
	now := r.Clock()
	if o, err := r.Find(name); err == nil && o.knows(v) {
		if !r.device.allow(o.ID+v.Device, now) {
			return ErrSlow
		}
		return nil
	}
	if !r.address.allow(place(v.From), now) || !r.name.allow(FoldName(name), now) {
		return ErrSlow
	}
	return nil
}

// knows tells whether the officer signed in with this browser before.
func (o *Officer) knows(v Visitor) bool {
	return v.Device != "" && slices.ContainsFunc(o.Devices, digestOf(v.Device).is)
}

// Password looks at a name and a password. If they are right it returns a ticket, with
// which the second factor is asked for, and the officer's id; the id also if only the
// password was wrong.
func (r *Register) Password(ctx context.Context, name, password string, v Visitor) (ticket, id string, err error) {
	if len(name) > 4*maxName {
		name = ""
	}
	if err := r.mayTry(name, v); err != nil {
		return "", "", err
	}
	o, err := r.Find(name)
	var p *Password
	if err == nil {
		id = o.ID
		if o.State == Active && o.TOTP != nil {
			p = o.Password
		}
	}
	ok, err := r.hashing.matches(ctx, p, password)
	if err != nil {
		return "", id, err
	}
	if !ok {
		return "", id, ErrWrong
	}
	if ticket, err = newSecret(r.Rand); err != nil {
		return "", id, err
	}
	r.waiting.begin(ticket, &ceremony{kind: forSecond, officer: o.ID, how: "password"}, r.Clock())
	return ticket, id, nil
}

// Second begins the session of an officer whose password was right, with a code of the
// second factor or a recovery code. The id is the officer's, if the ticket was good.
func (r *Register) Second(ticket, code string, v Visitor) (_ Entry, id string, err error) {
	if !r.address.allow(place(v.From), r.Clock()) {
		return Entry{}, "", ErrSlow
	}
	x := r.waiting.look(ticket, forSecond, maxTries, r.Clock())
	if x == nil {
		return Entry{}, "", ErrCode
	}
	o, err := r.Find(x.officer)
	if err != nil {
		return Entry{}, "", ErrCode
	}
	key := o.ID
	if o.knows(v) {
		key += v.Device
	}
	if !r.second.allow(key, r.Clock()) {
		return Entry{}, o.ID, ErrSlow
	}
	how := x.how
	_, err = r.change(x.officer, func(o *Officer) error {
		if o.State != Active || o.TOTP == nil {
			return ErrWrong
		}
		if o.TOTP.take(code, r.Clock()) {
			return nil
		}
		d := digestOf(foldCode(code))
		if i := slices.IndexFunc(o.Recovery, d.is); i >= 0 {
			o.Recovery = slices.Delete(o.Recovery, i, i+1)
			how = "recovery"
			return nil
		}
		return ErrWrong
	})
	if err != nil {
		return Entry{}, x.officer, err
	}
	if r.waiting.take(ticket, forSecond, r.Clock()) == nil && x.tries < maxTries {
		return Entry{}, x.officer, ErrCode // it was used at the same moment
	}
	e, err := r.enter(x.officer, how, v, Digest{})
	return e, x.officer, err
}

// enter begins a session for an officer whose credentials were good. Who comes back from a provider does not show
// which browser it is (the cookie does not go with a request from there), and tries no passwords.
func (r *Register) enter(id, how string, v Visitor, there Digest) (Entry, error) {
	var e Entry
	device, err := newSecret(r.Rand)
	if err != nil {
		return e, err
	}
	known := false
	e.Officer, err = r.change(id, func(o *Officer) error {
		if o.State != Active {
			return ErrDisabled
		}
		if known = how == ByProvider || o.knows(v); known {
			return nil
		}
		if len(o.Devices) >= maxDevices {
			o.Devices = slices.Delete(o.Devices, 0, len(o.Devices)-maxDevices+1)
		}
		o.Devices = append(o.Devices, digestOf(device))
		return nil
	})
	if err != nil {
		return e, err
	}
	if !known {
		e.Device = device
	}
	e.Secret, e.Session, err = r.Sessions.Begin(id, how, v.From, v.Agent, there)
	return e, err
}

// Signed tells whose session a secret is of, while the officer may use it. What nobody
// asked for by hand does not keep a session from becoming idle.
func (r *Register) Signed(secret string, byHand bool) (Officer, Session, bool) {
	s, ok := r.Sessions.Find(secret, byHand)
	if !ok {
		return Officer{}, s, false
	}
	o, err := r.Find(s.Officer)
	return o, s, err == nil && o.State == Active
}

// SetUp begins to set up the credentials of the officer whose one-time code it is. The
// code stays good until a credential is set. With the ticket go the calls that set one;
// the second factor is for an app.
func (r *Register) SetUp(code string, v Visitor) (Officer, string, *TOTP, error) {
	now := r.Clock()
	if !r.address.allow(place(v.From), now) {
		return Officer{}, "", nil, ErrSlow
	}
	d := digestOf(foldCode(code))
	o, err := r.first(func(o *Officer) bool {
		return o.State == Invited && o.Invitation != nil && o.Invitation.Code.is(d) && now.Before(o.Invitation.Expires)
	})
	if err != nil {
		return o, "", nil, ErrCode
	}
	t, err := newTOTP(r.Rand)
	if err != nil {
		return o, "", nil, err
	}
	ticket, err := newSecret(r.Rand)
	if err != nil {
		return o, "", nil, err
	}
	r.waiting.begin(ticket, &ceremony{kind: forSetUp, officer: o.ID, how: code, totp: t}, now)
	return o, ticket, t, nil
}

// Setting is the officer and the second factor that a ticket of [Register.SetUp] is of.
func (r *Register) Setting(ticket string) (Officer, *TOTP, error) {
	o, x, err := r.setting(ticket)
	if err != nil {
		return o, nil, err
	}
	return o, x.totp, nil
}

func (r *Register) setting(ticket string) (Officer, *ceremony, error) {
	x := r.waiting.look(ticket, forSetUp, maxSetUpUse, r.Clock())
	if x == nil {
		return Officer{}, nil, ErrCode
	}
	o, err := r.Find(x.officer)
	if err != nil || o.State != Invited {
		return o, nil, ErrCode
	}
	return o, x, nil
}

// setUp sets the first credentials of an officer, whose code is used up by it.
func (r *Register) setUp(x *ceremony, f func(*Officer) error) error {
	_, err := r.change(x.officer, func(o *Officer) error {
		d := digestOf(foldCode(x.how))
		if o.State != Invited || o.Invitation == nil || !o.Invitation.Code.is(d) || !r.Clock().Before(o.Invitation.Expires) {
			return ErrCode
		}
		o.Invitation, o.State = nil, Active
		return f(o)
	})
	return err
}

// SetUpPassword sets password and second factor of an invited officer and signs them
// in. The recovery codes are told this once.
func (r *Register) SetUpPassword(ctx context.Context, ticket, password, code string, v Visitor) (Entry, []string, error) {
	o, x, err := r.setting(ticket)
	if err != nil {
		return Entry{}, nil, err
	}
	p, err := r.hashing.newPassword(ctx, r.Rand, o.Name, password)
	if err != nil {
		return Entry{}, nil, err
	}
	t := *x.totp
	if !t.take(code, r.Clock()) {
		return Entry{}, nil, ErrWrong
	}
	codes, kept, err := newRecovery(r.Rand)
	if err != nil {
		return Entry{}, nil, err
	}
	if err := r.setUp(x, func(o *Officer) error { o.Password, o.TOTP, o.Recovery = p, &t, kept; return nil }); err != nil {
		return Entry{}, nil, err
	}
	r.waiting.take(ticket, forSetUp, r.Clock())
	e, err := r.enter(o.ID, "set-up", v, Digest{})
	return e, codes, err
}

// ErrNoSecond: a password needs a second factor beside it.
var ErrNoSecond = errors.New("officer: there is no second factor yet")

// SetPassword gives an officer another password, or the first beside a passkey. Their
// other sessions end.
func (r *Register) SetPassword(ctx context.Context, s Session, current, password string) error {
	o, err := r.Find(s.Officer)
	if err != nil {
		return err
	}
	if !r.device.allow(o.ID, r.Clock()) {
		return ErrSlow
	}
	if o.TOTP == nil {
		return ErrNoSecond
	}
	if o.Password != nil {
		ok, err := r.hashing.matches(ctx, o.Password, current)
		if err != nil {
			return err
		}
		if !ok {
			return ErrWrong
		}
	}
	p, err := r.hashing.newPassword(ctx, r.Rand, o.Name, password)
	if err != nil {
		return err
	}
	return r.credential(s, func(o *Officer) error { o.Password = p; return nil })
}

// credential changes the credentials of who is signed in, and ends their other
// sessions.
func (r *Register) credential(s Session, f func(*Officer) error) error {
	if _, err := r.change(s.Officer, f); err != nil {
		return err
	}
	return r.Sessions.EndOf(s.Officer, s.ID)
}

// DropPassword takes password and second factor away from an officer who has a passkey.
func (r *Register) DropPassword(s Session) error {
	return r.credential(s, func(o *Officer) error {
		if len(o.Passkeys) == 0 {
			return ErrLast
		}
		o.Password, o.TOTP, o.Recovery = nil, nil, nil
		return nil
	})
}

// NewSecond begins to replace the second factor of an officer.
func (r *Register) NewSecond(s Session) (ticket string, t *TOTP, err error) {
	if t, err = newTOTP(r.Rand); err != nil {
		return "", nil, err
	}
	if ticket, err = newSecret(r.Rand); err != nil {
		return "", nil, err
	}
	r.waiting.begin(ticket, &ceremony{kind: forNewTOTP, officer: s.Officer, totp: t}, r.Clock())
	return ticket, t, nil
}

// SecondOf is the second factor of a ticket of [Register.NewSecond].
func (r *Register) SecondOf(s Session, ticket string) (*TOTP, error) {
	x := r.waiting.look(ticket, forNewTOTP, maxTries, r.Clock())
	if x == nil || x.officer != s.Officer {
		return nil, ErrCode
	}
	return x.totp, nil
}

// SetSecond replaces the second factor once the officer has shown that they have the
// new one. The recovery codes are replaced with it and told this once.
func (r *Register) SetSecond(s Session, ticket, code string) ([]string, error) {
	x := r.waiting.look(ticket, forNewTOTP, maxTries, r.Clock())
	if x == nil || x.officer != s.Officer {
		return nil, ErrCode
	}
	t := *x.totp
	if !t.take(code, r.Clock()) {
		return nil, ErrWrong
	}
	codes, kept, err := newRecovery(r.Rand)
	if err != nil {
		return nil, err
	}
	r.waiting.take(ticket, forNewTOTP, r.Clock())
	return codes, r.credential(s, func(o *Officer) error { o.TOTP, o.Recovery = &t, kept; return nil })
}

// NewRecovery replaces the recovery codes.
func (r *Register) NewRecovery(s Session) ([]string, error) {
	codes, kept, err := newRecovery(r.Rand)
	if err != nil {
		return nil, err
	}
	return codes, r.credential(s, func(o *Officer) error {
		if o.TOTP == nil {
			return ErrNoSecond
		}
		o.Recovery = kept
		return nil
	})
}

// errPasskey says that an answer of a browser is not what was asked for.
func errPasskey(err error) error { return fmt.Errorf("%w: %w", ErrWrong, err) }
