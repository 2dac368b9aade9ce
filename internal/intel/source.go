package intel

import (
	"sync"
	"time"

	"github.com/google/uuid"

	"entente/internal/accord"
	"entente/journal"
	"entente/stix"
)

// Source says where an import comes from.
type Source struct {
	// Name is what the source is called, for instance the file's name; at most
	// 200 characters.
	Name string `json:"name"`
	// Statement is the marking that the importer states for objects that carry
	// none; TLPNone states nothing.
	Statement stix.TLP `json:"statement,omitzero"`
	// Note is for people; at most 2,000 characters.
	Note string `json:"note,omitzero"`
	// Hold keeps all of it in quarantine until a person accepts it, as drafts that a
	// program made of a text are kept.
	Hold *Reason `json:"hold,omitzero"`
}

// Claims is what the body of a share entry says of its payload.
type Claims struct {
	Objects int            `json:"objects"`
	Types   map[string]int `json:"types,omitempty"`
	// TLP is the strictest label among the marked objects; TLPNone: none is marked.
	TLP stix.TLP `json:"tlp,omitzero"`
	// Unmarked is the label the sender states for unmarked objects.
	Unmarked stix.TLP `json:"unmarked,omitzero"`
}

// Received says where a payload comes from.
type Received struct {
	Unit       journal.UnitID  `json:"unit"`
	From       journal.PartyID `json:"from"`
	Ref        journal.Ref     `json:"ref"`        // of the entry
	Commitment journal.Hash    `json:"commitment"` // of the payload, to find it again
	At         time.Time       `json:"at"`         // what the entry says
	Claims     Claims          `json:"claims"`
	// Verdict is the shared verdict of the entry. Anything but Allow holds the
	// whole payload.
	Verdict accord.Decision `json:"verdict"`
	// Terms are what this node asks beyond it; what they decided is on record, they
	// are not.
	Terms Terms `json:"-"`
}

// Terms are what the accord asks of each object, repeated by who receives it. The zero
// value asks nothing.
type Terms struct {
	// Clause is the accord's clause on quality.
	Clause string
	// Never holds what must never be sent; nil: nothing.
	Never *Guard
	// Oldest is the earliest beginning of an indicator; the zero time: any.
	Oldest time.Time
}

// State is where one arrival of an object stands.
type State string

// The states. An object counts as accepted if any of its arrivals is.
const (
	Accepted    State = "accepted"
	Quarantined State = "quarantined"
	Rejected    State = "rejected"
)

// Codes of reasons for which an arrival is held, beside those of the gate.
const (
	CodeInvalid    = "invalid-object"    // it breaks a MUST of STIX, or the payload holds something that is no STIX object
	CodeCounts     = "count-mismatch"    // the payload does not hold what its entry counts
	CodeMarking    = "tlp-above-claim"   // an object is marked more strictly than the entry says
	CodePAP        = "pap-above-claim"   // an object's PAP is stricter than what the entry counts as
	CodeCollision  = "id-collision"      // the same version of the object is known from elsewhere with other bytes
	CodeWeakened   = "marking-weakened"  // another version of the object is known from elsewhere under a stricter marking
	CodeGuarded    = "guarded-value"     // the indicator names something that must not be blocked
	CodeConfidence = "low-confidence"    // below what the accord's terms of quality ask
	CodeVariants   = "too-many-variants" // one version with more different bytes than are kept
	CodeOthers     = "others-object"     // a newer version of an object that somebody else brought
	CodeUnread     = "unread-pattern"    // the indicator's pattern cannot be read, so nobody knows what it would stop
	CodeUnmarked   = "unknown-marking"   // it carries a marking whose definition is not known here
	CodeDraft      = "draft"             // drafted by a program from a text, for a person to confirm
)

// Reason says why an arrival is held.
type Reason struct {
	Code   string `json:"code"`
	Clause string `json:"clause,omitzero"` // of the accord, if the gate said so
	Text   string `json:"text"`
}

// collID names a collection: what was imported here, what one partner sent in
// one unit, or everything that was accepted. It is the collection's id in TAXII.
type collID = uuid.UUID

// The namespace of collection ids. It must not change: sensors have the ids in
// their configuration.
var collSpace = uuid.NewSHA1(uuid.NameSpaceURL, []byte("entente/taxii-collection/v1"))

// allColl and localColl name the collections that every node has; each is worked out once.
var (
	allColl   = sync.OnceValue(func() collID { return uuid.NewSHA1(collSpace, []byte("all")) })
	localColl = sync.OnceValue(func() collID { return uuid.NewSHA1(collSpace, []byte("local")) })
)

func partnerColl(u journal.UnitID, p journal.PartyID) collID {
	return uuid.NewSHA1(collSpace, []byte("unit/"+string(u)+"/party/"+string(p)))
}

// feed is the row of a partner's collection.
type feed struct {
	Unit  journal.UnitID  `json:"unit"`
	Party journal.PartyID `json:"party"`
}
