package unit

import (
	"slices"
	"time"

	"entente/internal/accord"
	"entente/journal"
)

// negotiate judges the kinds by which a unit is formed and its accord is made, suspended and left.
func (f *Fold) negotiate(l *lane, r *record) (flaw, bool) {
	v := l.view
	if !f.standing(v, l.party) {
		return flaw{CodeNotMember, "the author was neither founder nor admitted in what it had seen"}, false
	}
	if v.withdrawn[l.party] {
		return flaw{CodeHasWithdrawn, "the author withdrew before"}, false
	}
	switch b := r.body.(type) {
	case *AdmitBody:
		return f.admit(v, l, b)
	case *ProposeBody:
		return f.propose(v, r, b)
	case *ReserveBody:
		t, w := f.proposed(r, b.Hash)
		if w.code == "" {
			t.reserves = append(t.reserves, r)
		}
		return w, false
	case *HashBody:
		t, w := f.proposed(r, b.Hash)
		if w.code != "" {
			return w, false
		}
		if r.kind == KindAccept {
			t.accepts = append(t.accepts, r)
			return flaw{}, false
		}
		if w := f.sign(v, r, t); w.code != "" {
			return w, false
		}
		f.signed(t, r)
		return flaw{}, true
	}
	if !f.isMember(v, l.party) {
		return flaw{CodeNotMember, "only members suspend, resume, give notice and withdraw"}, false
	}
	switch b := r.body.(type) {
	case *SuspendBody:
		f.suspend = append(f.suspend, r)
		return flaw{}, true
	case *ResumeBody:
		return f.resume(v, l, b)
	case *NoticeBody:
		b.from = f.effective(v, r.at, b.Effective)
		return flaw{}, true
	}
	f.leaves = append(f.leaves, r) // accord.withdraw
	return flaw{}, true
}

func (f *Fold) admit(v *view, l *lane, b *AdmitBody) (flaw, bool) {
	if !f.isMember(v, l.party) {
		return flaw{CodeNotMember, "only members admit candidates"}, false
	}
	if f.standing(v, b.party) {
		return flaw{CodeDuplicate, "the party was admitted before"}, false
	}
	if f.names[b.party] == "" || b.name < f.names[b.party] {
		f.names[b.party] = b.name
	}
	return flaw{}, true
}

func (f *Fold) propose(v *view, r *record, b *ProposeBody) (flaw, bool) {
	t := f.text(b.Hash)
	if t.doc != nil && (t.doc.Version != b.Version || t.doc.Supersedes != b.Supersedes) {
		return flaw{CodeMismatch, "the entry names another version or predecessor than the text"}, false
	}
	if b.Supersedes != v.terms.hashOf() {
		return flaw{CodeNotSuccessor, "the proposal does not supersede the accord in force in what its author had seen"}, false
	}
	if b.Counters != "" {
		if _, w := f.proposed(r, b.Counters); w.code != "" {
			return w, false
		}
	}
	t.proposals = append(t.proposals, r)
	return flaw{}, false
}

// proposed returns the text if the author of r had seen it proposed.
func (f *Fold) proposed(r *record, hash string) (*text, flaw) {
	t := f.text(hash)
	if !slices.ContainsFunc(t.proposals, r.covers) {
		return nil, flaw{CodeUnknownText, "no such text was proposed in what the author had seen"}
	}
	return t, flaw{}
}

// sign says why a signature does not count.
func (f *Fold) sign(v *view, r *record, t *text) flaw {
	me := r.lane.party
	group := v.terms.hashOf()
	switch {
	case t.doc == nil:
		return flaw{CodeNoText, "the accord text is not held, or is no valid accord"}
	case t.supersedes != group:
		return flaw{CodeNotSuccessor, "the text does not supersede the accord in force in what its author had seen"}
	case !t.has(me):
		return flaw{CodeNotParty, "the author is not a party to the text"}
	}
	for _, p := range t.parties {
		if !f.standing(v, p) {
			return flaw{CodeStrangers, "party " + p.Short() + " of the text was never admitted in what the author had seen"}
		}
	}
	if v.terms == nil && !t.has(f.founding.Founder) {
		return flaw{CodeNoFounder, "the founder is a party to a unit's first accord"}
	}
	if v.terms != nil {
		stay, all := 0, f.members(v, true)
		for _, p := range all {
			if t.has(p) {
				stay++
			}
		}
		// Without this, two halves of a unit could each replace the accord without the other.
		if 2*stay <= len(all) {
			return flaw{CodeNoMajority, "fewer than half of the members, or just half, would continue"}
		}
	}
	switch low, signed := v.lowest[group]; {
	case signed && low == t.hash:
		return flaw{CodeDuplicate, "signed before"}
	case signed && t.hash > low:
		return flaw{CodeHigherHash, "the author signed another successor; it may change only to one with a lower hash"}
	}
	for _, other := range f.successors(group) {
		if other != t && other.complete(r.covers) {
			return flaw{CodeSuperseded, "the author had seen another successor signed by all its parties"}
		}
	}
	return flaw{}
}

func (f *Fold) resume(v *view, l *lane, b *ResumeBody) (flaw, bool) {
	i := slices.IndexFunc(v.suspended, func(s *record) bool { return s.ref() == b.Suspension })
	switch {
	case i < 0 && v.lifted[b.Suspension] != nil:
		return flaw{CodeDuplicate, "the suspension was lifted before"}, false
	case i < 0:
		return flaw{CodeUnknownRef, "no such suspension in what the author had seen"}, false
	case v.suspended[i].lane.party != l.party:
		return flaw{CodeNotYours, "only the party that suspended resumes"}, false
	}
	return flaw{}, true
}

// effective is when a notice takes effect: never earlier than the accord's notice period allows.
func (f *Fold) effective(v *view, at, wanted time.Time) time.Time {
	if v.terms == nil || !v.terms.doc.Withdrawal.Notice.Set() {
		return wanted
	}
	span, err := v.terms.doc.Withdrawal.Notice.Span()
	if err != nil {
		return wanted
	}
	if least := span.After(at); wanted.Before(least) {
		return least
	}
	return wanted
}

// Decide says what the gate will say about an entry that an author is about to write now, having
// seen everything placed here. The draft's time has to be set; one before the author's last entry
// counts as that. It changes nothing.
func (f *Fold) Decide(author journal.PartyID, d journal.Draft) accord.Decision {
	r, v, err := f.draft(author, d)
	if err != nil {
		return accord.Decision{Clause: accord.Protocol, Code: CodeBadBody, Reason: err.Error()}
	}
	if accord.IsControl(r.kind) {
		if w := payloadFlaw(r); w.code != "" {
			return accord.Decision{Clause: accord.Protocol, Code: w.code, Reason: w.text}
		}
	}
	return accord.Decide(f.situation(v, r.at, f.active(v)), act(r))
}
