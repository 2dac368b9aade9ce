package peer

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"entente/journal"

	"filippo.io/age"
	"pgregory.net/rapid"
)

// carry writes a courier file from one to the other, given what the reader has.
func carry(t testing.TB, from, to *real, key *age.HybridIdentity, have map[journal.Origin]journal.Head, want []journal.Hash) []byte {
	t.Helper()
	var file bytes.Buffer
	_, more, err := ExportCourier(t.Context(), from, &file, CourierExport{
		Unit: from.unit, From: from.id, To: to.id, Have: have, Want: want,
		Recipients: []age.Recipient{key.Recipient()}, Now: time.Now(),
	})
	if err != nil || more {
		t.Fatalf("export: more %v, %v", more, err)
	}
	return file.Bytes()
}

func TestCourier(t *testing.T) {
	a, _, ra, rb := twoReals(t)
	key, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	bring := func(to *real, file []byte) (CourierReport, error) {
		return ImportCourier(t.Context(), to, bytes.NewReader(file), CourierImport{Self: to.id, Directory: a.book, Identities: []age.Identity{key}})
	}
	ra.share(t, 5, []byte("first bundle"))
	one := carry(t, ra, rb, key, nil, nil)
	oneHead := ra.writer.Head()
	ra.share(t, 5, []byte("second bundle"))
	two := carry(t, ra, rb, key, map[journal.Origin]journal.Head{ra.writer.Origin(): oneHead}, nil)

	// The second file first: its gap is reported, nothing is lost by it.
	rep, err := bring(rb, two)
	if err != nil || len(rep.RefusedHere) == 0 || rep.Entries != 0 {
		t.Fatalf("a file with a gap before it: %+v, %v", rep, err)
	}
	if c := rep.RefusedHere[0].Code; c != CodeGap {
		t.Errorf("the gap is called %q", c)
	}
	for n, file := range [][]byte{one, two} {
		if rep, err = bring(rb, file); err != nil || rep.Entries == 0 || rep.Payloads != 1 || len(rep.RefusedHere) > 0 {
			t.Fatalf("file %d: %+v, %v", n+1, rep, err)
		}
	}
	if rb.mirrored(ra) != ra.writer.Head() {
		t.Errorf("%v is held of %v", rb.mirrored(ra), ra.writer.Head())
	}
	// Old files again: harmless.
	for _, file := range [][]byte{one, two, one} {
		if rep, err = bring(rb, file); err != nil || rep.Entries+rep.Payloads != 0 {
			t.Errorf("an old file: %+v, %v", rep, err)
		}
		for _, r := range rep.RefusedHere {
			if r.Code != CodeUnwanted {
				t.Errorf("an old file: %v", &r)
			}
		}
	}
	if len(rb.proofs) > 0 {
		t.Errorf("old files count as guilt: %v", rb.proofs)
	}
	// The answer carries the receipt, made with what the first file said of its author.
	answer := carry(t, rb, ra, key, rep.Have, rep.Want)
	if rep, err = bring(ra, answer); err != nil || rep.From != rb.id || ra.mirrored(rb) != rb.writer.Head() {
		t.Fatalf("the answer: %+v, %v", rep, err)
	}
	// Files for somebody else.
	if _, err = bring(ra, one); !errors.Is(err, &Refusal{Code: CodeWrongParty}) {
		t.Errorf("a file for the other party: %v", err)
	}
	other, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	if _, err = bring(rb, carry(t, ra, rb, other, nil, nil)); !errors.Is(err, ErrCourierForeign) {
		t.Errorf("a file under another key: %v", err)
	}
	for _, file := range []string{"", "hello", "age-encryption.org/v1\n"} {
		if _, err = bring(rb, []byte(file)); !errors.Is(err, ErrCourierForeign) {
			t.Errorf("%q is read: %v", file, err)
		}
	}
	if _, _, err = ExportCourier(t.Context(), ra, new(bytes.Buffer), CourierExport{Unit: ra.unit, From: ra.id, To: rb.id, Now: time.Now()}); err == nil {
		t.Error("a file without a recipient is written")
	}
}

// A courier file that was cut or changed anywhere is refused as a whole.
func TestCourierDamaged(t *testing.T) {
	a, _, ra, rb := twoReals(t)
	key, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	ra.share(t, 20, bytes.Repeat([]byte("incompressible? no"), 100))
	file := carry(t, ra, rb, key, nil, nil)
	rapid.Check(t, func(rt *rapid.T) {
		bad := bytes.Clone(file)
		if rapid.Bool().Draw(rt, "cut") {
			bad = bad[:rapid.IntRange(0, len(bad)-1).Draw(rt, "at")]
		} else {
			bad[rapid.IntRange(0, len(bad)-1).Draw(rt, "at")] ^= byte(1 << rapid.IntRange(0, 7).Draw(rt, "bit"))
		}
		rep, err := ImportCourier(t.Context(), rb, bytes.NewReader(bad), CourierImport{Self: rb.id, Directory: a.book, Identities: []age.Identity{key}})
		if !errors.Is(err, ErrCourierDamaged) && !errors.Is(err, ErrCourierForeign) {
			rt.Fatalf("%+v, %v", rep, err)
		}
		if rep.Entries+rep.Payloads != 0 || rb.mirrored(ra).Size != 0 {
			rt.Fatalf("a damaged file was taken in: %+v", rep)
		}
	})
	if _, err := ImportCourier(t.Context(), rb, bytes.NewReader(file), CourierImport{Self: rb.id, Directory: a.book, Identities: []age.Identity{key}}); err != nil {
		t.Fatal(err)
	}
	if rb.mirrored(ra) != ra.writer.Head() {
		t.Error("the whole file is not taken in")
	}
}

// What does not fit into one file goes into the next ones.
func TestCourierInSeveralFiles(t *testing.T) {
	a, b := twoEnds(t)
	for i := range 50 {
		a.write(fmt.Sprint("entry ", i), "")
	}
	key, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	for more := true; more; files++ {
		if files > 50 {
			t.Fatal("there is no end of files")
		}
		hello, _ := b.Hello(t.Context(), b.unit, a.id)
		var file bytes.Buffer
		_, more, err = ExportCourier(t.Context(), a.party, &file, CourierExport{
			Unit: a.unit, From: a.id, To: b.id, Have: hello.Have, Recipients: []age.Recipient{key.Recipient()}, Now: time.Now(),
			Limits: Limits{PacketEntries: 7, small: true},
		})
		if err != nil {
			t.Fatal(err)
		}
		rep, err := ImportCourier(t.Context(), b.party, &onlySeeker{bytes.NewReader(file.Bytes())}, CourierImport{Self: b.id, Directory: a.book, Identities: []age.Identity{key}})
		if err != nil || rep.Entries == 0 || rep.More != more {
			t.Fatalf("file %d: %+v, %v", files, rep, err)
		}
	}
	if d := a.same(b.party); d != "" || files < 5 {
		t.Errorf("after %d files: %s", files, d)
	}
}

type onlySeeker struct{ r *bytes.Reader }

func (s *onlySeeker) Read(p []byte) (int, error)              { return s.r.Read(p) }
func (s *onlySeeker) Seek(o int64, whence int) (int64, error) { return s.r.Seek(o, whence) }
