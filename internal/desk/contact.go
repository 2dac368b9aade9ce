package desk

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"entente/internal/accord"
	"entente/journal"
)

// The moves of contacts. An entry's kind is "contact." and the move; answer is that of requests.
const (
	Confirm = "confirm" // a party says that a contact of its own holds, or changes
	Ping    = "ping"    // tries a contact of another party; always a drill
)

// Kinds of contacts (see accord.Contact).
const (
	KindDuty       = "duty"
	KindTechnical  = "technical"
	KindDiplomatic = "diplomatic"
)

// ContactBody is what a move of a contact says in its entry. Details lie in the payload.
type ContactBody struct {
	Ping      *journal.Ref `json:"ping,omitempty"`      // answer: the entry that pinged
	Contact   string       `json:"contact,omitempty"`   // confirm, ping: clause id of the contact
	Changed   bool         `json:"changed,omitempty"`   // confirm: it changes; the details lie in the payload
	Announced *journal.Ref `json:"announced,omitempty"` // ping: the announcement of the drill
	Drill     bool         `json:"drill,omitempty"`     // ping, answer: always set
	Language  string       `json:"language,omitempty"`  // answer: in which it was
	TLP       string       `json:"tlp,omitempty"`       // marking of the payload
}

// ParseContactBody reads the body of a move of a contact and checks every bound and what the move
// needs. Members it does not know are ignored. The error says what is wrong; the caller refuses with
// CodeBadBody.
func ParseContactBody(move string, raw jsontext.Value) (ContactBody, error) {
	var b ContactBody
	if err := parse(move, raw, &b); err != nil {
		return ContactBody{}, err
	}
	return b, b.check(move)
}

func (b *ContactBody) check(move string) error {
	opens := move == Confirm || move == Ping
	switch {
	case (b.Ping == nil) != opens:
		return errors.New("desk: every move but confirm and ping names its ping, and these name none")
	case opens && b.Contact == "":
		return fmt.Errorf("desk: %s needs the contact", move)
	}
	return errors.Join(tokens(b.TLP), clause(b.Contact), language(b.Language))
}

// contactOf returns the contact of a party with a clause id, nil if the accord has none.
func contactOf(doc *accord.Document, id string, party journal.PartyID) *accord.Contact {
	for i := range doc.Contacts {
		if c := &doc.Contacts[i]; c.ID == id && c.Party == string(party) {
			return c
		}
	}
	return nil
}

// ContactOf returns the contact with a clause id, nil if the accord has none. It must not be changed.
func ContactOf(doc *accord.Document, id string) *accord.Contact {
	for i := range doc.Contacts {
		if c := &doc.Contacts[i]; c.ID == id {
			return c
		}
	}
	return nil
}

// PingState is a contact being tried: a drill of one contact.
type PingState struct {
	ID        journal.Ref     `json:"id"`
	Drill     bool            `json:"drill"` // always
	Contact   string          `json:"contact"`
	Kind      string          `json:"kind"`
	Calling   journal.PartyID `json:"calling"`
	Called    journal.PartyID `json:"called"`
	Announced *journal.Ref    `json:"announced,omitempty"`
	Accord    string          `json:"accord"`
	State     State           `json:"state"` // ringing or answered
	At        time.Time       `json:"at"`
	Answer    journal.Ref     `json:"answer,omitzero"`
	By        journal.By      `json:"by,omitzero"`
	Met       time.Time       `json:"met,omitzero"`
	Language  string          `json:"language,omitempty"`
	Steps     []Step          `json:"steps"`
	Illegal   []Step          `json:"illegal"`
	Clock     *Clock          `json:"clock"` // overlay; null where the accord is not held

	doc  *accord.Document
	seen map[journal.Ref]int
}

// NewPing opens a ping. The caller has checked the announcement. The error is a *MoveError.
func NewPing(a Act[ContactBody], doc *accord.Document, hash string) (*PingState, error) {
	b := a.Body
	if !b.Drill {
		return nil, &MoveError{CodeDrillMixed, a.Ref, "a ping is a drill, and says so"}
	}
	if code, why := words(a.Payload); code != "" {
		return nil, &MoveError{code, a.Ref, why}
	}
	if doc == nil {
		return nil, &MoveError{CodeUnknownContact, a.Ref, "the accord that names the contacts is not held here"}
	}
	k := ContactOf(doc, b.Contact)
	switch {
	case k == nil:
		return nil, &MoveError{CodeUnknownContact, a.Ref, fmt.Sprintf("%q is no contact of the accord", clip(b.Contact))}
	case k.Party == string(a.Party):
		return nil, &MoveError{CodeNoAddressee, a.Ref, "it is the author's own contact; confirm it instead"}
	}
	p := &PingState{ID: a.Ref, Drill: true, Contact: b.Contact, Kind: k.Kind, Calling: a.Party, Called: journal.PartyID(k.Party),
		Announced: b.Announced, Accord: hash, State: Ringing, At: a.At, Illegal: []Step{}, doc: doc, seen: map[journal.Ref]int{a.Ref: 0}}
	p.Steps = []Step{pingStep(a, Ringing)}
	return p, nil
}

// Judge returns why a move changes nothing, a code and a reason, or "" if it does.
func (p *PingState) Judge(a Act[ContactBody]) (code, why string) {
	switch {
	case a.Name != Answer:
		return CodeUnknownMove, fmt.Sprintf("a ping has no move %q", clip(a.Name))
	case !a.Body.Drill:
		return CodeDrillMixed, "a ping is a drill, and so is its answer"
	case a.Party != p.Called:
		return CodeWrongSide, "the contact is another party's"
	case p.State == Answered:
		return CodeDuplicate, "it was answered already"
	}
	return words(a.Payload)
}

// Apply makes one move; see [Call.Apply].
func (p *PingState) Apply(a Act[ContactBody]) error {
	if _, seen := p.seen[a.Ref]; seen {
		return &MoveError{CodeDuplicate, a.Ref, "this entry was applied already"}
	}
	if code, why := p.Judge(a); code != "" {
		return p.Reject(a, code, why)
	}
	p.State, p.Answer, p.By, p.Met, p.Language = Answered, a.Ref, a.By, a.At, a.Body.Language
	p.seen[a.Ref] = len(p.Steps)
	p.Steps = append(p.Steps, pingStep(a, Answered))
	return nil
}

// Reject records a move that something other than the table refused and returns the *MoveError.
func (p *PingState) Reject(a Act[ContactBody], code, why string) error {
	s := pingStep(a, "")
	s.Refused, s.Reason = code, why
	p.seen[a.Ref] = -1 - len(p.Illegal)
	p.Illegal = append(p.Illegal, s)
	return &MoveError{code, a.Ref, why}
}

// Clocked returns a copy with its clock for one instant.
func (p *PingState) Clocked(now time.Time, known Past) PingState {
	out := *p
	k := acknowledging(p.doc, p.Called, p.At, known.received(p.ID), p.Met, time.Time{}, now, known.pauses())
	out.Clock = &k
	return out
}

func pingStep(a Act[ContactBody], to State) Step {
	return Step{Ref: a.Ref, Move: a.Name, Party: a.Party, By: a.By, At: a.At, State: to, TLP: a.Body.TLP, Payload: a.Payload, Held: a.Held, Drill: a.Body.Drill}
}

// Confirmation is what a party last said of a contact of its own.
type Confirmation struct {
	Ref     journal.Ref         `json:"ref"`
	By      journal.By          `json:"by"`
	At      time.Time           `json:"at"`
	Changed bool                `json:"changed,omitempty"` // it does not hold as the accord has it; see the payload
	Payload *journal.PayloadRef `json:"payload,omitempty"`
	Held    bool                `json:"held,omitempty"`

	contact accord.Contact // as the accord had it then
}

// NewConfirmation reads a confirmation. The error is a *MoveError.
func NewConfirmation(a Act[ContactBody], doc *accord.Document) (*Confirmation, error) {
	if code, why := words(a.Payload); code != "" {
		return nil, &MoveError{code, a.Ref, why}
	}
	if a.Body.Drill {
		return nil, &MoveError{CodeDrillMixed, a.Ref, "a confirmation is no drill"}
	}
	var k *accord.Contact
	if doc != nil {
		k = contactOf(doc, a.Body.Contact, a.Party)
	}
	if k == nil {
		return nil, &MoveError{CodeUnknownContact, a.Ref, fmt.Sprintf("%q is no contact of the author in the accord", clip(a.Body.Contact))}
	}
	return &Confirmation{Ref: a.Ref, By: a.By, At: a.At, Changed: a.Body.Changed, Payload: a.Payload, Held: a.Held, contact: *k}, nil
}

// Contact is a contact of the accord in force, how fresh it is and whether it answers now.
type Contact struct {
	ID        string          `json:"id"` // of its clause
	Party     journal.PartyID `json:"party"`
	Kind      string          `json:"kind"`
	Mailbox   string          `json:"mailbox,omitempty"`
	Phone     string          `json:"phone,omitempty"`
	Languages []string        `json:"languages"`
	Hours     string          `json:"hours"`
	Zone      string          `json:"zone"`
	// Confirmed is the last word of its party on it as it stands in the accord, null for none.
	Confirmed *Confirmation `json:"confirmed"`
	// Reached is when it last answered a ping or a call, live or drill.
	Reached time.Time `json:"reached,omitzero"`

	// Fresh is the latest of: its accord came into force, it was confirmed, it was reached.
	Fresh time.Time       `json:"fresh"`
	Bound accord.Duration `json:"bound"`           // for how long that is fresh
	Due   time.Time       `json:"due"`             // when it is stale
	Stale bool            `json:"stale,omitempty"` // overlay
	Open  bool            `json:"open,omitempty"`  // overlay: it answers now, by its hours
	// Change is when that changes next (overlay); zero for a contact around the clock.
	Change time.Time `json:"change,omitzero"`
}

// FreshFor is for how long a contact is fresh: the rhythm of drills, or where the accord has none, of reviews.
func FreshFor(doc *accord.Document) accord.Duration {
	if doc.Drills.Every.Set() {
		return doc.Drills.Every
	}
	return doc.Validity.Review
}

// Contacts returns the contacts of an accord that is in force since an instant, by party and id.
// confirmed returns a party's last confirmation of one of its contacts, reached when it last answered.
func Contacts(doc *accord.Document, since, now time.Time, confirmed func(journal.PartyID, string) *Confirmation, reached func(*accord.Contact) time.Time) []Contact {
	out := []Contact{}
	span, err := FreshFor(doc).Span()
	for i := range doc.Contacts {
		k := &doc.Contacts[i]
		c := Contact{ID: k.ID, Party: journal.PartyID(k.Party), Kind: k.Kind, Mailbox: k.Mailbox, Phone: k.Phone,
			Languages: append([]string{}, k.Languages...), Hours: k.Hours, Zone: k.Zone, Reached: reached(k), Fresh: since, Bound: FreshFor(doc)}
		// A word on the contact as another accord had it says nothing of this one.
		if w := confirmed(c.Party, k.ID); w != nil && reflect.DeepEqual(w.contact, *k) {
			c.Confirmed = w
			if !w.Changed && w.At.After(c.Fresh) {
				c.Fresh = w.At
			}
		}
		if c.Reached.After(c.Fresh) {
			c.Fresh = c.Reached
		}
		if err == nil {
			c.Due = span.After(c.Fresh)
			c.Stale = now.After(c.Due)
		}
		c.Open, c.Change = doc.Reach(*k, now)
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Contact) int { return cmp.Or(cmp.Compare(a.Party, b.Party), cmp.Compare(a.ID, b.ID)) })
	return out
}

// WhoToCall orders contacts for somebody who has to reach a party now and speaks a language ("" for
// any): those that answer now first, of these those who speak it, then the duty desk before the
// technical and the diplomatic side, then the freshest.
func WhoToCall(contacts []Contact, lang string) []Contact {
	out := slices.Clone(contacts)
	rank := func(c Contact) [3]int {
		r := [3]int{1, 1, len(kinds)}
		if c.Open {
			r[0] = 0
		}
		if lang == "" || c.Speaks(lang) {
			r[1] = 0
		}
		if i := slices.Index(kinds, c.Kind); i >= 0 {
			r[2] = i
		}
		return r
	}
	slices.SortStableFunc(out, func(a, b Contact) int {
		x, y := rank(a), rank(b)
		return cmp.Or(slices.Compare(x[:], y[:]), b.Fresh.Compare(a.Fresh))
	})
	return out
}

var kinds = []string{KindDuty, KindTechnical, KindDiplomatic}

// Speaks says whether a language is spoken at a contact: the tag itself, or the language of a
// regional tag.
func (c *Contact) Speaks(lang string) bool {
	base, _, _ := strings.Cut(strings.ToLower(lang), "-")
	return slices.ContainsFunc(c.Languages, func(have string) bool {
		have = strings.ToLower(have)
		b, _, _ := strings.Cut(have, "-")
		return have == strings.ToLower(lang) || have == base || b == strings.ToLower(lang)
	})
}
