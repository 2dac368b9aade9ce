package node

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"
)

// TestFeedPackedIsOneMember: texts that are packed one by one are one member of gzip when
// they are written one after another. Readers such as curl and browsers stop behind the
// first member.
func TestFeedPackedIsOneMember(t *testing.T) {
	for _, texts := range [][]string{
		nil,
		{""},
		{"# head\n"},
		{"# head\n", "", "a.example\n", strings.Repeat("b.example\n", 10_000), "c"},
		{strings.Repeat("x", 1<<17), strings.Repeat("y", 1<<16+1)},
	} {
		var p packer
		var parts []packedText
		for _, text := range texts {
			part, err := p.pack([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if part.size > 0 {
				if alone, err := io.ReadAll(part.reader()); err != nil || string(alone) != text {
					t.Errorf("a part of %d bytes alone: %d bytes, %v", len(text), len(alone), err)
				}
			}
			parts = append(parts, part)
		}
		var b bytes.Buffer
		if err := writeGzip(&b, parts); err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReader(&b)
		z, err := gzip.NewReader(in)
		if err != nil {
			t.Fatal(err)
		}
		z.Multistream(false)
		got, err := io.ReadAll(z) // compares the sum and the size, too
		if want := strings.Join(texts, ""); err != nil || string(got) != want {
			t.Errorf("%d texts: %d bytes, want %d: %v", len(texts), len(got), len(want), err)
		}
		if rest, _ := io.ReadAll(in); len(rest) > 0 {
			t.Errorf("%d texts: %d bytes behind the first member", len(texts), len(rest))
		}
	}
}
