package dossier

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"entente/journal"
)

// Witnessed is a head that a party's witness cosigned, as some journal shows it. It says when somebody
// else says to have seen the head; it is never a receipt.
type Witnessed struct {
	Origin  journal.Origin  `json:"origin"`
	Head    journal.Head    `json:"head"`
	Witness journal.PartyID `json:"witness"` // whose identity names the key
	At      time.Time       `json:"at"`      // by the witness's clock
	Ref     journal.Ref     `json:"ref"`     // the entry that shows it
	Own     bool            `json:"own"`     // it is a head of the journal as the dossier shows it
}

// maxWitnessed bounds the list in the report. What is cosigned twice is looked for in all.
const maxWitnessed = 1000

// cosigner is a witness of one journal: a key that some version of a party's identity names. Two
// cosignatures are held against each other under one key alone: a witness that lost what it had
// cosigned takes a new one.
type cosigner struct {
	origin journal.Origin
	party  journal.PartyID
	key    string
}

// tally is what one cosigner is shown to have cosigned.
type tally struct {
	bySize map[int64]Witnessed
	own    Witnessed // the largest head of the journal
	other  Witnessed // the smallest that is none, size 0 if there is none
	told   bool
}

// against returns an earlier cosigned head that cannot be of one history with w: it has the same size and
// another root, or the larger of the two is the journal's and the other is not.
func (t *tally) against(w Witnessed) (Witnessed, bool) {
	prev, same := t.bySize[w.Head.Size]
	switch {
	case same && prev.Head.Root != w.Head.Root:
		return prev, true
	case w.Own && t.other.Head.Size > 0 && t.other.Head.Size < w.Head.Size:
		return t.other, true
	case !w.Own && t.own.Head.Size > w.Head.Size:
		return t.own, true
	}
	if !same {
		t.bySize[w.Head.Size] = w
	}
	if w.Own && w.Head.Size > t.own.Head.Size {
		t.own = w
	}
	if !w.Own && (t.other.Head.Size == 0 || w.Head.Size < t.other.Head.Size) {
		t.other = w
	}
	return Witnessed{}, false
}

// cosigned takes in the cosignatures of the parties' own witnesses on a journaled checkpoint. A
// witness that cosigned a head of the journal, and another of at most that size that is none, has
// cosigned two histories; it is told once for each of its keys and journals.
func (v *verifier) cosigned(e *journal.Entry, s *shelf, signed string) {
	lines := signatureLines(signed)
	for _, party := range v.m.Parties {
		var keys []string
		for _, id := range lines {
			keys = append(keys, v.witnessKeys(party.Party)[id]...)
		}
		for _, key := range keys {
			o, h, sigs, err := journal.Cosignatures([]byte(signed), key)
			if err != nil || o != s.head.Origin || len(sigs) == 0 {
				continue
			}
			root, known := s.root(h.Size)
			w := Witnessed{o, h, party.Party, sigs[0].At, e.Ref(), known && root == h.Root}
			if len(v.witnessed) < maxWitnessed {
				v.witnessed = append(v.witnessed, w)
			}
			by := cosigner{o, party.Party, key}
			t := v.tallies[by]
			if t == nil {
				t = &tally{bySize: map[int64]Witnessed{}}
				v.tallies[by] = t
			}
			other, twice := t.against(w)
			if !twice || t.told {
				continue
			}
			t.told = true
			f := Finding{Weight: Proved, Code: CodeCosigned, Party: w.Witness, Refs: refs(other.Ref, w.Ref), At: later(w.At, other.At), Clock: w.Witness,
				says: []sentence{say("verify.cosigned", "journal", o, "a", count("verify.of-entries", other.Head.Size), "b", count("verify.of-entries", h.Size))}}
			x := v.carried(e).exhibit(ExhibitHead, []byte(signed))
			x.Head, x.At = &h, w.At
			f.Exhibits = []Exhibit{x}
			v.add(f)
		}
	}
}

// maxSignatureLines is how many signatures a signed note has at most (golang.org/x/mod/sumdb/note).
const maxSignatureLines = 100

// signatureLines names the keys that a checkpoint says to be signed by: name and hash, as verifier keys
// begin (C2SP signed-note). So that many keys of one party cost no more than one, they are looked up
// by it.
func signatureLines(signed string) []string {
	var out []string
	at := strings.LastIndex(signed, "\n\n")
	if at < 0 {
		return nil
	}
	for line := range strings.Lines(signed[at+2:]) {
		rest, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "\u2014 ")
		name, text, sep := strings.Cut(rest, " ")
		if !ok || !sep || len(text) < 8 {
			continue
		}
		head, err := base64.StdEncoding.DecodeString(text[:8])
		if id := fmt.Sprintf("%s+%08x", name, head[:min(4, len(head))]); err == nil && !slices.Contains(out, id) {
			out = append(out, id)
		}
		if len(out) == maxSignatureLines {
			break
		}
	}
	return out
}

// witnessKeys are the verifier keys under which a party cosigns or did, as its identities name them, by
// their name and hash: a newer identity without the old key, or with another, takes back nothing.
func (v *verifier) witnessKeys(p journal.PartyID) map[string][]string {
	if keys, known := v.witnesses[p]; known {
		return keys
	}
	keys := map[string][]string{}
	for _, signed := range v.chains[p] {
		if id, err := journal.ParseIdentity(signed); err == nil && id.Witness != "" {
			if f := strings.SplitN(id.Witness, "+", 3); len(f) == 3 && !slices.Contains(keys[f[0]+"+"+f[1]], id.Witness) {
				keys[f[0]+"+"+f[1]] = append(keys[f[0]+"+"+f[1]], id.Witness)
			}
		}
	}
	v.witnesses[p] = keys
	return keys
}
