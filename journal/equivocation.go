package journal

import (
	"errors"
	"fmt"
	"time"
)

// Equivocation is proof that a party signed two statements of which it may sign
// only one: two identities of one version, or two certificates that give one
// journal another first key, or another key in the place of the same one. So
// two successors for one retired journal are proved, although they lie under
// different keys and no two heads of them can be held against each other.
type Equivocation struct {
	Party PartyID `json:"party"`
	A     Signed  `json:"a"`
	B     Signed  `json:"b"` // in the order in which they came; the proof is the same
}

// Verify checks the proof with nothing but a verified identity chain of the
// party ([VerifyIdentityChain]); a chain that holds one of two competing
// identities serves as well. Nil means that the party is proved to have signed
// both. A statement that another key signed proves nothing against the party.
func (q Equivocation) Verify(chain []Signed) error {
	party, _, err := VerifyIdentityChain(chain, time.Time{})
	if err != nil {
		return fmt.Errorf("journal: equivocation: %w", err)
	}
	if party != q.Party {
		return errors.New("journal: equivocation: the identity is that of another party")
	}
	if q.A.Text == q.B.Text {
		return errors.New("journal: equivocation: the two statements are the same, which proves nothing")
	}
	kind, err := q.A.Kind()
	if err != nil {
		return fmt.Errorf("journal: equivocation: %w", err)
	}
	switch kind {
	case kindIdentity:
		err = q.identities(chain)
	case kindCertificate:
		err = q.certificates(chain)
	default:
		err = fmt.Errorf("statements of kind %q do not exclude each other", clip(kind))
	}
	if err != nil {
		return fmt.Errorf("journal: equivocation: %w", err)
	}
	return nil
}

// identities: two of one version, each signed by the organisation key that signs it.
func (q Equivocation) identities(chain []Signed) error {
	a, err := ParseIdentity(q.A)
	if err != nil {
		return err
	}
	b, err := ParseIdentity(q.B)
	if err != nil {
		return err
	}
	if a.Version != b.Version || a.Version < 2 {
		return errors.New("the two identities are not of one version")
	}
	// Of an organisation that is several parties under one key each party has a version 2.
	if first := StatementHash(chain[0].Text); a.Version == 2 && (a.Previous != first || b.Previous != first) {
		return errors.New("one of the two identities continues that of another party")
	}
	var last error = errors.New("no organisation key is known for it")
	for _, s := range chain {
		id, err := ParseIdentity(s)
		if err != nil {
			return err
		}
		if id.Version >= a.Version {
			break
		}
		if last = errors.Join(signedNext(q.A, a, id.Org), signedNext(q.B, b, id.Org)); last == nil {
			return nil
		}
	}
	return last
}

// signedNext checks that an identity is signed by the organisation key before it and by its own.
func signedNext(s Signed, id Identity, org PublicKey) error {
	if err := s.SignedBy(kindIdentity, org); err != nil {
		return err
	}
	return s.SignedBy(kindIdentity, id.Org)
}

// certificates: two for one place in the key schedule of one journal.
func (q Equivocation) certificates(chain []Signed) error {
	a, err := ownCertificate(q.A, q.Party, chain)
	if err != nil {
		return err
	}
	b, err := ownCertificate(q.B, q.Party, chain)
	if err != nil {
		return err
	}
	switch {
	case a.Origin != b.Origin:
		return errors.New("the two certificates are for different journals")
	case a.Replaces != b.Replaces:
		return errors.New("the two certificates are for different places of the key schedule")
	case a.Key.Equal(b.Key):
		return errors.New("the two certificates name the same key, which proves nothing")
	}
	return nil
}

func ownCertificate(s Signed, party PartyID, chain []Signed) (Certificate, error) {
	var last error = errors.New("no identity is known")
	for _, signed := range chain {
		id, err := ParseIdentity(signed)
		if err != nil {
			return Certificate{}, err
		}
		c, err := VerifyCertificate(s, id)
		switch {
		case err != nil:
			last = err
		case c.Party != party:
			return c, errors.New("a certificate is that of another party")
		default:
			return c, nil
		}
	}
	return Certificate{}, last
}

// EquivocationError is returned when what came shows that a party signed two
// statements that exclude each other. The proof is to be kept and shown.
type EquivocationError struct {
	Refusal
	Proof Equivocation
}

// Unwrap makes errors.As find the refusal.
func (e *EquivocationError) Unwrap() error { return &e.Refusal }

// otherGenesis turns a refusal into proof if what came is another beginning of
// the held journal, under another key that the party certified as well.
func (m *Mirror) otherGenesis(entries [][]byte, refused error) error {
	if CodeOf(refused) != CodeBadSignature || len(entries) == 0 {
		return refused
	}
	e, err := m.parser.Parse(entries[0])
	if err != nil || e.Index != 0 || e.Kind != KindGenesis || m.holds(e) {
		return refused
	}
	g, err := e.Genesis()
	if err != nil {
		return refused
	}
	first, err := readEntry(m.st, 0)
	if err != nil {
		return err
	}
	held, err := first.Genesis()
	if err != nil {
		return err
	}
	if err := m.ledger.completeChain(); err != nil {
		return err
	}
	q := Equivocation{Party: m.ledger.party, A: held.Certificate, B: g.Certificate}
	if q.Verify(m.ledger.chain) != nil {
		return refused
	}
	return &EquivocationError{Proof: q, Refusal: Refusal{Code: CodeTwoStatements, Origin: m.ledger.origin, Index: -1,
		Detail: "its party certified another first key for this journal; both certificates are kept as proof"}}
}

// TwoFirstKeys returns the certificates of the held journal's first key and of the
// one that another beginning of it brings ([Violation.Opening]), if these are two
// keys: what was signed under the other one cannot be shown beside this journal, the
// two certificates can. The error is one of reading; [Equivocation.Verify] judges.
func (m *Mirror) TwoFirstKeys(o *Opening) (q Equivocation, two bool, err error) {
	if o == nil || m.Head().Size == 0 || o.Keys.Origin() != m.ledger.origin {
		return q, false, nil
	}
	first, err := readEntry(m.st, 0)
	if err != nil {
		return q, false, err
	}
	held, err := first.Genesis()
	if err != nil {
		return q, false, err
	}
	c, err := ParseCertificate(held.Certificate)
	if err != nil {
		return q, false, err
	}
	q = Equivocation{Party: m.ledger.party, A: held.Certificate, B: o.Certificate}
	return q, !c.Key.Equal(o.Keys.Current()), nil
}

// otherIdentity turns the refusal of a genesis whose identity contradicts the one
// known into proof, if the same organisation key signed both.
func otherIdentity(e *Entry, known func(PartyID) []Signed, refused error) error {
	if CodeOf(refused) != CodeBadIdentity || known == nil {
		return refused
	}
	g, err := e.Genesis()
	if err != nil {
		return refused
	}
	chain := known(e.Author)
	for _, s := range g.Identities {
		id, err := ParseIdentity(s)
		if err != nil {
			return refused
		}
		for _, k := range chain {
			if other, err := ParseIdentity(k); err == nil && other.Version == id.Version && k.Text != s.Text {
				q := Equivocation{Party: e.Author, A: k, B: s}
				if q.Verify(chain) != nil {
					return refused
				}
				return &EquivocationError{Proof: q, Refusal: Refusal{Code: CodeTwoStatements, Origin: e.Origin(), Index: -1,
					Detail: fmt.Sprintf("its party signed two identities of version %d; both are kept as proof", id.Version)}}
			}
		}
	}
	return refused
}
