package dossier_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"entente/internal/dossier"
	"entente/journal"
	"entente/journal/journaltest"
)

// rotates writes a rotation whose certificate is signed by any key.
func (p *party) rotates(later int64, by *journal.PrivateKey) []byte {
	next := seed(p.name + " key 2").Public()
	cert, err := journal.NewCertificate(by, journal.Certificate{Unit: p.w.unit, Party: p.id, Key: next, Replaces: p.jw.Keyring().Current().ID()})
	ok(p.w.t, err)
	return p.raw(journal.KindRotate, func(m map[string]any) {
		m["index"], m["body"] = p.jw.Last().Index+1+later, journal.RotateBody{Key: next, Certificate: cert}
	})
}

// rotation is the body of a rotation that a stranger certified.
func (p *party) rotation() map[string]any {
	var m map[string]any
	ok(p.w.t, json.Unmarshal(p.rotates(0, seed("a stranger")), &m))
	return map[string]any{"body": m["body"]}
}

// declares writes a notice of compromise that any key signed.
func (p *party) declares(by *journal.PrivateKey) []byte {
	n := journal.Compromise{Party: p.id, Key: p.jw.Keyring().Current().ID(), Origin: p.jw.Origin(), Good: p.jw.Head(), Created: start}
	s, err := journal.NewCompromise(by, n)
	ok(p.w.t, err)
	return p.raw(journal.KindCompromise, func(m map[string]any) {
		m["body"] = journal.CompromiseBody{Key: n.Key, Origin: n.Origin, Good: n.Good, Statement: s}
	})
}

// begins signs a journal from its genesis on and returns what is said to who holds nothing of it.
func (p *party) begins(key *journal.PrivateKey, raws ...[]byte) error {
	st := journaltest.Forge(p.w.t, p.jw.Origin(), raws, key)
	m, err := journal.OpenMirror(new(journaltest.Memory), journal.MirrorParams{Unit: p.w.unit})
	ok(p.w.t, err)
	cp, err := st.Latest()
	ok(p.w.t, err)
	_, err = m.Extend(raws, cp)
	return err
}

func (p *party) genesis() []byte {
	for raw, err := range p.st.Read(0, 1) {
		ok(p.w.t, err)
		return bytes.Clone(raw)
	}
	return nil
}

func violationOf(t testing.TB, err error) journal.Violation {
	t.Helper()
	var v *journal.ViolationError
	if !errors.As(err, &v) {
		t.Fatalf("no proof: %v", err)
	}
	return v.Proof
}

// bothSay has the second verifier read the same files.
func bothSay(t *testing.T, files []specimen) {
	t.Helper()
	var tasks []journaltest.Task
	for _, f := range files {
		tasks = append(tasks, journaltest.Task{Kind: "dossier", Data: f.file})
	}
	for i, v := range journaltest.SecondVerifier(t, secondVerifier, tasks) {
		holds, part, _, _, _ := judged(files[i].file)
		if v.OK != holds || v.Part != part {
			t.Errorf("%s: entente says %v %s, the second verifier %v %s (%s)", files[i].name, holds, part, v.OK, v.Part, v.Detail)
		}
	}
}

// TestRotationAndNoticeAreProved: a rotation or a notice that the wrong key signed is proved by the journal in
// the dossier and what the record has of the entries behind it.
func TestRotationAndNoticeAreProved(t *testing.T) {
	var files []specimen
	for name, entries := range map[string]func(p *party) [][]byte{
		"a rotation by a stranger":       func(p *party) [][]byte { return [][]byte{p.rotates(0, seed("a stranger"))} },
		"a rotation behind other things": func(p *party) [][]byte { return [][]byte{p.raw("note", nil), p.rotates(1, seed("North node"))} },
		"a notice by its node key":       func(p *party) [][]byte { return [][]byte{p.declares(seed("South node"))} },
	} {
		w, north, south := fromAgreed(t)
		x := violationOf(t, south.signs(entries(south)...))
		w.proofs = []dossier.Proof{{Violation: &x}}
		good := pack(t, w.source())
		files = append(files, specimen{name, good})
		guilty(t, report(t, w.source()), south, journal.CodeBadSignature)
		// The rest of the journal may have gone on by the time: it makes no difference.
		south.write("note", nil, nil)
		guilty(t, report(t, w.source()), south, journal.CodeBadSignature)
		c := joint(t, good, pack(t, w.source()))
		guilty2(t, c.Report, south, journal.CodeBadSignature)
		// A dossier that shows less of the journal than it takes does not hold: it convicts nobody.
		short := w.source()
		short.Journals = []journal.Storage{north.st, (&accusation{}).cut(t, south)}
		b := pack(t, short)
		files = append(files, specimen{name + ", journal cut", b})
		var d *dossier.Damage
		if _, err := verify(b); !errors.As(err, &d) || d.Part != dossier.PartProof {
			t.Errorf("%s, with less of the journal: %v", name, err)
		}
		for what, change := range map[string]func(*journal.Violation){
			"of another code":        func(v *journal.Violation) { v.Code = journal.CodeBadCertificate },
			"without what is before": func(v *journal.Violation) { v.Since = nil },
			"of another's journal":   func(v *journal.Violation) { v.Origin = north.jw.Origin() },
			"from another place on":  func(v *journal.Violation) { s := *v.Since; s.Size--; v.Since = &s },
			"with entries of others": func(v *journal.Violation) {
				s := *v.Since
				s.Entries = append(slices.Clone(s.Entries), north.genesis())
				v.Since = &s
			},
		} {
			bad := x
			change(&bad)
			w.proofs = []dossier.Proof{{Violation: &bad}}
			b := pack(t, w.source())
			files = append(files, specimen{name + " " + what, b})
			if _, err := verify(b); !errors.As(err, &d) || d.Part != dossier.PartProof {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
	}
	bothSay(t, files)
}

// cut is the first entry of a party's journal alone.
func (*accusation) cut(t testing.TB, p *party) *journaltest.Memory {
	return journaltest.Forge(t, p.jw.Origin(), [][]byte{p.genesis()}, seed(p.name+" key"))
}

// TestBeginningIsProved: a journal whose very first stretch breaks a rule, of which nobody holds anything, is proved by
// the record alone; the party is one of the dossier, and can be trusted by its id, although it has no journal there.
func TestBeginningIsProved(t *testing.T) {
	var files []specimen
	for name, x := range map[string]struct {
		code    string
		entries func(p *party) [][]byte
	}{
		"back-dated": {journal.CodeBackDated, func(p *party) [][]byte {
			return [][]byte{p.genesis(), p.at(1, "note", map[string]any{"at": "2001-01-01T00:00:00Z"})}
		}},
		"no entry": {journal.CodeBadEntry, func(p *party) [][]byte { return [][]byte{p.genesis(), []byte("{}")} }},
		"a rotation": {journal.CodeBadSignature, func(p *party) [][]byte {
			return [][]byte{p.genesis(), p.at(1, "note", nil), p.at(2, journal.KindRotate, p.rotation())}
		}},
		"the genesis": {journal.CodeBadSeen, func(p *party) [][]byte {
			return [][]byte{bytes.Replace(p.genesis(), []byte(`"seen":{`), []byte(`"seen":{"`+string(p.jw.Origin())+`":{"size":1,"root":"`+journal.Hash{}.String()+`"}`), 1)}
		}},
	} {
		w, north, south := fromAgreed(t)
		v := violationOf(t, south.begins(seed("South key"), x.entries(south)...))
		alone := w.source()
		alone.Journals = []journal.Storage{north.st}
		alone.Proofs = []dossier.Proof{{Violation: &v}}
		b := pack(t, alone)
		files = append(files, specimen{name, b})
		guilty(t, report(t, alone), south, x.code)
		if r, err := verify(b, south.id, north.id); err != nil || !r.Trusted {
			t.Errorf("%s: trusting both: %v", name, err)
		}
		// With the journal that it wrote for others beside it, too, and both files together.
		full := w.source()
		full.Proofs = alone.Proofs
		files = append(files, specimen{name + ", with its journal", pack(t, full)})
		guilty(t, report(t, full), south, x.code)
		c := joint(t, b, pack(t, w.source()))
		guilty2(t, c.Report, south, x.code)

		var d *dossier.Damage
		for what, change := range map[string]func(*journal.Violation){
			"of another code":      func(v *journal.Violation) { v.Code = journal.CodeWrongUnit },
			"of another's journal": func(v *journal.Violation) { v.Origin = north.jw.Origin() },
			"of nobody's journal":  func(v *journal.Violation) { v.Origin = journal.OriginOf(w.unit, south.id, 7) },
			"another's beginning": func(v *journal.Violation) {
				f := v.Entry
				f.Index, f.Raw = 0, north.genesis()
				v.First = &f
				v.Before = &f
			},
			"under another's head": func(v *journal.Violation) { v.Checkpoint = string(north.jw.Checkpoint()) },
		} {
			bad := v
			change(&bad)
			if name == "the genesis" && what == "another's beginning" {
				continue // it needs none
			}
			alone.Proofs = []dossier.Proof{{Violation: &bad}}
			b := pack(t, alone)
			files = append(files, specimen{name + ", " + what, b})
			if _, err := verify(b); !errors.As(err, &d) || d.Part != dossier.PartProof {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
	}
	bothSay(t, files)
}

// at writes an entry for any place, which has seen nothing.
func (p *party) at(index int64, kind string, change map[string]any) []byte {
	return p.raw(kind, func(m map[string]any) {
		m["index"], m["seen"] = index, map[string]any{}
		for k, v := range change {
			m[k] = v
		}
	})
}

// TestBeginningOfAnotherUnitOrKey: a lie at the beginning of a journal of another unit says nothing in this one; one
// under a key that a thief had certified with a node key which the party had replaced falls where its identities are known.
func TestBeginningOfAnotherUnitOrKey(t *testing.T) {
	w, north, south := fromAgreed(t)
	elsewhere := newWorld(t, "South", "North")
	v := violationOf(t, elsewhere.parties[0].begins(seed("South key"), elsewhere.parties[0].genesis(), []byte("{}")))
	s := w.source()
	s.Journals = []journal.Storage{north.st}
	s.Proofs = []dossier.Proof{{Violation: &v}}
	var d *dossier.Damage
	var files []specimen
	b := pack(t, s)
	files = append(files, specimen{"another unit", b})
	if _, err := verify(b); !errors.As(err, &d) || d.Part != dossier.PartProof {
		t.Errorf("of another unit: %v", err)
	}
	// South replaces its node key, and opens a successor. The thief of the old one begins "the" successor of South's.
	next, err := journal.RotateIdentity(south.identity, seed("South org"), nil, journal.Identity{Name: "South", Node: seed("South node 2").Public(), Created: start, Expires: start.AddDate(2, 0, 0)})
	ok(t, err)
	south.write(journal.KindIdentity, journal.IdentityBody{Signed: next}, nil)
	thief := seed("a thief's journal key")
	cert, err := journal.NewCertificate(seed("South node"), journal.Certificate{Unit: w.unit, Party: south.id, Key: thief.Public()})
	ok(t, err)
	g := south.at(0, journal.KindGenesis, map[string]any{"body": journal.GenesisBody{Identities: []journal.Signed{south.identity}, Certificate: cert, Founding: w.founding}})
	v = violationOf(t, south.begins(thief, g, []byte("{}")))
	s = w.source()
	s.Proofs = []dossier.Proof{{Violation: &v}}
	b = pack(t, s)
	files = append(files, specimen{"a thief's", b})
	if _, err := verify(b); !errors.As(err, &d) || d.Part != dossier.PartProof {
		t.Errorf("under a thief's key: %v", err)
	}
	bothSay(t, files)
}
