package store_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"filippo.io/torchwood"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/mod/sumdb/note"

	"entente/internal/store"
	"entente/journal"
)

var began = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func testKey(t testing.TB, name string) *journal.PrivateKey {
	t.Helper()
	k, err := journal.NewPrivateKey(sha256.Sum256([]byte("a"+name)), sha256.Sum256([]byte("b"+name)))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// writerOn begins a signed journal on a storage.
func writerOn(t testing.TB, st journal.Storage) (*journal.Writer, journal.UnitID) {
	t.Helper()
	org, node, key := testKey(t, "org"), testKey(t, "node"), testKey(t, "key")
	id, err := journal.NewIdentity(org, journal.Identity{
		Name: "North", Node: node.Public(), TLS: []journal.Hash{{1}}, Created: began, Expires: began.AddDate(2, 0, 0),
		Addresses: []string{"https://north.example:7443"},
	})
	if err != nil {
		t.Fatal(err)
	}
	party := journal.PartyOf(id.Text)
	founding, err := journal.Founding{Name: "North and South", Founder: party, Nonce: journal.Hash{7}, Created: began}.Text()
	if err != nil {
		t.Fatal(err)
	}
	unit := journal.UnitOf(founding)
	cert, err := journal.NewCertificate(node, journal.Certificate{Unit: unit, Party: party, Key: key.Public()})
	if err != nil {
		t.Fatal(err)
	}
	w, err := journal.CreateWriter(st, key, journal.GenesisBody{Identities: []journal.Signed{id}, Certificate: cert, Founding: founding}, began, journal.By{})
	if err != nil {
		t.Fatal(err)
	}
	return w, unit
}

func kibibytes(n int) []journal.Draft {
	out := make([]journal.Draft, n)
	for i := range out {
		out[i] = journal.Draft{Kind: "note", By: journal.By{Agency: "CERT", Role: "duty"},
			Body: jsontext.Value(fmt.Sprintf(`{"n":%d,"text":"%s"}`, i, strings.Repeat("The quick brown fox. ", 30)))}
	}
	return out
}

func journalIn(t testing.TB, dir string) *store.Journal {
	t.Helper()
	j, err := store.OpenJournal(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

// mirrorFrom opens a mirror and gives it what the writer has.
func mirrorFrom(t testing.TB, st, from journal.Storage, unit journal.UnitID) *journal.Mirror {
	t.Helper()
	m, err := journal.OpenMirror(st, journal.MirrorParams{Unit: unit})
	if err != nil {
		t.Fatal(err)
	}
	for cp, err := range from.Checkpoints(0) {
		if err != nil {
			t.Fatal(err)
		}
		_, head, err := journal.CheckpointHead(cp)
		if err != nil {
			t.Fatal(err)
		}
		var entries [][]byte
		for raw, err := range from.Read(m.Head().Size, head.Size) {
			if err != nil {
				t.Fatal(err)
			}
			entries = append(entries, append([]byte(nil), raw...))
		}
		if _, err := m.Extend(entries, append([]byte(nil), cp...)); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// A signed journal and its mirror on files: reopened, verified from disk, and a
// changed byte found both by the files' own check and by that of the signatures.
func TestJournalSignedAndMirrored(t *testing.T) {
	dir := t.TempDir()
	own, copied := journalIn(t, dir+"/own"), journalIn(t, dir+"/mirror")
	w, unit := writerOn(t, own)
	for i := range 5 {
		if _, _, err := w.Append(began.Add(time.Minute), kibibytes(i*7+1)...); err != nil {
			t.Fatal(err)
		}
	}
	m := mirrorFrom(t, copied, own, unit)
	if m.Head() != w.Head() {
		t.Fatal("the mirror does not follow")
	}
	if err := errors.Join(own.Close(), copied.Close()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"/own", "/mirror"} {
		j, err := store.OpenJournalReadOnly(dir+name, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := j.Verify(context.Background()); err != nil {
			t.Fatal(err)
		}
		if _, err := journal.Verify(context.Background(), j, journal.VerifyParams{Unit: unit}); err != nil {
			t.Fatal(err)
		}
		j.Close()
	}
	path := dir + "/mirror/log"
	log, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	log[len(log)/2] ^= 1
	if err := os.WriteFile(path, log, 0o600); err != nil {
		t.Fatal(err)
	}
	j, err := store.OpenJournalReadOnly(dir+"/mirror", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	var damage *store.DamageError
	if _, err := j.Verify(context.Background()); !errors.As(err, &damage) || damage.Entry == 0 {
		t.Fatal(err)
	}
	if _, err := journal.Verify(context.Background(), j, journal.VerifyParams{Unit: unit}); err == nil {
		t.Fatal("the signatures' check did not find it")
	}
}

// BenchmarkJournalAppendDurable appends 100,000 entries of 1 KiB in batches: signed
// and durable at the writer, verified, durable and cosigned at a mirror. An
// iteration ends when the mirror has cosigned the last head.
func BenchmarkJournalAppendDurable(b *testing.B) {
	const total = 100_000
	for _, batch := range []int{100, 1000, 5000} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			dir := b.TempDir()
			own, copied := journalIn(b, dir+"/own"), journalIn(b, dir+"/mirror")
			w, unit := writerOn(b, own)
			m := mirrorFrom(b, copied, own, unit)
			witness, err := torchwood.NewCosignatureSigner("bench.example/witness", ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
			if err != nil {
				b.Fatal(err)
			}
			drafts := kibibytes(batch)
			// As over a wire: the mirror takes one batch while the writer makes the next.
			type sent struct {
				entries    [][]byte
				checkpoint []byte
			}
			for b.Loop() {
				wire, done := make(chan sent, 1), make(chan error, 1)
				go func() {
					var failed error
					for s := range wire {
						if failed != nil {
							continue
						}
						if _, failed = m.Extend(s.entries, s.checkpoint); failed == nil {
							text, _, _ := strings.Cut(string(s.checkpoint), "\n\n")
							_, failed = note.Sign(&note.Note{Text: text + "\n"}, witness)
						}
					}
					done <- failed
				}()
				for range total / batch {
					entries, _, err := w.Append(began.Add(time.Minute), drafts...)
					if err != nil {
						b.Fatal(err)
					}
					s := sent{checkpoint: w.Checkpoint()}
					for _, e := range entries {
						s.entries = append(s.entries, e.Raw)
					}
					wire <- s
				}
				close(wire)
				if err := <-done; err != nil {
					b.Fatal(err)
				}
			}
			if m.Head() != w.Head() {
				b.Fatal("the mirror does not follow")
			}
			b.ReportMetric(total*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}

// BenchmarkJournalVerify1M verifies a signed journal of 1,000,000 entries of 1
// KiB from disk: the files' own check, and that of the signatures.
func BenchmarkJournalVerify1M(b *testing.B) {
	const entries, batch = 1_000_000, 10_000
	dir := b.TempDir()
	own := journalIn(b, dir)
	w, unit := writerOn(b, own)
	drafts := kibibytes(batch)
	for range entries / batch {
		if _, _, err := w.Append(began.Add(time.Minute), drafts...); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("files", func(b *testing.B) {
		for b.Loop() {
			if r, err := own.Verify(context.Background()); err != nil || r.Entries != entries+1 {
				b.Fatal(r, err)
			}
		}
		b.ReportMetric(float64(entries)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
	})
	b.Run("signatures", func(b *testing.B) {
		for b.Loop() {
			if _, err := journal.Verify(context.Background(), own, journal.VerifyParams{Unit: unit}); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(entries)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
	})
	b.Run("open", func(b *testing.B) {
		if err := own.Close(); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			j, err := store.OpenJournal(dir, store.Options{})
			if err != nil {
				b.Fatal(err)
			}
			j.Close()
		}
	})
}
