package dossier

import (
	"slices"
	"time"

	"entente/internal/lang"
	"entente/journal"
)

// Weight says how much a finding is worth.
type Weight string

// Weights of findings, heaviest first.
const (
	Proved   Weight = "proved"   // the party's own signatures show it
	Disputed Weight = "disputed" // signed statements exclude each other, and who is to blame cannot be told from them
	Claimed  Weight = "claimed"  // a party says so and does not prove it
	Open     Weight = "open"     // the dossier does not hold what would be needed to tell
	Noted    Weight = "noted"    // a move that changed nothing: no breach, and perhaps made in good faith
)

var weights = []Weight{Proved, Disputed, Claimed, Open, Noted}

// Codes of findings, beside those of package journal and, for breaches, of package accord.
const (
	CodeBadPayload     = "bad-payload"      // a payload that its author committed to cannot be read
	CodeTextMismatch   = "text-mismatch"    // an accord text is another than its entry names
	CodeBadExhibit     = "bad-exhibit"      // the payloads of an exhibit are not what its manifest, or its entry, says
	CodeMiscounted     = "miscounted"       // a share holds another number of objects, or other types, than it says
	CodeUnderstated    = "tlp-above-claim"  // an object in a share is marked more strictly than the entry says
	CodePAPUnderstated = "pap-above-claim"  // likewise, of PAP
	CodeWeakened       = "marking-weakened" // what came under one marking went on under a looser one
	CodeBeyond         = "beyond-cut"       // a journal is said to go on after what the dossier holds
	CodeAbsent         = "absent"           // a journal, member or text that is named is not in the dossier
	CodeCompromise     = "compromise"       // a party declared one of its keys compromised
	CodeFalse          = "false-accusation" // an evidence entry whose two heads contradict nothing, whoever signed them
	CodeCosigned       = "cosigned-two"     // a witness cosigned two histories of one journal
	CodeNotMet         = "not-met"          // a deadline of the accord passed and what was owed is not there
	CodeLate           = "late"             // what was owed came after the deadline
)

// Finding is something about what the parties did. It is no damage: the dossier holds and shows it.
type Finding struct {
	Weight Weight          `json:"weight"`
	Code   string          `json:"code"`
	Party  journal.PartyID `json:"party,omitempty"` // whom it is about, if it is about one
	By     journal.PartyID `json:"by,omitempty"`    // who says so, where that is not the party itself
	Refs   []journal.Ref   `json:"refs"`            // the entries that show it
	Text   string          `json:"text"`            // for people, in English; may hold foreign text, escape before showing
	// At is when it was done, by the clock of Clock: what that party wrote beside it.
	At    time.Time       `json:"at,omitzero"`
	Clock journal.PartyID `json:"clock,omitempty"`
	// Exhibits are the very bytes that show it.
	Exhibits []Exhibit `json:"exhibits,omitempty"`
	// Check says for people how to see it without trusting this program.
	Check string `json:"check,omitempty"`

	says  []sentence // of which Text is the English
	check string     // key of Check
}

// What an Exhibit is.
const (
	ExhibitEntry     = "entry"
	ExhibitHead      = "signed head"
	ExhibitLeaf      = "signed entry" // of a proof record: it is in no journal of the dossier
	ExhibitStatement = "statement"
)

// Exhibit is bytes in the dossier that show a finding.
type Exhibit struct {
	What string       `json:"what"`
	Ref  *journal.Ref `json:"ref,omitempty"` // the entry, or the entry that carries it
	// Proof is the number of the proof record that carries it, from 1; 0 if none does.
	Proof  int64 `json:"proof,omitempty"`
	Offset int64 `json:"offset"` // of that record, in bytes from the start of the file
	// File is which of several files that is; "" if there is one.
	File string `json:"file,omitempty"`
	// SHA256 is of the bytes: of an entry the leaf hash (RFC 6962: SHA-256 of a zero byte and the
	// entry), of a head the signed checkpoint, of a statement its text.
	SHA256 journal.Hash  `json:"sha256"`
	Head   *journal.Head `json:"head,omitempty"` // of a signed head
	At     time.Time     `json:"at,omitzero"`    // when it was signed, as its signer says
}

// maxFindings bounds what a hostile dossier can make a report grow to.
const maxFindings = 10_000

func (v *verifier) add(f Finding) {
	if len(v.findings) == maxFindings {
		v.moreFindings++
		return
	}
	if f.Refs == nil {
		f.Refs = []journal.Ref{}
	}
	for _, ref := range f.Refs {
		if x, ok := v.entryExhibit(ref); ok && !slices.ContainsFunc(f.Exhibits, func(y Exhibit) bool { return y.What == ExhibitEntry && *y.Ref == ref }) {
			f.Exhibits = append(f.Exhibits, x)
		}
	}
	if f.check == "" {
		f.check = checkOf(f.Weight, f.Code)
	}
	if f.check != "" {
		f.Check = lang.English().Text(f.check)
	}
	f.Text = f.words(lang.English(), asIs)
	v.findings = append(v.findings, f)
}

func (v *verifier) find(w Weight, code string, p journal.PartyID, refs []journal.Ref, key string, args ...any) {
	v.add(Finding{Weight: w, Code: code, Party: p, Refs: refs, says: []sentence{say(key, args...)}})
}

// entryExhibit points at an entry of the dossier.
func (v *verifier) entryExhibit(ref journal.Ref) (Exhibit, bool) {
	s := v.byOrigin[ref.Origin]
	if s == nil || ref.Index < 0 || ref.Index >= int64(len(s.offsets)) {
		return Exhibit{}, false
	}
	return Exhibit{What: ExhibitEntry, Ref: &ref, Offset: s.offsets[ref.Index], SHA256: s.leaf(ref.Index)}, true
}

// checkOf is the key of the text that says how to see a finding without trusting this program.
func checkOf(w Weight, code string) string {
	if w != Proved {
		return ""
	}
	switch code {
	case journal.CodeFork, journal.CodeRollback, journal.CodeRewritten:
		return "verify.check-heads"
	case journal.CodeTwoStatements, journal.CodeBadIdentity:
		return "verify.check-statements"
	case CodeCosigned:
		return "verify.check-cosigned"
	case CodeFalse:
		return "verify.check-accusation"
	case CodeBadPayload, CodeTextMismatch, CodeMiscounted, CodeUnderstated, CodePAPUnderstated:
		return "verify.check-payload"
	case CodeNotMet, CodeLate:
		return "verify.check-times"
	case journal.CodeBadEntry, journal.CodeOversize, journal.CodeWrongUnit, journal.CodeWrongAuthor, journal.CodeWrongOrigin, journal.CodeWrongIndex, journal.CodeBackDated, journal.CodeBadSeen:
		return "verify.check-rule"
	}
	return "verify.check-gate"
}

// checkIdentity is the key of how to check an entry whose identity breaks a rule.
const checkIdentity = "verify.check-identity"

// checkSince is the key of how to check a statement in an entry after all that stands before it.
const checkSince = "verify.check-since"

// checkBeginning is the key of how to check a genesis that breaks a rule.
const checkBeginning = "verify.check-beginning"

// Proven is what a dossier proves against one party.
type Proven struct {
	Party journal.PartyID `json:"party"`
	Codes []string        `json:"codes"`
}

// proven lists against whom something is proved, in the order of the parties.
func proven(parties []PartyReport, all []Finding) []Proven {
	out := []Proven{}
	for _, p := range parties {
		x := Proven{Party: p.Party}
		for _, f := range all {
			if f.Weight == Proved && f.Party == p.Party && !slices.Contains(x.Codes, f.Code) {
				x.Codes = append(x.Codes, f.Code)
			}
		}
		if len(x.Codes) > 0 {
			slices.Sort(x.Codes)
			out = append(out, x)
		}
	}
	return out
}
