package accord

import "time"

// Claim is an office that stands behind an entry. No person is named.
type Claim struct {
	Agency string `json:"agency"`
	Role   string `json:"role"`
}

// Suspension is one in effect, of the whole accord or of a part.
type Suspension struct {
	// By is the party that suspended.
	By string `json:"by"`
	// Scope holds "all", kinds ("share", "request.*") and clause ids. Empty means all.
	Scope []string  `json:"scope"`
	Since time.Time `json:"since"`
}

// Usage is what the act's author has used up on the act's day (UTC), this act not counted.
type Usage struct {
	RequestsToday int64 `json:"requests_today"`
	BytesToday    int64 `json:"bytes_today"`
	BlindToday    int64 `json:"blind_today"`
}

// Situation is what both ends know about the act's causal past.
type Situation struct {
	// Accord is the version in force; nil when there is none.
	Accord *Document
	// Hash is its hash in hex, for the caller's messages; the gate does not read it.
	Hash string
	// Members are the party ids of the unit; when empty the accord's parties count.
	Members   []string
	Suspended []Suspension
	Withdrawn []string
	Used      Usage
}

// RequestFacts is what the body of a request move says.
type RequestFacts struct {
	Type    string
	Urgency string
	// Fields are the names of the fields that are filled in. "reason" is the reason of a refusal.
	Fields []string
}

// Act is what is about to leave or has arrived: only what the entry's body says, no content.
type Act struct {
	Kind   string
	Author string
	// Recipients are party ids; empty means every other member that has not withdrawn.
	Recipients []string
	By         Claim
	Release    []Claim
	At         time.Time
	Objects    int
	// Bytes is the size of the payload, as the quota counts it; 0 when there is none.
	Bytes int64
	// TLP is the strictest label among marked objects; empty when none is marked.
	TLP string
	// Unmarked is the label that the sender states for unmarked objects; empty states none.
	Unmarked string
	// UnmarkedObjects counts them. With TLP empty everything the act carries is unmarked anyway.
	UnmarkedObjects int
	// PAP is the strictest PAP label; empty when there is none.
	PAP string
	// Types counts objects by STIX type. It is not changed.
	Types map[string]int64
	// Incidents and Sectors are what the act says it is about; empty says nothing.
	Incidents []string
	Sectors   []string
	// Tier is the tier of detail chosen; empty for none.
	Tier string
	// Elements counts blind-match elements.
	Elements int64
	// Oldest is the time of the oldest indicator; zero when not stated.
	Oldest time.Time
	// Forbidden are values on the accord's never-send list that were found in the content.
	Forbidden []string
	Request   *RequestFacts
	// Code is the refusal code of request.refuse and request.postpone.
	Code string
}
