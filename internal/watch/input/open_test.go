package input

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"
	"unicode/utf16"
)

// asUTF16 is a text with a mark of the order of bytes.
func asUTF16(text string, order binary.AppendByteOrder) string {
	var b []byte
	for _, u := range append([]uint16{0xfeff}, utf16.Encode([]rune(text))...) {
		b = order.AppendUint16(b, u)
	}
	return string(b)
}

// TestMorePacked: bzip2 and xz, each of two streams as their tools write them, and UTF-16 in both orders, are read; what only begins like them is
// text.
func TestMorePacked(t *testing.T) {
	b := newBench(t)
	for name, as := range map[string]string{"lines.bz2": "a", "lines.xz": "b"} {
		packed, err := os.ReadFile(filepath.Join("testdata", "packed", name))
		if err != nil {
			t.Fatal(err)
		}
		b.write(as, string(packed))
		b.write(as+"broken", string(packed[:len(packed)/4]))
	}
	b.write("c", asUTF16(lines(40, 50), binary.LittleEndian))
	b.write("d", asUTF16(lines(50, 60), binary.BigEndian))
	b.once(false, b.path("a"), b.path("b"), b.path("c"), b.path("d"))
	b.has("packed", 60)
	if len(b.problems) > 0 {
		t.Errorf("%q", b.problems)
	}
	b.once(false, b.path("abroken"), b.path("bbroken"))
	if len(b.problems) != 2 || slices.Contains(b.problems, "") {
		t.Errorf("%q", b.problems)
	}
	for _, text := range []string{"BZh9 is how bzip2 begins", "BZ", "\xfd7z", "\xff", ""} {
		in, packed, closing, err := unpacked(bufio.NewReader(bytes.NewReader([]byte(text))))
		if err != nil || packed {
			t.Fatalf("%q: %v, %v", text, packed, err)
		}
		got, err := io.ReadAll(in)
		closing()
		if err != nil || string(got) != text {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

// TestSkippedFrames: zstd that begins with a frame to be skipped, as pzstd writes it, is zstd; where nothing of zstd follows that is told.
func TestSkippedFrames(t *testing.T) {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	skipped := []byte{0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 9, 0, 0, 0}
	packed := append(bytes.Clone(skipped), w.EncodeAll([]byte("one\n"), nil)...)
	packed = append(append(packed, skipped...), w.EncodeAll([]byte("two\n"), nil)...)
	if got, err := Lines(packed); err != nil || string(got) != "one\ntwo\n" {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := Lines(append(bytes.Clone(skipped), "no frame of zstd"...)); err == nil {
		t.Errorf("%q", got)
	}
}

// TestXZAsksForTooMuch: a stream of xz that asks for 4 GiB of memory is refused.
func TestXZAsksForTooMuch(t *testing.T) {
	packed, err := os.ReadFile(filepath.Join("testdata", "packed", "lines.xz"))
	if err != nil {
		t.Fatal(err)
	}
	block := packed[12 : 12+(int(packed[12])+1)*4]
	i := bytes.Index(block, []byte{0x21, 1}) // LZMA2, and one byte of properties
	if i < 0 {
		t.Fatalf("no LZMA2 in % x", block)
	}
	block[i+2] = 40
	binary.LittleEndian.PutUint32(block[len(block)-4:], crc32.ChecksumIEEE(block[:len(block)-4]))
	in, _, closing, err := unpacked(bufio.NewReader(bytes.NewReader(packed)))
	if err == nil {
		defer closing()
		_, err = io.ReadAll(in)
	}
	if err == nil {
		t.Error("it was read")
	}
}

// FuzzUnpacked: whatever a stream begins with, reading it ends.
func FuzzUnpacked(f *testing.F) {
	for _, name := range []string{"lines.bz2", "lines.xz"} {
		packed, err := os.ReadFile(filepath.Join("testdata", "packed", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packed)
	}
	f.Add([]byte(asUTF16(line(1), binary.LittleEndian)))
	f.Add([]byte("\x1f\x8b\x08"))
	f.Add([]byte("\x28\xb5\x2f\xfd\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		in, packed, closing, err := unpacked(bufio.NewReader(bytes.NewReader(data)))
		if err != nil {
			return
		}
		defer closing()
		got, err := io.ReadAll(io.LimitReader(in, 1<<20))
		if !packed && (err != nil || !bytes.Equal(got, data)) {
			t.Errorf("plain text was changed: %v", err)
		}
	})
}
