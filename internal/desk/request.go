package desk

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"entente/journal"
)

// Step is a move that was applied, or one that changed nothing and why.
type Step struct {
	Ref     journal.Ref         `json:"ref"`
	Move    string              `json:"move"`
	Party   journal.PartyID     `json:"party"`
	By      journal.By          `json:"by"`
	At      time.Time           `json:"at"`
	State   State               `json:"state,omitempty"` // the state afterwards
	Fields  []string            `json:"fields,omitempty"`
	TLP     string              `json:"tlp,omitempty"`
	Code    string              `json:"code,omitempty"`
	Agency  string              `json:"agency,omitempty"`
	Until   time.Time           `json:"until,omitzero"`
	Scores  map[string]int      `json:"scores,omitempty"`
	Use     string              `json:"use,omitempty"`
	Payload *journal.PayloadRef `json:"payload,omitempty"`
	Held    bool                `json:"held,omitempty"`  // the gate holds the payload
	Drill   bool                `json:"drill,omitempty"` // it belongs to a drill
	Rung    int                 `json:"rung,omitempty"`  // escalate: which step of the ladder, from 1
	// Refused is the code of a move that changed nothing, and Reason says why for people.
	Refused string `json:"refused,omitempty"`
	Reason  string `json:"reason,omitempty"`
	// Of, Lang, Kind and Authentic are those of a translation, see Body.
	Of        *journal.Ref `json:"of,omitempty"`
	Lang      string       `json:"lang,omitempty"`
	Kind      string       `json:"kind,omitempty"`
	Authentic bool         `json:"authentic,omitzero"`
}

// Request is one request: what was asked, where it stands, every move and, once Overlay has filled
// them in, its clocks.
type Request struct {
	ID      journal.Ref     `json:"id"` // the entry that sent it
	Type    string          `json:"type"`
	Urgency string          `json:"urgency"`
	Asking  journal.PartyID `json:"asking"`
	Asked   journal.PartyID `json:"asked"`
	Accord  string          `json:"accord"` // hash of the accord whose clocks count: in force when it was sent
	State   State           `json:"state"`
	Fields  []string        `json:"fields"` // names of the fields in the payload
	TLP     string          `json:"tlp,omitempty"`
	Sent    time.Time       `json:"sent"` // what the asking side says
	// Detected is when what is notified was detected, as the asking side says.
	Detected time.Time `json:"detected,omitzero"`
	// Until is how long data are preserved, as the asked side says.
	Until   time.Time      `json:"until,omitzero"`
	Agency  string         `json:"agency,omitempty"`
	Scores  map[string]int `json:"scores,omitempty"`
	Use     string         `json:"use,omitempty"`
	Steps   []Step         `json:"steps"`   // applied, in order; the first is the send
	Illegal []Step         `json:"illegal"` // changed nothing, in order
	// Next are the moves each side may make now.
	Next map[Side][]string `json:"next"`
	// Disputed says that a side has put a disagreement on record.
	Disputed bool `json:"disputed,omitempty"`

	Overlay // computed from now; empty until Clocked

	life *lifecycle
	seen map[journal.Ref]int // where the step of an entry is: in Steps, or -1-i in Illegal
}

// NewRequest opens a request by its send move. asked is who is asked and accordHash names the
// terms that count. It fails with a *MoveError for a type without a table, or without an addressee.
func NewRequest(send Move, asked journal.PartyID, accordHash string) (*Request, error) {
	life := lifecycles()[send.Body.Type]
	switch {
	case send.Name != Send || send.Body.Request != nil:
		return nil, &MoveError{CodeUnknownRequest, send.Ref, "a request is opened by send, which names no request"}
	case life == nil:
		return nil, &MoveError{CodeUnknownType, send.Ref, fmt.Sprintf("there is no table for requests of type %q; there is one for %s", clip(send.Body.Type), strings.Join(Types(), ", "))}
	case send.Body.Detected.After(send.At):
		return nil, &MoveError{CodeBadDate, send.Ref, "it says to have been detected after it was sent"}
	case asked == "" || asked == send.Party:
		return nil, &MoveError{CodeNoAddressee, send.Ref, "name in \"to\" another member that is asked"}
	}
	r := &Request{
		ID: send.Ref, Type: send.Body.Type, Urgency: send.Body.Urgency, Asking: send.Party, Asked: asked,
		Accord: accordHash, State: life.start, Fields: append([]string{}, send.Body.Fields...), TLP: send.Body.TLP, Sent: send.At, Detected: send.Body.Detected,
		Illegal: []Step{}, life: life, seen: map[journal.Ref]int{send.Ref: 0},
	}
	r.Steps = []Step{step(send, life.start)}
	r.setNext()
	return r, nil
}

// SideOf returns the side a party is on, "" for a third.
func (r *Request) SideOf(p journal.PartyID) Side {
	switch p {
	case r.Asking:
		return Asking
	case r.Asked:
		return Asked
	}
	return ""
}

// Apply makes one move. A move that the table does not hold changes nothing, is kept in Illegal and
// returned as a *MoveError. The same entry again is CodeDuplicate and leaves no second trace.
func (r *Request) Apply(m Move) error {
	if _, seen := r.seen[m.Ref]; seen {
		return &MoveError{CodeDuplicate, m.Ref, "this entry was applied already"}
	}
	code, why := r.Judge(m)
	if code != "" {
		return r.Reject(m, code, why)
	}
	to := r.life.edges[edge{r.State, m.Name, r.SideOf(m.Party)}]
	r.State = to
	r.seen[m.Ref] = len(r.Steps)
	r.Steps = append(r.Steps, step(m, to))
	switch m.Name {
	case Transfer:
		r.Agency = m.Body.Agency
	case Assess:
		r.Scores, r.Use = m.Body.Scores, m.Body.Use
	case Dispute:
		r.Disputed = true
	case Hold:
		r.Until = m.Body.Until
	}
	r.setNext()
	return nil
}

// Reject records a move that something other than the table refused and returns the *MoveError.
func (r *Request) Reject(m Move, code, why string) error {
	r.seen[m.Ref] = -1 - len(r.Illegal)
	r.Illegal = append(r.Illegal, Refusal(m, code, why))
	return &MoveError{code, m.Ref, why}
}

// Step returns the step of an entry, applied or illegal, ok false if the request knows none. It costs the same however
// many steps there are.
func (r *Request) Step(ref journal.Ref) (s Step, ok bool) {
	switch i, known := r.seen[ref]; {
	case !known:
		return Step{}, false
	case i < 0:
		return r.Illegal[-1-i], true
	default:
		return r.Steps[i], true
	}
}

// Refusal is the record of a move that changed nothing.
func Refusal(m Move, code, why string) Step {
	s := step(m, "")
	s.Refused, s.Reason = code, why
	return s
}

// Judge returns why the table does not hold a move, a code and a reason, or "" if it does. It
// changes nothing.
func (r *Request) Judge(m Move) (code, why string) {
	side := r.SideOf(m.Party)
	if _, ok := r.life.edges[edge{r.State, m.Name, side}]; ok {
		if len(r.Steps) >= MaxMoves {
			return CodeTooMany, fmt.Sprintf("a request has at most %d moves", MaxMoves)
		}
		return r.refuse(m, side)
	}
	switch {
	case m.Name == Send:
		return CodeDuplicate, "the request was sent already"
	case !r.life.knows(m.Name):
		return CodeUnknownMove, fmt.Sprintf("requests of type %s have no move %q", r.Type, clip(m.Name))
	case side == "":
		return CodeWrongSide, "the author is on neither side of this request"
	case !r.owns(m.Name, side):
		return CodeWrongSide, fmt.Sprintf("%s belongs to the other side; the %s side may now: %v", m.Name, side, r.life.next(r.State, side))
	case r.made(m.Name, side):
		return CodeDuplicate, fmt.Sprintf("%s was made already", m.Name)
	}
	return CodeWrongState, fmt.Sprintf("no %s in state %s; the %s side may now: %v", m.Name, r.State, side, r.life.next(r.State, side))
}

// refuse says why a move that the table holds is not made: it was made, or its dates contradict
// what was said.
func (r *Request) refuse(m Move, side Side) (code, why string) {
	switch {
	case slices.Contains(r.life.once, m.Name) && slices.ContainsFunc(r.Steps, func(s Step) bool { return s.Move == m.Name && r.SideOf(s.Party) == side }):
		return CodeDuplicate, fmt.Sprintf("%s was made already", m.Name)
	case m.Name == Translate:
		return r.untranslatable(m)
	case m.Name == Postpone && !m.Body.Until.After(m.At):
		return CodeBadDate, "a request is postponed to a date that lies ahead"
	case m.Name == Hold && !m.Body.Until.After(m.At):
		return CodeBadDate, "data are kept until a date that lies ahead"
	case m.Name == Hold && m.Body.Until.Before(r.Until):
		return CodeBadDate, fmt.Sprintf("data that are kept until %s are not kept for a shorter time", r.Until.Format(time.RFC3339))
	case m.Name == Lapse && m.At.Before(r.Until):
		return CodeBadDate, fmt.Sprintf("the data are kept until %s", r.Until.Format(time.RFC3339))
	}
	return "", ""
}

// untranslatable says why a translation does not count: there is no such text, or somebody else's is
// declared authentic.
func (r *Request) untranslatable(m Move) (code, why string) {
	var of Step
	if m.Body.Of != nil {
		if i, seen := r.seen[*m.Body.Of]; seen && i >= 0 {
			of = r.Steps[i]
		}
	}
	switch {
	case of.Payload == nil || of.Move == Translate:
		return CodeUnknownText, "the entry that \"of\" names is no move of this request with a text of its own"
	case m.Payload == nil:
		return CodeUnknownText, "a translation has a text"
	case m.Body.Authentic && of.Party != m.Party:
		return CodeNotAuthor, "who did not write the text cannot say that a translation is authentic too"
	}
	return "", ""
}

// moves says whether a move has to do with the life of a request, and is not put on record beside it.
func moves(name string) bool { return name != Dispute && name != Translate }

// owns says whether a side has the move in any state.
func (r *Request) owns(move string, side Side) bool {
	for e := range r.life.edges {
		if e.move == move && e.side == side {
			return true
		}
	}
	return false
}

// made says whether the side's move is what led to the present state.
func (r *Request) made(move string, side Side) bool {
	for i := len(r.Steps) - 1; i > 0; i-- {
		if s := r.Steps[i]; moves(s.Move) {
			return s.Move == move && r.SideOf(s.Party) == side && s.State == r.State
		}
	}
	return false
}

func (r *Request) setNext() {
	r.Next = map[Side][]string{Asking: slices.Clone(r.life.next(r.State, Asking)), Asked: slices.Clone(r.life.next(r.State, Asked))}
}

func step(m Move, to State) Step {
	b := m.Body
	return Step{Ref: m.Ref, Move: m.Name, Party: m.Party, By: m.By, At: m.At, State: to, Fields: b.Fields, TLP: b.TLP,
		Code: b.Code, Agency: b.Agency, Until: b.Until, Scores: b.Scores, Use: b.Use, Payload: m.Payload, Held: m.Held,
		Of: b.Of, Lang: b.Lang, Kind: b.Kind, Authentic: b.Authentic}
}
