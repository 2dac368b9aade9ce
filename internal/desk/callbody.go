package desk

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"entente/journal"
)

// The moves of the hotline. An entry's kind is "hotline." and the move; acknowledge and close are
// those of requests.
const (
	Ring     = "call"     // opens a call
	Escalate = "escalate" // the calling side climbs a step of the accord's ladder
	Say      = "say"      // words, by either side
	Announce = "announce" // a drill to come; opens an announcement
)

// Bounds on the hotline and on contacts.
const (
	MaxOpenCalls = 64       // calls that one journal has open, drills counted apart; announcements to come; pings in a day
	MaxWords     = 64 << 10 // bytes of the payload of one entry, compressed
	MaxRefused   = 100      // moves of one party in one call that changed nothing, before escalate is not looked at any more
	maxClauseID  = 128      // characters of a contact's clause id
	maxLanguage  = 35       // characters of a language tag
	sinceYear    = 2000     // dates before are no dates of a drill
	untilYear    = 2200     // nor are those after
)

// CallBody is what a move of the hotline says in its entry. Words lie in the payload.
type CallBody struct {
	Call      *journal.Ref    `json:"call,omitempty"`      // the entry that opened the call; absent in call and announce
	To        journal.PartyID `json:"to,omitempty"`        // call, announce: who is called; may be absent in a unit of two
	Urgency   string          `json:"urgency,omitempty"`   // call
	Subject   string          `json:"subject,omitempty"`   // call: a short token
	Request   *journal.Ref    `json:"request,omitempty"`   // call: the request that it is about
	Follows   *journal.Ref    `json:"follows,omitempty"`   // call: an earlier one
	Announced *journal.Ref    `json:"announced,omitempty"` // call of a drill: its announcement
	Contact   string          `json:"contact,omitempty"`   // call: clause id of the contact that is called; absent: the duty desk
	Language  string          `json:"language,omitempty"`  // call: in which it is wished for
	Drill     bool            `json:"drill,omitempty"`     // in every entry of a drill
	Rung      int             `json:"rung,omitempty"`      // escalate: which step of the ladder, from 1
	Code      string          `json:"code,omitempty"`      // close: why, a short token
	From      time.Time       `json:"from,omitzero"`       // announce: the drill begins in [From, Until)
	Until     time.Time       `json:"until,omitzero"`      // announce
	TLP       string          `json:"tlp,omitempty"`       // marking of the payload

	past Past
}

// ParseCallBody reads the body of a move of the hotline and checks every bound and what the move
// needs. Members it does not know are ignored. The error says what is wrong; the caller refuses
// with CodeBadBody.
func ParseCallBody(move string, raw jsontext.Value) (CallBody, error) {
	var b CallBody
	if err := parse(move, raw, &b); err != nil {
		return CallBody{}, err
	}
	return b, b.check(move)
}

func parse(move string, raw jsontext.Value, into any) error {
	if len(raw) == 0 {
		raw = jsontext.Value("{}")
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("desk: body of %s: %w", clip(move), err)
	}
	return nil
}

func (b *CallBody) check(move string) error {
	opens := move == Ring || move == Announce
	switch {
	case (b.Call == nil) != opens:
		return errors.New("desk: every move but call and announce names its call, and these name none")
	case move == Ring && b.Urgency == "":
		return errors.New("desk: a call needs an urgency")
	case move == Escalate && b.Rung < 1:
		return errors.New("desk: escalate needs the step of the ladder that it climbs to, from 1")
	case move == Announce && (!dated(b.From) || !dated(b.Until) || !b.From.Before(b.Until)):
		return fmt.Errorf("desk: announce needs from and until, in this order, in the years %d to %d", sinceYear, untilYear)
	case move == Announce && !b.Drill:
		return errors.New("desk: what is announced is a drill, and says so")
	}
	if err := tokens(b.Urgency, b.Subject, b.Code, b.TLP); err != nil {
		return err
	}
	if b.To != "" {
		if err := b.To.Check(); err != nil {
			return err
		}
	}
	return errors.Join(clause(b.Contact), language(b.Language))
}

func dated(t time.Time) bool { return t.Year() >= sinceYear && t.Year() <= untilYear }

func tokens(list ...string) error {
	for _, s := range list {
		if s != "" && !token(s) {
			return fmt.Errorf("desk: %q is not a short token (1 to %d of a-z 0-9 . _ + -)", clip(s), MaxToken)
		}
	}
	return nil
}

// clause checks the shape of what may be the id of a clause.
func clause(id string) error {
	if utf8.RuneCountInString(id) > maxClauseID || !utf8.ValidString(id) || strings.ContainsFunc(id, unicode.IsControl) {
		return fmt.Errorf("desk: the id of a clause has at most %d characters, and none that controls", maxClauseID)
	}
	return nil
}

// language checks the shape of a language tag (BCP 47), not whether there is such a language.
func language(tag string) error {
	for i := range len(tag) {
		c := tag[i] | 0x20
		if tag[i] != '-' && (c < 'a' || c > 'z') && (tag[i] < '0' || tag[i] > '9') {
			return fmt.Errorf("desk: %q is not a language tag", clip(tag))
		}
	}
	if len(tag) > maxLanguage {
		return fmt.Errorf("desk: a language tag has at most %d characters", maxLanguage)
	}
	return nil
}

// words says why a payload may not go with a move of these families, "" if it may.
func words(p *journal.PayloadRef) (code, why string) {
	switch {
	case p == nil:
	case p.Type != journal.PayloadText:
		return CodeBadBody, "only words go with it: a payload of type text"
	case p.Size > MaxWords:
		return CodeTooLarge, fmt.Sprintf("%d bytes of words, at most %d", p.Size, MaxWords)
	}
	return "", ""
}
