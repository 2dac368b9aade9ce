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

// The moves of a commitment. An entry's kind is "commitment." and the move.
const (
	CommitMake    = "make"    // a party binds itself
	CommitAccept  = "accept"  // another takes it as good enough
	CommitDecline = "decline" // another says, with a code, that it is not; the party stays bound
	CommitReport  = "report"  // how it stands, by the party that is bound
	CommitView    = "view"    // how it stands, as another sees it
	CommitAmend   = "amend"   // another due date, by the party that is bound
	CommitRelease = "release" // another lets the party off; it is released once all others have
)

// States of a commitment. They are set by moves alone; whether it is overdue is an overlay.
const (
	CommitOpen     = "open"
	CommitKept     = "kept"     // done, by its own report and in the view of all others
	CommitReleased = "released" // the others have let the party off
)

// Forms of a commitment.
const (
	Once      = "once"      // done by a date, or at some time
	Recurring = "recurring" // done again and again; each report that it is done moves the date on
	Standing  = "standing"  // kept for as long as it lasts; there is no date and no end
)

// How a commitment stands.
const (
	OnTrack = "on-track"
	Done    = "done"
	Delayed = "delayed"
	Broken  = "broken"
)

var (
	forms     = []string{Once, Recurring, Standing}
	standings = []string{OnTrack, Done, Delayed, Broken}
	rhythms   = []string{"week", "month", "quarter", "year"}
)

// Forms returns the forms of commitments.
func Forms() []string { return slices.Clone(forms) }

// Standings returns how a commitment may stand.
func Standings() []string { return slices.Clone(standings) }

// Rhythms returns how often a recurring commitment is due.
func Rhythms() []string { return slices.Clone(rhythms) }

// DueSoon is how long before its date a commitment is shown as due soon.
const DueSoon = 7 * 24 * time.Hour

// CommitmentBody is what a move of a commitment says in its entry. What was promised, in words, lies in the payload.
type CommitmentBody struct {
	Commitment *journal.Ref `json:"commitment,omitempty"` // the entry that made it; absent in make
	TLP        string       `json:"tlp,omitempty"`
	Form       string       `json:"form,omitempty"`  // make; once if it is not said
	Due        time.Time    `json:"due,omitzero"`    // make, amend: by when; of a recurring one the first date
	Every      string       `json:"every,omitempty"` // make of a recurring one
	Case       *journal.Ref `json:"case,omitempty"`  // make: the case it came out of
	Status     string       `json:"status,omitempty"`
	Code       string       `json:"code,omitempty"` // decline, amend, release: why
}

// CommitmentMove is one move of a commitment; see ParseCommitment.
type CommitmentMove = Act[CommitmentBody]

// ParseCommitment reads the body of a move of a commitment. The error says what is wrong; the caller refuses with CodeBadBody.
func ParseCommitment(move string, raw jsontext.Value) (CommitmentBody, error) {
	return parseJoint("commitment", move, raw, func(b *CommitmentBody) error { return b.check(move) })
}

// Names returns the entries outside the commitment that a move names.
func (b CommitmentBody) Names() []journal.Ref {
	if b.Case == nil {
		return nil
	}
	return []journal.Ref{*b.Case}
}

func (b *CommitmentBody) check(move string) error {
	if (b.Commitment == nil) != (move == CommitMake) {
		return errors.New("desk: every move but make names its commitment, and make names none")
	}
	err := errors.Join(checkRefs(b.Commitment, b.Case), checkTokens(b.TLP, b.Code), checkYear("due", b.Due),
		oneOf("form", b.Form, forms), oneOf("every", b.Every, rhythms), oneOf("status", b.Status, standings))
	switch {
	case err != nil:
		return err
	case move == CommitMake && (b.Form == Recurring) != (b.Every != ""):
		return fmt.Errorf("desk: a recurring commitment, and only that, says how often: one of %v", rhythms)
	case move == CommitMake && b.Form == Recurring && b.Due.IsZero():
		return errors.New("desk: a recurring commitment names its first date")
	case move == CommitMake && b.Form == Standing && !b.Due.IsZero():
		return errors.New("desk: a standing commitment has no date")
	case (move == CommitReport || move == CommitView) && b.Status == "":
		return fmt.Errorf("desk: %s says how it stands: one of %v", move, standings)
	case move == CommitDecline && b.Code == "":
		return errors.New("desk: decline needs a code")
	case move == CommitAmend && b.Due.IsZero():
		return errors.New("desk: amend needs the new date")
	}
	return nil
}

// Commitment is what one party has bound itself to, and how each side sees that it stands.
type Commitment struct {
	ID      journal.Ref     `json:"id"` // the entry that made it
	Party   journal.PartyID `json:"party"`
	Made    time.Time       `json:"made"`
	Form    string          `json:"form"`
	Every   string          `json:"every,omitempty"`
	Case    *journal.Ref    `json:"case,omitempty"`
	TLP     string          `json:"tlp,omitempty"`
	State   string          `json:"state"`
	First   time.Time       `json:"first_due,omitzero"` // as it was made
	Due     time.Time       `json:"due,omitzero"`       // as it is now
	Settled int             `json:"settled,omitzero"`   // times that a recurring one was done, by its own report
	// Answers is what the others say of it as a promise, by party; Views how each side sees that it stands, the party's own among
	// them, by party. Of each only the latest counts; what was said before is in the steps.
	Answers    []CommitAnswer `json:"answers"`
	Views      []CommitSight  `json:"views"`
	Amendments []Amendment    `json:"amendments"`
	Releases   []Mark         `json:"releases"` // by party
	Minutes

	// Overlays.
	DueSoon bool `json:"due_soon,omitzero"`
	Overdue bool `json:"overdue,omitzero"`
	Days    int  `json:"days_overdue,omitzero"`
	// Differing are the views of others that are not what the party itself reports.
	Differing []Differing `json:"differing"`
}

// CommitAnswer says whether somebody takes a commitment as good enough.
type CommitAnswer struct {
	Mark
	Accepted bool   `json:"accepted"`
	Code     string `json:"code,omitempty"`
}

// CommitSight is how one side sees that a commitment stands.
type CommitSight struct {
	Mark
	Status string `json:"status"`
	Own    bool   `json:"own,omitzero"` // the report of the party that is bound
}

// Amendment is a date that was moved.
type Amendment struct {
	Mark
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to"`
	Code string    `json:"code,omitempty"`
	// Late says that it was overdue already when the date was moved.
	Late bool `json:"late,omitzero"`
}

// Differing is where two sides do not see the same.
type Differing struct {
	Party  journal.PartyID `json:"party"`
	Sees   string          `json:"sees"`
	Report string          `json:"report"` // of the party that is bound
}

// NewCommitment makes a commitment. It fails with a *MoveError.
func NewCommitment(a CommitmentMove) (*Commitment, error) {
	b := a.Body
	switch {
	case a.Name != CommitMake || b.Commitment != nil:
		return nil, &MoveError{CodeUnknownThread, a.Ref, "a commitment is opened by make, which names none"}
	case !b.Due.IsZero() && !b.Due.After(a.At):
		return nil, &MoveError{CodeBadDate, a.Ref, "what is promised lies ahead; the date is not after the entry's own time"}
	case b.Case != nil && a.Known[*b.Case].Kind != "case."+CaseOpen:
		return nil, &MoveError{CodeUnknownRef, a.Ref, "its author had seen no case of that name"}
	}
	return &Commitment{ID: a.Ref, Party: a.Party, Made: a.At, Form: cmp.Or(b.Form, Once), Every: b.Every, Case: b.Case, TLP: b.TLP, State: CommitOpen,
		First: b.Due.UTC(), Due: b.Due.UTC(), Answers: []CommitAnswer{}, Views: []CommitSight{}, Amendments: []Amendment{}, Releases: []Mark{}, Differing: []Differing{},
		Minutes: begin(said(a, b.TLP, b.Code))}, nil
}

// Judge returns why a move changes nothing, a code and a reason, or "". It changes nothing itself.
func (c *Commitment) Judge(a CommitmentMove) (code, why string) {
	b, own := a.Body, a.Party == c.Party
	if code, why = c.full(a.Party); code != "" {
		return code, why
	}
	if !slices.Contains([]string{CommitMake, CommitAccept, CommitDecline, CommitReport, CommitView, CommitAmend, CommitRelease}, a.Name) {
		return CodeUnknownMove, fmt.Sprintf("a commitment has no move %q", clip(a.Name))
	}
	if a.Name == CommitMake {
		return CodeDuplicate, "the commitment was made already"
	}
	if mine := a.Name == CommitReport || a.Name == CommitAmend; mine != own {
		if own {
			return CodeWrongSide, fmt.Sprintf("%s belongs to the others; the party that is bound may %s or %s", a.Name, CommitReport, CommitAmend)
		}
		return CodeWrongSide, fmt.Sprintf("%s belongs to the party that is bound", a.Name)
	}
	if c.State == CommitReleased {
		return CodeWrongState, "the others have released the party"
	}
	switch a.Name {
	case CommitReport:
		if c.Form == Standing && b.Status == Done {
			return CodeWrongState, "a standing commitment is kept or broken, never done"
		}
	case CommitAmend:
		switch {
		case c.Form == Standing:
			return CodeWrongState, "a standing commitment has no date"
		case c.State == CommitKept:
			return CodeWrongState, "it is kept; there is no date to move"
		case !b.Due.After(a.At):
			return CodeBadDate, "a date that is not after the entry's own time cannot be promised"
		case b.Due.Equal(c.Due):
			return CodeDuplicate, "it is due then already"
		}
	case CommitRelease:
		if slices.ContainsFunc(c.Releases, func(m Mark) bool { return m.Party == a.Party }) && len(c.unreleased(a)) > 0 {
			return CodeDuplicate, "this party has released it already"
		}
	}
	return "", ""
}

// unreleased are the members beside the party, by what the author of a release had seen, that have not released it; the author has.
func (c *Commitment) unreleased(a CommitmentMove) []journal.PartyID {
	return slices.DeleteFunc(slices.Clone(a.Members), func(p journal.PartyID) bool {
		return p == c.Party || p == a.Party || slices.ContainsFunc(c.Releases, func(m Mark) bool { return m.Party == p })
	})
}

// Apply makes one move. One that does not count changes nothing, is kept in Illegal and returned as a *MoveError.
func (c *Commitment) Apply(a CommitmentMove) error {
	if err := c.again(a.Ref); err != nil {
		return err
	}
	if code, why := c.Judge(a); code != "" {
		return c.Reject(a, code, why)
	}
	b, m := a.Body, mark(a)
	switch a.Name {
	case CommitAccept, CommitDecline:
		put(&c.Answers, CommitAnswer{m, a.Name == CommitAccept, b.Code}, func(x CommitAnswer) journal.PartyID { return x.Party })
	case CommitReport, CommitView:
		put(&c.Views, CommitSight{m, b.Status, a.Party == c.Party}, func(x CommitSight) journal.PartyID { return x.Party })
		if c.Form == Recurring && a.Name == CommitReport && b.Status == Done {
			c.Settled++
			c.Due = next(c.Due, c.Every)
		}
		c.State = CommitOpen
		if c.done(a) {
			c.State = CommitKept
		}
	case CommitAmend:
		c.Amendments = append(c.Amendments, Amendment{m, c.Due, b.Due.UTC(), b.Code, !c.Due.IsZero() && a.At.After(c.Due)})
		c.Due = b.Due.UTC()
	case CommitRelease:
		put(&c.Releases, m, func(x Mark) journal.PartyID { return x.Party })
		if len(c.unreleased(a)) == 0 && len(a.Members) > 0 {
			c.State = CommitReleased
		}
	}
	c.add(said(a, b.TLP, b.Code))
	return nil
}

// done says whether the party and all other members, by what the author of a move had seen, say that it is done.
func (c *Commitment) done(a CommitmentMove) bool {
	if c.Form != Once {
		return false
	}
	for _, p := range append([]journal.PartyID{c.Party}, a.Members...) {
		if !slices.ContainsFunc(c.Views, func(v CommitSight) bool { return v.Party == p && v.Status == Done }) {
			return false
		}
	}
	return len(a.Members) > 1
}

// put adds a word of a party to a list that is sorted by party, in the place of its word before.
func put[T any](list *[]T, x T, of func(T) journal.PartyID) {
	i, found := slices.BinarySearchFunc(*list, of(x), func(y T, p journal.PartyID) int { return cmp.Compare(of(y), p) })
	if found {
		(*list)[i] = x
		return
	}
	*list = slices.Insert(*list, i, x)
}

// next is the date after one of a recurring commitment.
func next(t time.Time, every string) time.Time {
	switch every {
	case "week":
		return t.AddDate(0, 0, 7)
	case "month":
		return t.AddDate(0, 1, 0)
	case "quarter":
		return t.AddDate(0, 3, 0)
	}
	return t.AddDate(1, 0, 0)
}

// Reject records a move that something else refused and returns the *MoveError.
func (c *Commitment) Reject(a CommitmentMove, code, why string) error {
	return c.reject(said(a, a.Body.TLP, a.Body.Code), code, why)
}

// Overlay returns a copy of the commitment with its overlays for one instant.
func (c *Commitment) Overlay(now time.Time) Commitment {
	out := *c
	out.Minutes = c.clone()
	out.Answers, out.Views, out.Amendments, out.Releases = slices.Clone(c.Answers), slices.Clone(c.Views), slices.Clone(c.Amendments), slices.Clone(c.Releases)
	out.Differing = []Differing{}
	own := ""
	for _, v := range c.Views {
		if v.Own {
			own = v.Status
		}
	}
	for _, v := range c.Views {
		if !v.Own && v.Status != own {
			out.Differing = append(out.Differing, Differing{v.Party, v.Status, own})
		}
	}
	settled := c.State != CommitOpen || c.Form == Once && own == Done
	if c.Due.IsZero() || settled {
		return out
	}
	out.Overdue = now.After(c.Due)
	out.DueSoon = !out.Overdue && c.Due.Sub(now) <= DueSoon
	out.Days = days(now.Sub(c.Due))
	return out
}
