package node

import (
	"bytes"
	"slices"
	"testing"

	"entente/internal/dossier"
	"entente/internal/peer"
	"entente/journal"
	"entente/journal/journaltest"
)

// TestHostileAccuser is a member that accuses an honest one in its journal, with
// everything it can make: forged heads, old heads, one head twice, evidence of another
// code, receipts and destructions of what is not its own. Everybody holds what it wrote;
// neither the accused's dossier nor anybody's, nor all together, prove anything of the
// accused, and they prove the false accusations of their author.
func TestHostileAccuser(t *testing.T) {
	ctx := t.Context()
	a, b, c := three(t)
	relay(a, b, c)
	signedByAll(t, accordText(t, a, b, c), func() { relay(a, b, c) }, a, b, c)
	shareOne(t, a, 0x800, "honest.example")
	relay(a, b, c)
	r := takeOver(t, b, a)
	victim := r.victimOrigin()
	// Two true heads of the accused, as it showed them itself.
	heads := func() []byte {
		h := r.hello()
		h.Have = map[journal.Origin]journal.Head{}
		for _, run := range r.sayHello(h, nil).runs {
			if run.Origin == victim && len(run.Checkpoint) > 0 {
				h.Have[victim] = journal.Head{}
				return run.Checkpoint
			}
		}
		t.Fatal("the accused showed no head")
		return nil
	}
	latest := func() []byte {
		l := must[*ledger](t)(a.findUnit("Watch"))
		return must[[]byte](t)(l.ownStore.Latest())
	}
	_ = heads()
	old := latest()
	shareOne(t, a, 0x801, "honest-too.example")
	now := latest()
	_, oldHead, err := journal.CheckpointHead(old)
	if err != nil {
		t.Fatal(err)
	}
	forged := func(size int64, keys ...*journal.PrivateKey) string {
		var entries [][]byte
		l := must[*ledger](t)(a.findUnit("Watch"))
		for raw, err := range l.ownStore.Read(0, size) {
			if err != nil {
				t.Fatal(err)
			}
			entries = append(entries, slices.Clone(raw))
		}
		entries[len(entries)-1] = bytes.Replace(entries[len(entries)-1], []byte(`"kind"`), []byte(`"x_bent":1,"kind"`), 1)
		return string(must[[]byte](t)(journaltest.Forge(t, victim, entries, keys...).Latest()))
	}
	var entries [][]byte
	prev := r.last
	accuse := func(kind string, body any) {
		raw := r.entry(prev, kind, body, nil, nil)
		entries, prev = append(entries, raw), r.parse(raw)
	}
	for _, x := range []journal.Contradiction{
		{Code: journal.CodeFork, Origin: victim, A: string(old), B: forged(oldHead.Size, r.key)},                           // under its own key
		{Code: journal.CodeFork, Origin: victim, A: string(old), B: forged(oldHead.Size, journaltest.Key("nobody's key"))}, // and nobody's
		{Code: journal.CodeRollback, Origin: victim, A: string(now), B: string(old)},                                       // an older true head
		{Code: journal.CodeFork, Origin: victim, A: string(old), B: string(old)},                                           // one head twice
		{Code: journal.CodeRewritten, Origin: victim, A: string(old), B: string(now), Proof: []journal.Hash{{1}, {2}}},     // with a proof of nothing
	} {
		accuse(journal.KindEvidence, x)
	}
	ours := a.payloadOfUnit(t, "Watch", a.keys().party)
	accuse(journal.KindDestroyed, journal.DestroyedBody{Commitments: []journal.Hash{ours.Commitment}, Reason: "they told us to"})
	if got := r.say([]peer.Run{r.next(entries...)}); len(got.codes()) > 0 {
		t.Fatalf("the accusations were not kept: %q", got.codes())
	}
	r.last = prev
	a.syncWithParty(c)
	c.syncWithParty(a)
	a.syncWithParty(c)
	if got := c.heldOfParty(r.self.party); got != r.last.Index+1 {
		t.Fatalf("West holds %d of %d entries", got, r.last.Index+1)
	}

	honest := []journal.PartyID{a.keys().party, c.keys().party}
	trusted := []string{a.init.Party, b.init.Party, c.init.Party}
	cleared := func(who string, rep *dossier.Report) {
		t.Helper()
		for _, p := range rep.Proven {
			if slices.Contains(honest, p.Party) {
				t.Errorf("%s proves %q of an honest party", who, p.Codes)
			}
		}
		for _, f := range rep.Findings {
			if f.Weight == dossier.Proved && slices.Contains(honest, f.Party) {
				t.Errorf("%s: %+v", who, f)
			}
		}
		if len(rep.Proven) != 1 || rep.Proven[0].Party != r.self.party || !slices.Equal(rep.Proven[0].Codes, []string{dossier.CodeFalse}) {
			t.Errorf("%s proves %+v, want %s of the accuser alone", who, rep.Proven, dossier.CodeFalse)
		}
	}
	var files []DossierFile
	for _, p := range []*testParty{a, c} {
		whole := p.exported("Watch")
		rep := must[*DossierReport](t)(VerifyDossier(bytes.NewReader(whole), trusted))
		if !rep.OK || !rep.Trusted {
			t.Fatalf("%s's dossier does not hold: %s", p.init.Name, rep.Damage)
		}
		cleared(p.init.Name+"'s dossier", rep.Report)
		files = append(files, DossierFile{Name: p.init.Name, R: bytes.NewReader(whole), Size: int64(len(whole))})
		if kept := p.evidence("Watch"); len(kept) > 0 {
			t.Errorf("%s keeps proofs %q", p.init.Name, kept)
		}
		for _, m := range must[*UnitShowResponse](t)(p.ShowUnit(ctx, UnitShowRequest{Unit: "Watch"})).Brief.Members {
			if m.Fault != "" {
				t.Errorf("%s shows a fault of %s: %s", p.init.Name, m.Name, m.Fault)
			}
		}
	}
	both := must[*DossiersReport](t)(VerifyDossiers(files, trusted))
	if !both.OK {
		t.Fatalf("together they do not hold: %s", both.Damage)
	}
	cleared("both dossiers together", both.Report)
	// Nothing it said keeps the honest ones from each other.
	if !a.uses("honest-too.example") || !c.uses("honest-too.example") {
		t.Errorf("used at North %v, at West %v", a.uses("honest-too.example"), c.uses("honest-too.example"))
	}
	sameState(t, a, c)
	a.lives(nil)
}
