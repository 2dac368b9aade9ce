package desk

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"entente/internal/accord"
	"entente/journal"
)

// The moves of a statement. An entry's kind is "statement." and the move.
const (
	StatementPropose = "propose" // the text, in all its languages
	StatementSign    = "sign"    // a spokesperson signs this very text
	StatementDecline = "decline" // a party does not sign, with a code; its latest word counts
	StatementRetract = "retract" // before it counts by who proposed it; afterwards only by all
)

// States of a statement.
const (
	StatementProposed  = "proposed"
	StatementDeclined  = "declined" // somebody's latest word is that it does not sign
	StatementComplete  = "complete" // it counts: everybody who has to has signed
	StatementRetracted = "retracted"
)

// Forms of a statement.
const (
	JointStatement = "joint" // of all members
	OwnStatement   = "own"   // of one, which the others know of before
)

// MaxLanguages is how many languages a statement may have.
const MaxLanguages = 32

// StatementText is one language of a statement: the text itself lies in the payload.
type StatementText struct {
	Lang   string `json:"lang"`   // BCP 47, in lower case: "en", "zh-hans"
	SHA256 string `json:"sha256"` // of the exact UTF-8 bytes of the text in this language, 64 lower-case hex digits
	// Authentic texts bind; the others are courtesy translations.
	Authentic bool `json:"authentic,omitzero"`
}

// StatementBody is what a move of a statement says in its entry.
type StatementBody struct {
	Statement *journal.Ref `json:"statement,omitempty"` // the entry that proposed it; absent in propose
	TLP       string       `json:"tlp,omitempty"`
	Form      string       `json:"form,omitempty"` // propose: joint if it is not said
	// SHA256 is, in propose and sign, of the exact bytes of the payload before compression: of all texts together.
	SHA256 string `json:"sha256,omitempty"`
	// Texts are in propose, sorted by language; a text that is published is held against its hash.
	Texts    []StatementText `json:"texts,omitempty"`
	Embargo  time.Time       `json:"embargo,omitzero"`   // propose: nothing is published before
	Version  int             `json:"version,omitzero"`   // propose: 1 if it is not said
	Replaces *journal.Ref    `json:"replaces,omitempty"` // propose: the version before
	Code     string          `json:"code,omitempty"`     // decline, retract
}

// StatementMove is one move of a statement; see ParseStatement.
type StatementMove = Act[StatementBody]

// ParseStatement reads the body of a move of a statement. The error says what is wrong; the caller refuses with CodeBadBody.
func ParseStatement(move string, raw jsontext.Value) (StatementBody, error) {
	return parseJoint("statement", move, raw, func(b *StatementBody) error { return b.check(move) })
}

// Names returns the entries outside the statement that a move names.
func (b StatementBody) Names() []journal.Ref {
	if b.Replaces == nil {
		return nil
	}
	return []journal.Ref{*b.Replaces}
}

func (b *StatementBody) check(move string) error {
	if (b.Statement == nil) != (move == StatementPropose) {
		return errors.New("desk: every move but propose names its statement, and propose names none")
	}
	err := errors.Join(checkRefs(b.Statement, b.Replaces), checkTokens(b.TLP, b.Code), checkYear("embargo", b.Embargo), oneOf("form", b.Form, []string{JointStatement, OwnStatement}))
	switch {
	case err != nil:
		return err
	case (move == StatementPropose || move == StatementSign) && !digest(b.SHA256):
		return errors.New("desk: sha256 is that of the texts' payload, 64 lower-case hex digits")
	case move == StatementDecline && b.Code == "":
		return errors.New("desk: decline needs a code")
	case move != StatementPropose:
		return nil
	case b.Version < 0 || b.Version > 1<<20:
		return fmt.Errorf("desk: version %d is out of range", b.Version)
	case len(b.Texts) == 0 || len(b.Texts) > MaxLanguages:
		return fmt.Errorf("desk: a statement has 1 to %d languages, not %d", MaxLanguages, len(b.Texts))
	}
	authentic := false
	for i, t := range b.Texts {
		switch {
		case !token(t.Lang) || !digest(t.SHA256):
			return fmt.Errorf("desk: text %d needs its language and the SHA-256 of its bytes", i)
		case i > 0 && t.Lang <= b.Texts[i-1].Lang:
			return errors.New("desk: the texts stand sorted by language, each once")
		}
		authentic = authentic || t.Authentic
	}
	if !authentic {
		return errors.New("desk: at least one text has to be authentic")
	}
	return nil
}

func digest(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil && len(s) == 64 && strings.ToLower(s) == s
}

// Statement is what is to be said in public.
type Statement struct {
	ID       journal.Ref       `json:"id"` // the entry that proposed it
	Proposer journal.PartyID   `json:"proposer"`
	Proposed time.Time         `json:"proposed"`
	Form     string            `json:"form"`
	State    string            `json:"state"`
	Version  int               `json:"version"`
	Replaces *journal.Ref      `json:"replaces,omitempty"`
	TLP      string            `json:"tlp,omitempty"`
	SHA256   string            `json:"sha256"`
	Texts    []StatementText   `json:"texts"`
	Embargo  time.Time         `json:"embargo"` // nothing is published before
	Signers  []journal.PartyID `json:"signers"` // who has to sign: the members as the proposer knew them, or the proposer alone
	// Signed, Declined and Retracted are by party. A party is in one of the first two at most: its latest word counts.
	Signed    []Mark            `json:"signed"`
	Declined  []Declined        `json:"declined"`
	Retracted []Mark            `json:"retracted"`
	Missing   []journal.PartyID `json:"missing"`            // who has to sign and has not
	Completed time.Time         `json:"completed,omitzero"` // when the last of them signed, as it says
	Minutes

	Embargoed bool `json:"embargoed,omitzero"` // overlay: it must not be published yet

	spokespeople []string
}

// Declined is a member that does not sign.
type Declined struct {
	Mark
	Code string `json:"code"`
}

// NewStatement proposes a statement, under what the accord in force in the entry's past says of publicity (nil: nothing is held
// of it here). It fails with a *MoveError.
func NewStatement(a StatementMove, p *accord.Publicity) (*Statement, error) {
	b := a.Body
	form := cmp.Or(b.Form, JointStatement)
	s := &Statement{ID: a.Ref, Proposer: a.Party, Proposed: a.At, Form: form, State: StatementProposed, Version: max(1, b.Version), Replaces: b.Replaces, TLP: b.TLP,
		SHA256: b.SHA256, Texts: slices.Clone(b.Texts), Embargo: b.Embargo.UTC(), Signers: []journal.PartyID{a.Party},
		Signed: []Mark{}, Declined: []Declined{}, Retracted: []Mark{}, Minutes: begin(said(a, b.TLP, b.Code))}
	fail := func(code, format string, args ...any) (*Statement, error) {
		return nil, &MoveError{code, a.Ref, fmt.Sprintf(format, args...)}
	}
	switch {
	case a.Name != StatementPropose || b.Statement != nil:
		return fail(CodeUnknownThread, "a statement is opened by propose, which names none")
	case p == nil:
		return fail(CodeNoStatements, "the accord that says who may speak is not held here")
	case p.Statements == "none":
		return fail(CodeNoStatements, "the accord lets nobody speak in public (clause %s)", p.ID)
	case form == OwnStatement && p.Statements != "own":
		return fail(CodeNoStatements, "the accord knows joint statements only, countersigned by all (clause %s)", p.ID)
	case b.Replaces != nil && a.Known[*b.Replaces].Kind != "statement."+StatementPropose:
		return fail(CodeUnknownRef, "its author had seen no statement that it could replace")
	}
	earliest := a.At
	if span, err := p.Embargo.Span(); err == nil {
		earliest = span.After(a.At)
	}
	switch {
	case s.Embargo.IsZero():
		s.Embargo = earliest.UTC()
	case form == OwnStatement && s.Embargo.Before(earliest):
		return fail(CodeEmbargo, "a party that speaks alone waits until %s (clause %s)", earliest.UTC().Format(time.RFC3339), p.ID)
	}
	if form == JointStatement {
		s.Signers = slices.Clone(a.Members)
	}
	s.spokespeople, s.Missing = p.Spokespeople, slices.Clone(s.Signers)
	return s, nil
}

// Speaks says whether an office is among those that an accord lets speak: none are named, or one of them is the role, the agency
// and the role with a colon between them, or a mailbox that is called like the role. Of a mailbox the domain is compared with nothing: who
// signs is the party with its key, for an office that the gate found in the accord.
func Speaks(spokespeople []string, by journal.By) bool {
	return len(spokespeople) == 0 || slices.ContainsFunc(spokespeople, func(s string) bool {
		box, _, mail := strings.Cut(s, "@")
		return s == by.Role || s == by.Agency+":"+by.Role || mail && box == by.Role
	})
}

// Judge returns why a move changes nothing, a code and a reason, or "". It changes nothing itself.
func (s *Statement) Judge(a StatementMove) (code, why string) {
	if code, why = s.full(a.Party); code != "" {
		return code, why
	}
	if !slices.Contains([]string{StatementPropose, StatementSign, StatementDecline, StatementRetract}, a.Name) {
		return CodeUnknownMove, fmt.Sprintf("a statement has no move %q", clip(a.Name))
	}
	by := func(m Mark) bool { return m.Party == a.Party }
	switch {
	case a.Name == StatementPropose:
		return CodeDuplicate, "the statement was proposed already"
	case s.State == StatementRetracted:
		return CodeWrongState, "the statement was retracted"
	case !slices.Contains(s.Signers, a.Party):
		return CodeWrongSide, "the author is not among those who have to sign it"
	case a.Name == StatementRetract && s.State != StatementComplete && a.Party != s.Proposer:
		return CodeNotYours, "before everybody has signed only who proposed it retracts it; others decline"
	case a.Name == StatementRetract && slices.ContainsFunc(s.Retracted, by):
		return CodeDuplicate, "this party has said so already"
	case a.Name == StatementRetract:
		return "", ""
	case s.State == StatementComplete:
		return CodeWrongState, fmt.Sprintf("everybody has signed; possible is %s, by all", StatementRetract)
	case a.Name == StatementDecline:
		return "", ""
	case slices.ContainsFunc(s.Signed, by):
		return CodeDuplicate, "this party has signed already"
	case a.Held: // a second person's release is missing, or the unit was suspended
		return CodeRefused, "the gate holds it: a signature that is held does not count"
	case a.Body.SHA256 != s.SHA256:
		return CodeMismatch, "what is signed is another text than the one that was proposed"
	case !Speaks(s.spokespeople, a.By):
		return CodeNotSpokes, fmt.Sprintf("the role %s of %s does not speak under the accord; those who do are %s", clip(a.By.Role), clip(a.By.Agency), strings.Join(s.spokespeople, ", "))
	}
	return "", ""
}

// Apply makes one move. One that does not count changes nothing, is kept in Illegal and returned as a *MoveError.
func (s *Statement) Apply(a StatementMove) error {
	if err := s.again(a.Ref); err != nil {
		return err
	}
	if code, why := s.Judge(a); code != "" {
		return s.Reject(a, code, why)
	}
	m := mark(a)
	party := func(m Mark) journal.PartyID { return m.Party }
	switch a.Name {
	case StatementSign:
		put(&s.Signed, m, party)
		s.Declined = slices.DeleteFunc(s.Declined, func(d Declined) bool { return d.Party == a.Party })
	case StatementDecline:
		put(&s.Declined, Declined{m, a.Body.Code}, func(d Declined) journal.PartyID { return d.Party })
		s.Signed = slices.DeleteFunc(s.Signed, func(x Mark) bool { return x.Party == a.Party })
	case StatementRetract:
		put(&s.Retracted, m, party)
	}
	s.stand(a)
	s.add(said(a, a.Body.TLP, a.Body.Code))
	return nil
}

// stand sets the state by what everybody's latest word is.
func (s *Statement) stand(a StatementMove) {
	s.Missing = slices.DeleteFunc(slices.Clone(s.Signers), func(p journal.PartyID) bool {
		return slices.ContainsFunc(s.Signed, func(m Mark) bool { return m.Party == p })
	})
	switch {
	case s.State == StatementComplete && len(s.Retracted) == len(s.Signers), s.State != StatementComplete && len(s.Retracted) > 0:
		s.State = StatementRetracted
	case s.State == StatementComplete:
	case len(s.Missing) == 0:
		s.State, s.Completed = StatementComplete, a.At
	case len(s.Declined) > 0:
		s.State = StatementDeclined
	default:
		s.State = StatementProposed
	}
}

// Reject records a move that something else refused and returns the *MoveError.
func (s *Statement) Reject(a StatementMove, code, why string) error {
	return s.reject(said(a, a.Body.TLP, a.Body.Code), code, why)
}

// Counts says whether a statement counts: everybody who has to has signed it, and it was not retracted.
func (s *Statement) Counts() bool { return s.State == StatementComplete }

// Overlay returns a copy of the statement with its overlays for one instant.
func (s *Statement) Overlay(now time.Time) Statement {
	out := *s
	out.Minutes = s.clone()
	out.Texts, out.Signers, out.Missing = slices.Clone(s.Texts), slices.Clone(s.Signers), append([]journal.PartyID{}, s.Missing...)
	out.Signed, out.Declined, out.Retracted = slices.Clone(s.Signed), slices.Clone(s.Declined), slices.Clone(s.Retracted)
	out.Embargoed = now.Before(s.Embargo)
	return out
}
