package node

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"entente/internal/dossier"
	"entente/internal/peer"
	"entente/journal"
	"entente/journal/journaltest"
)

// unheld is a partner that was paired with, also under a second version of its identity, and of whose
// journal nothing is held yet; and that journal's first entry with another identity of that number.
func unheld(t *testing.T) (a *testParty, r *rogue, another func() peer.Run) {
	t.Helper()
	ctx := t.Context()
	a, b := newParty(t, "North"), newParty(t, "South")
	key := string(must[[]byte](t)(os.ReadFile(b.org)))
	must[*IdentityRotateResponse](t)(b.RotateIdentity(ctx, IdentityRotateRequest{What: "tls", OrgKey: key}))
	must[*UnitRef](t)(a.FoundUnit(ctx, UnitFoundRequest{Name: "Watch"}))
	pair(t, a, b, "Watch")
	r = takeOver(t, b, a)
	a.unbounded()
	if len(r.self.chain) != 2 || r.held().Size != 0 {
		t.Fatalf("%d identities, %d entries held", len(r.self.chain), r.held().Size)
	}
	genesis := r.parse(must[[]byte](t)(firstEntry(r.st)))
	return a, r, func() peer.Run {
		id := r.self.id
		node := journaltest.Key("another node")
		id.Node = node.Public()
		first := r.self.chain[0]
		next := must[journal.Signed](t)(journal.RotateIdentity(first, orgKey(t, &testParty{org: r.orgPath}), nil, id))
		g := must[journal.GenesisBody](t)(genesis.Genesis())
		g.Identities = []journal.Signed{first, next}
		g.Certificate = must[journal.Signed](t)(journal.NewCertificate(node, journal.Certificate{Unit: r.unit, Party: r.self.party, Key: r.key.Public()}))
		raw := r.again(genesis, func(m map[string]any) { m["body"] = g })
		st := journaltest.Forge(t, r.origin, [][]byte{raw}, r.key)
		return peer.Run{Origin: r.origin, Entries: [][]byte{raw}, Checkpoint: must[[]byte](t)(st.Latest())}
	}
}

// TestEvidenceTwoIdentitiesOfNobodysJournal is a partner that shows, in its very first entry, another identity
// than it was paired with under the same number: nothing of its journal is held, and the dossier proves it all
// the same, to who has the file and the party's id; status names it; also after a restart and from a backup.
func TestEvidenceTwoIdentitiesOfNobodysJournal(t *testing.T) {
	ctx := t.Context()
	a, r, another := unheld(t)
	a.clears("Watch")
	run := another()
	for range 3 {
		if code := r.fromParty(r.self.party, run); code != journal.CodeTwoStatements || r.held().Size != 0 {
			t.Fatalf("answered with %q, %d entries held", code, r.held().Size)
		}
	}
	if kept := a.evidence("Watch"); len(kept) != 1 {
		t.Errorf("kept %q: what is sent again is kept again", kept)
	}
	shown := func(p *testParty) {
		t.Helper()
		rep := p.convicts("Watch", r.self.party, journal.CodeTwoStatements)
		if !slices.ContainsFunc(rep.Parties, func(x dossier.PartyReport) bool { return x.Party == r.self.party && x.Trusted }) {
			t.Errorf("the report does not say who that is: %+v", rep.Parties)
		}
		s := must[*StatusResponse](t)(p.Status(ctx))
		if text := string(must[[]byte](t)(json.Marshal(s.Units))); !strings.Contains(text, `"fault":"`+journal.CodeTwoStatements+`"`) {
			t.Errorf("status does not show it:\n%s", text)
		}
		if !slices.ContainsFunc(saysOf(s), func(x string) bool {
			return strings.Contains(x, "South") && strings.Contains(x, journal.CodeTwoStatements)
		}) {
			t.Errorf("nobody is told: %q", saysOf(s))
		}
	}
	shown(a)
	a.stop()
	a.start()
	a.unbounded()
	shown(a)
	backup := a.backup()
	// What another member has of that journal, if it fits what was compared by voice, still comes in.
	first := must[[]byte](t)(firstEntry(r.st))
	honest := peer.Run{Origin: r.origin, Entries: [][]byte{first}, Checkpoint: must[[]byte](t)(journaltest.Forge(t, r.origin, [][]byte{first}, r.key).Latest())}
	if code := r.fromParty(r.self.party, honest); code != journal.CodeTwoStatements {
		t.Errorf("its author goes on with %q", code)
	}
	if code := r.fromParty(journal.PartyOf("another member"), honest); code != "" || r.held().Size != 1 {
		t.Errorf("another member's sound copy: %q", code)
	}
	shown(a)
	a.stop()
	restored, _ := a.restored(backup, RestoreOptions{OrgKey: a.org})
	shown(restored)
}

// TestEvidenceOfNobodysJournalIsSigned: an identity that the organisation did not sign, or the one that is known,
// accuses nobody; and a proof that was changed in the folder does not get into a dossier.
func TestEvidenceOfNobodysJournalIsSigned(t *testing.T) {
	a, r, another := unheld(t)
	stranger := journaltest.Key("a stranger")
	forged := another()
	// The same, signed by a stranger under the organisation's name.
	g := must[journal.GenesisBody](t)(r.parse(forged.Entries[0]).Genesis())
	sig := must[journal.Signature](t)(stranger.Sign("statement/identity", []byte(g.Identities[1].Text)))
	g.Identities[1].Signatures = []journal.KeySignature{{Key: orgKey(t, &testParty{org: r.orgPath}).Public().ID(), Signature: sig}}
	raw := r.again(r.parse(forged.Entries[0]), func(m map[string]any) { m["body"] = g })
	forged.Entries = [][]byte{raw}
	forged.Checkpoint = must[[]byte](t)(journaltest.Forge(t, r.origin, [][]byte{raw}, r.key).Latest())
	if code := r.fromParty(r.self.party, forged); code == "" || code == journal.CodeTwoStatements {
		t.Errorf("answered with %q", code)
	}
	if kept := a.evidence("Watch"); len(kept) > 0 {
		t.Errorf("kept %q", kept)
	}
	a.clears("Watch")

	if code := r.fromParty(r.self.party, another()); code != journal.CodeTwoStatements {
		t.Fatalf("answered with %q", code)
	}
	kept := must[[]string](t)(filepath.Glob(filepath.Join(a.dir, "units", "*", "evidence", "*.json")))
	if len(kept) != 1 {
		t.Fatalf("kept %q", kept)
	}
	text := must[[]byte](t)(os.ReadFile(kept[0]))
	for what, change := range map[string]func(*journal.Equivocation){
		"the same text twice":          func(q *journal.Equivocation) { q.B = q.A },
		"of another party":             func(q *journal.Equivocation) { q.Party = a.keys().party },
		"of a party that nobody knows": func(q *journal.Equivocation) { q.Party = journal.PartyOf("nobody") },
		"with a stranger's signature":  func(q *journal.Equivocation) { q.B.Signatures = g.Identities[1].Signatures },
		"with another's statement":     func(q *journal.Equivocation) { q.B = a.keys().chain[0] },
	} {
		var e struct {
			evidenceFile
			Proof journal.Equivocation `json:"proof"`
		}
		if err := json.Unmarshal(text, &e); err != nil {
			t.Fatal(err)
		}
		change(&e.Proof)
		if err := os.WriteFile(kept[0], must[[]byte](t)(json.Marshal(e)), 0o600); err != nil {
			t.Fatal(err)
		}
		if rep := a.clears("Watch"); rep.Counts.Proofs > 0 {
			t.Errorf("%s: %d proofs are exported", what, rep.Counts.Proofs)
		}
	}
	if err := os.WriteFile(kept[0], text, 0o600); err != nil {
		t.Fatal(err)
	}
	if b := a.exported("Watch"); bytes.Count(b, []byte(`{"statements":`)) != 1 {
		t.Error("the proof is not in the dossier")
	}
	a.convicts("Watch", r.self.party, journal.CodeTwoStatements)
}

// TestEvidenceOfTwoFirstKeys is a partner that lies in the first stretch of its journal under one key, and has others
// hold that journal under another: once their copy is held here, the lie cannot be shown under its key any more, and
// the two certificates are the proof.
func TestEvidenceOfTwoFirstKeys(t *testing.T) {
	ctx := t.Context()
	a, b := newParty(t, "North"), newParty(t, "South")
	must[*UnitRef](t)(a.FoundUnit(ctx, UnitFoundRequest{Name: "Watch"}))
	pair(t, a, b, "Watch")
	r := takeOver(t, b, a)
	a.unbounded()
	first := must[[]byte](t)(firstEntry(r.st))
	genesis := r.parse(first)
	bad := r.entry(genesis, "x.note", map[string]any{}, nil, func(m map[string]any) { m["at"] = "2001-01-01T00:00:00Z" })
	lie := peer.Run{Origin: r.origin, Entries: [][]byte{first, bad}, Checkpoint: must[[]byte](t)(journaltest.Forge(t, r.origin, [][]byte{first, bad}, r.key).Latest())}
	if code := r.fromParty(r.self.party, lie); code != journal.CodeBackDated {
		t.Fatalf("answered with %q", code)
	}
	a.convicts("Watch", r.self.party, journal.CodeBackDated)
	other := journaltest.Key("another first key")
	g := must[journal.GenesisBody](t)(genesis.Genesis())
	g.Certificate = must[journal.Signed](t)(journal.NewCertificate(r.self.node, journal.Certificate{Unit: r.unit, Party: r.self.party, Key: other.Public()}))
	raw := r.again(genesis, func(m map[string]any) { m["body"] = g })
	copied := peer.Run{Origin: r.origin, Entries: [][]byte{raw}, Checkpoint: must[[]byte](t)(journaltest.Forge(t, r.origin, [][]byte{raw}, other).Latest())}
	if code := r.fromParty(journal.PartyOf("another member"), copied); code != "" || r.held().Size != 1 {
		t.Fatalf("another member's copy: %q, %d entries held", code, r.held().Size)
	}
	a.convicts("Watch", r.self.party, journal.CodeTwoStatements)
}
