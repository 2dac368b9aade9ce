package journal

import (
	"time"

	fnote "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
)

// maxWitnesses bounds the witnesses that are looked for in one checkpoint.
const maxWitnesses = 64

// Cosignature is a witness's word that it saw a head, and when it says it did.
type Cosignature struct {
	Name string    // of the witness's key
	At   time.Time // the witness's claim
}

// Cosignatures returns who of the given witnesses (C2SP vkeys of type 0x04 or
// 0x06) cosigned the head in a checkpoint of any journal, and the head. A witness
// vouches for time and existence; it never stands for a receipt, and its word
// counts in a unit only once the checkpoint is journaled ([KindWitness]). Unknown
// signatures are ignored; one that does not verify is an error.
func Cosignatures(signed []byte, witnesses ...string) (Origin, Head, []Cosignature, error) {
	c, err := parseCheckpointText(signed)
	if err != nil {
		return "", Head{}, nil, err
	}
	if len(witnesses) > maxWitnesses {
		return "", Head{}, nil, refuse(CodeOversize, "", -1, "more than %d witnesses", maxWitnesses)
	}
	o := Origin(c.Origin)
	var list []note.Verifier
	for _, w := range witnesses {
		v, err := fnote.NewVerifierForCosignatureV1(w)
		if err != nil {
			return "", Head{}, nil, refuse(CodeWeakKey, o, -1, "witness key %q: %v", clip(w), err)
		}
		list = append(list, v)
	}
	n, err := note.Open(signed, note.VerifierList(list...))
	if err != nil {
		return "", Head{}, nil, refuse(CodeBadSignature, o, -1, "no cosignature of the witnesses asked for: %v", err)
	}
	var out []Cosignature
	for _, s := range n.Sigs {
		at, err := fnote.CoSigV1Timestamp(s)
		if err == nil {
			err = checkTime(at)
		}
		if err != nil {
			return "", Head{}, nil, refuse(CodeBadSignature, o, -1, "cosignature of %q: %v", clip(s.Name), err)
		}
		out = append(out, Cosignature{s.Name, at.UTC()})
	}
	return o, Head{c.N, c.Hash}, out, nil
}
