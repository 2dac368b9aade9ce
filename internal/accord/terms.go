package accord

// FieldTerms are the rules applied to content before it leaves, and named tiers of detail.
type FieldTerms struct {
	Clause
	Rules []FieldRule `json:"rules"`
	Tiers []Tier      `json:"tiers"`
}

// FieldRule takes detail out of one field of the objects it matches.
type FieldRule struct {
	Clause
	// Kind is the content kind it applies to, "request.*" or "*".
	Kind string `json:"kind"`
	// From and To are party ids or "*".
	From string `json:"from"`
	To   string `json:"to"`
	// Types are the object types it applies to; empty means all.
	Types []string `json:"types"`
	// Path is a JSONPath (RFC 9535) of names, wildcards and descendant names: $.a['b'][*]..c
	Path string `json:"path"`
	// Action is drop, mask, hash or coarsen.
	Action string `json:"action"`
	// Mask is the text put in place by mask.
	Mask string `json:"mask"`
	// Salt goes into hash, so that values can only be compared under this accord.
	Salt    string  `json:"salt"`
	Coarsen Coarsen `json:"coarsen"`
}

// Coarsen says how much detail stays. The members that are set apply by the shape of the value.
type Coarsen struct {
	// Time truncates timestamps to hour, day, month or year (UTC).
	Time string `json:"time"`
	// IPv4 and IPv6 are prefix lengths kept; 0 means not used.
	IPv4 int `json:"ipv4"`
	IPv6 int `json:"ipv6"`
	// Digits rounds numbers to a power of ten: -1 keeps tenths, 2 keeps hundreds. 0 whole numbers
	// when Numbers is set.
	Numbers bool `json:"numbers"`
	Digits  int  `json:"digits"`
}

// Tier is a named level of detail: the field rules that apply to those it names.
type Tier struct {
	Clause
	Tier string `json:"tier"`
	// Rules are ids of field rules. A rule named by a tier applies only through a tier.
	Rules []string `json:"rules"`
	// To are the parties that get this tier; empty means whoever the sender chooses it for.
	To []string `json:"to"`
}

// PersonalData is about data of natural persons.
type PersonalData struct {
	Clause
	// Basis is the legal basis, for people.
	Basis string `json:"basis"`
	// Scrub are ids of field rules that apply always.
	Scrub []string `json:"scrub"`
	// Keep is how long personal data are kept at most.
	Keep Duration `json:"keep"`
}

// Evidence is how originals are kept for a court.
type Evidence struct {
	Clause
	Originals bool     `json:"originals"`
	Custody   bool     `json:"custody"`
	Keep      Duration `json:"keep"`
}

// Quotas bound what one author may do in a day (UTC, by the entry's at) or in one entry. Zero
// forbids.
type Quotas struct {
	Clause
	RequestsPerDay    int64 `json:"requests_per_day"`
	BytesPerDay       int64 `json:"bytes_per_day"`
	ObjectsPerShare   int64 `json:"objects_per_share"`
	BlindMatchPerDay  int64 `json:"blind_match_per_day"`
	BlindMatchPerCall int64 `json:"blind_match_per_call"`
}

// Quality is about indicators.
type Quality struct {
	Clause
	// NeverSend lists values that must not be sent as indicators: a domain (with its subdomains), an
	// address or a CIDR prefix.
	NeverSend []string `json:"never_send"`
	// MaxAge is how old an indicator may be; empty does not restrict.
	MaxAge Duration `json:"max_age"`
	// Quarantine is the confidence (0 to 100) below which intake quarantines.
	Quarantine int `json:"quarantine"`
}

// ReleaseRule asks for two or more persons before an act leaves.
type ReleaseRule struct {
	Clause
	// Kind is a content kind, "request.*" or "*".
	Kind string `json:"kind"`
	// Party limits the rule to one author; "*" means every party.
	Party string `json:"party"`
	// FromTLP limits the rule to content marked at or above this label (default clear: all).
	FromTLP string `json:"from_tlp"`
	// Claims are what has to be claimed in the entry's release, each by another office.
	Claims []RoleClaim `json:"claims"`
}

// RoleClaim asks for a role, of one agency or of any ("*").
type RoleClaim struct {
	Agency string `json:"agency"`
	Role   string `json:"role"`
}

// Hotline is the line between the duty desks.
type Hotline struct {
	Clause
	// Acknowledge is how fast a call is acknowledged (default PT30M).
	Acknowledge Duration `json:"acknowledge"`
	Languages   []string `json:"languages"`
}

// Escalation is one step of the ladder that is climbed when a clock has run out.
type Escalation struct {
	Clause
	// After is how long after the missed clock.
	After Duration `json:"after"`
	// Contact is the kind of contact called: duty, technical or diplomatic.
	Contact string `json:"contact"`
	// Role is the role it goes to, for people.
	Role string `json:"role"`
}

// Publicity is about speaking in public.
type Publicity struct {
	Clause
	// Statements: none, joint (countersigned by all), own.
	Statements   string   `json:"statements"`
	Spokespeople []string `json:"spokespeople"`
	Embargo      Duration `json:"embargo"`
}

// Retention is how long what was received is held.
type Retention struct {
	Clause
	Keep Duration `json:"keep"`
	// AtEnd is what happens to held data when the accord ends: destroy, return or keep.
	AtEnd  string   `json:"at_end"`
	Within Duration `json:"within"`
}

// SuspensionTerms is how the accord is suspended and what still passes meanwhile.
type SuspensionTerms struct {
	Clause
	// StillAllowed are content kinds that pass during any suspension.
	StillAllowed []string `json:"still_allowed"`
	// Codes are the reasons that may be given; empty accepts any.
	Codes []string `json:"codes"`
	// ResumeBy: suspender (who suspended resumes) or all.
	ResumeBy string `json:"resume_by"`
}

// Withdrawal is how a party leaves.
type Withdrawal struct {
	Clause
	Notice Duration `json:"notice"`
	// HeldData: destroy, return or keep.
	HeldData string   `json:"held_data"`
	Within   Duration `json:"within"`
}

// Audit is how the parties look over each other's keeping of the accord.
type Audit struct {
	Clause
	Every Duration `json:"every"`
	By    string   `json:"by"`
}

// Drills test the hotline and the ladder.
type Drills struct {
	Clause
	Every Duration `json:"every"`
	// Announced says whether drills are announced beforehand.
	Announced bool `json:"announced"`
}

// TimeTerms is about claims of time and who bears witness to them.
type TimeTerms struct {
	Clause
	// Tolerance is how far two claims of time may differ before both are shown (default PT5M).
	Tolerance Duration `json:"tolerance"`
	// Witnesses are names of C2SP witness verifier keys whose cosignatures count as evidence.
	Witnesses []string `json:"witnesses"`
	// Deemed is after how long a deposit with a witness is presumed delivered; empty means never.
	Deemed Duration `json:"deemed"`
}
