package dossier

import (
	"maps"
	"strconv"
	"time"

	"entente/internal/desk"
	"entente/internal/unit"
	"entente/journal"
)

// refs is a list of references that is never nil.
func refs(list ...journal.Ref) []journal.Ref { return append([]journal.Ref{}, list...) }

// maxJudged bounds for how many parties the deadlines are computed a second time.
const maxJudged = 16

// deadlines tells which deadlines of requests were missed. It is proved only by what the owner of the
// deadline itself signed: in the fold of nothing but what its newest entry says to have seen, at the
// time that this entry bears, the deadline has passed and what is owed is not there. Then nobody can
// have left anything out that would change it. Everything else is open: the dossier shows a journal up
// to its cut and no further.
func (v *verifier) deadlines(st *unit.State) {
	own := map[journal.PartyID]*unit.State{}
	for i := range st.Requests {
		q := &st.Requests[i]
		for j := range q.Clocks {
			k := &q.Clocks[j]
			if !k.Overdue && (!k.Late || k.Basis == desk.BasisPosting) {
				continue
			}
			if _, judged := own[k.Owner]; !judged && len(own) < maxJudged {
				own[k.Owner] = v.knownTo(k.Owner)
			}
			v.deadline(q, k, own[k.Owner], st.Now)
		}
	}
}

func (v *verifier) deadline(q *desk.Request, k *desk.Clock, own *unit.State, now time.Time) {
	f := Finding{Weight: Open, Code: CodeNotMet, Party: k.Owner, Refs: refs(q.ID)}
	if k.Late {
		f.Code = CodeLate
	}
	if mine := clockOf(own, q.ID, k.Name); mine != nil && mine.Basis != desk.BasisPosting && (mine.Overdue || mine.Late) {
		f.Weight, f.At, f.Clock = Proved, own.Now, k.Owner
		f.Code = CodeNotMet
		key := "verify.owed-not-met"
		if mine.Late {
			f.Code, key = CodeLate, lateKey("verify.owed-late", "verify.owed-late-ended", mine)
		}
		last := v.newest(k.Owner)
		f.Refs = append(f.Refs, last)
		f.say(key, "clock", clockWord(k.Name), "request", q.ID, "due", mine.Due, "clause", k.Clause, "entry", last, "at", own.Now, "came", stopped(mine))
		v.add(f)
		return
	}
	if k.Late {
		f.say(lateKey("verify.due-late", "verify.due-late-ended", k), "clock", clockWord(k.Name), "request", q.ID, "due", k.Due, "clause", k.Clause, "came", stopped(k))
	} else {
		f.say("verify.due-not-met", "clock", clockWord(k.Name), "request", q.ID, "due", k.Due, "clause", k.Clause, "at", now)
	}
	for _, s := range v.shelves {
		if s.head.Party == k.Owner {
			f.say("verify.shown-to", "journal", s.head.Origin, "entries", count("verify.of-entries", s.head.Size), "at", s.last)
		}
	}
	if k.Basis == desk.BasisPosting {
		f.say("verify.no-receipt")
		for _, w := range v.witnessed {
			if w.Own && w.Origin == q.ID.Origin && w.Head.Size > q.ID.Index && w.Witness != q.Asking {
				f.say("verify.witness-saw", "party", v.name(w.Witness), "at", w.At, "entry", w.Ref)
				break
			}
		}
	}
	v.add(f)
}

// lateKey is the key of what is said of a clock that was stopped late, or ended without what was owed.
func lateKey(met, ended string, k *desk.Clock) string {
	if k.Met.IsZero() {
		return ended
	}
	return met
}

func stopped(k *desk.Clock) time.Time {
	if k.Met.IsZero() {
		return k.Ended
	}
	return k.Met
}

// clockWord is the name of a clock, which is the stage that it times.
func clockWord(name string) word {
	return word{family: "stage", code: name, english: strconv.Quote(name)}
}

func clockOf(st *unit.State, id journal.Ref, name string) *desk.Clock {
	if st == nil {
		return nil
	}
	for i := range st.Requests {
		if st.Requests[i].ID != id {
			continue
		}
		for j := range st.Requests[i].Clocks {
			if k := &st.Requests[i].Clocks[j]; k.Name == name {
				return k
			}
		}
	}
	return nil
}

// newest is the last entry of a party's journal.
func (v *verifier) newest(p journal.PartyID) journal.Ref {
	for _, s := range v.shelves {
		if s.head.Party == p {
			return journal.Ref{Origin: s.head.Origin, Index: s.head.Size - 1}
		}
	}
	return journal.Ref{}
}

// knownTo returns the state as a party knew it with its newest entry, at the time of that entry; nil
// if that cannot be told: the party has several journals (one may be shown shorter than it is), the
// entry waits for what is not there, or it has seen another history of some journal.
func (v *verifier) knownTo(p journal.PartyID) *unit.State {
	var mine *shelf
	for _, s := range v.shelves {
		if s.head.Party == p {
			if mine != nil {
				return nil
			}
			mine = s
		}
	}
	if mine == nil || mine.head.Epoch > 0 {
		return nil
	}
	last := journal.Ref{Origin: mine.head.Origin, Index: mine.head.Size - 1}
	if !v.fold.Knew(last, last) || v.fold.VoidCode(last) != "" {
		return nil
	}
	heads := maps.Clone(mine.seen)
	if heads == nil {
		heads = map[journal.Origin]journal.Head{}
	}
	heads[last.Origin] = mine.mirror.Head()
	cut, err := v.fold.Cut(heads)
	if err != nil {
		return nil
	}
	return cut.State(mine.last)
}
