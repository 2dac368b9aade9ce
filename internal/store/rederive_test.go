package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"

	"entente/internal/store"
	"entente/internal/store/storetest"
)

// isDerived tells whether a name is one of the files that are computed from the log.
func isDerived(name string) bool {
	base := name[strings.LastIndexByte(name, '/')+1:]
	return base == "index" || base == "points" || base == "hashes" || base == "derived"
}

// brokenJournal is a journal that was never closed (so that nothing is known of its
// derived files), and whose last append failed in a way that asks for an opening anew.
func brokenJournal(t *testing.T) (*storetest.Disk, *store.Journal, [][]byte) {
	t.Helper()
	d := storetest.NewDisk()
	j, err := store.OpenJournal(journalDir, store.Options{FS: d})
	if err != nil {
		t.Fatal(err)
	}
	var b batches
	var want [][]byte
	for i := range 40 {
		e := [][]byte{entry(2*i, i), entry(2*i+1, i)}
		if err := j.Append(b.next(e...)); err != nil {
			t.Fatal(err)
		}
		want = append(want, e...)
	}
	d.Fault = func(op, name string, _ int) error {
		if op == "sync" && strings.HasSuffix(name, "/log") {
			return syscall.EIO
		}
		return nil
	}
	if err := j.Append(b.next(entry(80, 0))); !errors.Is(err, store.ErrBroken) {
		t.Fatalf("the failed sync was told as %v", err)
	}
	d.Fault = nil
	return d, j, want
}

// A journal, or a log, that a failing disk has broken is opened anew while the old one
// goes on being read. Where that fails, because the derived files cannot be written (a
// full disk, one that fails, one that is read-only), the old one reads what it read.
func TestOldReadsOnWhenOpeningAnewFails(t *testing.T) {
	faults := map[string]func(d *storetest.Disk) func(op, name string, n int) error{
		"full": func(d *storetest.Disk) func(op, name string, n int) error {
			return func(op, name string, _ int) error {
				if op == "write" {
					return syscall.ENOSPC
				}
				return nil
			}
		},
		"full for what grows": func(d *storetest.Disk) func(op, name string, n int) error {
			d.Capacity = 1
			return nil
		},
		"torn": func(d *storetest.Disk) func(op, name string, n int) error {
			return func(op, name string, n int) error {
				if op == "write" && isDerived(name) && n%5 == 0 {
					return &storetest.Torn{Bytes: 3, Err: syscall.ENOSPC}
				}
				return nil
			}
		},
		"sync fails": func(d *storetest.Disk) func(op, name string, n int) error {
			return func(op, name string, _ int) error {
				if op == "sync" || op == "syncdir" {
					return syscall.EIO
				}
				return nil
			}
		},
		"no cutting": func(d *storetest.Disk) func(op, name string, n int) error {
			return func(op, name string, _ int) error {
				if op == "truncate" {
					return syscall.EIO
				}
				return nil
			}
		},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			d, j, want := brokenJournal(t)
			d.Fault = fault(d)
			for range 3 {
				if fresh, err := store.OpenJournal(journalDir, store.Options{FS: d}); err == nil && name != "full for what grows" {
					t.Fatalf("it was opened, with %d entries", fresh.Len())
				}
				readsOn(t, j, want)
			}
			d.Fault, d.Capacity = nil, 0
			fresh, err := store.OpenJournal(journalDir, store.Options{FS: d})
			if err != nil {
				t.Fatal(err)
			}
			if rep, err := fresh.Verify(t.Context()); err != nil || rep.Entries < int64(len(want)) {
				t.Fatal(rep, err)
			}
			if got, err := readAll(j); err != nil || !equal(got, want) {
				t.Fatalf("beside the new one %d of %d entries are read: %v", len(got), len(want), err)
			}
		})
	}
}

// readsOn reads everything that a journal has committed, by entry, by checkpoint and
// by tree hash.
func readsOn(t *testing.T, j *store.Journal, want [][]byte) {
	t.Helper()
	got, err := readAll(j)
	if err != nil || !equal(got, want) {
		t.Fatalf("%d of %d entries are read: %v", len(got), len(want), err)
	}
	n := 0
	for _, err := range j.Checkpoints(0) {
		if err != nil {
			t.Fatalf("checkpoint %d: %v", n, err)
		}
		n++
	}
	if n != len(want)/2 {
		t.Fatalf("%d checkpoints", n)
	}
	if rep, err := j.Verify(t.Context()); err != nil || rep.Entries != int64(len(want)) {
		t.Fatalf("Verify = %+v, %v", rep, err)
	}
}

// The same for a local log, through the Mend that a node calls every second.
func TestLogReadsOnWhenMendFails(t *testing.T) {
	d := storetest.NewDisk()
	l := openLog(t, d)
	var want [][]byte
	for i := range 50 {
		rec := bytes.Repeat([]byte{byte(i)}, i)
		if _, err := l.Append(rec); err != nil {
			t.Fatal(err)
		}
		want = append(want, rec)
	}
	d.Fault = func(op, _ string, _ int) error {
		if op == "sync" {
			return syscall.EIO
		}
		return nil
	}
	if _, err := l.Append([]byte("lost")); !errors.Is(err, store.ErrBroken) {
		t.Fatal(err)
	}
	d.Fault = func(op, _ string, _ int) error {
		if op == "write" {
			return syscall.ENOSPC
		}
		return nil
	}
	for range 3 {
		if err := l.Mend(); !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("Mend on a full disk: %v", err)
		}
		if got, err := records(l, 0); err != nil || !equal(got, want) {
			t.Fatalf("%d of %d records are read: %v", len(got), len(want), err)
		}
	}
	d.Fault = nil
	if err := l.Mend(); err != nil {
		t.Fatal(err)
	}
	got, err := records(l, 0)
	if err != nil || len(got) < len(want) || !equal(got[:len(want)], want) {
		t.Fatalf("%d records after mending: %v", len(got), err)
	}
}

// Derived files that are damaged and are being computed again when the power goes are
// not believed afterwards because their end looks right: what was known of them is
// taken away before the first row is written.
func TestHalfDerivedIsNotBelieved(t *testing.T) {
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 7))
		whole := journalOf(t, 30, 200, 60)
		want := entriesOf(t, whole)
		d := whole.Clone()
		// The index lost its end, and its middle is zeros: a file system after a crash.
		index := d.Content(journalDir + "/index")
		clear(index[64*8 : 200*8])
		d.Set(journalDir+"/index", index[:len(index)-8])
		stop := d.Ops() + 1 + r.IntN(40)
		d.Fault = func(_, _ string, n int) error {
			if n >= stop {
				return syscall.EIO
			}
			return nil
		}
		_, _ = store.OpenJournal(journalDir, store.Options{FS: d})
		d.Fault = nil
		after := d.Crash(r.IntN)
		for _, open := range []func(string, store.Options) (*store.Journal, error){store.OpenJournalReadOnly, store.OpenJournal} {
			j, err := open(journalDir, store.Options{FS: after})
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			for n := range j.Len() {
				for e, err := range j.Read(n, n+1) {
					if err != nil || !bytes.Equal(e, want[n]) {
						t.Fatalf("seed %d: entry %d reads as %.40q, %v", seed, n, e, err)
					}
				}
			}
		}
	}
}

func entriesOf(t *testing.T, d *storetest.Disk) [][]byte {
	t.Helper()
	j, err := store.OpenJournalReadOnly(journalDir, store.Options{FS: d})
	if err != nil {
		t.Fatal(err)
	}
	out, err := readAll(j)
	if err != nil {
		t.Fatal(fmt.Errorf("reading what is to be compared with: %w", err))
	}
	return out
}
