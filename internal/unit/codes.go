package unit

// Codes of entries that change no state. They are kept as evidence and listed in State.Void.
const (
	// What an entry claims to have seen does not hold. Nothing it says counts, nor does its seen.
	CodeBackDated     = "back-dated"     // at lies below an earlier entry's
	CodeSeenDecreases = "seen-decreases" // seen leaves out or shrinks what an earlier entry named
	CodeUncovered     = "uncovered"      // seen does not cover a receipt that its author gave earlier
	CodeBadRoot       = "bad-root"       // another root than the journal has at that size
	CodeSeesItself    = "sees-itself"    // seen names its own journal
	CodeBadSuccessor  = "bad-successor"  // the journal continues a party without a valid certificate

	// What an entry says has no effect where it stands.
	CodeBadBody      = "bad-body"      // the body is not what the kind needs
	CodeMisplaced    = "misplaced"     // a genesis that is not the first entry, or the reverse
	CodeNotMember    = "not-a-member"  // the author may not do this in the unit
	CodeHasWithdrawn = "withdrawn"     // the author withdrew before
	CodeUnknownText  = "unknown-text"  // names an accord text that its author had not seen proposed
	CodeNoText       = "no-text"       // the accord text is not held here yet
	CodeBadText      = "bad-text"      // the text is no valid accord in canonical form
	CodeMismatch     = "text-mismatch" // version or supersedes differ from the text
	CodeNotSuccessor = "not-successor" // the text does not supersede the accord in force
	CodeNotParty     = "not-a-party"   // the author is not a party to the text
	CodeStrangers    = "strangers"     // a party of the text was never admitted
	CodeNoFounder    = "no-founder"    // the first accord leaves out the founder
	CodeNoMajority   = "no-majority"   // the members that continue are not more than half
	CodeDuplicate    = "duplicate"     // done already
	CodeHigherHash   = "higher-hash"   // signed another successor with a lower hash before
	CodeSuperseded   = "superseded"    // another successor was signed by all already
	CodeUnknownRef   = "unknown-reference"
	CodeNotYours     = "not-yours"          // only who suspended resumes
	CodeBadReceipt   = "bad-receipt"        // a receipt for one's own journal
	CodeUnexpected   = "unexpected-payload" // a control entry may not carry this payload
	CodeTooMany      = "too-many"           // suspensions of one party that were not lifted, parties it admitted, texts it proposed

	// Verdicts that are not the gate's own.
	CodeUnknownEntry = "unknown-entry"         // no such entry is held
	CodeWaiting      = "waiting"               // its past is not known yet
	CodeTextMissing  = "text-missing"          // a signed accord text is not held yet
	CodeConcurrent   = "concurrent-suspension" // it and a suspension or withdrawal did not know of each other
)
