package desk

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"entente/journal"
)

// ExhibitState is where the adding of an exhibit stands. What becomes of it afterwards is its custody.
type ExhibitState string

// States of an exhibit.
const (
	BeingAdded ExhibitState = "adding"    // chunks are still to come
	Whole      ExhibitState = "complete"  // every chunk was written, and its author said so
	GivenUp    ExhibitState = "abandoned" // its author gave up adding it
)

// Position is where a party stands towards a complete exhibit.
type Position string

// Positions of a party.
const (
	HoldsNothing Position = ""          // it has stated nothing
	Holds        Position = "holds"     // it added it, or verified the whole and keeps it
	Rejected     Position = "rejected"  // what it was given does not verify, or it does not take it
	Returned     Position = "returned"  // it keeps nothing of it, and gave it back
	Destroyed    Position = "destroyed" // it keeps nothing of it
)

// Acts of custody: what a custody move states.
const (
	ActReceived  = "received"  // the whole was verified here, and is held
	ActRejected  = "rejected"  // it was not taken; the code says why
	ActHanded    = "handed"    // it passed to another agency or role of the same party
	ActExamined  = "examined"  // it was worked on
	ActReturned  = "returned"  // it was given back; nothing is kept
	ActDestroyed = "destroyed" // what was kept was destroyed
)

// custodyEdge is a line of the table of custody.
type custodyEdge struct {
	from Position
	act  string
}

// custody returns the table: what a party in a position may state, and where it then stands. What
// was destroyed does not come back.
func custody() map[custodyEdge]Position {
	return map[custodyEdge]Position{
		{HoldsNothing, ActReceived}: Holds,
		{Rejected, ActReceived}:     Holds,
		{Returned, ActReceived}:     Holds,
		{HoldsNothing, ActRejected}: Rejected,
		{Rejected, ActRejected}:     Rejected,
		{Returned, ActRejected}:     Rejected,
		{Holds, ActHanded}:          Holds,
		{Holds, ActExamined}:        Holds,
		{Holds, ActReturned}:        Returned,
		{Holds, ActDestroyed}:       Destroyed,
	}
}

// Acts returns the acts of custody, sorted.
func Acts() []string {
	return []string{ActDestroyed, ActExamined, ActHanded, ActReceived, ActRejected, ActReturned}
}

// ExhibitTable returns the table of custody as text, one "position act -> position" a line, sorted.
// Documentation and a golden test hold the same text.
func ExhibitTable() string {
	var lines []string
	for e, to := range custody() {
		from := string(e.from)
		if from == "" {
			from = "-"
		}
		lines = append(lines, fmt.Sprintf("%-9s %-9s -> %s", from, e.act, to))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n") + "\n"
}

// ExhibitStep is an entry of an exhibit other than a chunk, or one that changed nothing and why.
type ExhibitStep struct {
	Ref     journal.Ref         `json:"ref"`
	Move    string              `json:"move"`
	Party   journal.PartyID     `json:"party"`
	By      journal.By          `json:"by"`
	At      time.Time           `json:"at"`
	Act     string              `json:"act,omitempty"`
	Seal    *journal.Hash       `json:"seal,omitempty"`
	Code    string              `json:"code,omitempty"`
	Agency  string              `json:"agency,omitempty"`
	Role    string              `json:"role,omitempty"`
	Number  int64               `json:"number,omitempty"` // of a chunk that changed nothing
	Payload *journal.PayloadRef `json:"payload,omitempty"`
	Held    bool                `json:"held,omitempty"` // the gate holds the payload
	// Refused is the code of an entry that changed nothing, and Reason says why for people.
	Refused string `json:"refused,omitempty"`
	Reason  string `json:"reason,omitempty"`
}

// Holder says where one party stands towards an exhibit.
type Holder struct {
	Party    journal.PartyID `json:"party"`
	Position Position        `json:"position"`
	Agency   string          `json:"agency,omitempty"` // who has it at that party
	Role     string          `json:"role,omitempty"`
	Since    time.Time       `json:"since"`
	Ref      journal.Ref     `json:"ref"` // the entry that said so
}

// Chunk is one chunk of an exhibit.
type Chunk struct {
	Ref     journal.Ref
	Payload journal.PayloadRef
}

// Exhibit is a file or a folder that was attached by hash: what is known of it without its content,
// how much of it was written, and who held it.
type Exhibit struct {
	ID        journal.Ref     `json:"id"` // the entry that added it
	Party     journal.PartyID `json:"party"`
	About     *journal.Ref    `json:"about,omitempty"` // the request or case that it belongs to
	State     ExhibitState    `json:"state"`
	TLP       string          `json:"tlp,omitempty"`
	Added     time.Time       `json:"added"`
	Completed time.Time       `json:"completed,omitzero"`
	Files     int64           `json:"files"`
	Size      int64           `json:"size"`   // of all files together, in bytes
	Chunk     int64           `json:"chunk"`  // size of every chunk but the last, in bytes
	Chunks    int64           `json:"chunks"` // of the whole
	Have      int64           `json:"have"`   // chunks written
	// Seal is the commitment of the manifest. The manifest holds the hash of every file and chunk, so
	// this one value stands for the whole, and tells nothing once the salt is destroyed.
	Seal    journal.Hash  `json:"seal"`
	Steps   []ExhibitStep `json:"steps"`   // applied, in order, without the chunks; the first is the add
	Illegal []ExhibitStep `json:"illegal"` // changed nothing, in order
	Holders []Holder      `json:"holders"` // by party

	manifest journal.PayloadRef
	chunks   map[int64]Chunk
	seen     map[journal.Ref]bool
}

// NewExhibit opens an exhibit by its add entry. It fails with a *MoveError.
func NewExhibit(add ExhibitMove) (*Exhibit, error) {
	switch {
	case add.Name != ExhibitAdd || add.Body.Exhibit != nil:
		return nil, &MoveError{CodeUnknownThread, add.Ref, "an exhibit is opened by add, which names none"}
	case add.Payload == nil || add.Payload.Type != journal.PayloadExhibit:
		return nil, &MoveError{CodeBadBody, add.Ref, "an exhibit is opened with its manifest as payload"}
	}
	b := add.Body
	x := &Exhibit{ID: add.Ref, Party: add.Party, About: b.About, State: BeingAdded, TLP: b.TLP, Added: add.At,
		Files: b.Files, Size: b.Size, Chunk: b.Chunk, Chunks: b.Chunks, Seal: add.Payload.Commitment,
		Illegal: []ExhibitStep{}, Holders: []Holder{}, manifest: *add.Payload,
		chunks: map[int64]Chunk{}, seen: map[journal.Ref]bool{add.Ref: true}}
	x.Steps = []ExhibitStep{exhibitStep(add)}
	return x, nil
}

// Manifest is what the add entry says of the manifest.
func (x *Exhibit) Manifest() journal.PayloadRef { return x.manifest }

// ChunkAt returns a chunk by its number, ok false if it was not written.
func (x *Exhibit) ChunkAt(number int64) (c Chunk, ok bool) {
	c, ok = x.chunks[number]
	return c, ok
}

// Written yields the chunks that were written, in no order. It costs no more than there are, whatever their
// number is said to be.
func (x *Exhibit) Written() iter.Seq2[int64, Chunk] { return maps.All(x.chunks) }

// Missing returns the numbers of chunks that were not written, ascending, at most so many.
func (x *Exhibit) Missing(most int) []int64 {
	var out []int64
	for n := int64(0); n < x.Chunks && len(out) < most && x.Have < x.Chunks; n++ {
		if _, ok := x.chunks[n]; !ok {
			out = append(out, n)
		}
	}
	return out
}

// Position returns where a party stands, and who has the exhibit there.
func (x *Exhibit) Position(p journal.PartyID) Holder {
	for _, h := range x.Holders {
		if h.Party == p {
			return h
		}
	}
	return Holder{Party: p}
}

// Next returns what a party may do now: moves, and acts of custody; sorted.
func (x *Exhibit) Next(p journal.PartyID) []string {
	out := []string{}
	switch {
	case x.State == BeingAdded && p == x.Party && x.Have == x.Chunks:
		out = append(out, ExhibitAbandon, ExhibitComplete)
	case x.State == BeingAdded && p == x.Party:
		out = append(out, ExhibitAbandon, ExhibitChunk)
	case x.State == Whole:
		at := x.Position(p).Position
		for e := range custody() {
			if e.from == at {
				out = append(out, e.act)
			}
		}
		slices.Sort(out)
	}
	return out
}

// Apply makes one move. One that is illegal changes nothing, is kept in Illegal and returned as a
// *MoveError. The same entry again is CodeDuplicate and leaves no second trace.
func (x *Exhibit) Apply(m ExhibitMove) error {
	if x.seen[m.Ref] {
		return &MoveError{CodeDuplicate, m.Ref, "this entry was applied already"}
	}
	if code, why := x.Judge(m); code != "" {
		return x.Reject(m, code, why)
	}
	x.seen[m.Ref] = true
	switch m.Name {
	case ExhibitChunk:
		x.chunks[m.Body.Number] = Chunk{m.Ref, *m.Payload}
		x.Have++
		return nil
	case ExhibitComplete:
		x.State, x.Completed = Whole, m.At
		x.hold(Holder{Party: m.Party, Position: Holds, Agency: m.By.Agency, Role: m.By.Role, Since: m.At, Ref: m.Ref})
	case ExhibitAbandon:
		x.State = GivenUp
	case ExhibitCustody:
		h := Holder{Party: m.Party, Agency: m.By.Agency, Role: m.By.Role, Since: m.At, Ref: m.Ref,
			Position: custody()[custodyEdge{x.Position(m.Party).Position, m.Body.Act}]}
		if m.Body.Act == ActHanded {
			h.Agency, h.Role = m.Body.Agency, m.Body.Role
		}
		x.hold(h)
	}
	x.Steps = append(x.Steps, exhibitStep(m))
	return nil
}

// hold notes where a party stands. The list is made anew, so that what was handed out stays as it was.
func (x *Exhibit) hold(h Holder) {
	out := slices.DeleteFunc(slices.Clone(x.Holders), func(o Holder) bool { return o.Party == h.Party })
	out = append(out, h)
	slices.SortFunc(out, func(a, b Holder) int { return cmp.Compare(a.Party, b.Party) })
	x.Holders = out
}

// Reject records a move that something other than the table refused and returns the *MoveError.
func (x *Exhibit) Reject(m ExhibitMove, code, why string) error {
	x.seen[m.Ref] = true
	s := exhibitStep(m)
	s.Refused, s.Reason, s.Number = code, why, m.Body.Number
	x.Illegal = append(x.Illegal, s)
	return &MoveError{code, m.Ref, why}
}

// Judge returns why a move would change nothing, a code and a reason, or "" if it would. It changes
// nothing.
func (x *Exhibit) Judge(m ExhibitMove) (code, why string) {
	switch m.Name {
	case ExhibitAdd:
		return CodeDuplicate, "the exhibit was added already"
	case ExhibitCustody:
		return x.judgeCustody(m)
	case ExhibitChunk, ExhibitComplete, ExhibitAbandon:
	default:
		return CodeUnknownMove, fmt.Sprintf("exhibits have no move %q", clip(m.Name))
	}
	switch {
	case m.Party != x.Party:
		return CodeWrongSide, m.Name + " belongs to the party that adds the exhibit"
	case x.State != BeingAdded:
		return CodeWrongState, fmt.Sprintf("no %s: the exhibit is %s", m.Name, x.State)
	case m.Name == ExhibitComplete && x.Have < x.Chunks:
		return CodeIncomplete, fmt.Sprintf("%d of %d chunks were written", x.Have, x.Chunks)
	case m.Name == ExhibitChunk:
		return x.judgeChunk(m)
	}
	return "", ""
}

func (x *Exhibit) judgeChunk(m ExhibitMove) (code, why string) {
	n := m.Body.Number
	_, there := x.chunks[n]
	switch {
	case m.Payload == nil || m.Payload.Type != journal.PayloadChunk:
		return CodeBadBody, "a chunk has its bytes as payload"
	case n >= x.Chunks:
		return CodeBadBody, fmt.Sprintf("chunk %d of an exhibit with %d", n, x.Chunks)
	case there:
		return CodeDuplicate, fmt.Sprintf("chunk %d was written already", n)
	}
	return "", ""
}

func (x *Exhibit) judgeCustody(m ExhibitMove) (code, why string) {
	at := x.Position(m.Party)
	_, may := custody()[custodyEdge{at.Position, m.Body.Act}]
	switch {
	case x.State != Whole:
		return CodeWrongState, fmt.Sprintf("nobody can take what is not complete: the exhibit is %s", x.State)
	case !slices.Contains(Acts(), m.Body.Act):
		return CodeUnknownMove, fmt.Sprintf("custody has no act %q", clip(m.Body.Act))
	case !may:
		stands := string(at.Position)
		if stands == "" {
			stands = "has stated nothing"
		}
		return CodeWrongState, fmt.Sprintf("no %s: this party %s; it may now: %v", m.Body.Act, stands, x.Next(m.Party))
	case m.Body.Seal == nil || *m.Body.Seal != x.Seal:
		return CodeWrongHash, "the statement is about other bytes than the exhibit's"
	case len(x.Steps) >= MaxMoves:
		return CodeTooMany, fmt.Sprintf("an exhibit has at most %d statements", MaxMoves)
	}
	return "", ""
}

func exhibitStep(m ExhibitMove) ExhibitStep {
	b := m.Body
	return ExhibitStep{Ref: m.Ref, Move: m.Name, Party: m.Party, By: m.By, At: m.At, Act: b.Act, Seal: b.Seal, Code: b.Code,
		Agency: b.Agency, Role: b.Role, Payload: m.Payload, Held: m.Held}
}
