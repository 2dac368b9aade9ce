package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"syscall"
	"testing"

	"pgregory.net/rapid"

	"entente/internal/store"
	"entente/internal/store/storetest"
)

func openLog(t interface {
	Helper()
	Fatal(...any)
}, d *storetest.Disk) *store.Log {
	t.Helper()
	l, err := store.OpenLog("/n/local", store.Options{FS: d})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func records(l *store.Log, from int64) ([][]byte, error) {
	var out [][]byte
	for rec, err := range l.Records(from) {
		if err != nil {
			return out, err
		}
		out = append(out, rec)
	}
	return out, nil
}

func TestLogKeepsRecordsInOrder(t *testing.T) {
	d := storetest.NewDisk()
	l := openLog(t, d)
	for i := range 10 {
		first, err := l.Append(fmt.Appendf(nil, "a%d", i), nil, fmt.Appendf(nil, "b%d", i))
		if err != nil || first != int64(3*i) {
			t.Fatalf("Append = %d, %v", first, err)
		}
	}
	check := func(l *store.Log) {
		t.Helper()
		recs, err := records(l, 27)
		if err != nil || len(recs) != 3 || string(recs[0]) != "a9" || len(recs[1]) != 0 || string(recs[2]) != "b9" {
			t.Fatalf("Records(27) = %q, %v", recs, err)
		}
		if recs, err := records(l, 30); err != nil || len(recs) != 0 {
			t.Fatalf("Records(30) = %q, %v", recs, err)
		}
		if rec, err := l.Record(3); err != nil || string(rec) != "a1" {
			t.Fatalf("Record(3) = %q, %v", rec, err)
		}
		if rep, err := l.Verify(context.Background()); err != nil || rep.Entries != 30 || rep.Checkpoints != 10 {
			t.Fatalf("Verify = %+v, %v", rep, err)
		}
	}
	check(l)
	ro, err := store.OpenLogReadOnly("/n/local", store.Options{FS: d})
	if err != nil {
		t.Fatal(err)
	}
	check(ro)
	if _, err := ro.Append([]byte("x")); !errors.Is(err, store.ErrReadOnly) {
		t.Fatalf("Append to a read-only log: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append([]byte("x")); err == nil {
		t.Fatal("a closed log takes a record")
	}
	check(openLog(t, d))
	if _, err := openLog(t, storetest.NewDisk()).Record(0); err == nil {
		t.Fatal("an empty log has a record")
	}
}

// A full disk refuses the batch, keeps what was there, and takes batches again
// when there is room.
func TestLogFullDisk(t *testing.T) {
	for capacity := int64(1); capacity < 1200; capacity += 7 {
		d := storetest.NewDisk()
		l := openLog(t, d)
		var kept [][]byte
		d.Capacity = capacity
		for i := range 8 {
			rec := bytes.Repeat([]byte{byte('a' + i)}, 40)
			if _, err := l.Append(rec); err == nil {
				kept = append(kept, rec)
			} else if !errors.Is(err, syscall.ENOSPC) {
				t.Fatalf("capacity %d: %v", capacity, err)
			}
		}
		d.Capacity = 0
		if _, err := l.Append([]byte("room")); err != nil {
			t.Fatalf("capacity %d: with room again: %v", capacity, err)
		}
		kept = append(kept, []byte("room"))
		again := openLog(t, d.Clone())
		got, err := records(again, 0)
		if err != nil || !equal(got, kept) {
			t.Fatalf("capacity %d: %q, %v; want %q", capacity, got, err, kept)
		}
		if _, err := again.Verify(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
}

// Every operation of the disk fails once; afterwards the log holds what was
// acknowledged, and perhaps the batch in flight, whole.
func TestLogEveryOperationFails(t *testing.T) {
	for _, torn := range []bool{false, true} {
		for fail := 0; ; fail++ {
			d := storetest.NewDisk()
			hit := false
			d.Fault = func(op, _ string, n int) error {
				if n != fail {
					return nil
				}
				hit = true
				if torn && op == "write" {
					return &storetest.Torn{Bytes: 17}
				}
				return syscall.EIO
			}
			acknowledged := [][]byte{}
			var tried []byte
			l, err := store.OpenLog("/n/local", store.Options{FS: d})
			for i := 0; err == nil && i < 5; i++ {
				tried = fmt.Appendf(nil, "record %d", i)
				if _, err = l.Append(tried); err == nil {
					acknowledged = append(acknowledged, tried)
				}
			}
			if err == nil {
				err = l.Close()
			}
			if err != nil && !hit {
				t.Fatal(err)
			}
			for seed := range uint64(20) {
				r := rand.New(rand.NewPCG(uint64(fail), seed))
				after := d.Crash(r.IntN)
				again, err := store.OpenLog("/n/local", store.Options{FS: after})
				if err != nil {
					t.Fatalf("operation %d failed (torn %v), then power was lost: %v", fail, torn, err)
				}
				got, err := records(again, 0)
				if err != nil || !equal(got, acknowledged) && !equal(got, append(acknowledged[:len(acknowledged):len(acknowledged)], tried)) {
					t.Fatalf("operation %d failed (torn %v): %q, %v; acknowledged %q", fail, torn, got, err, acknowledged)
				}
				if _, err := again.Append([]byte("more")); err != nil {
					t.Fatal(err)
				}
				if _, err := again.Verify(context.Background()); err != nil {
					t.Fatal(err)
				}
			}
			if !hit {
				break
			}
		}
	}
}

func equal(a, b [][]byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

// Any history of appends, power losses, kills and failing operations loses
// nothing acknowledged and never shows half a batch.
func TestLogCrashHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pick := func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "pick") }
		d := storetest.NewDisk()
		l := openLog(t, d)
		var kept [][]byte
		next := 0
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			var batch [][]byte
			for range rapid.IntRange(1, 4).Draw(t, "batch") {
				batch = append(batch, bytes.Repeat(fmt.Appendf(nil, "%d ", next), rapid.IntRange(0, 400).Draw(t, "length")))
				next++
			}
			fail := -1
			if rapid.Bool().Draw(t, "fails") {
				fail = d.Ops() + rapid.IntRange(0, 9).Draw(t, "at")
			}
			d.Fault = func(op, _ string, n int) error {
				if n >= fail && fail >= 0 {
					if op == "write" && n == fail {
						return &storetest.Torn{Bytes: pick(600)}
					}
					return syscall.EIO
				}
				return nil
			}
			_, err := l.Append(batch...)
			whole := append(kept[:len(kept):len(kept)], batch...)
			if err == nil {
				kept = whole
			}
			d.Fault = nil
			switch rapid.IntRange(0, 2).Draw(t, "then") {
			case 0:
				d = d.Crash(pick)
			case 1:
				d = d.Clone()
			default:
				if err == nil {
					continue
				}
				d = d.Clone()
			}
			l = openLog(t, d)
			got, err := records(l, 0)
			if err != nil {
				t.Fatal(err)
			}
			if !equal(got, kept) && !equal(got, whole) {
				t.Fatalf("got %d records, want %d or %d", len(got), len(kept), len(whole))
			}
			kept = got
		}
		if _, err := l.Verify(context.Background()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestLogMissingFolderReadOnly(t *testing.T) {
	if _, err := store.OpenLogReadOnly("/n/local", store.Options{FS: storetest.NewDisk()}); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("reading a log that is not there: %v", err)
	}
}
