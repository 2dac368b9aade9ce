package dossier

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	fnote "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"entente/internal/unit"
	"entente/journal"
	"entente/journal/journaltest"
	"entente/stix"
)

var limitsAt = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func want[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// manyJournals is a manifest that names so many journals of so many entries each.
func manyJournals(t testing.TB, journals int, entries int64) *Manifest {
	id := func(n int) journal.PartyID { return journal.PartyID(fmt.Sprintf("%064x", n)) }
	founding := want[string](t)(journal.Founding{Name: "Unit", Founder: id(1), Nonce: journal.Hash{7}, Created: limitsAt}.Text())
	m := &Manifest{V: 1, Unit: journal.UnitOf(founding), Founding: founding, Created: limitsAt, Cut: map[journal.Origin]journal.Head{}, Parties: []Party{{Party: id(1)}}}
	for i := range journals {
		m.Cut[journal.OriginOf(m.Unit, id(1), i)] = journal.Head{Size: entries}
	}
	return m
}

// TestLimits reaches the bounds of docs/limits.md on what a dossier says it holds.
func TestLimits(t *testing.T) {
	journals := func(n int) error { return manyJournals(t, n, 1).check() }
	entries := func(n int64) error { return manyJournals(t, 1, n).check() }
	together := func(more int64) error {
		m := manyJournals(t, 2, MaxEntries/2)
		m.Cut[m.Origins()[0]] = journal.Head{Size: MaxEntries/2 + more}
		return m.check()
	}
	refs := func(n int) []journal.Ref {
		out := make([]journal.Ref, n)
		for i := range out {
			out[i] = journal.Ref{Origin: manyJournals(t, 1, 1).Origins()[0], Index: int64(i)}
		}
		return out
	}
	texts := func(n int) error { m := manyJournals(t, 1, MaxTexts+1); m.Texts = refs(n); return m.check() }
	about := func(n int) error { m := manyJournals(t, 1, MaxTexts+1); m.About = refs(n); return m.check() }
	remark := func(n int) error {
		m := manyJournals(t, 1, 1)
		m.Note = strings.Repeat("é", n)
		return m.check()
	}
	certificates := func(n int) error {
		return Proof{Contradiction: new(journal.Contradiction), Certificates: make([]journal.Signed, n)}.check()
	}
	written := func(n int) error { // proofs
		w := &Writer{}
		for range n {
			if err := w.Proof(Proof{Statements: new(journal.Equivocation)}); err != nil {
				return err
			}
		}
		return nil
	}
	read := func(n int64) error { // the proof of this number
		err := (&verifier{counts: Counts{Proofs: n - 1}}).proof()
		var d *Damage
		if errors.As(err, &d) && d.Part == PartProof && strings.Contains(d.Detail, "more than") {
			return err
		}
		return nil
	}
	identities := func(n int) error {
		return Proof{Statements: new(journal.Equivocation), Identities: make([]journal.Signed, n)}.check()
	}
	files := func(n int) error {
		list := make([]File, n)
		for i := range list {
			list[i].R = bytes.NewReader(nil)
		}
		_, err := VerifyTogether(context.Background(), list, Options{})
		return err
	}
	for _, x := range []struct {
		limit          string
		within, beyond error
	}{
		{"MaxJournals", journals(MaxJournals), journals(MaxJournals + 1)},
		{"MaxEntries of one journal", entries(MaxEntries), entries(MaxEntries + 1)},
		{"MaxEntries of all", together(0), together(1)},
		{"MaxTexts", texts(MaxTexts), texts(MaxTexts + 1)},
		{"MaxAbout", about(MaxAbout), about(MaxAbout + 1)},
		{"MaxNote", remark(MaxNote), remark(MaxNote + 1)},
		{"maxCertificates", certificates(maxCertificates), certificates(maxCertificates + 1)},
		{"MaxIdentities", identities(MaxIdentities), identities(MaxIdentities + 1)},
		{"MaxProofs, written", written(MaxProofs), written(MaxProofs + 1)},
		{"MaxProofs, read", read(MaxProofs), read(MaxProofs + 1)},
		{"MaxFiles", files(MaxFiles), files(MaxFiles + 1)},
	} {
		if x.within != nil || x.beyond == nil {
			t.Errorf("%s: within it %v, beyond it %v", x.limit, x.within, x.beyond)
		}
	}
	if err := files(MaxFiles + 1); !errors.Is(err, ErrFiles) {
		t.Errorf("MaxFiles: %v", err)
	}
	if got := newReader(nil, 0).max; got != DefaultMaxBytes {
		t.Errorf("DefaultMaxBytes: %d bytes are read where nothing is said", got)
	}
}

// TestLimitsOfRecords: a record of any kind can be as large as its kind allows and no larger, which its reader knows
// before the content comes, and its writer before it is written.
func TestLimitsOfRecords(t *testing.T) {
	for kind, most := range map[byte]int{recordManifest: maxManifest, recordJournal: maxHeader, recordProof: maxProof,
		recordEntry: journal.MaxEntry, recordCheckpoint: journal.MaxCheckpoint, recordPayload: payloadHeader + journal.MaxPayload,
		recordText: payloadHeader + journal.MaxPayload, recordEnd: endBytes} {
		content := make([]byte, most)
		var file bytes.Buffer
		w := &Writer{w: &file, sum: sha256.New()}
		if w.record(kind, content); w.err != nil {
			t.Errorf("kind %d: %d bytes are not written: %v", kind, most, w.err)
		}
		if rec, err := newReader(&file, 0).next(); err != nil || len(rec.content) != most {
			t.Errorf("kind %d: %d bytes are not read: %v", kind, most, err)
		}
		if w.record(kind, append(content, 0)); w.err == nil {
			t.Errorf("kind %d: %d bytes are written", kind, most+1)
		}
		head := journal.AppendRecord(nil, kind, nil)
		binary.BigEndian.PutUint32(head[1:5], uint32(most)+1)
		var bad *badRecord
		if _, err := newReader(bytes.NewReader(head), 0).next(); !errors.As(err, &bad) || !strings.Contains(bad.why, "at most") {
			t.Errorf("kind %d: %d bytes are read: %v", kind, most+1, err)
		}
	}
}

// TestLimitsOfReports: what a hostile dossier can make a report grow to.
func TestLimitsOfReports(t *testing.T) {
	v := &verifier{findings: make([]Finding, maxFindings-1)}
	for i, more := range []int64{0, 1, 2} {
		v.find(Open, CodeNotMet, "", nil, "one more")
		if len(v.findings) != maxFindings || v.moreFindings != more {
			t.Errorf("maxFindings: %d findings and %d more after %d", len(v.findings), v.moreFindings, maxFindings+i)
		}
	}
	c := &Combined{Report: &Report{}, Changed: make([]Change, maxFindings-1)}
	alone := &opened{rep: &Report{Findings: []Finding{{Weight: Open, Text: "a"}, {Weight: Open, Text: "b"}}}}
	if c.compare([]*opened{alone}); len(c.Changed) != maxFindings {
		t.Errorf("maxFindings: %d changes", len(c.Changed))
	}

	var b strings.Builder
	for i := range maxTypes + 1 {
		fmt.Fprintf(&b, `{"type":"x-%d","id":"x-%d--00000000-0000-4000-8000-000000000001"}`, i, i)
	}
	b.WriteString(`{"type":"x-0","id":"x-0--00000000-0000-4000-8000-000000000002"}`)
	var f payloadFacts
	if err := f.count([]byte(b.String()), func(*stix.Object) {}); err != nil {
		t.Fatal(err)
	}
	if len(f.types) != maxTypes || f.objects != maxTypes+2 || f.types["x-0"] != 2 || f.types[fmt.Sprint("x-", maxTypes-1)] != 1 || f.types[fmt.Sprint("x-", maxTypes)] != 0 {
		t.Errorf("maxTypes: %d types of %d objects", len(f.types), f.objects)
	}
}

// TestLimitsOfMarkings: so many versions, and shares of one of them, are compared; the others are counted.
func TestLimitsOfMarkings(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	object := func(n int64) *stix.Object {
		return &stix.Object{ID: "indicator--x", Modified: stix.Timestamp{Time: at.Add(time.Duration(n))}}
	}
	var w weakening
	for n := range int64(maxComparedOf + 1) {
		w.see(journal.Ref{Index: n})(object(0))
	}
	see := w.see(journal.Ref{})
	for n := range int64(maxCompared) {
		see(object(n + 1))
	}
	if len(w.marks) != maxCompared || w.missed != 2 {
		t.Errorf("%d versions, %d not compared", len(w.marks), w.missed)
	}
	v := &verifier{sent: weakening{missed: 2}}
	v.weakened(&unit.State{})
	if len(v.findings) != 1 || v.findings[0].Weight != Open || v.findings[0].Code != CodeWeakened {
		t.Errorf("%+v", v.findings)
	}
}

// TestLimitsOfWitnesses: so many cosigned heads are listed; what comes behind them is compared all the same.
func TestLimitsOfWitnesses(t *testing.T) {
	skey, vkey, err := note.GenerateKey(rand.Reader, "witness.example")
	if err != nil {
		t.Fatal(err)
	}
	signer := want[note.Signer](t)(fnote.NewSignerForCosignatureV1(skey))
	vkey = want[string](t)(fnote.VKeyToCosignatureV1(vkey))
	m := manyJournals(t, 1, 1)
	origin := m.Origins()[0]
	signed := want[[]byte](t)(note.Sign(&note.Note{Text: fmt.Sprintf("%s\n1\n%s\n", origin, journal.Hash{1})}, signer))
	v := &verifier{m: *m, witnesses: map[journal.PartyID]map[string][]string{m.Parties[0].Party: {strings.Join(strings.SplitN(vkey, "+", 3)[:2], "+"): {vkey}}}, tallies: map[cosigner]*tally{}, byOrigin: map[journal.Origin]*shelf{}}
	s := &shelf{head: JournalHeader{Origin: origin}}
	e := &journal.Entry{}
	for range maxWitnessed - 1 {
		v.cosigned(e, s, string(signed))
	}
	if len(v.witnessed) != maxWitnessed-1 {
		t.Fatalf("%d heads are listed", len(v.witnessed))
	}
	v.cosigned(e, s, string(signed))
	v.cosigned(e, s, string(signed))
	if len(v.witnessed) != maxWitnessed {
		t.Errorf("maxWitnessed: %d heads are listed", len(v.witnessed))
	}
	v.cosigned(e, s, string(want[[]byte](t)(note.Sign(&note.Note{Text: fmt.Sprintf("%s\n1\n%s\n", origin, journal.Hash{2})}, signer))))
	if len(v.findings) != 1 || v.findings[0].Code != CodeCosigned {
		t.Errorf("behind them: %+v", v.findings)
	}
}

// TestLimitsOfSchedules: so many schedules of the past are tried in all.
func TestLimitsOfSchedules(t *testing.T) {
	key := func(name string) *journal.PrivateKey {
		return want[*journal.PrivateKey](t)(journal.NewPrivateKey(sha256.Sum256([]byte(name)), sha256.Sum256([]byte("2"+name))))
	}
	node, first := key("node"), key("key")
	id := want[journal.Signed](t)(journal.NewIdentity(key("org"), journal.Identity{Name: "North", Node: node.Public(), Created: limitsAt, Expires: limitsAt.AddDate(2, 0, 0)}))
	party := journal.PartyOf(id.Text)
	founding := want[string](t)(journal.Founding{Name: "Unit", Founder: party, Nonce: journal.Hash{7}, Created: limitsAt}.Text())
	u := journal.UnitOf(founding)
	cert := want[journal.Signed](t)(journal.NewCertificate(node, journal.Certificate{Unit: u, Party: party, Key: first.Public()}))
	by := journal.By{Agency: "cert", Role: "duty-officer"}
	st := new(journaltest.Memory)
	w := want[*journal.Writer](t)(journal.CreateWriter(st, first, journal.GenesisBody{Identities: []journal.Signed{id}, Certificate: cert, Founding: founding}, limitsAt, by))
	for i := range 2 {
		next := key(fmt.Sprint("key ", i))
		cert := want[journal.Signed](t)(journal.NewCertificate(node, journal.Certificate{Unit: u, Party: party, Key: next.Public(), Replaces: w.Keyring().Current().ID()}))
		if _, _, err := w.Rotate(limitsAt, by, next, cert); err != nil {
			t.Fatal(err)
		}
	}
	s := &shelf{head: JournalHeader{Origin: w.Origin()}, mirror: want[*journal.Mirror](t)(journal.OpenMirror(st, journal.MirrorParams{Unit: u}))}
	for tried, want := range map[int]int{0: 3, maxEarlier - 2: 3, maxEarlier - 1: 2, maxEarlier: 1} {
		if got := (&verifier{earlier: tried}).schedules(s); len(got) != want {
			t.Errorf("maxEarlier: %d schedules after %d tries, want %d", len(got), tried, want)
		}
	}
}
