package dossier

import (
	"time"

	"entente/internal/desk"
	"entente/internal/unit"
	"entente/journal"
)

// record takes the whole of what the desk keeps into the report, and what belongs to the entries that the dossier is about.
func (v *verifier) record(r *Report, st *unit.State) {
	r.Calls, r.Drills, r.Contacts = st.Calls, st.Drills, st.Contacts
	r.Cases, r.Commitments, r.Statements, r.Leaks, r.Reviews = st.Cases, st.Commitments, st.Statements, st.Leaks, st.Reviews
	r.related = map[journal.Ref]bool{}
	for _, ref := range r.About {
		for _, x := range v.fold.Related(ref) {
			r.related[x] = true
		}
	}
}

// concerns says whether a thread belongs on a page: the dossier is about it, or about something that it belongs to, or about
// nothing in particular.
func (r *Report) concerns(thread journal.Ref) bool { return len(r.About) == 0 || r.related[thread] }

// idle tells of every move that changed nothing, of each family, and of entries that belong to no thread. They come after all other
// findings, so that a flood of them takes no room from what is heavier.
func (v *verifier) idle(st *unit.State) {
	note := func(family, move, code, why string, p journal.PartyID, ref journal.Ref, at time.Time) {
		v.add(Finding{Weight: Noted, Code: code, Party: p, Refs: refs(ref), At: at, Clock: p, Text: family + move + " changed nothing: " + why})
	}
	steps := func(family string, all []desk.Step) {
		for _, s := range all {
			note(family, s.Move, s.Refused, s.Reason, s.Party, s.Ref, s.At)
		}
	}
	said := func(family string, all []desk.Said) {
		for _, s := range all {
			note(family, s.Move, s.Refused, s.Reason, s.Party, s.Ref, s.At)
		}
	}
	for _, q := range st.Requests {
		steps("request.", q.Illegal)
	}
	for _, c := range st.Calls {
		steps("hotline.", c.Illegal)
	}
	for _, a := range st.Drills.Announced {
		steps("hotline.", a.Illegal)
	}
	for _, c := range st.Drills.Calls {
		steps("hotline.", c.Illegal)
	}
	for _, p := range st.Drills.Pings {
		steps("contact.", p.Illegal)
	}
	for _, c := range st.Cases {
		said("case.", c.Illegal)
	}
	for _, c := range st.Commitments {
		said("commitment.", c.Illegal)
	}
	for _, s := range st.Statements {
		said("statement.", s.Illegal)
	}
	for _, l := range st.Leaks {
		said("leak.", l.Illegal)
	}
	for _, x := range st.Exhibits {
		for _, s := range x.Illegal {
			note("exhibit.", s.Move, s.Refused, s.Reason, s.Party, s.Ref, s.At)
		}
	}
	for _, r := range st.Reviews {
		steps("review.", r.Illegal)
	}
	steps("of no thread: ", st.Strays)
}
