package journal

import "errors"

// identityAfter says which rule an entry of kind identity breaks by what it carries
// (section 8 of docs/protocol/journal.md): the statement lacks a signature that it
// needs, or does not continue the identity that an earlier entry of its own journal
// told. That earlier entry need not be the newest before it: what is concluded here
// holds whatever stands between the two. So it is for the author's own bytes to
// convict it; what anybody else knows of its identity plays no part.
func (v Violation) identityAfter(h Head, e *Entry) (string, error) {
	b, err := DecodeBody[IdentityBody](e, KindIdentity)
	if err != nil {
		return "", err
	}
	id, err := ParseIdentity(b.Signed)
	if err != nil {
		return "", errors.New("journal: violation: the entry carries no identity that could be compared")
	}
	own := b.Signed.SignedBy(kindIdentity, id.Org)
	if v.Told != nil {
		signed, prev, err := v.told(h)
		if err != nil {
			return "", err
		}
		// With versions left out, one of them may have changed the key.
		if id.Version <= prev.Version+1 || id.Org.Equal(prev.Org) || id.Created.Before(prev.Created) {
			own = follows(prev, id, 1, []Signed{signed, b.Signed})
		}
	}
	if own == nil {
		return "", errors.New("journal: violation: the entry breaks no rule")
	}
	return asRefusal(own, CodeBadIdentity, v.Origin, e.Index).Code, nil
}

// told returns the identity that the earlier entry tells, the last one of a genesis.
func (v Violation) told(h Head) (Signed, Identity, error) {
	if v.Told.Index < 0 || v.Told.Index >= v.Entry.Index {
		return Signed{}, Identity{}, errors.New("journal: violation: the entry that told the identity does not come before it")
	}
	if err := v.Told.included(h); err != nil {
		return Signed{}, Identity{}, errors.New("journal: violation: the entry that told the identity is not in the signed tree")
	}
	e, err := ParseEntry(v.Told.Raw)
	if err != nil || e.Origin() != v.Origin || e.Index != v.Told.Index {
		return Signed{}, Identity{}, errors.New("journal: violation: what should have told the identity is itself not an entry of this journal")
	}
	signed, err := toldBy(e)
	if err != nil {
		return Signed{}, Identity{}, err
	}
	id, err := ParseIdentity(signed)
	return signed, id, err
}

// toldBy returns the newest identity that a genesis or identity entry tells.
func toldBy(e *Entry) (Signed, error) {
	if e.Index == 0 {
		g, err := DecodeBody[GenesisBody](e, KindGenesis)
		if err != nil {
			return Signed{}, err
		}
		return g.Identities[len(g.Identities)-1], nil
	}
	b, err := DecodeBody[IdentityBody](e, KindIdentity)
	return b.Signed, err
}
