package node

import (
	"bytes"
	"maps"
	"slices"

	"entente/internal/accord"
	"entente/internal/peer"
	"entente/journal"
)

// namedPayload is an entry that names a payload.
type namedPayload struct {
	ref  journal.Ref
	p    journal.PayloadRef
	kind string
	from journal.PartyID
}

// named are the entries that name each payload, as they were folded. There is one
// if everybody is honest, because a commitment hides a random salt. Somebody who
// names the payload of another's entry in its own can neither fetch it by that
// nor keep it from anybody.
type named map[journal.Hash][]namedPayload

// of is what a given entry says of a payload.
func (n named) of(c journal.Hash, ref journal.Ref) (namedPayload, bool) {
	if i := slices.IndexFunc(n[c], func(np namedPayload) bool { return np.ref == ref }); i >= 0 {
		return n[c][i], true
	}
	return namedPayload{}, false
}

// want lists payloads to ask for, sorted, at most so many: of each author as many
// as of any other while there are more. Somebody whose entries name a million
// payloads that do not exist keeps nobody else's from being asked for. The lock
// must be held.
func (l *ledger) want(most int) []journal.Hash {
	of := map[journal.PartyID][]journal.Hash{}
	for c := range l.wanted {
		from := l.named[c][0].from
		of[from] = append(of[from], c)
	}
	compare := func(a, b journal.Hash) int { return bytes.Compare(a[:], b[:]) }
	lists := slices.SortedFunc(maps.Values(of), func(a, b []journal.Hash) int { return len(a) - len(b) })
	var out []journal.Hash
	for i, list := range lists {
		slices.SortFunc(list, compare)
		out = append(out, list[:min(len(list), (most-len(out))/(len(lists)-i))]...)
	}
	slices.SortFunc(out, compare)
	return out
}

// owners are the entries that a payload can have come with. Our own is ours,
// whoever else names it. Of others' entries the first of each journal counts, and
// none whose author had seen it named before; what is left is more than one only
// if somebody pretends not to have seen the other, and then each has a say. The
// lock must be held.
func (l *ledger) owners(c journal.Hash) []namedPayload {
	var own, first []namedPayload
	for _, np := range l.named[c] {
		if np.from == l.n.keys().party {
			own = append(own, np)
		}
		if !slices.ContainsFunc(first, func(x namedPayload) bool { return x.ref.Origin == np.ref.Origin }) {
			first = append(first, np)
		}
	}
	if len(own) > 0 {
		return own
	}
	var out []namedPayload
	for _, np := range first {
		if !slices.ContainsFunc(first, func(x namedPayload) bool { return x.ref != np.ref && l.fold.Knew(np.ref, x.ref) }) {
			out = append(out, np)
		}
	}
	return out
}

// handOver is the gate's second question: the entry was allowed when it was
// written; may its payload go to this member now? The lock must be held.
func (l *ledger) handOver(c journal.Hash, to journal.PartyID) (accord.Decision, error) {
	if l.ailing != nil {
		// The entry that could not be written whole may have been a suspension, and may be
		// on the disk: until that is known nothing is handed over.
		return accord.Decision{Verdict: accord.Hold, Clause: accord.Protocol, Code: CodeDisk, Reason: "the disk of this side failed under its journal; what it holds is established first"}, nil
	}
	owners := l.owners(c)
	if len(owners) == 0 {
		return accord.Decision{}, &peer.Refusal{Code: peer.CodeMissing, Commitment: &c, Detail: "no entry here names it"}
	}
	var d accord.Decision
	for _, np := range owners {
		// Control entries carry nothing but accord texts and short notes: one with
		// anything else is void, and must not become a way out for content.
		if d = l.fold.Verdict(np.ref); d.Verdict == accord.Allow {
			d = l.fold.HandOver(np.ref, to, l.n.now())
		}
		if d.Verdict != accord.Allow {
			break
		}
	}
	return d, nil
}
