package dossier_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/internal/dossier"
	"entente/internal/lang"
	"entente/internal/unit"
	"entente/journal"
	"entente/journal/journaltest"
)

// together reads dossiers as a judge does who has one from each side.
func together(t testing.TB, all ...[]byte) *dossier.Combined {
	t.Helper()
	var files []dossier.File
	for i, b := range all {
		files = append(files, dossier.File{Name: fmt.Sprintf("%c.entente", 'A'+i), R: bytes.NewReader(b), Size: int64(len(b))})
	}
	c, err := dossier.VerifyTogether(context.Background(), files, dossier.Options{})
	ok(t, err)
	var text bytes.Buffer
	ok(t, c.WriteText(&text, lang.English()))
	if !strings.Contains(text.String(), "read together") {
		t.Error(text.String())
	}
	return c
}

// joint reads them and returns the report of all, which does not depend on their order.
func joint(t testing.TB, all ...[]byte) *dossier.Combined {
	t.Helper()
	c := together(t, all...)
	if !c.OK() {
		t.Fatalf("%+v %s", c.Files, c.Problem)
	}
	slices.Reverse(all)
	r := together(t, all...)
	if !r.OK() || fmt.Sprint(r.Report.Proven) != fmt.Sprint(c.Report.Proven) {
		t.Fatalf("in another order: %+v, not %+v", r.Report.Proven, c.Report.Proven)
	}
	return c
}

// TestTogetherContradiction: a member showed two partners two histories. Each one's dossier holds and
// proves nothing by itself; together they prove it, with heads of any sizes.
func TestTogetherContradiction(t *testing.T) {
	for _, more := range [][2]int{{1, 1}, {3, 1}, {1, 3}} {
		w, _, south := fromAgreed(t)
		lie := south.fork(south.st.Snapshot(), south.jw.Head())
		for range more[0] {
			south.share(1)
		}
		for range more[1] {
			lie.write("note", map[string]any{"to": "the other"}, nil)
		}
		s := w.source()
		a := pack(t, s)
		s.Journals[1] = lie.st
		b := pack(t, s)
		for _, x := range [][]byte{a, b} {
			r, err := verify(x)
			ok(t, err)
			nobody(t, r)
		}
		c := joint(t, a, b)
		if len(c.Report.Proven) != 1 || c.Report.Proven[0].Party != south.id || len(c.Journals) != 1 || !c.Journals[0].Contradiction {
			t.Fatalf("%v: %+v\n%+v", more, c.Report.Proven, c.Report.Findings)
		}
		if len(c.Changed) == 0 || c.Changed[len(c.Changed)-1].File != "" {
			t.Errorf("what only both show is not said: %+v", c.Changed)
		}
	}
}

// TestTogetherTwoSuccessors: two members hold different successors of one journal.
func TestTogetherTwoSuccessors(t *testing.T) {
	w, _, south := fromAgreed(t)
	with := func(name string) []byte {
		key := seed(name)
		cert, err := journal.NewSuccessor(seed("South org"), south.jw.Certificate(), south.jw.Head(), key.Public())
		ok(t, err)
		st := new(journaltest.Memory)
		_, err = journal.CreateWriter(st, key, journal.GenesisBody{Identities: []journal.Signed{south.identity}, Certificate: cert, Founding: w.founding}, w.tick(), duty)
		ok(t, err)
		s := w.source()
		s.Journals = append(s.Journals, st)
		return pack(t, s)
	}
	c := joint(t, with("one"), with("two"))
	guilty2(t, c.Report, south, journal.CodeTwoStatements)
}

// guilty2 is guilty for a joint report, whose exhibits need not lie in one file.
func guilty2(t testing.TB, r *dossier.Report, p *party, code string) {
	t.Helper()
	if len(r.Proven) != 1 || r.Proven[0].Party != p.id || !slices.Equal(r.Proven[0].Codes, []string{code}) {
		t.Fatalf("proved is %+v, want %s of %s\n%+v", r.Proven, code, p.name, r.Findings)
	}
}

// TestTogetherOtherKeys: the two histories rotated their keys differently.
func TestTogetherOtherKeys(t *testing.T) {
	w, _, south := fromAgreed(t)
	lie := south.fork(south.st.Snapshot(), south.jw.Head())
	south.share(1)
	lie.name = "South"
	next := seed("South key of the lie")
	cert, err := journal.NewCertificate(seed("South node"), journal.Certificate{Unit: w.unit, Party: south.id, Key: next.Public(), Replaces: lie.jw.Keyring().Current().ID()})
	ok(t, err)
	_, _, err = lie.jw.Rotate(w.tick(), duty, next, cert)
	ok(t, err)
	lie.write("note", map[string]any{}, nil)
	lie.write("note", map[string]any{}, nil)
	south.share(1)
	south.rotate()
	s := w.source()
	a := pack(t, s)
	s.Journals[1] = lie.st
	c := joint(t, a, pack(t, s))
	if len(c.Report.Proven) != 1 || c.Report.Proven[0].Party != south.id {
		t.Fatalf("%+v\n%+v", c.Report.Proven, c.Report.Findings)
	}
}

// TestTogetherLeavesOut: a file that does not hold, or that is of another unit, is named and counts
// for nothing.
func TestTogetherLeavesOut(t *testing.T) {
	w, _, _, _, c := contradict(t)
	honest := pack(t, w.source())
	broken := bytes.Clone(honest)
	broken[len(broken)/2] ^= 1
	other := newWorld(t, "South", "North") // the same parties in another unit, where South did sign two histories
	twice := other.parties[0]
	lie := twice.fork(twice.st.Snapshot(), twice.jw.Head())
	twice.write("note", map[string]any{"n": 1}, nil)
	lie.write("note", map[string]any{"n": 2}, nil)
	other.proofs = []dossier.Proof{{Contradiction: &journal.Contradiction{Code: journal.CodeFork, Origin: lie.jw.Origin(), A: checkpoint(t, twice.st), B: checkpoint(t, lie.st)}}}
	foreign := pack(t, other.source())
	r, err := verify(foreign)
	ok(t, err)
	guilty(t, r, twice, journal.CodeFork)
	for _, x := range [][]byte{broken, foreign} {
		got := together(t, honest, x)
		if got.OK() || got.Report == nil || !got.Files[0].OK || got.Files[1].OK || got.Files[1].Damage == "" {
			t.Fatalf("%+v", got.Files)
		}
		nobody(t, got.Report)
	}
	if got := together(t, broken, broken); got.OK() || got.Report != nil || got.Problem == "" {
		t.Errorf("%+v", got)
	}
	if _, err := dossier.VerifyTogether(context.Background(), nil, dossier.Options{}); !errors.Is(err, dossier.ErrFiles) {
		t.Error(err)
	}
	// Nor is a proof from there one here: as a record it is damage.
	w.proofs = append([]dossier.Proof{{Contradiction: &c}}, other.proofs...)
	var d *dossier.Damage
	if _, err := verify(pack(t, w.source())); !errors.As(err, &d) || d.Part != dossier.PartProof {
		t.Errorf("a proof from another unit: %v", err)
	}
}

// accusation is what an accuser makes of an honest history.
type accusation struct {
	w        *world
	accused  *party
	accuser  dossier.Source // the dossier that is to make the accused look guilty
	verdicts []string       // what it nevertheless says, as "weight code"; the order does not matter
	cleared  dossier.Source // the accused's own
	// after is what both together say of the accused.
	after []string
}

// cutTo leaves out the end of a party's journal.
func (a *accusation) truncated(s dossier.Source, p *party, st *journaltest.Memory) dossier.Source {
	s.Journals = slices.Clone(s.Journals)
	for i, q := range a.w.parties {
		if q == p {
			s.Journals[i] = st
		}
	}
	return s
}

// TestFalseAccusations: each way to make somebody who kept to everything look guilty. The accuser's
// dossier proves nothing against the accused; with the accused's own beside it what was said falls.
func TestFalseAccusations(t *testing.T) {
	request := func(w *world, north, south *party) journal.Ref {
		body := map[string]any{"type": "information", "urgency": "urgent", "fields": []string{"subject", "purpose"}, "tlp": "amber", "to": south.id}
		ref := north.write("request.send", body, w.seal(journal.PayloadRequest, []byte(`{}`))).Ref()
		w.sync()
		return ref
	}
	answer := func(w *world, north, south *party, ref journal.Ref) {
		for _, move := range []string{"acknowledge", "accept"} {
			south.write("request."+move, map[string]any{"request": ref}, nil)
		}
		south.write("request.answer", map[string]any{"request": ref, "tlp": "amber"}, w.seal(journal.PayloadAnswer, []byte(`{}`)))
		north.receipt()
		north.write("request.assess", map[string]any{"request": ref, "scores": map[string]int{"relevance": 5}}, nil)
	}
	for name, make := range map[string]func(t *testing.T) accusation{
		"the answer is left out": func(t *testing.T) accusation {
			w, north, south := fromAgreed(t)
			ref := request(w, north, south)
			early, mine := south.st.Snapshot(), north.st.Snapshot()
			answer(w, north, south, ref)
			a := accusation{w: w, accused: south}
			a.cleared = w.source()
			a.cleared.Created = w.clock.Add(60 * 24 * time.Hour)
			a.accuser = a.truncated(a.truncated(a.cleared, south, early), north, mine)
			a.verdicts = []string{"open not-met"}
			return a
		},
		"the answer is left out, and its receipt forgotten": func(t *testing.T) accusation {
			w, north, south := fromAgreed(t)
			ref := request(w, north, south)
			early := south.st.Snapshot()
			answer(w, north, south, ref)
			a := accusation{w: w, accused: south}
			a.cleared = w.source()
			a.cleared.Created = w.clock.Add(60 * 24 * time.Hour)
			a.accuser = a.truncated(a.cleared, south, early)
			a.verdicts = []string{"open not-met", "open beyond-cut"}
			return a
		},
		"the receipt is left out": func(t *testing.T) accusation {
			w, north, south := fromAgreed(t)
			early := south.st.Snapshot()
			ref := request(w, north, south)
			mine := north.st.Snapshot()
			answer(w, north, south, ref)
			a := accusation{w: w, accused: south}
			a.cleared = w.source()
			a.accuser = a.truncated(a.truncated(a.cleared, south, early), north, mine)
			a.accuser.Created = w.clock.Add(60 * 24 * time.Hour)
			a.cleared.Created = a.accuser.Created
			a.verdicts = []string{"open not-met", "open beyond-cut"}
			return a
		},
		"an old head is shown as a rollback": func(t *testing.T) accusation {
			w, north, south := fromAgreed(t)
			old := checkpoint(t, south.st)
			south.share(1)
			a := accusation{w: w, accused: south, cleared: w.source()}
			h := south.jw.Head()
			north.write(journal.KindEvidence, journal.Contradiction{Code: journal.CodeRollback, Origin: south.jw.Origin(), A: old, B: checkpoint(t, south.st), Proof: []journal.Hash{{1}}, Root: h.Root}, nil)
			a.accuser = w.source()
			return a
		},
		"heads that its key never signed": func(t *testing.T) accusation {
			w, north, south := fromAgreed(t)
			forged, err := journal.SignCheckpoint(south.jw.Origin(), journal.Head{Size: south.jw.Head().Size, Root: journal.Hash{6}}, w.clock, seed("a stranger"))
			ok(t, err)
			a := accusation{w: w, accused: south, cleared: w.source()}
			north.write(journal.KindEvidence, journal.Contradiction{Code: journal.CodeFork, Origin: south.jw.Origin(), A: checkpoint(t, south.st), B: string(forged)}, nil)
			north.write(journal.KindWitness, journal.WitnessBody{Checkpoint: string(forged)}, nil)
			a.accuser = w.source()
			a.verdicts, a.after = []string{"claimed fork"}, []string{"claimed fork"}
			return a
		},
		"receipts for what was never sent": func(t *testing.T) accusation {
			w, north, south := fromAgreed(t)
			a := accusation{w: w, accused: south, cleared: w.source()}
			_, _, err := north.jw.Append(w.tick(), journal.Draft{Kind: journal.KindReceipt, Body: journal.ReceiptBody{Origin: south.jw.Origin(), Size: 9000, Root: journal.Hash{6}},
				Seen: map[journal.Origin]journal.Head{south.jw.Origin(): {Size: 9000, Root: journal.Hash{6}}}})
			ok(t, err)
			a.accuser = w.source()
			a.verdicts, a.after = []string{"open beyond-cut"}, []string{"open beyond-cut"}
			return a
		},
		"a receipt under another root": func(t *testing.T) accusation {
			w, north, south := fromAgreed(t)
			south.share(1)
			a := accusation{w: w, accused: south, cleared: w.source()}
			h := journal.Head{Size: south.jw.Head().Size, Root: journal.Hash{6}}
			_, _, err := north.jw.Append(w.tick(), journal.Draft{Kind: journal.KindReceipt, Body: journal.ReceiptBody{Origin: south.jw.Origin(), Size: h.Size, Root: h.Root},
				Seen: map[journal.Origin]journal.Head{south.jw.Origin(): h}})
			ok(t, err)
			a.accuser = w.source() // disputed, between the two
			return a
		},
		"an entry that crossed a suspension": func(t *testing.T) accusation {
			w, north, south := fromAgreed(t)
			seen := north.jw.Head()
			north.write(unit.KindSuspend, unit.SuspendBody{Scope: []string{"all"}, Code: "leak"}, nil)
			_, _, err := south.jw.Append(w.tick(), journal.Draft{Kind: unit.KindShare, By: duty, Body: unit.ContentBody{Objects: 1, Types: map[string]int64{"indicator": 1}, TLP: "green"},
				Payload: w.seal(journal.PayloadSTIX, bundle(1)), Seen: map[journal.Origin]journal.Head{north.jw.Origin(): seen}})
			ok(t, err)
			return accusation{w: w, accused: south, accuser: w.source(), cleared: w.source()}
		},
		"clocks that differ": func(t *testing.T) accusation {
			w, north, south := fromAgreed(t)
			north.share(1)
			now := w.clock
			w.clock = start.Add(20 * time.Second) // South's clock is slow, within its own journal it never goes back
			for !w.clock.After(south.jw.Last().At) {
				w.tick()
			}
			south.receipt()
			w.clock = now
			return accusation{w: w, accused: south, accuser: w.source(), cleared: w.source()}
		},
		"a restored node's tail": func(t *testing.T) accusation {
			w, _, south := fromAgreed(t)
			backup := south.jw.Head()
			south.share(1) // after the backup, signed and shown to others
			key := seed("South second key")
			cert, err := journal.NewSuccessor(seed("South org"), south.jw.Certificate(), backup, key.Public())
			ok(t, err)
			st := new(journaltest.Memory)
			_, err = journal.CreateWriter(st, key, journal.GenesisBody{Identities: []journal.Signed{south.identity}, Certificate: cert, Founding: w.founding}, w.tick(), duty)
			ok(t, err)
			a := accusation{w: w, accused: south, accuser: w.source()}
			a.accuser.Journals = append(a.accuser.Journals, st)
			a.cleared = a.accuser
			return a
		},
		"a cosignature passed off as a receipt": func(t *testing.T) accusation {
			w, north, south := fromAgreed(t)
			early := south.st.Snapshot()
			request(w, north, south)
			north.write(journal.KindWitness, journal.WitnessBody{Checkpoint: checkpoint(t, north.st)}, nil)
			a := accusation{w: w, accused: south, cleared: w.source()}
			a.accuser = a.truncated(w.source(), south, early)
			a.verdicts = []string{"open beyond-cut"}
			return a
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := make(t)
			said := func(r *dossier.Report) (out []string) {
				for _, g := range r.Proven {
					if g.Party == a.accused.id {
						t.Errorf("proved against the accused: %+v\n%+v", g, r.Findings)
					}
				}
				for _, f := range r.Findings {
					if s := string(f.Weight) + " " + f.Code; f.Party == a.accused.id && !slices.Contains(out, s) {
						out = append(out, s)
					}
				}
				return out
			}
			theirs, mine := pack(t, a.accuser), pack(t, a.cleared)
			r, err := verify(theirs)
			ok(t, err)
			for _, want := range a.verdicts {
				if got := said(r); !slices.Contains(got, want) {
					t.Errorf("the accuser's dossier says %q, want %q\n%+v", got, want, r.Findings)
				}
			}
			if got := said(r); len(a.verdicts) == 0 && len(got) > 0 {
				t.Errorf("the accuser's dossier says %q", got)
			}
			c := joint(t, theirs, mine)
			got := said(c.Report)
			slices.Sort(got)
			slices.Sort(a.after)
			if !slices.Equal(got, a.after) {
				t.Errorf("together they say %q, want %q\n%+v", got, a.after, c.Report.Findings)
			}
			if len(a.verdicts) > len(a.after) && !slices.ContainsFunc(c.Changed, func(x dossier.Change) bool {
				return x.File == "A.entente" && x.Now == "" && x.Finding.Party == a.accused.id
			}) {
				t.Errorf("that it falls is not said: %+v", c.Changed)
			}
		})
	}
}

// TestStolenKeyTogether: the accuser leaves the notice out; the accused shows it.
func TestStolenKeyTogether(t *testing.T) {
	w, _, south, _, c := contradict(t)
	s := w.source()
	s.Journals[1] = south.st.Snapshot()
	s.Proofs = []dossier.Proof{{Contradiction: &c}}
	theirs := pack(t, s)
	old, good := south.jw.Keyring().Current(), south.jw.Head()
	statement, err := journal.NewCompromise(seed("South org"), journal.Compromise{Party: south.id, Key: old.ID(), Origin: south.jw.Origin(), Good: good, Created: w.clock})
	ok(t, err)
	south.rotate()
	south.write(journal.KindCompromise, journal.CompromiseBody{Key: old.ID(), Origin: south.jw.Origin(), Good: good, Statement: statement}, nil)
	r, err := verify(theirs)
	ok(t, err)
	guilty(t, r, south, journal.CodeFork)
	got := joint(t, theirs, pack(t, w.source()))
	nobody(t, got.Report)
	if !slices.ContainsFunc(got.Changed, func(x dossier.Change) bool {
		return x.File == "A.entente" && x.Finding.Weight == dossier.Proved && x.Now == dossier.Disputed
	}) {
		t.Errorf("%+v", got.Changed)
	}
}

// TestOtherTrust: a dossier of parties that bear the same names under other ids is not theirs.
func TestOtherTrust(t *testing.T) {
	w, north, south, _, c := contradict(t)
	w.proofs = []dossier.Proof{{Contradiction: &c}}
	b := pack(t, w.source())
	stranger := journal.PartyOf(identityOf(t, "Another South").Text)
	files := []dossier.File{{Name: "a", R: bytes.NewReader(b), Size: int64(len(b))}}
	var e *dossier.TrustError
	got, err := dossier.VerifyTogether(context.Background(), files, dossier.Options{Trust: []journal.PartyID{stranger}})
	if !errors.As(err, &e) || got.Report == nil || got.Report.Trusted {
		t.Errorf("%v", err)
	}
	got, err = dossier.VerifyTogether(context.Background(), files, dossier.Options{Trust: []journal.PartyID{north.id, south.id}})
	ok(t, err)
	if !got.Report.Trusted || !got.OK() {
		t.Errorf("%+v", got.Files)
	}
}
