package unit

import (
	"maps"
	"slices"

	"entente/journal"
)

// knows returns up to where a party's journals include another journal: what they name themselves.
// What others that they name had seen does not count: of a journal with two histories a party may hold
// the one, and build on somebody who holds the other.
func (f *Fold) knows(p journal.PartyID, of *lane) int64 {
	var n int64
	for _, l := range f.lanes {
		if l.party != p || l.placed == 0 {
			continue
		}
		if l == of {
			return int64(l.placed)
		}
		n = max(n, l.namedAt(of.origin, int64(l.placed)))
	}
	return n
}

// knew returns up to where a party's journals included another journal when they first held all
// signatures of a text; now counts for a party that does not yet, if the text is not yet in force.
func (f *Fold) knew(p journal.PartyID, of *lane, t *text, pending bool) int64 {
	n, acked := int64(0), false
	for slot, i := range t.acks {
		l := f.lanes[slot]
		if l.party != p {
			continue
		}
		acked = true
		if l == of {
			n = max(n, i+1)
		} else {
			n = max(n, l.namedAt(of.origin, i+1))
		}
	}
	if !acked && pending {
		return f.knows(p, of)
	}
	return n
}

// frontier returns for every journal, by slot, up to where it is final: included by the journals of
// all current members that have not withdrawn. While a successor of the accord is signed by all its
// parties but not yet in force, its parties count as members too. What was final for the members
// that continue when they agreed to a change of members stays final.
func (f *Fold) frontier() []int64 {
	who := map[journal.PartyID]bool{}
	for _, p := range f.members(f.global, true) {
		who[p] = true
	}
	type floor struct {
		t       *text
		stay    []journal.PartyID
		pending bool
	}
	var floors []floor
	under := func(t *text, pending bool) {
		fl := floor{t: t, stay: t.parties, pending: pending}
		if old := f.texts[t.supersedes]; t.supersedes != "" && old != nil {
			fl.stay = slices.DeleteFunc(slices.Clone(t.parties), func(p journal.PartyID) bool { return !old.has(p) })
		}
		floors = append(floors, fl)
	}
	for _, t := range f.successors(f.global.terms.hashOf()) {
		for _, p := range t.parties {
			who[p] = who[p] || !f.global.withdrawn[p]
		}
		under(t, true)
	}
	for t := f.global.terms; t != nil; t = f.texts[t.supersedes] {
		under(t, false)
	}
	maps.DeleteFunc(who, func(_ journal.PartyID, in bool) bool { return !in })
	out := make([]int64, len(f.lanes))
	for i, l := range f.lanes {
		out[i] = int64(l.placed) // nobody is left: nobody can disagree
		for p := range who {
			out[i] = min(out[i], f.knows(p, l))
		}
		for _, fl := range floors {
			least := int64(l.placed)
			for _, p := range fl.stay {
				least = min(least, f.knew(p, l, fl.t, fl.pending))
			}
			out[i] = max(out[i], least)
		}
	}
	return out
}

// late says whether an entry came after what others may already have taken as final without it: it
// lies beyond the head that its party's successor names, and whoever included it knew the successor
// by then; or its party left with an amendment, and whoever continued included it only after having
// all signatures. Such entries bind their author but are ordered after everything that does not
// depend on them.
func (f *Fold) late(r *record) bool {
	for _, l := range f.lanes {
		if l.pred == nil || l.pred.Origin != r.lane.origin || r.index < l.pred.Head.Size || l.placed == 0 {
			continue
		}
		genesis := l.recs[0]
		if !f.includedBefore(r, func(other *lane) int64 {
			if other.party == r.lane.party {
				return 0
			}
			return firstCovering(other, genesis)
		}) {
			return true
		}
	}
	for t := f.global.terms; t != nil && t.supersedes != ""; t = f.texts[t.supersedes] {
		if t.has(r.lane.party) || !f.texts[t.supersedes].has(r.lane.party) {
			continue
		}
		if !f.includedBefore(r, func(other *lane) int64 {
			i, acked := t.acks[other.slot]
			if !acked || !t.has(other.party) {
				return 0
			}
			return i + 1
		}) {
			return true
		}
	}
	return false
}

// lateness says whether late can be true of anything at all. Whether it is may change as journals
// grow, so that orders have to be reckoned again.
func (f *Fold) lateness() bool {
	for _, l := range f.lanes {
		if l.pred != nil {
			return true
		}
	}
	for t := f.global.terms; t != nil && t.supersedes != ""; t = f.texts[t.supersedes] {
		for _, p := range f.texts[t.supersedes].parties {
			if !t.has(p) {
				return true
			}
		}
	}
	return false
}

// includedBefore says whether some journal includes the entry within its first limit entries.
func (f *Fold) includedBefore(r *record, limit func(*lane) int64) bool {
	for _, other := range f.lanes {
		if other == r.lane {
			continue
		}
		if n := limit(other); n > 0 && other.recs[n-1].covers(r) {
			return true
		}
	}
	return false
}

// firstCovering returns how many placed entries of a lane do not include an entry.
func firstCovering(l *lane, r *record) int64 {
	lo, hi := 0, l.placed
	for lo < hi {
		if mid := (lo + hi) / 2; l.recs[mid].covers(r) {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return int64(lo)
}
