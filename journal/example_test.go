package journal_test

import (
	"crypto/rand"
	"fmt"
	"time"

	"entente/journal"
	"entente/journal/journaltest"
)

// A party founds a unit, writes its journal, and another one keeps a verified
// copy and checks one entry with a proof. Errors are left out for brevity.
func Example() {
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	org, _ := journal.GenerateKey(rand.Reader) // stays offline
	node, _ := journal.GenerateKey(rand.Reader)
	key, _ := journal.GenerateKey(rand.Reader) // of this journal

	identity, _ := journal.NewIdentity(org, journal.Identity{Name: "North", Node: node.Public(), Created: now, Expires: now.AddDate(1, 0, 0)})
	north := journal.PartyOf(identity.Text)
	founding, _ := journal.Founding{Name: "North and South", Founder: north, Created: now}.Text()
	unit := journal.UnitOf(founding)
	certificate, _ := journal.NewCertificate(node, journal.Certificate{Unit: unit, Party: north, Key: key.Public()})

	storage := new(journaltest.Memory)
	w, _ := journal.CreateWriter(storage, key, journal.GenesisBody{
		Identities: []journal.Signed{identity}, Certificate: certificate, Founding: founding}, now, journal.By{Role: "administrator"})
	entries, head, _ := w.Append(now, journal.Draft{Kind: "note", By: journal.By{Agency: "CERT", Role: "duty"}, Body: map[string]string{"text": "hello"}})
	fmt.Println("written:", entries[0].Kind, "at size", head.Size)

	mirror, _ := journal.OpenMirror(new(journaltest.Memory), journal.MirrorParams{Unit: unit})
	for s := range journal.Segments(storage, mirror.Head().Size, 1000, 1<<20) {
		mirror.Extend(s.Entries, s.Checkpoint)
	}
	fmt.Println("mirrored:", mirror.Head() == head)

	proof, _ := journal.Prove(storage, entries[0].Index, 0)
	_, _, err := journal.VerifyProof(entries[0].Raw, proof, mirror.Keyring())
	fmt.Println("proved:", err == nil)
	// Output:
	// written: note at size 2
	// mirrored: true
	// proved: true
}
