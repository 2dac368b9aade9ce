package desk

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"entente/journal"
)

// The moves of a leak. An entry's kind is "leak." and the move.
const (
	LeakReport   = "report"   // something of the unit was found in public
	LeakAnswer   = "answer"   // what a member says to it
	LeakWithdraw = "withdraw" // it was none, says who reported it
)

// What a member answers to the report of a leak.
const (
	LeakOwn     = "own"     // it was us
	LeakDeny    = "deny"    // it was not us
	LeakUnknown = "unknown" // we do not know
)

var leakAnswers = []string{LeakOwn, LeakDeny, LeakUnknown}

// LeakAnswers returns what a member may answer.
func LeakAnswers() []string { return slices.Clone(leakAnswers) }

// LeakBody is what a move of a leak says in its entry. Where it was found, and by whom it was noticed, lies in the payload.
type LeakBody struct {
	Leak   *journal.Ref `json:"leak,omitempty"` // the entry that reported it; absent in report
	TLP    string       `json:"tlp,omitempty"`
	About  *journal.Ref `json:"about,omitempty"` // report: the entry of content that was found
	Found  time.Time    `json:"found,omitzero"`  // report: when
	Answer string       `json:"answer,omitempty"`
	Code   string       `json:"code,omitempty"`
}

// LeakMove is one move of a leak; see ParseLeak.
type LeakMove = Act[LeakBody]

// ParseLeak reads the body of a move of a leak. The error says what is wrong; the caller refuses with CodeBadBody.
func ParseLeak(move string, raw jsontext.Value) (LeakBody, error) {
	return parseJoint("leak", move, raw, func(b *LeakBody) error { return b.check(move) })
}

// Names returns the entries outside the leak that a move names.
func (b LeakBody) Names() []journal.Ref {
	if b.About == nil {
		return nil
	}
	return []journal.Ref{*b.About}
}

func (b *LeakBody) check(move string) error {
	if (b.Leak == nil) != (move == LeakReport) {
		return errors.New("desk: every move but report names its leak, and report names none")
	}
	err := errors.Join(checkRefs(b.Leak, b.About), checkTokens(b.TLP, b.Code), checkYear("found", b.Found), oneOf("answer", b.Answer, leakAnswers))
	switch {
	case err != nil:
		return err
	case move == LeakReport && (b.About == nil || b.Found.IsZero()):
		return errors.New("desk: report names the entry that was found in public, and says when")
	case move == LeakAnswer && b.Answer == "":
		return fmt.Errorf("desk: answer is one of %v", leakAnswers)
	}
	return nil
}

// Leak is something of the unit that somebody found in public.
type Leak struct {
	ID        journal.Ref     `json:"id"` // the entry that reported it
	Reporter  journal.PartyID `json:"reporter"`
	Reported  time.Time       `json:"reported"`
	About     journal.Ref     `json:"about"`
	Kind      string          `json:"kind"`    // of what was found
	Author    journal.PartyID `json:"author"`  // of what was found
	Written   time.Time       `json:"written"` // when its author says it wrote it
	Found     time.Time       `json:"found"`   // as the reporter says
	TLP       string          `json:"tlp,omitempty"`
	Answers   []LeakWord      `json:"answers"` // by party; the latest of each
	Withdrawn *Mark           `json:"withdrawn,omitempty"`
	Minutes

	// Holders is an overlay: who could have it, by what is known here. It accuses nobody: whoever had it may have been robbed.
	Holders []LeakHolder `json:"holders"`
	// Unanswered is an overlay: the other members that have not said anything.
	Unanswered []journal.PartyID `json:"unanswered"`
}

// LeakWord is what a member answered.
type LeakWord struct {
	Mark
	Answer string `json:"answer"`
}

// LeakHolder is a member that had what was found.
type LeakHolder struct {
	Party  journal.PartyID `json:"party"`
	Author bool            `json:"author,omitzero"`
	Since  time.Time       `json:"since"` // when it wrote it, or its receipt, as it says itself
	// After says that it had it only after it was found.
	After bool `json:"after,omitzero"`
}

// NewLeak reports a leak. It fails with a *MoveError.
func NewLeak(a LeakMove) (*Leak, error) {
	b := a.Body
	switch {
	case a.Name != LeakReport || b.Leak != nil:
		return nil, &MoveError{CodeUnknownThread, a.Ref, "a leak is opened by report, which names none"}
	case a.unknown(*b.About) != nil:
		return nil, &MoveError{CodeUnknownRef, a.Ref, "its author had seen no entry of content of that name"}
	case b.Found.After(a.At):
		return nil, &MoveError{CodeBadDate, a.Ref, "it says to have been found after it was reported"}
	}
	k := a.Known[*b.About]
	return &Leak{ID: a.Ref, Reporter: a.Party, Reported: a.At, About: *b.About, Kind: k.Kind, Author: k.Party, Written: k.At, Found: b.Found.UTC(), TLP: b.TLP,
		Answers: []LeakWord{}, Holders: []LeakHolder{}, Unanswered: []journal.PartyID{}, Minutes: begin(said(a, b.TLP, b.Code))}, nil
}

// Judge returns why a move changes nothing, a code and a reason, or "". It changes nothing itself.
func (l *Leak) Judge(a LeakMove) (code, why string) {
	if code, why = l.full(a.Party); code != "" {
		return code, why
	}
	switch a.Name {
	case LeakReport:
		return CodeDuplicate, "the leak was reported already"
	case LeakAnswer:
		if i := slices.IndexFunc(l.Answers, func(w LeakWord) bool { return w.Party == a.Party }); i >= 0 && l.Answers[i].Answer == a.Body.Answer && a.Payload == nil {
			return CodeDuplicate, "this party has answered so already"
		}
	case LeakWithdraw:
		switch {
		case a.Party != l.Reporter:
			return CodeNotYours, "only who reported it takes it back"
		case l.Withdrawn != nil:
			return CodeDuplicate, "it was taken back already"
		}
	default:
		return CodeUnknownMove, fmt.Sprintf("a leak has no move %q", clip(a.Name))
	}
	return "", ""
}

// Apply makes one move. One that does not count changes nothing, is kept in Illegal and returned as a *MoveError.
func (l *Leak) Apply(a LeakMove) error {
	if err := l.again(a.Ref); err != nil {
		return err
	}
	if code, why := l.Judge(a); code != "" {
		return l.Reject(a, code, why)
	}
	m := mark(a)
	switch a.Name {
	case LeakAnswer:
		put(&l.Answers, LeakWord{m, a.Body.Answer}, func(w LeakWord) journal.PartyID { return w.Party })
	case LeakWithdraw:
		l.Withdrawn = &m
	}
	l.add(said(a, a.Body.TLP, a.Body.Code))
	return nil
}

// Reject records a move that something else refused and returns the *MoveError.
func (l *Leak) Reject(a LeakMove, code, why string) error {
	return l.reject(said(a, a.Body.TLP, a.Body.Code), code, why)
}

// Overlay returns a copy of the leak with who had what was found. received returns when a party first gave a receipt that
// covers an entry and its payload, zero if it never did.
func (l *Leak) Overlay(members []journal.PartyID, received func(journal.PartyID, journal.Ref) time.Time) Leak {
	out := *l
	out.Minutes, out.Answers = l.clone(), slices.Clone(l.Answers)
	out.Holders = []LeakHolder{{Party: l.Author, Author: true, Since: l.Written, After: l.Written.After(l.Found)}}
	out.Unanswered = []journal.PartyID{}
	for _, p := range members {
		if at := received(p, l.About); p != l.Author && !at.IsZero() {
			out.Holders = append(out.Holders, LeakHolder{Party: p, Since: at, After: at.After(l.Found)})
		}
		if p != l.Reporter && l.Withdrawn == nil && !slices.ContainsFunc(l.Answers, func(w LeakWord) bool { return w.Party == p }) {
			out.Unanswered = append(out.Unanswered, p)
		}
	}
	slices.SortFunc(out.Holders, func(a, b LeakHolder) int { return cmp.Compare(a.Party, b.Party) })
	return out
}
