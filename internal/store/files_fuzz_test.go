package store_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"entente/internal/store"
	"entente/internal/store/storetest"
	"entente/journal"
)

// FuzzHighWater reads any bytes as a high-water mark. A mark is read exactly or not
// at all, and never goes down.
func FuzzHighWater(f *testing.F) {
	o := journal.Origin("entente/" + strings.Repeat("ab", 32))
	root := journal.Hash{1}
	text := func(size int64) []byte { return fmt.Appendf(nil, "%s\n%d\n%s\n", o, size, root) }
	f.Add(text(7), int64(8))
	f.Add(text(7), int64(7))
	f.Add(text(0), int64(1))
	f.Add(text(7)[:20], int64(1))
	f.Add([]byte{}, int64(5))
	f.Add(fmt.Appendf(nil, "%s\n007\n%s\n", o, root), int64(9))
	f.Add(fmt.Appendf(nil, "%s\n7\n%s\n\nmore", o, root), int64(9))
	f.Fuzz(func(t *testing.T, content []byte, next int64) {
		d := storetest.NewDisk()
		d.Set("/n/marks/"+strings.TrimPrefix(string(o), "entente/"), append([]byte{}, content...))
		h, err := store.OpenHighWater("/n/marks", store.Options{FS: d})
		if err != nil {
			t.Fatal(err)
		}
		mark, ok, err := h.Get(o)
		if err != nil {
			if ok || !errors.Is(err, store.ErrDamaged) && len(content) <= 4<<10 {
				t.Fatalf("%q: %v, %v", content, ok, err)
			}
			if h.Raise(o, journal.Head{Size: 1 << 40, Root: root}) == nil {
				t.Fatal("a mark that cannot be read was written over")
			}
			return
		}
		if want := fmt.Sprintf("%s\n%d\n%s\n", o, mark.Size, mark.Root); !ok || mark.Size < 0 || !strings.HasPrefix(string(content), want) {
			t.Fatalf("%q is read as %v", content, mark)
		}
		raised := h.Raise(o, journal.Head{Size: next, Root: journal.Hash{2}})
		if (raised == nil) != (next > mark.Size) {
			t.Fatalf("from %v to %d: %v", mark, next, raised)
		}
		again, err := store.OpenHighWater("/n/marks", store.Options{FS: d})
		if err != nil {
			t.Fatal(err)
		}
		if got, ok, err := again.Get(o); err != nil || !ok || got.Size != max(mark.Size, next) {
			t.Fatalf("raised from %v to %d, and read as %v: %v", mark, next, got, err)
		}
	})
}

// FuzzPayloadFile reads any bytes as the file of a payload. What comes out is what
// was committed to.
func FuzzPayloadFile(f *testing.F) {
	one := payload(1, 20)
	good := append(one.Salt[:], one.Data...)
	f.Add(good)
	f.Add(good[:31])
	f.Add(append(bytes.Clone(good), 0))
	f.Add([]byte{})
	f.Add([]byte("entente/sealed/v1\n\x00\x00\x00\x00\x00\x00\x00\x14age-encryption.org/v1\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		d := storetest.NewDisk()
		name := hex.EncodeToString(one.Commitment[:])
		if err := d.MkdirAll("/n/payloads/"+name[:2], 0o700); err != nil {
			t.Fatal(err)
		}
		d.Set("/n/payloads/"+name[:2]+"/"+name, append([]byte{}, content...))
		p := openPayloads(t, d)
		salt, data, err := p.Get(one.Commitment)
		switch {
		case err == nil && journal.Commit(salt, data) != one.Commitment:
			t.Fatal("something else came out")
		case err == nil && p.Verify(context.Background()) != nil:
			t.Fatal("it is read, and does not verify")
		case err != nil && (!errors.Is(err, store.ErrDamaged) && !errors.Is(err, store.ErrSealed) || bytes.Equal(content, good)):
			t.Fatal(err)
		case err != nil && p.Verify(context.Background()) == nil:
			t.Fatal("it cannot be read, and verifies")
		}
	})
}

// FuzzLogFiles opens a local log whose files have any bytes. What opens and verifies
// can be read to the end and written on, and what was read comes back.
func FuzzLogFiles(f *testing.F) {
	d := storetest.NewDisk()
	l, err := store.OpenLog("/n/local.log", store.Options{FS: d})
	if err != nil {
		f.Fatal(err)
	}
	for i := range 3 {
		if _, err := l.Append(entry(i, i), entry(i+10, 2)); err != nil {
			f.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		f.Fatal(err)
	}
	get := func(name string) []byte { return d.Content("/n/local.log/" + name) }
	f.Add(get("log"), get("head"), get("index"), get("points"), get("derived"))
	f.Add(get("log")[:60], get("head"), []byte{}, []byte{}, []byte{})
	f.Add(get("log"), []byte{}, []byte{}, []byte{}, []byte{})
	f.Add(append(get("log"), get("log")...), get("head"), []byte{}, []byte{}, []byte{})
	f.Fuzz(func(t *testing.T, log, head, index, points, derived []byte) {
		d := storetest.NewDisk()
		for name, content := range map[string][]byte{"log": log, "head": head, "index": index, "points": points, "derived": derived} {
			d.Set("/n/local.log/"+name, append([]byte{}, content...))
		}
		read := func(l *store.Log) (out [][]byte, err error) {
			for r, rerr := range l.Records(0) {
				if rerr != nil {
					return out, rerr
				}
				out = append(out, bytes.Clone(r))
			}
			return out, nil
		}
		l, err := store.OpenLog("/n/local.log", store.Options{FS: d})
		if err != nil {
			return
		}
		if _, err := l.Verify(context.Background()); err != nil {
			return
		}
		before, err := read(l)
		if err != nil || int64(len(before)) != l.Len() {
			t.Fatalf("%d records of %d: %v", len(before), l.Len(), err)
		}
		if first, err := l.Append([]byte("next")); err != nil || first != int64(len(before)) {
			t.Fatalf("appended at %d of %d: %v", first, len(before), err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if l, err = store.OpenLog("/n/local.log", store.Options{FS: d.Crash(func(int) int { return 0 })}); err != nil {
			t.Fatal(err)
		}
		after, err := read(l)
		if err != nil || len(after) != len(before)+1 {
			t.Fatalf("%d records were %d: %v", len(before), len(after), err)
		}
		for i := range before {
			if !bytes.Equal(before[i], after[i]) {
				t.Fatalf("record %d has changed", i)
			}
		}
	})
}
