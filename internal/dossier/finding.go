package dossier

import (
	"fmt"

	"entente/journal"
)

// Weight says how much a finding is worth.
type Weight string

// Weights of findings, heaviest first.
const (
	Proved   Weight = "proved"   // the party's own signatures show it
	Disputed Weight = "disputed" // two parties' signed statements exclude each other; one of them misbehaved
	Claimed  Weight = "claimed"  // a party says so and does not prove it
	Open     Weight = "open"     // the dossier does not hold what would be needed to tell
)

// Codes of findings, beside those of package journal.
const (
	CodeBadPayload   = "bad-payload"   // a payload that its author committed to cannot be read
	CodeTextMismatch = "text-mismatch" // an accord text is another than its entry names
	CodeMiscounted   = "miscounted"    // a share holds another number of objects than it says
	CodeBeyond       = "beyond-cut"    // a journal is known to go on after what the dossier holds
	CodeAbsent       = "absent"        // a journal, member or text that is named is not in the dossier
	CodeCompromise   = "compromise"    // a party declared one of its keys compromised
)

// Finding is something about what the parties did. It is no damage: the dossier holds and shows it.
type Finding struct {
	Weight Weight          `json:"weight"`
	Code   string          `json:"code"`
	Party  journal.PartyID `json:"party,omitempty"` // whom it is about, if it is about one
	Refs   []journal.Ref   `json:"refs"`            // the entries that show it
	Text   string          `json:"text"`            // for people; may hold foreign text, escape before showing
}

// maxFindings bounds what a hostile dossier can make a report grow to.
const maxFindings = 10_000

func (v *verifier) find(w Weight, code string, p journal.PartyID, refs []journal.Ref, format string, args ...any) {
	if len(v.findings) == maxFindings {
		v.moreFindings++
		return
	}
	if refs == nil {
		refs = []journal.Ref{}
	}
	v.findings = append(v.findings, Finding{w, code, p, refs, fmt.Sprintf(format, args...)})
}
