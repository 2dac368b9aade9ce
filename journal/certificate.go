package journal

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
)

const (
	kindCertificate = "certificate"
	kindCompromise  = "compromise"
)

// Predecessor names the journal that a successor continues and the last head of
// it that its party knows. A longer, fully signed tail of it stays binding.
type Predecessor struct {
	Origin Origin `json:"origin"`
	Head   Head   `json:"head"`
}

// Certificate is a party's statement that a key signs one of its journals.
//
// The first key of epoch 0 is certified by the node key or the organisation
// key. The first key of a later epoch (a successor after a restore) is certified
// by the organisation key alone, and names its predecessor. A later key of any
// epoch names the key it replaces and is certified by the node or organisation key.
type Certificate struct {
	Unit        UnitID
	Party       PartyID
	Epoch       int
	Origin      Origin       // [OriginOf] the three above
	Key         PublicKey    // the journal key
	Replaces    Hash         // id of the key that it replaces (rotation), or zero
	Predecessor *Predecessor // in the first certificate of epochs above 0, else nil
}

type certificateJSON struct {
	Statement   string       `json:"statement"`
	Unit        UnitID       `json:"unit"`
	Party       PartyID      `json:"party"`
	Epoch       int          `json:"epoch"`
	Origin      Origin       `json:"origin"`
	Key         PublicKey    `json:"key"`
	Replaces    Hash         `json:"replaces,omitzero"`
	Predecessor *Predecessor `json:"predecessor,omitzero"`
}

// Check bounds a certificate and refuses weak keys.
func (c Certificate) Check() error {
	if err := c.Unit.Check(); err != nil {
		return err
	}
	if err := c.Party.Check(); err != nil {
		return err
	}
	if c.Epoch < 0 || c.Epoch > maxEpoch {
		return fmt.Errorf("epoch %d is out of range", c.Epoch)
	}
	if c.Origin != OriginOf(c.Unit, c.Party, c.Epoch) {
		return refuse(CodeWrongOrigin, "", -1, "the certificate's origin does not follow from its unit, party and epoch")
	}
	if err := c.Key.Check(); err != nil {
		return err
	}
	first := c.Replaces == Hash{}
	switch p := c.Predecessor; {
	case p != nil && (c.Epoch == 0 || !first):
		return fmt.Errorf("only the first certificate of a successor names a predecessor")
	case p == nil && c.Epoch > 0 && first:
		return fmt.Errorf("a successor's certificate has to name its predecessor and the last known head")
	case p != nil && p.Origin != OriginOf(c.Unit, c.Party, c.Epoch-1):
		return refuse(CodeWrongOrigin, "", -1, "the predecessor is not the journal of epoch %d", c.Epoch-1)
	case p != nil && (p.Head.Size < 0 || p.Head.Size > maxIndex):
		return fmt.Errorf("the predecessor's size is out of range")
	}
	return nil
}

// NewCertificate signs a certificate with the node key or the organisation key
// (see [Certificate] for which is needed). Origin is set here.
func NewCertificate(signer *PrivateKey, c Certificate) (Signed, error) {
	c.Origin = OriginOf(c.Unit, c.Party, c.Epoch)
	if err := c.Check(); err != nil {
		return Signed{}, fmt.Errorf("journal: certificate: %w", err)
	}
	b, err := json.Marshal(certificateJSON{Statement: kindCertificate, Unit: c.Unit, Party: c.Party, Epoch: c.Epoch,
		Origin: c.Origin, Key: c.Key, Replaces: c.Replaces, Predecessor: c.Predecessor})
	if err != nil {
		return Signed{}, err
	}
	return sign(kindCertificate, string(b), signer)
}

// ParseCertificate reads and checks the text. It verifies no signature.
func ParseCertificate(s Signed) (Certificate, error) {
	var x certificateJSON
	if err := s.decode(&x); err != nil {
		return Certificate{}, err
	}
	if x.Statement != kindCertificate {
		return Certificate{}, refuse(CodeBadCertificate, "", -1, "a statement of kind %q is not a certificate", clip(x.Statement))
	}
	c := Certificate{Unit: x.Unit, Party: x.Party, Epoch: x.Epoch, Origin: x.Origin, Key: x.Key, Replaces: x.Replaces, Predecessor: x.Predecessor}
	if err := c.Check(); err != nil {
		return Certificate{}, asRefusal(err, CodeBadCertificate, "", -1)
	}
	return c, nil
}

// VerifyCertificate parses a certificate and checks that the party with this
// identity signed it, with the key that [Certificate] demands.
func VerifyCertificate(s Signed, id Identity) (Certificate, error) {
	c, err := ParseCertificate(s)
	if err != nil {
		return Certificate{}, err
	}
	errOrg := s.SignedBy(kindCertificate, id.Org)
	if errOrg == nil {
		return c, nil
	}
	if c.Predecessor != nil {
		return Certificate{}, asRefusal(fmt.Errorf("a successor has to be certified by the organisation key: %w", errOrg), CodeBadCertificate, c.Origin, -1)
	}
	if err := s.SignedBy(kindCertificate, id.Node); err != nil {
		if CodeOf(errOrg) == CodeHalfSignature {
			err = errOrg
		}
		return Certificate{}, asRefusal(fmt.Errorf("neither the node key nor the organisation key certified the journal key: %w", err), CodeBadCertificate, c.Origin, -1)
	}
	return c, nil
}

// Compromise is an organisation's notice that a journal key fell into wrong
// hands. It names the last good head and never disowns what another member had
// receipted before seeing the notice.
type Compromise struct {
	Party   PartyID
	Key     Hash      // id of the compromised journal key
	Origin  Origin    // the journal concerned
	Good    Head      // the last head that the party stands by
	Created time.Time // years 2000 to 2200
}

type compromiseJSON struct {
	Statement string    `json:"statement"`
	Party     PartyID   `json:"party"`
	Key       Hash      `json:"key"`
	Origin    Origin    `json:"origin"`
	Good      Head      `json:"good"`
	Created   time.Time `json:"created"`
}

func (c Compromise) check() error {
	if err := c.Party.Check(); err != nil {
		return err
	}
	if err := c.Origin.Check(); err != nil {
		return err
	}
	return checkTime(c.Created)
}

// NewCompromise signs the notice with the organisation key.
func NewCompromise(org *PrivateKey, c Compromise) (Signed, error) {
	if err := c.check(); err != nil {
		return Signed{}, fmt.Errorf("journal: compromise notice: %w", err)
	}
	b, err := json.Marshal(compromiseJSON{kindCompromise, c.Party, c.Key, c.Origin, c.Good, c.Created.UTC().Truncate(time.Second)})
	if err != nil {
		return Signed{}, err
	}
	return sign(kindCompromise, string(b), org)
}

// VerifyCompromise parses a notice and checks that the organisation key of the
// identity signed it.
func VerifyCompromise(s Signed, party PartyID, id Identity) (Compromise, error) {
	var x compromiseJSON
	if err := s.decode(&x); err != nil {
		return Compromise{}, err
	}
	c := Compromise{x.Party, x.Key, x.Origin, x.Good, x.Created}
	if x.Statement != kindCompromise {
		return Compromise{}, refuse(CodeBadCertificate, "", -1, "a statement of kind %q is not a compromise notice", clip(x.Statement))
	}
	if err := c.check(); err != nil {
		return Compromise{}, asRefusal(err, CodeBadCertificate, "", -1)
	}
	if c.Party != party {
		return Compromise{}, refuse(CodeWrongAuthor, c.Origin, -1, "the compromise notice is about another party")
	}
	if err := s.SignedBy(kindCompromise, id.Org); err != nil {
		return Compromise{}, asRefusal(err, CodeBadCertificate, c.Origin, -1)
	}
	return c, nil
}

// Binding returns up to which size the journal stays binding: the last good
// head, or what another member had receipted before it saw the notice, if that is more.
func (c Compromise) Binding(receipted int64) int64 { return max(c.Good.Size, receipted) }
