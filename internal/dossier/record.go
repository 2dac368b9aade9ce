package dossier

import (
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
func (v *verifier) idle() {
	for _, x := range v.fold.Idle() {
		v.add(Finding{Weight: Noted, Code: x.Refused, Party: x.Party, Refs: refs(x.Ref), At: x.At, Clock: x.Party, says: []sentence{say("verify.idle", "kind", kindOf(x.Kind), "reason", word{"desk", x.Refused, x.Reason})}})
	}
}
