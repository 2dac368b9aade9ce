package journal

import (
	"errors"
	"fmt"
)

// Codes of refusals. They are stable: programs and accords cite them.
const (
	CodeFork           = "fork"            // two heads of one size with different roots
	CodeRollback       = "rollback"        // a shorter head that contradicts the known one
	CodeRewritten      = "rewritten"       // a longer head, or an entry, that does not contain what is known
	CodeReplay         = "replay"          // an entry that is already held came again in another place
	CodeGap            = "gap"             // entries are missing between what is held and what came
	CodeReorder        = "reorder"         // the entries came in another order than their indexes
	CodeWrongUnit      = "wrong-unit"      // an entry of another unit
	CodeWrongAuthor    = "wrong-author"    // an entry of another party
	CodeWrongIndex     = "wrong-index"     // an entry whose index or epoch is not its place
	CodeWrongOrigin    = "wrong-origin"    // a head or a statement of another journal
	CodeBadSignature   = "bad-signature"   // a signature is missing or does not verify
	CodeHalfSignature  = "half-signature"  // one of the required signatures verifies, another is missing
	CodeWeakKey        = "weak-key"        // a key that makes signatures deniable, or is malformed
	CodeBadEntry       = "bad-entry"       // not a well-formed entry
	CodeOversize       = "oversize"        // larger than the format allows
	CodeBadRoot        = "bad-root"        // the entries do not give the signed root
	CodeBadSeen        = "bad-seen"        // seen decreases, changes a root or leaves out a receipted head
	CodeBackDated      = "back-dated"      // at lies below the predecessor's
	CodeStale          = "stale"           // an older or equal head, consistent with what is known; no guilt
	CodeBadIdentity    = "bad-identity"    // an identity chain that does not hold
	CodeBadCertificate = "bad-certificate" // a journal key that the party has not certified
	CodeTwoStatements  = "two-statements"  // two statements of one party that exclude each other
	CodeDamaged        = "damaged"         // what is stored is not what was signed
)

// Sentinel errors.
var (
	// ErrStale marks a head that brings nothing new and contradicts nothing. It
	// is no evidence against anybody: late courier files look like this.
	ErrStale = errors.New("journal: the head is older than what is held, and consistent with it")
	// ErrRolledBack marks a journal whose latest head cannot be established. It
	// must not be extended: see [NewSuccessor].
	ErrRolledBack = errors.New("journal: the latest head cannot be established, so the journal must not be extended: certify a successor with the organisation key")
	// ErrBroken marks a writer or mirror whose last write to storage failed. It
	// has to be opened again, because what is durable is not known.
	ErrBroken = errors.New("journal: an earlier write failed; close and open the journal again")
	// ErrEmpty marks a journal without a genesis entry.
	ErrEmpty = errors.New("journal: empty, it has no genesis entry yet")
	// ErrExpired marks an identity whose last version has expired.
	ErrExpired = errors.New("journal: the identity has expired; its organisation key has to sign a new version")
)

// Refusal is a coded reason for not believing something.
type Refusal struct {
	Code   string `json:"code"`             // one of the Code constants
	Origin Origin `json:"origin,omitempty"` // the journal concerned, if known
	Index  int64  `json:"index"`            // the entry concerned, -1 if none
	Detail string `json:"detail"`           // for people: what happened and why
}

// Error returns the refusal for people: what, where, why.
func (r *Refusal) Error() string {
	s := "journal refused (" + r.Code + ")"
	if r.Index >= 0 {
		s += fmt.Sprintf(" at entry %d", r.Index)
	}
	if r.Origin != "" {
		s += " of " + r.Origin.Short()
	}
	return s + ": " + r.Detail
}

// Is makes errors.Is(err, ErrStale) true for the code "stale".
func (r *Refusal) Is(target error) bool { return target == ErrStale && r.Code == CodeStale }

// CodeOf returns the code of the refusal inside err, or "".
func CodeOf(err error) string {
	var r *Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}

func refuse(code string, o Origin, index int64, format string, args ...any) *Refusal {
	return &Refusal{Code: code, Origin: o, Index: index, Detail: fmt.Sprintf(format, args...)}
}
