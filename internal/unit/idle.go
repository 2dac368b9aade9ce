package unit

import (
	"entente/internal/desk"
	"entente/journal"
)

// Idle is an entry of a thread that changed nothing, or one that belongs to no thread.
type Idle struct {
	Kind   string // of the entry
	Thread *journal.Ref
	desk.Said
}

// Idle returns all entries of every family that changed nothing: by family, thread and in the order of their moves; those of no
// thread last.
func (f *Fold) Idle() []Idle {
	f.fresh()
	var out []Idle
	for _, fam := range []*family{requests, hotlines, contacts, cases, commitments, statements, leaks, exhibits, reviews} {
		for t := range f.sorted(fam) {
			ref := t.opened.ref()
			for _, s := range illegal(f.ordered(t)) {
				out = append(out, Idle{fam.kind(s.Move), &ref, s})
			}
		}
	}
	for _, r := range f.stray {
		s := strayStep(r)
		out = append(out, Idle{r.kind, nil, s.Said()})
	}
	return out
}

// illegal are the moves of a thread that changed nothing.
func illegal(s state) []desk.Said {
	switch s := s.(type) {
	case machined[desk.Body, *desk.Request]:
		return desk.AllSaid(s.m.Illegal)
	case callState:
		return desk.AllSaid(s.call.Illegal)
	case machined[desk.CallBody, *desk.Announcement]:
		return desk.AllSaid(s.m.Illegal)
	case machined[desk.ContactBody, *desk.PingState]:
		return desk.AllSaid(s.m.Illegal)
	case joint[desk.CaseBody, *desk.Case]:
		return s.m.Illegal
	case joint[desk.CommitmentBody, *desk.Commitment]:
		return s.m.Illegal
	case joint[desk.StatementBody, *desk.Statement]:
		return s.m.Illegal
	case joint[desk.LeakBody, *desk.Leak]:
		return s.m.Illegal
	case machined[desk.ExhibitBody, *desk.Exhibit]:
		out := make([]desk.Said, len(s.m.Illegal))
		for i, x := range s.m.Illegal {
			out[i] = desk.Said{Ref: x.Ref, Move: x.Move, Party: x.Party, By: x.By, At: x.At, Code: x.Code, Payload: x.Payload, Held: x.Held, Refused: x.Refused, Reason: x.Reason}
		}
		return out
	case reviewing:
		return desk.AllSaid(s.m.Illegal)
	}
	return nil
}
