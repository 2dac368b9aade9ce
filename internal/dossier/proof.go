package dossier

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"entente/journal"
)

// Proof is a kept proof of misbehaviour: about one of the journals of the dossier a contradiction (two
// heads that cannot both be true) or a violation (an entry that breaks a rule; one that brings its
// journal's beginning may be about a journal that is not in the dossier); about one of its
// parties, or one whose identities it brings, two statements of which a party may sign only one.
// It holds exactly one of the three.
type Proof struct {
	Contradiction *journal.Contradiction `json:"contradiction,omitempty"`
	Violation     *journal.Violation     `json:"violation,omitempty"`
	Statements    *journal.Equivocation  `json:"statements,omitempty"`
	// Keyring is the key schedule of the other history, if it rotated its keys otherwise than the
	// journal in the dossier. It begins with the same certified key.
	Keyring *journal.Keyring `json:"keyring,omitempty"`
	// Certificates certify those keys of Keyring that the journal in the dossier never had.
	Certificates []journal.Signed `json:"certificates,omitempty"`
	// Identities are versions of the party's identity, from 1 on and at most MaxIdentities, under which
	// Statements are verified beside what its journals in the dossier tell, if there are any.
	Identities []journal.Signed `json:"identities,omitempty"`
}

// maxCertificates bounds the certificates of one proof.
const maxCertificates = 64

// provenProof is a proof that holds; what it is worth is told when everything is known.
type provenProof struct {
	proof Proof
	shelf *shelf // of contradictions and violations
	rings []*journal.Keyring
	from  carrier
	begun *journal.Opening // of a violation whose journal is not in the dossier
	chain []journal.Signed // of two statements: the identities that show whose they are
}

func (p Proof) check() error {
	n := 0
	for _, has := range []bool{p.Contradiction != nil, p.Violation != nil, p.Statements != nil} {
		if has {
			n++
		}
	}
	if n != 1 {
		return errors.New("it has to hold a contradiction, a violation or two statements, and one of them only")
	}
	if p.Statements != nil && (p.Keyring != nil || len(p.Certificates) > 0) {
		return errors.New("two statements need no keyring and no certificates")
	}
	if p.Statements == nil && len(p.Identities) > 0 {
		return errors.New("only two statements are shown with identities")
	}
	if len(p.Identities) > MaxIdentities {
		return fmt.Errorf("it has more than %d identities", MaxIdentities)
	}
	if len(p.Certificates) > maxCertificates {
		return fmt.Errorf("it has more than %d certificates", maxCertificates)
	}
	return nil
}

func (p Proof) about() journal.Origin {
	if p.Contradiction != nil {
		return p.Contradiction.Origin
	}
	return p.Violation.Origin
}

// proof verifies one proof record: what is kept as proof has to be one.
func (v *verifier) proof() error {
	number := v.counts.Proofs + 1
	fail := func(o journal.Origin, err error) error {
		return v.damage(PartProof, o, nil, "number %d: %v", number, err)
	}
	if number > MaxProofs {
		return fail("", fmt.Errorf("more than %d proofs", MaxProofs))
	}
	if n := len(v.proofBytes); n > 0 && bytes.Compare(v.proofBytes, v.cur.content) >= 0 {
		return fail("", errors.New("proofs do not stand in their order, each once"))
	}
	v.proofBytes = bytes.Clone(v.cur.content)
	var p Proof
	if err := unmarshal(v.cur.content, &p); err != nil {
		return fail("", err)
	}
	if err := p.check(); err != nil {
		return fail("", err)
	}
	from := carrier{number: number, offset: v.cur.offset}
	if p.Statements != nil {
		chain, err := v.statements(p)
		if err != nil {
			return fail("", err)
		}
		v.counts.Proofs++
		v.proofs = append(v.proofs, provenProof{proof: p, from: from, chain: chain})
		return nil
	}
	o := p.about()
	s := v.byOrigin[o]
	if s == nil && p.Violation != nil && p.Keyring == nil {
		begun, err := v.begun(p.Violation)
		if err != nil {
			return fail("", err)
		}
		v.counts.Proofs++
		v.proofs = append(v.proofs, provenProof{proof: p, from: from, begun: begun})
		return nil
	}
	if s == nil {
		return fail("", fmt.Errorf("it is about journal %s, which is not in the dossier", o))
	}
	keys, err := v.keyrings(s, p)
	if err != nil {
		return fail(o, err)
	}
	if p.Contradiction != nil {
		err = p.Contradiction.Verify(keys...)
	} else {
		if o, bad := p.Violation.Opening(); bad == nil && o != nil {
			keys = append(keys, o.Keys)
		}
		err = s.mirror.VerifyViolation(*p.Violation, keys...)
	}
	if err != nil {
		return fail(o, err)
	}
	v.counts.Proofs++
	v.proofs = append(v.proofs, provenProof{proof: p, shelf: s, rings: keys, from: from})
	return nil
}

// statements verifies two statements, and returns the identities of their party: those that its journals
// tell, and those that the proof brings, which have to be one chain. So nothing but the statements
// themselves can differ, and whose they are follows from the party's id.
func (v *verifier) statements(p Proof) ([]journal.Signed, error) {
	q, chain := p.Statements, v.chains[p.Statements.Party]
	if chain == nil && len(p.Identities) == 0 {
		return nil, fmt.Errorf("it is about party %s, which has no journal in the dossier, and brings no identity of it", q.Party)
	}
	if len(p.Identities) > 0 {
		if _, _, err := journal.VerifyIdentityChain(p.Identities, time.Time{}); err != nil {
			return nil, fmt.Errorf("the identities that it brings do not hold: %w", err)
		}
		all, err := journal.MergeIdentityChains(chain, p.Identities)
		if err != nil {
			return nil, fmt.Errorf("the identities that it brings disagree with the party's journals: %w", err)
		}
		chain = all
	}
	if c, err := journal.ParseCertificate(q.A); err == nil && c.Unit != v.m.Unit {
		return nil, errors.New("it is about a journal of another unit")
	}
	return chain, q.Verify(chain)
}

// begun verifies a violation of a journal that is not in the dossier, because nothing sound was held of it:
// it has to bring the journal's beginning, which names party and key. If other journals of the party are
// here, what they tell of its identity counts, so that a key that it had replaced opens none.
func (v *verifier) begun(x *journal.Violation) (*journal.Opening, error) {
	o, err := x.Opening()
	switch {
	case err != nil:
		return nil, err
	case o == nil:
		return nil, fmt.Errorf("it is about journal %s, which is not in the dossier", x.Origin)
	case o.Unit != v.m.Unit:
		return nil, errors.New("it is about a journal of another unit")
	}
	known := v.chains[o.Party]
	if _, err := journal.MergeIdentityChains(known, o.Chain); err != nil {
		return nil, fmt.Errorf("its identity disagrees with the party's journals: %w", err)
	}
	if err := journal.CheckGenesis(o.Entry, known); err != nil && (x.Entry.Index != 0 || journal.CodeOf(err) != x.Code) {
		return nil, fmt.Errorf("its beginning does not fit what the party's journals tell: %w", err)
	}
	return o, x.Verify()
}

// keyrings returns the schedules under which heads of a journal count: the one that the dossier
// verified and, if the proof brings one, that of the other history. Its keys have to be the party's:
// the certified first key, keys that the journal in the dossier had, or keys with a certificate.
func (v *verifier) keyrings(s *shelf, p Proof) ([]*journal.Keyring, error) {
	own := s.mirror.Keyring()
	if p.Keyring == nil {
		if len(p.Certificates) > 0 {
			return nil, errors.New("it has certificates but no keyring")
		}
		return []*journal.Keyring{own}, nil
	}
	if p.Keyring.Origin() != own.Origin() {
		return nil, errors.New("its keyring is that of another journal")
	}
	known := map[journal.Hash]bool{}
	for _, k := range own.Keys() {
		known[k.Key.ID()] = true
	}
	list := p.Keyring.Keys()
	if list[0].Key.ID() != own.Keys()[0].Key.ID() {
		return nil, errors.New("its keyring does not begin with the key that the journal begins with")
	}
	chain, err := s.mirror.Identities()
	if err != nil {
		return nil, err
	}
	for _, c := range p.Certificates {
		key, err := certified(c, chain, s.head, v.m.Unit)
		if err != nil {
			return nil, err
		}
		known[key] = true
	}
	for _, k := range list {
		if id := k.Key.ID(); !known[id] {
			return nil, fmt.Errorf("nothing shows that key %s is one of the journal's keys", id)
		}
	}
	return []*journal.Keyring{own, p.Keyring}, nil
}

// certified returns the key that a certificate of the party certifies for its journal.
func certified(c journal.Signed, chain []journal.Signed, h JournalHeader, unit journal.UnitID) (journal.Hash, error) {
	var last error = errors.New("no identity is known")
	for _, signed := range chain {
		id, err := journal.ParseIdentity(signed)
		if err != nil {
			return journal.Hash{}, err
		}
		cert, err := journal.VerifyCertificate(c, id)
		if err != nil {
			last = err
			continue
		}
		if cert.Unit != unit || cert.Party != h.Party || cert.Origin != h.Origin {
			return journal.Hash{}, errors.New("one of its certificates is for another journal")
		}
		return cert.Key.ID(), nil
	}
	return journal.Hash{}, fmt.Errorf("one of its certificates does not hold: %w", last)
}
