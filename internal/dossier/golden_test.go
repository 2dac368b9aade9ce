package dossier_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"entente/internal/dossier"
	"entente/internal/unit"
	"entente/journal"
)

var update = flag.Bool("update", false, "write testdata/v1.entente and v1.json anew")

// vector is what a second implementation has to read out of testdata/v1.entente. Keys are derived
// from seeds: SHA-256 of "ed25519 NAME" and "mldsa44 NAME", NAME being "North org" and so on.
type vector struct {
	SHA256   journal.Hash            `json:"sha256"`
	Counts   dossier.Counts          `json:"counts"`
	Unit     journal.UnitID          `json:"unit"`
	Parties  []dossier.PartyReport   `json:"parties"`
	Journals []dossier.JournalReport `json:"journals"`
	Payloads dossier.PayloadCounts   `json:"payloads"`
}

// small is a story without a signed accord: nothing in it depends on more than the formats.
func small(t testing.TB) *world {
	w := newWorld(t, "North", "South")
	north, south := w.parties[0], w.parties[1]
	north.write(unit.KindAdmit, unit.AdmitBody{Identities: []journal.Signed{south.identity}, Origin: south.jw.Origin()}, nil)
	north.write(unit.KindPropose, unit.ProposeBody{Hash: "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", Version: 1},
		w.seal(journal.PayloadAccord, []byte(`{}`)))
	e := south.share(2)
	w.about = []journal.Ref{e.Ref()}
	w.sync()
	south.rotate()
	lie := north.fork(north.st.Snapshot(), north.jw.Head())
	north.write("note", map[string]any{"n": 1}, nil)
	lie.write("note", map[string]any{"n": 2}, nil)
	w.proofs = []dossier.Proof{{Contradiction: &journal.Contradiction{Code: journal.CodeFork, Origin: north.jw.Origin(), A: checkpoint(t, north.st), B: checkpoint(t, lie.st)}}}
	return w
}

func golden(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "v1.entente"))
	ok(t, err)
	return b
}

// TestGolden: version 1 of the format is what it was.
func TestGolden(t *testing.T) {
	if *update {
		ok(t, os.MkdirAll("testdata", 0o755))
		ok(t, os.WriteFile(filepath.Join("testdata", "v1.entente"), pack(t, small(t).source()), 0o644))
	}
	file := golden(t)
	r, err := verify(file)
	ok(t, err)
	got, err := json.Marshal(vector{r.SHA256, r.Counts, r.Unit, r.Parties, r.Journals, r.Payloads}, jsontext.WithIndent("  "))
	ok(t, err)
	name := filepath.Join("testdata", "v1.json")
	if *update {
		ok(t, os.WriteFile(name, append(got, '\n'), 0o644))
	}
	want, err := os.ReadFile(name)
	ok(t, err)
	if !bytes.Equal(append(got, '\n'), want) {
		t.Errorf("the vector reads differently:\n%s", got)
	}
	if !has(r, dossier.Proved, journal.CodeFork) {
		t.Errorf("%+v", r.Findings)
	}
	if !bytes.Equal(build(frames(t, file)), file) {
		t.Error("written from the specification it has other bytes")
	}
	// What this program writes today. If only a compressor was replaced, -update is right.
	if !bytes.Equal(pack(t, small(t).source()), file) {
		t.Error("the same content is written otherwise than in version 1")
	}
}
