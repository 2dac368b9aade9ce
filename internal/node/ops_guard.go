package node

import "time"

// GuardList is one list of what is guarded.
type GuardList struct {
	Name        string `json:"name"`
	Builtin     bool   `json:"builtin,omitempty"` // it ships with the program
	Why         string `json:"why,omitempty"`     // what its entries are
	Source      string `json:"source,omitempty"`
	Type        string `json:"type,omitempty"` // of a MISP warning list
	Version     int64  `json:"version,omitempty"`
	Description string `json:"description,omitempty"`
	Entries     int    `json:"entries"`
	// Holds is how many values that are accepted here it keeps from sensors.
	Holds int64 `json:"holds"`
	// Unused is how many entries cannot be used; Problems are the first 20.
	Unused   int       `json:"unused,omitempty"`
	Problems []string  `json:"problems,omitempty"`
	Changed  time.Time `json:"changed,omitzero"` // when the file in the folder was last written
	// Fault says why nothing of it is used.
	Fault string `json:"fault,omitempty"`
}

// GuardListResponse lists what is guarded.
type GuardListResponse struct {
	Lists   []GuardList `json:"lists"`
	Without []string    `json:"without,omitempty"` // lists of the program that the configuration leaves out
	Holds   int64       `json:"holds"`             // values that are accepted here and kept from sensors
	// Behind says that not all that was accepted has been looked at yet: this is how it stands so far.
	Behind bool `json:"behind,omitempty"`
}

// GuardShowRequest asks for the entries of a list.
type GuardShowRequest struct {
	Name   string `json:"name"`
	Offset int    `json:"offset,omitempty"`
	Limit  int    `json:"limit,omitempty"` // default 1,000, at most 10,000
}

// GuardShowResponse is a page of the entries of a list.
type GuardShowResponse struct {
	List    GuardList `json:"list"`
	Offset  int       `json:"offset"`
	Entries []string  `json:"entries"`
}

// GuardTestRequest asks whether values are guarded, 1 to 1,000 of them.
type GuardTestRequest struct {
	Values []string `json:"values"`
}

// GuardHit says which list and entry guard a value, and why.
type GuardHit struct {
	List     string `json:"list"`
	Source   string `json:"source,omitempty"`
	Entry    string `json:"entry,omitempty"`
	Relation string `json:"relation"` // same, within, around, like, rule
	Why      string `json:"why"`
	Text     string `json:"text"` // all of it in words
}

// GuardTested is one value that was asked about: of a single one all lists that guard it
// are told, of several the first of each.
type GuardTested struct {
	Value   string     `json:"value"`
	Type    string     `json:"type"`
	Guarded bool       `json:"guarded"`
	Hits    []GuardHit `json:"hits,omitempty"`
}

// GuardTestResponse has a result for each value, in their order.
type GuardTestResponse struct {
	Results []GuardTested `json:"results"`
}

// GuardHeldRequest asks for what is kept from sensors, by one list or all.
type GuardHeldRequest struct {
	List  string `json:"list,omitempty"`
	Limit int    `json:"limit,omitempty"` // default 1,000, at most 10,000
}

// GuardHeld is one value of an accepted indicator that is kept from sensors.
type GuardHeld struct {
	ID     string   `json:"id"`
	Name   string   `json:"name,omitempty"`
	Source string   `json:"source,omitempty"`
	Value  string   `json:"value"`
	Type   string   `json:"type"`
	Hit    GuardHit `json:"hit"`
}

// GuardHeldResponse lists what is kept from sensors, and counts all of it.
type GuardHeldResponse struct {
	Held  []GuardHeld `json:"held"`
	Total int64       `json:"total"`
	// Behind says that not all that was accepted has been looked at yet: this is how it stands so far.
	Behind bool `json:"behind,omitempty"`
}

// GuardAddRequest names the list whose bytes are the body: a file name that ends in .json
// (a MISP warning list) or .txt (an entry a line).
type GuardAddRequest struct {
	Name   string `json:"name"`
	DryRun bool   `json:"dry_run,omitempty"`
}

// GuardRemoveRequest names a list in the guard folder.
type GuardRemoveRequest struct {
	Name   string `json:"name"`
	DryRun bool   `json:"dry_run,omitempty"`
}

// GuardUpdateRequest asks for the folder to be read again.
type GuardUpdateRequest struct {
	DryRun bool `json:"dry_run,omitempty"`
}

// GuardChangeResponse says what a change of lists does to what sensors are given.
type GuardChangeResponse struct {
	Lists    []GuardList `json:"lists"` // that were added or read again
	TakenOut int64       `json:"taken_out"`
	ComeBack int64       `json:"come_back"`
	First    []GuardHeld `json:"first,omitempty"` // of what is taken out, at most 20
	DryRun   bool        `json:"dry_run,omitempty"`
	// Behind says that not all that was accepted has been looked at yet: this is how it stands so far.
	Behind bool `json:"behind,omitempty"`
}

// ReceiptsRequest names an entry of the own journal.
type ReceiptsRequest struct {
	Ref string `json:"ref"`
}

// ReceiptsResponse says of each other member whether it has acknowledged the entry.
type ReceiptsResponse struct {
	Ref     string    `json:"ref"`
	Unit    string    `json:"unit"`
	Members []Receipt `json:"members"`
}

// Receipt is one member's.
type Receipt struct {
	Party        string `json:"party"`
	Name         string `json:"name"`
	Acknowledged bool   `json:"acknowledged"`
	Receipted    int64  `json:"receipted"` // entries of the own journal that it has acknowledged
}

// GuardSource is what is counted of one source.
type GuardSource struct {
	Source string `json:"source"` // name of the import or member
	Party  string `json:"party,omitempty"`
	Given  int64  `json:"given"` // values that sensors are given
	False  int64  `json:"false"` // values that are not, since they were stated false positives here
	Score  int    `json:"score"` // of a hundred values so many were not
	// Disputed is how many of its indicators partners state to be false positives: it is told, and not in the score.
	Disputed int64 `json:"disputed,omitempty"`
}

// GuardSourcesResponse lists all sources of what sensors may be given, the lowest score first.
type GuardSourcesResponse struct {
	Sources []GuardSource `json:"sources"`
	// Behind says that not all that was accepted has been looked at yet: this is how it stands so far.
	Behind bool `json:"behind,omitempty"`
}

// FalsePositiveRequest names an indicator that is a false positive, or that with Retract is none
// after all. Note says why, for people.
type FalsePositiveRequest struct {
	Acting
	ID string `json:"id,omitempty"`
	// Sighting names a sighting of this node's watchers in place of the indicator that it is of.
	Sighting string `json:"sighting,omitempty"`
	Note     string `json:"note,omitempty"`
	Retract  bool   `json:"retract,omitempty"`
	// Tell shares the statement with the units that the indicator came from, as far as the accord allows.
	Tell bool `json:"tell,omitempty"`
}

// FalsePositiveResponse says which STIX opinion states it, and the source's score by now.
type FalsePositiveResponse struct {
	ID      string        `json:"id"`
	Opinion string        `json:"opinion"`
	Known   bool          `json:"known,omitempty"` // it was stated before, and nothing was changed
	Sources []GuardSource `json:"sources"`         // of the indicator
	// Told says where the statement was shared, if that was asked for; empty: the indicator came from nobody else.
	Told []TellOriginator `json:"told,omitempty"`
}

// TellOriginator says whether a statement was shared with a unit that an indicator came from.
type TellOriginator struct {
	Unit     string    `json:"unit"`
	To       []string  `json:"to"` // whom the indicator came from
	Shared   bool      `json:"shared"`
	Decision *Decision `json:"decision,omitempty"` // of the gate, if it did not let it out
}

// The states of a value that is seen everywhere.
const (
	PrevalentHeld     = "held"     // kept from sensors, and nobody has looked yet
	PrevalentKept     = "kept"     // somebody decided that it stays so
	PrevalentReleased = "released" // somebody decided that sensors are given it all the same
)

// PrevalentValue is a value that this party sees at so many of its machines that acting on it would harm.
type PrevalentValue struct {
	Value     string    `json:"value"` // of a pattern its beginning
	Type      string    `json:"type"`
	Indicator string    `json:"indicator"` // one that names it
	Machines  int64     `json:"machines"`  // on the day on which it was seen at most of them, about
	Days      int       `json:"days"`      // on which it was seen at as many as the configuration says
	Since     time.Time `json:"since"`
	State     string    `json:"state"` // held, kept, released
	Note      string    `json:"note,omitempty"`
	By        string    `json:"by,omitempty"`
	Decided   time.Time `json:"decided,omitzero"`
}

// GuardPrevalentResponse lists the values that this party sees everywhere, and from when on one counts as that.
type GuardPrevalentResponse struct {
	Machines int64            `json:"machines"`
	Days     int              `json:"days"`
	Off      bool             `json:"off,omitempty"`
	Values   []PrevalentValue `json:"values"`
}

// PrevalentReviewRequest decides on a value that is seen everywhere: it stays out, or with Release comes back.
type PrevalentReviewRequest struct {
	Asked
	Value   string `json:"value"`
	Release bool   `json:"release,omitempty"`
	Note    string `json:"note,omitempty"`
	DryRun  bool   `json:"dry_run,omitempty"`
}

// GuardDispute is that a partner states that an indicator which was imported here is a false positive.
type GuardDispute struct {
	Indicator string    `json:"indicator"`
	Name      string    `json:"name,omitempty"`
	Source    string    `json:"source"` // where the indicator came from first
	Opinion   string    `json:"opinion"`
	By        string    `json:"by"`
	At        time.Time `json:"at,omitzero"`
	Note      string    `json:"note,omitempty"`
}

// GuardDisputesResponse lists them, the newest first, at most 1,000.
type GuardDisputesResponse struct {
	Disputes []GuardDispute `json:"disputes"`
	// Behind says that not all that was accepted has been looked at yet: this is how it stands so far.
	Behind bool `json:"behind,omitempty"`
}
