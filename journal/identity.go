package journal

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	fnote "github.com/transparency-dev/formats/note"
)

const (
	kindIdentity = "identity"
	maxVKey      = 2500
	maxRecipient = 4000
)

// Identity is one version of who a party is. Version 1 is signed by the
// organisation key it names; every later one by the organisation key of the
// version before and, when it names a new one, by that as well (the rule of the
// TUF root role).
type Identity struct {
	Version   int       // from 1, counting up
	Name      string    // of the organisation, at most [MaxName] characters
	Previous  Hash      // [StatementHash] of the version before; zero in version 1
	Org       PublicKey // offline organisation key
	Node      PublicKey // short-lived key of the node, certifies journal keys
	Witness   string    // C2SP vkey with which the node cosigns others' checkpoints, or ""
	Courier   string    // age recipient (age1...) to which courier files for this party are encrypted, or ""
	TLS       []Hash    // SHA-256 of the SubjectPublicKeyInfo of the node's TLS keys, at most [MaxPins]
	Created   time.Time // years 2000 to 2200
	Expires   time.Time // after Created
	Addresses []string  // where the node can be reached, at most [MaxAddresses]
}

type identityJSON struct {
	Statement string    `json:"statement"`
	Version   int       `json:"version"`
	Name      string    `json:"name"`
	Previous  Hash      `json:"previous,omitzero"`
	Org       PublicKey `json:"org"`
	Node      PublicKey `json:"node"`
	Witness   string    `json:"witness,omitzero"`
	Courier   string    `json:"courier,omitzero"`
	TLS       []Hash    `json:"tls"`
	Created   time.Time `json:"created"`
	Expires   time.Time `json:"expires"`
	Addresses []string  `json:"addresses"`
}

// Check bounds an identity and refuses weak keys.
func (id Identity) Check() error {
	if id.Version < 1 || id.Version > maxEpoch {
		return fmt.Errorf("version %d is out of range", id.Version)
	}
	if (id.Version == 1) != (id.Previous == Hash{}) {
		return fmt.Errorf("version 1, and only version 1, has no previous version")
	}
	if err := checkName("the name", id.Name, false); err != nil {
		return err
	}
	if err := id.Org.Check(); err != nil {
		return fmt.Errorf("organisation key: %w", err)
	}
	if err := id.Node.Check(); err != nil {
		return fmt.Errorf("node key: %w", err)
	}
	if id.Org.Equal(id.Node) {
		return fmt.Errorf("organisation and node key are the same; the organisation key has to stay offline")
	}
	if id.Witness != "" {
		if len(id.Witness) > maxVKey {
			return fmt.Errorf("the witness key is longer than %d characters", maxVKey)
		}
		if _, err := fnote.NewVerifierForCosignatureV1(id.Witness); err != nil {
			return fmt.Errorf("witness key: %w", err)
		}
	}
	if err := checkRecipient(id.Courier); err != nil {
		return err
	}
	if len(id.TLS) > MaxPins {
		return fmt.Errorf("more than %d TLS pins", MaxPins)
	}
	if len(id.Addresses) > MaxAddresses {
		return fmt.Errorf("more than %d addresses", MaxAddresses)
	}
	for _, a := range id.Addresses {
		if err := checkName("an address", a, false); err != nil {
			return err
		}
	}
	if err := checkTime(id.Created); err != nil {
		return fmt.Errorf("created: %w", err)
	}
	if err := checkTime(id.Expires); err != nil {
		return fmt.Errorf("expires: %w", err)
	}
	if !id.Expires.After(id.Created) {
		return fmt.Errorf("it expires before it was created")
	}
	return nil
}

// checkRecipient bounds an age recipient; whether age can use it is for age to say.
func checkRecipient(s string) error {
	if s == "" {
		return nil
	}
	if len(s) > maxRecipient || !strings.HasPrefix(s, "age1") {
		return fmt.Errorf("the courier key is not an age recipient of at most %d characters", maxRecipient)
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return fmt.Errorf("the courier key is not an age recipient")
		}
	}
	return nil
}

func (id Identity) text() (string, error) {
	if err := id.Check(); err != nil {
		return "", fmt.Errorf("journal: identity: %w", err)
	}
	b, err := json.Marshal(identityJSON{
		Statement: kindIdentity, Version: id.Version, Name: id.Name, Previous: id.Previous,
		Org: id.Org, Node: id.Node, Witness: id.Witness, Courier: id.Courier, TLS: id.TLS,
		Created: id.Created.UTC().Truncate(time.Second), Expires: id.Expires.UTC().Truncate(time.Second),
		Addresses: id.Addresses,
	})
	return string(b), err
}

// ParseIdentity reads and checks the text of one version. It verifies no signature.
func ParseIdentity(s Signed) (Identity, error) {
	var x identityJSON
	if err := s.decode(&x); err != nil {
		return Identity{}, err
	}
	if x.Statement != kindIdentity {
		return Identity{}, refuse(CodeBadIdentity, "", -1, "a statement of kind %q is not an identity", clip(x.Statement))
	}
	id := Identity{Version: x.Version, Name: x.Name, Previous: x.Previous, Org: x.Org, Node: x.Node, Witness: x.Witness,
		Courier: x.Courier, TLS: x.TLS, Created: x.Created, Expires: x.Expires, Addresses: x.Addresses}
	if err := id.Check(); err != nil {
		return Identity{}, asRefusal(err, CodeBadIdentity, "", -1)
	}
	return id, nil
}

// NewIdentity signs version 1 of an identity with the organisation key. Version,
// Previous and Org are set here; the rest comes from id.
func NewIdentity(org *PrivateKey, id Identity) (Signed, error) {
	id.Version, id.Previous, id.Org = 1, Hash{}, org.Public()
	text, err := id.text()
	if err != nil {
		return Signed{}, err
	}
	return sign(kindIdentity, text, org)
}

// RotateIdentity signs the version after prev with the old organisation key and
// with newOrg, which may be nil or the same key when it does not change.
// Version, Previous and Org of next are set here.
func RotateIdentity(prev Signed, oldOrg, newOrg *PrivateKey, next Identity) (Signed, error) {
	p, err := ParseIdentity(prev)
	if err != nil {
		return Signed{}, err
	}
	if !p.Org.Equal(oldOrg.Public()) {
		return Signed{}, fmt.Errorf("journal: the old organisation key is not the one of version %d", p.Version)
	}
	if newOrg == nil {
		newOrg = oldOrg
	}
	next.Version, next.Previous, next.Org = p.Version+1, StatementHash(prev.Text), newOrg.Public()
	text, err := next.text()
	if err != nil {
		return Signed{}, err
	}
	return sign(kindIdentity, text, oldOrg, newOrg)
}

// PartyOf returns the id of the party whose identity version 1 has this text.
func PartyOf(text string) PartyID {
	return PartyID(hexOf(hashOf("entente/party/v1\n", []byte(text))))
}

// VerifyIdentityChain verifies a chain of identity versions, oldest first, at
// most [MaxChain]. It starts with version 1. Versions in between may be left out
// as long as the organisation key did not change in what is left out or next.
// A zero now skips the expiry check, for history; otherwise an expired last
// version gives [ErrExpired] together with the party and the identity.
func VerifyIdentityChain(chain []Signed, now time.Time) (PartyID, Identity, error) {
	if len(chain) == 0 || len(chain) > MaxChain {
		return "", Identity{}, refuse(CodeBadIdentity, "", -1, "an identity chain has 1 to %d versions, not %d", MaxChain, len(chain))
	}
	var prev Identity
	for i, s := range chain {
		id, err := ParseIdentity(s)
		if err != nil {
			return "", Identity{}, asRefusal(err, CodeBadIdentity, "", -1)
		}
		if err := follows(prev, id, i, chain); err != nil {
			return "", Identity{}, asRefusal(fmt.Errorf("identity version %d: %w", id.Version, err), CodeBadIdentity, "", -1)
		}
		prev = id
	}
	party := PartyOf(chain[0].Text)
	if !now.IsZero() && now.After(prev.Expires) {
		return party, prev, fmt.Errorf("%w (version %d of %q expired on %s)", ErrExpired, prev.Version, prev.Name, prev.Expires.Format(time.DateOnly))
	}
	return party, prev, nil
}

// follows checks chain[i] against the version before it.
func follows(prev, id Identity, i int, chain []Signed) error {
	s := chain[i]
	if i == 0 {
		if id.Version != 1 {
			return fmt.Errorf("the chain does not start with version 1")
		}
		return s.SignedBy(kindIdentity, id.Org)
	}
	switch {
	case id.Version <= prev.Version:
		return fmt.Errorf("it comes after version %d", prev.Version)
	case id.Created.Before(prev.Created):
		return fmt.Errorf("it was created before version %d", prev.Version)
	case id.Version == prev.Version+1 && id.Previous != StatementHash(chain[i-1].Text):
		return fmt.Errorf("it follows another version %d than the one given", prev.Version)
	case id.Version > prev.Version+1 && !id.Org.Equal(prev.Org):
		// Its own key has to sign it whatever is left out; that shows without the rest.
		if err := s.SignedBy(kindIdentity, id.Org); err != nil {
			return fmt.Errorf("its organisation key: %w", err)
		}
		return fmt.Errorf("versions are left out although the organisation key changes")
	}
	if err := s.SignedBy(kindIdentity, prev.Org); err != nil {
		return fmt.Errorf("old organisation key: %w", err)
	}
	if !id.Org.Equal(prev.Org) {
		if err := s.SignedBy(kindIdentity, id.Org); err != nil {
			return fmt.Errorf("new organisation key: %w", err)
		}
	}
	return nil
}

// MergeIdentityChains joins two chains of the same party, such as the one known
// from pairing and the one in a genesis entry. It fails (bad-identity) if they
// disagree about a version or if the joint chain does not verify, for instance
// because one of them hides a change of the organisation key.
func MergeIdentityChains(a, b []Signed) ([]Signed, error) {
	type version struct {
		n int
		s Signed
	}
	var all []version
	for _, s := range slices.Concat(a, b) {
		id, err := ParseIdentity(s)
		if err != nil {
			return nil, err
		}
		all = append(all, version{id.Version, s})
	}
	slices.SortStableFunc(all, func(x, y version) int { return x.n - y.n })
	var out []Signed
	for i, v := range all {
		if i > 0 && all[i-1].n == v.n {
			if all[i-1].s.Text != v.s.Text {
				return nil, refuse(CodeBadIdentity, "", -1, "there are two different identities of version %d", v.n)
			}
			continue
		}
		out = append(out, v.s)
	}
	_, _, err := VerifyIdentityChain(out, time.Time{})
	return out, err
}

// CompactIdentityChain leaves out the versions that a chain can do without (see
// [VerifyIdentityChain]), so that it fits into a genesis entry.
func CompactIdentityChain(chain []Signed) ([]Signed, error) {
	if _, _, err := VerifyIdentityChain(chain, time.Time{}); err != nil {
		return nil, err
	}
	ids := make([]Identity, len(chain))
	for i, s := range chain {
		ids[i], _ = ParseIdentity(s)
	}
	var out []Signed
	for i := range chain {
		last, first := i == len(chain)-1, i == 0
		changes := !first && !ids[i].Org.Equal(ids[i-1].Org)
		beforeChange := !last && !ids[i+1].Org.Equal(ids[i].Org)
		if first || last || changes || beforeChange {
			out = append(out, chain[i])
		}
	}
	return out, nil
}
