package input

import (
	"bytes"
	"errors"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

func TestMessageLines(t *testing.T) {
	pack := func(text []byte) (z, s []byte) {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		if _, err := w.Write(text); err != nil || w.Close() != nil {
			t.Fatal(err)
		}
		e, err := zstd.NewWriter(nil)
		if err != nil {
			t.Fatal(err)
		}
		return b.Bytes(), e.EncodeAll(text, nil)
	}
	text := []byte("one\ntwo")
	z, s := pack(text)
	marked, _ := pack([]byte("\ufeffone\ntwo"))
	for _, in := range [][]byte{text, []byte("one\ntwo\n"), z, s, []byte("\ufeffone\ntwo"), marked} {
		if out, err := Lines(bytes.Clone(in)); err != nil || string(out) != "one\ntwo\n" {
			t.Errorf("%q: %q, %v", in, out, err)
		}
	}
	if out, err := Lines(nil); err != nil || len(out) != 0 {
		t.Errorf("%q, %v", out, err)
	}
	if _, err := Lines(z[:len(z)-6]); err == nil {
		t.Error("a message that breaks off is none")
	}
	big, _ := pack(make([]byte, maxUnpacked+100))
	if out, err := Lines(big); !errors.Is(err, ErrLarge) || len(out) != maxUnpacked+1 {
		t.Errorf("%d bytes, %v", len(out), err)
	}
	full := append(make([]byte, 0, 8), "line"...)
	if out, err := Lines(full); err != nil || string(full[:5:5][4:]) == "\n" || string(out) != "line\n" {
		t.Error("a message's own bytes were changed", err)
	}
}
