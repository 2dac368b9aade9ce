package journal_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"testing"

	"entente/journal"

	"github.com/klauspost/compress/zstd"
)

// rleFrame is the smallest zstd frame (RFC 8878 section 3.1.1) of n times one byte that
// says how long it is: a single segment of one RLE block.
func rleFrame(n uint8, b byte) []byte {
	block := uint32(n)<<3 | 1<<1 | 1 // its size, of type RLE, the last one
	return []byte{0x28, 0xb5, 0x2f, 0xfd, 0x20, n, byte(block), byte(block >> 8), byte(block >> 16), b}
}

// allocated is how many bytes f allocates, freed or not.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// A payload of very many small frames is opened in work that grows with its size, not
// with the square of it, and is what it says.
func TestPayloadOfManyFrames(t *testing.T) {
	salt := [32]byte{4}
	for _, frames := range []int{1, 10, 4000, 60000} {
		compressed := bytes.Repeat(rleFrame(255, 'x'), frames)
		var plain []byte
		var err error
		used := allocated(func() { plain, err = journal.OpenPayload(committed(salt, compressed), salt, compressed, 0) })
		ok(t, err)
		if len(plain) != 255*frames || bytes.Count(plain, []byte("x")) != len(plain) {
			t.Fatalf("%d frames: %d bytes", frames, len(plain))
		}
		if most := uint64(24 << 20); used > most {
			t.Errorf("%d frames of %d bytes: %d bytes were allocated, %d at most", frames, len(plain), used, most)
		}
	}
}

// Whatever a payload beyond the bounds is made of, what is allocated for it is bounded.
func TestPayloadBeyondTheBoundsIsCheap(t *testing.T) {
	salt := [32]byte{5}
	const room = 64 << 20                    // twice MaxPlain, a window, and the decoder itself
	window := func(descriptor byte) []byte { // a frame without content size, of any window
		return []byte{0x28, 0xb5, 0x2f, 0xfd, 0, descriptor, 1<<3 | 1, 0, 0, 'x'}
	}
	announces := func(n uint64) []byte { // content of n bytes, in a frame of one byte
		b := append([]byte{0x28, 0xb5, 0x2f, 0xfd, 0xe0}, binary.LittleEndian.AppendUint64(nil, n)...)
		return append(b, 1<<3|1, 0, 0, 'x')
	}
	skip := func(n uint32) []byte {
		return append([]byte{0x50, 0x2a, 0x4d, 0x18}, binary.LittleEndian.AppendUint32(nil, n)...)
	}
	endless := append([]byte{0x28, 0xb5, 0x2f, 0xfd, 0, 0x58}, bytes.Repeat([]byte{2, 0, 0x10, 'x'}, 200)...) // RLE blocks of 128 KiB without a last one
	one := rleFrame(255, 'x')
	for name, c := range map[string]struct {
		data []byte
		want error
	}{
		"a window of 16 MiB":                  {window(14 << 3), journal.ErrPayloadTooLarge},
		"a window of 3.75 TiB":                {window(0xff), journal.ErrPayloadTooLarge},
		"the same behind a good frame":        {append(bytes.Clone(one), window(0xff)...), journal.ErrPayloadTooLarge},
		"an announced EiB":                    {announces(1 << 60), journal.ErrPayloadTooLarge},
		"an announced EiB behind a good one":  {append(bytes.Clone(one), announces(1<<60)...), journal.ErrPayloadTooLarge},
		"16 MiB announced, one byte there":    {announces(1 << 20), journal.ErrPayloadDamaged},
		"a frame without end":                 {endless, journal.ErrPayloadTooLarge},
		"a frame without end behind another":  {append(bytes.Clone(one), endless...), journal.ErrPayloadTooLarge},
		"a million frames too many":           {bytes.Repeat(one, 1<<20), journal.ErrPayloadTooLarge},
		"skippable frames behind a good one":  {append(bytes.Clone(one), bytes.Repeat(skip(0), 1<<20)...), nil},
		"a skippable frame longer than there": {append(bytes.Clone(one), skip(1<<31)...), journal.ErrPayloadDamaged},
		"another format's dictionary":         {[]byte{0x37, 0xa4, 0x30, 0xec, 1, 0, 0, 0}, journal.ErrPayloadDamaged},
	} {
		var err error
		used := allocated(func() { _, err = journal.OpenPayload(committed(salt, c.data), salt, c.data, 0) })
		if c.want == nil {
			ok(t, err)
		} else {
			wantIs(t, err, c.want)
		}
		if used > room {
			t.Errorf("%s: %d bytes were allocated", name, used)
		}
	}
}

// Frames of any kind one behind the other are their contents one behind the other,
// whether they say how long they are or not.
func TestPayloadFramesAreJoined(t *testing.T) {
	salt := [32]byte{6}
	r := rand.New(rand.NewPCG(1, 9))
	whole, err := zstd.NewWriter(nil, zstd.WithZeroFrames(true))
	ok(t, err)
	for range 300 {
		var compressed, want []byte
		for range 1 + r.IntN(6) {
			part := bytes.Repeat([]byte{byte(r.IntN(4)), byte(r.IntN(256))}, r.IntN(1<<r.IntN(19)))
			want = append(want, part...)
			if r.IntN(2) == 0 {
				compressed = whole.EncodeAll(part, compressed)
				continue
			}
			var b bytes.Buffer
			w, err := zstd.NewWriter(&b, zstd.WithWindowSize(1<<20), zstd.WithZeroFrames(true))
			ok(t, err)
			_, err = w.Write(part)
			ok(t, err)
			ok(t, w.Flush())
			ok(t, w.Close())
			compressed = append(compressed, b.Bytes()...)
		}
		got, err := journal.OpenPayload(committed(salt, compressed), salt, compressed, 0)
		if len(want) > 1<<20+1000*len(compressed) {
			wantIs(t, err, journal.ErrPayloadTooLarge)
			continue
		}
		ok(t, err)
		if !bytes.Equal(got, want) {
			t.Fatalf("%d bytes, want %d", len(got), len(want))
		}
		if _, err := journal.OpenPayload(committed(salt, compressed), salt, compressed, int64(len(want))-1); len(want) > 0 {
			wantIs(t, err, journal.ErrPayloadTooLarge)
		}
	}
}
