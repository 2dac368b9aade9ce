package dossier_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"entente/internal/dossier"
	"entente/internal/lang"
	"entente/journal"
)

var updateEntry = flag.Bool("update-entry", false, "write the vector of an entry's file anew")

const entryVector = "testdata/entry-v1.entente"

// shownEntry is an entry of a party that has replaced its key before it, with the receipt of another, which replaced its key
// afterwards.
func shownEntry(t testing.TB) (x *told, f dossier.EntryFile) {
	w := newWorld(t, "North", "South")
	w.agree()
	north, south := w.parties[0], w.parties[1]
	north.rotate()
	e := north.write("x.note", map[string]any{"text": "a\u202eb"}, nil)
	north.write("x.note", map[string]any{}, nil)
	south.receipt()
	receipt := entryAt(t, south, south.jw.Head().Size-1)
	south.rotate()
	x = &told{w: w, show: []journal.Ref{e.Ref(), receipt.Ref()}}
	x.prove()
	b, err := receipt.Receipt()
	ok(t, err)
	path, err := tlog.ProveRecord(b.Size, e.Index, north.st)
	ok(t, err)
	f = dossier.EntryFile{V: 1, Unit: w.unit, Founding: w.founding, Exported: start, Entry: e.Ref(), Journals: x.file.Journals,
		Receipts: []dossier.EntryReceipt{{Ref: receipt.Ref(), Path: path}}}
	return x, f
}

func entryBytes(t testing.TB, f dossier.EntryFile) []byte {
	var b bytes.Buffer
	ok(t, dossier.WriteEntry(&b, f))
	return b.Bytes()
}

func verifyEntry(b []byte, trust ...journal.PartyID) (*dossier.EntryReport, error) {
	return dossier.VerifyEntry(bytes.NewReader(b), dossier.Options{Trust: trust})
}

// TestEntryFile: what is written verifies and shows who wrote and who receipted it.
func TestEntryFile(t *testing.T) {
	x, f := shownEntry(t)
	north, south := x.w.parties[0], x.w.parties[1]
	file := entryBytes(t, f)
	if *updateEntry {
		ok(t, os.WriteFile(entryVector, file, 0o644))
	}
	if vector, err := os.ReadFile(entryVector); err != nil || !bytes.Equal(vector, file) {
		t.Errorf("%s is not what is written now (%v): run go test ./internal/dossier -run TestEntryFile -update-entry", entryVector, err)
	}
	rep, err := verifyEntry(file, north.id, south.id)
	ok(t, err)
	if !rep.Trusted || rep.Author.Party != north.id || len(rep.Receipts) != 1 || rep.Receipts[0].Party != south.id || rep.Receipts[0].Received.Size <= rep.Entry.Index || rep.Kind != "x.note" || rep.Name != "Test unit" {
		t.Errorf("%+v", rep)
	}
	if text := rep.Text(lang.English()); strings.Contains(text, "\u202e") || !strings.Contains(text, "Receipted by:\n  South") {
		t.Errorf("%q", text)
	}
	var missing *dossier.TrustError
	if rep, err := verifyEntry(file, journal.PartyOf("somebody")); !errors.As(err, &missing) || rep == nil || rep.Trusted {
		t.Errorf("a party that it does not name: %v", err)
	}
}

// TestEntryFileRefuses: each way in which a file can say more than it shows.
func TestEntryFileRefuses(t *testing.T) {
	for name, change := range map[string]func(x *told, f *dossier.EntryFile){
		"another entry":             func(_ *told, f *dossier.EntryFile) { f.Entry.Index++ },
		"a receipt not shown":       func(_ *told, f *dossier.EntryFile) { f.Receipts[0].Ref.Index-- },
		"a receipt of its own":      func(_ *told, f *dossier.EntryFile) { f.Receipts[0].Ref = f.Entry },
		"a receipt twice":           func(_ *told, f *dossier.EntryFile) { f.Receipts = append(f.Receipts, f.Receipts[0]) },
		"another path":              func(_ *told, f *dossier.EntryFile) { f.Receipts[0].Path[0][0] ^= 1 },
		"a path too short":          func(_ *told, f *dossier.EntryFile) { f.Receipts[0].Path = f.Receipts[0].Path[1:] },
		"a path too long":           func(_ *told, f *dossier.EntryFile) { f.Receipts[0].Path = make([]journal.Hash, journal.MaxProof+1) },
		"an entry of no use":        func(_ *told, f *dossier.EntryFile) { f.Receipts = nil },
		"another unit":              func(_ *told, f *dossier.EntryFile) { f.Unit = journal.UnitOf("x") },
		"another version":           func(_ *told, f *dossier.EntryFile) { f.V = 2 },
		"no journal":                func(_ *told, f *dossier.EntryFile) { f.Journals = nil },
		"a fraction of a second":    func(_ *told, f *dossier.EntryFile) { f.Exported = f.Exported.Add(1) },
		"a rotation left out":       func(_ *told, f *dossier.EntryFile) { f.Journals = without(f, journal.KindRotate) },
		"the first entry left out":  func(_ *told, f *dossier.EntryFile) { f.Journals = without(f, journal.KindGenesis) },
		"the receipt left out":      func(_ *told, f *dossier.EntryFile) { f.Journals = without(f, journal.KindReceipt) },
		"the receipt of an earlier": func(x *told, f *dossier.EntryFile) { early(x, f) },
		"a journal of no use":       func(x *told, f *dossier.EntryFile) { idle(x, f) },
	} {
		x, f := shownEntry(t)
		change(x, &f)
		b := entryBytes(t, f)
		if name == "another version" { // which is not written
			b = bytes.Replace(b, []byte(`"v":1`), []byte(`"v":2`), 1)
		}
		var d *dossier.Damage
		if rep, err := verifyEntry(b); !errors.As(err, &d) || rep != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func without(f *dossier.EntryFile, kind string) []dossier.StatementJournal {
	out := slices.Clone(f.Journals)
	for i := range out {
		out[i].Entries = slices.DeleteFunc(slices.Clone(out[i].Entries), func(e dossier.StatementEntry) bool { return strings.Contains(e.Raw, `"kind":"`+kind+`"`) })
	}
	return slices.DeleteFunc(out, func(j dossier.StatementJournal) bool { return len(j.Entries) == 0 })
}

// early names an earlier receipt, which does not cover the entry.
func early(x *told, f *dossier.EntryFile) {
	south := x.w.parties[1]
	for i := range south.jw.Head().Size {
		e := entryAt(x.w.t, south, i)
		if b, err := e.Receipt(); err == nil && b.Origin == f.Entry.Origin && b.Size <= f.Entry.Index {
			x.show[1] = e.Ref()
			x.prove()
			f.Journals, f.Receipts[0].Ref = x.file.Journals, e.Ref()
			return
		}
	}
	x.w.t.Fatal("there is no earlier receipt")
}

// idle shows the beginning of a journal that has nothing to do with it.
func idle(x *told, f *dossier.EntryFile) {
	f.Receipts, x.show = nil, x.show[:1]
	x.prove()
	f.Journals = x.file.Journals
}

// FuzzVerifyEntry: no file makes the verifier panic, and what is believed has an author.
func FuzzVerifyEntry(f *testing.F) {
	file, err := os.ReadFile(entryVector)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file, []byte(nil), uint16(0))
	f.Add([]byte(dossier.EntryMagic+"{}\n"), []byte(nil), uint16(0))
	var doc dossier.EntryFile
	if err := json.Unmarshal(bytes.TrimPrefix(file, []byte(dossier.EntryMagic)), &doc); err != nil {
		f.Fatal(err)
	}
	for i, j := range doc.Journals {
		for k, e := range j.Entries {
			f.Add([]byte(e.Raw), []byte(e.Proof), uint16(k<<8|i))
		}
	}
	f.Fuzz(func(t *testing.T, raw, proof []byte, at uint16) {
		check := func(b []byte) {
			rep, err := verifyEntry(b)
			var d *dossier.Damage
			switch {
			case err == nil && (rep == nil || rep.Author.Party.Check() != nil):
				t.Fatalf("believed: %+v", rep)
			case err != nil && (rep != nil || !errors.As(err, &d) && !errors.Is(err, dossier.ErrTooLarge)):
				t.Fatalf("neither damage nor too large: %v", err)
			case err == nil:
				_ = rep.Text(lang.English())
			}
		}
		check(raw)
		check(append([]byte(dossier.EntryMagic), raw...))
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
		if dossier.WriteEntry(&b, forged) == nil {
			check(b.Bytes())
		}
	})
}
