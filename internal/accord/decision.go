package accord

import "fmt"

// Verdict is what the gate says. The zero value refuses.
type Verdict int

// From the strictest to the widest.
const (
	Refuse Verdict = iota
	Hold
	Allow
)

// String is the word of the verdict.
func (v Verdict) String() string {
	switch v {
	case Allow:
		return "allow"
	case Hold:
		return "hold"
	}
	return "refuse"
}

// MarshalText writes the word.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads the word.
func (v *Verdict) UnmarshalText(b []byte) error {
	switch string(b) {
	case "allow":
		*v = Allow
	case "hold":
		*v = Hold
	case "refuse":
		*v = Refuse
	default:
		return fmt.Errorf("accord: %q is no verdict", clip(string(b), 20))
	}
	return nil
}

// Codes of decisions.
const (
	CodeOK            = "ok"
	CodeProtocol      = "protocol"
	CodeUnknownKind   = "unknown-kind"
	CodeBadAct        = "bad-act"
	CodeNoAccord      = "no-accord"
	CodeNotMember     = "not-member"
	CodeNoRecipient   = "no-recipient"
	CodeNotYet        = "not-yet-effective"
	CodeExpired       = "expired"
	CodeWithdrawn     = "withdrawn"
	CodeSuspended     = "suspended"
	CodeAgency        = "agency"
	CodeRole          = "role"
	CodeRoleKind      = "role-kind"
	CodeObjectType    = "object-type"
	CodeIncidentKind  = "incident-kind"
	CodeSector        = "sector"
	CodeExcluded      = "excluded"
	CodeNoCeiling     = "no-ceiling"
	CodeTLP           = "tlp-ceiling"
	CodeTLPUnknown    = "tlp-unknown"
	CodeUnmarked      = "unmarked-stated"
	CodePAP           = "pap-ceiling"
	CodePAPUnknown    = "pap-unknown"
	CodeQuotaRequests = "quota-requests"
	CodeQuotaBytes    = "quota-bytes"
	CodeQuotaObjects  = "quota-objects"
	CodeQuotaBlind    = "quota-blind-match"
	CodeNeverSend     = "never-send"
	CodeTooOld        = "too-old"
	CodeTier          = "tier"
	CodeRequestType   = "request-type"
	CodeRequestField  = "request-field"
	CodeUrgency       = "urgency"
	CodeRefusalCode   = "refusal-code"
	CodeReasonOwed    = "reason-owed"
	CodeTwoPerson     = "two-person"
)

// ClauseNone is cited when no accord is in force.
const ClauseNone = "accord:none"

// Obligations name what an allowed or held act still owes. Each is one of these prefixes and a
// clause id or a value.
const (
	ObligationTwoPerson  = "two-person:"       // clause id of the release rule
	ObligationFieldRule  = "field-rule:"       // clause id of the field rule to apply before sealing
	ObligationTLP        = "tlp:"              // the label everything in the act counts as, at most
	ObligationPAP        = "pap:"              // likewise
	ObligationQuarantine = "quarantine-below:" // confidence below which intake quarantines
	ObligationOnward     = "onward:"           // no or ask
	ObligationSuspension = "wait:"             // clause cited by the suspension that holds it
)

// Decision is the gate's answer.
type Decision struct {
	Verdict Verdict `json:"verdict"`
	// Clause is the id of the clause that decided, "protocol" or "accord:none".
	Clause string `json:"clause"`
	// Code is one of the constants above, stable for programs.
	Code string `json:"code"`
	// Reason is for people: what, why, and what to do.
	Reason      string   `json:"reason"`
	Obligations []string `json:"obligations,omitempty"`
}
