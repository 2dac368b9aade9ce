package journaltest

import (
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"entente/journal"
)

// Start is when the parties of tests begin.
var Start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.FixedZone("", 3600))

// Key returns a key pair that depends on nothing but the name: tests only.
func Key(name string) *journal.PrivateKey {
	a, b := sha256.Sum256([]byte("ed25519 "+name)), sha256.Sum256([]byte("mldsa44 "+name))
	k, err := journal.NewPrivateKey(a, b)
	if err != nil {
		panic(fmt.Sprintf("journaltest: %v", err))
	}
	return k
}

// Party is a party with all of its keys and a verified identity of one version.
type Party struct {
	Name     string
	Org      *journal.PrivateKey
	Node     *journal.PrivateKey
	Chain    []journal.Signed
	Identity journal.Identity
	ID       journal.PartyID
}

// NewParty returns a party whose keys depend on its name.
func NewParty(t testing.TB, name string) *Party {
	t.Helper()
	p := &Party{Name: name, Org: Key(name + " org"), Node: Key(name + " node")}
	s, err := journal.NewIdentity(p.Org, journal.Identity{
		Name: name, Node: p.Node.Public(), TLS: []journal.Hash{sha256.Sum256([]byte(name))},
		Created: Start, Expires: Start.AddDate(2, 0, 0), Addresses: []string{"https://" + name + ".example:7443"},
	})
	if err != nil {
		t.Fatal(err)
	}
	p.Chain = []journal.Signed{s}
	if p.ID, p.Identity, err = journal.VerifyIdentityChain(p.Chain, Start); err != nil {
		t.Fatal(err)
	}
	return p
}

// Found returns the founding document of a unit and its id.
func (p *Party) Found(t testing.TB, name string) (text string, unit journal.UnitID) {
	t.Helper()
	text, err := journal.Founding{Name: name, Founder: p.ID, Nonce: sha256.Sum256([]byte(name)), Created: Start}.Text()
	if err != nil {
		t.Fatal(err)
	}
	return text, journal.UnitOf(text)
}

// JournalKey returns the party's key for its journal of an epoch.
func (p *Party) JournalKey(epoch int) *journal.PrivateKey {
	return Key(fmt.Sprintf("%s journal %d", p.Name, epoch))
}

// Write opens the party's first journal in the unit on an empty storage.
func (p *Party) Write(t testing.TB, st journal.Storage, founding string) *journal.Writer {
	t.Helper()
	key := p.JournalKey(0)
	c, err := journal.NewCertificate(p.Node, journal.Certificate{Unit: journal.UnitOf(founding), Party: p.ID, Key: key.Public()})
	if err != nil {
		t.Fatal(err)
	}
	w, err := journal.CreateWriter(st, key, journal.GenesisBody{Identities: p.Chain, Certificate: c, Founding: founding}, Start, journal.By{Role: "setup"})
	if err != nil {
		t.Fatal(err)
	}
	return w
}
