package unit

import (
	"slices"
	"sort"
	"time"

	"entente/internal/accord"
	"entente/journal"
)

// view is what somebody knows who has seen a causally closed set of entries: the one author of a
// lane, or, for the global view, everybody together. It only grows with the set.
type view struct {
	lane      *lane // nil for the global view
	terms     *text // the accord in force, nil for none
	admitted  map[journal.PartyID]bool
	withdrawn map[journal.PartyID]bool
	notices   map[journal.PartyID]time.Time // when a notice takes effect
	suspended []*record
	lifted    map[journal.Ref]*record // by suspension: the resume
	lowest    map[string]string       // by superseded hash: the lowest hash the party signed
	admits    int                     // parties that the view's own party admitted
	stops     int                     // suspensions by the view's own party, lifted or not
	missing   bool                    // a signed text is not held here
	day       string                  // UTC, of used
	used      accord.Usage
}

func newView(l *lane) *view {
	return &view{lane: l, admitted: map[journal.PartyID]bool{}, withdrawn: map[journal.PartyID]bool{},
		notices: map[journal.PartyID]time.Time{}, lifted: map[journal.Ref]*record{}, lowest: map[string]string{}}
}

// absorb takes in what a lane's events in [from, to) change. The order does not matter.
func (v *view) absorb(l *lane, from, to int64) {
	i := sort.Search(len(l.events), func(i int) bool { return l.events[i].index >= from })
	for ; i < len(l.events) && l.events[i].index < to; i++ {
		v.take(l.events[i])
	}
}

func (v *view) take(r *record) {
	p := r.lane.party
	switch b := r.body.(type) {
	case *AdmitBody:
		v.admitted[b.party] = true
		if v.lane != nil && v.lane.party == p {
			v.admits++
		}
	case *SuspendBody:
		if v.lane != nil && v.lane.party == p {
			v.stops++
		}
		if v.lifted[r.ref()] == nil {
			v.suspended = append(v.suspended, r)
		}
	case *ResumeBody:
		if old := v.lifted[b.Suspension]; old == nil || compareRecords(r, old) < 0 {
			v.lifted[b.Suspension] = r
		}
		v.suspended = slices.DeleteFunc(slices.Clone(v.suspended), func(s *record) bool { return s.ref() == b.Suspension })
	case *NoticeBody:
		if at, ok := v.notices[p]; !ok || r.from.Before(at) {
			v.notices[p] = r.from
		}
	case *HashBody:
		if r.kind == KindSign {
			v.missing = v.missing || r.code == CodeNoText
			if r.code == "" && v.lane != nil && v.lane.party == p {
				v.sign(r.terms.hashOf(), b.Hash)
			}
		}
	case *struct{}: // withdrawal
		v.withdrawn[p] = true
	}
}

// sign notes that the view's own party signed a text.
func (v *view) sign(supersedes, hash string) {
	if low, ok := v.lowest[supersedes]; !ok || hash < low {
		v.lowest[supersedes] = hash
	}
}

// clone returns a copy that can be taken further without touching v.
func (v *view) clone() *view {
	c := *v
	c.suspended = slices.Clone(v.suspended)
	return &c
}

// members returns the members in this view, sorted: the parties of the accord in force, or founder
// and admitted candidates as long as there is none. Who has withdrawn is left out if asked.
func (f *Fold) members(v *view, present bool) []journal.PartyID {
	var out []journal.PartyID
	if v.terms != nil {
		out = slices.Clone(v.terms.parties)
	} else {
		if f.bad == nil {
			out = append(out, f.founding.Founder)
		}
		for p := range v.admitted {
			if p != f.founding.Founder {
				out = append(out, p)
			}
		}
		slices.Sort(out)
	}
	if present {
		out = slices.DeleteFunc(out, func(p journal.PartyID) bool { return v.withdrawn[p] })
	}
	return out
}

// standing says whether a party may take part in negotiation: founder, admitted, or member.
func (f *Fold) standing(v *view, p journal.PartyID) bool {
	return f.bad == nil && p == f.founding.Founder || v.admitted[p] || v.terms != nil && v.terms.has(p)
}

// isMember says whether a party is a member in this view, withdrawn or not.
func (f *Fold) isMember(v *view, p journal.PartyID) bool {
	if v.terms != nil {
		return v.terms.has(p)
	}
	return f.standing(v, p)
}

// active returns the suspensions that bind in this view: by members that have not left.
func (f *Fold) active(v *view) []*record {
	var out []*record
	for _, s := range v.suspended {
		if f.isMember(v, s.lane.party) && !v.withdrawn[s.lane.party] {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, compareRecords)
	return out
}

// situation is what the gate is told about this view at a time.
func (f *Fold) situation(v *view, at time.Time, suspended []*record) accord.Situation {
	s := accord.Situation{}
	if v.terms != nil {
		s.Accord, s.Hash = v.terms.doc, v.terms.hash
	}
	for _, p := range f.members(v, false) {
		s.Members = append(s.Members, string(p))
		if left, ok := v.notices[p]; v.withdrawn[p] || ok && !at.Before(left) {
			s.Withdrawn = append(s.Withdrawn, string(p))
		}
	}
	for _, r := range suspended {
		s.Suspended = append(s.Suspended, suspension(r))
	}
	if day(at) == v.day {
		s.Used = v.used
	}
	return s
}

func suspension(r *record) accord.Suspension {
	return accord.Suspension{By: string(r.lane.party), Scope: r.body.(*SuspendBody).Scope, Since: r.at}
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02") }
