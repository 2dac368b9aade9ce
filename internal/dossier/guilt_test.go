package dossier_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	fnote "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"entente/internal/accord"
	"entente/internal/dossier"
	"entente/internal/lang"
	"entente/internal/unit"
	"entente/journal"
	"entente/journal/journaltest"
	"entente/stix"
)

// guilty checks what a judge reads: one party stands proved guilty, of one thing, with a sentence, the
// bytes that show it and how to check them; nobody else does.
func guilty(t testing.TB, r *dossier.Report, p *party, code string) dossier.Finding {
	t.Helper()
	if len(r.Proven) != 1 || r.Proven[0].Party != p.id || !slices.Equal(r.Proven[0].Codes, []string{code}) {
		t.Fatalf("proved is %+v, want %s of %s\n%+v", r.Proven, code, p.name, r.Findings)
	}
	f := find(r, dossier.Proved, code)
	if f.Text == "" || f.Check == "" || len(f.Exhibits) == 0 {
		t.Errorf("a judge cannot use %+v", f)
	}
	for _, x := range f.Exhibits {
		if x.Offset <= 0 || x.Offset >= r.Counts.Bytes || x.SHA256 == (journal.Hash{}) {
			t.Errorf("the bytes are not named: %+v", x)
		}
	}
	var text bytes.Buffer
	ok(t, r.WriteText(&text, lang.English()))
	if !strings.Contains(text.String(), "PROVED against "+p.name) {
		t.Errorf("the text does not say so:\n%s", text.String())
	}
	return *f
}

// nobody checks that nothing is proved against anybody.
func nobody(t testing.TB, r *dossier.Report) {
	t.Helper()
	if len(r.Proven) > 0 {
		t.Fatalf("proved is %+v\n%+v", r.Proven, r.Findings)
	}
	var text bytes.Buffer
	ok(t, r.WriteText(&text, lang.English()))
	if !strings.Contains(text.String(), "Nothing is proved against anybody.") {
		t.Errorf("the text does not say so:\n%s", text.String())
	}
}

func report(t testing.TB, s dossier.Source) *dossier.Report {
	t.Helper()
	r, err := verify(pack(t, s))
	ok(t, err)
	return r
}

// raw writes the entry that would follow in a party's journal, with changes.
func (p *party) raw(kind string, change func(map[string]any)) []byte {
	last := p.jw.Last()
	seen := map[journal.Origin]journal.Head{}
	maps.Copy(seen, last.Seen)
	m := map[string]any{"v": 1, "kind": kind, "at": p.w.tick().Format(time.RFC3339), "by": duty, "unit": p.w.unit, "author": p.id,
		"epoch": 0, "index": last.Index + 1, "seen": seen, "body": map[string]any{}}
	if change != nil {
		change(m)
	}
	b, err := json.Marshal(m)
	ok(p.w.t, err)
	return b
}

// signs signs entries that no honest writer would write, after the party's journal, and returns what a
// mirror says to them.
func (p *party) signs(entries ...[]byte) error {
	var all [][]byte
	for raw, err := range p.st.Read(0, p.jw.Head().Size) {
		ok(p.w.t, err)
		all = append(all, bytes.Clone(raw))
	}
	key := seed(p.name + " key")
	held := journaltest.Forge(p.w.t, p.jw.Origin(), all, key)
	m, err := journal.OpenMirror(new(journaltest.Memory), journal.MirrorParams{Unit: p.w.unit})
	ok(p.w.t, err)
	cp, err := held.Latest()
	ok(p.w.t, err)
	_, err = m.Extend(all, cp)
	ok(p.w.t, err)
	journaltest.ForgeMore(p.w.t, held, p.jw.Origin(), entries, key)
	cp, err = held.Latest()
	ok(p.w.t, err)
	_, err = m.Extend(entries, cp)
	return err
}

// TestViolationIsProved: each rule that an entry and its neighbour show, broken by a party, is proved
// to a stranger by the kept record alone: the journal itself ends before it.
func TestViolationIsProved(t *testing.T) {
	other := strings.Repeat("0", 63) + "1"
	for name, x := range map[string]struct {
		code    string
		entries func(p *party) [][]byte
	}{
		"not an entry":     {journal.CodeBadEntry, func(p *party) [][]byte { return [][]byte{[]byte(`{"v":1,"v":1}`)} }},
		"a second genesis": {journal.CodeBadEntry, func(p *party) [][]byte { return [][]byte{p.raw(journal.KindGenesis, nil)} }},
		"too large": {journal.CodeOversize, func(p *party) [][]byte {
			return [][]byte{p.raw("note", func(m map[string]any) { m["body"] = map[string]any{"x": strings.Repeat("x", journal.MaxEntry)} })}
		}},
		"wrong unit": {journal.CodeWrongUnit, func(p *party) [][]byte { return [][]byte{p.raw("note", func(m map[string]any) { m["unit"] = other })} }},
		"wrong author": {journal.CodeWrongAuthor, func(p *party) [][]byte {
			return [][]byte{p.raw("note", func(m map[string]any) { m["author"] = p.w.parties[0].id })}
		}},
		"wrong epoch": {journal.CodeWrongOrigin, func(p *party) [][]byte { return [][]byte{p.raw("note", func(m map[string]any) { m["epoch"] = 7 })} }},
		"gap":         {journal.CodeWrongIndex, func(p *party) [][]byte { return [][]byte{p.raw("note", func(m map[string]any) { m["index"] = 1000 })} }},
		"replay":      {journal.CodeWrongIndex, func(p *party) [][]byte { return [][]byte{bytes.Clone(p.jw.Last().Raw)} }},
		"reorder": {journal.CodeWrongIndex, func(p *party) [][]byte {
			one := p.raw("note", nil)
			return [][]byte{p.raw("note", func(m map[string]any) { m["index"] = p.jw.Last().Index + 2 }), one}
		}},
		"back-dated": {journal.CodeBackDated, func(p *party) [][]byte {
			return [][]byte{p.raw("note", func(m map[string]any) { m["at"] = "2026-01-01T00:00:00Z" })}
		}},
		"seen decreases": {journal.CodeBadSeen, func(p *party) [][]byte {
			return [][]byte{p.raw("note", func(m map[string]any) { m["seen"] = map[string]any{} })}
		}},
		"sees itself": {journal.CodeBadSeen, func(p *party) [][]byte {
			return [][]byte{p.raw("note", func(m map[string]any) {
				m["seen"].(map[journal.Origin]journal.Head)[p.jw.Origin()] = journal.Head{Size: 1}
			})}
		}},
		"receipt not covered": {journal.CodeBadSeen, func(p *party) [][]byte {
			return [][]byte{p.raw(journal.KindReceipt, func(m map[string]any) {
				m["body"] = journal.ReceiptBody{Origin: p.w.parties[0].jw.Origin(), Size: 9000, Root: journal.Hash{1}}
			})}
		}},
		"identity by a stranger":  {journal.CodeBadSignature, func(p *party) [][]byte { return [][]byte{p.tells(false, seed("a stranger"))} }},
		"identity by another":     {journal.CodeBadSignature, func(p *party) [][]byte { return [][]byte{p.raw("note", nil), p.tellsAt(1, false, seed("North org"))} }},
		"identity by the new key": {journal.CodeBadSignature, func(p *party) [][]byte { return [][]byte{p.tells(true, seed("South org 2"))} }},
		"identity told twice": {journal.CodeBadIdentity, func(p *party) [][]byte {
			return [][]byte{p.tells(false, seed("South org")), p.tellsAt(1, false, seed("South org"))}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w, _, south := fromAgreed(t)
			before := pack(t, w.source())
			err := south.signs(x.entries(south)...)
			var v *journal.ViolationError
			if !errors.As(err, &v) || v.Code != x.code {
				t.Fatalf("no proof of %s: %v", x.code, err)
			}
			w.proofs = []dossier.Proof{{Violation: &v.Proof}}
			f := guilty(t, report(t, w.source()), south, x.code)
			if f.At.IsZero() || f.Clock != south.id {
				t.Errorf("it does not say when by whose clock: %+v", f)
			}
			// The proof of one rule is none of another, nor of another entry.
			bad := v.Proof
			bad.Code = journal.CodeWrongUnit
			if x.code == bad.Code {
				bad.Code = journal.CodeBackDated
			}
			w.proofs = []dossier.Proof{{Violation: &bad}}
			var d *dossier.Damage
			if _, err := verify(pack(t, w.source())); !errors.As(err, &d) || d.Part != dossier.PartProof {
				t.Errorf("a proof of another rule: %v", err)
			}
			r, err := verify(before)
			ok(t, err)
			nobody(t, r)
		})
	}
}

// tells writes an identity entry with the version after the party's first, which may name a new
// organisation key, and is signed by the given one only.
func (p *party) tells(newOrg bool, signer *journal.PrivateKey) []byte {
	return p.tellsAt(0, newOrg, signer)
}

// tellsAt is tells for the place so many entries later.
func (p *party) tellsAt(later int64, newOrg bool, signer *journal.PrivateKey) []byte {
	org := seed(p.name + " org")
	next := org
	if newOrg {
		next = seed(p.name + " org 2")
	}
	s, err := journal.RotateIdentity(p.identity, org, next, journal.Identity{Name: p.name, Node: seed("another node").Public(), Created: start, Expires: start.AddDate(2, 0, 0)})
	ok(p.w.t, err)
	sig, err := signer.Sign("statement/identity", []byte(s.Text))
	ok(p.w.t, err)
	s.Signatures = []journal.KeySignature{{Key: signer.Public().ID(), Signature: sig}}
	return p.raw(journal.KindIdentity, func(m map[string]any) {
		m["index"], m["body"] = p.jw.Last().Index+1+later, journal.IdentityBody{Signed: s}
	})
}

// TestTwoStatementsAreProved: two successors for one journal; two identities of one version.
func TestTwoStatementsAreProved(t *testing.T) {
	w, _, south := fromAgreed(t)
	certify := func(name, org string) journal.Signed {
		key := seed(name)
		cert, err := journal.NewSuccessor(seed(org), south.jw.Certificate(), south.jw.Head(), key.Public())
		ok(t, err)
		return cert
	}
	a, b := certify("one", "South org"), certify("two", "South org")
	w.proofs = []dossier.Proof{{Statements: &journal.Equivocation{Party: south.id, A: a, B: b}}}
	guilty(t, report(t, w.source()), south, journal.CodeTwoStatements)

	next := func(node string) journal.Signed {
		s, err := journal.RotateIdentity(south.identity, seed("South org"), nil, journal.Identity{Name: "South", Node: seed(node).Public(),
			Created: start, Expires: start.AddDate(2, 0, 0)})
		ok(t, err)
		return s
	}
	w.proofs = []dossier.Proof{{Statements: &journal.Equivocation{Party: south.id, A: next("n1"), B: next("n2")}}}
	guilty(t, report(t, w.source()), south, journal.CodeTwoStatements)

	// What another key signed, an identity "rotated" by the wrong key above all, is no proof.
	for _, q := range []journal.Equivocation{
		{Party: south.id, A: a, B: certify("three", "North org")},
		{Party: w.parties[0].id, A: a, B: b},
		{Party: "", A: a, B: b},
	} {
		w.proofs = []dossier.Proof{{Statements: &q}}
		var d *dossier.Damage
		if _, err := verify(pack(t, w.source())); !errors.As(err, &d) || d.Part != dossier.PartProof {
			t.Errorf("it stands: %v", err)
		}
	}
}

// TestBreachIsProved: entries that the accord forbids, by their author's own signature.
func TestBreachIsProved(t *testing.T) {
	share := func(p *party, n int64, tlp string, release ...journal.By) {
		es, _, err := p.jw.Append(p.w.tick(), journal.Draft{Kind: unit.KindShare, By: duty, Release: release, Seen: p.heads(),
			Body: unit.ContentBody{Objects: n, Types: map[string]int64{"indicator": n}, TLP: tlp}, Payload: p.w.seal(journal.PayloadSTIX, bundle(int(n)))})
		ok(p.w.t, err)
		_ = es
	}
	for name, x := range map[string]struct {
		code string
		edit func(string) string
		do   func(w *world, p *party)
	}{
		"above the ceiling": {accord.CodeTLP, nil, func(w *world, p *party) { share(p, 1, "red") }},
		"an unknown kind with content": {accord.CodeUnknownKind, nil, func(w *world, p *party) {
			p.write("x.leak", map[string]any{}, w.seal(journal.PayloadSTIX, bundle(1)))
		}},
		"an agency that the accord has not": {accord.CodeAgency, nil, func(w *world, p *party) {
			_, _, err := p.jw.Append(w.tick(), journal.Draft{Kind: unit.KindShare, By: journal.By{Agency: "press", Role: "office"}, Seen: p.heads(),
				Body: unit.ContentBody{Objects: 1, Types: map[string]int64{"indicator": 1}, TLP: "green"}, Payload: w.seal(journal.PayloadSTIX, bundle(1))})
			ok(w.t, err)
		}},
		"content behind a control entry": {unit.CodeUnexpected, nil, func(w *world, p *party) {
			p.write(unit.KindNotice, unit.NoticeBody{Effective: w.clock.AddDate(1, 0, 0)}, w.seal(journal.PayloadSTIX, bundle(1)))
		}},
		"a suspension it knew of": {accord.CodeSuspended, nil, func(w *world, p *party) {
			w.parties[0].write(unit.KindSuspend, unit.SuspendBody{Scope: []string{"all"}, Code: "incident"}, nil)
			share(p, 1, "green")
		}},
		"more requests than the quota": {accord.CodeQuotaRequests, func(s string) string { return s + "\nquotas: {id: L1, requests_per_day: 1}\n" }, func(w *world, p *party) {
			for range 2 {
				p.write("request.send", map[string]any{"type": "information", "urgency": "urgent", "fields": []string{"subject", "purpose"}, "tlp": "amber", "to": w.parties[0].id},
					w.seal(journal.PayloadRequest, []byte(`{}`)))
			}
		}},
		"without the second office": {accord.CodeTwoPerson, func(s string) string {
			return s + "\nrelease:\n  - {id: R1, kind: share, claims: [{agency: \"*\", role: release-officer}, {agency: \"*\", role: head}]}\n"
		}, func(w *world, p *party) { share(p, 1, "green") }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "North", "South")
			w.edit = x.edit
			w.agree()
			nobody(t, report(t, w.source()))
			south := w.parties[1]
			x.do(w, south)
			f := guilty(t, report(t, w.source()), south, x.code)
			if f.At.IsZero() || f.Clock != south.id || f.Refs[0].Origin != south.jw.Origin() {
				t.Errorf("it does not say when by whose clock: %+v", f)
			}
			// The same without the accord's text cannot be judged, unless no accord could allow it.
			s := w.source()
			s.Payload = nil
			r := report(t, s)
			if len(r.Proven) > 0 && x.code != accord.CodeUnknownKind && x.code != unit.CodeUnexpected {
				t.Errorf("proved without the text of the accord: %+v", r.Findings)
			}
		})
	}
}

// TestTypesOfAPayload: what an entry says it shares, and what it commits to, by type.
func TestTypesOfAPayload(t *testing.T) {
	w, _, south := fromAgreed(t)
	south.write(unit.KindShare, unit.ContentBody{Objects: 2, Types: map[string]int64{"malware": 2}, TLP: "green"}, w.seal(journal.PayloadSTIX, bundle(2)))
	guilty(t, report(t, w.source()), south, dossier.CodeMiscounted)
}

// TestMarkingOfAPayload: an object marked TLP:RED in a share that says TLP:GREEN.
func TestMarkingOfAPayload(t *testing.T) {
	w, _, south := fromAgreed(t)
	marked := bytes.Replace(bundle(2), []byte(`"spec_version":"2.1"`), []byte(`"spec_version":"2.1","object_marking_refs":["`+stix.TLPRed.MarkingID()+`"]`), 1)
	south.write(unit.KindShare, unit.ContentBody{Objects: 2, Types: map[string]int64{"indicator": 2}, TLP: "green"}, w.seal(journal.PayloadSTIX, marked))
	guilty(t, report(t, w.source()), south, dossier.CodeUnderstated)
	w, _, south = fromAgreed(t)
	south.write(unit.KindShare, unit.ContentBody{Objects: 2, Types: map[string]int64{"indicator": 2}, TLP: "amber"}, w.seal(journal.PayloadSTIX, bundle(2)))
	nobody(t, report(t, w.source())) // stricter than its objects is nothing to hold against anybody
}

// TestPAPOfAPayload: an object marked PAP:RED, by a marking or a label, in a share that says less, or nothing, of PAP.
func TestPAPOfAPayload(t *testing.T) {
	one := map[string]int64{"indicator": 1}
	for _, mark := range []string{`"object_marking_refs":["` + stix.PAPMarkingRed + `"]`, `"labels":["PAP:RED"]`} {
		marked := bytes.Replace(bundle(1), []byte(`"spec_version":"2.1"`), []byte(`"spec_version":"2.1",`+mark), 1)
		for _, claim := range []string{"", "amber"} {
			w, _, south := fromAgreed(t)
			south.write(unit.KindShare, unit.ContentBody{Objects: 1, Types: one, TLP: "green", PAP: claim}, w.seal(journal.PayloadSTIX, marked))
			guilty(t, report(t, w.source()), south, dossier.CodePAPUnderstated)
		}
		w, _, south := fromAgreed(t)
		south.write(unit.KindShare, unit.ContentBody{Objects: 1, Types: one, TLP: "green", PAP: "red"}, w.seal(journal.PayloadSTIX, marked))
		nobody(t, report(t, w.source()))
	}
}

// TestWeakenedOnTheWay: a party that received something sends the same version on under a looser marking. The journals show
// both, and not whether it had it from elsewhere, too: it is disputed.
func TestWeakenedOnTheWay(t *testing.T) {
	marked := func(ids ...string) []byte {
		if len(ids) == 0 {
			return bundle(1)
		}
		refs := `"object_marking_refs":["` + strings.Join(ids, `","`) + `"]`
		return bytes.Replace(bundle(1), []byte(`"spec_version":"2.1"`), []byte(`"spec_version":"2.1",`+refs), 1)
	}
	amber, green := stix.TLPAmber.MarkingID(), stix.TLPGreen.MarkingID()
	for _, x := range []struct {
		name, tlp, pap string // what the second says
		from, to       []byte
		before, silent bool // the second had it itself before; it never received the first
		newer          bool
		lost           string
	}{
		{name: "a looser PAP", tlp: "amber", pap: "green", from: marked(amber, stix.PAPMarkingRed), to: marked(amber, stix.PAPMarkingGreen), lost: "PAP:RED"},
		{name: "no PAP", tlp: "amber", from: marked(amber, stix.PAPMarkingRed), to: marked(amber), lost: "PAP:RED"},
		{name: "a looser TLP", tlp: "green", from: marked(amber), to: marked(green), lost: "TLP:AMBER"},
		{name: "no PAP, but the entry counts as it did", tlp: "amber", pap: "red", from: marked(amber, stix.PAPMarkingRed), to: marked(amber)},
		{name: "the same", tlp: "amber", pap: "red", from: marked(amber, stix.PAPMarkingRed), to: marked(amber, stix.PAPMarkingRed)},
		{name: "stricter", tlp: "amber", pap: "red", from: marked(green, stix.PAPMarkingGreen), to: marked(amber, stix.PAPMarkingRed)},
		{name: "a marking that cannot be read", tlp: "green", from: marked(amber), to: marked(green, "marking-definition--4f527ff0-5d9a-4f60-8d8c-00000000000a")},
		{name: "known before", tlp: "green", from: marked(amber), to: marked(green), before: true},
		{name: "never received", tlp: "green", from: marked(amber), to: marked(green), silent: true},
		{name: "another version", tlp: "green", from: marked(amber), to: marked(green), newer: true},
	} {
		t.Run(x.name, func(t *testing.T) {
			w, north, south := fromAgreed(t)
			body := func(tlp, pap string) unit.ContentBody {
				return unit.ContentBody{Objects: 1, Types: map[string]int64{"indicator": 1}, TLP: tlp, PAP: pap}
			}
			if x.newer {
				x.to = bytes.Replace(x.to, []byte(`"modified":"2026-01-01`), []byte(`"modified":"2026-01-02`), 1)
			}
			if x.before {
				south.write(unit.KindShare, body(x.tlp, x.pap), w.seal(journal.PayloadSTIX, x.to))
			}
			first := north.write(unit.KindShare, body("amber", "red"), w.seal(journal.PayloadSTIX, x.from))
			if !x.silent {
				south.receipt()
			}
			second := south.write(unit.KindShare, body(x.tlp, x.pap), w.seal(journal.PayloadSTIX, x.to))
			north.receipt()
			r := report(t, w.source())
			nobody(t, r)
			f := find(r, dossier.Disputed, dossier.CodeWeakened)
			if x.lost == "" {
				if f != nil {
					t.Fatalf("%+v", f)
				}
				return
			}
			if f == nil || f.Party != south.id || !strings.Contains(f.Text, x.lost) || len(f.Refs) != 3 || f.Refs[0] != first.Ref() || f.Refs[2] != second.Ref() || len(f.Exhibits) != 3 {
				t.Fatalf("%+v\n%+v", f, r.Findings)
			}
		})
	}
}

// TestCosignedTwoHistories: a witness that cosigned both histories of a journal stands beside its author.
func TestCosignedTwoHistories(t *testing.T) {
	w, north, south, lie, _ := contradict(t)
	cosign := func(key *witnessKey, signed string) string {
		n, err := note.Open([]byte(signed), note.VerifierList(noteVerifiers(t, south)...))
		ok(t, err)
		out, err := note.Sign(n, key.signer)
		ok(t, err)
		return string(out)
	}
	key := newWitnessKey(t, "witness.example")
	next, err := journal.RotateIdentity(north.identity, seed("North org"), nil, journal.Identity{Name: "North", Node: seed("North node").Public(),
		Witness: key.vkey, Created: start, Expires: start.AddDate(2, 0, 0)})
	ok(t, err)
	north.write(journal.KindIdentity, journal.IdentityBody{Signed: next}, nil)
	honest := cosign(key, checkpoint(t, south.st))
	north.write(journal.KindWitness, journal.WitnessBody{Checkpoint: honest}, nil)
	r := report(t, w.source())
	nobody(t, r)
	if len(r.Witnessed) != 1 || !r.Witnessed[0].Own || r.Witnessed[0].Witness != north.id {
		t.Fatalf("%+v", r.Witnessed)
	}
	// Somebody else's cosignature under that name counts for nothing.
	north.write(journal.KindWitness, journal.WitnessBody{Checkpoint: cosign(newWitnessKey(t, "witness.example"), checkpoint(t, lie.st))}, nil)
	r = report(t, w.source())
	if len(r.Proven) != 1 || r.Proven[0].Party != south.id {
		t.Fatalf("%+v", r.Proven)
	}
	north.write(journal.KindWitness, journal.WitnessBody{Checkpoint: cosign(key, checkpoint(t, lie.st))}, nil)
	r = report(t, w.source())
	if len(r.Proven) != 2 || !has(r, dossier.Proved, dossier.CodeCosigned) || find(r, dossier.Proved, dossier.CodeCosigned).Party != north.id {
		t.Fatalf("%+v\n%+v", r.Proven, r.Findings)
	}
	// A new key takes back nothing, and what it cosigns is held against what it cosigned itself.
	other := newWitnessKey(t, "witness.example")
	last, err := journal.RotateIdentity(next, seed("North org"), nil, journal.Identity{Name: "North", Node: seed("North node").Public(),
		Witness: other.vkey, Created: start, Expires: start.AddDate(2, 0, 0)})
	ok(t, err)
	north.write(journal.KindIdentity, journal.IdentityBody{Signed: last}, nil)
	for range 2 {
		north.write(journal.KindWitness, journal.WitnessBody{Checkpoint: cosign(other, checkpoint(t, lie.st))}, nil)
	}
	r = report(t, w.source())
	var found int
	for _, f := range r.Findings {
		if f.Code == dossier.CodeCosigned {
			found++
		}
	}
	if found != 1 {
		t.Fatalf("%d findings of cosigning twice, under the first key alone it was\n%+v", found, r.Findings)
	}
	north.write(journal.KindWitness, journal.WitnessBody{Checkpoint: cosign(other, checkpoint(t, south.st))}, nil)
	if r = report(t, w.source()); len(r.Proven) != 2 {
		t.Fatalf("%+v", r.Proven)
	}
}

// TestCosignedTwoHistoriesOfMany: two cosigned histories are found among any number of cosigned heads.
func TestCosignedTwoHistoriesOfMany(t *testing.T) {
	w, north, south := fromAgreed(t)
	key := newWitnessKey(t, "witness.example")
	next, err := journal.RotateIdentity(north.identity, seed("North org"), nil, journal.Identity{Name: "North", Node: seed("North node").Public(),
		Witness: key.vkey, Created: start, Expires: start.AddDate(2, 0, 0)})
	ok(t, err)
	north.write(journal.KindIdentity, journal.IdentityBody{Signed: next}, nil)
	cosign := func(h journal.Head) journal.Draft {
		text := fmt.Sprintf("%s\n%d\n%s\n", south.jw.Origin(), h.Size, h.Root)
		out, err := note.Sign(&note.Note{Text: text}, key.signer)
		ok(t, err)
		return journal.Draft{Kind: journal.KindWitness, By: duty, Body: journal.WitnessBody{Checkpoint: string(out)}, Seen: north.heads()}
	}
	head := south.jw.Head()
	var many []journal.Draft
	for range 1001 {
		many = append(many, cosign(head))
	}
	_, _, err = north.jw.Append(w.tick(), many...)
	ok(t, err)
	if r := report(t, w.source()); has(r, dossier.Proved, dossier.CodeCosigned) {
		t.Fatalf("one head makes two histories: %+v", r.Proven)
	}
	untrue := head
	untrue.Root[0] ^= 1
	_, _, err = north.jw.Append(w.tick(), cosign(untrue), cosign(head), cosign(untrue))
	ok(t, err)
	r := report(t, w.source())
	guilty(t, r, north, dossier.CodeCosigned)
	if len(r.Witnessed) != 1000 {
		t.Errorf("%d heads are listed", len(r.Witnessed))
	}
}

// witnessKey cosigns as tlog-witness does.
type witnessKey struct {
	vkey   string
	signer note.Signer
}

func newWitnessKey(t testing.TB, name string) *witnessKey {
	skey, vkey, err := note.GenerateKey(rand.Reader, name)
	ok(t, err)
	signer, err := fnote.NewSignerForCosignatureV1(skey)
	ok(t, err)
	vkey, err = fnote.VKeyToCosignatureV1(vkey)
	ok(t, err)
	return &witnessKey{vkey, signer}
}

func noteVerifiers(t testing.TB, p *party) []note.Verifier {
	ed, pq := p.jw.Keyring().Current().VKeys(p.jw.Origin())
	a, err := note.NewVerifier(ed)
	ok(t, err)
	b, err := fnote.NewMLDSAVerifier(pq)
	ok(t, err)
	return []note.Verifier{a, b}
}

// TestDeadlineByItsOwnClock: a missed deadline is proved by what the one who owed wrote itself, and
// by nothing else.
func TestDeadlineByItsOwnClock(t *testing.T) {
	w, north, south := fromAgreed(t)
	ask := func() journal.Ref {
		body := map[string]any{"type": "information", "urgency": "urgent", "fields": []string{"subject", "purpose"}, "tlp": "amber", "to": south.id}
		return north.write("request.send", body, w.seal(journal.PayloadRequest, []byte(`{}`))).Ref()
	}
	request := ask()
	w.sync()
	w.clock = w.clock.Add(30 * 24 * time.Hour)
	north.write("note", nil, nil)
	// South's journal ends before the deadline: that nothing came later is not shown.
	r := report(t, w.source())
	nobody(t, r)
	open := find(r, dossier.Open, dossier.CodeNotMet)
	if open == nil || !strings.Contains(open.Text, "is shown up to "+fmt.Sprint(south.jw.Head().Size)+" entries only") {
		t.Fatalf("%+v", r.Findings)
	}
	// It writes something else a month later, by its own clock.
	south.write("note", nil, nil)
	f := guilty(t, report(t, w.source()), south, dossier.CodeNotMet)
	if f.Clock != south.id || !slices.Contains(f.Refs, request) {
		t.Errorf("%+v", f)
	}
	// Then it answers: late, and no longer missing.
	move := func(name string, more map[string]any, pl *journal.PayloadRef) {
		m := map[string]any{"request": request}
		maps.Copy(m, more)
		south.write("request."+name, m, pl)
	}
	move("acknowledge", nil, nil)
	move("accept", nil, nil)
	move("answer", map[string]any{"tlp": "amber"}, w.seal(journal.PayloadAnswer, []byte(`{}`)))
	r = report(t, w.source())
	if !has(r, dossier.Proved, dossier.CodeLate) || has(r, dossier.Proved, dossier.CodeNotMet) {
		t.Fatalf("%+v", r.Findings)
	}
}

// TestDeadlinesOfManyParties: the deadlines of so many parties are judged by their own clocks; those of
// one more stay open, whatever it wrote.
func TestDeadlinesOfManyParties(t *testing.T) {
	const judged = 16 // maxJudged
	names := []string{"North"}
	for i := range judged + 1 {
		names = append(names, fmt.Sprint("Debtor ", i))
	}
	w := newWorld(t, names...)
	w.agree()
	north, debtors := w.parties[0], w.parties[1:]
	for _, p := range debtors {
		body := map[string]any{"type": "information", "urgency": "urgent", "fields": []string{"subject", "purpose"}, "tlp": "amber", "to": p.id}
		north.write("request.send", body, w.seal(journal.PayloadRequest, []byte(`{}`)))
	}
	w.sync()
	w.clock = w.clock.Add(30 * 24 * time.Hour)
	for _, p := range w.parties {
		p.write("note", nil, nil)
	}
	proved, open := map[journal.PartyID]bool{}, map[journal.PartyID]bool{}
	for _, f := range report(t, w.source()).Findings {
		switch {
		case f.Code == dossier.CodeNotMet && f.Weight == dossier.Proved:
			proved[f.Party] = true
		case f.Code == dossier.CodeNotMet:
			open[f.Party] = true
		}
	}
	if len(proved) != judged || len(open) != 1 {
		t.Errorf("%d proved, %d open; want %d and 1", len(proved), len(open), judged)
	}
}

// TestWithheldReceipt: the request was posted where a third saw it; that the asked side holds it is
// nevertheless not proved.
func TestWithheldReceipt(t *testing.T) {
	w := newWorld(t, "North", "South", "East")
	w.agree()
	north, south, east := w.parties[0], w.parties[1], w.parties[2]
	key := newWitnessKey(t, "east.example")
	next, err := journal.RotateIdentity(east.identity, seed("East org"), nil, journal.Identity{Name: "East", Node: seed("East node").Public(),
		Witness: key.vkey, Created: start, Expires: start.AddDate(2, 0, 0)})
	ok(t, err)
	east.write(journal.KindIdentity, journal.IdentityBody{Signed: next}, nil)
	body := map[string]any{"type": "information", "urgency": "urgent", "fields": []string{"subject", "purpose"}, "tlp": "amber", "to": south.id}
	north.write("request.send", body, w.seal(journal.PayloadRequest, []byte(`{}`)))
	n, err := note.Open([]byte(checkpoint(t, north.st)), note.VerifierList(noteVerifiers(t, north)...))
	ok(t, err)
	cosigned, err := note.Sign(n, key.signer)
	ok(t, err)
	north.write(journal.KindWitness, journal.WitnessBody{Checkpoint: string(cosigned)}, nil)
	w.clock = w.clock.Add(30 * 24 * time.Hour)
	// South goes on and says that it has seen nothing of it.
	_, _, err = south.jw.Append(w.tick(), journal.Draft{Kind: "note", By: duty, Body: map[string]any{}})
	ok(t, err)
	r := report(t, w.source())
	nobody(t, r)
	f := find(r, dossier.Open, dossier.CodeNotMet)
	if f == nil || f.Party != south.id || !strings.Contains(f.Text, "which is no receipt") || r.Requests[0].Receipt != nil {
		t.Fatalf("%+v", r.Findings)
	}
}

// TestStolenKey: heads under a key that its owner declared compromised, in the three orders of notice
// and proof.
func TestStolenKey(t *testing.T) {
	steal := func(t *testing.T) (w *world, north, south *party, c journal.Contradiction, notice func()) {
		w, north, south, _, c = contradict(t)
		return w, north, south, c, func() {
			old := south.jw.Keyring().Current()
			good := south.jw.Head()
			statement, err := journal.NewCompromise(seed("South org"), journal.Compromise{Party: south.id, Key: old.ID(), Origin: south.jw.Origin(), Good: good, Created: w.clock})
			ok(t, err)
			south.rotate()
			south.write(journal.KindCompromise, journal.CompromiseBody{Key: old.ID(), Origin: south.jw.Origin(), Good: good, Statement: statement}, nil)
		}
	}
	t.Run("the thief's head comes after the notice", func(t *testing.T) {
		w, north, south, c, notice := steal(t)
		notice()
		w.proofs = []dossier.Proof{{Contradiction: &c}}
		r := report(t, w.source())
		nobody(t, r)
		if f := find(r, dossier.Disputed, journal.CodeFork); f == nil || f.Party != south.id || !strings.Contains(f.Text, "declared the key compromised") {
			t.Fatalf("%+v", r.Findings)
		}
		north.write(journal.KindEvidence, c, nil) // it has seen the notice
		nobody(t, report(t, w.source()))
	})
	t.Run("another member held it before it saw the notice", func(t *testing.T) {
		w, north, south, c, notice := steal(t)
		north.write(journal.KindEvidence, c, nil)
		notice()
		guilty(t, report(t, w.source()), south, journal.CodeFork)
	})
	t.Run("the notice is left out", func(t *testing.T) {
		w, _, south, c, notice := steal(t)
		s := w.source()
		s.Journals[1] = south.st.Snapshot()
		notice()
		s.Proofs = []dossier.Proof{{Contradiction: &c}}
		f := guilty(t, report(t, s), south, journal.CodeFork)
		if !strings.Contains(f.Text, "A notice that the key was stolen, or its replacement, would stand in the party's journals") {
			t.Errorf("a judge is not told where to look: %s", f.Text)
		}
	})
	t.Run("a notice about another key", func(t *testing.T) {
		w, _, south, c, _ := steal(t)
		statement, err := journal.NewCompromise(seed("South org"), journal.Compromise{Party: south.id, Key: seed("x").Public().ID(), Origin: south.jw.Origin(), Created: w.clock})
		ok(t, err)
		south.write(journal.KindCompromise, journal.CompromiseBody{Key: seed("x").Public().ID(), Origin: south.jw.Origin(), Statement: statement}, nil)
		w.proofs = []dossier.Proof{{Contradiction: &c}}
		guilty(t, report(t, w.source()), south, journal.CodeFork)
	})
}

// TestReplacedKey: a key that was replaced signs nothing more. A liar that forked before it replaced
// the key does not get away by that, if somebody held the fork before; a thief who found the old key
// makes nobody guilty.
func TestReplacedKey(t *testing.T) {
	forked := func(t *testing.T) (w *world, north, south *party, c journal.Contradiction) {
		w, north, south = fromAgreed(t)
		lie := south.fork(south.st.Snapshot(), south.jw.Head())
		south.share(1)
		a := south.jw.Head()
		for range 5 {
			lie.write("note", map[string]any{}, nil)
		}
		proof, err := journal.ProveConsistency(lie.st, a.Size, lie.jw.Head().Size)
		ok(t, err)
		return w, north, south, journal.Contradiction{Code: journal.CodeRewritten, Origin: south.jw.Origin(), A: checkpoint(t, south.st), B: checkpoint(t, lie.st),
			Proof: proof, Root: rootAt(t, lie.st, a.Size)}
	}
	t.Run("the fork came first", func(t *testing.T) {
		w, north, south, c := forked(t)
		north.write(journal.KindEvidence, c, nil)
		south.rotate() // the fork's head has a size that only the new key signs now
		south.write("note", nil, nil)
		guilty(t, report(t, w.source()), south, journal.CodeRewritten)
	})
	t.Run("the accuser knew of the new key", func(t *testing.T) {
		w, north, south, c := forked(t)
		south.rotate()
		south.write("note", nil, nil)
		north.write(journal.KindEvidence, c, nil)
		r := report(t, w.source())
		nobody(t, r)
		if f := find(r, dossier.Disputed, journal.CodeRewritten); f == nil || !strings.Contains(f.Text, "had replaced the key") {
			t.Fatalf("%+v", r.Findings)
		}
	})
	t.Run("nobody but the maker of the file says it", func(t *testing.T) {
		w, _, south, c := forked(t)
		early, err := journal.NewKeyring(south.jw.Origin(), seed("South key").Public())
		ok(t, err)
		south.rotate()
		south.write("note", nil, nil)
		w.proofs = []dossier.Proof{{Contradiction: &c, Keyring: early}}
		r := report(t, w.source())
		nobody(t, r)
		if !has(r, dossier.Disputed, journal.CodeRewritten) {
			t.Fatalf("%+v", r.Findings)
		}
	})
}
