package unit

import (
	"entente/internal/accord"
	"entente/journal"
)

// Verdict returns what the gate says about an entry: the same on every node with the same journals,
// because it is asked with the entry's causal past only (the accord in force, the suspensions and
// what its author had used up there, by the entry's own time). One thing is added to it: an entry
// that was allowed but does not know of a suspension or withdrawal that does not know of it either
// is held as long as that lasts; it is no breach.
//
// Control entries are allowed. Void entries and entries that are not known are refused, entries
// that wait for their past are held.
func (f *Fold) Verdict(ref journal.Ref) accord.Decision {
	f.fresh()
	l := f.byOrigin[ref.Origin]
	switch {
	case l == nil || ref.Index < 0 || ref.Index >= int64(len(l.recs)):
		return accord.Decision{Clause: accord.Protocol, Code: CodeUnknownEntry, Reason: "no such entry is held here"}
	case ref.Index >= int64(l.placed):
		return accord.Decision{Verdict: accord.Hold, Clause: accord.Protocol, Code: CodeWaiting, Reason: "the entry names entries of others that have not arrived"}
	}
	return f.verdict(l.recs[ref.Index])
}

func (f *Fold) verdict(r *record) accord.Decision {
	if r.verdict.Code == "" {
		return accord.Decide(accord.Situation{}, act(r)) // control
	}
	if r.verdict.Verdict != accord.Allow {
		return r.verdict
	}
	if d, held := f.concurrent(r); held {
		return d
	}
	return r.verdict
}

// concurrent asks the gate again with the suspensions and withdrawals that the entry and they do
// not know of each other, as far as they have not been lifted in all that is known.
func (f *Fold) concurrent(r *record) (accord.Decision, bool) {
	var s accord.Situation
	for _, x := range f.active(f.global) {
		if !x.covers(r) && !r.covers(x) {
			s.Suspended = append(s.Suspended, suspension(x))
		}
	}
	for _, x := range f.leaves {
		if !x.covers(r) && !r.covers(x) {
			s.Withdrawn = append(s.Withdrawn, string(x.lane.party))
		}
	}
	if len(s.Suspended) == 0 && len(s.Withdrawn) == 0 || r.terms == nil {
		return accord.Decision{}, false
	}
	s.Accord, s.Hash = r.terms.doc, r.terms.hash
	for _, p := range r.terms.parties {
		s.Members = append(s.Members, string(p))
	}
	d := accord.Decide(s, act(r))
	if d.Verdict == accord.Allow || d.Code == accord.CodeTwoPerson {
		return accord.Decision{}, false
	}
	d.Verdict, d.Code = accord.Hold, CodeConcurrent
	d.Reason = "the entry and a suspension or withdrawal did not know of each other: " + d.Reason
	return d, true
}
