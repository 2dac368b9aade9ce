package journal

import (
	"errors"
	"fmt"
	"time"
)

// Opening is what the beginning of a journal shows by itself: whose it is, and which
// key signs it.
type Opening struct {
	Entry *Entry   // entry 0
	Party PartyID  // by its first identity
	Unit  UnitID   // by its certificate
	Name  string   // that its newest identity there bears
	Keys  *Keyring // the first key
	// Chain is the identity chain that it tells, Certificate that of its first key.
	Chain       []Signed
	Certificate Signed
}

// Opening returns the journal's beginning where the proof brings it: First, or the entry
// itself if that is entry 0. Nil, and no error, means that it brings none, so that the
// journal has to be known.
func (v Violation) Opening() (*Opening, error) {
	switch {
	case v.Entry.Index == 0:
		if e, err := ParseEntry(v.Entry.Raw); err == nil {
			return opening(e, v.Origin)
		}
		return nil, nil // no entry at all: it names no key
	case v.First == nil:
		return nil, nil
	case v.First.Index != 0:
		return nil, errors.New("journal: violation: the beginning is not entry 0")
	}
	e, err := ParseEntry(v.First.Raw)
	if err != nil {
		return nil, err
	}
	var led ledger
	if r := led.genesis(e, nil); r != nil {
		return nil, r
	}
	return opening(e, v.Origin)
}

// opening reads who certified the first key of a journal, whatever else is wrong with
// its genesis.
func opening(e *Entry, o Origin) (*Opening, error) {
	g, err := e.Genesis()
	if err != nil {
		return nil, err
	}
	party, id, err := VerifyIdentityChain(g.Identities, time.Time{})
	if err != nil {
		return nil, err
	}
	c, err := VerifyCertificate(g.Certificate, id)
	if err != nil {
		return nil, err
	}
	if c.Party != party || c.Origin != o {
		return nil, refuse(CodeBadCertificate, o, 0, "the certificate is for another journal")
	}
	keys, err := NewKeyring(o, c.Key)
	if err != nil {
		return nil, err
	}
	return &Opening{Entry: e, Party: party, Unit: c.Unit, Name: id.Name, Keys: keys, Chain: g.Identities, Certificate: g.Certificate}, nil
}

// keys returns the schedules under which the head counts: those given, or the one that
// the beginning shows. Where both are there they have to begin with one key.
func (v Violation) keys(given []*Keyring) ([]*Keyring, error) {
	var known []*Keyring
	for _, k := range given {
		if k != nil && k.origin == v.Origin {
			known = append(known, k)
		}
	}
	o, err := v.Opening()
	switch {
	case err != nil:
		return nil, fmt.Errorf("journal: violation: the beginning does not show whose journal it is: %w", err)
	case o == nil:
		return given, nil
	case len(known) == 0 && len(given) > 0 && given[0] != nil:
		return nil, refuse(CodeWrongOrigin, v.Origin, -1, "the keys are those of another journal")
	case len(known) == 0:
		return []*Keyring{o.Keys}, nil
	}
	for _, k := range known {
		if !k.keys[0].Key.Equal(o.Keys.keys[0].Key) {
			return nil, errors.New("journal: violation: it begins with another key than the journal")
		}
	}
	return append(known, o.Keys), nil // the journal may have replaced that key since
}

// brokenGenesis names the rule that entry 0 breaks: it certifies its own key, and is
// wrong all the same.
func (v Violation) brokenGenesis(e *Entry) (string, error) {
	o, err := opening(e, v.Origin)
	if err != nil {
		return "", fmt.Errorf("journal: violation: nothing shows whose key signs it: %w", err)
	}
	led := ledger{unit: o.Unit, party: o.Party, origin: v.Origin}
	if r := led.genesis(e, nil); r != nil {
		return r.Code, nil
	}
	return "", errors.New("journal: violation: the entry breaks no rule")
}

// badGenesis turns the refusal of a genesis into proof, if its key is its party's
// whatever else is wrong with it, and signed it.
func (m *Mirror) badGenesis(first *Entry, b Batch, head Head, checkpoint []byte, bad *Refusal) error {
	o, err := opening(first, bad.Origin)
	if err != nil {
		return bad
	}
	h, cp, err := o.Keys.open(checkpoint)
	if err != nil || h != head {
		return bad
	}
	return evidence{nil, b.Entries, checkpointed{cp, h}, overlay(m.st, 0, b.Hashes), nil, ground{}}.violation(bad, 0)
}
