package node

import "time"

// JournalSidesRequest asks for the journals of a unit side by side, the newest entries first.
type JournalSidesRequest struct {
	Unit   string    `json:"unit,omitempty"`
	Kind   string    `json:"kind,omitempty"`   // one kind, or a family as in "request.*"; "-receipt": all but receipts
	Author string    `json:"author,omitempty"` // party, by name or id
	From   time.Time `json:"from,omitzero"`    // of what authors say of the time
	To     time.Time `json:"to,omitzero"`      // before
	About  string    `json:"about,omitempty"`  // a request: what was said in it, and in what belongs to it
	Next   string    `json:"next,omitempty"`   // of the page before
	Limit  int       `json:"limit,omitempty"`  // entries; default 50, at most 200
}

// JournalSidesResponse is entries of several journals in their causal order.
type JournalSidesResponse struct {
	Unit     string        `json:"unit"`
	Name     string        `json:"name"`
	Journals []SideJournal `json:"journals"` // this party's first
	Rows     []SideRow     `json:"rows"`
	Next     string        `json:"next,omitempty"`   // there is more, or may be
	Looked   int           `json:"looked,omitempty"` // of a page that a filter left short: entries that were looked at
	// Kinds are those that can be asked for.
	Kinds []string `json:"kinds"`
	Lies  int      `json:"lies"` // proofs of misbehaviour that are kept
}

// SideJournal is one journal of a unit.
type SideJournal struct {
	Origin string `json:"origin"`
	Party  string `json:"party"`
	Name   string `json:"name"`
	Self   bool   `json:"self"`
	Size   int64  `json:"size"`
	Final  int64  `json:"final"`           // entries that every member's journal includes
	Fault  string `json:"fault,omitempty"` // code of a proven misbehaviour
}

// SideRow is entries that have not seen each other; those of later rows are older, or concurrent with some of these.
type SideRow struct {
	Entries []SideEntry `json:"entries"`
}

// SideEntry is one entry beside others.
type SideEntry struct {
	Ref      string        `json:"ref"`
	Origin   string        `json:"origin"`
	Index    int64         `json:"index"`
	Name     string        `json:"name"` // of the author
	Self     bool          `json:"self"`
	Kind     string        `json:"kind"`
	At       time.Time     `json:"at"`
	By       Claim         `json:"by"`
	Void     string        `json:"void,omitempty"`
	Final    bool          `json:"final"`
	Payload  string        `json:"payload,omitempty"` // held, missing, destroyed, unreadable
	Decision *Decision     `json:"decision,omitempty"`
	Receipts []SideReceipt `json:"receipts"`
}

// SideReceipt is the first receipt of a party that covers an entry.
type SideReceipt struct {
	Name    string    `json:"name"`
	Ref     string    `json:"ref"`
	At      time.Time `json:"at"`                // by the clock of who gave it
	Missing bool      `json:"missing,omitempty"` // the content was not there yet
}

// JournalCheckRequest asks for one entry with everything that is known of it, verified.
type JournalCheckRequest struct {
	Unit string `json:"unit,omitempty"`
	Ref  string `json:"ref"` // "origin#index", or an index of the own journal
}

// JournalCheckResponse is one entry and what was verified of it, step by step, with package journal.
type JournalCheckResponse struct {
	Unit    string       `json:"unit"`
	Name    string       `json:"name"` // of the author
	Party   string       `json:"party"`
	Self    bool         `json:"self"`
	Ref     string       `json:"ref"`
	Origin  string       `json:"origin"`
	Size    int64        `json:"size"` // of the journal as it is held
	Kind    string       `json:"kind"`
	At      time.Time    `json:"at"`
	By      Claim        `json:"by"`
	Release []Claim      `json:"release,omitempty"`
	Entry   JournalEntry `json:"entry"`
	Raw     []byte       `json:"raw"` // what the tree hashes
	// Thread is the entry that opened what this one belongs to, Family what that is: request, hotline, case.
	Thread string      `json:"thread,omitempty"`
	Family string      `json:"family,omitempty"`
	Proof  string      `json:"proof"` // a C2SP tlog-proof
	Keys   []string    `json:"keys"`  // that signed its head, as verifiers of signed notes take them
	Whole  bool        `json:"whole"` // every step holds
	Steps  []CheckStep `json:"steps"`
}

// CheckStep is one step of a verification, in a code that faces say in words.
type CheckStep struct {
	Code  string    `json:"code"`
	State string    `json:"state"`          // good, wait, bad
	Name  string    `json:"name,omitempty"` // of a party or a witness
	N     int64     `json:"n,omitempty"`    // bytes, hashes or versions
	Size  int64     `json:"size,omitempty"` // of a head
	Hash  string    `json:"hash,omitempty"` // leaf, root, key or commitment
	Ref   string    `json:"ref,omitempty"`  // an entry that shows it
	At    time.Time `json:"at,omitzero"`
	Why   string    `json:"why,omitempty"` // what does not hold
	// Decision is the gate's, of a step about content that may or may not be handed over.
	Decision *Decision `json:"decision,omitempty"`
}

// JournalFileRequest asks for one entry as a file that a stranger verifies offline.
type JournalFileRequest struct {
	Unit string `json:"unit,omitempty"`
	Ref  string `json:"ref"`
}

// ProofListRequest asks for the proofs of misbehaviour kept about the journals of a unit.
type ProofListRequest struct {
	Unit   string `json:"unit,omitempty"`
	Origin string `json:"origin,omitempty"` // of one journal, by origin or party
}

// ProofListResponse lists proofs, the oldest first, at most 100.
type ProofListResponse struct {
	Unit   string      `json:"unit"`
	Name   string      `json:"name"`
	Proofs []ProofView `json:"proofs"`
	More   int         `json:"more,omitempty"`
}

// ProofView is one proof that a party broke a rule of journals, verified again.
type ProofView struct {
	Code   string    `json:"code"` // of package journal; fork, rollback and rewritten are two heads that exclude each other
	Origin string    `json:"origin"`
	Party  string    `json:"party"`
	Name   string    `json:"name"`
	At     time.Time `json:"at"` // when it was kept here
	// Heads are the two that contradict each other; empty where the proof is another.
	Heads []ProofHead `json:"heads"`
	Holds bool        `json:"holds"`         // both heads bear the party's signatures, and exclude each other
	Why   string      `json:"why,omitempty"` // it does not
	// Upto is the number of entries of the smaller head: the two histories part at one of these.
	Upto int64 `json:"upto"`
	// Told is the entry of the own journal that tells all members; "" if none does.
	Told string `json:"told,omitempty"`
	// Text is the proof itself, in JSON.
	Text string `json:"text"`
}

// ProofHead is one of two heads.
type ProofHead struct {
	Size       int64  `json:"size"`
	Root       string `json:"root"`
	Checkpoint string `json:"checkpoint"`
	Held       bool   `json:"held"` // it is the history that is held here
	// At is, at the size of the smaller head, the root of the tree of this one.
	At string `json:"at"`
}
