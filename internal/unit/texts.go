package unit

import (
	"slices"
	"strings"

	"entente/internal/accord"
	"entente/journal"
)

// text is one accord text that an entry names.
type text struct {
	hash       string
	doc        *accord.Document // nil: not held, or no valid accord
	invalid    bool             // held, and no valid accord
	blind      bool             // somebody signed it before it was held
	parties    []journal.PartyID
	proposals  []*record // propose, counter, amend, in causal order as placed
	reserves   []*record
	accepts    []*record
	signs      map[journal.PartyID][]*record
	acks       map[int]int64 // by slot: the entry in which its journal first held all signatures
	supersedes string
}

// hashOf returns the hash of a text, "" for none: what a first accord supersedes.
func (t *text) hashOf() string {
	if t == nil {
		return ""
	}
	return t.hash
}

func (t *text) has(p journal.PartyID) bool { _, ok := slices.BinarySearch(t.parties, p); return ok }

// text returns the text with a hash, known or not.
func (f *Fold) text(hash string) *text {
	t := f.texts[hash]
	if t == nil {
		t = &text{hash: hash, signs: map[journal.PartyID][]*record{}, acks: map[int]int64{}}
		if doc, held := f.raw[hash]; held {
			t.fill(doc)
		}
		f.texts[hash] = t
	}
	return t
}

// fill takes in the document, nil for a text that is no valid accord.
func (t *text) fill(doc *accord.Document) {
	t.doc, t.invalid = doc, doc == nil
	if doc == nil {
		return
	}
	for _, p := range doc.Parties() {
		t.parties = append(t.parties, journal.PartyID(p))
	}
	t.supersedes = doc.Supersedes
}

// matches says whether a proposal names the version and predecessor that the text has.
func (t *text) matches(b *ProposeBody) bool {
	return t.doc.Version == b.Version && t.doc.Supersedes == b.Supersedes
}

// successors returns the texts that all their parties have signed and that supersede a version (""
// for first accords), highest hash first. That order makes the winner the one that stays the
// winner: a member re-signs only towards a lower hash, so what is complete with the higher hash
// was signed before.
func (f *Fold) successors(hash string) []*text { return f.full[hash] }

// signed notes a valid signature.
func (f *Fold) signed(t *text, r *record) {
	p := r.lane.party
	before := len(t.signs)
	t.signs[p] = append(t.signs[p], r)
	if len(t.signs) == before || len(t.signs) < len(t.parties) {
		return
	}
	list := append(slices.Clone(f.full[t.supersedes]), t)
	slices.SortFunc(list, func(a, b *text) int { return strings.Compare(b.hash, a.hash) })
	f.full[t.supersedes] = list
}

// complete says whether everybody who has to has signed, in a causally closed set.
func (t *text) complete(in func(*record) bool) bool {
	if t.doc == nil || len(t.signs) < len(t.parties) {
		return false
	}
	for _, p := range t.parties {
		if !slices.ContainsFunc(t.signs[p], in) {
			return false
		}
	}
	return true
}

// decided says whether every party's journal holds all signatures, in a causally closed set. size
// gives the size of each journal in the set.
func (f *Fold) decided(t *text, size func(slot int) int64) bool {
	if t.doc == nil || len(t.acks) == 0 {
		return false
	}
	for _, p := range t.parties {
		ok := false
		for slot, i := range t.acks {
			ok = ok || f.lanes[slot].party == p && size(slot) > i
		}
		if !ok {
			return false
		}
	}
	return true
}

// advance moves a view to the accord that is in force in its set. also is a party that would hold
// everything with the entry it is about to write, "" for none.
func (f *Fold) advance(v *view, size func(slot int) int64, also *lane) {
	for {
		var next *text
		for _, t := range f.successors(v.terms.hashOf()) {
			if f.decidedWith(t, size, also) {
				next = t
				break
			}
		}
		if next == nil {
			return
		}
		v.terms = next
	}
}

func (f *Fold) decidedWith(t *text, size func(slot int) int64, also *lane) bool {
	if also == nil || also.acked[t.supersedes] != nil {
		return f.decided(t, size)
	}
	if _, has := t.acks[also.slot]; has || !t.complete(func(r *record) bool { return size(r.lane.slot) > r.index }) {
		return f.decided(t, size)
	}
	t.acks[also.slot] = size(also.slot) - 1
	defer delete(t.acks, also.slot)
	return f.decided(t, size)
}

// acknowledge notes that a lane's entry is the first to hold all signatures of a successor of the
// accord in force in its view, and moves the view on. It reports whether anything changed.
func (f *Fold) acknowledge(l *lane, r *record) bool {
	size := func(slot int) int64 {
		if slot == l.slot {
			return r.index + 1
		}
		return r.clock.at(slot)
	}
	changed := false
	for {
		group := l.view.terms.hashOf()
		list := f.successors(group)
		if l.acked[group] == nil {
			for _, t := range list {
				if t.complete(r.covers) {
					t.acks[l.slot], l.acked[group] = r.index, t
					changed = true
					break
				}
			}
		}
		f.advance(l.view, size, nil)
		if l.view.terms.hashOf() == group {
			return changed
		}
		changed = true
	}
}
