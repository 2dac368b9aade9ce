package node

import (
	"encoding/json"
	"time"

	"entente/internal/notify"
	"entente/journal"
)

// The request and response types of the use cases. They are the one
// vocabulary of the three faces: the API carries them as JSON, the CLI and the
// pages render them. All times are RFC 3339 with offset; hashes, keys and
// identifiers are in the text forms of docs/protocol.md.

// Claim is the agency and role in whose name an officer acts. Both must be
// known to the accord once one is in force.
type Claim struct {
	Agency string `json:"agency"`
	Role   string `json:"role"`
}

// Acting is embedded by requests that write a journal entry.
type Acting struct {
	By      Claim   `json:"by,omitzero"`
	Release []Claim `json:"release,omitempty"` // two role claims where the accord asks for two-person release
	// HoldReady keeps what only lacks a second person's release ready for one, instead of refusing it.
	HoldReady bool `json:"hold_ready,omitempty"`
	Asked
	draft string  // of a request, dropped once it is sent
	as    *string // where the id is put under which it is held ready
}

// Asks says who asks.
func (a *Acting) Asks(g Grant) { a.who, a.as = g, new(string) }

// HeldAs is the id under which the act is held ready instead of done; "" if it is not, or nobody asked.
func (a *Acting) HeldAs() string {
	if a.as == nil {
		return ""
	}
	return *a.as
}

// Asked is embedded by requests for which it matters who asks. Faces say so with Asks; whoever says nothing works on the node's
// machine itself.
type Asked struct{ who Grant }

// Asks says who asks.
func (a *Asked) Asks(g Grant) { a.who = g }

func (a *Asked) asker() Grant {
	if a.who.ID == "" {
		return Console()
	}
	return a.who
}

// Act gives access to what is embedded.
func (a *Acting) Act() *Acting { return a }

// Decision is the gate's answer as the faces show it.
type Decision struct {
	Verdict     string   `json:"verdict"` // allow, hold, refuse
	Clause      string   `json:"clause"`
	Code        string   `json:"code"`
	Reason      string   `json:"reason"`
	Obligations []string `json:"obligations,omitempty"`
	Labels      Labels   `json:"labels,omitempty"`
}

// Status

// StatusResponse says how the node is: what an officer looks at first.
type StatusResponse struct {
	Version  string       `json:"version"`
	Dir      string       `json:"dir"`
	Name     string       `json:"name"`
	Party    string       `json:"party"`
	Serving  bool         `json:"serving"`
	PeerAddr string       `json:"peer_address,omitempty"`
	Units    []UnitBrief  `json:"units"`
	Pairings []Pairing    `json:"pairings,omitempty"`
	Objects  ObjectCounts `json:"objects"`
	Disk     DiskView     `json:"disk"`
	Called   DutyCalled   `json:"called"`
	// Attention is what needs a person now, what matters most first.
	Attention []Attention `json:"attention,omitempty"`
}

// DutyCalled are the channels by which a duty officer who has no page open learns of a call and of whatever else needs somebody.
type DutyCalled struct {
	First []string `json:"first"`          // told at once, but in quiet hours; none: nobody is
	Then  []string `json:"then,omitempty"` // when nobody has looked
}

// HereResponse is what every page says of the node. It costs next to nothing, however much the node holds.
type HereResponse struct {
	Version     string `json:"version"`
	Name        string `json:"name"`
	Party       string `json:"party"`
	Quarantined int64  `json:"quarantined"` // object versions that wait for a decision
	Releases    int    `json:"releases"`    // acts that wait for a second person
}

// Attention is one thing that needs a person, in codes; its Text has the words.
type Attention = notify.Item

// DiskView says how much room there is on the disk under the folder, in bytes.
type DiskView struct {
	Free    int64 `json:"free"`
	Total   int64 `json:"total"`
	Reserve int64 `json:"reserve"` // kept free for what is under way
	Full    bool  `json:"full"`    // nothing is imported, shared or received
}

// ObjectCounts counts STIX object versions by where they stand in intake.
type ObjectCounts struct {
	Accepted    int64 `json:"accepted"`
	Quarantined int64 `json:"quarantined"`
	Rejected    int64 `json:"rejected"`
	Conflicts   int64 `json:"conflicts"`
}

// UnitBrief is one unit in a list.
type UnitBrief struct {
	Unit      string        `json:"unit"`
	Name      string        `json:"name"`
	State     string        `json:"state"` // founding, in-force, suspended, partly-suspended, withdrawn, retired
	Accord    string        `json:"accord,omitempty"`
	Members   []MemberBrief `json:"members"`
	OpenAsked int           `json:"open_asked"` // requests we sent that are open
	OpenOwed  int           `json:"open_owed"`  // requests we owe an answer
	Overdue   int           `json:"overdue"`
	OpenCalls int           `json:"open_calls"`  // live calls with this party that are not over
	OpenDrill int           `json:"open_drills"` // drill calls and pings, counted apart
	// Outdated is the newest version of this party's identity that members know, if this
	// folder has an older one: it was put back to before a rotation. 0: it has the newest.
	Outdated int `json:"outdated_identity,omitempty"`
	// Barred are partners that answer and with whom this side does not get through.
	Barred []BarredBrief `json:"barred,omitempty"`
	// Intake is content that is here and has not been taken in yet; nil if all is.
	Intake *IntakeWaiting `json:"intake_waiting,omitzero"`
}

// BarredBrief is a partner that answers, but does not let this side in, or is not believed
// here. Pairing again mends it.
type BarredBrief struct {
	Party string    `json:"party"`
	Name  string    `json:"name"`
	Why   string    `json:"why"` // unknown-there, other-key
	Since time.Time `json:"since"`
}

// IntakeWaiting is content of partners that is on this disk and not in use yet.
type IntakeWaiting struct {
	Entries int       `json:"entries"`
	Bytes   int64     `json:"bytes"`            // of the payloads, compressed
	Since   time.Time `json:"since"`            // when the oldest arrived, or the node was started
	Failed  bool      `json:"failed,omitempty"` // an attempt to take it in failed
	Why     string    `json:"why"`
}

// MemberBrief is one member as this node sees it.
type MemberBrief struct {
	Party     string    `json:"party"`
	Name      string    `json:"name"`
	Self      bool      `json:"self,omitempty"`
	Origin    string    `json:"origin"`
	Size      int64     `json:"size"`               // entries we hold of its journal
	Receipted int64     `json:"receipted"`          // of our journal, what it has receipted
	LastSync  time.Time `json:"last_sync,omitzero"` // when a session that was opened here was last complete, since the start
	LastMet   time.Time `json:"last_met,omitzero"`  // when the member last opened a session here and was answered in full, since the start
	Fault     string    `json:"fault,omitempty"`    // coded misbehaviour, proof kept (see journal show --evidence)
}

// LastSession is when a session with the member last went well, whoever opened it; zero if there was none since this
// node was started.
func (m *MemberBrief) LastSession() time.Time {
	if m.OpenedThere() {
		return m.LastMet
	}
	return m.LastSync
}

// OpenedThere says that the member opened the last session.
func (m *MemberBrief) OpenedThere() bool { return m.LastMet.After(m.LastSync) }

// Identity

// IdentityResponse shows this party's identity chain.
type IdentityResponse struct {
	Party     string           `json:"party"`
	Name      string           `json:"name"`
	Version   int              `json:"version"`
	OrgKey    string           `json:"org_key"`  // key id, hex
	NodeKey   string           `json:"node_key"` // key id, hex
	TLS       []string         `json:"tls"`      // SHA-256 of SubjectPublicKeyInfo, hex
	Witness   string           `json:"witness"`  // vkey
	Created   time.Time        `json:"created"`
	Expires   time.Time        `json:"expires"`
	Addresses []string         `json:"addresses,omitempty"`
	Chain     []journal.Signed `json:"chain"`
}

// IdentityRotateRequest makes the next identity version. What is one of
// "node", "tls", "org". OrgKey is the text of the offline organisation key
// file; it is used once and not stored.
type IdentityRotateRequest struct {
	What       string `json:"what"` // node, tls, witness or org
	OrgKey     string `json:"org_key,omitempty"`
	Compromise bool   `json:"compromise,omitempty"` // also write a compromise notice for the old key
	Note       string `json:"note,omitempty"`
	// Unseen says that nobody can have seen an identity of this party that this folder does
	// not know, where its high-water marks, which would tell, are lost.
	Unseen bool `json:"unseen,omitempty"`
	// DryRun says what would change, and changes nothing. It needs no organisation key; one that is
	// given is looked at.
	DryRun bool `json:"dry_run,omitempty"`
}

// IdentityRotateResponse carries the new chain and, when the organisation key
// itself was rotated, the new offline key, which is shown once.
type IdentityRotateResponse struct {
	Identity  IdentityResponse `json:"identity"` // in a dry run as it is
	NewOrgKey string           `json:"new_org_key,omitempty"`
	Entries   []string         `json:"entries"` // refs written, one per unit
	// Version is that of the identity that is made, Changes are the keys that it names anew
	// (organisation, node, tls, witness, journal), and Units the names of those that are told.
	Version int      `json:"version"`
	Changes []string `json:"changes"`
	Units   []string `json:"units"`
	DryRun  bool     `json:"dry_run,omitempty"`
}

// Unit and pairing

// UnitFoundRequest founds a unit with this party as its first member.
type UnitFoundRequest struct {
	Name string `json:"name"`
}

// UnitRef answers with a unit's id.
type UnitRef struct {
	Unit   string `json:"unit"`
	Name   string `json:"name"`
	Origin string `json:"origin"`
}

// UnitInviteRequest makes a one-time invitation. Unit may be a prefix or the
// unit's name, as everywhere; empty means the only unit there is.
type UnitInviteRequest struct {
	Unit     string        `json:"unit,omitempty"`
	Validity time.Duration `json:"validity,omitempty" jsonschema:"nanoseconds"` // default 24 h, at most 30 days
}

// UnitInviteResponse carries the invitation line and its picture.
type UnitInviteResponse struct {
	Invitation string    `json:"invitation"`
	Expires    time.Time `json:"expires"`
	QR         string    `json:"qr"`     // for a terminal
	QRPNG      []byte    `json:"qr_png"` // PNG
	Listening  bool      `json:"listening"`
}

// UnitJoinRequest takes an invitation line.
type UnitJoinRequest struct {
	Invitation string `json:"invitation"`
}

// Pairing is one pairing in progress, on either side.
type Pairing struct {
	ID      string    `json:"id"`
	Unit    string    `json:"unit,omitempty"`
	Name    string    `json:"unit_name"`
	Partner string    `json:"partner"`        // the name it claims
	Party   string    `json:"party"`          // its party id
	Digits  string    `json:"digits"`         // read these aloud
	State   string    `json:"state"`          // compare, confirmed-here, confirmed-there, done, failed
	Code    string    `json:"code,omitempty"` // why it failed
	Expires time.Time `json:"expires"`
}

// UnitConfirmRequest types in the digits the partner read aloud. One wrong try
// ends the pairing. Pairing may be empty when there is only one.
type UnitConfirmRequest struct {
	Pairing string `json:"pairing,omitempty"`
	Digits  string `json:"digits"`
}

// UnitShowRequest names a unit.
type UnitShowRequest struct {
	Unit string `json:"unit,omitempty"`
	// Standing leaves out of the state what a unit makes by the thousand: requests and all other threads, strays, shares.
	Standing bool `json:"-"`
}

// UnitShowResponse is the whole state of a unit: the fold's canonical JSON
// (the same bytes on every member that holds the same journals) beside what
// only this node knows.
type UnitShowResponse struct {
	Brief UnitBrief       `json:"brief"`
	State json.RawMessage `json:"state"`
}

// UnitSuspendRequest suspends the whole unit or part of it at once.
type UnitSuspendRequest struct {
	Acting
	Unit  string   `json:"unit,omitempty"`
	Scope []string `json:"scope"` // "all", or kinds (share, request) or clause ids
	Code  string   `json:"code,omitempty"`
}

// UnitResumeRequest lifts an own suspension; empty Ref lifts all of them.
type UnitResumeRequest struct {
	Acting
	Unit string `json:"unit,omitempty"`
	Ref  string `json:"ref,omitempty"`
}

// UnitWithdrawRequest gives notice (Notice) or withdraws. Without Confirm set
// to the unit's name it is a dry run that says what would happen.
type UnitWithdrawRequest struct {
	Acting
	Unit    string `json:"unit,omitempty"`
	Notice  bool   `json:"notice,omitempty"`
	Confirm string `json:"confirm,omitempty"`
}

// WriteResponse tells of entries written.
type WriteResponse struct {
	Unit     string    `json:"unit"`
	Refs     []string  `json:"refs"` // "origin#index"
	DryRun   bool      `json:"dry_run,omitempty"`
	Held     string    `json:"held,omitempty"`    // nothing was written: it is held ready, under this id, for a second person's release
	Effects  []string  `json:"effects,omitempty"` // what it does or, in a dry run, would do
	Decision *Decision `json:"decision,omitempty"`
	// Report is the SHA-256 of the report that was signed, in hex, and Others those that others have signed in its place, by their
	// names; of review.sign alone.
	Report string            `json:"report,omitempty"`
	Others map[string]string `json:"others,omitempty"`
}

// FirstRef is the first entry that was written, "" for none.
func (w *WriteResponse) FirstRef() string {
	if w == nil || len(w.Refs) == 0 {
		return ""
	}
	return w.Refs[0]
}

// Accord

// AccordProposeRequest proposes, counters or amends. Text is YAML or JSON.
// Kind is "propose", "counter" or "amend"; empty picks propose before the first
// accord and amend afterwards.
type AccordProposeRequest struct {
	Acting
	Unit     string `json:"unit,omitempty"`
	Text     string `json:"text"`
	Kind     string `json:"kind,omitempty"`
	Counters string `json:"counters,omitempty"` // hash or prefix of the countered proposal
	DryRun   bool   `json:"dry_run,omitempty"`
}

// AccordProposeResponse names the proposal and how it differs from what it
// counters or amends.
type AccordProposeResponse struct {
	WriteResponse
	Hash     string    `json:"hash"`
	Changes  []Change  `json:"changes,omitempty"`
	Problems []Problem `json:"problems,omitempty"`
}

// Change is one clause that differs.
type Change struct {
	Clause string `json:"clause"`
	Path   string `json:"path"`
	Before string `json:"before"`
	After  string `json:"after"`
	Text   string `json:"text"`
}

// Problem is one thing wrong with a document.
type Problem struct {
	Path    string `json:"path"`
	Line    int    `json:"line,omitempty"`
	Message string `json:"message"`
}

// AccordActRequest reserves, accepts or signs a proposed accord. Hash may be
// a prefix; empty means the only open proposal. Clauses belong to a reservation.
type AccordActRequest struct {
	Acting
	Unit    string   `json:"unit,omitempty"`
	Hash    string   `json:"hash,omitempty"`
	Move    string   `json:"move"` // reserve, accept, sign
	Clauses []string `json:"clauses,omitempty"`
	Text    string   `json:"text,omitempty"`
}

// AccordShowRequest shows an accord text: the one in force unless Hash is given.
type AccordShowRequest struct {
	Unit string `json:"unit,omitempty"`
	Hash string `json:"hash,omitempty"`
}

// AccordShowResponse is an accord's text and where it stands.
type AccordShowResponse struct {
	Unit      string          `json:"unit"`
	Hash      string          `json:"hash"`
	InForce   bool            `json:"in_force"`
	Text      json.RawMessage `json:"text"`
	Proposals json.RawMessage `json:"proposals,omitempty"` // the fold's view: who proposed, reserved, accepted, signed
}

// AccordDiffRequest compares two known accords by hash or prefix; empty A is
// the one in force (or the earliest proposal), empty B the latest proposal.
type AccordDiffRequest struct {
	Unit string `json:"unit,omitempty"`
	A    string `json:"a,omitempty"`
	B    string `json:"b,omitempty"`
}

// AccordDiffResponse is the clause-by-clause difference.
type AccordDiffResponse struct {
	A       string   `json:"a"`
	B       string   `json:"b"`
	Changes []Change `json:"changes"`
}

// Intelligence

// ImportRequest describes a stream being imported. Unmarked is what the importer
// states for objects without a TLP marking (clear, green, amber, amber+strict,
// red); empty leaves them unmarked, which the accord treats as it says. The fields
// from As on are for what is not STIX.
type ImportRequest struct {
	Name     string `json:"name"` // source name, e.g. the file's base name
	Unmarked string `json:"unmarked,omitempty"`
	Note     string `json:"note,omitempty"`
	DryRun   bool   `json:"dry_run,omitempty"`
	Whole    bool   `json:"whole,omitempty"` // nothing is taken in if any of it is bad

	As         string        `json:"as,omitempty"`                                 // stix, misp, list, table, page or text; empty: what it looks like
	Layout     string        `json:"layout,omitempty"`                             // of a table, as in "value=2,type=1"; empty: detected
	Date       string        `json:"date,omitempty"`                               // when a page was published, as in "2015-09-12"
	Confidence *int          `json:"confidence,omitempty"`                         // of what is drafted, 0 to 100
	ValidFor   time.Duration `json:"valid_for,omitempty" jsonschema:"nanoseconds"` // how long its indicators are good for
	Labels     []string      `json:"labels,omitempty"`                             // put on them
}

// ImportResponse is the outcome of an import.
type ImportResponse struct {
	Format    string      `json:"format"` // what was recognised
	Read      int64       `json:"read"`
	New       int64       `json:"new"`
	Known     int64       `json:"known"`
	Conflicts int64       `json:"conflicts"`
	Bad       []BadObject `json:"bad,omitempty"` // at most 1,000 are listed
	BadCount  int64       `json:"bad_count"`
	// Advice is what objects that came in do not do although STIX says SHOULD; Together is what only several of
	// them show: cycles, ids that collide, versions out of order.
	Advice     []ImportNotice `json:"advice,omitempty"`
	Together   []ImportNotice `json:"together,omitempty"`
	Types      map[string]int `json:"types"`
	DurationMS int64          `json:"duration_ms"`
	DryRun     bool           `json:"dry_run,omitempty"`
	Held       bool           `json:"held,omitempty"`   // all of it waits in intake for a person
	Layout     string         `json:"layout,omitempty"` // of a table, as it was read
	Page       *ImportedPage  `json:"page,omitempty"`   // what was found in a page
	// GuardedCount is how many of the indicators read name what the guard holds: they are
	// kept, but no sensor is given them. Guarded are the first 100.
	GuardedCount int64       `json:"guarded_count,omitempty"`
	Guarded      []GuardHeld `json:"guarded,omitempty"`
}

// ImportNotice is one kind of thing that is to be known of objects that came in all the same.
type ImportNotice struct {
	Code  string      `json:"code"`
	Must  bool        `json:"must,omitempty"` // the specification says MUST
	Count int64       `json:"count"`
	First []BadObject `json:"first,omitempty"` // the first five
}

// ImportedPage is what was found in a page or a text.
type ImportedPage struct {
	Title    string        `json:"title,omitempty"`
	Date     string        `json:"date,omitempty"`     // "2015-09-12", "--09-12" without a year
	Inferred bool          `json:"inferred,omitempty"` // the year is not in the text
	Evidence string        `json:"evidence,omitempty"` // what the date was read from
	Language string        `json:"language,omitempty"`
	Author   string        `json:"author,omitempty"`
	Via      string        `json:"via,omitempty"`
	Site     string        `json:"site,omitempty"`
	URL      string        `json:"url,omitempty"`
	Text     string        `json:"text"`
	Named    []NamedInPage `json:"named"`
}

// NamedInPage is one thing that a page names: a value with its type, or the number
// of a vulnerability or a technique.
type NamedInPage struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

// FeedRequest names a feed.
type FeedRequest struct {
	Name string `json:"name"`
}

// FeedResponse is the outcome of reading a feed.
type FeedResponse struct {
	Name    string `json:"name"`
	Entries int64  `json:"entries"`
	Serial  uint32 `json:"serial"` // rises when the feed changes
}

// FeedListResponse lists the feeds.
type FeedListResponse struct {
	Feeds   []FeedView   `json:"feeds"`
	Formats []FeedFormat `json:"formats"` // that a feed may have
}

// FeedFormat is a format of feeds.
type FeedFormat struct {
	Name   string `json:"name"`
	For    string `json:"for"` // who reads it
	Blocks bool   `json:"blocks,omitempty"`
}

// FeedView is one feed for sensors.
type FeedView struct {
	Name      string `json:"name"`
	Format    string `json:"format"`
	For       string `json:"for"` // who reads it
	TLP       string `json:"tlp"` // the strictest marking that goes into it
	Blocks    bool   `json:"blocks"`
	MediaType string `json:"media_type"`
	Path      string `json:"path"` // at the address of the pages

	MinConfidence int      `json:"min_confidence,omitempty"`
	MinScore      int      `json:"min_score,omitempty"`
	Types         []string `json:"types,omitempty"`   // of values; none: all that the format carries
	Sources       []string `json:"sources,omitempty"` // none: all
	Pinned        bool     `json:"pinned,omitempty"`  // in the configuration file: it is not changed here
	// What follows is of the text that was read last; nothing where nobody has read it since the start.
	ETag    string    `json:"etag,omitempty"`
	Entries int64     `json:"entries,omitempty"`
	Changed time.Time `json:"changed,omitzero"`
}

// BadObject is one object that could not be taken in, and why.
type BadObject struct {
	Path   string `json:"path"`
	ID     string `json:"id,omitempty"`
	Reason string `json:"reason"`
}

// Progress is told during long work.
type Progress struct {
	Stage string `json:"stage"`
	Done  int64  `json:"done"`
	Total int64  `json:"total,omitempty"` // 0: not known
	Unit  string `json:"unit"`            // objects, bytes, entries
}

// ShareRequest shares accepted objects. Exactly one of IDs, Source, Value, All
// selects. Unmarked is the sender's signed statement for unmarked objects.
type ShareRequest struct {
	Acting
	Unit     string   `json:"unit,omitempty"`
	IDs      []string `json:"ids,omitempty"`
	Source   string   `json:"source,omitempty"`
	Value    string   `json:"value,omitempty"`
	Type     string   `json:"type,omitempty"`
	All      bool     `json:"all,omitempty"`
	Unmarked string   `json:"unmarked,omitempty"`
	DryRun   bool     `json:"dry_run,omitempty"`
}

// ShareResponse tells what left and what the gate stopped.
type ShareResponse struct {
	WriteResponse
	Shared  int64         `json:"shared"`
	Refused []GatedObject `json:"refused,omitempty"` // at most 1,000 listed
	Stopped int64         `json:"stopped"`           // how many the gate refused or held
}

// GatedObject is one object the gate did not let out.
type GatedObject struct {
	ID       string   `json:"id"`
	TLP      string   `json:"tlp"`
	Decision Decision `json:"decision"`
}

// IntakeRequest filters the intake list. Ref limits to one share.
type IntakeRequest struct {
	State string `json:"state,omitempty"` // quarantined (default), accepted, rejected, all
	Ref   string `json:"ref,omitempty"`
	Limit int    `json:"limit,omitempty"`
	Next  string `json:"next,omitempty"`
}

// IntakeResponse is a page of intake.
type IntakeResponse struct {
	Items []IntakeItem `json:"items"`
	Next  string       `json:"next,omitempty"`
}

// IntakeItem is one received object awaiting or past a decision.
type IntakeItem struct {
	Item   string `json:"item"` // what accept and reject take
	ID     string `json:"id"`
	Type   string `json:"type"`
	Name   string `json:"name,omitempty"`
	From   string `json:"from"`          // the member, or the name of an import
	Ref    string `json:"ref,omitempty"` // of the entry; empty for what was imported here
	State  string `json:"state"`
	Code   string `json:"code,omitempty"`
	Clause string `json:"clause,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// IntakeDecideRequest accepts or rejects quarantined items (or all of one share).
type IntakeDecideRequest struct {
	Items  []string `json:"items,omitempty"`
	Ref    string   `json:"ref,omitempty"`
	Accept bool     `json:"accept"`
	Reason string   `json:"reason,omitempty"`
}

// IntakeDecideResponse counts what was decided.
type IntakeDecideResponse struct {
	Decided int `json:"decided"`
}

// SearchRequest looks up what the node knows. Everything given has to fit.
type SearchRequest struct {
	Value  string    `json:"value,omitempty"`
	Above  bool      `json:"above,omitempty"` // also the domains above it, the host of a URL, the prefixes that contain it
	Below  bool      `json:"below,omitempty"` // also the domains, URLs and mail addresses below it, what lies within a prefix
	Text   string    `json:"text,omitempty"`  // words that people wrote, all of them; one may end with *
	ID     string    `json:"id,omitempty"`
	Type   string    `json:"type,omitempty"`
	TLP    string    `json:"tlp,omitempty"`    // marked so at most; what nobody marked is left out
	Source string    `json:"source,omitempty"` // import, party or "local"
	After  time.Time `json:"after,omitzero"`   // added here after
	Before time.Time `json:"before,omitzero"`
	Held   bool      `json:"held,omitempty"` // also what is in quarantine or was rejected
	// Conflicts leaves only what is in conflict: under its id and version there are other bytes, too.
	Conflicts bool   `json:"conflicts,omitempty"`
	Limit     int    `json:"limit,omitempty"` // default 50, at most 1,000
	Next      string `json:"next,omitempty"`
}

// ImportForgetRequest deletes here what imports of one name brought of some objects.
type ImportForgetRequest struct {
	Source string   `json:"source"` // name of the import
	IDs    []string `json:"ids"`    // STIX ids, at most 1,000
}

// ImportForgetResponse tells how many objects, each version counted, were deleted. What came otherwise, too, stays.
type ImportForgetResponse struct {
	Forgotten int `json:"forgotten"`
}

// SearchResponse is a page of objects with their provenance. A page with a next can have
// fewer objects than were asked for, or none: then much was looked at to find them.
type SearchResponse struct {
	Objects []FoundObject `json:"objects"`
	Next    string        `json:"next,omitempty"`
}

// FoundObject is an object as received, and where it came from.
type FoundObject struct {
	ID         string          `json:"id"`
	Type       string          `json:"type"`
	TLP        string          `json:"tlp,omitempty"`
	Added      time.Time       `json:"added"`
	State      string          `json:"state"`
	Conflict   bool            `json:"conflict,omitempty"`
	Provenance []Provenance    `json:"provenance"`
	Object     json.RawMessage `json:"object"`
}

// Provenance is one way an object came to this node.
type Provenance struct {
	Source string    `json:"source"` // import name or party id
	Unit   string    `json:"unit,omitempty"`
	Ref    string    `json:"ref,omitempty"`
	At     time.Time `json:"at"`
	TLP    string    `json:"tlp,omitempty"`   // under which marking it came
	State  string    `json:"state,omitempty"` // quarantined or rejected; empty: accepted
}

// Requests

// RequestNewRequest drafts (Draft) or sends a request. Fields are the ones the
// accord demands for the type.
type RequestNewRequest struct {
	Acting
	Unit    string `json:"unit,omitempty"`
	To      string `json:"to,omitempty"` // party; empty: the other member of a pair
	Type    string `json:"type"`         // a type of the accord, such as information
	Urgency string `json:"urgency"`      // emergency, urgent, routine
	// Detected is when an incident was detected; the clocks of its notices start then.
	Detected time.Time         `json:"detected,omitzero"`
	TLP      string            `json:"tlp,omitempty"`
	Title    string            `json:"title"`
	Text     string            `json:"text"`
	Lang     string            `json:"lang,omitempty"` // in which title, text and fields are (RFC 5646); empty: not stated
	Fields   map[string]string `json:"fields,omitempty"`
	Draft    bool              `json:"draft,omitempty"`
	DryRun   bool              `json:"dry_run,omitempty"`
	From     string            `json:"from_draft,omitempty"` // send this draft; with Draft: put this in its place
}

// RequestDropRequest names a draft.
type RequestDropRequest struct {
	ID string `json:"id"`
}

// RequestListRequest filters requests.
type RequestListRequest struct {
	Unit  string `json:"unit,omitempty"`
	State string `json:"state,omitempty"` // open (default), all, or one state's name
	Side  string `json:"side,omitempty"`  // asked, owed
	// Type and Urgency leave out what is of another.
	Type    string `json:"type,omitempty"`
	Urgency string `json:"urgency,omitempty"`
	Limit   int    `json:"limit,omitempty"` // how many are listed, 1 to 10,000; 0 means 1,000
	Skip    int    `json:"skip,omitempty"`  // how many of the most urgent ones are left out, to go on behind them
	Each    int    `json:"each,omitempty"`  // of one state at most so many are listed; 0: as many as there are
}

// RequestListResponse lists requests, the most urgent clock first.
type RequestListResponse struct {
	Requests []RequestView `json:"requests"`
	More     int           `json:"more,omitempty"` // less urgent ones, beyond the limit
	// Counts are how many requests pass the filters, by state, listed or not.
	Counts map[string]int `json:"counts,omitempty"`
	Drafts []RequestView  `json:"drafts,omitempty"`
}

// RequestShowRequest names a request by its id ("origin#index") or a prefix of
// what `request list` prints.
type RequestShowRequest struct {
	Unit string `json:"unit,omitempty"`
	ID   string `json:"id"`
}

// RequestView is one request, with its conversation and clocks.
type RequestView struct {
	ID      string            `json:"id"`
	Short   string            `json:"short"`
	Unit    string            `json:"unit"`
	Type    string            `json:"type"`
	Urgency string            `json:"urgency"`
	From    string            `json:"from"`
	To      string            `json:"to"`
	Title   string            `json:"title,omitempty"`
	Text    string            `json:"text,omitempty"`
	Absent  string            `json:"absent,omitempty"` // why the words are not shown: held, not-here, sealed, unreadable, too-long
	Lang    string            `json:"lang,omitempty"`   // in which title and text were written
	Fields  map[string]string `json:"fields,omitempty"`
	// Translations are those of title and text, in the order of the entries; the original counts.
	Translations []TranslationView `json:"translations,omitempty"`
	State        string            `json:"state"`
	TLP          string            `json:"tlp,omitempty"`     // marking of title, text and fields
	Detected     time.Time         `json:"detected,omitzero"` // of an incident, as the asking side says
	Until        time.Time         `json:"until,omitzero"`    // how long data are preserved, as the asked side says
	Clocks       []ClockView       `json:"clocks,omitempty"`
	Moves        []MoveView        `json:"moves,omitempty"`
	Next         []string          `json:"next,omitempty"` // moves this side may make now
	Why          *DraftReason      `json:"why,omitempty"`  // of a draft that the node made: why it did
	Labels       Labels            `json:"labels,omitempty"`
}

// TranslationView is what somebody added to a text in another language.
type TranslationView struct {
	Ref   string    `json:"ref"`
	Party string    `json:"party"`
	By    Claim     `json:"by"`
	At    time.Time `json:"at"`
	Lang  string    `json:"lang"`
	Kind  string    `json:"kind"` // human, courtesy, machine
	// Authentic says that it counts as the original does, as the author of the original says.
	Authentic bool   `json:"authentic,omitempty"`
	Title     string `json:"title,omitempty"`
	Text      string `json:"text"`
	Absent    string `json:"absent,omitempty"` // why the words are not shown: held, not-here, sealed, unreadable, too-long
	Labels    Labels `json:"labels,omitempty"`
}

// Labels are the codes of a view in the words of a language, by the names of its members; only where the
// caller named a language.
type Labels map[string]string

// ClockView is one deadline.
type ClockView struct {
	Name    string    `json:"name"`
	Clause  string    `json:"clause"`
	Owner   string    `json:"owner"` // party whose clock it is
	Started time.Time `json:"started,omitzero"`
	Due     time.Time `json:"due,omitzero"`
	Stopped bool      `json:"stopped,omitempty"`
	Met     time.Time `json:"met,omitzero"`
	Ended   time.Time `json:"ended,omitzero"` // when the request ended before it was met
	Late    bool      `json:"late,omitempty"` // met, or ended, after it was due
	Overdue bool      `json:"overdue,omitempty"`
	Warning bool      `json:"warning,omitempty"` // it is due soon, by the accord's warnings
	Short   bool      `json:"short,omitempty"`   // data are preserved for less than the accord says
	Basis   string    `json:"basis,omitempty"`   // receipt; posting when no receipt came; move; claim
	Labels  Labels    `json:"labels,omitempty"`
}

// MoveView is one step of the conversation.
type MoveView struct {
	Ref     string         `json:"ref"`
	Move    string         `json:"move"`
	Party   string         `json:"party"`
	By      Claim          `json:"by"`
	At      time.Time      `json:"at"`
	Code    string         `json:"code,omitempty"`
	Until   time.Time      `json:"until,omitzero"`
	Text    string         `json:"text,omitempty"`
	Absent  string         `json:"absent,omitempty"` // why the words are not shown: held, not-here, sealed, unreadable, too-long
	Lang    string         `json:"lang,omitempty"`   // in which the text was written
	TLP     string         `json:"tlp,omitempty"`    // marking of the text and the objects
	Objects []string       `json:"objects,omitempty"`
	Scores  map[string]int `json:"scores,omitempty"`
	Refused string         `json:"refused,omitempty"` // code, when the move was illegal
	// Translations are those of the text, in the order of the entries; the original counts.
	Translations []TranslationView `json:"translations,omitempty"`
	Labels       Labels            `json:"labels,omitempty"`
}

// RequestMoveRequest makes one move: acknowledge, needs-info, info, transfer,
// refuse, postpone, conditions, accept-terms, accept, progress, at-risk,
// proceed, partial, answer, assess, close, withdraw, dispute, translate, and those of some types.
type RequestMoveRequest struct {
	Acting
	Unit    string         `json:"unit,omitempty"`
	ID      string         `json:"id"`
	Move    string         `json:"move"`
	Text    string         `json:"text,omitempty"`
	Code    string         `json:"code,omitempty"`
	Until   time.Time      `json:"until,omitzero"`
	TLP     string         `json:"tlp,omitempty"`
	Scores  map[string]int `json:"scores,omitempty"`
	Use     string         `json:"use,omitempty"`
	Objects []string       `json:"objects,omitempty"` // STIX ids that go with an answer
	Lang    string         `json:"lang,omitempty"`    // in which the text is (RFC 5646); translate: into which
	// Of, As and Authentic are a translation's: the entry whose text it is ("origin#index"; the request's
	// own id for title and text), human, courtesy or machine, and whether it counts as the original does.
	Of        string `json:"of,omitempty"`
	As        string `json:"as,omitempty"`
	Authentic bool   `json:"authentic,omitempty"`
	Title     string `json:"title,omitempty"` // translate: of a request's title
	DryRun    bool   `json:"dry_run,omitempty"`
}

// Exchange

// SyncRequest syncs one unit (or all) with one partner (or all).
type SyncRequest struct {
	Unit  string `json:"unit,omitempty"`
	Party string `json:"party,omitempty"`
}

// SyncResponse has one line per partner.
type SyncResponse struct {
	Sessions []SyncSession `json:"sessions"`
}

// SyncSession is one session's outcome.
type SyncSession struct {
	Unit     string `json:"unit"`
	Party    string `json:"party"`
	Name     string `json:"name"`
	Sent     int64  `json:"sent_entries"`
	Received int64  `json:"received_entries"`
	Bytes    int64  `json:"bytes"`
	Rounds   int    `json:"rounds"`
	Code     string `json:"code,omitempty"`
	Error    string `json:"error,omitempty"`
}

// CourierExportRequest writes a courier file for one partner.
type CourierExportRequest struct {
	Unit  string `json:"unit,omitempty"`
	Party string `json:"party,omitempty"`
	Full  bool   `json:"full,omitempty"` // everything, not only what the partner lacks by its receipts
}

// CourierReport tells what a courier file held.
type CourierReport struct {
	Unit     string   `json:"unit"`
	From     string   `json:"from"`
	To       string   `json:"to"`
	Entries  int64    `json:"entries"`
	Payloads int64    `json:"payloads"`
	Bytes    int64    `json:"bytes"`
	New      int64    `json:"new_entries"`
	Notes    []string `json:"notes,omitempty"` // coded: stale, gap, ...
}

// Journal

// JournalShowRequest pages through a journal. Origin empty: the own one. It
// may also be a party name or id.
type JournalShowRequest struct {
	Unit     string `json:"unit,omitempty"`
	Origin   string `json:"origin,omitempty"`
	From     int64  `json:"from,omitempty"`
	Limit    int    `json:"limit,omitempty"`
	Case     string `json:"case,omitempty"`     // or the case
	Evidence bool   `json:"evidence,omitempty"` // list kept proofs instead
}

// JournalShowResponse is a page of entries.
type JournalShowResponse struct {
	Unit       string            `json:"unit"`
	Origin     string            `json:"origin"`
	Party      string            `json:"party"`
	Name       string            `json:"name"`
	Size       int64             `json:"size"`
	Checkpoint string            `json:"checkpoint"`
	Entries    []JournalEntry    `json:"entries"`
	Evidence   []json.RawMessage `json:"evidence,omitempty"`
}

// JournalEntry is one entry with the shared verdict on it.
type JournalEntry struct {
	Index    int64           `json:"index"`
	Leaf     string          `json:"leaf"` // RFC 6962 leaf hash, hex
	Entry    json.RawMessage `json:"entry"`
	Decision *Decision       `json:"decision,omitempty"`
	Void     string          `json:"void,omitempty"`
	Final    bool            `json:"final"`
	Payload  string          `json:"payload,omitempty"` // held, missing, destroyed, unreadable
}

// JournalVerifyResponse is the outcome of reading back every byte.
type JournalVerifyResponse struct {
	OK       bool              `json:"ok"`
	Journals []VerifiedJournal `json:"journals"`
	Payloads int64             `json:"payloads"`
	Records  int64             `json:"local_records"`
	Errors   []string          `json:"errors,omitempty"` // each names the entry
}

// VerifiedJournal is one journal that was read back.
type VerifiedJournal struct {
	Unit   string `json:"unit"`
	Origin string `json:"origin"`
	Party  string `json:"party"`
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	Root   string `json:"root"`
	Heads  int64  `json:"checkpoints"`
	Error  string `json:"error,omitempty"`
}

// JournalProveRequest proves one entry ("origin#index", or index of the own journal).
type JournalProveRequest struct {
	Unit string `json:"unit,omitempty"`
	Ref  string `json:"ref"`
}

// JournalProveResponse carries the entry, a C2SP tlog-proof and the keys.
type JournalProveResponse struct {
	Ref   string          `json:"ref"`
	Entry json.RawMessage `json:"entry"`
	Raw   []byte          `json:"raw"`   // the entry's exact bytes, which are what the tree hashes
	Proof string          `json:"proof"` // C2SP tlog-proof
	Keys  []string        `json:"keys"`  // vkeys of the origin at that size
}

// DossierExportRequest packs a unit's journals with what is needed to verify
// them offline. Payloads may be left out. With Request or Case only those of what belongs
// to that go in, and a page for people does.
type DossierExportRequest struct {
	Unit     string `json:"unit,omitempty"`
	Payloads bool   `json:"payloads"`
	Request  string `json:"request,omitempty"`  // name the request the dossier is about
	Case     string `json:"case,omitempty"`     // or the case
	Evidence bool   `json:"evidence,omitempty"` // the content of exhibits too, not only their manifests
	Page     bool   `json:"page,omitempty"`     // a page for people goes in
	Note     string `json:"note,omitempty"`
	// From and To leave out what entries say that were written before From, or at To or later, by their authors' times. The
	// entries themselves all go in: without them nothing could be verified.
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
}

// RebuildResponse tells how a rebuild went.
type RebuildResponse struct {
	Objects    int64  `json:"objects"`
	Entries    int64  `json:"entries"`
	Digest     string `json:"digest"` // of the derived content; equal before and after
	Before     string `json:"before,omitempty"`
	DurationMS int64  `json:"duration_ms"`
}
