package desk

import (
	"fmt"
	"slices"
	"strings"
)

// edge is one line of a transition table.
type edge struct {
	from State
	move string
	side Side
}

// lifecycle is the table of one type of request. Other types (preservation, takedown, incident,
// protest) are further values of this type; nothing else in the package knows a state by name
// except the clocks, which go by moves.
type lifecycle struct {
	name  string
	start State // what send leads to
	edges map[edge]State
	final []State // nothing but a dispute moves these
}

// open are the states in which the asking side may still take the request back.
var open = []State{Sent, Acknowledged, NeedsInfo, Transferred, Postponed, Conditional, TermsAccepted, Accepted, AtRisk, Partial}

// information returns the table of a request for information. It is built on each call so that no
// caller can change it for another; lifecycleOf keeps one per Book.
func information() *lifecycle {
	l := &lifecycle{name: Information, start: Sent, edges: map[edge]State{}, final: []State{Closed, Withdrawn}}
	add := func(to State, move string, side Side, from ...State) {
		for _, f := range from {
			l.edges[edge{f, move, side}] = to
		}
	}
	// The asked side.
	add(Acknowledged, Acknowledge, Asked, Sent, Transferred)
	add(NeedsInfo, NeedInfo, Asked, Acknowledged, Postponed, TermsAccepted, Accepted)
	add(Transferred, Transfer, Asked, Acknowledged)
	add(Refused, Refuse, Asked, Acknowledged, NeedsInfo, Transferred, Postponed, Conditional, TermsAccepted, Accepted, AtRisk)
	add(Postponed, Postpone, Asked, Acknowledged, Postponed, TermsAccepted, Accepted)
	add(Conditional, Conditions, Asked, Acknowledged, Postponed, Conditional)
	add(Accepted, Accept, Asked, Acknowledged, Postponed, TermsAccepted)
	add(Accepted, Progress, Asked, Accepted)
	add(Partial, Progress, Asked, Partial)
	add(AtRisk, Risk, Asked, Accepted, Partial)
	add(Partial, PartAnswer, Asked, Accepted, Partial)
	add(Answered, Answer, Asked, Accepted, Partial)
	// The asking side. Information that was missing opens the decision again: what the asked side
	// now knows may change it.
	add(Acknowledged, Info, Asking, NeedsInfo)
	add(TermsAccepted, AcceptTerms, Asking, Conditional)
	add(Accepted, Proceed, Asking, AtRisk)
	add(Assessed, Assess, Asking, Answered)
	add(Closed, Close, Asking, Assessed, Refused)
	add(Withdrawn, Withdraw, Asking, open...)
	// Both sides may put a disagreement on record anywhere; it moves nothing and stops no clock.
	for _, s := range append(slices.Clone(open), Refused, Answered, Assessed, Closed, Withdrawn) {
		add(s, Dispute, Asking, s)
		add(s, Dispute, Asked, s)
	}
	return l
}

// lifecycles holds the tables by type. A type that is not in it is refused with CodeUnknownType.
func lifecycles() map[string]*lifecycle {
	return map[string]*lifecycle{Information: information()}
}

// knows says whether the move occurs in the table at all.
func (l *lifecycle) knows(move string) bool {
	if move == Send {
		return true
	}
	for e := range l.edges {
		if e.move == move {
			return true
		}
	}
	return false
}

// next returns the moves a side may make in a state, sorted.
func (l *lifecycle) next(s State, side Side) []string {
	out := []string{}
	for e := range l.edges {
		if e.from == s && e.side == side {
			out = append(out, e.move)
		}
	}
	slices.Sort(out)
	return out
}

// Table returns the transition table of a type as text, one "state move side -> state" a line,
// sorted; "" for an unknown type. Documentation and a golden test hold the same text.
func Table(kind string) string {
	l := lifecycles()[kind]
	if l == nil {
		return ""
	}
	lines := []string{fmt.Sprintf("%-15s %-13s %-7s -> %s", "-", Send, Asking, l.start)}
	for e, to := range l.edges {
		lines = append(lines, fmt.Sprintf("%-15s %-13s %-7s -> %s", e.from, e.move, e.side, to))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n") + "\n"
}
