package input

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

// inUTF16 is a text in UTF-16 without a mark.
func inUTF16(text string, order binary.AppendByteOrder) string {
	var out []byte
	for _, c := range utf16.Encode([]rune(text)) {
		out = order.AppendUint16(out, c)
	}
	return string(out)
}

// TestUTF16WithoutMark: UTF-16 is told by its bytes in both orders, packed too, and that is said; the next run goes on in it. One that is too short to tell is not.
func TestUTF16WithoutMark(t *testing.T) {
	for name, order := range map[string]binary.AppendByteOrder{"le": binary.LittleEndian, "be": binary.BigEndian} {
		b := newBench(t)
		text := `{"note":"Überblick über 選挙 😀"}` + "\n"
		b.write("x.log", inUTF16(text+lines(0, 300), order))
		b.once(true, b.path("x.log"))
		b.has(name, 300)
		if !slices.Equal(b.problems, []string{"encoding"}) || b.pass.Counts.Binary != 0 || b.pass.Counts.Failed != 0 {
			t.Errorf("%s: %q, %+v", name, b.problems, b.pass.Counts)
		}
		b.add("x.log", inUTF16(lines(300, 310), order))
		b.once(true, b.path("x.log"))
		b.has(name+", longer", 310)
		b.write("short", inUTF16("see evil.example\n", order)[:minGuess-2])
		b.once(false, b.path("short"))
		if len(b.problems) > 0 {
			t.Errorf("%d bytes are told: %q", minGuess-2, b.problems)
		}
		if err := b.start(Options{Pipes: []Pipe{{"-", strings.NewReader(inUTF16(lines(0, 20), order))}}}, false).Run(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		b.has(name+", from a pipe", 20)
	}
}

// TestNotUTF16: what is binary is not taken for UTF-16, nor is text in another encoding.
func TestNotUTF16(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	not := map[string][]byte{
		"text": []byte(lines(0, 10)), "UTF-8": []byte(strings.Repeat("Überblick 選挙 ", 50)), "zeros": make([]byte, 1000), "spaces": bytes.Repeat([]byte{' '}, 1000),
		"Latin-1": bytes.Repeat([]byte("\xdcber "), 50), "texts with zeros between": []byte(strings.Repeat("evil.example\x00", 50)), "UTF-32": []byte(strings.Repeat("e\x00\x00\x00", 50)),
		"a text that ends with zeros": []byte(inUTF16("evil.example is here, and ", binary.LittleEndian) + strings.Repeat("\x00", 20)), "half a pair": []byte(inUTF16(strings.Repeat("evil ", 20), binary.LittleEndian) + "\x00\xd8a\x00"),
		"one control character": []byte(inUTF16(strings.Repeat("evil ", 20)+"\x01", binary.LittleEndian)),
		"Chinese":               []byte(inUTF16(strings.Repeat("選挙", 50), binary.LittleEndian)), // it has no zeros, so nothing tells it
	}
	var small, wide []byte
	for i := range 500 {
		small = binary.LittleEndian.AppendUint16(small, uint16(i%200))
		wide = binary.LittleEndian.AppendUint32(wide, uint32(32+i%90))
	}
	not["small numbers"], not["wide numbers"] = small, wide
	if self, err := os.ReadFile("/proc/self/exe"); err == nil {
		not["a program"] = self[:min(len(self), maxGuess)]
	}
	for name, b := range not {
		if _, as, ok := guessUTF16(b[:min(len(b), maxGuess)]); ok {
			t.Errorf("%s is taken for %s", name, as)
		}
	}
	for i := range 20_000 {
		b := make([]byte, minGuess+r.IntN(100))
		for j := range b {
			b[j] = byte(r.Uint32())
			if i%2 == 0 && j%2 == 1 { // half of them are zeros in the right places
				b[j] = 0
			}
		}
		if _, as, ok := guessUTF16(b); ok {
			t.Fatalf("%x is taken for %s", b, as)
		}
	}
	bufioOf := func(s string) *bufio.Reader { return bufio.NewReader(strings.NewReader(s)) }
	for _, mark := range []string{"\xff\xfe", "\xfe\xff"} {
		if _, _, guess, _, err := unpackedAs(bufioOf(mark + inUTF16(lines(0, 3), map[string]binary.AppendByteOrder{"\xff\xfe": binary.LittleEndian, "\xfe\xff": binary.BigEndian}[mark]))); guess != "" || err != nil {
			t.Error(fmt.Sprint("with a mark it is guessed: ", guess, err))
		}
	}
}
