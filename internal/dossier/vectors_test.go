package dossier_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"entente/internal/dossier"
	"entente/journal"
	"entente/journal/journaltest"
)

// verdictVector is what a file of testdata/vectors has to be read as.
type verdictVector struct {
	File     string            `json:"file"`
	About    string            `json:"about"`
	Holds    bool              `json:"holds"`
	Part     string            `json:"part,omitzero"`  // what is damaged
	Where    string            `json:"where,omitzero"` // the entry, or the journal
	Findings []dossier.Finding `json:"findings,omitzero"`
}

// dossierVectors makes good dossiers with what they prove, and bad ones.
func dossierVectors(t *testing.T) (out []specimen, about []string) {
	add := func(name, what string, file []byte) {
		out, about = append(out, specimen{name, file}), append(about, what)
	}
	w, _, _, _, c := contradict(t)
	w.proofs = []dossier.Proof{{Contradiction: &c}}
	good := pack(t, w.source())
	add("fork.entente", "South signed two heads of one size; the proof is a record of the file", good)
	w, north, _, _, c := contradict(t)
	north.write(journal.KindEvidence, c, nil)
	add("evidence.entente", "the same, and the proof is an entry of North's", pack(t, w.source()))
	w, _, south := fromAgreed(t)
	key, h := seed("South second key"), south.jw.Head()
	h.Root[0]++
	cert, err := journal.NewSuccessor(seed("South org"), south.jw.Certificate(), h, key.Public())
	ok(t, err)
	st := new(journaltest.Memory)
	_, err = journal.CreateWriter(st, key, journal.GenesisBody{Identities: []journal.Signed{south.identity}, Certificate: cert, Founding: w.founding}, w.tick(), duty)
	ok(t, err)
	s := w.source()
	s.Journals = append(s.Journals, st)
	add("successor.entente", "South's successor names a head that its predecessor never had", pack(t, s))

	w, _, south = fromAgreed(t)
	var v *journal.ViolationError
	if err := south.signs(south.tells(true, seed("South org 2"))); !errors.As(err, &v) {
		t.Fatal(err)
	}
	w.proofs = []dossier.Proof{{Violation: &v.Proof}}
	add("identity.entente", "South's journal told a version of its identity with a new organisation key, which the old one did not sign; the proof is a record of the file", pack(t, w.source()))

	w, _, south = fromAgreed(t)
	x := violationOf(t, south.signs(south.raw("note", nil), south.rotates(1, seed("a stranger"))))
	w.proofs = []dossier.Proof{{Violation: &x}}
	add("rotation.entente", "South's journal replaced its key with a certificate that a stranger signed; the proof brings the entry before it, and builds on the journal", pack(t, w.source()))
	x = violationOf(t, south.begins(seed("South key"), south.genesis(), []byte("{}")))
	s = w.source()
	s.Journals, s.Proofs = s.Journals[:1], []dossier.Proof{{Violation: &x}}
	add("beginning.entente", "South's journal broke a rule in its first stretch, so that nobody holds anything of it; the proof brings its genesis", pack(t, s))

	w, _, south = fromAgreed(t)
	p := both(south)["two identities"]
	add("statements.entente", "South's organisation key signed two identities of version 2; nothing is held of South's journal, and the proof brings version 1", pack(t, w.without(south, p)))
	p.Identities = nil
	add("unknown.entente", "the same without version 1: nothing says whose key signed them", pack(t, w.without(south, p)))

	fs := frames(t, good)
	change := func(kind byte, nth int, f func([]byte) []byte) []byte {
		forged := append([]frame(nil), fs...)
		for i := range forged {
			if forged[i].kind == kind {
				if nth--; nth < 0 {
					forged[i].content = f(bytes.Clone(forged[i].content))
					break
				}
			}
		}
		return build(forged)
	}
	flip := func(at int) func([]byte) []byte {
		return func(b []byte) []byte { b[at] ^= 1; return b }
	}
	b := bytes.Clone(good)
	b[len(b)/2] ^= 1
	add("byte.entente", "one bit in the middle is another", b)
	add("cut.entente", "the last record is missing", good[:len(good)-117])
	add("entry.entente", "an entry was rewritten, with all hashes made right", change(kEntry, 2, func(b []byte) []byte { return bytes.Replace(b, []byte(`"kind":"`), []byte(`"kind":"x`), 1) }))
	add("signature.entente", "a bit of a checkpoint's ML-DSA-44 signature, with all hashes made right", change(kCheckpoint, 1, func(b []byte) []byte { b[len(b)-100] = 'A' + (b[len(b)-100]-'A'+1)%26; return b }))
	add("proof.entente", "the proof shows one head twice", change(kProof, 0, func(raw []byte) []byte {
		var p dossier.Proof
		ok(t, json.Unmarshal(raw, &p))
		p.Contradiction.B = p.Contradiction.A
		text, err := json.Marshal(p)
		ok(t, err)
		return text
	}))
	add("manifest.entente", "a party bears another name", change(kManifest, 0, func(b []byte) []byte { return bytes.Replace(b, []byte(`"name":"North"`), []byte(`"name":"Morth"`), 1) }))
	add("text.entente", "a bit of an accord text, with all hashes made right", change(kText, 0, flip(200)))
	return out, about
}

// TestVectors: the dossiers in testdata/vectors are read as verdicts.json says, by the
// product and by the second verifier, and the files are what this test would write.
func TestVectors(t *testing.T) {
	dir := filepath.Join("testdata", "vectors")
	files, about := dossierVectors(t)
	var list []verdictVector
	for i, f := range files {
		v := verdictVector{File: f.name, About: about[i]}
		r, err := verify(f.file)
		if d, is := errors.AsType[*dossier.Damage](err); is {
			v.Part, v.Where = d.Part, string(d.Origin)
			if d.Ref != nil {
				v.Where = d.Ref.String()
			}
		} else {
			ok(t, err)
			v.Holds, v.Findings = true, r.Findings
		}
		list = append(list, v)
	}
	text, err := json.Marshal(list, jsontext.WithIndent(" "))
	ok(t, err)
	files = append(files, specimen{"verdicts.json", append(text, '\n')})
	for _, f := range files {
		path := filepath.Join(dir, f.name)
		if *update {
			ok(t, os.MkdirAll(dir, 0o755))
			ok(t, os.WriteFile(path, f.file, 0o644))
		}
		if kept, err := os.ReadFile(path); err != nil || !bytes.Equal(kept, f.file) {
			t.Errorf("%s has changed (%v); if that is meant, write it anew with -update", f.name, err)
		}
	}
	want := map[string]string{"fork.entente": "", "evidence.entente": "", "successor.entente": "", "identity.entente": "", "rotation.entente": "", "beginning.entente": "", "statements.entente": "", "unknown.entente": dossier.PartProof, "byte.entente": dossier.PartCheckpoint, "cut.entente": dossier.PartEnd, "entry.entente": dossier.PartEntry,
		"signature.entente": dossier.PartCheckpoint, "proof.entente": dossier.PartProof, "manifest.entente": dossier.PartManifest, "text.entente": dossier.PartText}
	var tasks []journaltest.Task
	for i, v := range list {
		if part, known := want[v.File]; !known || v.Part != part || v.Holds != (part == "") {
			t.Errorf("%s (%s): holds %v, damaged %s %s", v.File, v.About, v.Holds, v.Part, v.Where)
		}
		tasks = append(tasks, journaltest.Task{Kind: "dossier", Data: files[i].file})
	}
	for i, v := range journaltest.SecondVerifier(t, secondVerifier, tasks) {
		if v.OK != list[i].Holds || v.Part != list[i].Part || v.Ref != list[i].Where {
			t.Errorf("%s: the second verifier says %v %s %s (%s)", list[i].File, v.OK, v.Part, v.Ref, v.Detail)
		}
	}
}
