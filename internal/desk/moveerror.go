package desk

import (
	"fmt"

	"entente/journal"
)

// Codes of moves that change nothing. They are stable.
const (
	CodeWrongSide      = "wrong-side"        // the move belongs to the other side, or to neither of the author's
	CodeWrongState     = "wrong-state"       // the table has no such move in this state
	CodeDuplicate      = "duplicate"         // the move was made already
	CodeUnknownRequest = "unknown-request"   // no such request in what the author had seen
	CodeUnknownThread  = "unknown-thread"    // no such call, case or other thread in what the author had seen
	CodeUnknownType    = "unknown-type"      // a type of request that has no table here
	CodeUnknownMove    = "unknown-move"      // a move that the type does not have
	CodeBadBody        = "bad-body"          // the entry's body does not hold what the move needs
	CodeNoAddressee    = "no-addressee"      // nobody, the author itself, or no member is asked
	CodeTooMany        = "too-many"          // the thread has all the moves, or the author has opened all the threads, that there may be
	CodeBadDate        = "bad-date"          // the move's dates contradict each other, or what was said
	CodeDrillMixed     = "drill-mixed"       // a drill and what is no drill would be in one thread, or name each other
	CodeNotAnnounced   = "not-announced"     // the accord wants drills announced, and this one is not, or not for now
	CodeTooEarly       = "too-early"         // no clock is missed for long enough to climb to this step
	CodeWrongStep      = "wrong-step"        // another step of the ladder comes next, or there is none
	CodeTooLarge       = "too-large"         // more than MaxWords are said at once
	CodeUnknownContact = "unknown-contact"   // no such contact of that party in the accord in force
	CodeRefused        = "refused"           // the gate refused the entry
	CodeUnknownText    = "unknown-text"      // translate: the entry it names has no text of this request, or the move none
	CodeNotAuthor      = "not-author"        // translate: only the author of a text may say that another is authentic too
	CodeUnknownRef     = "unknown-reference" // names an entry of content that its author had not seen, or nothing of this thread
	CodeNotYours       = "not-yours"         // only who said it takes it back, amends it, or answers it
	CodeMismatch       = "text-mismatch"     // another text than the one that was proposed
	CodeNoStatements   = "no-statements"     // the accord lets nobody speak, or not in this form
	CodeNotSpokes      = "not-spokesperson"  // the accord names others to speak
	CodeEmbargo        = "embargo"           // earlier than the accord lets a party speak alone
	CodeOverdue        = "overdue"           // what is overdue is not what it says
	CodeIncomplete     = "incomplete"        // an exhibit lacks chunks
	CodeWrongHash      = "wrong-hash"        // a statement of custody is about other bytes
)

// MoveError says why a move changed nothing.
type MoveError struct {
	Code   string      // one of the Code constants
	Ref    journal.Ref // the entry that made the move
	Detail string      // for people
}

// Error names the move, the code and the reason.
func (e *MoveError) Error() string {
	return fmt.Sprintf("desk: move %s changes nothing (%s): %s", e.Ref, e.Code, e.Detail)
}

// Codes returns all codes of moves that change nothing.
func Codes() []string {
	return []string{CodeWrongSide, CodeWrongState, CodeDuplicate, CodeUnknownRequest, CodeUnknownThread, CodeUnknownType, CodeUnknownMove, CodeBadBody,
		CodeNoAddressee, CodeTooMany, CodeBadDate, CodeRefused, CodeUnknownText, CodeNotAuthor}
}
