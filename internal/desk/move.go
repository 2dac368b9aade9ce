package desk

import (
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"entente/journal"
)

// Bounds on what a move may carry.
const (
	MaxMoves  = 1000 // moves of one request that are applied
	MaxFields = 64   // names of fields
	MaxToken  = 64   // characters of a code, a name of a field, a use

	maxLang = 35 // characters of a language tag; RFC 5646, section 4.4.1
)

// scores are what an answer is scored for, 1 (poor) to 5 (excellent).
var scores = []string{"relevance", "accuracy", "timeliness", "clarity", "usefulness", "completeness"}

// Scores returns the names of the scores, in the order they are shown in.
func Scores() []string { return append([]string(nil), scores...) }

// Body is what a move says in its entry. Bodies carry no content: texts, field values and answers
// lie in the payload.
type Body struct {
	Request *journal.Ref    `json:"request,omitempty"` // the entry that sent the request; absent in send
	To      journal.PartyID `json:"to,omitempty"`      // send: who is asked; may be absent in a unit of two
	Type    string          `json:"type,omitempty"`    // send
	Urgency string          `json:"urgency,omitempty"` // send
	Fields  []string        `json:"fields,omitempty"`  // send, info: fields in the payload; needs-info: fields missing
	TLP     string          `json:"tlp,omitempty"`     // marking of the payload
	Code    string          `json:"code,omitempty"`    // refuse, postpone, at-risk, withdraw, dispute
	Agency  string          `json:"agency,omitempty"`  // transfer: to which agency of the asked side
	Until   time.Time       `json:"until,omitzero"`    // postpone, hold; renew: the date that is wished for
	// Detected is in a send of an incident: when it was detected. Left out, it is when it was sent.
	Detected time.Time      `json:"detected,omitzero"`
	Scores   map[string]int `json:"scores,omitempty"` // assess: see Scores
	Use      string         `json:"use,omitempty"`    // assess: what use was made, a short token

	// Of is in a translate: the entry of the same request whose text the payload translates.
	Of        *journal.Ref `json:"of,omitempty"`
	Lang      string       `json:"lang,omitempty"`     // translate: into which language, RFC 5646 in lower case
	Kind      string       `json:"kind,omitempty"`     // translate: see Translations
	Authentic bool         `json:"authentic,omitzero"` // translate: counts as the original does; its author alone says so
}

// Act is one entry of a thread (what one entry opens and later ones add to), as the caller places it
// in the order. B is what the thread's family reads in the entry's body.
type Act[B any] struct {
	Ref     journal.Ref         // the entry
	Name    string              // its kind without the family: one of the family's move constants
	Party   journal.PartyID     // the author
	By      journal.By          // the role that acted
	At      time.Time           // what the author says the time was
	Body    B                   // as the family's parser returned it
	Payload *journal.PayloadRef // or nil
	Held    bool                // the gate holds the payload
	// Of what members keep together (cases, commitments, statements, leaks), by the entry's causal past: who was a member and
	// had not left, sorted, and the entries of content among those that the body names.
	Members []journal.PartyID
	Known   map[journal.Ref]Known
}

// Move is one move of a request; see ParseBody.
type Move = Act[Body]

// ParseBody reads the body of a move and checks every bound and what the move needs. Members it
// does not know are ignored. The error says what is wrong; the caller refuses with CodeBadBody.
func ParseBody(move string, raw jsontext.Value) (Body, error) {
	var b Body
	if len(raw) == 0 {
		raw = jsontext.Value("{}")
	}
	if err := json.Unmarshal(raw, &b); err != nil {
		return Body{}, fmt.Errorf("desk: body of %s: %w", clip(move), err)
	}
	return b, b.check(move)
}

func (b *Body) check(move string) error {
	if (b.Request == nil) != (move == Send) {
		return errors.New("desk: every move but send names its request, and send names none")
	}
	for _, s := range []string{b.Type, b.Urgency, b.TLP, b.Code, b.Use, b.Lang, b.Kind} {
		if s != "" && !token(s) {
			return fmt.Errorf("desk: %q is not a short token (1 to %d of a-z 0-9 . _ + -)", clip(s), MaxToken)
		}
	}
	if b.To != "" {
		if err := b.To.Check(); err != nil {
			return err
		}
	}
	if utf8.RuneCountInString(b.Agency) > MaxToken {
		return fmt.Errorf("desk: the agency's name is longer than %d characters", MaxToken)
	}
	if len(b.Fields) > MaxFields {
		return fmt.Errorf("desk: %d fields, at most %d", len(b.Fields), MaxFields)
	}
	for _, f := range b.Fields {
		if !token(f) {
			return fmt.Errorf("desk: %q is not the name of a field", clip(f))
		}
	}
	for name, at := range map[string]time.Time{"until": b.Until, "detected": b.Detected} {
		if y := at.Year(); !at.IsZero() && (y < 2000 || y > 2200) {
			return fmt.Errorf("desk: %s lies in the year %d, outside 2000 to 2200", name, y)
		}
	}
	for name, n := range b.Scores {
		if !contains(scores, name) {
			return fmt.Errorf("desk: %q is not scored; scored are %v", clip(name), scores)
		}
		if n < 1 || n > 5 {
			return fmt.Errorf("desk: score %s is %d, it goes from 1 to 5", name, n)
		}
	}
	return b.needs(move)
}

// needs checks the members that a move cannot do without.
func (b *Body) needs(move string) error {
	switch {
	case move == Send && (b.Type == "" || b.Urgency == ""):
		return errors.New("desk: send needs type and urgency")
	case (move == Refuse || move == Postpone || move == Risk) && b.Code == "":
		return fmt.Errorf("desk: %s needs a code", move)
	case (move == Postpone || move == Hold) && b.Until.IsZero():
		return fmt.Errorf("desk: %s needs until", move)
	case move == Transfer && b.Agency == "":
		return errors.New("desk: transfer needs the agency it goes to")
	case move == Translate && (b.Of == nil || b.Lang == "" || len(b.Lang) > maxLang || !contains(Translations(), b.Kind)):
		return fmt.Errorf("desk: translate needs of, lang (at most %d characters) and kind, one of %v", maxLang, Translations())
	case move == Assess && len(b.Scores) == 0:
		return errors.New("desk: assess needs at least one score")
	}
	return nil
}

func token(s string) bool {
	if s == "" || len(s) > MaxToken {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_' && c != '+' {
			return false
		}
	}
	return true
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func clip(s string) string {
	if len(s) <= 80 {
		return s
	}
	return s[:80]
}
