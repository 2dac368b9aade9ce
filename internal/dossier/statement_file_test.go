package dossier_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/internal/desk"
	"entente/internal/dossier"
	"entente/internal/lang"
	"entente/internal/unit"
	"entente/journal"
)

var updateStatement = flag.Bool("update-statement", false, "write the vector of a statement's file anew")

const statementVector = "testdata/statement-v1.entente"

// told is a statement of a world: what was written, and the file that shows it.
type told struct {
	w       *world
	propose *journal.Entry
	signs   []*journal.Entry
	show    []journal.Ref
	file    dossier.StatementFile
}

// tell proposes a statement and lets parties sign it; body changes what is proposed.
func tell(t testing.TB, w *world, hash string, body func(*desk.StatementBody), signers ...*party) *told {
	t.Helper()
	plain, sum, texts, err := desk.SealStatement([]desk.StatementWords{{Lang: "en", Text: "We have agreed.\u202e\x1b\n"}, {Lang: "fr", Text: "Nous sommes convenus.\n"}}, []string{"en"})
	ok(t, err)
	b := desk.StatementBody{TLP: "green", SHA256: sum, Texts: texts, Embargo: start.AddDate(0, 0, 3)}
	if body != nil {
		body(&b)
	}
	ref := w.seal(journal.PayloadStatement, plain)
	x := &told{w: w, propose: w.parties[0].write("statement.propose", b, ref)}
	for _, p := range signers {
		x.signs = append(x.signs, p.write("statement.sign", desk.StatementBody{Statement: refOf(x.propose), SHA256: b.SHA256}, nil))
	}
	x.show = append(x.show, x.propose.Ref())
	for _, p := range w.parties { // the entries by which they signed the accord
		for i := range p.jw.Head().Size {
			e := entryAt(t, p, i)
			if b, err := journal.DecodeBody[unit.HashBody](e, unit.KindSign); err == nil && b.Hash == hash {
				x.show = append(x.show, e.Ref())
			}
		}
	}
	for _, e := range x.signs {
		x.show = append(x.show, e.Ref())
	}
	k := w.payloads[ref.Commitment]
	x.file = dossier.StatementFile{V: 1, Unit: w.unit, Founding: w.founding, Exported: start.AddDate(0, 0, 4), Statement: x.propose.Ref(), Salt: k.salt[:], Payload: k.data, Accord: string(w.accordText())}
	x.prove()
	return x
}

func refOf(e *journal.Entry) *journal.Ref { r := e.Ref(); return &r }

func entryAt(t testing.TB, p *party, i int64) *journal.Entry {
	for raw, err := range p.st.Read(i, i+1) {
		ok(t, err)
		e, err := journal.ParseEntry(slices.Clone(raw))
		ok(t, err)
		return e
	}
	t.Fatal("no such entry")
	return nil
}

// prove gathers what is shown, with its proofs.
func (x *told) prove() {
	x.file.Journals = nil
	parties := slices.Clone(x.w.parties)
	slices.SortFunc(parties, func(a, b *party) int { return strings.Compare(string(a.jw.Origin()), string(b.jw.Origin())) })
	for _, p := range parties {
		want := map[int64]int64{0: 0}
		for _, ref := range x.show {
			if ref.Origin == p.jw.Origin() {
				want[ref.Index] = 0
			}
		}
		for _, k := range p.jw.Keyring().Keys()[1:] {
			want[k.From-1] = k.From
		}
		j := dossier.StatementJournal{Origin: p.jw.Origin()}
		for i := range p.jw.Head().Size {
			size, shown := want[i]
			if !shown {
				continue
			}
			proof, err := journal.Prove(p.st, i, size)
			ok(x.w.t, err)
			j.Entries = append(j.Entries, dossier.StatementEntry{Raw: string(entryAt(x.w.t, p, i).Raw), Proof: string(proof)})
		}
		x.file.Journals = append(x.file.Journals, j)
	}
}

func (x *told) bytes() []byte {
	var b bytes.Buffer
	ok(x.w.t, dossier.WriteStatement(&b, x.file))
	return b.Bytes()
}

func verifyStatement(b []byte, trust ...journal.PartyID) (*dossier.StatementReport, error) {
	return dossier.VerifyStatement(bytes.NewReader(b), dossier.Options{Trust: trust})
}

// spoken is a statement of two parties, one of which has replaced its key between the two signatures.
func spoken(t testing.TB) *told {
	w := newWorld(t, "North", "South")
	hash := w.agree()
	w.parties[1].rotate()
	x := tell(t, w, hash, nil, w.parties[0], w.parties[1])
	w.parties[0].rotate()
	x.prove()
	return x
}

func TestStatementFile(t *testing.T) {
	x := spoken(t)
	north, south := x.w.parties[0], x.w.parties[1]
	file := x.bytes()
	if *updateStatement {
		ok(t, os.WriteFile(statementVector, file, 0o644))
	}
	if vector, err := os.ReadFile(statementVector); err != nil || !bytes.Equal(vector, file) {
		t.Errorf("%s is not what is written now (%v): run go test ./internal/dossier -run TestStatementFile -update-statement", statementVector, err)
	}
	vector, err := os.ReadFile(statementVector)
	ok(t, err)
	if _, err := verifyStatement(vector, north.id, south.id); err != nil {
		t.Errorf("the vector: %v", err)
	}
	rep, err := verifyStatement(file, north.id, south.id)
	ok(t, err)
	if !rep.Trusted || len(rep.Signed) != 2 || rep.Proposer != north.id || !rep.Embargo.Equal(start.AddDate(0, 0, 3)) || rep.Embargoed || rep.Name != "Test unit" {
		t.Errorf("%+v", rep)
	}
	for _, s := range rep.Signed {
		if s.By != duty || !s.Trusted || s.Head.Size <= s.Ref.Index || len(s.Keys) == 0 {
			t.Errorf("%+v", s)
		}
	}
	var b strings.Builder
	ok(t, rep.WriteText(&b, start.AddDate(0, 0, 1), lang.English()))
	for _, want := range []string{"signed by everybody", "EMBARGOED until 2026-03-05T09:00:00Z", "  North\n", "trusted: it is one of the ids", `We have agreed.\u{202e}\u{001b}`, "text, French: courtesy translation"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("there is no %q in\n%s", want, b.String())
		}
	}
	b.Reset()
	ok(t, rep.WriteText(&b, start.AddDate(0, 0, 3), lang.English()))
	if strings.Contains(b.String(), "EMBARGOED") {
		t.Error("the embargo is over and still shown")
	}
	var trust *dossier.TrustError
	if rep, err := verifyStatement(file, journal.PartyID(strings.Repeat("e", 64))); !errors.As(err, &trust) || rep == nil || rep.Trusted {
		t.Errorf("a stranger: %v", err)
	}
	for _, e := range x.file.Journals { // the file tells nothing but what it needs
		if len(e.Entries) > 6 {
			t.Errorf("%d entries of %s", len(e.Entries), e.Origin.Short())
		}
	}
	if dossier.IsStatement([]byte(dossier.Magic)) || !dossier.IsStatement(file) {
		t.Error("a dossier is taken for a statement, or the reverse")
	}
}

// TestStatementFileOfThree: a member that had left before does not have to sign; one that left afterwards has.
func TestStatementFileOfThree(t *testing.T) {
	for _, before := range []bool{true, false} {
		w := newWorld(t, "North", "South", "East")
		hash := w.agree()
		east := w.parties[2]
		var left *journal.Entry
		if before {
			left = east.write(unit.KindWithdraw, struct{}{}, nil)
		}
		x := tell(t, w, hash, nil, w.parties[0], w.parties[1])
		if !before {
			left = east.write(unit.KindWithdraw, struct{}{}, nil)
		}
		x.show = append(x.show, left.Ref())
		x.prove()
		rep, err := verifyStatement(x.bytes())
		if (err == nil) != before || before && (len(rep.Left) != 1 || rep.Left[0] != east.id || len(rep.Signed) != 2) {
			t.Errorf("left before %v: %v, %+v", before, err, rep)
		}
	}
}

// TestStatementFileLies: whatever a maker with keys of its own puts together, it is not believed.
func TestStatementFileLies(t *testing.T) {
	entry := func(x *told, at journal.Ref) (*dossier.StatementJournal, int) {
		for i := range x.file.Journals {
			j := &x.file.Journals[i]
			for k, e := range j.Entries {
				if p, err := journal.ParseEntry([]byte(e.Raw)); err == nil && p.Ref() == at {
					return j, k
				}
			}
		}
		t.Fatal("it is not shown")
		return nil, 0
	}
	drop := func(x *told, at journal.Ref) {
		j, k := entry(x, at)
		j.Entries = slices.Delete(j.Entries, k, k+1)
	}
	for name, lie := range map[string]func(x *told){
		"a signature is left out":      func(x *told) { drop(x, x.signs[1].Ref()) },
		"the proposal is left out":     func(x *told) { drop(x, x.propose.Ref()) },
		"the first entry is left out":  func(x *told) { drop(x, journal.Ref{Origin: x.file.Journals[0].Origin}) },
		"a rotation is left out":       func(x *told) { j, k := entry(x, x.signs[1].Ref()); drop(x, rotation(t, j, k)) },
		"a signature of the accord is": func(x *told) { drop(x, x.show[1]) },
		"a journal is left out":        func(x *told) { x.file.Journals = x.file.Journals[:1] },
		"a journal comes twice":        func(x *told) { x.file.Journals = append(x.file.Journals, x.file.Journals[1]) },
		"an entry comes twice":         func(x *told) { j := &x.file.Journals[0]; j.Entries = append(j.Entries, j.Entries[len(j.Entries)-1]) },
		"another text":                 func(x *told) { x.file.Payload[len(x.file.Payload)-1] ^= 1 },
		"another salt":                 func(x *told) { x.file.Salt[0] ^= 1 },
		"another accord":               func(x *told) { x.file.Accord = strings.Replace(x.file.Accord, "amber", "green", 1) },
		"another statement":            func(x *told) { x.file.Statement = x.signs[0].Ref() },
		"another unit":                 func(x *told) { x.file.Unit = journal.UnitID(strings.Repeat("a", 64)) },
		"another founding document":    func(x *told) { f := &x.file; f.Founding = otherFounding(t); f.Unit = journal.UnitOf(f.Founding) },
		"the proof of another entry":   func(x *told) { j, k := entry(x, x.signs[1].Ref()); j.Entries[k].Proof = j.Entries[0].Proof },
		"a changed signature": func(x *told) {
			j, k := entry(x, x.signs[1].Ref())
			j.Entries[k].Raw = strings.Replace(j.Entries[k].Raw, "duty-officer", "duty_officer", 1)
		},
		"marked as early, and it is not": func(x *told) { x.file.Embargoed = true },
		"early, and not marked":          func(x *told) { x.file.Exported = start.AddDate(0, 0, 1) },
		"a date that lies":               func(x *told) { x.file.Exported = start.Add(time.Nanosecond) },
		"a version of the future":        func(x *told) { x.file.V = 2 },
	} {
		t.Run(name, func(t *testing.T) {
			x := spoken(t)
			lie(x)
			var b bytes.Buffer
			if err := dossier.WriteStatement(&b, x.file); err != nil {
				t.Fatal(err)
			}
			file := b.Bytes()
			if x.file.V == 2 { // the writer sets it
				file = bytes.Replace(file, []byte(`{"v":1,`), []byte(`{"v":2,`), 1)
			}
			rep, err := verifyStatement(file)
			var d *dossier.Damage
			if !errors.As(err, &d) || rep != nil {
				t.Errorf("%v", err)
			}
		})
	}
	for name, c := range map[string]struct {
		edit func(string) string
		body func(*desk.StatementBody)
		want string
	}{
		"an accord that lets nobody speak": {func(s string) string { return s + "\npublicity:\n  statements: none\n" }, nil, "no-statements"},
		"an office that does not speak":    {func(s string) string { return s + "\npublicity:\n  spokespeople: [press]\n" }, nil, "not-spokesperson"},
		"a second person does not release": {func(s string) string {
			return s + "\nrelease:\n  - {id: R1, kind: statement.sign, claims: [{agency: \"*\", role: release-officer}, {agency: \"*\", role: head}]}\n"
		}, nil, "two-person"},
		"texts that are others":  {nil, func(b *desk.StatementBody) { b.Texts[1].SHA256 = strings.Repeat("a", 64) }, "is not the one that the entry names"},
		"a hash that is another": {nil, func(b *desk.StatementBody) { b.SHA256 = strings.Repeat("a", 64) }, "the entry says"},
	} {
		w := newWorld(t, "North", "South")
		w.edit = c.edit
		x := tell(t, w, w.agree(), c.body, w.parties...)
		if _, err := verifyStatement(x.bytes()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// One party signs for all: its journal is its own, whatever it says in it.
	w := newWorld(t, "North", "South")
	x := tell(t, w, w.agree(), nil, w.parties[0])
	if _, err := verifyStatement(x.bytes()); err == nil || !strings.Contains(err.Error(), "are missing") {
		t.Errorf("one signature of two: %v", err)
	}
	again := w.parties[0].write("statement.sign", desk.StatementBody{Statement: refOf(x.propose), SHA256: x.signs[0].LeafHash.String()}, nil)
	x.show = append(x.show, again.Ref())
	x.prove()
	if _, err := verifyStatement(x.bytes()); err == nil {
		t.Error("it signed twice, and that counts for two")
	}
}

// rotation is the place of the rotation before entry k.
func rotation(t *testing.T, j *dossier.StatementJournal, k int) journal.Ref {
	for _, e := range j.Entries[:k] {
		if p, err := journal.ParseEntry([]byte(e.Raw)); err == nil && p.Kind == journal.KindRotate {
			return p.Ref()
		}
	}
	t.Fatal("no rotation")
	return journal.Ref{}
}

func otherFounding(t *testing.T) string {
	text, err := journal.Founding{Name: "Another", Founder: journal.PartyOf(identityOf(t, "North").Text), Nonce: journal.Hash{8}, Created: start}.Text()
	ok(t, err)
	return text
}

// TestStatementFileEveryBit: no byte of the file means nothing, but the time at which it says it was made.
func TestStatementFileEveryBit(t *testing.T) {
	file, err := os.ReadFile(statementVector)
	ok(t, err)
	free := bytes.Index(file, []byte(`"exported":"`))
	for i := 0; i < len(file); i += 1 + len(file)/251 {
		bad := bytes.Clone(file)
		bad[i] ^= 1 << (i % 7)
		if i > free && i < free+34 {
			continue
		}
		if _, err := verifyStatement(bad); err == nil {
			t.Fatalf("byte %d of %d changed, and it holds", i, len(file))
		}
	}
	for _, bad := range [][]byte{nil, file[:len(file)-1], file[:len(file)/2], append(bytes.Clone(file), '\n'), append(bytes.Clone(file), file...)} {
		if _, err := verifyStatement(bad); err == nil {
			t.Errorf("%d bytes hold", len(bad))
		}
	}
}

// TestStatementFileLimits reaches the bounds of docs/limits.md on a statement's file.
func TestStatementFileLimits(t *testing.T) {
	_, err := dossier.VerifyStatement(io.MultiReader(strings.NewReader(dossier.StatementMagic), &endless{n: dossier.MaxStatementFile}), dossier.Options{})
	if !errors.Is(err, dossier.ErrTooLarge) {
		t.Errorf("MaxStatementFile: %v", err)
	}
	x := spoken(t)
	x.file.Payload = make([]byte, dossier.MaxStatementFile)
	if err := dossier.WriteStatement(io.Discard, x.file); err == nil {
		t.Error("a file beyond the bound is written")
	}
	x = spoken(t)
	j := x.file.Journals[0]
	for len(x.file.Journals) <= dossier.MaxStatementJournals {
		x.file.Journals = append(x.file.Journals, j)
	}
	if _, err := verifyStatement(x.bytes()); err == nil || !strings.Contains(err.Error(), "1 to 256") {
		t.Errorf("MaxStatementJournals: %v", err)
	}
	x = spoken(t)
	for k := &x.file.Journals[0]; len(k.Entries) <= dossier.MaxStatementEntries; {
		k.Entries = append(k.Entries, k.Entries[0])
	}
	if _, err := verifyStatement(x.bytes()); err == nil || !strings.Contains(err.Error(), "1 to 1024") {
		t.Errorf("MaxStatementEntries: %v", err)
	}
}

type endless struct{ n int }

func (e *endless) Read(p []byte) (int, error) {
	if e.n <= 0 {
		return 0, io.EOF
	}
	n := min(len(p), e.n)
	e.n -= n
	return n, nil
}

// FuzzVerifyStatement: no file makes the verifier panic, and what is believed is signed by all.
func FuzzVerifyStatement(f *testing.F) {
	file, err := os.ReadFile(statementVector)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file, []byte(nil), uint16(0))
	f.Add([]byte(dossier.StatementMagic+"{}\n"), []byte(nil), uint16(0))
	var doc dossier.StatementFile
	if err := json.Unmarshal(bytes.TrimPrefix(file, []byte(dossier.StatementMagic)), &doc); err != nil {
		f.Fatal(err)
	}
	for i, j := range doc.Journals {
		for k, e := range j.Entries {
			f.Add([]byte(e.Raw), []byte(e.Proof), uint16(k<<8|i))
		}
	}
	f.Fuzz(func(t *testing.T, raw, proof []byte, at uint16) {
		check := func(b []byte) {
			rep, err := verifyStatement(b)
			var d *dossier.Damage
			switch {
			case err == nil && (rep == nil || len(rep.Signed) != 2):
				t.Fatalf("believed: %+v", rep)
			case err != nil && (rep != nil || !errors.As(err, &d) && !errors.Is(err, dossier.ErrTooLarge)):
				t.Fatalf("neither damage nor too large: %v", err)
			case err == nil:
				if err := rep.WriteText(io.Discard, start, lang.English()); err != nil {
					t.Fatal(err)
				}
			}
		}
		check(raw)
		check(append([]byte(dossier.StatementMagic), raw...))
		// The bytes as an entry, and as its proof, in a file that is otherwise good.
		forged := doc
		forged.Journals = slices.Clone(doc.Journals)
		j := &forged.Journals[int(at)%len(doc.Journals)]
		j.Entries = slices.Clone(j.Entries)
		e := &j.Entries[int(at>>8)%len(j.Entries)]
		e.Raw = string(raw)
		if len(proof) > 0 {
			e.Proof = string(proof)
		}
		var b bytes.Buffer
		if dossier.WriteStatement(&b, forged) == nil {
			check(b.Bytes())
		}
	})
}
