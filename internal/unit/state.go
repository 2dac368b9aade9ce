package unit

import (
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"entente/internal/accord"
	"entente/internal/desk"
	"entente/journal"
)

// State is what a unit agreed, asked, owes and broke, folded from all entries that are known. All
// lists have a fixed order that does not depend on arrival. Times are UTC and claims of whoever
// wrote the entry. Overlays (what depends on now) are marked as such.
type State struct {
	Unit    journal.UnitID  `json:"unit"`
	Name    string          `json:"name"`
	Founder journal.PartyID `json:"founder"`
	Now     time.Time       `json:"now"` // the instant of all overlays

	Members     []Member          `json:"members"`    // parties to the accord in force; before the first one founder and candidates
	Candidates  []Member          `json:"candidates"` // admitted, not (yet) members
	Left        []Member          `json:"left"`       // others with a journal: former members, strangers
	Accord      *InForce          `json:"accord"`     // null before the first one is in force
	Proposals   []Proposal        `json:"proposals"`
	Suspended   []Suspension      `json:"suspensions"` // all that were ever made; those without resumed last
	Requests    []desk.Request    `json:"requests"`
	Reviews     []desk.Review     `json:"reviews"`
	Strays      []desk.Step       `json:"strays"`   // entries that belong to no request, call or other thread
	Calls       []desk.Call       `json:"calls"`    // live ones
	Drills      desk.Drills       `json:"drills"`   // announced and tried; nothing of it is among the calls
	Contacts    []desk.Contact    `json:"contacts"` // of the accord in force
	Shares      []Share           `json:"shares"`
	Breaches    []Breach          `json:"breaches"` // content that the gate refuses: kept as proof, quarantined
	Held        []Breach          `json:"held"`     // content that the gate holds: quarantined as long as it does
	Void        []Void            `json:"void"`     // entries that change no state, and why
	Unknown     []Mention         `json:"unknown"`  // entries of kinds this version does not know
	Kept        []Mention         `json:"kept"`     // evidence, witness statements, key changes, destructions
	Waiting     []Waiting         `json:"waiting"`  // journals whose tail names entries that have not come
	Frontier    []Final           `json:"frontier"` // up to where every journal is final
	Missing     []string          `json:"missing"`  // hashes of accord texts that entries name and are not held
	Problem     string            `json:"problem,omitempty"`
	Cases       []desk.Case       `json:"cases"`
	Commitments []desk.Commitment `json:"commitments"`
	Statements  []desk.Statement  `json:"statements"`
	Leaks       []desk.Leak       `json:"leaks"`
	Exhibits    []Exhibit         `json:"exhibits,omitempty"`
}

// Member is a party as the unit sees it.
type Member struct {
	Party     journal.PartyID `json:"party"`
	Name      string          `json:"name"`
	Journals  []Journal       `json:"journals"` // by epoch
	Withdrawn *Mention        `json:"withdrawn,omitempty"`
	Notice    *Notice         `json:"notice,omitempty"`
	Receipts  []Receipt       `json:"receipts"` // the latest that this party gave, by origin
}

// Journal is one journal of a party.
type Journal struct {
	Origin journal.Origin `json:"origin"`
	Epoch  int            `json:"epoch"`
	Head   journal.Head   `json:"head"` // of what is known here
	// Binding is, for a journal with a successor, the head that the successor names; entries beyond it
	// are late but still bind.
	Retired *journal.Head `json:"retired,omitempty"`
}

// Notice is an announced withdrawal.
type Notice struct {
	Ref       journal.Ref `json:"ref"`
	At        time.Time   `json:"at"`
	Effective time.Time   `json:"effective"`     // never before the accord's notice period
	Due       bool        `json:"due,omitempty"` // overlay: now is not before Effective
}

// Receipt is what a member says it durably holds of a journal.
type Receipt struct {
	Origin  journal.Origin `json:"origin"`
	Head    journal.Head   `json:"head"`
	At      time.Time      `json:"at"`
	Ref     journal.Ref    `json:"ref"`
	Missing []journal.Hash `json:"missing,omitempty"` // payloads that it did not hold
}

// InForce is the accord in force.
type InForce struct {
	Hash    string    `json:"hash"`
	Version int       `json:"version"`
	Since   time.Time `json:"since"` // the latest claim among the entries that completed it
	// History are the hashes of all accords that were in force, this one last.
	History []string `json:"history"`
}

// Status of a proposal.
const (
	StatusOpen       = "open"       // may still be signed
	StatusComplete   = "complete"   // signed by all its parties, not yet held by all their journals
	StatusInForce    = "in-force"   // the accord in force
	StatusReplaced   = "replaced"   // was in force
	StatusSuperseded = "superseded" // can no longer come into force
)

// Proposal is an accord text that was proposed.
type Proposal struct {
	Hash         string            `json:"hash"`
	Version      int               `json:"version"`
	Supersedes   string            `json:"supersedes"`
	Counters     []string          `json:"counters"` // what it counters
	Status       string            `json:"status"`
	Held         bool              `json:"held"` // the text is held here and is a valid accord
	Parties      []journal.PartyID `json:"parties"`
	Proposed     []Mention         `json:"proposed"`
	Reservations []Reservation     `json:"reservations"`
	Accepted     []Mention         `json:"accepted"`
	Signed       []Mention         `json:"signed"`
	Unsigned     []journal.PartyID `json:"unsigned"` // parties that have not signed
}

// Reservation is a reservation about clauses of a proposal.
type Reservation struct {
	Mention
	Clauses []string `json:"clauses"`
}

// Mention is an entry by reference.
type Mention struct {
	Ref     journal.Ref         `json:"ref"`
	Kind    string              `json:"kind"`
	Party   journal.PartyID     `json:"party"`
	By      journal.By          `json:"by"`
	At      time.Time           `json:"at"`
	Final   bool                `json:"final"` // every member's journal includes it
	Payload *journal.PayloadRef `json:"payload,omitempty"`
}

// Suspension is a suspension and, once lifted, its end.
type Suspension struct {
	Mention
	Scope   []string `json:"scope"`
	Code    string   `json:"code"`
	Active  bool     `json:"active"`
	Resumed *Mention `json:"resumed,omitempty"`
}

// Share is an entry that shares objects.
type Share struct {
	Mention
	Verdict   accord.Decision  `json:"verdict"`
	Objects   int64            `json:"objects"`
	Types     map[string]int64 `json:"types"`
	TLP       string           `json:"tlp,omitempty"`
	Unmarked  string           `json:"unmarked,omitempty"`
	PAP       string           `json:"pap,omitempty"`
	Receipted []Receipted      `json:"receipted"` // by whom and when, by party
}

// Receipted says when a member's journal first receipted an entry with its payload.
type Receipted struct {
	Party journal.PartyID `json:"party"`
	At    time.Time       `json:"at"`
}

// Breach is content that the gate refuses or holds.
type Breach struct {
	Mention
	Clause string `json:"clause"`
	Code   string `json:"code"`
	Reason string `json:"reason"`
	// Knowing says that the author had seen what holds it (a suspension).
	Knowing bool `json:"knowing,omitempty"`
	// Partial says that the author had seen a history of some journal that is not the one held here:
	// with what it had seen the verdict may have been another, so this is no proof against it.
	Partial bool `json:"partial,omitempty"`
}

// Void is an entry that changes no state.
type Void struct {
	Mention
	Code   string `json:"code"`
	Reason string `json:"reason,omitempty"`
}

// Waiting is a journal whose tail cannot be placed yet.
type Waiting struct {
	First journal.Ref `json:"first"` // the first entry that waits
	Count int64       `json:"count"`
	For   journal.Ref `json:"for"` // an entry that has to come first
}

// Final is how far a journal is final.
type Final struct {
	Origin journal.Origin `json:"origin"`
	Size   int64          `json:"size"`
}

// JSON returns the state as JSON: the same bytes on every node with the same entries, accord texts
// and now.
func (s *State) JSON() []byte {
	b, err := json.Marshal(s, json.Deterministic(true), jsontext.EscapeForHTML(false))
	if err != nil {
		// Every member is built here from checked values; a failure would be a bug worth seeing.
		return []byte(`{"problem":"` + clip(jsonSafe(err.Error())) + `"}`)
	}
	return b
}

func jsonSafe(s string) string {
	b, err := jsontext.AppendQuote(nil, s)
	if err != nil || len(b) < 2 {
		return "the state cannot be written"
	}
	return string(b[1 : len(b)-1])
}
