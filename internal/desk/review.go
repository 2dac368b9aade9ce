package desk

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"entente/journal"
)

// The moves of a review. An entry's kind is "review." and the move. A review names a period and a cut
// of the journals; what is reported about it is computed by package review.
const (
	ReviewOpen   = "open"   // names period, cut and now
	ReviewCommit = "commit" // commits to scores without showing them
	ReviewReveal = "reveal" // shows them, once everybody has committed
	ReviewSign   = "sign"   // countersigns the report of the cut by its hash
)

// Where a review stands. Signatures are beside it: see [Review.Agreed].
const (
	ReviewOpened    State = "open"      // not every party has committed to scores
	ReviewCommitted State = "committed" // all have; none, or not all, have shown them
	ReviewRevealed  State = "revealed"  // all have shown them
)

// Codes of moves of a review that change nothing.
const (
	CodeUnfit  = "does-not-fit" // a reveal whose scores are not those that were committed to
	CodeBadCut = "bad-cut"      // the cut names what its author had not seen, or another history
)

// Bounds on a review.
const (
	MaxCut    = 128 // journals of one cut
	MaxScored = 128 // types of request scored in one reveal, of all parties together
)

// CutHead is how far one journal goes in a cut.
type CutHead struct {
	Origin journal.Origin `json:"origin"`
	Size   int64          `json:"size"`
	Root   journal.Hash   `json:"root"`
}

// Subject is what a review is about: the requests sent from From until before To, as they stand in the
// cut at Now. Heads are in the order of their origins.
type Subject struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	Now  time.Time `json:"now"`
	Cut  []CutHead `json:"cut"`
}

// Check says what is wrong with a subject.
func (s *Subject) Check() error {
	for name, at := range map[string]time.Time{"from": s.From, "to": s.To, "now": s.Now} {
		if y := at.UTC().Year(); y < 2000 || y > 2200 {
			return fmt.Errorf("desk: %s of a review lies outside the years 2000 to 2200", name)
		}
	}
	if !s.From.Before(s.To) {
		return errors.New("desk: the period of a review ends after it begins")
	}
	if len(s.Cut) == 0 || len(s.Cut) > MaxCut {
		return fmt.Errorf("desk: a cut has %d journals, allowed are 1 to %d", len(s.Cut), MaxCut)
	}
	for i, h := range s.Cut {
		if err := h.Origin.Check(); err != nil {
			return err
		}
		if h.Size < 1 || h.Size > 1<<53 {
			return fmt.Errorf("desk: a journal of a cut has %d entries", h.Size)
		}
		if i > 0 && s.Cut[i-1].Origin >= h.Origin {
			return errors.New("desk: the journals of a cut are in the order of their origins, each once")
		}
	}
	return nil
}

// Hash binds the period, now and the cut: SHA-256 over "entente/review-subject/v1\n", from, to and now in
// RFC 3339 (UTC), a line each, and for each head a line of origin, size and root (base64), with blanks.
func (s *Subject) Hash() journal.Hash {
	var b strings.Builder
	b.WriteString("entente/review-subject/v1\n")
	for _, at := range []time.Time{s.From, s.To, s.Now} {
		b.WriteString(at.UTC().Format(time.RFC3339Nano) + "\n")
	}
	for _, h := range s.Cut {
		fmt.Fprintf(&b, "%s %d %s\n", h.Origin, h.Size, h.Root)
	}
	return sha256.Sum256([]byte(b.String()))
}

// ReviewScores are what one party gives the others: by party, type of request and name of the score
// (see [Scores]), 1 (poor) to 5 (excellent).
type ReviewScores map[journal.PartyID]map[string]map[string]int

// Check says what is wrong with scores.
func (s ReviewScores) Check() error {
	n := 0
	for p, types := range s {
		if err := p.Check(); err != nil {
			return err
		}
		if n += len(types); n > MaxScored || len(types) == 0 {
			return fmt.Errorf("desk: scores for %d types of request, allowed are 1 to %d", n, MaxScored)
		}
		for kind, given := range types {
			if !token(kind) {
				return fmt.Errorf("desk: %q is not a type of request", clip(kind))
			}
			if len(given) == 0 {
				return fmt.Errorf("desk: no score for %s", kind)
			}
			for name, v := range given {
				if !slices.Contains(scores, name) {
					return fmt.Errorf("desk: %q is not scored; scored are %v", clip(name), scores)
				}
				if v < 1 || v > 5 {
					return fmt.Errorf("desk: score %s is %d, it goes from 1 to 5", name, v)
				}
			}
		}
	}
	return nil
}

// ScoreCommitment is what a party commits to: SHA-256 over "entente/review-scores/v1\n", the unit, the
// review (origin#index), the hash of its subject (base64) and the party, a line each, the 32 bytes of the
// salt, and a line "party type score value" for each score, sorted by bytes. With the party in it nobody
// can take over another's commitment and its reveal.
func ScoreCommitment(unit journal.UnitID, review journal.Ref, subject journal.Hash, party journal.PartyID, salt journal.Hash, s ReviewScores) journal.Hash {
	b := fmt.Appendf(nil, "entente/review-scores/v1\n%s\n%s\n%s\n%s\n", unit, review, subject, party)
	b = append(b, salt[:]...)
	var lines []string
	for p, types := range s {
		for kind, given := range types {
			for name, v := range given {
				lines = append(lines, fmt.Sprintf("%s %s %s %d\n", p, kind, name, v))
			}
		}
	}
	slices.Sort(lines)
	return sha256.Sum256(append(b, strings.Join(lines, "")...))
}

// ReviewBody is what a move of a review says in its entry.
type ReviewBody struct {
	Review *journal.Ref `json:"review,omitempty"` // the entry that opened it; absent in open
	TLP    string       `json:"tlp,omitempty"`    // marking of the payload: a remark
	// open: see Subject
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
	Now  time.Time `json:"now,omitzero"`
	Cut  []CutHead `json:"cut,omitempty"`

	Commitment *journal.Hash `json:"commitment,omitempty"` // commit: see ScoreCommitment
	Salt       *journal.Hash `json:"salt,omitempty"`       // reveal
	Scores     ReviewScores  `json:"scores,omitempty"`     // reveal
	Report     *journal.Hash `json:"report,omitempty"`     // sign: SHA-256 of the JSON of the report

	// Knew says whose commitments lie in the past of the entry. The caller sets it.
	Knew map[journal.PartyID]bool `json:"-"`
}

// ParseReviewBody reads the body of a move of a review and checks every bound. Members it does not
// know are ignored.
func ParseReviewBody(move string, raw jsontext.Value) (ReviewBody, error) {
	var b ReviewBody
	if len(raw) == 0 {
		raw = jsontext.Value("{}")
	}
	if err := json.Unmarshal(raw, &b); err != nil {
		return ReviewBody{}, fmt.Errorf("desk: body of a review's %s: %w", clip(move), err)
	}
	if (b.Review == nil) != (move == ReviewOpen) {
		return b, errors.New("desk: every move but open names its review, and open names none")
	}
	if b.TLP != "" && !token(b.TLP) {
		return b, fmt.Errorf("desk: %q is not a marking", clip(b.TLP))
	}
	switch move {
	case ReviewOpen:
		s := b.Subject()
		return b, s.Check()
	case ReviewCommit:
		if b.Commitment == nil {
			return b, errors.New("desk: commit needs a commitment")
		}
	case ReviewReveal:
		if b.Salt == nil || len(b.Scores) == 0 {
			return b, errors.New("desk: reveal needs a salt and scores")
		}
		return b, b.Scores.Check()
	case ReviewSign:
		if b.Report == nil {
			return b, errors.New("desk: sign needs the hash of a report")
		}
	}
	return b, nil
}

// Subject is what an open names.
func (b *ReviewBody) Subject() Subject {
	return Subject{From: b.From.UTC(), To: b.To.UTC(), Now: b.Now.UTC(), Cut: b.Cut}
}

// ReviewMove is one move of a review.
type ReviewMove = Act[ReviewBody]

// ReviewParty is where one party stands in a review. Scores and signatures that count are those in force.
type ReviewParty struct {
	Party      journal.PartyID `json:"party"`
	Committed  *journal.Ref    `json:"committed,omitempty"`
	Commitment *journal.Hash   `json:"commitment,omitempty"`
	Revealed   *journal.Ref    `json:"revealed,omitempty"` // the reveal that counts
	Scores     ReviewScores    `json:"scores,omitempty"`
	// Unfit are reveals that did not fit the commitment.
	Unfit  []journal.Ref `json:"unfit,omitempty"`
	Signed *journal.Ref  `json:"signed,omitempty"` // the last signature
	Report *journal.Hash `json:"report,omitempty"` // what it signs
	// Replaced are signatures of this party on another report, before.
	Replaced []journal.Ref `json:"replaced,omitempty"`
}

// Review is one review: what it is about, who has committed, shown and signed what, and every move.
type Review struct {
	ID     journal.Ref     `json:"id"` // the entry that opened it
	Opener journal.PartyID `json:"opener"`
	Opened time.Time       `json:"opened"`
	Subject
	State   State         `json:"state"`
	Parties []ReviewParty `json:"parties"` // the members when it was opened, by id
	// Agreed is the report that all parties have signed; nil as long as one is missing or differs.
	Agreed  *journal.Hash `json:"agreed,omitempty"`
	Differs bool          `json:"differs"` // two parties have signed different reports
	Steps   []Step        `json:"steps"`
	Illegal []Step        `json:"illegal"`

	unit    journal.UnitID
	subject journal.Hash
	seen    map[journal.Ref]bool
}

// NewReview opens a review among parties.
func NewReview(open ReviewMove, unit journal.UnitID, parties []journal.PartyID) (*Review, error) {
	switch {
	case open.Name != ReviewOpen:
		return nil, &MoveError{CodeUnknownThread, open.Ref, "a review is opened by open"}
	case !slices.Contains(parties, open.Party) || len(parties) < 2:
		return nil, &MoveError{CodeNoAddressee, open.Ref, "a review is between members, and takes two"}
	case !remark(open.Payload):
		return nil, &MoveError{CodeBadBody, open.Ref, "the payload of a review is a remark, of type text"}
	}
	r := &Review{ID: open.Ref, Opener: open.Party, Opened: open.At, Subject: open.Body.Subject(), State: ReviewOpened,
		Parties: []ReviewParty{}, Steps: []Step{}, Illegal: []Step{}, unit: unit, seen: map[journal.Ref]bool{open.Ref: true}}
	r.subject = r.Subject.Hash()
	for _, p := range slices.Sorted(slices.Values(parties)) {
		r.Parties = append(r.Parties, ReviewParty{Party: p})
	}
	r.Steps = append(r.Steps, reviewStep(open, ReviewOpened))
	return r, nil
}

// remark says whether a payload is one that moves of reviews may have.
func remark(p *journal.PayloadRef) bool { return p == nil || p.Type == journal.PayloadText }

// Party returns where a party stands, nil for one that is not of the review.
func (r *Review) Party(p journal.PartyID) *ReviewParty {
	for i := range r.Parties {
		if r.Parties[i].Party == p {
			return &r.Parties[i]
		}
	}
	return nil
}

// Judge returns why a move would change nothing, a code and a reason, or "" if it would change something.
func (r *Review) Judge(m ReviewMove) (code, why string) {
	p := r.Party(m.Party)
	switch {
	case m.Name == ReviewOpen:
		return CodeDuplicate, "the review was opened already"
	case !slices.Contains([]string{ReviewCommit, ReviewReveal, ReviewSign}, m.Name):
		return CodeUnknownMove, fmt.Sprintf("reviews have no move %q", clip(m.Name))
	case p == nil:
		return CodeWrongSide, "the author is no party to this review"
	case m.Held: // a second person's release is missing, or the unit was suspended
		return CodeRefused, "the gate holds it: what is held does not count"
	case !remark(m.Payload):
		return CodeBadBody, "the payload of a review is a remark, of type text"
	case len(r.Steps) >= MaxMoves:
		return CodeTooMany, fmt.Sprintf("a review has at most %d moves", MaxMoves)
	case m.Name == ReviewCommit && p.Committed != nil:
		return CodeDuplicate, "scores were committed to already, and cannot be changed"
	case m.Name == ReviewSign && p.Report != nil && *p.Report == *m.Body.Report:
		return CodeDuplicate, "this report was signed already"
	case m.Name == ReviewReveal:
		return r.judgeReveal(p, m)
	}
	return "", ""
}

func (r *Review) judgeReveal(p *ReviewParty, m ReviewMove) (code, why string) {
	if p.Committed == nil {
		return CodeWrongState, "nothing was committed to"
	}
	if p.Revealed != nil {
		return CodeDuplicate, "the scores were shown already"
	}
	for i := range r.Parties {
		if q := &r.Parties[i]; q.Committed == nil || !m.Body.Knew[q.Party] {
			return CodeTooEarly, fmt.Sprintf("scores are shown once everybody has committed to theirs; in what the author had seen %.16s had not", q.Party)
		}
	}
	for of := range m.Body.Scores {
		if of == m.Party || r.Party(of) == nil {
			return CodeBadBody, "scores are given to other parties of the review"
		}
	}
	if ScoreCommitment(r.unit, r.ID, r.subject, m.Party, *m.Body.Salt, m.Body.Scores) != *p.Commitment {
		return CodeUnfit, "these are not the scores that were committed to"
	}
	return "", ""
}

// Apply makes one move. One that is not legal changes nothing, is kept in Illegal with its code and
// returned as a *MoveError; the same entry again leaves no second trace.
func (r *Review) Apply(m ReviewMove) error {
	if r.seen[m.Ref] {
		return &MoveError{CodeDuplicate, m.Ref, "this entry was applied already"}
	}
	code, why := r.Judge(m)
	if code == CodeUnfit {
		p := r.Party(m.Party)
		p.Unfit = append(p.Unfit, m.Ref)
	}
	if code != "" {
		return r.Reject(m, code, why)
	}
	p := r.Party(m.Party)
	ref := m.Ref
	switch m.Name {
	case ReviewCommit:
		p.Committed, p.Commitment = &ref, m.Body.Commitment
	case ReviewReveal:
		p.Revealed, p.Scores = &ref, maps.Clone(m.Body.Scores)
	case ReviewSign:
		if p.Signed != nil {
			p.Replaced = append(p.Replaced, *p.Signed)
		}
		p.Signed, p.Report = &ref, m.Body.Report
	}
	r.settle()
	r.seen[m.Ref] = true
	r.Steps = append(r.Steps, reviewStep(m, r.State))
	return nil
}

// settle works out where the review stands.
func (r *Review) settle() {
	committed, revealed, signed := true, true, true
	var report *journal.Hash
	r.Differs = false
	for i := range r.Parties {
		p := &r.Parties[i]
		committed, revealed, signed = committed && p.Committed != nil, revealed && p.Revealed != nil, signed && p.Signed != nil
		switch {
		case p.Report == nil:
		case report == nil:
			report = p.Report
		case *report != *p.Report:
			r.Differs = true
		}
	}
	switch {
	case revealed:
		r.State = ReviewRevealed
	case committed:
		r.State = ReviewCommitted
	}
	r.Agreed = nil
	if signed && !r.Differs {
		r.Agreed = report
	}
}

// Reject records a move that was refused and returns the *MoveError.
func (r *Review) Reject(m ReviewMove, code, why string) error {
	r.seen[m.Ref] = true
	s := reviewStep(m, "")
	s.Refused, s.Reason = code, why
	r.Illegal = append(r.Illegal, s)
	return &MoveError{code, m.Ref, why}
}

func reviewStep(m ReviewMove, to State) Step {
	return Step{Ref: m.Ref, Move: m.Name, Party: m.Party, By: m.By, At: m.At, State: to, TLP: m.Body.TLP, Payload: m.Payload, Held: m.Held}
}
