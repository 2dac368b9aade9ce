// Package desk runs the life of requests between two parties: an explicit transition table, in
// which each side moves only its own edges, and clocks that are computed, never stored.
//
// A request is opened by the entry "request.send" and moved by later entries of the two parties.
// The order in which concurrent moves are applied is settled by the caller (package unit); given
// the order, everything here is a pure function: a move that the table does not hold changes
// nothing and is kept with a code. Whether a request is overdue or escalated is an overlay computed
// from the argument now; nothing here reads a clock.
package desk

// State is where a request stands. It is set by moves alone.
type State string

// The states of a request for information (design part 8).
const (
	Sent          State = "sent"           // posted; the asked side has not named who has it
	Acknowledged  State = "acknowledged"   // a named role has it
	NeedsInfo     State = "needs-info"     // the asking side owes something; the clock stands
	Transferred   State = "transferred"    // handed to another agency of the asked side
	Refused       State = "refused"        // with a code
	Postponed     State = "postponed"      // with a code and a date
	Conditional   State = "conditional"    // the asked side named terms
	TermsAccepted State = "terms-accepted" // the asking side took them
	Accepted      State = "accepted"       // being worked on
	AtRisk        State = "at-risk"        // acting may expose the case; the asking side decides
	Partial       State = "partial"        // something was answered, more follows
	Answered      State = "answered"       // the answer is complete
	Assessed      State = "assessed"       // scored by the asking side
	Closed        State = "closed"         // done
	Withdrawn     State = "withdrawn"      // taken back by the asking side
)

// Side is one end of a request.
type Side string

// The two sides of a request. A third member of the unit is on neither.
const (
	Asking Side = "asking"
	Asked  Side = "asked"
)

// The moves of a request for information. An entry's kind is "request." and the move.
const (
	Send        = "send"
	Acknowledge = "acknowledge"
	NeedInfo    = "needs-info"
	Info        = "info"
	Transfer    = "transfer"
	Refuse      = "refuse"
	Postpone    = "postpone"
	Conditions  = "conditions"
	AcceptTerms = "accept-terms"
	Accept      = "accept"
	Progress    = "progress"
	Risk        = "at-risk"
	Proceed     = "proceed"
	PartAnswer  = "partial"
	Answer      = "answer"
	Assess      = "assess"
	Close       = "close"
	Withdraw    = "withdraw"
	Dispute     = "dispute"
)

// Information is the type of a request for information.
const Information = "information"
