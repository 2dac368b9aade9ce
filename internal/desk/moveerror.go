package desk

import (
	"fmt"

	"entente/journal"
)

// Codes of moves that change nothing. They are stable.
const (
	CodeWrongSide      = "wrong-side"      // the move belongs to the other side, or to neither of the author's
	CodeWrongState     = "wrong-state"     // the table has no such move in this state
	CodeDuplicate      = "duplicate"       // the move was made already
	CodeUnknownRequest = "unknown-request" // no such request in what the author had seen
	CodeUnknownThread  = "unknown-thread"  // no such call, case or other thread in what the author had seen
	CodeUnknownType    = "unknown-type"    // a type of request that has no table here
	CodeUnknownMove    = "unknown-move"    // a move that the type does not have
	CodeBadBody        = "bad-body"        // the entry's body does not hold what the move needs
	CodeNoAddressee    = "no-addressee"    // nobody, the author itself, or no member is asked
	CodeTooMany        = "too-many"        // the request has MaxMoves moves already
	CodeBadDate        = "bad-date"        // the move's dates contradict each other, or what was said
	CodeIncomplete     = "incomplete"      // an exhibit lacks chunks
	CodeWrongHash      = "wrong-hash"      // a statement of custody is about other bytes
	CodeRefused        = "refused"         // the gate refused the entry
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
		CodeNoAddressee, CodeTooMany, CodeBadDate, CodeRefused}
}
