package pairing

import (
	"errors"
	"fmt"

	"entente/journal"
)

// Codes of refusals. A refusal by package journal (weak-key, bad-identity, ...)
// keeps its own code.
const (
	CodeBadInvitation = "bad-invitation"   // not an invitation, or mistyped
	CodeNoInvitation  = "no-invitation"    // no invitation with that token is open
	CodeExpired       = "expired"          // the invitation's time is over
	CodeUsed          = "used"             // the invitation was used before
	CodeWrongStep     = "wrong-step"       // a message that does not fit the state
	CodeBadMessage    = "bad-message"      // malformed
	CodeOwnIdentity   = "own-identity"     // our own identity came back to us
	CodeWrongParty    = "wrong-party"      // another party than the invitation names
	CodeWrongKey      = "wrong-key"        // the TLS key is not in the identity shown
	CodeExpiredID     = "expired-identity" // the identity has expired
	CodeBadCommitment = "bad-commitment"   // what was revealed is not what was committed to
	CodeOtherSession  = "other-session"    // a step came over another TLS connection
	CodeNotDigits     = "not-digits"       // what was typed cannot be the other side's digits
	CodeWrongDigits   = "wrong-digits"     // the digits do not match: the pairing is burned
	CodeBurned        = "burned"           // the pairing was ended before
	CodeTooMany       = "too-many"         // too many tries
	CodeBadProof      = "bad-proof"        // a confirmation of another pairing
	CodeWrongUnit     = "wrong-unit"       // the founding document is not the invited unit's
)

// Refusal is a coded reason for not going on. Code is for programs, Detail says
// what happened and what to do.
type Refusal struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

func (r *Refusal) Error() string { return "pairing refused (" + r.Code + "): " + r.Detail }

// CodeOf returns the code of the refusal in err, or "".
func CodeOf(err error) string {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return r.Code
	}
	return journal.CodeOf(err)
}

func refuse(code, format string, args ...any) *Refusal {
	return &Refusal{Code: code, Detail: fmt.Sprintf(format, args...)}
}
