package store_test

import (
	"context"
	"testing"

	"entente/internal/store"
	"entente/internal/store/storetest"
)

// Whatever lies in the files of a journal: no panic, and what opens and
// verifies can be read to the end.
func FuzzJournalFiles(f *testing.F) {
	whole := journalOf(f, 2, 1)
	get := func(name string) []byte { return whole.Content(journalDir + "/" + name) }
	f.Add(get("log"), get("head"), get("index"), get("points"), get("hashes"), get("derived"))
	f.Add(get("log")[:80], get("head"), []byte{}, []byte{}, []byte{}, []byte{})
	f.Add([]byte{}, []byte{}, []byte{}, []byte{}, []byte{}, []byte("entente/derived/v1\n1 1 1\n"))
	f.Fuzz(func(t *testing.T, log, head, index, points, hashes, derived []byte) {
		for _, open := range []func(string, store.Options) (*store.Journal, error){store.OpenJournalReadOnly, store.OpenJournal} {
			d := storetest.NewDisk()
			for name, content := range map[string][]byte{"log": log, "head": head, "index": index, "points": points, "hashes": hashes, "derived": derived} {
				d.Set(journalDir+"/"+name, append([]byte{}, content...))
			}
			j, err := open(journalDir, store.Options{FS: d})
			if err != nil {
				continue
			}
			if _, err := j.Verify(context.Background()); err != nil {
				continue
			}
			if entries, err := readAll(j); err != nil || int64(len(entries)) != j.Len() {
				// A derived file may be too short in a folder open for reading
				// only where nothing was derived from it.
				t.Fatal(len(entries), j.Len(), err)
			}
			for _, err := range j.Checkpoints(0) {
				if err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}
