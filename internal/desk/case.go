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

// The moves of a case. An entry's kind is "case." and the move.
const (
	CaseOpen     = "open"
	CaseLink     = "link"     // ties something in
	CaseUnlink   = "unlink"   // takes one's own tie back
	CaseEvent    = "event"    // something that happened
	CaseClaim    = "claim"    // a fact, an assessment, an attribution or a denial
	CaseReply    = "reply"    // of the party that a claim concerns
	CaseWithdraw = "withdraw" // takes one's own claim, event or outcome back; it stays visible
	CaseOutcome  = "outcome"  // what came of it, as one party says
	CaseClose    = "close"    // closed once every member present has said so
	CaseReopen   = "reopen"   // open again, or an objection to its being closed; by anyone
)

// States of a case.
const (
	CaseIsOpen   = "open"
	CaseIsClosed = "closed"
)

// Classes of claims. They are never mixed: what somebody saw is not what it thinks of it.
const (
	Fact        = "fact"
	Assessment  = "assessment"
	Attribution = "attribution"
	Denial      = "denial"
)

var (
	claimClasses = []string{Fact, Assessment, Attribution, Denial}
	confidences  = []string{"low", "moderate", "high"}
	precisions   = []string{"second", "minute", "hour", "day", "month", "year"}
	outcomes     = []string{"mitigated", "victim-notified", "arrest", "charge", "designation", "no-use"}
)

// ClaimClasses returns the classes of claims.
func ClaimClasses() []string { return slices.Clone(claimClasses) }

// Confidences returns how sure somebody may be of a claim, lowest first.
func Confidences() []string { return slices.Clone(confidences) }

// Precisions returns how exactly the time of an event may be known, finest first.
func Precisions() []string { return slices.Clone(precisions) }

// Outcomes returns what may come of a case.
func Outcomes() []string { return slices.Clone(outcomes) }

// CaseBody is what a move of a case says in its entry. Titles, descriptions and reasons lie in the payload.
type CaseBody struct {
	Case *journal.Ref `json:"case,omitempty"` // the entry that opened it; absent in open
	TLP  string       `json:"tlp,omitempty"`
	// open: what kind of incident it is about and which sectors, as the accord's scope knows them
	Incidents []string `json:"incidents,omitempty"`
	Sectors   []string `json:"sectors,omitempty"`
	// link: an entry of content, or the id of a STIX object, and how it belongs here
	Target   *journal.Ref `json:"target,omitempty"`
	Object   string       `json:"object,omitempty"`
	Relation string       `json:"relation,omitempty"`
	Entry    *journal.Ref `json:"entry,omitempty"` // unlink, withdraw: the entry that said it
	// event: when it happened, how exactly that is known (a second, if not said), and what kind of event it was
	Happened  time.Time `json:"happened,omitzero"`
	Precision string    `json:"precision,omitempty"`
	Event     string    `json:"event,omitempty"`
	// claim
	Class      string          `json:"class,omitempty"`
	Confidence string          `json:"confidence,omitempty"`
	Evidence   []journal.Ref   `json:"evidence,omitempty"` // entries of content
	About      *journal.Ref    `json:"about,omitempty"`    // another claim of the case
	Concerns   journal.PartyID `json:"concerns,omitempty"` // a member that has the right of reply
	Claim      *journal.Ref    `json:"claim,omitempty"`    // reply
	Outcome    string          `json:"outcome,omitempty"`
	Code       string          `json:"code,omitempty"` // reopen, close, withdraw: why
}

// CaseMove is one move of a case; see ParseCase.
type CaseMove = Act[CaseBody]

// ParseCase reads the body of a move of a case. The error says what is wrong; the caller refuses with CodeBadBody.
func ParseCase(move string, raw jsontext.Value) (CaseBody, error) {
	return parseJoint("case", move, raw, func(b *CaseBody) error { return b.check(move) })
}

// Names returns the entries outside the case that a move names.
func (b CaseBody) Names() []journal.Ref {
	out := slices.Clone(b.Evidence)
	if b.Target != nil {
		out = append(out, *b.Target)
	}
	return out
}

func (b *CaseBody) check(move string) error {
	if (b.Case == nil) != (move == CaseOpen) {
		return errors.New("desk: every move but open names its case, and open names none")
	}
	if len(b.Evidence) > MaxRefs {
		return fmt.Errorf("desk: %d entries are named as evidence, at most %d are allowed", len(b.Evidence), MaxRefs)
	}
	refs := []*journal.Ref{b.Case, b.Target, b.Entry, b.About, b.Claim}
	for i := range b.Evidence {
		refs = append(refs, &b.Evidence[i])
	}
	if b.Concerns != "" {
		if err := b.Concerns.Check(); err != nil {
			return err
		}
	}
	err := errors.Join(checkRefs(refs...), checkTokens(b.TLP, b.Object, b.Relation, b.Event, b.Code), checkYear("happened", b.Happened),
		checkTokenList("incidents", b.Incidents, MaxFields), checkTokenList("sectors", b.Sectors, MaxFields),
		oneOf("precision", b.Precision, precisions), oneOf("class", b.Class, claimClasses), oneOf("confidence", b.Confidence, confidences), oneOf("outcome", b.Outcome, outcomes))
	if err != nil {
		return err
	}
	switch {
	case move == CaseLink && ((b.Target == nil) == (b.Object == "") || b.Relation == ""):
		return errors.New("desk: link needs a relation, and either the entry or the object that is tied in")
	case (move == CaseUnlink || move == CaseWithdraw) && b.Entry == nil:
		return fmt.Errorf("desk: %s names the entry that is taken back", move)
	case move == CaseEvent && (b.Happened.IsZero() || b.Event == ""):
		return errors.New("desk: event needs what kind it was, and when it happened")
	case move == CaseClaim && b.Class == "":
		return fmt.Errorf("desk: claim needs its class: one of %v", claimClasses)
	case move == CaseClaim && (b.Class == Assessment || b.Class == Attribution) && b.Confidence == "":
		return fmt.Errorf("desk: an %s needs its confidence: one of %v", b.Class, confidences)
	case move == CaseReply && b.Claim == nil:
		return errors.New("desk: reply names the claim")
	case move == CaseOutcome && b.Outcome == "":
		return fmt.Errorf("desk: outcome is one of %v", outcomes)
	}
	return nil
}

// Case is a joint record: what belongs together, what happened, what each side claims and what came of it.
type Case struct {
	ID        journal.Ref     `json:"id"` // the entry that opened it
	Opener    journal.PartyID `json:"opener"`
	Opened    time.Time       `json:"opened"`
	State     string          `json:"state"`
	Incidents []string        `json:"incidents"`
	Sectors   []string        `json:"sectors"`
	TLP       string          `json:"tlp,omitempty"`
	Links     []Link          `json:"links"`    // in the order of what said so
	Events    []Event         `json:"events"`   // by when they happened
	Claims    []Claim         `json:"claims"`   // in the order of what said so
	Outcomes  []Outcome       `json:"outcomes"` // by party, then by what said so
	Closing   []Mark          `json:"closing"`  // who has said that it may be closed, since it was last open
	// Awaited are the members whose word is missing before it is closed; empty if nobody has proposed that.
	Awaited []journal.PartyID `json:"awaited"`
	Minutes

	// OpenReplies is an overlay: the claims that concern somebody who has not answered.
	OpenReplies []OpenReply `json:"open_replies"`
}

// Link ties something to a case.
type Link struct {
	Mark
	Target   *journal.Ref    `json:"target,omitempty"`
	Kind     string          `json:"kind,omitempty"` // of the target
	Author   journal.PartyID `json:"author,omitempty"`
	Written  time.Time       `json:"written,omitzero"` // when its author says it wrote the target
	Object   string          `json:"object,omitempty"`
	Relation string          `json:"relation"`
	Unlinked *Mark           `json:"unlinked,omitempty"`
}

// Event is something that happened, as one member says.
type Event struct {
	Mark
	Event     string    `json:"event"`
	Happened  time.Time `json:"happened"`
	Precision string    `json:"precision"`
	Withdrawn *Mark     `json:"withdrawn,omitempty"`
}

// Claim is what one member holds to be so.
type Claim struct {
	Mark
	Class      string          `json:"class"`
	Confidence string          `json:"confidence,omitempty"`
	Evidence   []journal.Ref   `json:"evidence"`
	About      *journal.Ref    `json:"about,omitempty"`
	Concerns   journal.PartyID `json:"concerns,omitempty"`
	Replies    []Mark          `json:"replies"` // of the party concerned; the last one counts, the others are what it said before
	Denials    []Mark          `json:"denials"` // claims of the class denial about this one, by whomever but its author
	// Answered says that the party concerned has replied, or denied it.
	Answered  bool  `json:"answered,omitzero"`
	Withdrawn *Mark `json:"withdrawn,omitempty"`
}

// Outcome is what came of a case, as one member says.
type Outcome struct {
	Mark
	Outcome   string `json:"outcome"`
	Withdrawn *Mark  `json:"withdrawn,omitempty"`
}

// OpenReply is a claim that the party it concerns has not answered.
type OpenReply struct {
	Claim    journal.Ref     `json:"claim"`
	Class    string          `json:"class"`
	Party    journal.PartyID `json:"party"`             // who may answer
	Since    time.Time       `json:"since"`             // of its receipt; without one of the claim
	Received time.Time       `json:"received,omitzero"` // what its receipt says
	Days     int             `json:"days"`              // whole days since then
}

// NewCase opens a case. It fails with a *MoveError.
func NewCase(a CaseMove) (*Case, error) {
	if a.Name != CaseOpen || a.Body.Case != nil {
		return nil, &MoveError{CodeUnknownThread, a.Ref, "a case is opened by open, which names no case"}
	}
	b := a.Body
	c := &Case{ID: a.Ref, Opener: a.Party, Opened: a.At, State: CaseIsOpen, Incidents: append([]string{}, b.Incidents...), Sectors: append([]string{}, b.Sectors...), TLP: b.TLP,
		Links: []Link{}, Events: []Event{}, Claims: []Claim{}, Outcomes: []Outcome{}, Closing: []Mark{}, Awaited: []journal.PartyID{}, OpenReplies: []OpenReply{},
		Minutes: begin(said(a, b.TLP, b.Code))}
	return c, nil
}

// Judge returns why a move changes nothing, a code and a reason, or "". It changes nothing itself.
func (c *Case) Judge(a CaseMove) (code, why string) {
	b := a.Body
	if code, why = c.full(a.Party); code != "" {
		return code, why
	}
	if c.State == CaseIsClosed && !slices.Contains([]string{CaseReply, CaseReopen, CaseWithdraw, CaseOpen}, a.Name) {
		return CodeWrongState, fmt.Sprintf("the case is closed; possible are %s, %s and %s", CaseReopen, CaseReply, CaseWithdraw)
	}
	switch a.Name {
	case CaseOpen:
		return CodeDuplicate, "the case was opened already"
	case CaseLink:
		return c.judgeLink(a)
	case CaseUnlink:
		return judgeTaken(a.Party, c.find(*b.Entry).link())
	case CaseEvent:
		if b.Happened.After(a.At) {
			return CodeBadDate, "it says to have happened after it was told"
		}
	case CaseClaim:
		return c.judgeClaim(a)
	case CaseReply:
		switch x := c.claim(*b.Claim); {
		case x == nil:
			return CodeUnknownRef, "no claim of this case is the entry it names"
		case x.Concerns != a.Party:
			return CodeNotYours, "only the party that a claim concerns replies to it"
		}
	case CaseWithdraw:
		return judgeTaken(a.Party, c.find(*b.Entry).statement())
	case CaseOutcome:
		if slices.ContainsFunc(c.Outcomes, func(o Outcome) bool {
			return o.Party == a.Party && o.Outcome == b.Outcome && o.Withdrawn == nil
		}) {
			return CodeDuplicate, "this party has said so already"
		}
	case CaseClose:
		if slices.ContainsFunc(c.Closing, func(m Mark) bool { return m.Party == a.Party }) && len(c.missing(a)) > 0 {
			return CodeDuplicate, "this party has said already that the case may be closed"
		}
	case CaseReopen:
		if c.State == CaseIsOpen && len(c.Closing) == 0 {
			return CodeWrongState, "the case is open, and nobody has proposed to close it"
		}
	default:
		return CodeUnknownMove, fmt.Sprintf("a case has no move %q", clip(a.Name))
	}
	return "", ""
}

func (c *Case) judgeLink(a CaseMove) (code, why string) {
	b := a.Body
	if b.Target != nil {
		switch {
		case *b.Target == c.ID:
			return CodeUnknownRef, "a case is not tied to itself"
		case a.unknown(*b.Target) != nil:
			return CodeUnknownRef, "its author had seen no entry of content of that name"
		}
	}
	if slices.ContainsFunc(c.Links, func(l Link) bool {
		same := b.Target != nil && l.Target != nil && *l.Target == *b.Target || b.Target == nil && l.Target == nil && l.Object == b.Object
		return same && l.Relation == b.Relation && l.Party == a.Party && l.Unlinked == nil
	}) {
		return CodeDuplicate, "this party has tied it in already"
	}
	return "", ""
}

func (c *Case) judgeClaim(a CaseMove) (code, why string) {
	b := a.Body
	switch {
	case b.About != nil && c.claim(*b.About) == nil:
		return CodeUnknownRef, "no claim of this case is the entry that it is about"
	case b.About != nil && b.Class == Denial && c.claim(*b.About).Party == a.Party:
		return CodeWrongSide, "a claim is denied by others; who made it takes it back with withdraw"
	case a.unknown(b.Evidence...) != nil:
		return CodeUnknownRef, fmt.Sprintf("its author had seen no entry of content %s", a.unknown(b.Evidence...))
	case b.Concerns == a.Party:
		return CodeNoAddressee, "a claim concerns another member, or nobody; one's own side is in the words"
	case b.Concerns != "" && !a.member(b.Concerns):
		return CodeNoAddressee, "a claim concerns a member that could answer it; whoever else it is about is in the words"
	}
	return "", ""
}

// taken is something that was said and may have been taken back.
type taken struct {
	by   journal.PartyID
	back **Mark
}

func judgeTaken(p journal.PartyID, t *taken) (code, why string) {
	switch {
	case t == nil:
		return CodeUnknownRef, "nothing of that kind in this case is the entry it names"
	case t.by != p:
		return CodeNotYours, "only who said it takes it back"
	case *t.back != nil:
		return CodeDuplicate, "it was taken back already"
	}
	return "", ""
}

// found is what an entry of a case said: a link, or a claim, an event, an outcome.
type found struct{ tie, said *taken }

func (f found) link() *taken      { return f.tie }
func (f found) statement() *taken { return f.said }

func (c *Case) find(ref journal.Ref) found {
	for i := range c.Links {
		if l := &c.Links[i]; l.Ref == ref {
			return found{tie: &taken{l.Party, &l.Unlinked}}
		}
	}
	for i := range c.Events {
		if e := &c.Events[i]; e.Ref == ref {
			return found{said: &taken{e.Party, &e.Withdrawn}}
		}
	}
	for i := range c.Outcomes {
		if o := &c.Outcomes[i]; o.Ref == ref {
			return found{said: &taken{o.Party, &o.Withdrawn}}
		}
	}
	if x := c.claim(ref); x != nil {
		return found{said: &taken{x.Party, &x.Withdrawn}}
	}
	return found{}
}

func (c *Case) claim(ref journal.Ref) *Claim {
	for i := range c.Claims {
		if c.Claims[i].Ref == ref {
			return &c.Claims[i]
		}
	}
	return nil
}

// missing are the members present, by what the author of a move had seen, that have not said that the case may be closed;
// the move's own author has, if the move is a close.
func (c *Case) missing(a CaseMove) []journal.PartyID {
	out := []journal.PartyID{}
	for _, p := range a.Members {
		if !(a.Name == CaseClose && p == a.Party) && !slices.ContainsFunc(c.Closing, func(m Mark) bool { return m.Party == p }) {
			out = append(out, p)
		}
	}
	return out
}

// Apply makes one move. One that does not count changes nothing, is kept in Illegal and returned as a *MoveError.
func (c *Case) Apply(a CaseMove) error {
	if err := c.again(a.Ref); err != nil {
		return err
	}
	if code, why := c.Judge(a); code != "" {
		return c.Reject(a, code, why)
	}
	b, m := a.Body, mark(a)
	switch a.Name {
	case CaseLink:
		l := Link{Mark: m, Target: b.Target, Object: b.Object, Relation: b.Relation}
		if b.Target != nil {
			k := a.Known[*b.Target]
			l.Kind, l.Author, l.Written = k.Kind, k.Party, k.At
		}
		c.Links = append(c.Links, l)
	case CaseUnlink, CaseWithdraw:
		t := c.find(*b.Entry).tie
		if a.Name == CaseWithdraw {
			t = c.find(*b.Entry).said
		}
		*t.back = &m
	case CaseEvent:
		e := Event{Mark: m, Event: b.Event, Happened: b.Happened.UTC(), Precision: cmp.Or(b.Precision, precisions[0])}
		c.Events = append(c.Events, e)
		slices.SortStableFunc(c.Events, func(x, y Event) int {
			return cmp.Or(x.Happened.Compare(y.Happened), CompareRefs(x.Ref, y.Ref))
		})
	case CaseClaim:
		if b.About != nil && b.Class == Denial {
			x := c.claim(*b.About)
			x.Denials = append(x.Denials, m)
			x.Answered = x.Answered || x.Concerns == a.Party
		}
		c.Claims = append(c.Claims, Claim{Mark: m, Class: b.Class, Confidence: b.Confidence, Evidence: append([]journal.Ref{}, b.Evidence...), About: b.About, Concerns: b.Concerns,
			Replies: []Mark{}, Denials: []Mark{}})
	case CaseReply:
		x := c.claim(*b.Claim)
		x.Replies, x.Answered = append(x.Replies, m), true
	case CaseOutcome:
		c.Outcomes = append(c.Outcomes, Outcome{Mark: m, Outcome: b.Outcome})
		slices.SortStableFunc(c.Outcomes, func(x, y Outcome) int {
			return cmp.Or(cmp.Compare(x.Party, y.Party), CompareRefs(x.Ref, y.Ref))
		})
	case CaseClose:
		if !slices.ContainsFunc(c.Closing, func(x Mark) bool { return x.Party == a.Party }) {
			c.Closing = append(c.Closing, m)
		}
		if c.Awaited = c.missing(a); len(c.Awaited) == 0 && len(a.Members) > 0 {
			c.State = CaseIsClosed
		}
	case CaseReopen:
		c.Closing, c.Awaited, c.State = []Mark{}, []journal.PartyID{}, CaseIsOpen
	}
	c.add(said(a, b.TLP, b.Code))
	return nil
}

// Reject records a move that something else refused and returns the *MoveError.
func (c *Case) Reject(a CaseMove, code, why string) error {
	return c.reject(said(a, a.Body.TLP, a.Body.Code), code, why)
}

// Overlay returns a copy of the case with its overlays for one instant. received returns when a party first gave a receipt
// that covers an entry, zero if it never did.
func (c *Case) Overlay(now time.Time, received func(journal.PartyID, journal.Ref) time.Time) Case {
	out := *c
	out.Minutes = c.clone()
	out.Links, out.Events, out.Outcomes, out.Closing = slices.Clone(c.Links), slices.Clone(c.Events), slices.Clone(c.Outcomes), slices.Clone(c.Closing)
	out.Claims, out.Awaited, out.OpenReplies = slices.Clone(c.Claims), slices.Clone(c.Awaited), []OpenReply{}
	for i := range out.Claims {
		x := &out.Claims[i]
		x.Replies, x.Denials = slices.Clone(x.Replies), slices.Clone(x.Denials)
		if x.Concerns == "" || x.Answered || x.Withdrawn != nil {
			continue
		}
		o := OpenReply{Claim: x.Ref, Class: x.Class, Party: x.Concerns, Since: x.At, Received: received(x.Concerns, x.Ref)}
		if !o.Received.IsZero() {
			o.Since = o.Received
		}
		o.Days = days(now.Sub(o.Since))
		out.OpenReplies = append(out.OpenReplies, o)
	}
	return out
}

// days are the whole days of a duration, none of a negative one.
func days(d time.Duration) int { return int(max(0, d) / (24 * time.Hour)) }
