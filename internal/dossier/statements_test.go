package dossier_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"entente/internal/dossier"
	"entente/journal"
)

// follows is an identity after another one, signed by any organisation key, and by its own.
func (p *party) follows(before journal.Signed, node string, org, next *journal.PrivateKey) journal.Signed {
	s, err := journal.RotateIdentity(before, org, next, journal.Identity{Name: p.name, Node: seed(node).Public(), Created: start, Expires: start.AddDate(2, 0, 0)})
	ok(p.w.t, err)
	return s
}

// resigned is a statement with the signatures of other keys, and of no others.
func resigned(t testing.TB, s journal.Signed, kind string, keys ...*journal.PrivateKey) journal.Signed {
	s.Signatures = nil
	for _, k := range keys {
		sig, err := k.Sign("statement/"+kind, []byte(s.Text))
		ok(t, err)
		s.Signatures = append(s.Signatures, journal.KeySignature{Key: k.Public().ID(), Signature: sig})
	}
	return s
}

// certifies is a certificate for a journal key of the party.
func (p *party) certifies(key string, by *journal.PrivateKey, unit journal.UnitID) journal.Signed {
	c, err := journal.NewCertificate(by, journal.Certificate{Unit: unit, Party: p.id, Key: seed(key).Public()})
	ok(p.w.t, err)
	return c
}

// without is the dossier of a world in which nothing is held of a party's journal.
func (w *world) without(p *party, proofs ...dossier.Proof) dossier.Source {
	s := w.source()
	s.Journals = slices.DeleteFunc(s.Journals, func(st journal.Storage) bool { return st == p.st })
	s.Proofs = proofs
	return s
}

// both lists what two identities, or two certificates, of South come to in a record that brings its identities.
func both(south *party) map[string]dossier.Proof {
	org, org2 := seed("South org"), seed("South org 2")
	v2 := south.follows(south.identity, "South node 2", org, org2)
	proof := func(a, b journal.Signed, ids ...journal.Signed) dossier.Proof {
		return dossier.Proof{Statements: &journal.Equivocation{Party: south.id, A: a, B: b}, Identities: ids}
	}
	return map[string]dossier.Proof{
		"two identities": proof(v2, south.follows(south.identity, "South node 3", org, nil), south.identity),
		"two identities after a new organisation key": proof(south.follows(v2, "South node 3", org2, nil), south.follows(v2, "South node 4", org2, nil), south.identity, v2),
		"two first keys":                      proof(south.certifies("one", seed("South node"), south.w.unit), south.certifies("two", org, south.w.unit), south.identity),
		"two first keys, one under version 2": proof(south.certifies("one", seed("South node"), south.w.unit), south.certifies("two", seed("South node 2"), south.w.unit), south.identity, v2),
	}
}

// TestStatementsOfNobodysJournalAreProved: two statements of a party of which nothing is held are proved by the
// record alone, with its identity from version 1 on, whose hash is the party's id; the party can be trusted by
// that; with its journal beside it, in the same file or in another one, it is one proof as well.
func TestStatementsOfNobodysJournalAreProved(t *testing.T) {
	var files []specimen
	_, _, sample := fromAgreed(t)
	for name := range both(sample) {
		w, north, south := fromAgreed(t)
		p := both(south)[name]
		alone := pack(t, w.without(south, p))
		files = append(files, specimen{name, alone})
		r := report(t, w.without(south, p))
		f := guilty(t, r, south, journal.CodeTwoStatements)
		if !strings.Contains(f.Text, "No journal of it is in the dossier") {
			t.Errorf("%s: it does not say what it rests on: %s", name, f.Text)
		}
		if r, err := verify(alone, south.id, north.id); err != nil || !r.Trusted {
			t.Errorf("%s: trusting both: %v", name, err)
		}
		// The journal may be there, and then the record needs less.
		s := w.source()
		s.Proofs = []dossier.Proof{p}
		files = append(files, specimen{name + ", with its journal", pack(t, s)})
		guilty(t, report(t, s), south, journal.CodeTwoStatements)
		honest := pack(t, w.source())
		guilty2(t, joint(t, alone, honest).Report, south, journal.CodeTwoStatements)
		// As may one whose journal tells one of the two identities.
		if kind, _ := p.Statements.A.Kind(); kind == "identity" && len(p.Identities) == 1 {
			south.write(journal.KindIdentity, journal.IdentityBody{Signed: p.Statements.B}, nil)
			s = w.source()
			s.Proofs = []dossier.Proof{p}
			files = append(files, specimen{name + ", with its journal that tells one", pack(t, s)})
			guilty(t, report(t, s), south, journal.CodeTwoStatements)
			guilty2(t, joint(t, alone, pack(t, w.source())).Report, south, journal.CodeTwoStatements)
		}
	}
	bothSay(t, files)
}

// TestStatementsOfOtherIdentitiesTogether: the record of one file brings a version of the party's identity, the journal in
// another file tells another one of that number: put together, these two are the proof.
func TestStatementsOfOtherIdentitiesTogether(t *testing.T) {
	w, _, south := fromAgreed(t)
	p := both(south)["two first keys, one under version 2"]
	alone := pack(t, w.without(south, p))
	south.write(journal.KindIdentity, journal.IdentityBody{Signed: south.follows(south.identity, "South node 5", seed("South org"), nil)}, nil)
	guilty2(t, joint(t, alone, pack(t, w.source())).Report, south, journal.CodeTwoStatements)
}

// TestStatementsAccuseNobodyElse: what is not signed by the party's organisation key, the same text twice, statements of
// another party, unit or place, and identities that are not the party's, are damage, with its journal and without.
func TestStatementsAccuseNobodyElse(t *testing.T) {
	var files []specimen
	for name, change := range map[string]func(w *world, south *party, p *dossier.Proof){
		"one text twice": func(_ *world, _ *party, p *dossier.Proof) { p.Statements.B = p.Statements.A },
		"one text, signed twice": func(w *world, _ *party, p *dossier.Proof) {
			p.Statements.B = resigned(w.t, p.Statements.A, "identity", seed("South org"), seed("South org 2"), seed("a stranger"))
		},
		"signed by a stranger": func(w *world, _ *party, p *dossier.Proof) {
			p.Statements.B = resigned(w.t, p.Statements.B, "identity", seed("a stranger"))
		},
		"signed by the node key": func(w *world, _ *party, p *dossier.Proof) {
			p.Statements.B = resigned(w.t, p.Statements.B, "identity", seed("South node"))
		},
		"not signed by the new organisation key": func(w *world, _ *party, p *dossier.Proof) {
			p.Statements.A = resigned(w.t, p.Statements.A, "identity", seed("South org"))
		},
		"signed by nobody": func(_ *world, _ *party, p *dossier.Proof) { p.Statements.B.Signatures = nil },
		"of another version": func(_ *world, south *party, p *dossier.Proof) {
			p.Statements.B = south.follows(p.Statements.B, "South node 4", seed("South org"), nil)
		},
		"of version 1": func(_ *world, south *party, p *dossier.Proof) {
			other, err := journal.NewIdentity(seed("South org"), journal.Identity{Name: "South", Node: seed("South node 9").Public(), Created: start.AddDate(-1, 0, 0), Expires: start.AddDate(2, 0, 0)})
			ok(south.w.t, err)
			p.Statements.A, p.Statements.B = south.identity, other
		},
		"against another party": func(w *world, _ *party, p *dossier.Proof) { p.Statements.Party = w.parties[0].id },
		"against another party, with its identity": func(w *world, _ *party, p *dossier.Proof) {
			p.Statements.Party, p.Identities = w.parties[0].id, []journal.Signed{w.parties[0].identity}
		},
		"with another party's identity": func(w *world, _ *party, p *dossier.Proof) { p.Identities = []journal.Signed{w.parties[0].identity} },
		"against a party of that organisation key whose name is another": func(w *world, south *party, p *dossier.Proof) {
			second, err := journal.NewIdentity(seed("South org"), journal.Identity{Name: "South, another house", Node: seed("South node 9").Public(), Created: start.AddDate(-1, 0, 0), Expires: start.AddDate(2, 0, 0)})
			ok(w.t, err)
			p.Statements.B = south.follows(second, "South node 10", seed("South org"), nil)
		},
		"with an identity of a stranger's making": func(w *world, south *party, p *dossier.Proof) {
			thief := seed("a stranger")
			v2 := resigned(w.t, south.follows(south.identity, "South node 7", seed("South org"), thief), "identity", thief)
			p.Identities = []journal.Signed{south.identity, v2}
			p.Statements.A, p.Statements.B = south.follows(v2, "n", thief, nil), south.follows(v2, "m", thief, nil)
		},
		"with its identities in another order": func(_ *world, south *party, p *dossier.Proof) {
			p.Identities = []journal.Signed{p.Statements.A, south.identity}
		},
		"certificates of another unit": func(_ *world, south *party, p *dossier.Proof) {
			other := journal.UnitOf("another")
			p.Statements.A, p.Statements.B = south.certifies("one", seed("South org"), other), south.certifies("two", seed("South org"), other)
		},
		"certificates by a stranger": func(w *world, south *party, p *dossier.Proof) {
			p.Statements.A, p.Statements.B = south.certifies("one", seed("South org"), w.unit), south.certifies("two", seed("a stranger"), w.unit)
		},
		"certificates for one key": func(w *world, south *party, p *dossier.Proof) {
			a := south.certifies("one", seed("South org"), w.unit)
			b := resigned(w.t, journal.Signed{Text: strings.Replace(a.Text, "{", "{ ", 1)}, "certificate", seed("South node"))
			p.Statements.A, p.Statements.B = a, b
		},
		"a certificate and an identity": func(w *world, south *party, p *dossier.Proof) {
			p.Statements.B = south.certifies("one", seed("South org"), w.unit)
		},
		"a keyring beside it": func(_ *world, south *party, p *dossier.Proof) { p.Keyring = south.jw.Keyring() },
	} {
		w, _, south := fromAgreed(t)
		p := both(south)["two identities"]
		change(w, south, &p)
		for _, held := range []bool{false, true} {
			s := w.without(south, p)
			if held {
				s = w.source()
				s.Proofs = []dossier.Proof{p}
			}
			file := forged(t, s)
			files = append(files, specimen{fmt.Sprintf("%s, journal held: %v", name, held), file})
			var d *dossier.Damage
			if _, err := verify(file); !errors.As(err, &d) || d.Part != dossier.PartProof {
				t.Errorf("%s, journal held: %v: %v", name, held, err)
			}
		}
	}
	// A true proof says nothing without the identities where the journal is not there, and contradictions have none.
	w, _, south := fromAgreed(t)
	p := both(south)["two identities"]
	p.Identities = nil
	_, _, _, _, c := contradict(t)
	for name, p := range map[string]dossier.Proof{"no identities": p, "identities beside a contradiction": {Contradiction: &c, Identities: []journal.Signed{south.identity}}} {
		file := forged(t, w.without(south, p))
		files = append(files, specimen{name, file})
		var d *dossier.Damage
		if _, err := verify(file); !errors.As(err, &d) || d.Part != dossier.PartProof {
			t.Errorf("%s: %v", name, err)
		}
	}
	bothSay(t, files)
}

// TestStatementsUnderAThiefsIdentity: who brings, as South's, a version that South's own journal tells otherwise, does not
// convict it of what the bearer of that version signed.
func TestStatementsUnderAThiefsIdentity(t *testing.T) {
	w, _, south := fromAgreed(t)
	p := both(south)["two first keys, one under version 2"]
	south.write(journal.KindIdentity, journal.IdentityBody{Signed: south.follows(south.identity, "South node 5", seed("South org"), nil)}, nil)
	s := w.source()
	s.Proofs = []dossier.Proof{p}
	var d *dossier.Damage
	file := pack(t, s)
	if _, err := verify(file); !errors.As(err, &d) || d.Part != dossier.PartProof {
		t.Errorf("%v", err)
	}
	bothSay(t, []specimen{{"a thief's", file}})
}

// forged packs what a writer refuses to write.
func forged(t testing.TB, s dossier.Source) []byte {
	t.Helper()
	proofs := s.Proofs
	s.Proofs = nil
	fs := frames(t, pack(t, s))
	for _, p := range proofs {
		text, err := json.Marshal(p)
		ok(t, err)
		fs = slices.Insert(fs, len(fs)-1, frame{kind: byte(kProof), content: text})
	}
	return build(fs)
}
