package journal

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Types of payloads.
const (
	PayloadSTIX    = "stix"
	PayloadAccord  = "accord"
	PayloadText    = "text"
	PayloadRequest = "request"
	PayloadAnswer  = "answer"
	// PayloadStatement holds the texts of what is to be said in public, by language.
	PayloadStatement = "statement"
	PayloadExhibit   = "exhibit" // the manifest of an exhibit
	PayloadChunk     = "chunk"   // bytes of an exhibit
)

// PayloadRef ties an entry to content that lies outside the tree, so that it
// can be destroyed while the proof stays.
type PayloadRef struct {
	Commitment Hash   `json:"commitment"` // see [Commit]
	Size       int64  `json:"size"`       // compressed bytes, at most [MaxPayload]
	Type       string `json:"type"`       // one of the Payload constants, or a later one
}

// Entry is the parsed view of one record of a journal. Raw holds the bytes that
// are hashed; nothing is ever serialised again. Entries are shared between
// readers and must not be changed.
type Entry struct {
	V        int             // version of the format: 1
	Kind     string          // see the Kind constants; unknown kinds are kept and change no state
	At       time.Time       // what the author says the time was
	AtText   string          // At as written (RFC 3339 with offset)
	By       By              // in which role the author's officer acted
	Unit     UnitID          // the unit the journal belongs to
	Author   PartyID         // the party that writes the journal
	Epoch    int             // 0, or n for the n-th successor after a restore
	Index    int64           // place in the journal, from 0
	Seen     map[Origin]Head // what the author held of the other journals; cumulative
	Release  []By            // the role claims of those who released it, if the accord asks for two
	Body     jsontext.Value  // a JSON object as received, or nil
	Payload  *PayloadRef     // content outside the tree, or nil
	Raw      []byte          // the entry as received
	LeafHash Hash            // RFC 6962 leaf hash of Raw

	origin Origin
}

// Origin returns the journal that the entry says it belongs to.
func (e *Entry) Origin() Origin {
	if e.origin != "" {
		return e.origin
	}
	return OriginOf(e.Unit, e.Author, e.Epoch)
}

// Ref returns where the entry is.
func (e *Entry) Ref() Ref { return Ref{e.Origin(), e.Index} }

// Draft is what an author wants to write. The writer adds version, unit,
// author, epoch, index and the cumulative seen.
type Draft struct {
	Kind    string          // 1 to 64 of a-z 0-9 . -, starting with a letter
	At      time.Time       // when it happened; the zero time means the time of the append
	By      By              // role of the officer
	Release []By            // release claims, at most [MaxRelease]
	Seen    map[Origin]Head // heads of other journals newly seen; merged with what earlier entries said
	Body    any             // marshalled as a JSON object; a jsontext.Value is taken byte for byte
	Payload *PayloadRef     // or nil
}
