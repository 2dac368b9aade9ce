package journal_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/zstd"

	"entente/journal"
)

func TestBindingPayloadCommitment(t *testing.T) {
	salt := [32]byte{1}
	for _, plain := range [][]byte{nil, []byte("x"), bytes.Repeat([]byte("indicator "), 50000)} {
		c, ref, err := journal.SealPayload(salt, plain)
		ok(t, err)
		got, err := journal.OpenPayload(ref, salt, c, 0)
		ok(t, err)
		if !bytes.Equal(got, plain) {
			t.Fatal("the payload came back changed")
		}
		if ref.Commitment != journal.Commit(salt, c) || ref.Size != int64(len(c)) {
			t.Fatalf("reference %+v", ref)
		}
		// Without the salt nobody can test a guess.
		_, err = journal.OpenPayload(ref, [32]byte{2}, c, 0)
		wantIs(t, err, journal.ErrCommitment)
		for i := range c {
			if i > 200 {
				break
			}
			bad := bytes.Clone(c)
			bad[i] ^= 1
			_, err = journal.OpenPayload(ref, salt, bad, 0)
			wantIs(t, err, journal.ErrCommitment)
		}
		ref.Size++
		_, err = journal.OpenPayload(ref, salt, c, 0)
		wantIs(t, err, journal.ErrCommitment)
	}
}

// committed makes a reference to any bytes, as a hostile sender would.
func committed(salt [32]byte, b []byte) journal.PayloadRef {
	return journal.PayloadRef{Commitment: journal.Commit(salt, b), Size: int64(len(b))}
}

func TestBindingPayloadIsCheckedBeforeItIsDecompressed(t *testing.T) {
	salt := [32]byte{3}
	enc, err := zstd.NewWriter(nil, zstd.WithWindowSize(1<<20))
	ok(t, err)
	bomb := enc.EncodeAll(make([]byte, 200<<20), nil)
	_, err = journal.OpenPayload(journal.PayloadRef{Size: int64(len(bomb))}, salt, bomb, 0)
	wantIs(t, err, journal.ErrCommitment)
	_, err = journal.OpenPayload(committed(salt, bomb), salt, bomb, 0)
	wantIs(t, err, journal.ErrPayloadTooLarge)
	// The same without an announced size, in many small frames, and in skippable ones.
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, zstd.WithWindowSize(1<<20))
	ok(t, err)
	_, err = w.Write(make([]byte, 100<<20))
	ok(t, err)
	ok(t, w.Close())
	_, err = journal.OpenPayload(committed(salt, b.Bytes()), salt, b.Bytes(), 0)
	wantIs(t, err, journal.ErrPayloadTooLarge)
	frames := bytes.Repeat(enc.EncodeAll(make([]byte, 1<<20), nil), 100)
	_, err = journal.OpenPayload(committed(salt, frames), salt, frames, 64<<20)
	wantIs(t, err, journal.ErrPayloadTooLarge)
	skippable := append([]byte{0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0}, "skip"...)
	_, err = journal.OpenPayload(committed(salt, skippable), salt, skippable, 0)
	wantIs(t, err, journal.ErrPayloadDamaged)
	// A window larger than allowed.
	var wide bytes.Buffer
	w, err = zstd.NewWriter(&wide, zstd.WithWindowSize(64<<20))
	ok(t, err)
	src := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 1<<20)
	for i := range noise {
		noise[i] = byte(src.Uint32())
	}
	for range 9 {
		_, err = w.Write(noise)
		ok(t, err)
	}
	ok(t, w.Close())
	_, err = journal.OpenPayload(committed(salt, wide.Bytes()), salt, wide.Bytes(), 0)
	wantIs(t, err, journal.ErrPayloadTooLarge)
	// Garbage and truncation.
	good, ref, err := journal.SealPayload(salt, bytes.Repeat([]byte("abc"), 1000))
	ok(t, err)
	_, err = journal.OpenPayload(ref, salt, good, 2999)
	wantIs(t, err, journal.ErrPayloadTooLarge)
	for _, bad := range [][]byte{{}, {1, 2, 3}, good[:len(good)-1], append(bytes.Clone(good), 7)} {
		_, err = journal.OpenPayload(committed(salt, bad), salt, bad, 0)
		wantIs(t, err, journal.ErrPayloadDamaged)
	}
	// Too large to be sent at all.
	big := bytes.Clone(noise)
	for len(big) < 17<<20 {
		for i := range noise {
			noise[i] = byte(src.Uint32())
		}
		big = append(big, noise...)
	}
	_, _, err = journal.SealPayload(salt, big)
	wantIs(t, err, journal.ErrPayloadTooLarge)
}

// TestPayloadsThatCompressWell opens what is sealed, however little is left of it: disks are nearly all
// zeros.
func TestPayloadsThatCompressWell(t *testing.T) {
	var salt [32]byte
	for _, fill := range []string{"\x00", "a line that comes again and again\n"} {
		for _, n := range []int{0, 1, 255, 256, 1 << 10, 1<<20 - 1, 1 << 20, 1<<20 + 1, 1<<20 + 100_000, 2 << 20, journal.MaxPlain} {
			plain := bytes.Repeat([]byte(fill), n/len(fill)+1)[:n]
			data, ref, err := journal.SealPayload(salt, plain)
			if err != nil {
				t.Fatalf("%d bytes: %v", n, err)
			}
			got, err := journal.OpenPayload(ref, salt, data, 0)
			if err != nil || !bytes.Equal(got, plain) {
				t.Errorf("%d bytes of %.10q, %d sealed: %d come out, %v", n, fill, len(data), len(got), err)
			}
			if len(data) > n/900+1<<10 {
				t.Errorf("%d bytes of %.10q become %d", n, fill, len(data))
			}
		}
	}
}
