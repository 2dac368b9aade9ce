package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"filippo.io/age"

	"entente/internal/store"
	"entente/internal/store/storetest"
	"entente/journal"
)

// ageSealer is what a node gives the store.
type ageSealer struct {
	to  *age.HybridRecipient
	key *age.HybridIdentity // nil: it is elsewhere
}

func (s ageSealer) Seal(w io.Writer) (io.WriteCloser, error) { return age.Encrypt(w, s.to) }

func (s ageSealer) Open(r io.Reader) (io.Reader, error) {
	if s.key == nil {
		return nil, store.ErrSealed
	}
	out, err := age.Decrypt(r, s.key)
	if none := (*age.NoIdentityMatchError)(nil); errors.As(err, &none) {
		err = fmt.Errorf("%w: %w", store.ErrSealed, err)
	}
	return out, err
}

func newSealer(t testing.TB) ageSealer {
	t.Helper()
	key, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return ageSealer{key.Recipient(), key}
}

func sealedPayloads(t *testing.T, d *storetest.Disk, s store.Sealer) *store.Payloads {
	t.Helper()
	p, err := store.OpenPayloads("/n/payloads", store.Options{FS: d, Sealer: s})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestSealedPayload: what is put sealed does not lie readable on the disk, is what it was with the key, and without it is
// refused by name; its size is known all the same.
func TestSealedPayload(t *testing.T) {
	d, s := storetest.NewDisk(), newSealer(t)
	p := sealedPayloads(t, d, s)
	one, open := payload(1, 300_000), payload(2, 300)
	one.Sealed = true
	if err := p.Put(one, open); err != nil {
		t.Fatal(err)
	}
	for _, name := range d.Names() {
		if c := d.Content(name); bytes.Contains(c, one.Data[:64]) || bytes.Contains(c, one.Salt[:]) {
			t.Errorf("%s holds it readable", name)
		}
	}
	for what, sealer := range map[string]store.Sealer{"with its key": s, "without a key": ageSealer{to: s.to}, "with another key": newSealer(t), "without a sealer": nil} {
		q := sealedPayloads(t, d, sealer)
		salt, data, err := q.Get(one.Commitment)
		if what == "with its key" {
			if err != nil || salt != one.Salt || !bytes.Equal(data, one.Data) {
				t.Errorf("%s: %v", what, err)
			}
			if err := q.Verify(context.Background()); err != nil {
				t.Error(err)
			}
		} else if !errors.Is(err, store.ErrSealed) || errors.Is(err, store.ErrDamaged) {
			t.Errorf("%s: %v", what, err)
		}
		if size, held, err := q.Size(one.Commitment); size != int64(len(one.Data)) || !held || err != nil {
			t.Errorf("%s: %d bytes, %v, %v", what, size, held, err)
		}
		if _, data, err := q.Get(open.Commitment); err != nil || !bytes.Equal(data, open.Data) {
			t.Errorf("%s, a payload that is not sealed: %v", what, err)
		}
		if n := len(listed(t, q)); n != 2 {
			t.Errorf("%s: %d payloads", what, n)
		}
	}
	if err := sealedPayloads(t, storetest.NewDisk(), nil).Put(one); !errors.Is(err, store.ErrSealed) {
		t.Errorf("sealed without a key to seal to: %v", err)
	}
}

// ringSealer opens with two keys and seals to the second.
type ringSealer struct{ old, now ageSealer }

func (s ringSealer) Seal(w io.Writer) (io.WriteCloser, error) { return s.now.Seal(w) }

func (s ringSealer) Open(r io.Reader) (io.Reader, error) {
	return age.Decrypt(r, s.now.key, s.old.key)
}

// TestReseal: what lies sealed is sealed anew to the key of now, what lies open stays open, and what is not here is nothing to do.
func TestReseal(t *testing.T) {
	d, old, now := storetest.NewDisk(), newSealer(t), newSealer(t)
	one, open := payload(1, 300_000), payload(2, 300)
	one.Sealed = true
	if err := sealedPayloads(t, d, old).Put(one, open); err != nil {
		t.Fatal(err)
	}
	if _, err := sealedPayloads(t, d, now).Reseal(one.Commitment); !errors.Is(err, store.ErrSealed) {
		t.Errorf("without the key of before: %v", err)
	}
	p := sealedPayloads(t, d, ringSealer{old, now})
	for c, want := range map[journal.Hash]bool{one.Commitment: true, open.Commitment: false, {1}: false} {
		if done, err := p.Reseal(c); err != nil || done != want {
			t.Errorf("%s: %v, %v", c, done, err)
		}
	}
	if _, _, err := sealedPayloads(t, d, old).Get(one.Commitment); !errors.Is(err, store.ErrSealed) {
		t.Errorf("the key of before opens it: %v", err)
	}
	q := sealedPayloads(t, d, now)
	if salt, data, err := q.Get(one.Commitment); err != nil || salt != one.Salt || !bytes.Equal(data, one.Data) {
		t.Errorf("the key of now: %v", err)
	}
	if err := q.Verify(context.Background()); err != nil {
		t.Error(err)
	}
}

// TestSealedPayloadDamaged: every changed byte of a sealed payload shows, and so does a cut.
func TestSealedPayloadDamaged(t *testing.T) {
	d, s := storetest.NewDisk(), newSealer(t)
	p := sealedPayloads(t, d, s)
	one := payload(1, 100)
	one.Sealed = true
	if err := p.Put(one); err != nil {
		t.Fatal(err)
	}
	name := ""
	for _, n := range d.Names() {
		name = n
	}
	good := bytes.Clone(d.Content(name))
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		d.Set(name, bad)
		if _, _, err := p.Get(one.Commitment); err == nil {
			t.Fatalf("byte %d changed, and it was read", i)
		}
	}
	for _, n := range []int{0, 10, len(good) / 2, len(good) - 1} {
		d.Set(name, good[:n])
		if _, _, err := p.Get(one.Commitment); err == nil {
			t.Fatalf("cut to %d bytes, and it was read", n)
		}
	}
	d.Set(name, append(bytes.Clone(good), 0))
	if _, _, err := p.Get(one.Commitment); err == nil {
		t.Error("a byte was added, and it was read")
	}
}

// TestSaltLikeASeal: who writes an entry chooses the salt. One that looks like a sealed file is kept like any other.
func TestSaltLikeASeal(t *testing.T) {
	d := storetest.NewDisk()
	one := payload(1, 100)
	copy(one.Salt[:], "entente/sealed/v1\n")
	one.Commitment = journal.Commit(one.Salt, one.Data)
	p := sealedPayloads(t, d, newSealer(t))
	if err := p.Put(one); err != nil {
		t.Fatal(err)
	}
	if salt, data, err := p.Get(one.Commitment); err != nil || salt != one.Salt || !bytes.Equal(data, one.Data) {
		t.Error(err)
	}
}

// TestSealedPayloadDestroyed: a sealed payload is destroyed like any other.
func TestSealedPayloadDestroyed(t *testing.T) {
	d, s := storetest.NewDisk(), newSealer(t)
	p := sealedPayloads(t, d, s)
	one := payload(1, 100_000)
	one.Sealed = true
	if err := p.Put(one); err != nil {
		t.Fatal(err)
	}
	if err := p.Destroy(one.Commitment); err != nil {
		t.Fatal(err)
	}
	if n := len(listed(t, p)); n != 0 {
		t.Errorf("%d payloads are left", n)
	}
	if _, _, err := p.Get(one.Commitment); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
}
