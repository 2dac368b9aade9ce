package store_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"

	"entente/internal/store"
	"entente/internal/store/storetest"
	"entente/journal"
)

func payload(n byte, size int) store.Payload {
	p := store.Payload{Data: bytes.Repeat([]byte{n}, size)}
	for i := range p.Salt {
		p.Salt[i] = n ^ byte(i)
	}
	p.Commitment = journal.Commit(p.Salt, p.Data)
	return p
}

func openPayloads(t *testing.T, d *storetest.Disk) *store.Payloads {
	t.Helper()
	p, err := store.OpenPayloads("/n/payloads", store.Options{FS: d})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func listed(t *testing.T, p *store.Payloads) map[journal.Hash]bool {
	t.Helper()
	out := map[journal.Hash]bool{}
	last := ""
	for c, err := range p.List() {
		if err != nil {
			t.Fatal(err)
		}
		if h := hex.EncodeToString(c[:]); h <= last {
			t.Fatal("List is not ascending")
		} else {
			last = h
		}
		out[c] = true
	}
	return out
}

func TestPayloads(t *testing.T) {
	d := storetest.NewDisk()
	p := openPayloads(t, d)
	var all []store.Payload
	for i := range 50 {
		all = append(all, payload(byte(i), i*100))
	}
	if err := p.Put(all...); err != nil {
		t.Fatal(err)
	}
	if err := p.Put(all[3]); err != nil {
		t.Fatal("putting one again:", err)
	}
	d = d.Crash(func(int) int { return 0 }) // nothing but what is synced
	p = openPayloads(t, d)
	for _, one := range all {
		salt, data, err := p.Get(one.Commitment)
		if err != nil || salt != one.Salt || !bytes.Equal(data, one.Data) {
			t.Fatal(salt, data, err)
		}
	}
	if got := listed(t, p); len(got) != 50 {
		t.Fatalf("%d listed", len(got))
	}
	gone := all[7].Commitment
	if err := p.Destroy(gone, gone, payload(99, 1).Commitment); err != nil {
		t.Fatal(err)
	}
	p = openPayloads(t, d.Crash(func(int) int { return 0 }))
	if _, _, err := p.Get(gone); !errors.Is(err, store.ErrNotFound) {
		t.Fatal(err)
	}
	if ok, err := p.Has(gone); ok || err != nil {
		t.Fatal(ok, err)
	}
	if ok, err := p.Has(all[8].Commitment); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if err := p.Verify(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := listed(t, p); len(got) != 49 || got[gone] {
		t.Fatalf("%d listed", len(got))
	}
}

func TestPayloadsRefuseWhatDoesNotMatch(t *testing.T) {
	p := openPayloads(t, storetest.NewDisk())
	one := payload(1, 10)
	one.Data[0]++
	if err := p.Put(one); err == nil {
		t.Fatal("a payload that does not match its commitment was kept")
	}
	big := store.Payload{Data: make([]byte, 16<<20+1)}
	big.Commitment = journal.Commit(big.Salt, big.Data)
	if err := p.Put(big); err == nil {
		t.Fatal("a payload over the limit was kept")
	}
}

func TestPayloadsEveryByteCounts(t *testing.T) {
	d := storetest.NewDisk()
	if err := openPayloads(t, d).Put(payload(1, 20), payload(2, 20)); err != nil {
		t.Fatal(err)
	}
	for _, name := range d.Names() {
		content := d.Content(name)
		for at := range len(content) + 1 {
			c := d.Clone()
			changed := bytes.Clone(content)
			if at < len(content) {
				changed[at] ^= 4
			} else {
				changed = changed[:10]
			}
			c.Set(name, changed)
			if err := openPayloads(t, c).Verify(context.Background()); !errors.Is(err, store.ErrDamaged) {
				t.Fatalf("%s: byte %d: %v", name, at, err)
			}
		}
	}
}

// A put that fails anywhere leaves payloads that are whole or absent, and no
// rest that Destroy would miss.
func TestPayloadsEveryOperationFails(t *testing.T) {
	a, b := payload(1, 900), payload(2, 900)
	for fail := 0; ; fail++ {
		d := storetest.NewDisk()
		hit := false
		d.Fault = func(op, _ string, n int) error {
			if n != fail {
				return nil
			}
			hit = true
			if op == "write" {
				return &storetest.Torn{Bytes: 500}
			}
			return syscall.EIO
		}
		p, err := store.OpenPayloads("/n/payloads", store.Options{FS: d})
		if err == nil {
			err = p.Put(a, b)
		}
		r := rand.New(rand.NewPCG(uint64(fail), 1))
		for range 20 {
			after := d.Crash(r.IntN)
			q := openPayloads(t, after)
			if verr := q.Verify(context.Background()); verr != nil {
				t.Fatalf("operation %d: %v", fail, verr)
			}
			if err == nil && len(listed(t, q)) != 2 {
				t.Fatalf("operation %d: lost what was acknowledged", fail)
			}
			if err := q.Destroy(a.Commitment, b.Commitment); err != nil {
				t.Fatal(err)
			}
			for _, name := range after.Crash(r.IntN).Names() {
				if c := after.Content(name); bytes.Contains(c, a.Salt[:]) || bytes.Contains(c, b.Salt[:]) {
					t.Fatalf("operation %d: %s still holds a salt", fail, name)
				}
			}
		}
		if !hit {
			break
		}
	}
}

func TestHighWater(t *testing.T) {
	d := storetest.NewDisk()
	o := journal.Origin("entente/" + strings.Repeat("ab", 32))
	open := func() *store.HighWater {
		t.Helper()
		h, err := store.OpenHighWater("/elsewhere/marks", store.Options{FS: d})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	h := open()
	if _, ok, err := h.Get(o); ok || err != nil {
		t.Fatal(ok, err)
	}
	for size := int64(1); size < 5; size++ {
		if err := h.Raise(o, journal.Head{Size: size, Root: journal.Hash{byte(size)}}); err != nil {
			t.Fatal(err)
		}
		d = d.Crash(func(int) int { return 0 })
		h = open()
		if got, ok, err := h.Get(o); !ok || err != nil || got.Size != size || got.Root[0] != byte(size) {
			t.Fatal(got, ok, err)
		}
	}
	for _, head := range []journal.Head{{Size: 3}, {Size: 4, Root: journal.Hash{9}}} {
		if err := h.Raise(o, head); !errors.Is(err, store.ErrLower) {
			t.Fatal(head, err)
		}
	}
	if err := h.Raise(o, journal.Head{Size: 4, Root: journal.Hash{4}}); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []journal.Origin{"", "entente/../../etc/passwd", o + "0", "entente/" + journal.Origin(strings.Repeat("AB", 32))} {
		if err := h.Raise(bad, journal.Head{Size: 1}); err == nil {
			t.Fatalf("%q was taken as an origin", bad)
		}
	}
	name := d.Names()[0]
	content := d.Content(name)
	for at := range content {
		changed := bytes.Clone(content)
		changed[at] ^= 0x80
		d.Set(name, changed)
		if _, _, err := open().Get(o); err == nil {
			t.Fatalf("byte %d changed: the mark was believed", at)
		}
	}
}

// TestPayloadSeenIsDurable: a process is killed after a payload got its name and before
// the folder was synced. The next one sees the payload, and says so only once it would
// survive a power loss.
func TestPayloadSeenIsDurable(t *testing.T) {
	disk := storetest.NewDisk()
	disk.Fault = func(op, name string, _ int) error {
		if op == "syncdir" && strings.Contains(name, "payloads/") {
			return errors.New("killed")
		}
		return nil
	}
	ps, err := store.OpenPayloads("/u/payloads", store.Options{FS: disk})
	if err != nil {
		t.Fatal(err)
	}
	one := store.Payload{Salt: [32]byte{1}, Data: []byte("content")}
	one.Commitment = journal.Commit(one.Salt, one.Data)
	if err := ps.Put(one); err == nil {
		t.Fatal("put")
	}
	disk.Fault = nil
	if ps, err = store.OpenPayloads("/u/payloads", store.Options{FS: disk}); err != nil {
		t.Fatal(err)
	}
	there, err := ps.Has(one.Commitment)
	if err != nil || !there {
		t.Fatalf("%v, %v", there, err)
	}
	if ps, err = store.OpenPayloads("/u/payloads", store.Options{FS: disk.Crash(func(int) int { return 0 })}); err != nil {
		t.Fatal(err)
	}
	if there, err := ps.Has(one.Commitment); err != nil || !there {
		t.Errorf("it was said to be here, and is gone after a power loss: %v, %v", there, err)
	}
}
