package journaltest

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/mod/sumdb/tlog"

	"entente/journal"
)

// Fixture is a storage under test.
type Fixture struct {
	// Storage is empty.
	Storage journal.Storage
	// Reopen gives up Storage, as after a crash, and opens what it kept again.
	// It is nil for storages that keep nothing.
	Reopen func(t testing.TB) journal.Storage
}

// TestStorage runs the tests that every [journal.Storage] has to pass. open is
// called once for each.
func TestStorage(t *testing.T, open func(t testing.TB) Fixture) {
	t.Run("Empty", func(t *testing.T) { testEmpty(t, open(t).Storage) })
	t.Run("Append", func(t *testing.T) { testAppend(t, open(t).Storage) })
	t.Run("ReadsRanges", func(t *testing.T) { testRanges(t, open(t).Storage) })
	t.Run("KeepsNoSlices", func(t *testing.T) { testKeepsNoSlices(t, open(t).Storage) })
	t.Run("RefusesGap", func(t *testing.T) { testRefusesGap(t, open(t).Storage) })
	t.Run("LargeEntries", func(t *testing.T) { testLarge(t, open(t).Storage) })
	t.Run("ReadWhileAppending", func(t *testing.T) { testConcurrent(t, open(t).Storage) })
	t.Run("Verifies", func(t *testing.T) { testVerifies(t, open(t).Storage) })
	t.Run("Reopen", func(t *testing.T) {
		f := open(t)
		if f.Reopen == nil {
			t.Skip("this storage keeps nothing")
		}
		testReopen(t, f)
	})
}

func testEmpty(t *testing.T, st journal.Storage) {
	if cp, err := st.Latest(); cp != nil || err != nil {
		t.Fatalf("Latest of an empty storage = %q, %v; want nil, nil", cp, err)
	}
	if n := len(gather(t, st.Checkpoints(0))); n != 0 {
		t.Fatalf("an empty storage has %d checkpoints", n)
	}
	if n := len(gather(t, st.Read(0, 0))); n != 0 {
		t.Fatalf("Read(0, 0) yields %d entries", n)
	}
	for _, err := range st.Read(0, 1) {
		if err == nil {
			t.Fatal("an empty storage yields an entry")
		}
		break
	}
	if _, err := st.ReadHashes([]int64{0}); err == nil {
		t.Fatal("an empty storage has a tree hash")
	}
}

// write opens a journal and appends batches of the given sizes.
func write(t testing.TB, st journal.Storage, sizes ...int) *journal.Writer {
	t.Helper()
	p := NewParty(t, "North")
	text, _ := p.Found(t, "suite")
	w := p.Write(t, st, text)
	more(t, w, sizes...)
	return w
}

func more(t testing.TB, w *journal.Writer, sizes ...int) {
	t.Helper()
	for _, n := range sizes {
		if _, _, err := w.Append(Start.Add(time.Hour), drafts(n)...); err != nil {
			t.Fatal(err)
		}
	}
}

func drafts(n int) []journal.Draft {
	out := make([]journal.Draft, n)
	for i := range out {
		out[i] = journal.Draft{Kind: "note", By: journal.By{Agency: "CERT", Role: "duty"}, Body: jsontext.Value(fmt.Sprintf(`{"n":%d}`, i))}
	}
	return out
}

func gather(t testing.TB, seq iter.Seq2[[]byte, error]) (out [][]byte) {
	t.Helper()
	for b, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, bytes.Clone(b))
	}
	return out
}

func testAppend(t *testing.T, st journal.Storage) {
	w := write(t, st, 1, 7, 300)
	want := []int64{1, 2, 9, 309}
	cps := gather(t, st.Checkpoints(0))
	if len(cps) != len(want) {
		t.Fatalf("%d checkpoints are kept, want %d", len(cps), len(want))
	}
	for i, cp := range cps {
		h, err := w.Keyring().VerifyCheckpoint(cp)
		if err != nil || h.Size != want[i] {
			t.Fatalf("checkpoint %d has size %d (%v), want %d", i, h.Size, err, want[i])
		}
	}
	for from, n := range map[int64]int{0: 4, 1: 4, 2: 3, 3: 2, 9: 2, 10: 1, 309: 1, 310: 0} {
		if got := gather(t, st.Checkpoints(from)); len(got) != n {
			t.Fatalf("Checkpoints(%d) yields %d, want %d", from, len(got), n)
		}
	}
	latest, err := st.Latest()
	if err != nil || !bytes.Equal(latest, w.Checkpoint()) {
		t.Fatalf("Latest is not the last checkpoint appended (%v)", err)
	}
	root, err := tlog.TreeHash(309, st)
	if err != nil || root != w.Head().Root {
		t.Fatalf("the stored tree hashes give root %v (%v), want %v", root, err, w.Head().Root)
	}
	// In any order and repeated.
	idx := []int64{5, 0, 5, tlog.StoredHashCount(309) - 1}
	hs, err := st.ReadHashes(idx)
	if err != nil || len(hs) != 4 || hs[0] != hs[2] || hs[0] == hs[1] {
		t.Fatalf("ReadHashes(%v) = %v, %v", idx, hs, err)
	}
	if _, err := st.ReadHashes([]int64{tlog.StoredHashCount(309)}); err == nil {
		t.Fatal("a tree hash beyond the end is returned")
	}
}

func testRanges(t *testing.T, st journal.Storage) {
	write(t, st, 50)
	for _, r := range [][2]int64{{0, 51}, {0, 1}, {50, 51}, {17, 23}, {10, 10}} {
		got := gather(t, st.Read(r[0], r[1]))
		if int64(len(got)) != r[1]-r[0] {
			t.Fatalf("Read(%d, %d) yields %d entries", r[0], r[1], len(got))
		}
		for i, raw := range got {
			e, err := journal.ParseEntry(raw)
			if err != nil || e.Index != r[0]+int64(i) {
				t.Fatalf("Read(%d, %d) yields entry %v at %d (%v)", r[0], r[1], e, i, err)
			}
		}
	}
	n, failed := 0, false
	for _, err := range st.Read(49, 53) {
		if err != nil {
			failed = true
			break
		}
		n++
	}
	if !failed || n != 2 {
		t.Fatalf("reading beyond the end yields %d entries and error %v; want 2 and an error", n, failed)
	}
	n = 0
	for range st.Read(0, 51) { // stopping early must not hang or panic
		if n++; n == 3 {
			break
		}
	}
	for range st.Checkpoints(0) {
		break
	}
}

func testKeepsNoSlices(t *testing.T, st journal.Storage) {
	scratch := new(Memory)
	write(t, scratch, 3)
	var b journal.Batch
	b.Entries = gather(t, scratch.Read(0, 1))
	hashes, _ := scratch.ReadHashes([]int64{0})
	b.Hashes, b.Checkpoint = hashes, gather(t, scratch.Checkpoints(0))[0]
	want, wantCP := bytes.Clone(b.Entries[0]), bytes.Clone(b.Checkpoint)
	wantHash := hashes[0]
	if err := st.Append(b); err != nil {
		t.Fatal(err)
	}
	clear(b.Entries[0])
	clear(b.Checkpoint)
	clear(hashes)
	if got := gather(t, st.Read(0, 1)); !bytes.Equal(got[0], want) {
		t.Fatal("the storage kept the caller's entry slice")
	}
	if got, _ := st.Latest(); !bytes.Equal(got, wantCP) {
		t.Fatal("the storage kept the caller's checkpoint slice")
	}
	if got, err := st.ReadHashes([]int64{0}); err != nil || got[0] != wantHash {
		t.Fatal("the storage kept the caller's hashes")
	}
}

func testRefusesGap(t *testing.T, st journal.Storage) {
	w := write(t, st, 3)
	if err := st.Append(journal.Batch{First: 9, Entries: [][]byte{{'x'}}, Hashes: make([]journal.Hash, 1), Checkpoint: []byte("x")}); err == nil {
		t.Fatal("a batch that leaves a gap was stored")
	}
	if err := st.Append(journal.Batch{First: 0, Entries: [][]byte{{'x'}}, Hashes: make([]journal.Hash, 1), Checkpoint: []byte("x")}); err == nil {
		t.Fatal("a batch over what is stored was stored")
	}
	latest, err := st.Latest()
	if err != nil || !bytes.Equal(latest, w.Checkpoint()) {
		t.Fatal("a refused batch changed the storage")
	}
}

func testLarge(t *testing.T, st journal.Storage) {
	w := write(t, st)
	big := jsontext.Value(`{"x":"` + string(bytes.Repeat([]byte("a"), 60000)) + `"}`)
	var ds []journal.Draft
	for range 40 {
		ds = append(ds, journal.Draft{Kind: "note", Body: big})
	}
	es, _, err := w.Append(Start, ds...)
	if err != nil {
		t.Fatal(err)
	}
	got := gather(t, st.Read(1, 41))
	for i := range es {
		if !bytes.Equal(got[i], es[i].Raw) {
			t.Fatalf("entry %d came back changed", i+1)
		}
	}
}

func testConcurrent(t *testing.T, st journal.Storage) {
	w := write(t, st, 10)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				cp, err := st.Latest()
				if err != nil {
					t.Error(err)
					return
				}
				// What is announced can be read.
				_, h, err := journal.CheckpointHead(cp)
				if err != nil {
					t.Error(err)
					return
				}
				if root, err := tlog.TreeHash(h.Size, st); err != nil || root != h.Root {
					t.Errorf("size %d: root %v, want %v (%v)", h.Size, root, h.Root, err)
					return
				}
				n := int64(0)
				for _, err := range st.Read(h.Size-5, h.Size) {
					if err != nil {
						t.Error(err)
						return
					}
					n++
				}
				if n != 5 {
					t.Errorf("%d of 5 entries", n)
					return
				}
			}
		})
	}
	for range 30 {
		more(t, w, 5)
	}
	close(stop)
	wg.Wait()
}

func testVerifies(t *testing.T, st journal.Storage) {
	w := write(t, st, 1, 300, 2)
	r, err := journal.Verify(context.Background(), st, journal.VerifyParams{})
	if err != nil || r.Head != w.Head() || r.Checkpoints != 4 {
		t.Fatalf("Verify = %+v, %v", r, err)
	}
	p, err := journal.Prove(st, 17, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := journal.VerifyProof(gather(t, st.Read(17, 18))[0], p, w.Keyring()); err != nil {
		t.Fatal(err)
	}
}

func testReopen(t *testing.T, f Fixture) {
	w := write(t, f.Storage, 5, 5)
	head := w.Head()
	key := NewParty(t, "North").JournalKey(0)
	for range 3 {
		st := f.Reopen(t)
		w, err := journal.OpenWriter(st, key, journal.WriterParams{HighWater: &head})
		if err != nil {
			t.Fatal(err)
		}
		if w.Head() != head {
			t.Fatalf("after opening again the head is %v, want %v", w.Head(), head)
		}
		more(t, w, 3)
		head = w.Head()
	}
	st := f.Reopen(t)
	r, err := journal.Verify(context.Background(), st, journal.VerifyParams{HighWater: &head})
	if err != nil || r.Head != head || r.Checkpoints != 6 {
		t.Fatalf("Verify = %+v, %v", r, err)
	}
}
