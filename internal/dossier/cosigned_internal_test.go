package dossier

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

// TestSignatureLines: the lines of a note name keys as their verifier keys begin, whatever else lies there.
func TestSignatureLines(t *testing.T) {
	var signers []note.Signer
	var ids []string
	for i := range 3 {
		skey, vkey, err := note.GenerateKey(rand.Reader, fmt.Sprintf("witness.example/%d", i))
		if err != nil {
			t.Fatal(err)
		}
		signers = append(signers, want[note.Signer](t)(note.NewSigner(skey)))
		ids = append(ids, strings.Join(strings.SplitN(vkey, "+", 3)[:2], "+"))
	}
	signed := string(want[[]byte](t)(note.Sign(&note.Note{Text: "text\n\u2014 not.a.signature AAAAAAAA\n"}, signers...)))
	if got := signatureLines(signed); !slices.Equal(got, ids) {
		t.Errorf("%q, want %q", got, ids)
	}
	for _, bad := range []string{"", "\n\n", "x\n\n\u2014 \n", "x\n\n\u2014 a b\n", "x\n\n\u2014 a !!!!!!!!\n", "x\n\n\u2014 a AA==AA==\n"} {
		if got := signatureLines(bad); len(got) > 0 {
			t.Errorf("%q: %q", bad, got)
		}
	}
	var many strings.Builder
	many.WriteString("x\n\n")
	for i := range 500 {
		fmt.Fprintf(&many, "\u2014 %d AAAAAAAA\n", i)
	}
	if got := signatureLines(many.String()); len(got) != maxSignatureLines {
		t.Errorf("%d of 500", len(got))
	}
}
