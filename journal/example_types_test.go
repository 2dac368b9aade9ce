package journal_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"filippo.io/torchwood"
	sumnote "golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"entente/journal"
	"entente/journal/journaltest"
)

// exampleNow is when the examples happen.
var exampleNow = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// exampleJournal is the journal of a new party in a unit of its own. Errors are left
// out for brevity.
func exampleJournal(name string) (node, key *journal.PrivateKey, storage *journaltest.Memory, w *journal.Writer) {
	org, _ := journal.GenerateKey(rand.Reader)
	node, _ = journal.GenerateKey(rand.Reader)
	key, _ = journal.GenerateKey(rand.Reader)
	identity, _ := journal.NewIdentity(org, journal.Identity{Name: name, Node: node.Public(), Created: exampleNow, Expires: exampleNow.AddDate(1, 0, 0)})
	party := journal.PartyOf(identity.Text)
	founding, _ := journal.Founding{Name: "Watch", Founder: party, Created: exampleNow}.Text()
	certificate, _ := journal.NewCertificate(node, journal.Certificate{Unit: journal.UnitOf(founding), Party: party, Key: key.Public()})
	storage = new(journaltest.Memory)
	w, _ = journal.CreateWriter(storage, key, journal.GenesisBody{Identities: []journal.Signed{identity}, Certificate: certificate, Founding: founding},
		exampleNow, journal.By{Role: "administrator"})
	return node, key, storage, w
}

func exampleNote(text string) journal.Draft {
	return journal.Draft{Kind: "note", By: journal.By{Role: "duty"}, Body: map[string]string{"text": text}}
}

// A whole journal is verified from its storage, with no key but those it tells itself,
// vouched for by the organisation key that the party's id names.
func ExampleVerify() {
	_, _, storage, w := exampleJournal("North")
	w.Append(exampleNow, exampleNote("one"), exampleNote("two"))

	report, err := journal.Verify(context.Background(), storage, journal.VerifyParams{Unit: w.Unit(), Party: w.Party(), Origin: w.Origin()})
	fmt.Println(report.Name, report.Head.Size, report.Kinds["note"], err)

	storage.Alter(1, func(raw []byte) []byte { return []byte(strings.Replace(string(raw), "one", "eno", 1)) })
	_, err = journal.Verify(context.Background(), storage, journal.VerifyParams{Unit: w.Unit()})
	fmt.Println(journal.CodeOf(err))
	// Output:
	// North 3 2 <nil>
	// damaged
}

// A party that shows another history than the one a mirror holds has signed both: the
// refusal carries the proof, which anybody verifies with the journal's keys alone.
func ExampleMirror_Extend() {
	_, key, storage, w := exampleJournal("North")
	other, beginning := storage.Snapshot(), w.Head() // a second copy of the beginning
	w.Append(exampleNow, exampleNote("we saw it on Monday"))

	mirror, _ := journal.OpenMirror(new(journaltest.Memory), journal.MirrorParams{Unit: w.Unit()})
	for s := range journal.Segments(storage, 0, 1000, 1<<20) {
		mirror.Extend(s.Entries, s.Checkpoint)
	}

	// The copy goes on by itself, under the same key.
	forger, _ := journal.OpenWriter(other, key, journal.WriterParams{HighWater: &beginning})
	forger.Append(exampleNow, exampleNote("we saw it on Friday"))
	_, err := mirror.Offer(forger.Checkpoint(), nil)

	var proof *journal.ContradictionError
	fmt.Println(errors.As(err, &proof), proof.Proof.Kind(), proof.Proof.Verify(mirror.Keyring()))
	// Output: true fork <nil>
}

// A node key signs at most one first key for a journal. Two certificates for one place
// are proof against the party, whatever was written under them.
func ExampleEquivocation_Verify() {
	node, _, storage, w := exampleJournal("North")
	_, genesis, _ := journal.ReadGenesis(storage)
	second, _ := journal.GenerateKey(rand.Reader)
	another, _ := journal.NewCertificate(node, journal.Certificate{Unit: w.Unit(), Party: w.Party(), Key: second.Public()})

	proof := journal.Equivocation{Party: w.Party(), A: genesis.Certificate, B: another}
	fmt.Println(proof.Verify(genesis.Identities))
	fmt.Println(journal.Equivocation{Party: w.Party(), A: genesis.Certificate, B: genesis.Certificate}.Verify(genesis.Identities) != nil)
	// Output:
	// <nil>
	// true
}

// Content lies outside the tree: the entry commits to it, and once the salt is
// destroyed nobody can even test a guess against the commitment.
func ExampleSealPayload() {
	var salt [32]byte
	rand.Read(salt[:])
	compressed, ref, _ := journal.SealPayload(salt, []byte(`{"type":"bundle"}`))
	ref.Type = journal.PayloadSTIX

	_, _, _, w := exampleJournal("North")
	draft := exampleNote("see the payload")
	draft.Payload = &ref
	entries, _, _ := w.Append(exampleNow, draft)

	plain, err := journal.OpenPayload(*entries[0].Payload, salt, compressed, 0)
	fmt.Printf("%s %v\n", plain, err)
	_, err = journal.OpenPayload(ref, [32]byte{}, compressed, 0)
	fmt.Println(errors.Is(err, journal.ErrCommitment))
	// Output:
	// {"type":"bundle"} <nil>
	// true
}

// A journal's key is replaced by an entry of the journal itself: heads from then on lie
// under the new key, earlier ones stay good under the old.
func ExampleWriter_Rotate() {
	node, key, _, w := exampleJournal("North")
	before := w.Checkpoint()
	next, _ := journal.GenerateKey(rand.Reader)
	certificate, _ := journal.NewCertificate(node, journal.Certificate{
		Unit: w.Unit(), Party: w.Party(), Epoch: w.Epoch(), Key: next.Public(), Replaces: key.Public().ID()})
	entry, head, err := w.Rotate(exampleNow, journal.By{Role: "administrator"}, next, certificate)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(entry.Kind, head.Size, len(w.Keyring().Keys()))
	_, err = w.Keyring().VerifyCheckpoint(before)
	fmt.Println(err)
	// Output:
	// rotate 2 2
	// <nil>
}

// A witness that knows nothing of the unit vouches that it saw a head.
func ExampleCosignatures() {
	_, _, _, w := exampleJournal("North")
	_, secret, _ := ed25519.GenerateKey(rand.Reader)
	witness, _ := torchwood.NewCosignatureSigner("witness.example", secret)
	head, _ := sumnote.Open(w.Checkpoint(), w.Keyring().Policy(w.Head().Size))
	cosigned, _ := sumnote.Sign(head, witness)

	origin, seen, by, err := journal.Cosignatures(cosigned, witness.Verifier().String())
	fmt.Println(origin == w.Origin(), seen == w.Head(), by[0].Name, err)
	// Output: true true witness.example <nil>
}

// Keys are kept as text; whoever stores it encrypts it.
func ExampleParsePrivateKey() {
	key, _ := journal.GenerateKey(rand.Reader)
	text := key.Marshal("organisation key of North")
	again, err := journal.ParsePrivateKey(text)
	fmt.Println(again.Public().Equal(key.Public()), err)
	fmt.Println(slices.Contains(strings.Split(string(text), "\n"), "Comment: organisation key of North"))
	// Output:
	// true <nil>
	// true
}

// A receipt is an entry of the receiver's journal: with a proof it shows a third party
// what the receiver said it holds.
func ExampleVerifyReceipt() {
	_, _, _, north := exampleJournal("North")
	_, _, storage, south := exampleJournal("South")
	north.Append(exampleNow, exampleNote("a warning"))
	entries, _, _ := south.Append(exampleNow, journal.Draft{Kind: journal.KindReceipt, By: journal.By{Role: "node"},
		Seen: map[journal.Origin]journal.Head{north.Origin(): north.Head()},
		Body: journal.ReceiptBody{Origin: north.Origin(), Size: north.Head().Size, Root: north.Head().Root}})

	proof, _ := journal.Prove(storage, entries[0].Index, 0)
	_, receipt, err := journal.VerifyReceipt(entries[0].Raw, proof, south.Keyring())
	fmt.Println(receipt.Origin == north.Origin(), receipt.Size, err)
	// Output: true 2 <nil>
}

// Entries are strict JSON: what two readers could understand differently is refused.
func ExampleParser_Parse() {
	_, _, storage, _ := exampleJournal("North")
	for raw := range storage.Read(0, 1) {
		parser := journal.NewParser()
		e, err := parser.Parse(raw)
		fmt.Println(e.Kind, err)
		_, err = parser.Parse([]byte(strings.Replace(string(raw), "{", `{"kind":"note",`, 1)))
		fmt.Println(journal.CodeOf(err))
	}
	// Output:
	// genesis <nil>
	// bad-entry
}

// A key ring is made from the origin and the first key alone, and can be kept as JSON; it opens what the journal's key
// signed, and nothing else.
func ExampleKeyring() {
	_, key, _, w := exampleJournal("North")
	ring, _ := journal.NewKeyring(w.Origin(), key.Public())
	text, _ := ring.MarshalJSON()
	var again journal.Keyring
	fmt.Println(again.UnmarshalJSON(text), again.Current().Equal(key.Public()))
	head, err := again.VerifyCheckpoint(w.Checkpoint())
	fmt.Println(head == w.Head(), err)
	_, _, _, other := exampleJournal("South")
	_, err = again.VerifyCheckpoint(other.Checkpoint())
	fmt.Println(err != nil)
	// Output:
	// <nil> true
	// true <nil>
	// true
}

// An entry with its proof convinces whoever has the journal's keys, without the journal.
func ExampleVerifyProof() {
	_, _, storage, w := exampleJournal("North")
	entries, head, _ := w.Append(exampleNow, exampleNote("we asked on Monday"))
	proof, _ := journal.Prove(storage, entries[0].Index, head.Size)

	e, under, err := journal.VerifyProof(entries[0].Raw, proof, w.Keyring())
	fmt.Println(e.Kind, under == head, err)
	_, _, err = journal.VerifyProof([]byte(strings.Replace(string(entries[0].Raw), "Monday", "Friday", 1)), proof, w.Keyring())
	fmt.Println(err != nil)
	// Output:
	// note true <nil>
	// true
}

// A storage is read by index, and gives the checkpoint of each batch; what it gives is believed by nobody.
func ExampleStorage() {
	_, _, memory, w := exampleJournal("North")
	w.Append(exampleNow, exampleNote("one"), exampleNote("two"))
	var storage journal.Storage = memory
	for raw, err := range storage.Read(1, 3) {
		e, _ := journal.ParseEntry(raw)
		fmt.Println(e.Index, e.Kind, err)
	}
	for checkpoint, err := range storage.Checkpoints(0) {
		_, head, _ := journal.CheckpointHead(checkpoint)
		fmt.Println(head.Size, err)
	}
	// Output:
	// 1 note <nil>
	// 2 note <nil>
	// 1 <nil>
	// 3 <nil>
}

// Who signs a journal that breaks a rule has proved it: a mirror refuses the entry with a proof that anybody verifies
// with the journal's keys alone.
func ExampleViolation() {
	_, key, storage, w := exampleJournal("North")
	mirror, _ := journal.OpenMirror(new(journaltest.Memory), journal.MirrorParams{Unit: w.Unit()})
	for s := range journal.Segments(storage, 0, 1000, 1<<20) {
		mirror.Extend(s.Entries, s.Checkpoint)
	}
	// A forger skips an index, and signs the tree with the journal's own key.
	entries, _, _ := w.Append(exampleNow, exampleNote("one"))
	bent := []byte(strings.Replace(string(entries[0].Raw), `"index":1`, `"index":7`, 1))
	var hashes []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) (out []tlog.Hash, err error) {
		for _, i := range indexes {
			out = append(out, hashes[i])
		}
		return out, nil
	})
	for raw := range storage.Read(0, 1) {
		more, _ := tlog.StoredHashes(0, raw, reader)
		hashes = append(hashes, more...)
	}
	more, _ := tlog.StoredHashes(1, bent, reader)
	hashes = append(hashes, more...)
	root, _ := tlog.TreeHash(2, reader)
	signed, _ := journal.SignCheckpoint(w.Origin(), journal.Head{Size: 2, Root: root}, exampleNow, key)

	_, err := mirror.Extend([][]byte{bent}, signed)
	var caught *journal.ViolationError
	fmt.Println(errors.As(err, &caught), caught.Proof.Code, caught.Proof.Verify(mirror.Keyring()))
	// Output: true wrong-index <nil>
}
