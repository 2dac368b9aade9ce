// Package accord holds the agreement of a unit as data that both ends execute: its document, the
// differences between versions, and the gate, one pure function that says allow, hold or refuse
// and cites the clause. There is no policy language: a lawyer has to be able to read all of it.
//
// The package does no I/O and reads no clock and no randomness; time and bytes are arguments. The
// time zone database counts as data (cmd/entente embeds one).
package accord

// Format is the only document format this package reads. A new field is a new format, so that an
// old text never changes its meaning under newer software.
const Format = "entente/accord/v1"

// Texts is one wording in several languages: BCP 47 language tag to text. All languages that
// Document.Languages lists are equally authentic.
type Texts map[string]string

// Clause is what every clause carries: the stable id that the gate cites, and the wording.
type Clause struct {
	// ID is unique in the document and keeps its meaning from version to version.
	ID string `json:"id"`
	// Text is the wording for people, by language; it may be empty where the data say it all.
	Text Texts `json:"text"`
}

// Document is one version of an accord with every default written out. Parse makes it; nothing in
// it is implied, so two nodes that hold the same text hold the same terms.
type Document struct {
	// Format is always "entente/accord/v1".
	Format string `json:"format"`
	// ID names the accord over all its versions.
	ID string `json:"id"`
	// Version counts from 1.
	Version int `json:"version"`
	// Supersedes is the hash (64 hex) of the version this one replaces; empty for version 1.
	Supersedes string `json:"supersedes"`
	// Languages lists the equally authentic languages; title and preamble exist in each.
	Languages []string `json:"languages"`
	Title     Texts    `json:"title"`
	Preamble  Texts    `json:"preamble"`

	// Signatories are the parties, which are the members of the unit once the accord is in force.
	Signatories  []Party         `json:"parties"`
	Contacts     []Contact       `json:"contacts"`
	Validity     Validity        `json:"validity"`
	Scope        Scope           `json:"scope"`
	Requests     Requests        `json:"requests"`
	Calendars    []Calendar      `json:"calendars"`
	Elections    []Election      `json:"elections"`
	Refusals     []RefusalCode   `json:"refusals"`
	Handling     Handling        `json:"handling"`
	Fields       FieldTerms      `json:"fields"`
	PersonalData PersonalData    `json:"personal_data"`
	Evidence     Evidence        `json:"evidence"`
	Quotas       Quotas          `json:"quotas"`
	Quality      Quality         `json:"quality"`
	Release      []ReleaseRule   `json:"release"`
	Hotline      Hotline         `json:"hotline"`
	Escalation   []Escalation    `json:"escalation"`
	Publicity    Publicity       `json:"publicity"`
	Retention    Retention       `json:"retention"`
	Suspension   SuspensionTerms `json:"suspension"`
	Withdrawal   Withdrawal      `json:"withdrawal"`
	Audit        Audit           `json:"audit"`
	Drills       Drills          `json:"drills"`
	Time         TimeTerms       `json:"time"`

	ready map[string]*business // calendars made ready by Parse; read only afterwards
}

// Party is a signatory: an organisation with a node and keys.
type Party struct {
	Clause
	// Party is the party id: 64 lower-case hex digits of its first identity.
	Party string `json:"party"`
	// Name is the display name.
	Name     string   `json:"name"`
	Agencies []Agency `json:"agencies"`
}

// Agency is a part of a party that may write entries (police, justice, CERT).
type Agency struct {
	// Agency is the short name that entries carry in by.agency.
	Agency string `json:"agency"`
	// Name is the display name.
	Name  string `json:"name"`
	Roles []Role `json:"roles"`
}

// Role is an office in an agency. No person is named on the wire.
type Role struct {
	// Role is the short name that entries carry in by.role.
	Role string `json:"role"`
	// May lists the content kinds the role may write: a kind, "request.*" or "*".
	May []string `json:"may"`
}

// Contact is one way to reach a party.
type Contact struct {
	Clause
	Party string `json:"party"`
	// Kind is diplomatic, technical or duty (the 24/7 point of contact).
	Kind string `json:"kind"`
	// Mailbox is a role mailbox, never a person's.
	Mailbox   string   `json:"mailbox"`
	Phone     string   `json:"phone"`
	Languages []string `json:"languages"`
	// Hours is "24/7" or the name of a calendar.
	Hours string `json:"hours"`
	// Zone is an IANA time zone name, "UTC" or an offset such as "+02:00".
	Zone string `json:"zone"`
}

// Validity says from when to when the accord binds and how it is looked after.
type Validity struct {
	Clause
	// Effective and Expires are RFC 3339 times; the accord binds in [Effective, Expires). An empty
	// Expires means until it is replaced or left.
	Effective string `json:"effective"`
	Expires   string `json:"expires"`
	// Review is the rhythm of reviews (default P6M, twice a year).
	Review Duration `json:"review"`
	// Notice is how long before its effect a change or an end is announced.
	Notice Duration `json:"notice"`
}

// Scope says what the accord is about. An empty list does not restrict.
type Scope struct {
	Clause
	IncidentKinds []string `json:"incident_kinds"`
	Sectors       []string `json:"sectors"`
	// Territory is for people: ISO 3166 codes or names. The gate does not read it.
	Territory []string `json:"territory"`
	// ObjectTypes are the STIX object types that may be exchanged.
	ObjectTypes []string    `json:"object_types"`
	Exclusions  []Exclusion `json:"exclusions"`
}

// Exclusion takes something out of the scope. It bites when any of the listed things occurs in an
// act of one of the kinds (an empty list of kinds means every kind). With kinds alone it takes those
// kinds out altogether.
type Exclusion struct {
	Clause
	Kinds         []string `json:"kinds"`
	ObjectTypes   []string `json:"object_types"`
	IncidentKinds []string `json:"incident_kinds"`
	Sectors       []string `json:"sectors"`
}

// Requests are the types of request with their mandatory fields and clocks.
type Requests struct {
	Clause
	// Receipt is the clock of the machine receipt (default PT15M).
	Receipt Duration `json:"receipt"`
	// Silence is after how long without any move the asked side must say something (default P7D).
	Silence Duration      `json:"silence"`
	Types   []RequestType `json:"types"`
}

// RequestType is one type of request.
type RequestType struct {
	Clause
	Type string `json:"type"`
	// Fields are mandatory: the request does not leave without them.
	Fields []string `json:"fields"`
	// Clocks: urgency to stage to time allowed. An urgency that is missing is not offered.
	Clocks map[string]map[string]Duration `json:"clocks"`
	// Warnings are how long before the end of the longest stage people are warned.
	Warnings []Duration `json:"warnings"`
	// Stops are the moves that stop the clocks.
	Stops []Stop `json:"stops"`
	// Calendar names the calendar the clocks run in; "always" counts every second.
	Calendar string `json:"calendar"`
}

// Stop is a rule that a move stops the clocks until another move comes, for at most a time.
type Stop struct {
	Move   string   `json:"move"`
	Until  []string `json:"until"`
	AtMost Duration `json:"at_most"`
}

// Calendar is a business calendar.
type Calendar struct {
	Clause
	Calendar string   `json:"calendar"`
	Zone     string   `json:"zone"`
	Days     []string `json:"days"`
	// From and To are local times of day, HH:MM; To may be 24:00.
	From     string   `json:"from"`
	To       string   `json:"to"`
	Holidays []string `json:"holidays"` // YYYY-MM-DD
}

// Election is a window in which clocks tighten: within [From, To) no stage in Caps takes longer
// than its cap, counted in every second of the day.
type Election struct {
	Clause
	Name string `json:"name"`
	From string `json:"from"` // RFC 3339
	To   string `json:"to"`   // RFC 3339
	// Types are the request types it tightens; empty means all.
	Types []string            `json:"types"`
	Caps  map[string]Duration `json:"caps"`
}

// RefusalCode is one ground on which a request may be refused or postponed.
type RefusalCode struct {
	Clause
	Code string `json:"code"`
	// Reason says whether a reason is owed with it.
	Reason bool `json:"reason"`
}

// Handling is how marked content may travel and what may be done with it.
type Handling struct {
	Clause
	Ceiling  []Ceiling    `json:"ceiling"`
	Unmarked Unmarked     `json:"unmarked"`
	PAP      PAPTerms     `json:"pap"`
	Onward   OnwardTerms  `json:"onward"`
	Court    CourtTerms   `json:"court"`
	Credit   Attribution  `json:"attribution"`
	Victims  VictimNotice `json:"victim_notice"`
}

// Ceiling is the highest marking that may travel by a kind of entry in a direction.
type Ceiling struct {
	Clause
	// Kind is a content kind, "request.*" or "*".
	Kind string `json:"kind"`
	// From and To are party ids or "*".
	From string `json:"from"`
	To   string `json:"to"`
	// TLP is a TLP 2.0 label: clear, green, amber, amber+strict or red.
	TLP string `json:"tlp"`
	// PAP is clear, green, amber or red (default red: no ceiling).
	PAP string `json:"pap"`
}

// Unmarked says what an object without a TLP marking counts as.
type Unmarked struct {
	Clause
	// CountsAs defaults to the most restrictive label, red.
	CountsAs string `json:"counts_as"`
	// SenderMayState lets the sender state a label for its unmarked objects in the entry.
	SenderMayState bool `json:"sender_may_state"`
}

// PAPTerms says what content without a PAP marking counts as (default amber).
type PAPTerms struct {
	Clause
	Unmarked string `json:"unmarked"`
}

// OnwardTerms is about passing on to others: no, ask (first ask the author), marking (as the TLP
// label permits).
type OnwardTerms struct {
	Clause
	Rule string   `json:"rule"`
	To   []string `json:"to"`
}

// CourtTerms is about use as evidence in court: no, ask, yes.
type CourtTerms struct {
	Clause
	Rule string `json:"rule"`
}

// Attribution is about naming the source: no, ask, yes.
type Attribution struct {
	Clause
	Rule string `json:"rule"`
}

// VictimNotice is about telling victims: no, ask, after (with a delay), yes.
type VictimNotice struct {
	Clause
	Rule  string   `json:"rule"`
	After Duration `json:"after"`
}
