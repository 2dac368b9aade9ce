package store_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"entente/internal/store"
	"entente/internal/store/storetest"
	"entente/journal"
)

const journalDir = "/n/journals/own"

// batches makes batches as a writer would, with checkpoints that carry no
// signature (the store does not look at them).
type batches struct {
	hashes []tlog.Hash
	size   int64
}

func (b *batches) next(entries ...[]byte) journal.Batch {
	out := journal.Batch{First: b.size, Entries: entries}
	for _, e := range entries {
		hs, err := tlog.StoredHashes(b.size, e, tlog.HashReaderFunc(b.read))
		if err != nil {
			panic(err)
		}
		b.hashes = append(b.hashes, hs...)
		out.Hashes = append(out.Hashes, hs...)
		b.size++
	}
	root, err := tlog.TreeHash(b.size, tlog.HashReaderFunc(b.read))
	if err != nil {
		panic(err)
	}
	out.Checkpoint = fmt.Appendf(nil, "entente/test\n%d\n%s\n\n— signature of %d\n", b.size, root, b.size)
	return out
}

func (b *batches) read(indexes []int64) ([]tlog.Hash, error) {
	var out []tlog.Hash
	for _, i := range indexes {
		out = append(out, b.hashes[i])
	}
	return out, nil
}

func entry(n, length int) []byte {
	return append(fmt.Appendf(nil, `{"index":%d,"x":"`, n), bytes.Repeat([]byte{'x'}, length)...)
}

// journalOf makes a closed journal with batches of the given sizes.
func journalOf(t testing.TB, sizes ...int) *storetest.Disk {
	t.Helper()
	d := storetest.NewDisk()
	j, err := store.OpenJournal(journalDir, store.Options{FS: d})
	if err != nil {
		t.Fatal(err)
	}
	var b batches
	for _, n := range sizes {
		var entries [][]byte
		for range n {
			entries = append(entries, entry(int(b.size)+len(entries), len(entries)%7))
		}
		if err := j.Append(b.next(entries...)); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return d
}

func readAll(j *store.Journal) ([][]byte, error) {
	var out [][]byte
	for e, err := range j.Read(0, j.Len()) {
		if err != nil {
			return out, err
		}
		out = append(out, bytes.Clone(e))
	}
	return out, nil
}

func TestJournalReadsWhatWasAppended(t *testing.T) {
	d := storetest.NewDisk()
	var b batches
	var want [][]byte
	var checkpoints []string
	j, err := store.OpenJournal(journalDir, store.Options{FS: d})
	if err != nil {
		t.Fatal(err)
	}
	if cp, err := j.Latest(); cp != nil || err != nil {
		t.Fatalf("Latest of nothing: %q, %v", cp, err)
	}
	for i := range 40 {
		var entries [][]byte
		for range i % 5 { // some batches bring a new checkpoint only
			entries = append(entries, entry(len(want)+len(entries), i))
		}
		want = append(want, entries...)
		batch := b.next(entries...)
		batch.Checkpoint = append(batch.Checkpoint, fmt.Sprintf("— %d\n", i)...)
		checkpoints = append(checkpoints, string(batch.Checkpoint))
		if err := j.Append(batch); err != nil {
			t.Fatal(err)
		}
		switch i % 3 {
		case 0: // as after a kill
			j, err = store.OpenJournal(journalDir, store.Options{FS: d.Clone()})
			if err != nil {
				t.Fatal(err)
			}
			j.Close()
			fallthrough
		case 1: // as after a stop
			j, err = store.OpenJournal(journalDir, store.Options{FS: d})
			if err != nil {
				t.Fatal(err)
			}
		}
		ro, err := store.OpenJournalReadOnly(journalDir, store.Options{FS: d})
		if err != nil {
			t.Fatal(err)
		}
		for _, j := range []*store.Journal{j, ro} {
			got, err := readAll(j)
			if err != nil || !equal(got, want) {
				t.Fatalf("after batch %d: %q, %v", i, got, err)
			}
			if cp, _ := j.Latest(); string(cp) != checkpoints[i] {
				t.Fatalf("Latest = %q", cp)
			}
			indexes := make([]int64, len(b.hashes))
			for i := range indexes {
				indexes[i] = int64(i * 7 % len(indexes))
			}
			hashes, err := j.ReadHashes(indexes)
			if err != nil {
				t.Fatal(err)
			}
			for i := range hashes {
				if hashes[i] != b.hashes[indexes[i]] {
					t.Fatalf("hash %d differs", indexes[i])
				}
			}
			if rep, err := j.Verify(context.Background()); err != nil || rep.Entries != b.size || rep.Checkpoints != int64(i+1) {
				t.Fatalf("Verify = %+v, %v", rep, err)
			}
		}
	}
	for size := int64(0); size <= b.size+1; size++ {
		var got, want []string
		for cp, err := range j.Checkpoints(size) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(cp))
		}
		for _, cp := range checkpoints {
			if _, h, err := head(cp); err != nil {
				t.Fatal(err)
			} else if h >= size {
				want = append(want, cp)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("Checkpoints(%d) = %q, want %q", size, got, want)
		}
	}
	if _, err := j.ReadHashes([]int64{int64(len(b.hashes))}); err == nil {
		t.Fatal("a hash behind the end was read")
	}
	for _, err := range j.Read(0, b.size+1) {
		if err == nil {
			t.Fatal("an entry behind the end was promised")
		}
	}
}

func head(cp string) (origin string, size int64, err error) {
	_, err = fmt.Sscanf(cp, "%s\n%d\n", &origin, &size)
	return origin, size, err
}

func TestJournalRefusesWhatDoesNotFit(t *testing.T) {
	j, err := store.OpenJournal(journalDir, store.Options{FS: journalOf(t, 2, 3)})
	if err != nil {
		t.Fatal(err)
	}
	five := func() *batches {
		var b batches
		b.next(entry(0, 0), entry(1, 1))
		b.next(entry(2, 0), entry(3, 1), entry(4, 2))
		return &b
	}
	for name, change := range map[string]func(*journal.Batch){
		"gap":     func(b *journal.Batch) { b.First++ },
		"overlap": func(b *journal.Batch) { b.First-- },
		"size": func(b *journal.Batch) {
			b.Checkpoint = bytes.Replace(b.Checkpoint, []byte("\n6\n"), []byte("\n7\n"), 1)
		},
		"zeros": func(b *journal.Batch) {
			b.Checkpoint = bytes.Replace(b.Checkpoint, []byte("\n6\n"), []byte("\n06\n"), 1)
		},
		"origin":    func(b *journal.Batch) { b.Checkpoint = append([]byte("x"), b.Checkpoint...) },
		"no text":   func(b *journal.Batch) { b.Checkpoint = nil },
		"hash less": func(b *journal.Batch) { b.Hashes = b.Hashes[1:] },
		"hash more": func(b *journal.Batch) { b.Hashes = append(b.Hashes, tlog.Hash{}) },
	} {
		b := five().next(entry(5, 0))
		change(&b)
		if err := j.Append(b); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if err := j.Append(five().next(entry(5, 0))); err != nil {
		t.Fatal(err)
	}
	if rep, err := j.Verify(context.Background()); err != nil || rep.Entries != 6 {
		t.Fatal(rep, err)
	}
}

// A batch that was being written when the machine stopped is there whole or not
// at all, wherever the log ends; what was acknowledged before it always is.
func TestJournalCutAtEveryByteOfTheLastBatch(t *testing.T) {
	before, after := journalOf(t, 3, 2), journalOf(t, 3, 2, 4)
	log := journalDir + "/log"
	whole, start := after.Content(log), len(before.Content(log))
	for cut := start; cut <= len(whole); cut++ {
		for _, rest := range [][]byte{nil, make([]byte, 100)} { // the end may be zeros, as after an unsynced extension
			if rest != nil && cut == len(whole) {
				continue // zeros behind a whole batch: tried below
			}
			d := before.Clone()
			d.Set(log, append(whole[:cut:cut], rest...))
			want := 5
			if cut == len(whole) {
				want = 9
			}
			ro, err := store.OpenJournalReadOnly(journalDir, store.Options{FS: d})
			if err != nil || ro.Len() != 5 {
				t.Fatalf("cut at %d: read-only: %v", cut, err)
			}
			j, err := store.OpenJournal(journalDir, store.Options{FS: d})
			if err != nil {
				t.Fatalf("cut at %d: %v", cut, err)
			}
			if j.Len() != int64(want) {
				t.Fatalf("cut at %d: %d entries", cut, j.Len())
			}
			if _, err := j.Verify(context.Background()); err != nil {
				t.Fatalf("cut at %d: %v", cut, err)
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			if want == 5 && !bytes.Equal(d.Content(log), before.Content(log)) {
				t.Fatalf("cut at %d: the rest was not taken away", cut)
			}
		}
	}
	d := before.Clone()
	d.Set(log, append(whole, make([]byte, 50)...))
	if j, err := store.OpenJournal(journalDir, store.Options{FS: d}); err != nil || j.Len() != 9 {
		t.Fatalf("a whole batch with a tail behind it: %v", err)
	}
}

// What was acknowledged and is gone is never taken for a crash.
func TestJournalCutBelowTheHeadIsDamage(t *testing.T) {
	for _, derived := range []bool{true, false} {
		whole := journalOf(t, 3, 2, 4)
		if !derived {
			for _, name := range []string{"derived", "index", "points", "hashes"} {
				whole.Set(journalDir+"/"+name, nil)
			}
		}
		log := whole.Content(journalDir + "/log")
		for cut := range log {
			d := whole.Clone()
			d.Set(journalDir+"/log", log[:cut])
			for _, open := range []func(string, store.Options) (*store.Journal, error){store.OpenJournalReadOnly, store.OpenJournal} {
				_, err := open(journalDir, store.Options{FS: d})
				var damage *store.DamageError
				if !errors.As(err, &damage) || !errors.Is(err, store.ErrDamaged) {
					t.Fatalf("cut at %d: %v", cut, err)
				}
				if want := entryAt(log, cut, 9); damage.Entry != want && !(inCheckpoint(log, cut) && damage.Entry == want+1) {
					t.Fatalf("cut at %d: names entry %d, want %d: %v", cut, damage.Entry, want, err)
				}
			}
		}
	}
}

// entryAt returns the number of the entry that a byte of a log belongs to; a
// checkpoint belongs to the entry before it.
func entryAt(log []byte, at int, total int64) int64 {
	n := int64(-1)
	for off := 0; off < len(log); {
		end := off + 37 + int(binary.BigEndian.Uint32(log[off+1:]))
		if log[off] == 1 {
			n++
		}
		if at < end {
			return n
		}
		off = end
	}
	return total - 1
}

// inCheckpoint tells whether a byte of a log belongs to a checkpoint. Where the
// kind or length of one is damaged nobody can know that it was one, and the next
// entry is named.
func inCheckpoint(log []byte, at int) bool {
	for off := 0; ; {
		end := off + 37 + int(binary.BigEndian.Uint32(log[off+1:]))
		if at < end {
			return log[off] == 2
		}
		off = end
	}
}

// Whatever byte of whatever file is changed: Verify (or already the opening)
// fails and names the entry.
func TestJournalEveryByteCounts(t *testing.T) {
	whole := journalOf(t, 3, 2, 4)
	for _, name := range whole.Names() {
		content := whole.Content(name)
		for at := range content {
			for _, flip := range []byte{0x01, 0x03, 0x20, 0x80, 0xff} {
				d := whole.Clone()
				changed := bytes.Clone(content)
				changed[at] ^= flip
				d.Set(name, changed)
				j, err := store.OpenJournalReadOnly(journalDir, store.Options{FS: d})
				if err == nil {
					_, err = j.Verify(context.Background())
				}
				var damage *store.DamageError
				if !errors.As(err, &damage) {
					t.Fatalf("%s: byte %d ^ %#x: %v", name, at, flip, err)
				}
				if damage.Path != name && damage.Path != journalDir+"/log" {
					t.Fatalf("%s: byte %d ^ %#x: blames %s: %v", name, at, flip, damage.Path, err)
				}
				want := int64(8) // head and watermark are about the last entry
				if name == journalDir+"/head" && damage.Path != name {
					want = 9 // a head with a higher number: the next entry is missed
				}
				switch name {
				case journalDir + "/log":
					want = entryAt(content, at, 9)
				case journalDir + "/index":
					want = int64(at / 8)
				case journalDir + "/points":
					want = []int64{2, 4, 8}[at/16]
				case journalDir + "/hashes":
					level, n := tlog.SplitStoredHashIndex(int64(at / 32))
					want = (n+1)<<level - 1
				}
				next := name == journalDir+"/log" && damage.Entry == want+1 && inCheckpoint(content, at)
				if damage.Entry != want && !next {
					t.Fatalf("%s: byte %d ^ %#x: names entry %d, want %d: %v", name, at, flip, damage.Entry, want, err)
				}
			}
		}
	}
}

// Derived files may be lost, cut or stale: they are computed again.
func TestJournalDerivedFilesAreRebuilt(t *testing.T) {
	whole := journalOf(t, 3, 2, 4)
	older := journalOf(t, 3, 2)
	want, _ := store.OpenJournalReadOnly(journalDir, store.Options{FS: whole})
	wantEntries, err := readAll(want)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"derived", "index", "points", "hashes"}
	for mask := range 1 << len(names) {
		for _, how := range []string{"missing", "cut", "older", "empty"} {
			d := whole.Clone()
			for i, name := range names {
				path := journalDir + "/" + name
				if mask>>i&1 == 0 {
					continue
				}
				switch how {
				case "missing":
					d.Set(path, nil)
				case "cut":
					c := d.Content(path)
					d.Set(path, c[:len(c)-5])
				case "older":
					d.Set(path, older.Content(path))
				case "empty":
					d.Set(path, []byte{})
				}
			}
			ro, err := store.OpenJournalReadOnly(journalDir, store.Options{FS: d.Clone()})
			if err != nil {
				t.Fatal(mask, how, err)
			}
			j, err := store.OpenJournal(journalDir, store.Options{FS: d})
			if err != nil {
				t.Fatal(mask, how, err)
			}
			for _, j := range []*store.Journal{ro, j} {
				if got, err := readAll(j); err != nil || !equal(got, wantEntries) {
					t.Fatal(mask, how, got, err)
				}
				if root, err := tlog.TreeHash(9, j); err != nil || !bytes.Contains(whole.Content(journalDir+"/head"), []byte(root.String())) {
					t.Fatal(mask, how, root, err)
				}
				n := 0
				for _, err := range j.Checkpoints(4) {
					if err != nil {
						t.Fatal(mask, how, err)
					}
					n++
				}
				if n != 2 {
					t.Fatal(mask, how, n)
				}
			}
			if _, err := j.Verify(context.Background()); err != nil {
				t.Fatal(mask, how, err)
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			for _, name := range whole.Names() {
				if !bytes.Equal(d.Content(name), whole.Content(name)) {
					t.Fatalf("%d %s: %s differs after it was computed again", mask, how, name)
				}
			}
		}
	}
}

// A checkpoint that says what the head says already, and that a failed sync has dropped, is
// written again like any other batch behind the head: what follows it would be lost with it.
func TestJournalSameCheckpointDropped(t *testing.T) {
	for i := range 12 * 32 { // where a sector ends decides what of the log is dropped
		at, length := i%12, i/12*16
		d := storetest.NewDisk()
		j, err := store.OpenJournal(journalDir, store.Options{FS: d})
		if err != nil {
			t.Fatal(err)
		}
		var b batches
		if err := j.Append(b.next(entry(0, length))); err != nil {
			t.Fatal(err)
		}
		d = d.Clone() // killed, so that the derived files are known to be good from here on
		if j, err = store.OpenJournal(journalDir, store.Options{FS: d}); err != nil {
			t.Fatal(err)
		}
		same := b
		begun := d.Ops()
		d.Fault = func(op, name string, n int) error {
			if n == begun+at {
				return &storetest.Torn{}
			}
			return nil
		}
		err = j.Append(same.next())
		d.Fault = nil
		if errors.Is(err, store.ErrBroken) {
			d = d.Clone()
			if j, err = store.OpenJournal(journalDir, store.Options{FS: d}); err != nil {
				t.Fatal(err)
			}
		}
		if err := j.Append(b.next(entry(1, 10))); err != nil {
			t.Fatal(err)
		}
		if j, err = store.OpenJournal(journalDir, store.Options{FS: d.Crash(func(int) int { return 0 })}); err != nil {
			t.Fatalf("operation %d fails: %v", at, err)
		}
		if got, err := readAll(j); err != nil || len(got) != 2 {
			t.Fatalf("operation %d fails: %d entries are there, %v", at, len(got), err)
		}
	}
}

// Any history of appends, failing disks, kills and power losses.
func TestJournalCrashHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pick := func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "pick") }
		d := storetest.NewDisk()
		j, err := store.OpenJournal(journalDir, store.Options{FS: d})
		if err != nil {
			t.Fatal(err)
		}
		var b batches
		var kept [][]byte
		for range rapid.IntRange(1, 8).Draw(t, "steps") {
			var entries [][]byte
			for range rapid.IntRange(0, 5).Draw(t, "entries") {
				entries = append(entries, entry(len(kept)+len(entries), rapid.IntRange(0, 900).Draw(t, "length")))
			}
			next := batches{append([]tlog.Hash(nil), b.hashes...), b.size}
			batch := next.next(entries...)
			fail := -1
			if rapid.Bool().Draw(t, "fails") {
				fail = d.Ops() + pick(12)
			}
			sticky := rapid.Bool().Draw(t, "sticky")
			d.Fault = func(op, _ string, n int) error {
				if fail < 0 || n < fail || n > fail && !sticky {
					return nil
				}
				return &storetest.Torn{Bytes: pick(2000)}
			}
			err := j.Append(batch)
			d.Fault = nil
			whole := append(kept[:len(kept):len(kept)], entries...)
			if err == nil {
				kept, b = whole, next
			}
			switch then := pick(3); {
			case then == 0:
				d = d.Crash(pick)
			case then == 1 || errors.Is(err, store.ErrBroken):
				d = d.Clone()
			default:
				continue
			}
			if j, err = store.OpenJournal(journalDir, store.Options{FS: d}); err != nil {
				t.Fatal(err)
			}
			got, err := readAll(j)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case equal(got, kept) && j.Len() == b.size:
			case equal(got, whole):
				kept, b = whole, next
			default:
				t.Fatalf("%d entries, want %d or %d", len(got), len(kept), len(whole))
			}
		}
		if rep, err := j.Verify(context.Background()); err != nil || rep.Entries != b.size {
			t.Fatal(rep, err)
		}
	})
}
