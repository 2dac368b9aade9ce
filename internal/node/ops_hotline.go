package node

import "time"

// Hotline, drills and contacts

// HotlineCallRequest calls another member. Of a drill Announced names its announcement; left out, an
// own one for now is taken where the accord wants drills announced.
type HotlineCallRequest struct {
	Acting
	Unit      string `json:"unit,omitempty"`
	To        string `json:"to,omitempty"`       // party; empty: the other member of a pair
	Urgency   string `json:"urgency,omitempty"`  // a short word; empty: urgent
	Subject   string `json:"subject,omitempty"`  // a short word, for lists; it lies in the entry
	Request   string `json:"request,omitempty"`  // the request it is about
	Follows   string `json:"follows,omitempty"`  // an earlier call
	Contact   string `json:"contact,omitempty"`  // clause id of the contact that is called; empty: the duty desk
	Language  string `json:"language,omitempty"` // in which it is wished for
	Drill     bool   `json:"drill,omitempty"`
	Announced string `json:"announced,omitempty"`
	Text      string `json:"text,omitempty"`
	TLP       string `json:"tlp,omitempty"`
	DryRun    bool   `json:"dry_run,omitempty"`
}

// HotlineMoveRequest makes one move in a call or a drill call: acknowledge, say, escalate, close.
type HotlineMoveRequest struct {
	Acting
	Unit   string `json:"unit,omitempty"`
	ID     string `json:"id"` // as lists print it, or a prefix; empty: the only one that is open
	Move   string `json:"move"`
	Step   int    `json:"step,omitempty"` // escalate: which step of the ladder; 0: the next
	Code   string `json:"code,omitempty"` // close: why, a short word
	Text   string `json:"text,omitempty"`
	TLP    string `json:"tlp,omitempty"`
	DryRun bool   `json:"dry_run,omitempty"`
}

// HotlineAnnounceRequest announces a drill.
type HotlineAnnounceRequest struct {
	Acting
	Unit   string    `json:"unit,omitempty"`
	To     string    `json:"to,omitempty"`
	From   time.Time `json:"from"`
	Until  time.Time `json:"until,omitzero"` // left out: a day later
	Text   string    `json:"text,omitempty"`
	TLP    string    `json:"tlp,omitempty"`
	DryRun bool      `json:"dry_run,omitempty"`
}

// HotlineListRequest filters calls.
type HotlineListRequest struct {
	Unit  string `json:"unit,omitempty"`
	State string `json:"state,omitempty"` // open (default) or all
}

// HotlineListResponse lists calls. What is a drill stands in Drills and nowhere else.
type HotlineListResponse struct {
	Calls  []CallView  `json:"calls"`
	Drills []DrillView `json:"drills"` // one for each unit
}

// DrillView is what is tried in a unit.
type DrillView struct {
	Unit      string             `json:"unit"`
	Name      string             `json:"name"`
	Announced []AnnouncementView `json:"announced"`
	Calls     []CallView         `json:"calls"`
	Pings     []PingView         `json:"pings"`
	Last      time.Time          `json:"last,omitzero"`
	Due       time.Time          `json:"due,omitzero"` // when the accord wants the next one held
	Overdue   bool               `json:"overdue,omitempty"`
}

// AnnouncementView is a drill that was announced.
type AnnouncementView struct {
	ID       string    `json:"id"`
	Short    string    `json:"short"`
	Drill    bool      `json:"drill"`
	From     string    `json:"from"`
	To       string    `json:"to"`
	At       time.Time `json:"at"`
	Begins   time.Time `json:"begins"`
	Ends     time.Time `json:"ends"`
	Received time.Time `json:"received,omitzero"`
	State    string    `json:"state"`
	Tried    []string  `json:"tried"`
	Text     string    `json:"text,omitempty"`
	Absent   string    `json:"absent,omitempty"` // why the words are not shown: held, not-here, sealed, unreadable, too-long
	Labels   Labels    `json:"labels,omitempty"`
}

// PingView is a contact that is tried.
type PingView struct {
	ID      string     `json:"id"`
	Short   string     `json:"short"`
	Drill   bool       `json:"drill"`
	Contact string     `json:"contact"`
	Kind    string     `json:"kind"`
	From    string     `json:"from"`
	To      string     `json:"to"`
	At      time.Time  `json:"at"`
	State   string     `json:"state"`
	Clock   *ClockView `json:"clock"`
	Ours    bool       `json:"ours,omitempty"` // this party is tried
	Labels  Labels     `json:"labels,omitempty"`
}

// HotlineShowRequest names a call or a drill call.
type HotlineShowRequest struct {
	Unit string `json:"unit,omitempty"`
	ID   string `json:"id"`
}

// CallView is one call with its conversation, clocks and ladder.
type CallView struct {
	ID        string         `json:"id"`
	Short     string         `json:"short"`
	Unit      string         `json:"unit"`
	Drill     bool           `json:"drill"` // a drill: nothing of it is real
	Title     string         `json:"title"` // the subject, with DRILL before it where it is one
	From      string         `json:"from"`
	To        string         `json:"to"`
	Urgency   string         `json:"urgency"`
	Subject   string         `json:"subject,omitempty"`
	Request   string         `json:"request,omitempty"`
	Follows   string         `json:"follows,omitempty"`
	Announced string         `json:"announced,omitempty"`
	Language  string         `json:"language,omitempty"`
	At        time.Time      `json:"at"`
	State     string         `json:"state"`
	Turn      string         `json:"turn,omitempty"` // party whose move is awaited
	Step      int            `json:"step"`           // of the ladder that was climbed to; 0: the duty desk
	Climb     int            `json:"climb,omitempty"`
	Overdue   bool           `json:"overdue,omitempty"`
	Due       time.Time      `json:"due,omitzero"`
	Clocks    []ClockView    `json:"clocks"`
	Ladder    []RungView     `json:"ladder"`
	Moves     []CallMoveView `json:"moves,omitempty"`
	Next      []string       `json:"next,omitempty"`
	Labels    Labels         `json:"labels,omitempty"`
}

// RungView is a step of the ladder.
type RungView struct {
	Step    int       `json:"step"`
	Clause  string    `json:"clause"`
	Contact string    `json:"contact"`
	Role    string    `json:"role,omitempty"`
	From    time.Time `json:"from,omitzero"`    // when it may be climbed if nobody answers
	Climbed time.Time `json:"climbed,omitzero"` // when it was
	Due     bool      `json:"due,omitempty"`
}

// CallMoveView is one step of a call.
type CallMoveView struct {
	Ref     string    `json:"ref"`
	Drill   bool      `json:"drill,omitempty"`
	Move    string    `json:"move"`
	Party   string    `json:"party"`
	By      Claim     `json:"by"`
	At      time.Time `json:"at"`
	Step    int       `json:"step,omitempty"`
	Code    string    `json:"code,omitempty"`
	Text    string    `json:"text,omitempty"`
	Absent  string    `json:"absent,omitempty"` // why the words are not shown: held, not-here, sealed, unreadable, too-long
	Refused string    `json:"refused,omitempty"`
	Labels  Labels    `json:"labels,omitempty"`
}

// HotlineHistoryRequest asks how fast each side answered.
type HotlineHistoryRequest struct {
	Unit string `json:"unit,omitempty"`
}

// HotlineHistoryResponse is how fast each side answered, live calls and drills apart.
type HotlineHistoryResponse struct {
	Unit   string      `json:"unit"`
	Live   []SpeedView `json:"live"`
	Drills []SpeedView `json:"drills"`
}

// SpeedView is how fast a party answered, in all (no contact) or at one contact. Times are in seconds.
type SpeedView struct {
	Party      string    `json:"party"`
	Contact    string    `json:"contact,omitempty"`
	Rang       int       `json:"rang"`
	Answered   int       `json:"answered"`
	Within     int       `json:"within"`
	Late       int       `json:"late"`
	Unanswered int       `json:"unanswered"`
	Overdue    int       `json:"overdue"`
	Median     int64     `json:"median"`
	Slowest    int64     `json:"slowest"`
	Last       int64     `json:"last"`
	LastAt     time.Time `json:"last_at,omitzero"`
}

// ContactListRequest asks whom to call at this minute.
type ContactListRequest struct {
	Unit     string `json:"unit,omitempty"`
	Party    string `json:"party,omitempty"`    // empty: all but this one
	Language string `json:"language,omitempty"` // whom to call first who speaks it
}

// ContactListResponse lists contacts in the order in which to call them.
type ContactListResponse struct {
	Unit     string        `json:"unit"`
	Now      time.Time     `json:"now"`
	Bound    string        `json:"bound"` // for how long a contact is fresh once confirmed or reached
	Contacts []ContactView `json:"contacts"`
}

// ContactShowRequest names a contact by the id of its clause.
type ContactShowRequest struct {
	Unit    string `json:"unit,omitempty"`
	Contact string `json:"contact"`
}

// ContactView is one contact.
type ContactView struct {
	ID        string    `json:"id"`
	Party     string    `json:"party"`
	Self      bool      `json:"self,omitempty"`
	Kind      string    `json:"kind"`
	Mailbox   string    `json:"mailbox,omitempty"`
	Phone     string    `json:"phone,omitempty"`
	Languages []string  `json:"languages"`
	Hours     string    `json:"hours"`
	Zone      string    `json:"zone"`
	Open      bool      `json:"open"` // answers now, by its hours
	Change    time.Time `json:"change,omitzero"`
	Confirmed time.Time `json:"confirmed,omitzero"`
	By        Claim     `json:"by,omitzero"`
	Changed   bool      `json:"changed,omitempty"` // its party says that it changes
	Text      string    `json:"text,omitempty"`    // what it says of it
	Absent    string    `json:"absent,omitempty"`  // why the words are not shown: held, not-here, sealed, unreadable, too-long
	Reached   time.Time `json:"reached,omitzero"`
	Fresh     time.Time `json:"fresh"`
	Stale     time.Time `json:"stale,omitzero"` // since when, or from when on
	IsStale   bool      `json:"is_stale,omitempty"`
	Labels    Labels    `json:"labels,omitempty"`
}

// ContactConfirmRequest says that an own contact holds or, with Changed, that it changes and how.
type ContactConfirmRequest struct {
	Acting
	Unit    string `json:"unit,omitempty"`
	Contact string `json:"contact"`
	Changed bool   `json:"changed,omitempty"`
	Text    string `json:"text,omitempty"`
	TLP     string `json:"tlp,omitempty"`
	DryRun  bool   `json:"dry_run,omitempty"`
}

// ContactPingRequest tries a contact of another party: a drill.
type ContactPingRequest struct {
	Acting
	Unit      string `json:"unit,omitempty"`
	Contact   string `json:"contact"`
	Announced string `json:"announced,omitempty"` // as in HotlineCallRequest
	Text      string `json:"text,omitempty"`
	TLP       string `json:"tlp,omitempty"`
	DryRun    bool   `json:"dry_run,omitempty"`
}

// ContactAnswerRequest answers a ping.
type ContactAnswerRequest struct {
	Acting
	Unit     string `json:"unit,omitempty"`
	ID       string `json:"id"` // of the ping; empty: the only one that is open
	Language string `json:"language,omitempty"`
	Text     string `json:"text,omitempty"`
	TLP      string `json:"tlp,omitempty"`
	DryRun   bool   `json:"dry_run,omitempty"`
}
