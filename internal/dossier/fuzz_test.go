package dossier_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"entente/internal/dossier"
	"entente/internal/lang"
)

// FuzzVerify: no file makes the verifier panic, and only what Pack would write is believed. The
// fuzzer's bytes are tried as they are, and spliced as the content of a record, and as a proof, with right hashes.
func FuzzVerify(f *testing.F) {
	golden := golden(f)
	fs := frames(f, golden)
	f.Add(golden, uint16(0))
	f.Add([]byte(dossier.Magic), uint16(1))
	for i, r := range fs {
		if len(r.content) < 4096 {
			f.Add(r.content, uint16(i))
		}
	}
	for _, name := range []string{"statements", "beginning", "rotation"} { // proofs that bring what they rest on
		file, err := os.ReadFile(filepath.Join("testdata", "vectors", name+".entente"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file, uint16(0))
		for _, r := range frames(f, file) {
			if r.kind == byte(kProof) {
				f.Add(r.content, uint16(0))
			}
		}
	}
	f.Add([]byte("<!DOCTYPE html>\n<p>"), uint16(0))
	f.Fuzz(func(t *testing.T, b []byte, at uint16) {
		try(t, b)
		forged := slices.Clone(fs[:len(fs)-1])
		forged[int(at)%len(forged)].content = b
		try(t, build(forged))
		try(t, build(append(slices.Clone(fs[:len(fs)-1]), frame{kind: byte(kPage), content: b})))
		try(t, build(append(slices.Clone(fs[:len(fs)-1]), frame{kind: byte(kProof), content: b})))
	})
}

func try(t *testing.T, file []byte) {
	r, err := dossier.Verify(context.Background(), bytes.NewReader(file), dossier.Options{MaxBytes: 1 << 20})
	if err != nil {
		var d *dossier.Damage
		if r != nil || !errors.As(err, &d) && !errors.Is(err, dossier.ErrTooLarge) {
			t.Fatalf("neither damage nor too large: %v", err)
		}
		_ = err.Error()
		return
	}
	if err := r.WriteText(io.Discard, lang.English()); err != nil {
		t.Fatal(err)
	}
	if r.Counts.Bytes >= int64(len(file)) {
		t.Fatal("not every byte was counted")
	}
}
