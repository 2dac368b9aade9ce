package review

import (
	"time"

	"entente/journal"
)

// Version is the version of the report's form.
const Version = 1

// Bounds on a report.
const (
	// MaxListed is how many breaches, disputes and differences are listed each; further ones are counted.
	MaxListed = 1000
	// MaxRows is how many rows tell agencies apart. Where there would be more, all rows leave them out.
	MaxRows = 2048
	// MaxCodes is how many refusal codes, and how many uses, one row counts apart; the rest stands under "other".
	MaxCodes = 64
)

// Report is the review of one period at one cut.
type Report struct {
	V       int            `json:"v"` // Version
	Unit    journal.UnitID `json:"unit"`
	Name    string         `json:"name"`
	From    time.Time      `json:"from"` // requests that were sent from here
	To      time.Time      `json:"to"`   // until before here, by the asking side's word
	Now     time.Time      `json:"now"`  // the instant of all clocks
	Accord  string         `json:"accord"`
	Version int            `json:"version"`
	Cut     []Head         `json:"cut"`
	Parties []Party        `json:"parties"`
	// Types has one row for each type of request, Rows one for each type, pair of parties and their agencies.
	Types []Row `json:"types"`
	Rows  []Row `json:"rows"`
	// NoAgencies says that there would be more than MaxRows rows, so that they leave the agencies out.
	NoAgencies  bool             `json:"no_agencies"`
	Calls       []CallRow        `json:"calls"`
	Reviews     []Earlier        `json:"reviews"`
	Breaches    List[Breach]     `json:"breaches"`
	Disputes    List[Dispute]    `json:"disputes"`
	Differences List[Difference] `json:"differences"`
}

// List is what is listed, at most MaxListed, and how many there are in all.
type List[T any] struct {
	Total  int `json:"total"`
	Listed []T `json:"listed"`
}

func (l *List[T]) add(x T) {
	l.Total++
	if len(l.Listed) < MaxListed {
		l.Listed = append(l.Listed, x)
	}
}

// Row counts the requests of one type, between one pair of parties and agencies or, in Report.Types, all.
type Row struct {
	Type         string          `json:"type"`
	Asking       journal.PartyID `json:"asking,omitempty"`
	AskingAgency string          `json:"asking_agency,omitempty"` // that sent it
	Asked        journal.PartyID `json:"asked,omitempty"`
	// AskedAgency is the one that it was transferred to last; else the one that made the first move of the asked side; "" if it
	// made none.
	AskedAgency string `json:"asked_agency,omitempty"`

	Sent       int               `json:"sent"`
	Answered   int               `json:"answered"`   // answer, hold or report was made
	Refused    int               `json:"refused"`    // refuse was made; see Refusals
	Silent     int               `json:"silent"`     // the asked side made no move, and it was not withdrawn
	Unreceived int               `json:"unreceived"` // no receipt of the asked side
	Withdrawn  int               `json:"withdrawn"`  // stands as withdrawn
	Open       int               `json:"open"`       // stands neither as closed nor as withdrawn
	Disputed   int               `json:"disputed"`   // with a dispute
	Overdue    int               `json:"overdue"`    // with a clock that is overdue now
	Refusals   map[string]int    `json:"refusals"`   // refuse, by code
	Postponed  map[string]int    `json:"postponed"`  // postpone, by code; one request may count often
	Use        map[string]int    `json:"use"`        // what use was made of answers, by word
	Scores     map[string]Score  `json:"scores"`     // of assessments
	Clocks     map[string]Timing `json:"clocks"`     // by name
	// Answers is the distribution of the times from the receipt (without one the sending; of an incident the detection) to
	// the answer: how many took at most so long. The last is for what took longer than all.
	Answers []Bucket `json:"answers"`
}

// Score sums up one score.
type Score struct {
	N    int    `json:"n"`
	Sum  int    `json:"sum"`
	Mean string `json:"mean"` // two decimals, half up
}

// Timing sums up one clock. Late, InTime, Missed, Running and Ended together are N.
type Timing struct {
	N       int `json:"n"`
	InTime  int `json:"in_time"` // met, and not late
	Late    int `json:"late"`    // met after it was due
	Missed  int `json:"missed"`  // not met, and now, or when the request ended, past due
	Running int `json:"running"` // not met, not past due; it may stand
	Ended   int `json:"ended"`   // the request ended before it was met or due
	Posting int `json:"posting"` // of N: no receipt, so it runs from the sending by the asking side's word
	// Seconds from start to the move it waits for, of those that were met, pauses included. P50 and P90 are the
	// values of nearest rank. 0 if none was met.
	P50 int64 `json:"p50"`
	P90 int64 `json:"p90"`
	Max int64 `json:"max"`
}

// Bucket counts answers that took at most so many seconds and more than the bucket before; 0 for any time.
type Bucket struct {
	Seconds int64 `json:"seconds"`
	N       int   `json:"n"`
}

// buckets are the bounds of Row.Answers: an hour, eight hours, a day, 3, 7, 20, 45 and 90 days.
var buckets = [...]int64{3600, 8 * 3600, 86400, 3 * 86400, 7 * 86400, 20 * 86400, 45 * 86400, 90 * 86400}

// CallRow counts the calls, or the drills, that one party was to answer.
type CallRow struct {
	Called  journal.PartyID `json:"called"`
	Drill   bool            `json:"drill"`
	N       int             `json:"n"`
	InTime  int             `json:"in_time"`
	Late    int             `json:"late"`
	Missed  int             `json:"missed"`
	Running int             `json:"running"`
	Untimed int             `json:"untimed"` // answered, and the accord sets no clock
	P50     int64           `json:"p50"`
	P90     int64           `json:"p90"`
	Max     int64           `json:"max"`
}

// Earlier is a review that was opened in the period and lies in the cut.
type Earlier struct {
	Review  journal.Ref   `json:"review"`
	From    time.Time     `json:"from"`
	To      time.Time     `json:"to"`
	State   string        `json:"state"`
	Agreed  *journal.Hash `json:"agreed,omitempty"`
	Differs bool          `json:"differs"`
	Scores  []PartyScore  `json:"scores"` // those that were shown and fit; by giver, receiver, type
}

// PartyScore is what one party gave another for one type of request.
type PartyScore struct {
	By     journal.PartyID `json:"by"`
	Of     journal.PartyID `json:"of"`
	Type   string          `json:"type"`
	Scores map[string]int  `json:"scores"`
}

// Dispute is a statement that a side put on record. It counts as open as long as who put it has not closed
// or withdrawn the request afterwards; no other move takes one back.
type Dispute struct {
	Request journal.Ref     `json:"request"`
	Type    string          `json:"type"`
	Entry   journal.Ref     `json:"entry"`
	Party   journal.PartyID `json:"party"`
	At      time.Time       `json:"at"`
	State   string          `json:"state"` // of the request when it was put
	Code    string          `json:"code,omitempty"`
	Open    bool            `json:"open"`
}

// What two sides see differently.
const (
	DiffTime       = "time"       // two claims of time contradict the order by more than the accord tolerates
	DiffReceipt    = "receipt"    // one side says that it asked, and the other has given no receipt
	DiffMove       = "move"       // a side made a move that it could not make, in whatever family; Code says why
	DiffTimeliness = "timeliness" // the score for timeliness contradicts the clock of the answer
	DiffHistory    = "history"    // a party shows that a journal has two histories
	DiffSignature  = "signature"  // two parties signed different reports of one review
	DiffReveal     = "reveal"     // scores that were shown are not those that were committed to
	DiffDispute    = "dispute"    // a side disputes a request and has not let go of it since
	DiffCommitment = "commitment" // another member sees a commitment otherwise than the party that is bound reports it, or does not take it as good enough
	DiffClaim      = "claim"      // what one member claims another denies
	DiffExhibit    = "exhibit"    // a party does not take an exhibit, or states custody of other bytes than its author attached
)

// Difference is one thing that the two sides see differently.
type Difference struct {
	What    string       `json:"what"`
	Request *journal.Ref `json:"request,omitempty"` // or the review, call, case or other thread
	Entry   journal.Ref  `json:"entry"`             // that shows it
	Code    string       `json:"code,omitempty"`
	Claims  []Claim      `json:"claims"`
}

// Claim is what one side says.
type Claim struct {
	Party journal.PartyID `json:"party"`
	Says  string          `json:"says"` // a move, "receipt", "no-receipt", a score, a hash, how a commitment stands, the class of a claim, an act of custody
	At    time.Time       `json:"at,omitzero"`
	Entry *journal.Ref    `json:"entry,omitempty"`
}
