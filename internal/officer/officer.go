package officer

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Role is what an officer is here for. What each may do is for package node to say.
type Role string

// The roles, in their order.
const (
	Duty          Role = "duty"          // answers what comes in by the clock
	Analyst       Role = "analyst"       // imports, shares, decides on what arrived
	Liaison       Role = "liaison"       // deals with partners: units, accords, requests
	Releaser      Role = "release"       // releases or rejects what another officer prepared
	Auditor       Role = "auditor"       // reads, also the audit log
	Administrator Role = "administrator" // officers, tokens, keys, backups
)

// Roles lists all roles, in their order.
func Roles() []Role { return []Role{Duty, Analyst, Liaison, Releaser, Auditor, Administrator} }

// Claim is an agency and a role of the accord in whose name an officer may act.
type Claim struct {
	Agency string `json:"agency"`
	Role   string `json:"role"`
}

// State says whether an officer can sign in.
type State string

// The states of an officer.
const (
	Invited  State = "invited"  // has a one-time code and no credential yet
	Active   State = "active"   // can sign in
	Disabled State = "disabled" // cannot, and has no session
)

// Officer is one person. Of secrets it holds digests only, except for the secret of
// the second factor, which both sides have to know (RFC 6238).
type Officer struct {
	ID       string  `json:"id"`   // 12 hexadecimal digits, for good
	Name     string  `json:"name"` // what is typed in to sign in
	Display  string  `json:"display"`
	Agency   string  `json:"agency,omitempty"`
	Roles    []Role  `json:"roles"`
	Claims   []Claim `json:"claims,omitempty"`
	Language string  `json:"language,omitempty"`
	Zone     string  `json:"zone,omitempty"` // in which instants are told to them: an IANA name or an offset

	State      State       `json:"state"`
	Created    time.Time   `json:"created"`
	Handle     []byte      `json:"handle"` // of WebAuthn: 32 random bytes that name nobody
	Invitation *Invitation `json:"invitation,omitempty"`
	Password   *Password   `json:"password,omitempty"`
	TOTP       *TOTP       `json:"totp,omitempty"`
	Recovery   []Digest    `json:"recovery,omitempty"` // codes that have not been used
	Passkeys   []Passkey   `json:"passkeys,omitempty"`
	Identity   *Identity   `json:"identity,omitempty"` // at an OpenID provider
	Devices    []Digest    `json:"devices,omitempty"`  // browsers that signed in before, the newest last
}

// Identity is who an officer is at an OpenID provider (OpenID Connect Core 1.0, section 2).
type Identity struct {
	Issuer  string `json:"issuer"`
	Subject string `json:"subject"`
}

// Invitation is a one-time code with which an officer sets up credentials.
type Invitation struct {
	Code    Digest    `json:"sha256"`
	Expires time.Time `json:"expires"`
}

// Bounds on officers.
const (
	maxOfficers = 512     // kept at once, the disabled ones too
	maxName     = 64      // characters of a sign-in name
	maxDisplay  = 100     // characters of a name that is shown, of an agency, of a role of the accord
	maxClaims   = 32      // of one officer
	maxPasskeys = 16      // of one officer
	maxDevices  = 16      // of one officer; the oldest goes first
	maxFile     = 8 << 20 // bytes of officers.json
)

const (
	idBytes     = 6
	handleBytes = 32
	// invitationLife is how long a one-time code is good.
	invitationLife = 72 * time.Hour
)

var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._@-]{0,63}$`)

// maxZone bounds the name of a time zone, in bytes.
const maxZone = 64

var zoneForm = regexp.MustCompile(`^[A-Za-z0-9_+:/-]*$`)

var idForm = regexp.MustCompile(`^[0-9a-f]{12}$`)

// FoldName is how a sign-in name is compared: without spaces around it, in lower case.
func FoldName(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

func printable(what, s string, empty bool) error {
	if s == "" && empty {
		return nil
	}
	if s == "" || utf8.RuneCountInString(s) > maxDisplay || !utf8.ValidString(s) || strings.TrimSpace(s) != s ||
		strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return fmt.Errorf("%s has 1 to %d printable characters, without spaces around them", what, maxDisplay)
	}
	return nil
}

// check looks at what people decide about an officer.
func (o *Officer) check() error {
	if !nameForm.MatchString(o.Name) {
		return fmt.Errorf("a sign-in name has 1 to %d lower-case letters, digits and . _ @ -, and begins with a letter or digit", maxName)
	}
	if err := errors.Join(printable("a name", o.Display, false), printable("an agency", o.Agency, true)); err != nil {
		return err
	}
	for i, r := range o.Roles {
		if !slices.Contains(Roles(), r) {
			return fmt.Errorf("there is no role %.40q", string(r))
		}
		if slices.Contains(o.Roles[:i], r) {
			return fmt.Errorf("the role %s is there twice", r)
		}
	}
	if len(o.Claims) > maxClaims {
		return fmt.Errorf("there are %d claims, and an officer has at most %d", len(o.Claims), maxClaims)
	}
	for i, c := range o.Claims {
		if err := errors.Join(printable("the agency of a claim", c.Agency, false), printable("the role of a claim", c.Role, false)); err != nil {
			return err
		}
		if slices.Contains(o.Claims[:i], c) {
			return fmt.Errorf("the claim %s:%s is there twice", c.Agency, c.Role)
		}
	}
	if len(o.Language) > 35 {
		return errors.New("the language is no tag of RFC 5646")
	}
	if len(o.Zone) > maxZone || !zoneForm.MatchString(o.Zone) { // whether this machine knows it is another question
		return errors.New("the time zone is neither a name such as Europe/Vienna nor an offset such as +02:00")
	}
	return nil
}

// whole looks at an officer as it was read.
func (o *Officer) whole() error {
	if err := o.check(); err != nil {
		return err
	}
	switch {
	case !idForm.MatchString(o.ID):
		return errors.New("its id is not 12 hexadecimal digits")
	case len(o.Handle) != handleBytes:
		return fmt.Errorf("its handle has not %d bytes", handleBytes)
	case o.Created.IsZero():
		return errors.New("it does not say when it was made")
	case o.State != Invited && o.State != Active && o.State != Disabled:
		return fmt.Errorf("there is no state %.40q", string(o.State))
	case o.State == Invited && o.Invitation == nil:
		return errors.New("it is invited without an invitation")
	case len(o.Passkeys) > maxPasskeys || len(o.Devices) > maxDevices || len(o.Recovery) > recoveryCodes:
		return errors.New("it has more credentials than one officer may have")
	case o.Invitation != nil && o.Invitation.Expires.IsZero():
		return errors.New("its invitation does not run out")
	case o.Identity != nil && (o.Identity.Issuer == "" || o.Identity.Subject == "" || len(o.Identity.Subject) > 255):
		return errors.New("its identity is not whole")
	}
	if o.Password != nil {
		if err := o.Password.check(); err != nil {
			return err
		}
	}
	if o.TOTP != nil && len(o.TOTP.Secret) != totpBytes {
		return fmt.Errorf("the secret of its second factor has not %d bytes", totpBytes)
	}
	for i := range o.Passkeys {
		if err := o.Passkeys[i].check(); err != nil {
			return err
		}
	}
	return nil
}

// clone is an officer that shares nothing with the one it was made of.
func (o *Officer) clone() Officer {
	c := *o
	c.Roles, c.Claims, c.Handle = slices.Clone(o.Roles), slices.Clone(o.Claims), slices.Clone(o.Handle)
	c.Recovery, c.Devices, c.Passkeys = slices.Clone(o.Recovery), slices.Clone(o.Devices), slices.Clone(o.Passkeys)
	if o.Invitation != nil {
		x := *o.Invitation
		c.Invitation = &x
	}
	if o.Password != nil {
		x := *o.Password
		c.Password = &x
	}
	if o.TOTP != nil {
		x := *o.TOTP
		c.TOTP = &x
	}
	if o.Identity != nil {
		x := *o.Identity
		c.Identity = &x
	}
	return c
}

// forget takes all credentials away.
func (o *Officer) forget() {
	o.Invitation, o.Password, o.TOTP, o.Recovery, o.Passkeys, o.Identity, o.Devices = nil, nil, nil, nil, nil, nil, nil
}

// Has tells whether the officer has a role.
func (o *Officer) Has(r Role) bool { return slices.Contains(o.Roles, r) }
