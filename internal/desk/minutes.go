package desk

import (
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"entente/journal"
)

// Bounds on the cases, commitments, statements, leaks, exhibits and reviews that one journal opens, of each apart. What is open and what is over counts
// alike: who closes what it opened could open without end.
const (
	// MaxThreadsADay is how many within 24 hours, by the journal's own times.
	MaxThreadsADay = 1000
	// MaxThreads is how many in all: times may be written as one likes, as long as they do not go back.
	MaxThreads = 1 << 16
)

// Bounds on what members keep together: cases, commitments, statements, leaks.
const (
	// MaxJointMoves is how many moves of one member a thread takes, so that nobody can fill it up for the others.
	MaxJointMoves = 1000
	// MaxRefs is the most entries that one move names as evidence.
	MaxRefs = 64
)

// Known is what an author had seen of an entry that it names.
type Known struct {
	Kind  string
	Party journal.PartyID
	At    time.Time // what its author says
}

// Said is one entry of a case, a commitment, a statement or a leak: one that counts, or one that changed nothing, and why.
type Said struct {
	Ref     journal.Ref         `json:"ref"`
	Move    string              `json:"move"`
	Party   journal.PartyID     `json:"party"`
	By      journal.By          `json:"by"`
	At      time.Time           `json:"at"`
	Code    string              `json:"code,omitempty"`
	TLP     string              `json:"tlp,omitempty"`
	Payload *journal.PayloadRef `json:"payload,omitempty"`
	Held    bool                `json:"held,omitzero"` // the gate holds the payload
	// Refused is the code of a move that changed nothing, and Reason says why for people.
	Refused string `json:"refused,omitempty"`
	Reason  string `json:"reason,omitempty"`
}

// Said is the step of a request, a call or a review as it stands in the minutes of other threads.
func (s *Step) Said() Said {
	return Said{Ref: s.Ref, Move: s.Move, Party: s.Party, By: s.By, At: s.At, Code: s.Code, TLP: s.TLP, Payload: s.Payload, Held: s.Held, Refused: s.Refused, Reason: s.Reason}
}

// AllSaid is Said of each.
func AllSaid(steps []Step) []Said {
	out := make([]Said, len(steps))
	for i := range steps {
		out[i] = steps[i].Said()
	}
	return out
}

// Mark is an entry by which a member said something, in short.
type Mark struct {
	Ref   journal.Ref     `json:"ref"`
	Party journal.PartyID `json:"party"`
	At    time.Time       `json:"at"`
}

// Minutes are what was said in a thread: all that counts and all that does not.
type Minutes struct {
	Steps   []Said `json:"steps"`   // applied, in order; the first opened the thread
	Illegal []Said `json:"illegal"` // changed nothing, in order

	seen  map[journal.Ref]bool
	count map[journal.PartyID]int
}

// begin starts the minutes with what opens a thread.
func begin(s Said) Minutes {
	return Minutes{Steps: []Said{s}, Illegal: []Said{}, seen: map[journal.Ref]bool{s.Ref: true}, count: map[journal.PartyID]int{s.Party: 1}}
}

func (m *Minutes) add(s Said) {
	m.seen[s.Ref] = true
	m.count[s.Party]++
	m.Steps = append(m.Steps, s)
}

// again says that an entry was taken in before.
func (m *Minutes) again(ref journal.Ref) error {
	if m.seen[ref] {
		return &MoveError{CodeDuplicate, ref, "this entry was applied already"}
	}
	return nil
}

func (m *Minutes) reject(s Said, code, why string) error {
	m.seen[s.Ref] = true
	s.Refused, s.Reason = code, why
	m.Illegal = append(m.Illegal, s)
	return &MoveError{code, s.Ref, why}
}

// full says whether a member has used up its share of the thread.
func (m *Minutes) full(p journal.PartyID) (code, why string) {
	if m.count[p] >= MaxJointMoves {
		return CodeTooMany, fmt.Sprintf("one member adds at most %d entries to this", MaxJointMoves)
	}
	return "", ""
}

// clone returns minutes that later moves do not change.
func (m *Minutes) clone() Minutes {
	return Minutes{Steps: slices.Clone(m.Steps), Illegal: slices.Clone(m.Illegal)}
}

func said[B any](a Act[B], tlp, code string) Said {
	return Said{Ref: a.Ref, Move: a.Name, Party: a.Party, By: a.By, At: a.At, Code: code, TLP: tlp, Payload: a.Payload, Held: a.Held}
}

func mark[B any](a Act[B]) Mark { return Mark{a.Ref, a.Party, a.At} }

// member says whether a party was a member where the entry was written.
func (a *Act[B]) member(p journal.PartyID) bool { return slices.Contains(a.Members, p) }

// unknown returns an entry that the move names and its author had not seen, or that carries no content, nil if there is none.
func (a *Act[B]) unknown(refs ...journal.Ref) *journal.Ref {
	for _, r := range refs {
		if a.Known[r].Kind == "" {
			return &r
		}
	}
	return nil
}

// parseJoint reads a body and checks it.
func parseJoint[B any](family, move string, raw jsontext.Value, check func(*B) error) (B, error) {
	var b B
	if len(raw) == 0 {
		raw = jsontext.Value("{}")
	}
	if err := json.Unmarshal(raw, &b); err != nil {
		var none B
		return none, fmt.Errorf("desk: body of %s.%s: %w", family, clip(move), err)
	}
	return b, check(&b)
}

// checkTokens checks members that may be left out.
func checkTokens(tokens ...string) error {
	for _, s := range tokens {
		if s != "" && !token(s) {
			return fmt.Errorf("desk: %q is not a short token (1 to %d of a-z 0-9 . _ + -)", clip(s), MaxToken)
		}
	}
	return nil
}

func checkTokenList(what string, list []string, most int) error {
	if len(list) > most {
		return fmt.Errorf("desk: %s has %d members, at most %d are allowed", what, len(list), most)
	}
	for _, s := range list {
		if !token(s) {
			return fmt.Errorf("desk: %s: %q is not a short token", what, clip(s))
		}
	}
	return nil
}

func checkYear(what string, t time.Time) error {
	if y := t.UTC().Year(); !t.IsZero() && (y < 1990 || y > 2200) {
		return fmt.Errorf("desk: %s lies in the year %d, outside 1990 to 2200", what, y)
	}
	return nil
}

func checkRefs(refs ...*journal.Ref) error {
	for _, r := range refs {
		if r == nil {
			continue
		}
		if err := r.Origin.Check(); err != nil {
			return err
		}
		if r.Index < 0 {
			return fmt.Errorf("desk: an entry of index %d does not exist", r.Index)
		}
	}
	return nil
}

// oneOf checks a token against a closed list; empty passes.
func oneOf(what, s string, list []string) error {
	if s != "" && !slices.Contains(list, s) {
		return fmt.Errorf("desk: %s is %q; it is one of %v", what, clip(s), list)
	}
	return nil
}
