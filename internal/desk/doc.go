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

// The states (design part 8). Each type of request has some of them.
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
	Held          State = "held"           // preservation: the data are kept until a date
	Renewal       State = "renewal"        // preservation: the asking side wants them kept for longer
	Released      State = "released"       // preservation: the asking side needs them no more
	Lapsed        State = "lapsed"         // preservation: the date came, and they are not kept any more
	Notified      State = "notified"       // incident: the second notice is given
	Reported      State = "reported"       // incident: the final report is given
	Filed         State = "filed"          // pre-notice: the step that was announced is taken
)

// Side is one end of a request.
type Side string

// The two sides of a request. A third member of the unit is on neither.
const (
	Asking Side = "asking"
	Asked  Side = "asked"
)

// The moves. An entry's kind is "request." and the move.
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
	Hold        = "hold"    // preservation: the data are kept until a date
	Renew       = "renew"   // preservation: keep them for longer
	Release     = "release" // preservation: they are needed no more
	Lapse       = "lapse"   // preservation: they are not kept any more
	Notify      = "notify"  // incident: the second notice
	Report      = "report"  // incident: the final report
	File        = "file"    // pre-notice: the step is taken

	Translate = "translate" // a translation of what was said; it moves nothing
)

// The types of request that have a table. An accord may offer fewer, and sets their fields and clocks.
const (
	Information  = "information"  // what the asked side knows
	Assistance   = "assistance"   // investigate, act
	Subscriber   = "subscriber"   // who is behind an address or account
	Traffic      = "traffic"      // who spoke with whom
	Takedown     = "takedown"     // take something off the network
	Preservation = "preservation" // keep data from being deleted, until a date
	Incident     = "incident"     // notice of an incident, in steps; the asking side is the one that gives it
	Protest      = "protest"      // against something that the other side did or let happen
	PreNotice    = "pre-notice"   // a legal step is about to be taken
)

// How a text was translated.
const (
	HumanTranslation    = "human"    // by a person who answers for it
	CourtesyTranslation = "courtesy" // by a person, for convenience
	MachineTranslation  = "machine"  // by a program
)

// Translations returns the kinds of translation.
func Translations() []string {
	return []string{HumanTranslation, CourtesyTranslation, MachineTranslation}
}

// Types returns the types of request that have a table.
func Types() []string {
	return []string{Information, Assistance, Subscriber, Traffic, Takedown, Preservation, Incident, Protest, PreNotice}
}
