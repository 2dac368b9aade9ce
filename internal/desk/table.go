package desk

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"entente/internal/accord"
)

// edge is one line of a transition table.
type edge struct {
	from State
	move string
	side Side
}

// lifecycle is the table of one type of request, and what its clocks go by.
type lifecycle struct {
	start  State // what send leads to
	edges  map[edge]State
	idle   []State   // the next word is not the asked side's, although it has moves
	once   []string  // moves that a side makes at most once, although they leave the state as it is
	clocks []measure // in the order of a request's life
	final  []State   // nobody owes anything any more

	nexts map[stand][]string // the moves of each side in each state, sorted; made by recorded
}

// stand is a side in a state.
type stand struct {
	state State
	side  Side
}

func newLifecycle(clocks ...measure) *lifecycle {
	return &lifecycle{start: Sent, edges: map[edge]State{}, clocks: clocks,
		idle: []State{NeedsInfo, Conditional, AtRisk}, final: []State{Closed, Withdrawn}}
}

// add says that a move of a side leads from each of some states to another.
func (l *lifecycle) add(to State, move string, side Side, from ...State) {
	for _, f := range from {
		l.edges[edge{f, move, side}] = to
	}
}

// stays says that a side may make a move in each of some states, and that it moves nothing.
func (l *lifecycle) stays(move string, side Side, in ...State) {
	for _, s := range in {
		l.edges[edge{s, move, side}] = s
	}
}

// recorded completes a table: in every state both sides may put a disagreement on record, and
// translate what was said. Either moves nothing and stops no clock.
func (l *lifecycle) recorded() *lifecycle {
	states := map[State]bool{l.start: true}
	for _, to := range l.edges {
		states[to] = true
	}
	for s := range states {
		for _, side := range []Side{Asking, Asked} {
			l.stays(Dispute, side, s)
			l.stays(Translate, side, s)
		}
	}
	l.nexts = map[stand][]string{}
	for e := range l.edges {
		at := stand{e.from, e.side}
		l.nexts[at] = append(l.nexts[at], e.move)
	}
	for _, moves := range l.nexts {
		slices.Sort(moves)
	}
	return l
}

// asked returns the table of a request that is decided on, worked on and answered.
func asked() *lifecycle {
	l := newLifecycle(append(askedClocks(Answer), assessClock(Asking, Answer))...)
	l.decided(Acknowledged, Postponed, TermsAccepted, Accepted)
	l.add(Refused, Refuse, Asked, Acknowledged, NeedsInfo, Transferred, Postponed, Conditional, TermsAccepted, Accepted, AtRisk)
	l.add(Accepted, Accept, Asked, Acknowledged, Postponed, TermsAccepted)
	l.stays(Progress, Asked, Accepted, Partial)
	l.add(AtRisk, Risk, Asked, Accepted, Partial)
	l.add(Accepted, Proceed, Asking, AtRisk)
	l.add(Partial, PartAnswer, Asked, Accepted, Partial)
	l.add(Answered, Answer, Asked, Accepted, Partial)
	l.add(Assessed, Assess, Asking, Answered)
	l.add(Closed, Close, Asking, Assessed, Refused)
	l.add(Withdrawn, Withdraw, Asking, Sent, Acknowledged, NeedsInfo, Transferred, Postponed, Conditional, TermsAccepted, Accepted, AtRisk, Partial)
	return l.recorded()
}

// decided adds how the asked side comes to a decision: what it may do first, what it may still
// want to know in some states, and the terms it may name. What was missing opens the decision
// again: what the asked side now knows may change it.
func (l *lifecycle) decided(undecided ...State) {
	l.add(Acknowledged, Acknowledge, Asked, Sent, Transferred)
	l.add(NeedsInfo, NeedInfo, Asked, undecided...)
	l.add(Acknowledged, Info, Asking, NeedsInfo)
	l.add(Transferred, Transfer, Asked, Acknowledged)
	l.add(Postponed, Postpone, Asked, undecided...)
	l.add(Conditional, Conditions, Asked, Acknowledged, Postponed, Conditional)
	l.add(TermsAccepted, AcceptTerms, Asking, Conditional)
}

// preservation returns the table of a request to keep data. Whether they lapse without a word is
// an overlay of the clock "hold"; the asked side says with lapse that they are gone.
func preservation() *lifecycle {
	hold := measure{stage: accord.StageHold, owner: Asking, from: []string{Hold}, met: []string{Release, Lapse}, promised: true}
	l := newLifecycle(append(askedClocks(Hold), hold, assessClock(Asking, Release, Lapse))...)
	l.idle = append(l.idle, Held)
	l.decided(Acknowledged, Postponed, TermsAccepted)
	l.add(Refused, Refuse, Asked, Acknowledged, NeedsInfo, Transferred, Postponed, Conditional, TermsAccepted)
	l.add(Held, Hold, Asked, Acknowledged, Postponed, TermsAccepted, Held, Renewal)
	l.add(Renewal, Renew, Asking, Held)
	l.add(Held, Refuse, Asked, Renewal) // what is kept stays kept until its date
	l.add(Released, Release, Asking, Held, Renewal)
	l.add(Lapsed, Lapse, Asked, Held, Renewal)
	l.add(Assessed, Assess, Asking, Released, Lapsed)
	l.add(Closed, Close, Asking, Released, Lapsed, Assessed, Refused)
	l.add(Withdrawn, Withdraw, Asking, Sent, Acknowledged, NeedsInfo, Transferred, Postponed, Conditional, TermsAccepted, Held, Renewal)
	return l.recorded()
}

// incident returns the table of a notice that is given in steps: early warning (send),
// notification, final report. The clocks are those of the side that gives it.
func incident() *lifecycle {
	l := newLifecycle(receiptClock(),
		measure{stage: accord.StageAcknowledge, owner: Asked, met: []string{Acknowledge}},
		measure{stage: accord.StageEarlyWarning, owner: Asking, from: []string{Send}, detected: true, met: []string{Send}},
		measure{stage: accord.StageNotification, owner: Asking, from: []string{Send}, detected: true, met: []string{Notify}},
		measure{stage: accord.StageFinalReport, owner: Asking, from: []string{Notify}, met: []string{Report}},
		assessClock(Asked, Report))
	l.once = []string{Acknowledge}
	l.idle = append(l.idle, Acknowledged, Notified)
	l.add(Acknowledged, Acknowledge, Asked, Sent)
	l.stays(Acknowledge, Asked, Notified, Reported)
	l.add(Notified, Notify, Asking, Sent, Acknowledged)
	l.add(Reported, Report, Asking, Notified)
	// News, questions and advice go both ways while it lasts.
	l.stays(Progress, Asking, Sent, Acknowledged, Notified)
	l.stays(Info, Asking, Acknowledged, Notified, Reported)
	l.stays(NeedInfo, Asked, Acknowledged, Notified, Reported)
	l.stays(Progress, Asked, Acknowledged, Notified, Reported)
	l.add(Assessed, Assess, Asked, Reported)
	l.add(Closed, Close, Asked, Reported, Assessed)
	l.add(Withdrawn, Withdraw, Asking, Sent, Acknowledged, Notified) // it was none
	return l.recorded()
}

// protest returns the table of a protest: it is answered or refused, and nothing is worked on.
func protest() *lifecycle {
	l := newLifecycle(askedClocks(Answer)...)
	l.stated()
	l.add(Closed, Close, Asking, Answered, Refused)
	return l.recorded()
}

// preNotice returns the table of a legal step that is announced: the asked side may advise, and
// the asking side says when it was taken.
func preNotice() *lifecycle {
	l := newLifecycle(askedClocks(Answer)...)
	l.stated()
	l.add(Filed, File, Asking, Sent, Acknowledged, NeedsInfo, Transferred, Postponed, Answered, Refused)
	l.add(Closed, Close, Asking, Answered, Refused, Filed)
	return l.recorded()
}

// stated adds what is common to statements that are answered at once.
func (l *lifecycle) stated() {
	l.add(Acknowledged, Acknowledge, Asked, Sent, Transferred)
	l.add(NeedsInfo, NeedInfo, Asked, Acknowledged, Postponed)
	l.add(Acknowledged, Info, Asking, NeedsInfo)
	l.add(Transferred, Transfer, Asked, Acknowledged)
	l.add(Postponed, Postpone, Asked, Acknowledged, Postponed)
	l.add(Answered, Answer, Asked, Acknowledged, NeedsInfo, Postponed)
	l.add(Refused, Refuse, Asked, Acknowledged, NeedsInfo, Transferred, Postponed)
	l.add(Withdrawn, Withdraw, Asking, Sent, Acknowledged, NeedsInfo, Transferred, Postponed, Answered)
}

// lifecycles holds the tables by type. A type that is not in it is refused with CodeUnknownType.
// They are made once and changed by nobody.
var lifecycles = sync.OnceValue(func() map[string]*lifecycle {
	out := map[string]*lifecycle{Preservation: preservation(), Incident: incident(), Protest: protest(), PreNotice: preNotice()}
	table := asked()
	for _, kind := range []string{Information, Assistance, Subscriber, Traffic, Takedown} {
		out[kind] = table
	}
	return out
})

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

// next returns the moves a side may make in a state, sorted. They are not to be changed.
func (l *lifecycle) next(s State, side Side) []string { return l.nexts[stand{s, side}] }

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
