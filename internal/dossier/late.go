package dossier

import (
	"fmt"
	"maps"
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
		said := "it is not"
		if mine.Late {
			f.Code, said = CodeLate, "it came "+late(mine)
		}
		last := v.newest(k.Owner)
		f.Refs = append(f.Refs, last)
		f.Text = fmt.Sprintf("the party owed %q of request %s by %s (clause %s); by its own clock it wrote entry %s at %s, and in all it says to have seen there %s",
			k.Name, q.ID, when(mine.Due), k.Clause, last, when(own.Now), said)
		v.add(f)
		return
	}
	if k.Late {
		f.Text = fmt.Sprintf("%q of request %s was due by %s (clause %s) and came %s, as far as the dossier shows what stopped the clock", k.Name, q.ID, when(k.Due), k.Clause, late(k))
	} else {
		f.Text = fmt.Sprintf("%q of request %s was due by %s (clause %s) and is not in the dossier at %s", k.Name, q.ID, when(k.Due), k.Clause, when(now))
	}
	for _, s := range v.shelves {
		if s.head.Party == k.Owner {
			f.Text += fmt.Sprintf("; journal %s is shown up to %d entries only, the last of %s by its author's clock", s.head.Origin, s.head.Size, when(s.last))
		}
	}
	if k.Basis == desk.BasisPosting {
		f.Text += "; no receipt of the request is shown, so that the party had it is what the asking side says"
		for _, w := range v.witnessed {
			if w.Own && w.Origin == q.ID.Origin && w.Head.Size > q.ID.Index && w.Witness != q.Asking {
				f.Text += fmt.Sprintf("; the witness of party %s says it saw a head over the request at %s (entry %s), which is no receipt", v.name(w.Witness), when(w.At), w.Ref)
				break
			}
		}
	}
	v.add(f)
}

func late(k *desk.Clock) string {
	if !k.Met.IsZero() {
		return when(k.Met)
	}
	return "to its end " + when(k.Ended)
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
