package dossier

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"entente/internal/accord"
	"entente/internal/unit"
	"entente/journal"
	"entente/stix"
)

// Whether markings were loosened on the way: one version of an object came to a party in a share, and went on from it in a
// share of its own under a looser marking. Only the fixed markings of TLP and PAP, and labels, are read, whose meaning nobody
// can redefine; an object that is under another marking as well is not held against anybody.

// The bounds on what is compared.
const (
	maxCompared   = 250_000 // versions of objects
	maxComparedOf = 16      // shares of one of them
)

// marks is how one version of an object was marked in one share.
type marks struct {
	share int32 // of weakening.shares
	tlp   stix.TLP
	pap   stix.PAP
	whole bool // no marking beside them
}

// weakening holds how objects were marked.
type weakening struct {
	shares []journal.Ref
	marks  map[[16]byte][]marks // by id and version
	missed int64                // objects that were not compared
	took   map[taker]*journal.Ref
}

// taker is a party with a share of somebody else's.
type taker struct {
	party journal.PartyID
	share int32
}

// see notes how the objects of one share are marked. Observables, whose ids stand for their values, have no versions.
func (w *weakening) see(ref journal.Ref) func(*stix.Object) {
	if w.marks == nil {
		w.marks = map[[16]byte][]marks{}
	}
	w.shares = append(w.shares, ref)
	share := int32(len(w.shares) - 1)
	return func(o *stix.Object) {
		if o.Modified.Time.IsZero() {
			return
		}
		sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d", o.ID, o.Modified.Time.UnixNano()))
		key := [16]byte(sum[:16])
		list, known := w.marks[key]
		if !known && len(w.marks) == maxCompared || len(list) == maxComparedOf {
			w.missed++
			return
		}
		m := marks{share: share, pap: o.PAP(nil), whole: true}
		m.tlp, _ = o.TLP(nil)
		for id := range o.MarkingRefs {
			m.whole = m.whole && stix.Fixed(id)
		}
		w.marks[key] = append(list, m)
	}
}

// weakened tells which party sent something on under a looser marking than it had received it under.
func (v *verifier) weakened(st *unit.State) {
	w := &v.sent
	if w.missed > 0 {
		v.find(Open, CodeWeakened, "", nil, "the markings of %d objects in shares were not compared: there are more than %d versions, or more than %d shares of one", w.missed, maxCompared, maxComparedOf)
	}
	verdicts := map[journal.Ref]accord.Decision{}
	for _, s := range st.Shares {
		verdicts[s.Ref] = s.Verdict
	}
	type way struct{ from, to, by int32 } // by: the label that was lost
	found := map[way]int{}
	labels := []string{}
	for _, list := range w.marks {
		for _, to := range list {
			for _, from := range list {
				if lost := v.lost(from, to, list, verdicts); lost != "" {
					by := slices.Index(labels, lost)
					if by < 0 {
						by, labels = len(labels), append(labels, lost)
					}
					found[way{from.share, to.share, int32(by)}]++
				}
			}
		}
	}
	ways := make([]way, 0, len(found))
	for x := range found {
		ways = append(ways, x)
	}
	slices.SortFunc(ways, func(a, b way) int {
		if c := compareRefs(w.shares[a.to], w.shares[b.to]); c != 0 {
			return c
		}
		if c := compareRefs(w.shares[a.from], w.shares[b.from]); c != 0 {
			return c
		}
		return strings.Compare(labels[a.by], labels[b.by])
	})
	for _, x := range ways {
		from, to := w.shares[x.from], w.shares[x.to]
		p := v.payloads[to]
		receipt := v.tookShare(p.author, x.from)
		v.add(Finding{Weight: Disputed, Code: CodeWeakened, Party: p.author, Refs: refs(from, *receipt, to), At: p.at, Clock: p.author,
			says: []sentence{say("verify.weakened", "n", found[x], "label", labels[x.by])}})
	}
}

// tookShare is the first receipt that a party gave for a share with its payload, if it gave one.
func (v *verifier) tookShare(p journal.PartyID, share int32) *journal.Ref {
	t := taker{p, share}
	receipt, known := v.sent.took[t]
	if !known {
		if _, receipt = v.received(p, v.sent.shares[share]); v.sent.took == nil {
			v.sent.took = map[taker]*journal.Ref{}
		}
		v.sent.took[t] = receipt
	}
	return receipt
}

// lost is the label under which something came to a party in one share and without which it went on in the other; empty if
// it was not so.
func (v *verifier) lost(from, to marks, all []marks, verdicts map[journal.Ref]accord.Decision) string {
	was, is := v.sent.shares[from.share], v.sent.shares[to.share]
	sender, receiver := v.payloads[was], v.payloads[is]
	if from.tlp <= to.tlp && from.pap <= to.pap || !to.whole || sender.author == receiver.author {
		return ""
	}
	d := verdicts[is]
	if to.tlp == stix.TLPNone { // what nobody marked counts as the entry does
		for _, o := range d.Obligations {
			if label, ok := strings.CutPrefix(o, accord.ObligationTLP); ok {
				to.tlp, _ = stix.ParseTLP(label)
			}
		}
		if to.tlp == stix.TLPNone {
			to.tlp = stix.TLPRed // it cannot be told
		}
	}
	if to.pap == stix.PAPNone {
		to.pap = stix.PAPRed
		for _, o := range d.Obligations {
			if label, ok := strings.CutPrefix(o, accord.ObligationPAP); ok {
				to.pap = stix.ParsePAP(label)
			}
		}
	}
	lost := ""
	switch {
	case from.pap > to.pap:
		lost = from.pap.Label()
	case from.tlp > to.tlp:
		lost = from.tlp.Label()
	default:
		return ""
	}
	// It held the payload before it wrote, and had not said the same itself before that.
	receipt := v.tookShare(receiver.author, from.share)
	if receipt == nil || receipt.Origin != is.Origin || receipt.Index >= is.Index {
		return ""
	}
	for _, m := range all {
		if own := v.sent.shares[m.share]; own.Origin == is.Origin && own.Index < receipt.Index {
			return ""
		}
	}
	return lost
}
