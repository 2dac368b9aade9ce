package journal_test

// One test for each rule of the design's "rules that make the promises hold"
// that lies in this package; the names begin with the rule's.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/torchwood"
	sumnote "golang.org/x/mod/sumdb/note"

	"entente/journal"
	"entente/journal/journaltest"
)

func receipt(h journal.Head, o journal.Origin, missing ...journal.Hash) journal.Draft {
	return journal.Draft{Kind: journal.KindReceipt, Body: journal.ReceiptBody{Origin: o, Size: h.Size, Root: h.Root, Missing: missing}}
}

func TestReceiptsAreBoundByACheckpointWithBothSignatures(t *testing.T) {
	a, b := open(t, "North"), open(t, "South")
	a.append(t, notes(0, 3)...)
	e := b.append(t, receipt(a.w.Head(), a.w.Origin(), journal.Hash{9}))[0]
	proof, err := journal.Prove(b.st, e.Index, 0)
	ok(t, err)
	_, r, err := journal.VerifyReceipt(e.Raw, proof, b.w.Keyring())
	ok(t, err)
	if r.Head() != a.w.Head() || r.Origin != a.w.Origin() || len(r.Missing) != 1 {
		t.Fatalf("receipt says %+v", r)
	}
	// Without either half it is no receipt.
	for drop, code := range map[int]string{0: journal.CodeHalfSignature, 1: journal.CodeHalfSignature, 2: journal.CodeBadSignature} {
		_, _, err := journal.VerifyReceipt(e.Raw, dropSignatures(proof, drop), b.w.Keyring())
		wantCode(t, err, code)
	}
	// Neither is another kind of entry, nor a receipt of something else.
	n := b.append(t, note(1))[0]
	proof, err = journal.Prove(b.st, n.Index, 0)
	ok(t, err)
	_, _, err = journal.VerifyReceipt(n.Raw, proof, b.w.Keyring())
	wantCode(t, err, journal.CodeBadEntry)
	_, _, err = journal.VerifyReceipt(e.Raw, proof, b.w.Keyring())
	wantCode(t, err, journal.CodeWrongIndex)
}

// dropSignatures removes the n-th signature line (0, 1) or all (2).
func dropSignatures(signed []byte, n int) []byte {
	i := bytes.LastIndex(signed, []byte("\n\n")) + 2
	lines := bytes.SplitAfter(signed[i:], []byte("\n"))
	out := bytes.Clone(signed[:i])
	for j, l := range lines {
		if j != n && n != 2 {
			out = append(out, l...)
		}
	}
	if n == 2 {
		out = append(out, "\u2014 witness.example AAAAAAAA\n"...)
	}
	return out
}

func TestReceiptsAreNotWitnessCosignatures(t *testing.T) {
	a := open(t, "North")
	cp := a.w.Checkpoint()
	text, _, _ := strings.Cut(string(cp), "\n\n")
	witness, err := torchwood.NewCosignatureSigner("witness.example", ed25519Key("witness"))
	ok(t, err)
	// The same Ed25519 key as the journal's, used as a witness, does not count either.
	again, err := torchwood.NewCosignatureSigner(string(a.w.Origin()), ed25519Key("North key"))
	ok(t, err)
	only, err := sumnote.Sign(&sumnote.Note{Text: text + "\n"}, witness, again)
	ok(t, err)
	_, err = a.w.Keyring().VerifyCheckpoint(only)
	wantCode(t, err, journal.CodeBadSignature)
	// Beside the journal's own signatures they do no harm, and are not kept.
	n, err := sumnote.Open(cp, a.w.Keyring().Policy(1))
	ok(t, err)
	cosigned, err := sumnote.Sign(n, witness)
	ok(t, err)
	_, err = a.w.Keyring().VerifyCheckpoint(cosigned)
	ok(t, err)
	o, h, who, err := journal.Cosignatures(cosigned, witness.Verifier().String())
	ok(t, err)
	if o != a.w.Origin() || h != a.w.Head() || len(who) != 1 || who[0].Name != "witness.example" {
		t.Fatalf("cosigned by %v", who)
	}
	_, _, _, err = journal.Cosignatures(cp, witness.Verifier().String())
	wantCode(t, err, journal.CodeBadSignature)
	m := a.mirror(t)
	_, err = m.Extend(all(a.st, 0, 1), cosigned)
	ok(t, err)
	if !bytes.Equal(m.Checkpoint(), cp) {
		t.Fatal("the mirror keeps more than what the author signed")
	}
	// Journaled, the cosigned checkpoint is evidence.
	e := a.append(t, journal.Draft{Kind: journal.KindWitness, Body: journal.WitnessBody{Checkpoint: string(cosigned)}})[0]
	b, err := journal.DecodeBody[journal.WitnessBody](e, journal.KindWitness)
	ok(t, err)
	if b.Checkpoint != string(cosigned) {
		t.Fatal("the journaled checkpoint changed")
	}
}

func head(size int64, b byte) journal.Head {
	return journal.Head{Size: size, Root: journal.Hash{b}}
}

func seenJSON(o journal.Origin, h journal.Head) string {
	return fmt.Sprintf(`"seen":{"%s":{"size":%d,"root":"%s"}}`, o, h.Size, h.Root)
}

func TestCausalitySeenNeverDecreases(t *testing.T) {
	a, m := victim(t)
	other := journal.OriginOf(a.unit, newActor("South").id, 0)
	a.append(t, journal.Draft{Kind: "note", Seen: map[journal.Origin]journal.Head{other: head(5, 1)}})
	es := a.append(t, note(1))
	if es[0].Seen[other] != head(5, 1) {
		t.Fatal("seen is cumulative: the writer has to repeat it")
	}
	_, _, err := a.w.Append(start, journal.Draft{Kind: "note", Seen: map[journal.Origin]journal.Head{other: head(4, 1)}})
	if err == nil {
		t.Fatal("the writer went back")
	}
	_, _, err = a.w.Append(start, journal.Draft{Kind: "note", Seen: map[journal.Origin]journal.Head{other: head(5, 2)}})
	if err == nil {
		t.Fatal("the writer changed a root")
	}
	_, _, err = a.w.Append(start, journal.Draft{Kind: "note", Seen: map[journal.Origin]journal.Head{a.w.Origin(): head(5, 2)}})
	if err == nil {
		t.Fatal("the writer has seen itself")
	}
	a.append(t, journal.Draft{Kind: "note", Seen: map[journal.Origin]journal.Head{other: head(6, 3)}})
	honest := all(a.st, 8, 11)
	for name, new := range map[string]string{
		"size goes back": seenJSON(other, head(4, 1)),
		"root changes":   seenJSON(other, head(5, 2)),
		"left out":       `"seen":{}`,
	} {
		t.Run(name, func(t *testing.T) {
			raw := slices.Clone(honest)
			raw[2] = edit(t, raw[2], seenJSON(other, head(6, 3)), new)
			evil := journaltest.Forge(t, a.w.Origin(), slices.Concat(all(a.st, 0, 8), raw), a.key)
			_, err := m.Extend(raw, checkpoints(evil)[0])
			caught(t, err, journal.CodeBadSeen, m.Keyring())
		})
	}
	follow(t, m, a.st)
}

func TestCausalitySeenCoversEveryJournaledReceipt(t *testing.T) {
	a, m := victim(t)
	other := journal.OriginOf(a.unit, newActor("South").id, 0)
	e := a.append(t, receipt(head(7, 1), other))[0]
	if e.Seen[other] != head(7, 1) {
		t.Fatal("the writer does not add what it receipts to seen")
	}
	if e := a.append(t, note(1))[0]; e.Seen[other].Size < 7 {
		t.Fatal("a later entry leaves the receipt out")
	}
	// A receipt of less than what was seen needs nothing more.
	a.append(t, receipt(head(3, 4), other))
	honest := all(a.st, 8, 9)
	for _, new := range []string{`"seen":{}`, seenJSON(other, head(6, 1)), seenJSON(other, head(7, 2))} {
		raw := [][]byte{edit(t, honest[0], seenJSON(other, head(7, 1)), new)}
		evil := journaltest.Forge(t, a.w.Origin(), slices.Concat(all(a.st, 0, 8), raw), a.key)
		_, err := m.Extend(raw, checkpoints(evil)[0])
		caught(t, err, journal.CodeBadSeen, m.Keyring())
	}
	follow(t, m, a.st)
}

func TestGateTimeNeverLiesBelowThePredecessors(t *testing.T) {
	a := open(t, "North")
	late := a.append(t, journal.Draft{Kind: "note", At: start.Add(time.Hour)})[0]
	es, _, err := a.w.Append(start.Add(-time.Hour), note(1), journal.Draft{Kind: "note", At: start})
	ok(t, err)
	for _, e := range es {
		if e.At.Before(late.At) {
			t.Fatalf("entry %d goes back to %s", e.Index, e.AtText)
		}
	}
	m := a.mirror(t)
	follow(t, m, a.st) // refusal and proof: TestEntriesThatTheAuthorHimselfSigned.../back-dated
}

func TestRestoreBelowTheHighWaterMarkIsRefused(t *testing.T) {
	a := open(t, "North")
	a.append(t, notes(0, 3)...)
	backup := a.st.Snapshot()
	a.append(t, notes(3, 5)...)
	mark := a.w.Head()
	_, err := journal.OpenWriter(backup, a.key, journal.WriterParams{HighWater: &mark})
	wantIs(t, err, journal.ErrRolledBack)
	_, err = journal.OpenWriter(a.st, a.key, journal.WriterParams{})
	wantIs(t, err, journal.ErrRolledBack) // without a mark nothing is established
	_, err = journal.Verify(context.Background(), backup, journal.VerifyParams{HighWater: &mark})
	wantIs(t, err, journal.ErrRolledBack)
	// A journal of the same length that is not the one that was written.
	w, err := journal.OpenWriter(backup, a.key, journal.WriterParams{HighWater: ptr(mustHead(t, backup))})
	ok(t, err)
	_, _, err = w.Append(start, notes(7, 9)...)
	ok(t, err)
	_, err = journal.OpenWriter(backup, a.key, journal.WriterParams{HighWater: &mark})
	wantIs(t, err, journal.ErrRolledBack)
	// The true one opens, also with an older mark.
	for _, h := range []journal.Head{mark, mustHead(t, a.st), {}} {
		_, err = journal.OpenWriter(a.st, a.key, journal.WriterParams{HighWater: &h})
		ok(t, err)
	}
	_, err = journal.OpenWriter(a.st, seed("another"), journal.WriterParams{HighWater: &mark})
	wantCode(t, err, journal.CodeBadCertificate)
}

func ptr[T any](v T) *T { return &v }

func mustHead(t testing.TB, st journal.Storage) journal.Head {
	t.Helper()
	cp, err := st.Latest()
	ok(t, err)
	_, h, err := journal.CheckpointHead(cp)
	ok(t, err)
	return h
}

func TestRestoreSuccessorNeedsTheOrganisationKey(t *testing.T) {
	a, m := victim(t)
	known := m.Head()
	a.append(t, notes(7, 9)...) // signed and lost in the crash, but South may have it
	next := seed("North key 1")
	cert, err := journal.NewSuccessor(a.org, a.w.Certificate(), known, next.Public())
	ok(t, err)
	if _, err := journal.NewSuccessor(a.org, a.w.Certificate(), known, a.key.Public()); err == nil {
		t.Fatal("a successor must not use the old key")
	}
	st := new(journaltest.Memory)
	w, err := journal.CreateWriter(st, next, journal.GenesisBody{Identities: a.chain, Certificate: cert, Founding: a.founding}, start, journal.By{})
	ok(t, err)
	if w.Epoch() != 1 || w.Origin() == a.w.Origin() {
		t.Fatal("a successor is another journal")
	}
	s := a.mirror(t)
	follow(t, s, st)
	c := s.Certificate()
	if c.Predecessor == nil || c.Predecessor.Head != known || c.Predecessor.Origin != a.w.Origin() {
		t.Fatalf("the successor names %+v", c.Predecessor)
	}
	ok(t, m.CheckSuccessor(c))

	// The longer, fully signed tail stays binding and can still be mirrored.
	follow(t, m, a.st)
	if m.Head().Size != 10 {
		t.Fatal("the old tail is lost")
	}
	ok(t, m.CheckSuccessor(c))
	// A successor that names a head the journal never had is not believed.
	c.Predecessor = &journal.Predecessor{Origin: a.w.Origin(), Head: head(3, 9)}
	wantCode(t, m.CheckSuccessor(c), journal.CodeRewritten)
	c.Predecessor = nil
	wantCode(t, m.CheckSuccessor(c), journal.CodeWrongOrigin)

	// Signed by the node key it is nothing.
	cert, err = journal.NewSuccessor(a.node, a.w.Certificate(), known, next.Public())
	ok(t, err)
	_, err = journal.CreateWriter(new(journaltest.Memory), next, journal.GenesisBody{Identities: a.chain, Certificate: cert, Founding: a.founding}, start, journal.By{})
	wantCode(t, err, journal.CodeBadSignature)
	// A mirror refuses it as well, however it was made.
	g := edit(t, all(st, 0, 1)[0], "", "")
	e, err := journal.ParseEntry(g)
	ok(t, err)
	body, err := e.Genesis()
	ok(t, err)
	body.Certificate = cert
	forged := forgeGenesis(t, a, next, 1, body)
	_, err = a.mirror(t).Extend(all(forged, 0, 1), checkpoints(forged)[0])
	wantCode(t, err, journal.CodeBadSignature)
}

func TestRestoreSuccessorNeedsTheNewestOrganisationKey(t *testing.T) {
	a := open(t, "North")
	v2 := rotated(t, a.chain[0], a.org, seed("North org 2"), nextIdentity("node 2"))
	known := func(journal.PartyID) []journal.Signed { return []journal.Signed{a.chain[0], v2} }
	next := seed("North key 1")
	// A thief of the replaced organisation key shows the chain as it was, with
	// any date he likes.
	cert, err := journal.NewSuccessor(a.org, a.w.Certificate(), a.w.Head(), next.Public())
	ok(t, err)
	st := forgeGenesis(t, a, next, 1, journal.GenesisBody{Identities: a.chain, Certificate: cert, Founding: a.founding})
	m, err := journal.OpenMirror(newStore(), journal.MirrorParams{Unit: a.unit, Known: known})
	ok(t, err)
	_, err = m.Extend(all(st, 0, 1), checkpoints(st)[0])
	wantCode(t, err, journal.CodeBadSignature)
	// The party itself has the new one.
	cert, err = journal.NewSuccessor(seed("North org 2"), a.w.Certificate(), a.w.Head(), next.Public())
	ok(t, err)
	st = forgeGenesis(t, a, next, 1, journal.GenesisBody{Identities: known(a.id), Certificate: cert, Founding: a.founding})
	_, err = m.Extend(all(st, 0, 1), checkpoints(st)[0])
	ok(t, err)
	// A first journal that was opened before the change stays what it was.
	m, err = journal.OpenMirror(newStore(), journal.MirrorParams{Unit: a.unit, Known: known})
	ok(t, err)
	follow(t, m, a.st)
	// One that says it was opened after it does not.
	g := a.genesis(t)
	late := newActor("North")
	w, err := journal.CreateWriter(late.st, a.key, g, start.AddDate(0, 2, 0), journal.By{})
	ok(t, err)
	m, err = journal.OpenMirror(newStore(), journal.MirrorParams{Unit: a.unit, Known: known})
	ok(t, err)
	_, err = m.Extend(all(late.st, 0, 1), w.Checkpoint())
	wantCode(t, err, journal.CodeBadSignature)
}

// forgeGenesis writes a genesis that no writer would.
func forgeGenesis(t testing.TB, a *actor, key *journal.PrivateKey, epoch int, body journal.GenesisBody) *journaltest.Memory {
	t.Helper()
	raw := fmt.Sprintf(`{"v":1,"kind":"genesis","at":"%s","by":{"agency":"","role":""},"unit":"%s","author":"%s","epoch":%d,"index":0,"seen":{},"body":%s}`,
		start.Format(time.RFC3339), a.unit, a.id, epoch, marshal(t, body))
	return journaltest.Forge(t, journal.OriginOf(a.unit, a.id, epoch), [][]byte{[]byte(raw)}, key)
}

func TestKeysRotationSchedule(t *testing.T) {
	a := open(t, "North")
	a.append(t, notes(0, 3)...)
	next := seed("North key 0b")
	cert, err := journal.NewCertificate(a.node, journal.Certificate{Unit: a.unit, Party: a.id, Key: next.Public(), Replaces: a.key.Public().ID()})
	ok(t, err)
	e, h, err := a.w.Rotate(start.Add(time.Hour), journal.By{}, next, cert)
	ok(t, err)
	a.append(t, notes(3, 5)...)
	keys := a.w.Keyring()
	i := e.Index
	for size, want := range map[int64]int{1: 1, i: 1, i + 1: 2, i + 2: 1} {
		if got := keys.At(size); len(got) != want {
			t.Fatalf("size %d is signed by %d keys, want %d", size, len(got), want)
		}
	}
	if !keys.At(i)[0].Equal(a.key.Public()) || !keys.At(i + 2)[0].Equal(next.Public()) || !keys.Current().Equal(next.Public()) {
		t.Fatal("the wrong keys")
	}
	for _, cp := range checkpoints(a.st) {
		_, err := keys.VerifyCheckpoint(cp)
		ok(t, err)
	}
	// Right after the rotate entry either key alone is not enough.
	for _, k := range []*journal.PrivateKey{a.key, next} {
		cp, err := journal.SignCheckpoint(a.w.Origin(), h, start, k)
		ok(t, err)
		_, err = keys.VerifyCheckpoint(cp)
		wantCode(t, err, journal.CodeHalfSignature)
	}
	// Later sizes under the old key, earlier ones under the new: refused.
	cp, err := journal.SignCheckpoint(a.w.Origin(), a.w.Head(), start, a.key)
	ok(t, err)
	_, err = keys.VerifyCheckpoint(cp)
	wantCode(t, err, journal.CodeBadSignature)
	cp, err = journal.SignCheckpoint(a.w.Origin(), head(2, 1), start, next)
	ok(t, err)
	_, err = keys.VerifyCheckpoint(cp)
	wantCode(t, err, journal.CodeBadSignature)

	// A mirror follows, also after it was opened again, and a writer goes on
	// with the new key only.
	m := a.mirror(t)
	follow(t, m, a.st)
	st := a.st.Snapshot()
	again, err := journal.OpenMirror(st, journal.MirrorParams{Unit: a.unit})
	ok(t, err)
	a.append(t, note(9))
	follow(t, again, a.st)
	if len(again.Keyring().Keys()) != 2 {
		t.Fatal("the schedule was not found again")
	}
	hw := mustHead(t, a.st)
	_, err = journal.OpenWriter(a.st, a.key, journal.WriterParams{HighWater: &hw})
	wantCode(t, err, journal.CodeBadCertificate)
	w, err := journal.OpenWriter(a.st, next, journal.WriterParams{HighWater: &hw})
	ok(t, err)
	_, _, err = w.Append(start, note(10))
	ok(t, err)
	_, err = journal.Verify(context.Background(), a.st, journal.VerifyParams{})
	ok(t, err)

	// Segments stop after the rotation, so that a new mirror learns the key.
	fresh := a.mirror(t)
	for s, err := range journal.Segments(a.st, 0, 1000, 1<<20) {
		ok(t, err)
		_, err = fresh.Extend(s.Entries, s.Checkpoint)
		ok(t, err)
	}
	if fresh.Head() != mustHead(t, a.st) {
		t.Fatal("the segments do not lead to the end")
	}
	// A rotate entry in the middle of what comes cannot be followed.
	_, err = a.mirror(t).Extend(all(a.st, 0, hw.Size), a.w.Checkpoint())
	wantCode(t, err, journal.CodeHalfSignature)
	begun := a.mirror(t)
	_, err = begun.Extend(all(a.st, 0, 1), checkpoints(a.st)[0])
	ok(t, err)
	_, err = begun.Extend(all(a.st, 1, hw.Size), a.w.Checkpoint())
	wantCode(t, err, journal.CodeHalfSignature)
}

func TestKeysRotationNeedsACertificateThatNamesTheOldKey(t *testing.T) {
	a := open(t, "North")
	next := seed("North key 0b")
	base := journal.Certificate{Unit: a.unit, Party: a.id, Key: next.Public(), Replaces: a.key.Public().ID()}
	for name, c := range map[string]struct {
		signer *journal.PrivateKey
		change func(*journal.Certificate)
	}{
		"signed by the journal key": {a.key, func(*journal.Certificate) {}},
		"signed by a stranger":      {seed("stranger"), func(*journal.Certificate) {}},
		"replaces another key":      {a.node, func(c *journal.Certificate) { c.Replaces = journal.Hash{1} }},
		"for a first key":           {a.node, func(c *journal.Certificate) { c.Replaces = journal.Hash{} }},
		"for another key":           {a.node, func(c *journal.Certificate) { c.Key = seed("x").Public() }},
		"for the current key":       {a.node, func(c *journal.Certificate) { c.Key = a.key.Public() }},
	} {
		t.Run(name, func(t *testing.T) {
			cert := base
			c.change(&cert)
			s, err := journal.NewCertificate(c.signer, cert)
			ok(t, err)
			if _, _, err := a.w.Rotate(start, journal.By{}, next, s); err == nil {
				t.Fatal("rotated")
			}
		})
	}
	// By the organisation key it is fine.
	s, err := journal.NewCertificate(a.org, base)
	ok(t, err)
	_, _, err = a.w.Rotate(start, journal.By{}, next, s)
	ok(t, err)
	// Back to the first key: never.
	base.Key, base.Replaces = a.key.Public(), next.Public().ID()
	s, err = journal.NewCertificate(a.org, base)
	ok(t, err)
	_, _, err = a.w.Rotate(start, journal.By{}, a.key, s)
	wantCode(t, err, journal.CodeBadCertificate)
	a.append(t, note(1)) // nothing broke
}

func TestKeysCompromiseNeverDisownsWhatWasReceipted(t *testing.T) {
	a := open(t, "North")
	a.append(t, notes(0, 9)...)
	good := head(5, 1)
	c := journal.Compromise{Party: a.id, Key: a.key.Public().ID(), Origin: a.w.Origin(), Good: good, Created: start}
	s, err := journal.NewCompromise(a.org, c)
	ok(t, err)
	e := a.append(t, journal.Draft{Kind: journal.KindCompromise, Body: journal.CompromiseBody{Key: c.Key, Origin: c.Origin, Good: c.Good, Statement: s}})
	b, err := journal.DecodeBody[journal.CompromiseBody](e[0], journal.KindCompromise)
	ok(t, err)
	_, id, err := journal.VerifyIdentityChain(a.chain, time.Time{})
	ok(t, err)
	got, err := journal.VerifyCompromise(b.Statement, a.id, id)
	ok(t, err)
	if got.Binding(8) != 8 || got.Binding(3) != 5 || got.Binding(0) != 5 {
		t.Fatal("a compromise notice disowns what was receipted, or more than it names")
	}
	// The thief has the journal key and perhaps the node key, not the organisation key.
	for _, k := range []*journal.PrivateKey{a.key, a.node} {
		s, err := journal.NewCompromise(k, c)
		ok(t, err)
		_, _, err = a.w.Append(start, journal.Draft{Kind: journal.KindCompromise, Body: journal.CompromiseBody{Key: c.Key, Origin: c.Origin, Good: c.Good, Statement: s}})
		wantCode(t, err, journal.CodeBadSignature)
	}
	_, _, err = a.w.Append(start, journal.Draft{Kind: journal.KindCompromise, Body: journal.CompromiseBody{Key: c.Key, Origin: c.Origin, Good: head(1, 1), Statement: s}})
	wantCode(t, err, journal.CodeBadEntry)
}

func TestBindingOfUnitOriginAndEntries(t *testing.T) {
	a, b := open(t, "North"), open(t, "South")
	if a.unit != journal.UnitOf(a.founding) || a.unit == journal.UnitOf(a.founding+" ") {
		t.Fatal("the unit id does not hash the founding document")
	}
	seen := map[journal.Origin]bool{}
	for _, u := range []journal.UnitID{a.unit, journal.UnitOf("another")} {
		for _, p := range []journal.PartyID{a.id, b.id} {
			for epoch := range 3 {
				seen[journal.OriginOf(u, p, epoch)] = true
			}
		}
	}
	if len(seen) != 12 {
		t.Fatal("origins do not hash unit, party and epoch")
	}
	e := a.append(t, note(1))[0]
	if e.Unit != a.unit || e.Author != a.id || e.Index != 1 || e.Origin() != a.w.Origin() {
		t.Fatal("an entry does not name unit, author and index")
	}
	// A certificate for one journal opens no other.
	g := a.genesis(t)
	g.Identities = b.chain
	_, err := journal.CreateWriter(new(journaltest.Memory), a.key, g, start, journal.By{})
	if err == nil {
		t.Fatal("a genesis with another party's identity was written")
	}
	g = a.genesis(t)
	g.Founding = strings.Replace(g.Founding, "North and South", "East and West", 1)
	_, err = journal.CreateWriter(new(journaltest.Memory), a.key, g, start, journal.By{})
	wantCode(t, err, journal.CodeWrongUnit)
}

func TestStaleIsNotGuilt(t *testing.T) {
	a, m := victim(t)
	for _, cp := range checkpoints(a.st) {
		_, h, err := journal.CheckpointHead(cp)
		ok(t, err)
		_, err = m.Extend(all(a.st, 0, h.Size), cp)
		wantIs(t, err, journal.ErrStale)
		wantCode(t, err, journal.CodeStale)
		var c *journal.ContradictionError
		if errors.As(err, &c) {
			t.Fatal("an old head was taken for guilt")
		}
		if _, err = m.Offer(cp, nil); h.Size < m.Head().Size {
			wantIs(t, err, journal.ErrStale)
		} else {
			ok(t, err)
		}
	}
}

func TestAbsenceIsProvedByThePrefixUpToANamedHead(t *testing.T) {
	a := open(t, "North")
	a.append(t, notes(0, 4)...)
	a.append(t, notes(4, 9)...)
	var prefix []journal.Record
	for r, err := range journal.Records(a.st) {
		ok(t, err)
		prefix = append(prefix, journal.Record{Kind: r.Kind, Content: bytes.Clone(r.Content)})
		if len(prefix) == 7 { // 5 entries, 2 checkpoints
			break
		}
	}
	r, err := journal.VerifyRecords(context.Background(), seqOf(prefix), journal.VerifyParams{Origin: a.w.Origin()})
	ok(t, err)
	if r.Head.Size != 5 || r.Kinds["answer"] != 0 || r.Kinds["note"] != 4 {
		t.Fatalf("report %+v", r)
	}
	for i := range prefix {
		cut := slices.Delete(slices.Clone(prefix), i, i+1)
		if i == 1 { // the first checkpoint may be missing, no entry may
			continue
		}
		if _, err := journal.VerifyRecords(context.Background(), seqOf(cut), journal.VerifyParams{}); err == nil {
			t.Fatalf("record %d can be left out", i)
		}
	}
}

func seqOf(rs []journal.Record) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		for _, r := range rs {
			if !yield(r, nil) {
				return
			}
		}
	}
}
