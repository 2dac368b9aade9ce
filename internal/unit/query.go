package unit

import (
	"time"

	"entente/internal/accord"
	"entente/journal"
)

// Members returns the present members: the parties of the accord in force, or founder and
// candidates as long as there is none, without those who have withdrawn. Sorted.
func (f *Fold) Members() []journal.PartyID {
	f.fresh()
	return f.members(f.global, true)
}

// Parties returns the members, those that have withdrawn among them, sorted: what [State.Members] lists.
func (f *Fold) Parties() []journal.PartyID {
	f.fresh()
	return f.members(f.global, false)
}

// Suspended returns the suspensions in effect.
func (f *Fold) Suspended() []accord.Suspension {
	f.fresh()
	var out []accord.Suspension
	for _, r := range f.active(f.global) {
		out = append(out, suspension(r))
	}
	return out
}

// InForce returns the accord in force and its hash, nil and "" when there is none.
func (f *Fold) InForce() (*accord.Document, string) {
	f.fresh()
	if f.global.terms == nil {
		return nil, ""
	}
	return f.global.terms.doc, f.global.terms.hash
}

// AccordOf returns the accord that the gate was asked with for an entry of content: the one in force
// in its causal past; nil for any other entry, and where there was none. It must not be changed.
func (f *Fold) AccordOf(ref journal.Ref) *accord.Document {
	f.fresh()
	if r := f.lookup(ref); r != nil && r.terms != nil {
		return r.terms.doc
	}
	return nil
}

// Final returns how many entries of a journal are final: included by every present member's journal.
func (f *Fold) Final(o journal.Origin) int64 {
	f.fresh()
	l := f.byOrigin[o]
	if l == nil {
		return 0
	}
	return f.frontier()[l.slot]
}

// VoidCode says why an entry changes no state, "" if it does or is not known.
func (f *Fold) VoidCode(ref journal.Ref) string {
	f.fresh()
	if r := f.lookup(ref); r != nil {
		return r.code
	}
	return ""
}

// Receipted returns up to which size a party's journals receipt another journal.
func (f *Fold) Receipted(p journal.PartyID, o journal.Origin) int64 {
	f.fresh()
	var n int64
	for _, l := range f.lanes {
		if marks := l.receipt[o]; l.party == p && len(marks) > 0 {
			n = max(n, marks[len(marks)-1].head.Size)
		}
	}
	return n
}

// Knew tells whether the author of an entry had what when it wrote it: whether what lies in the
// entry's causal past. It is false for entries that are not placed.
func (f *Fold) Knew(entry, what journal.Ref) bool {
	f.fresh()
	e, w := f.lookup(entry), f.lookup(what)
	return e != nil && w != nil && e.covers(w)
}

// HandOver is the gate's second question about an entry that Verdict allows: may its payload go to a
// member now? It is asked with everything known at this moment, so that a suspension, a withdrawal or
// a stricter accord that came after the entry stops the payload while the entry itself stays. What
// the author used up of its quotas was counted when the entry was written and is not counted again.
func (f *Fold) HandOver(ref journal.Ref, to journal.PartyID, now time.Time) accord.Decision {
	f.fresh()
	r := f.lookup(ref)
	if r == nil {
		return f.Verdict(ref)
	}
	if accord.IsControl(r.kind) {
		return f.verdict(r)
	}
	s := f.situation(f.global, now, f.active(f.global))
	s.Used = accord.Usage{}
	a := act(r)
	a.Recipients = []string{string(to)}
	a.At = now
	if to == r.lane.party { // back to its author: it lost the payload, or asks what we hold
		a.Recipients = nil
	}
	return accord.Decide(s, a)
}

// SeenBy returns what a party's newest placed entry says, with its receipts, it holds of other journals.
func (f *Fold) SeenBy(p journal.PartyID) map[journal.Origin]journal.Head {
	f.fresh()
	out := map[journal.Origin]journal.Head{}
	for _, l := range f.lanes {
		if l.party != p {
			continue
		}
		for o, h := range l.floor {
			if h.Size > out[o].Size {
				out[o] = h
			}
		}
	}
	return out
}

// Content returns what the body of a content entry says, and when its author says it was written; ok
// is false for other entries and for what is not placed.
func (f *Fold) Content(ref journal.Ref) (body ContentBody, at time.Time, ok bool) {
	f.fresh()
	r := f.lookup(ref)
	if r == nil {
		return ContentBody{}, time.Time{}, false
	}
	b, ok := r.body.(*ContentBody)
	if !ok {
		return ContentBody{}, time.Time{}, false
	}
	return *b, r.at, true
}

// Withdrawn tells whether a party has withdrawn from the unit.
func (f *Fold) Withdrawn(p journal.PartyID) bool {
	f.fresh()
	return f.global.withdrawn[p]
}

// HasLeft tells whether a party was a member and is none any more: it withdrew, or an accord that came
// into force left it out.
func (f *Fold) HasLeft(p journal.PartyID) bool {
	f.fresh()
	if f.global.withdrawn[p] {
		return true
	}
	if f.global.terms == nil || f.global.terms.has(p) {
		return false
	}
	for t := f.texts[f.global.terms.supersedes]; t != nil; t = f.texts[t.supersedes] {
		if t.has(p) {
			return true
		}
		if t.supersedes == "" {
			break
		}
	}
	return false
}
