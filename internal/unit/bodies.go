package unit

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"entente/internal/accord"
	"entente/journal"
)

// Kinds of entries whose bodies this package defines. Those of threads are a family's prefix and a
// move of package desk.
const (
	KindAdmit    = "unit.admit"
	KindPropose  = "accord.propose"
	KindCounter  = "accord.counter"
	KindAmend    = "accord.amend"
	KindReserve  = "accord.reserve"
	KindAccept   = "accord.accept"
	KindSign     = "accord.sign"
	KindSuspend  = "accord.suspend"
	KindResume   = "accord.resume"
	KindNotice   = "accord.notice"
	KindWithdraw = "accord.withdraw"
	KindShare    = "share"
)

// Bounds on bodies.
const (
	maxScope   = 64      // scopes of a suspension, clauses of a reservation
	maxToken   = 128     // characters of a clause id, a kind, a code
	maxTypes   = 256     // object types of one entry
	maxNames   = 64      // incident kinds, sectors, fields
	maxObjects = 1 << 31 // objects of one entry
	maxNote    = 64 << 10
)

// AdmitBody introduces a candidate after pairing.
type AdmitBody struct {
	Identities []journal.Signed `json:"identities"` // the candidate's chain, from version 1
	Origin     journal.Origin   `json:"origin"`     // of its journal of epoch 0

	party journal.PartyID
	name  string
}

// ProposeBody proposes an accord text: accord.propose, accord.counter and accord.amend. The text is
// the entry's payload of type "accord".
type ProposeBody struct {
	Hash       string `json:"hash"`       // 64 hex digits, see accord.HashOf
	Version    int    `json:"version"`    // as in the text
	Supersedes string `json:"supersedes"` // as in the text
	Counters   string `json:"counters,omitempty"`
}

// HashBody names an accord text: accord.accept and accord.sign.
type HashBody struct {
	Hash string `json:"hash"`
}

// ReserveBody puts clauses of a proposal under reservation. A text may be the payload.
type ReserveBody struct {
	Hash    string   `json:"hash"`
	Clauses []string `json:"clauses"`
}

// SuspendBody suspends the accord or part of it at once.
type SuspendBody struct {
	Scope []string `json:"scope"` // "all", kinds ("share", "request.*") and clause ids
	Code  string   `json:"code"`
}

// ResumeBody lifts one's own suspension.
type ResumeBody struct {
	Suspension journal.Ref `json:"suspension"`
}

// NoticeBody announces a withdrawal. The notice period of the accord in force bounds it from below.
type NoticeBody struct {
	Effective time.Time `json:"effective"`
}

// ContentBody is what the body of a content entry says about its payload. No content lies in it.
type ContentBody struct {
	Objects         int64            `json:"objects,omitempty"`
	Types           map[string]int64 `json:"types,omitempty"`
	TLP             string           `json:"tlp,omitempty"`
	Unmarked        string           `json:"unmarked,omitempty"`
	UnmarkedObjects int64            `json:"unmarked_objects,omitempty"`
	PAP             string           `json:"pap,omitempty"`
	Bytes           int64            `json:"bytes,omitempty"` // of the payload before compression
	Incidents       []string         `json:"incidents,omitempty"`
	Sectors         []string         `json:"sectors,omitempty"`
	Tier            string           `json:"tier,omitempty"`
	Elements        int64            `json:"elements,omitempty"`
	Oldest          time.Time        `json:"oldest,omitzero"`
	// Requests only; see desk.Body.
	Type    string   `json:"type,omitempty"`
	Urgency string   `json:"urgency,omitempty"`
	Fields  []string `json:"fields,omitempty"`
	Code    string   `json:"code,omitempty"`

	thread *journal.Ref // what it adds to; nil for an entry that opens something
	desk   any          // what its family reads in the body, see family.parse
	err    error        // why the family cannot read it
}

// parseBody reads the body of a kind that changes state. Other kinds give nil.
func parseBody(unit journal.UnitID, e *journal.Entry) (any, error) {
	switch e.Kind {
	case journal.KindGenesis:
		b, err := e.Genesis()
		return &b, err
	case journal.KindReceipt:
		b, err := e.Receipt()
		return &b, err
	case journal.KindDestroyed:
		b, err := journal.DecodeBody[journal.DestroyedBody](e, e.Kind)
		return &b, err
	case KindAdmit:
		return decode(e.Body, func(b *AdmitBody) error { return b.check(unit) })
	case KindPropose, KindCounter, KindAmend:
		return decode(e.Body, func(b *ProposeBody) error { return b.check(e.Kind) })
	case KindAccept, KindSign:
		return decode(e.Body, func(b *HashBody) error { return checkHash(b.Hash) })
	case KindReserve:
		return decode(e.Body, func(b *ReserveBody) error {
			return errors.Join(checkHash(b.Hash), checkNames("clauses", b.Clauses, 1, maxScope))
		})
	case KindSuspend:
		return decode(e.Body, func(b *SuspendBody) error {
			return errors.Join(checkNames("scope", b.Scope, 1, maxScope), checkName("code", b.Code, true))
		})
	case KindResume:
		return decode(e.Body, func(b *ResumeBody) error { return b.Suspension.Origin.Check() })
	case KindNotice:
		return decode(e.Body, func(b *NoticeBody) error { return checkDate("effective", b.Effective) })
	case KindWithdraw:
		return decode(e.Body, func(*struct{}) error { return nil })
	}
	if accord.IsContent(e.Kind) {
		return parseContent(e.Kind, e.Body)
	}
	return nil, nil
}

func decode[T any](raw jsontext.Value, check func(*T) error) (any, error) {
	b := new(T)
	if len(raw) == 0 {
		raw = jsontext.Value("{}")
	}
	if err := json.Unmarshal(raw, b); err != nil {
		return b, fmt.Errorf("unit: body: %w", err)
	}
	return b, check(b)
}

// parseContent reads the body of an entry that goes through the gate.
func parseContent(kind string, raw jsontext.Value) (any, error) {
	v, err := decode(raw, (*ContentBody).check)
	b := v.(*ContentBody)
	if fam := familyOf(kind); fam != nil {
		b.desk, b.thread, b.err = fam.parse(moveOf(kind), raw)
	}
	return b, err
}

func (b *AdmitBody) check(unit journal.UnitID) error {
	if len(b.Identities) == 0 || len(b.Identities) > journal.MaxChain {
		return fmt.Errorf("unit: an admission needs 1 to %d identity versions", journal.MaxChain)
	}
	b.party = journal.PartyOf(b.Identities[0].Text)
	if want := journal.OriginOf(unit, b.party, 0); b.Origin != want {
		return fmt.Errorf("unit: the origin of the admitted party has to be %s", want)
	}
	id, err := journal.ParseIdentity(b.Identities[len(b.Identities)-1])
	if err != nil {
		return err
	}
	b.name = id.Name
	return nil
}

func (b *ProposeBody) check(kind string) error {
	if err := checkHash(b.Hash); err != nil {
		return err
	}
	if b.Version < 1 || b.Version > 1<<20 {
		return fmt.Errorf("unit: version %d is out of range", b.Version)
	}
	if b.Supersedes != "" {
		if err := checkHash(b.Supersedes); err != nil {
			return err
		}
	}
	if (kind == KindCounter) != (b.Counters != "") {
		return errors.New("unit: a counter-proposal, and only that, names in \"counters\" what it counters")
	}
	if b.Counters != "" {
		return checkHash(b.Counters)
	}
	return nil
}

func (b *ContentBody) check() error {
	if b.Objects < 0 || b.Objects >= maxObjects || b.UnmarkedObjects < 0 || b.UnmarkedObjects >= maxObjects || b.Bytes < 0 || b.Elements < 0 {
		return errors.New("unit: a count is negative or too large")
	}
	if len(b.Types) > maxTypes {
		return fmt.Errorf("unit: %d object types, at most %d", len(b.Types), maxTypes)
	}
	for t, n := range b.Types {
		if err := checkName("object type", t, false); err != nil {
			return err
		}
		if n < 0 || n >= maxObjects {
			return fmt.Errorf("unit: the count of %s is out of range", clip(t))
		}
	}
	for _, s := range []string{b.TLP, b.Unmarked, b.PAP, b.Tier, b.Type, b.Urgency, b.Code} {
		if err := checkName("a label", s, true); err != nil {
			return err
		}
	}
	if !b.Oldest.IsZero() {
		if err := checkDate("oldest", b.Oldest); err != nil {
			return err
		}
	}
	return errors.Join(checkNames("incidents", b.Incidents, 0, maxNames), checkNames("sectors", b.Sectors, 0, maxNames), checkNames("fields", b.Fields, 0, maxNames))
}

func checkHash(s string) error {
	if len(s) != 64 || strings.ToLower(s) != s {
		return errors.New("unit: an accord's hash is 64 lower-case hex digits")
	}
	if _, err := hex.DecodeString(s); err != nil {
		return errors.New("unit: an accord's hash is 64 lower-case hex digits")
	}
	return nil
}

func checkNames(what string, list []string, least, most int) error {
	if len(list) < least || len(list) > most {
		return fmt.Errorf("unit: %s has %d members, allowed are %d to %d", what, len(list), least, most)
	}
	for _, s := range list {
		if err := checkName(what, s, false); err != nil {
			return err
		}
	}
	return nil
}

func checkName(what, s string, optional bool) error {
	if s == "" && optional {
		return nil
	}
	if s == "" || len(s) > 4*maxToken || utf8.RuneCountInString(s) > maxToken {
		return fmt.Errorf("unit: %s: %q is empty or longer than %d characters", what, clip(s), maxToken)
	}
	for _, r := range s {
		if r < 0x20 || r == 0x7f {
			return fmt.Errorf("unit: %s holds a control character", what)
		}
	}
	return nil
}

func checkDate(what string, t time.Time) error {
	if y := t.UTC().Year(); y < 2000 || y > 2200 {
		return fmt.Errorf("unit: %s lies outside the years 2000 to 2200", what)
	}
	return nil
}

func clip(s string) string {
	if len(s) <= 80 {
		return s
	}
	return s[:80]
}
