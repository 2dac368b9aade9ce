package node

import (
	"errors"
	"fmt"
	"net/http"

	"entente/internal/intel"
)

// Error is what a use case answers when it cannot do what was asked. It is
// made of three sentences a person can act on, and a code a program can.
type Error struct {
	Code   string // short, stable, kebab-case
	Status int    // the HTTP status that fits (RFC 9110)
	What   string // what happened
	Why    string // why
	Next   string // what to do next
	Err    error  // the cause, if there is one
	Terms  *Terms // the codes in the sentences, where faces render them in other languages
}

// Terms are the codes that an illegal move is refused with.
type Terms struct {
	Family string   `json:"family"` // request, hotline, contact, case, commitment, exhibit, statement, leak, review
	Move   string   `json:"move"`
	State  string   `json:"state,omitempty"` // of a request
	Side   string   `json:"side,omitempty"`  // asking, asked: of a request
	Code   string   `json:"code"`            // of package desk
	Next   []string `json:"next"`            // moves that are possible
}

func (e *Error) Error() string {
	s := e.What
	for _, more := range []string{e.Why, e.Next} {
		if more != "" {
			s += " " + more
		}
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// Codes that faces decide on.
const (
	CodeNotFound = "not-found"
	CodeGate     = "gate" // the accord does not let it out; Decision has the clause
	CodeBadInput = "bad-input"
	CodeLocked   = "locked"
	CodeDamaged  = "damaged"
	CodeSealed   = "sealed"  // evidence lies encrypted, and its key is not here
	CodeRetired  = "retired" // the journal may not be extended: restore rule
	// CodeBadPayload: a payload that its author committed to cannot be read.
	CodeBadPayload = "bad-payload"
)

// GateError carries the decision that stopped an act.
type GateError struct{ Decision Decision }

func (e *GateError) Error() string {
	return fmt.Sprintf("%s by clause %s: %s", verdictPast(e.Decision.Verdict), e.Decision.Clause, e.Decision.Reason)
}

func verdictPast(v string) string {
	if v == "hold" {
		return "held"
	}
	return "refused"
}

func notFound(what, next string) *Error {
	return &Error{Code: CodeNotFound, Status: http.StatusNotFound, What: what, Next: next}
}

func badInput(what, why, next string) *Error {
	return &Error{Code: CodeBadInput, Status: http.StatusBadRequest, What: what, Why: why, Next: next}
}

// checkLimit refuses a page of less than nothing. 0 is the default, more than the most is the most.
func checkLimit(n int) error {
	if n < 0 {
		return badInput(fmt.Sprintf("The limit is %d.", n), "A page has one at least.", "Give a positive number, or none for the default.")
	}
	return nil
}

func conflict(code, what, why, next string) *Error {
	return &Error{Code: code, Status: http.StatusConflict, What: what, Why: why, Next: next}
}

// gateError turns a decision that is not allow into the error faces show.
func gateError(d Decision) *Error {
	next := "Nothing left this node. See what the accord says with 'entente accord show'."
	if d.Verdict == "hold" {
		next = "Nothing left this node. It may pass later: when the suspension ends, or with a second person's release (--release AGENCY:ROLE, or --hold-ready to let another officer look at it)."
	}
	if d.Code == intel.CodeGuarded {
		next = "Nothing left this node. See which lists guard the value with 'entente guard test VALUE'; a list can be corrected."
	}
	return &Error{Code: CodeGate, Status: http.StatusForbidden,
		What: "The gate " + verdictPast(d.Verdict) + " this.",
		Why:  fmt.Sprintf("Clause %s (%s): %s.", d.Clause, d.Code, d.Reason),
		Next: next, Err: &GateError{Decision: d}}
}

// ErrLocked is returned by Open when another process has the folder open.
var ErrLocked = errors.New("node: folder is open in another process")
