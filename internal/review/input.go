package review

import (
	"time"

	"entente/internal/desk"
	"entente/journal"
)

// Party is a party that the report names.
type Party struct {
	ID   journal.PartyID `json:"id"`
	Name string          `json:"name"` // as it calls itself in its journal
}

// Head is how far one journal goes in the cut.
type Head struct {
	Origin journal.Origin  `json:"origin"`
	Party  journal.PartyID `json:"party"`
	Size   int64           `json:"size"`
	Root   journal.Hash    `json:"root"`
}

// Input is what the fold has at a cut. Everything in it is a function of the entries of the cut, of
// the accord texts, and of Now.
type Input struct {
	Unit    journal.UnitID
	Name    string // of the unit
	Accord  string // hash of the accord in force at the cut, "" for none
	Version int
	Parties []Party // everybody with a journal in the cut, by id
	Cut     []Head  // by origin
	desk.Subject

	Requests  []desk.Request // with their clocks at Now
	Strays    []desk.Step    // entries that belong to no thread
	Breaches  []Breach       // content that the gate refuses, of any time
	Histories []History      // proofs that a journal has two histories, of any time
	Reviews   []desk.Review
	// Calls are the calls and drills of the hotline.
	Calls []Call
	// Cases, Commitments and Exhibits are all that the cut has, Idle the moves in threads of all families but requests and reviews that changed nothing.
	Cases       []desk.Case
	Commitments []desk.Commitment
	Exhibits    []desk.Exhibit
	Idle        []Idle
}

// Idle is a move in a thread that changed nothing.
type Idle struct {
	Thread journal.Ref
	desk.Said
}

// Breach is content that the gate refused.
type Breach struct {
	Entry  journal.Ref     `json:"entry"`
	Kind   string          `json:"kind"`
	Party  journal.PartyID `json:"party"`
	At     time.Time       `json:"at"`
	Clause string          `json:"clause"`
	Code   string          `json:"code"`
	// Partial says that what is held is not all that the author had seen: it is no proof against it.
	Partial bool `json:"partial"`
}

// History is an entry of kind evidence: a party shows that a journal has two histories.
type History struct {
	Entry journal.Ref
	Party journal.PartyID // that shows it
	At    time.Time
}

// Call is one call or drill of the hotline.
type Call struct {
	ID       journal.Ref
	Drill    bool
	Calling  journal.PartyID
	Called   journal.PartyID
	At       time.Time // when it was made
	Answered time.Time // when the called side acknowledged it, zero if it has not
	Due      time.Time // until when it had to, zero if the accord sets no clock
}
