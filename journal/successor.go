package journal

import "fmt"

// CheckGenesis holds the first entry of a journal against what else is known of its
// author's identity: a mirror whose [MirrorParams] know the same takes the journal, or
// refuses it with the same [*Refusal].
func CheckGenesis(e *Entry, known []Signed) error {
	led := ledger{unit: e.Unit, party: e.Author, origin: e.Origin()}
	if r := led.step(e, func(PartyID) []Signed { return known }); r != nil {
		return r
	}
	return nil
}

// NewSuccessor certifies, with the organisation key, the journal that replaces
// one whose latest head could not be established ([ErrRolledBack]). It gets a
// new origin (the next epoch) and a new key, and names the last head of the old
// journal that the party knows; any longer, fully signed tail of the old one
// stays binding. Put the result into the genesis of [CreateWriter].
func NewSuccessor(org *PrivateKey, old Certificate, lastKnown Head, key PublicKey) (Signed, error) {
	if key.Equal(old.Key) {
		return Signed{}, fmt.Errorf("journal: a successor needs a new key")
	}
	return NewCertificate(org, Certificate{
		Unit: old.Unit, Party: old.Party, Epoch: old.Epoch + 1, Key: key,
		Predecessor: &Predecessor{Origin: OriginOf(old.Unit, old.Party, old.Epoch), Head: lastKnown},
	})
}
