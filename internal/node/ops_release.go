package node

import (
	"encoding/json"
	"time"
)

// States of an act that is held ready for a second person.
const (
	HeldWaiting   = "waiting"
	HeldReleasing = "releasing" // somebody released it, and whether it was written is looked at
	HeldReleased  = "released"
	HeldRejected  = "rejected"
	HeldWithdrawn = "taken-back" // by who prepared it
	HeldExpired   = "expired"
)

// Person is who prepared an act, or decided on one. It never leaves this node.
type Person struct {
	Kind string `json:"kind"` // officer, token, console
	ID   string `json:"id,omitempty"`
	Name string `json:"name"`
}

// ReleaseListRequest asks for what is held ready for a second person. Whoever may not release sees what they prepared themselves.
type ReleaseListRequest struct {
	Asked
	Unit string `json:"unit,omitempty"`
	All  bool   `json:"all,omitempty"` // those too that were decided on, for a week
}

// ReleaseListResponse lists acts that are held ready, those that run out first at the head.
type ReleaseListResponse struct {
	Acts    []HeldAct `json:"acts"`
	Waiting int       `json:"waiting"` // for somebody's release, those of others too
}

// ReleaseShowRequest asks for one act with exactly what would leave.
type ReleaseShowRequest struct {
	Asked
	ID string `json:"id"`
}

// ReleaseContentRequest asks for one content of an act, whole.
type ReleaseContentRequest struct {
	Asked
	ID    string `json:"id"`
	Entry int    `json:"entry,omitempty"` // of the act's entries, from 0
	Files bool   `json:"files,omitempty"` // instead: the files of the exhibit that it announces, one behind the other
}

// ReleaseApproveRequest releases an act under a claim of who asks.
type ReleaseApproveRequest struct {
	Asked
	ID string `json:"id"`
	By Claim  `json:"by,omitzero"` // in whose name it is released
	// Digest is that of what was looked at. Another one, or none, releases nothing.
	Digest string `json:"digest"`
	DryRun bool   `json:"dry_run,omitempty"`
}

// ReleaseRejectRequest drops an act: a second person with a reason, or who prepared it.
type ReleaseRejectRequest struct {
	Asked
	ID     string `json:"id"`
	Reason string `json:"reason,omitempty"` // at most 1,000 characters; a second person owes one
}

// HeldAct is an act that lacks a second person's release.
type HeldAct struct {
	ID       string    `json:"id"`
	Unit     string    `json:"unit"`
	Name     string    `json:"name"` // of the unit
	State    string    `json:"state"`
	Kind     string    `json:"kind"` // of its entries
	By       Claim     `json:"by"`
	Prepared Person    `json:"prepared"`
	At       time.Time `json:"at"`
	Expires  time.Time `json:"expires"`
	Decision Decision  `json:"decision"` // the gate's, when it was held ready
	Own      bool      `json:"own"`      // who asks prepared it
	May      bool      `json:"may"`      // who asks may release it
	Why      string    `json:"why,omitempty"`
	About    string    `json:"about,omitempty"` // what it adds to: a request, a call, a case
	Bytes    int64     `json:"bytes"`           // of what would leave, sealed
	Digest   string    `json:"digest,omitempty"`
	// Files is how many bytes of files lie beside it, which are written once it is released. An exhibit whose files do not is
	// attached once more then.
	Files   int64       `json:"files,omitempty"`
	Entries []HeldEntry `json:"entries,omitempty"` // of one that is shown
	To      []string    `json:"to,omitempty"`      // names of the members that would get it
	// What became of it.
	Decided Person    `json:"decided,omitzero"`
	Claim   Claim     `json:"claim,omitzero"` // under which it was released
	DoneAt  time.Time `json:"done_at,omitzero"`
	Reason  string    `json:"reason,omitempty"`
	Refs    []string  `json:"refs,omitempty"` // entries that were written
}

// HeldEntry is one entry as it would be written.
type HeldEntry struct {
	Kind  string          `json:"kind"`
	TLP   string          `json:"tlp,omitempty"`
	Body  json.RawMessage `json:"body"`
	Type  string          `json:"type,omitempty"` // of the content; "" for none
	Plain string          `json:"plain,omitempty"`
	Cut   int64           `json:"cut,omitempty"` // bytes of the content that are not shown here
	Whole int64           `json:"whole,omitempty"`
	// What the content says, where it is of a type that is read.
	Title   string            `json:"title,omitempty"`
	Text    string            `json:"text,omitempty"`
	Lang    string            `json:"lang,omitempty"`
	Fields  map[string]string `json:"fields,omitempty"`
	Objects []HeldObject      `json:"objects,omitempty"` // at most 200
	More    int               `json:"more,omitempty"`
	List    []ExhibitFile     `json:"list,omitempty"` // of an exhibit: the first 1,000 files of its manifest
	// Given are the scores that are committed to, by party, type of request and what is scored. They stay here until they are shown.
	Given map[string]map[string]map[string]int `json:"given,omitempty"`
}

// HeldObject is a STIX object that would leave.
type HeldObject struct {
	ID     string          `json:"id"`
	Type   string          `json:"type"`
	Object json.RawMessage `json:"object"`
}

// FirstRef is the act.
func (a *HeldAct) FirstRef() string { return a.ID }
