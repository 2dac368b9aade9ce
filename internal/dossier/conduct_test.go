package dossier_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"entente/internal/dossier"
	"entente/internal/lang"
	"entente/internal/unit"
	"entente/journal"
	"entente/journal/journaltest"
)

// fork lets a party write another continuation of its journal from a copy, as one does who lies.
func (p *party) fork(copied *journaltest.Memory, head journal.Head) *party {
	p.w.t.Helper()
	w, err := journal.OpenWriter(copied, seed(p.name+" key"), journal.WriterParams{HighWater: &head})
	ok(p.w.t, err)
	return &party{w: p.w, name: p.name, id: p.id, identity: p.identity, st: copied, jw: w}
}

func checkpoint(t testing.TB, st journal.Storage) string {
	t.Helper()
	cp, err := st.Latest()
	ok(t, err)
	return string(cp)
}

func fromAgreed(t testing.TB) (w *world, north, south *party) {
	w = newWorld(t, "North", "South")
	w.agree()
	return w, w.parties[0], w.parties[1]
}

// contradict makes South sign two histories; North keeps the one that is in the unit.
func contradict(t testing.TB) (w *world, north, south, lie *party, c journal.Contradiction) {
	w, north, south = fromAgreed(t)
	lie = south.fork(south.st.Snapshot(), south.jw.Head())
	south.share(1)
	lie.write(unit.KindShare, unit.ContentBody{Objects: 9, TLP: "green"}, nil)
	c = journal.Contradiction{Code: journal.CodeFork, Origin: south.jw.Origin(), A: checkpoint(t, south.st), B: checkpoint(t, lie.st)}
	return w, north, south, lie, c
}

// TestContradictionIsProved: a party that signed two heads stands proved, from an evidence entry and
// from a kept proof alike, and the dossier holds.
func TestContradictionIsProved(t *testing.T) {
	w, north, south, _, c := contradict(t)
	e := north.write(journal.KindEvidence, c, nil)
	r, err := verify(pack(t, w.source()))
	ok(t, err)
	f := find(r, dossier.Proved, journal.CodeFork)
	if f == nil || f.Party != south.id || !slices.Equal(f.Refs, []journal.Ref{e.Ref()}) {
		t.Fatalf("%+v", r.Findings)
	}
	var text bytes.Buffer
	ok(t, r.WriteText(&text, lang.English()))
	if !strings.Contains(text.String(), "signed two heads that contradict each other") {
		t.Error(text.String())
	}

	w, _, south, _, c = contradict(t)
	w.proofs = []dossier.Proof{{Contradiction: &c}, {Contradiction: &c}}
	r, err = verify(pack(t, w.source()))
	ok(t, err)
	if f := find(r, dossier.Proved, journal.CodeFork); f == nil || f.Party != south.id || r.Counts.Proofs != 1 {
		t.Fatalf("%+v", r.Findings)
	}
}

// TestProofTwice: only one form of a set of proofs is a dossier.
func TestProofTwice(t *testing.T) {
	fs := frames(t, golden(t))
	n := slices.IndexFunc(fs, func(f frame) bool { return f.kind == kProof })
	var d *dossier.Damage
	if _, err := verify(build(slices.Insert(slices.Clone(fs), n, fs[n]))); !errors.As(err, &d) || d.Part != dossier.PartProof {
		t.Fatalf("%v", err)
	}
}

// TestProofThatProvesNothing: a party's unproved claim is told as one; a proof record that proves
// nothing is damage, because nobody but the maker of the file said it.
func TestProofThatProvesNothing(t *testing.T) {
	w, north, _, _, c := contradict(t)
	same := c
	same.B = c.A
	north.write(journal.KindEvidence, same, nil)
	r, err := verify(pack(t, w.source()))
	ok(t, err)
	guilty(t, r, north, dossier.CodeFalse) // its author accuses, and shows nothing
	if has(r, dossier.Proved, journal.CodeFork) {
		t.Fatalf("%+v", r.Findings)
	}
	w.proofs = []dossier.Proof{{Contradiction: &same}}
	var d *dossier.Damage
	if _, err := verify(pack(t, w.source())); !errors.As(err, &d) || d.Part != dossier.PartProof {
		t.Fatalf("%v", err)
	}
	stranger := newWorld(t, "North", "East")
	w.proofs = []dossier.Proof{{Contradiction: &journal.Contradiction{Code: "fork", Origin: stranger.parties[1].jw.Origin(), A: c.A, B: c.B}}}
	if _, err := verify(pack(t, w.source())); !errors.As(err, &d) || d.Part != dossier.PartProof {
		t.Fatalf("%v", err)
	}
}

// TestOtherHistoryWithOtherKeys: the lying history rotated its key; the proof brings its keyring, and
// the key needs the party's certificate.
func TestOtherHistoryWithOtherKeys(t *testing.T) {
	w, _, south := fromAgreed(t)
	lie := south.fork(south.st.Snapshot(), south.jw.Head())
	south.share(1)
	south.share(1)
	next := seed("South key of the lie")
	cert, err := journal.NewCertificate(seed("South node"), journal.Certificate{Unit: w.unit, Party: south.id, Key: next.Public(), Replaces: lie.jw.Keyring().Current().ID()})
	ok(t, err)
	_, _, err = lie.jw.Rotate(w.tick(), duty, next, cert)
	ok(t, err)
	lie.write("note", map[string]any{}, nil)
	c := journal.Contradiction{Code: journal.CodeFork, Origin: south.jw.Origin(), A: checkpoint(t, south.st), B: checkpoint(t, lie.st)}
	stranger, err := journal.NewCertificate(seed("North node"), journal.Certificate{Unit: w.unit, Party: south.id, Key: next.Public(), Replaces: lie.jw.Keyring().Current().ID()})
	if err != nil { // the statement itself may refuse; then there is nothing to try
		stranger = journal.Signed{}
	}
	for name, p := range map[string]dossier.Proof{
		"no keyring":           {Contradiction: &c},
		"no certificate":       {Contradiction: &c, Keyring: lie.jw.Keyring()},
		"stranger's signature": {Contradiction: &c, Keyring: lie.jw.Keyring(), Certificates: []journal.Signed{stranger}},
	} {
		w.proofs = []dossier.Proof{p}
		var d *dossier.Damage
		if _, err := verify(pack(t, w.source())); !errors.As(err, &d) || d.Part != dossier.PartProof {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.proofs = []dossier.Proof{{Contradiction: &c, Keyring: lie.jw.Keyring(), Certificates: []journal.Signed{cert}}}
	r, err := verify(pack(t, w.source()))
	ok(t, err)
	if f := find(r, dossier.Proved, journal.CodeFork); f == nil || f.Party != south.id {
		t.Fatalf("%+v", r.Findings)
	}
}

// TestWitnessedHead: a journaled checkpoint that the journal's key signed and that is not one of its
// heads proves the fork; one that is a head shows nothing.
func TestWitnessedHead(t *testing.T) {
	w, north, south, lie, _ := contradict(t)
	north.write(journal.KindWitness, journal.WitnessBody{Checkpoint: checkpoint(t, south.st)}, nil)
	r, err := verify(pack(t, w.source()))
	ok(t, err)
	if len(r.Findings) != 0 {
		t.Fatalf("%+v", r.Findings)
	}
	north.write(journal.KindWitness, journal.WitnessBody{Checkpoint: checkpoint(t, lie.st)}, nil)
	r, err = verify(pack(t, w.source()))
	ok(t, err)
	if f := find(r, dossier.Proved, journal.CodeFork); f == nil || f.Party != south.id {
		t.Fatalf("%+v", r.Findings)
	}
}

// TestReceiptForAnotherHistory: one of two parties lies; the dossier holds and says so.
func TestReceiptForAnotherHistory(t *testing.T) {
	w, north, south := fromAgreed(t)
	h := south.jw.Head()
	_, _, err := north.jw.Append(w.tick(), journal.Draft{Kind: "note", Body: map[string]any{}},
		journal.Draft{Kind: journal.KindReceipt, Body: journal.ReceiptBody{Origin: south.jw.Origin(), Size: h.Size + 1, Root: journal.Hash{66}}})
	ok(t, err)
	send := south.write("request.send", map[string]any{"type": "information", "urgency": "urgent", "fields": []string{"subject", "purpose"}, "tlp": "amber", "to": north.id},
		w.seal(journal.PayloadRequest, []byte(`{}`)))
	r, err := verify(pack(t, w.source()))
	ok(t, err)
	if len(r.Requests) != 1 || r.Requests[0].ID != send.Ref() || r.Requests[0].Receipt != nil {
		t.Errorf("a receipt for another history counts: %+v", r.Requests)
	}
	if f := find(r, dossier.Disputed, journal.CodeBadRoot); f == nil || f.Refs[0].Origin != north.jw.Origin() {
		t.Fatalf("%+v", r.Findings)
	}
}

func TestBeyondTheCut(t *testing.T) {
	w, north, south := fromAgreed(t)
	early := south.st.Snapshot()
	south.share(1)
	north.receipt()
	s := w.source()
	s.Journals[1] = early
	r, err := verify(pack(t, s))
	ok(t, err)
	if f := find(r, dossier.Open, dossier.CodeBeyond); f == nil || f.Party != south.id {
		t.Fatalf("%+v", r.Findings)
	}
	s.Journals = s.Journals[:1]
	r, err = verify(pack(t, s))
	ok(t, err)
	if !has(r, dossier.Open, dossier.CodeAbsent) || len(r.Parties) != 1 {
		t.Fatalf("%+v", r.Findings)
	}
}

// TestBadPayloads: what an author committed to and cannot be read is the author's doing.
func TestBadPayloads(t *testing.T) {
	w, north, _ := fromAgreed(t)
	garbage := func(data string, claim int64) *journal.PayloadRef {
		salt := [32]byte{byte(len(data)), byte(claim)}
		ref := &journal.PayloadRef{Commitment: journal.Commit(salt, []byte(data)), Size: claim, Type: journal.PayloadSTIX}
		w.payloads[ref.Commitment] = kept{salt, []byte(data)}
		return ref
	}
	share := func(n int64, p *journal.PayloadRef) journal.Ref {
		return north.write(unit.KindShare, unit.ContentBody{Objects: n, TLP: "green"}, p).Ref()
	}
	want := map[journal.Ref]string{
		share(1, garbage("not compressed", 14)):                            dossier.CodeBadPayload,
		share(1, garbage("not so long", 999)):                              dossier.CodeBadPayload,
		share(1, w.seal(journal.PayloadSTIX, []byte(`{"type":"bundle",`))): dossier.CodeBadPayload,
		share(5, w.seal(journal.PayloadSTIX, bundle(4))):                   dossier.CodeMiscounted,
		north.write(unit.KindPropose, unit.ProposeBody{Hash: strings.Repeat("0", 64), Version: 2}, w.seal(journal.PayloadAccord, w.accordText())).Ref(): dossier.CodeTextMismatch,
	}
	r, err := verify(pack(t, w.source()))
	ok(t, err)
	for ref, code := range want {
		if !slices.ContainsFunc(r.Findings, func(f dossier.Finding) bool {
			return f.Weight == dossier.Proved && f.Code == code && f.Party == north.id && f.Refs[0] == ref
		}) {
			t.Errorf("%s of %s is not found: %+v", code, ref, r.Findings)
		}
	}
}

// TestSuccessor: a party's second journal verifies with the first; one that names a head the first
// never had is proof against the party.
func TestSuccessor(t *testing.T) {
	for name, root := range map[string]func(journal.Hash) journal.Hash{
		"honest": func(h journal.Hash) journal.Hash { return h },
		"lie":    func(h journal.Hash) journal.Hash { h[0]++; return h },
	} {
		w, _, south := fromAgreed(t)
		key, h := seed("South second key"), south.jw.Head()
		cert, err := journal.NewSuccessor(seed("South org"), south.jw.Certificate(), journal.Head{Size: h.Size, Root: root(h.Root)}, key.Public())
		ok(t, err)
		st := new(journaltest.Memory)
		_, err = journal.CreateWriter(st, key, journal.GenesisBody{Identities: []journal.Signed{south.identity}, Certificate: cert, Founding: w.founding}, w.tick(), duty)
		ok(t, err)
		s := w.source()
		s.Journals = append(s.Journals, st)
		r, err := verify(pack(t, s))
		ok(t, err)
		if len(r.Journals) != 3 || len(r.Parties) != 2 || has(r, dossier.Proved, journal.CodeRewritten) != (name == "lie") {
			t.Errorf("%s: %+v", name, r.Findings)
		}
	}
}

// TestForgedJournal: a journal continued under another key, though the party itself certified that
// key for the same journal elsewhere.
func TestForgedJournal(t *testing.T) {
	a := newWorld(t, "North", "South")
	b := newWorld(t, "North", "South")
	other := seed("South other key")
	cert, err := journal.NewCertificate(seed("South node"), journal.Certificate{Unit: b.unit, Party: b.parties[1].id, Key: other.Public()})
	ok(t, err)
	st := new(journaltest.Memory)
	p := b.parties[1]
	p.st = st
	p.jw, err = journal.CreateWriter(st, other, journal.GenesisBody{Identities: []journal.Signed{p.identity}, Certificate: cert, Founding: b.founding}, b.clock, duty)
	ok(t, err)
	for _, w := range []*world{a, b} {
		w.parties[1].write("note", map[string]any{}, nil)
	}
	fa, fb := frames(t, pack(t, a.source())), frames(t, pack(t, b.source()))
	south := a.parties[1].jw.Origin()
	forged := slices.Clone(fa)
	n := 0
	for i, f := range fa {
		if (f.kind == kEntry || f.kind == kCheckpoint) && f.ref.Origin == south && f.ref.Index > 0 {
			forged[i].content = fb[i].content
			n++
		}
	}
	if n != 2 {
		t.Fatalf("%d records were replaced", n)
	}
	var d *dossier.Damage
	if _, err := verify(build(forged)); !errors.As(err, &d) || d.Ref == nil || *d.Ref != (journal.Ref{Origin: south, Index: 1}) || d.Code != journal.CodeBadSignature {
		t.Fatalf("%v", err)
	}
}
