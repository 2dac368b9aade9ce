package unit

import (
	"slices"
	"time"

	"entente/internal/accord"
	"entente/journal"
)

// Bounds on what one party can put on everybody's table, so that nobody's work grows without end.
const (
	maxAdmits    = 64   // parties that one party admits to a unit, ever
	maxEver      = 4096 // suspensions by one party, lifted ones too; notice and withdrawal stay open to it
	maxProposals = 64   // texts that one journal proposes in the place of one accord
)

// maxSuspensions is how many suspensions of one party can bind at a time.
const maxSuspensions = 64

// negotiate judges the kinds by which a unit is formed and its accord is made, suspended and left:
// what is wrong with the entry in this view, if anything. It changes nothing.
func (f *Fold) negotiate(v *view, r *record) flaw {
	me := r.lane.party
	if !f.standing(v, me) {
		return flaw{CodeNotMember, "the author was neither founder nor admitted in what it had seen"}
	}
	if v.withdrawn[me] {
		return flaw{CodeHasWithdrawn, "the author withdrew before"}
	}
	switch b := r.body.(type) {
	case *ProposeBody:
		return f.propose(v, r, b)
	case *ReserveBody:
		_, w := f.proposed(r, b.Hash)
		return w
	case *HashBody:
		t, w := f.proposed(r, b.Hash)
		if w.code == "" && r.kind == KindSign {
			return f.sign(v, r, t)
		}
		return w
	}
	if !f.isMember(v, me) {
		return flaw{CodeNotMember, "only members admit, suspend, resume, give notice and withdraw"}
	}
	switch b := r.body.(type) {
	case *AdmitBody:
		if f.standing(v, b.party) {
			return flaw{CodeDuplicate, "the party was admitted before"}
		}
		if v.admits >= maxAdmits {
			return flaw{CodeTooMany, "the author has admitted 64 parties; another member can admit more"}
		}
	case *SuspendBody:
		if v.stops >= maxEver {
			return flaw{CodeTooMany, "the author has suspended 4,096 times; it can give notice or withdraw"}
		}
		n := 0
		for _, s := range v.suspended {
			if s.lane.party == me {
				n++
			}
		}
		if n >= maxSuspensions {
			return flaw{CodeTooMany, "the author has 64 suspensions that were not lifted; it can resume some"}
		}
	case *ResumeBody:
		return f.resume(v, r.lane, b)
	}
	return flaw{}
}

// enact takes in an entry that negotiate found nothing wrong with, and says whether it is an event
// that later entries are judged by.
func (f *Fold) enact(v *view, r *record) bool {
	switch b := r.body.(type) {
	case *ProposeBody:
		t := f.text(b.Hash)
		t.proposals = append(t.proposals, r)
		r.lane.proposed[b.Supersedes]++
		return false
	case *ReserveBody:
		t := f.text(b.Hash)
		t.reserves = append(t.reserves, r)
		return false
	case *HashBody:
		t := f.text(b.Hash)
		if r.kind == KindAccept {
			t.accepts = append(t.accepts, r)
			return false
		}
		f.signed(t, r)
	case *AdmitBody:
		if f.names[b.party] == "" || b.name < f.names[b.party] {
			f.names[b.party] = b.name
		}
	case *SuspendBody:
		f.suspend = append(f.suspend, r)
	case *NoticeBody:
		r.from = f.effective(v, r.at, b.Effective)
	case *struct{}: // accord.withdraw
		f.leaves = append(f.leaves, r)
	}
	return true
}

func (f *Fold) propose(v *view, r *record, b *ProposeBody) flaw {
	if t := f.text(b.Hash); t.doc != nil && !t.matches(b) {
		return flaw{CodeMismatch, "the entry names another version or predecessor than the text"}
	}
	if b.Supersedes != v.terms.hashOf() {
		return flaw{CodeNotSuccessor, "the proposal does not supersede the accord in force in what its author had seen"}
	}
	if r.lane.proposed[b.Supersedes] >= maxProposals {
		return flaw{CodeTooMany, "the author has proposed 64 texts in the place of this accord; it can sign or counter one of them"}
	}
	if b.Counters != "" {
		_, w := f.proposed(r, b.Counters)
		return w
	}
	return flaw{}
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
	case t.invalid:
		return flaw{CodeBadText, "the text is no valid accord in canonical form"}
	case t.doc == nil:
		return flaw{CodeNoText, "the accord text is not held here yet"}
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

func (f *Fold) resume(v *view, l *lane, b *ResumeBody) flaw {
	i := slices.IndexFunc(v.suspended, func(s *record) bool { return s.ref() == b.Suspension })
	switch {
	case i < 0 && v.lifted[b.Suspension] != nil:
		return flaw{CodeDuplicate, "the suspension was lifted before"}
	case i < 0:
		return flaw{CodeUnknownRef, "no such suspension in what the author had seen"}
	case v.suspended[i].lane.party != l.party:
		return flaw{CodeNotYours, "only the party that suspended resumes"}
	}
	return flaw{}
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
	f.fresh()
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
