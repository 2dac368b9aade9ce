package dossier

import (
	"fmt"
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

// maxWitnessed bounds the list.
const maxWitnessed = 1000

// cosigned takes in the cosignatures of the parties' own witnesses on a journaled checkpoint. A
// witness that cosigned a head of the journal, and another of at most that size that is none, has
// cosigned two histories.
func (v *verifier) cosigned(e *journal.Entry, s *shelf, signed string) {
	for _, party := range v.m.Parties {
		key := v.witnessKey(party.Party)
		name, _, _ := strings.Cut(key, "+")
		if key == "" || !strings.Contains(signed, name) || len(v.witnessed) == maxWitnessed {
			continue
		}
		o, h, sigs, err := journal.Cosignatures([]byte(signed), key)
		if err != nil || o != s.head.Origin || len(sigs) == 0 {
			continue
		}
		root, known := s.root(h.Size)
		w := Witnessed{o, h, party.Party, sigs[0].At, e.Ref(), known && root == h.Root}
		for _, other := range v.witnessed {
			if other.Origin == o && other.Witness == w.Witness && excluded(w, other) {
				from := v.carried(e)
				f := Finding{Weight: Proved, Code: CodeCosigned, Party: w.Witness, Refs: refs(other.Ref, w.Ref), At: later(w.At, other.At), Clock: w.Witness,
					Text: fmt.Sprintf("as a witness the party cosigned two histories of journal %s: a head of %d entries and one of %d that exclude each other", o, other.Head.Size, h.Size)}
				x := from.exhibit(ExhibitHead, []byte(signed))
				x.Head, x.At = &h, w.At
				f.Exhibits = []Exhibit{x}
				v.add(f)
				break
			}
		}
		v.witnessed = append(v.witnessed, w)
	}
}

// excluded says whether two cosigned heads cannot be of one history: they have one size and another
// root, or the larger one is the journal's and the other is not.
func excluded(a, b Witnessed) bool {
	if a.Head.Size == b.Head.Size {
		return a.Head.Root != b.Head.Root
	}
	if a.Head.Size > b.Head.Size {
		a, b = b, a
	}
	return b.Own && !a.Own
}

// witnessKey is the verifier key under which a party cosigns, as its newest identity names it.
func (v *verifier) witnessKey(p journal.PartyID) string {
	if key, known := v.witnesses[p]; known {
		return key
	}
	v.witnesses[p] = ""
	chain := v.chains[p]
	for i := len(chain) - 1; i >= 0; i-- {
		if id, err := journal.ParseIdentity(chain[i]); err == nil && id.Witness != "" {
			v.witnesses[p] = id.Witness
			break
		}
	}
	return v.witnesses[p]
}
