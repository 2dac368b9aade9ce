package unit

import (
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"entente/internal/accord"
	"entente/journal"
)

// Errors of Add.
var (
	// ErrGap marks an entry whose predecessor has not been added.
	ErrGap = errors.New("unit: entries of one journal have to be added in order; add the missing ones first")
	// ErrConflict marks an entry at a place where another one is held already: its journal was
	// rewritten. The fold keeps what it had.
	ErrConflict = errors.New("unit: another entry is held at this place")
	// ErrForeign marks an entry of another unit.
	ErrForeign = errors.New("unit: the entry belongs to another unit")
)

// Fold folds entries and accord texts into a State. The entries have to come from verified journals
// (journal.Mirror or journal.Verify check signatures, continuity and identities); what the fold
// checks itself is what only all journals together can show. A Fold is not safe for concurrent use.
type Fold struct {
	unit     journal.UnitID
	founding journal.Founding
	bad      error // the founding document cannot be read: nobody has standing

	lanes    []*lane
	byOrigin map[journal.Origin]*lane
	blocked  map[journal.Origin]map[*lane]struct{}

	texts map[string]*text
	full  map[string][]*text          // by superseded hash: texts that all their parties signed
	raw   map[string]*accord.Document // texts that arrived, nil for one that is no valid accord
	// forked are journals proved to have two histories, and the entries that prove it; see Disprove.
	// Of several proofs in one journal the first counts: whoever holds a later one holds it too.
	forked map[journal.Origin]map[journal.Origin]int64
	// stale says that everything has to be reckoned again before the next question is answered. What
	// asks for that may come thousands of times in a row, so it is done once.
	stale   bool
	global  *view     // what somebody knows who has seen everything placed
	suspend []*record // all suspensions ever placed
	leaves  []*record // all withdrawals ever placed
	content []*record // placed content entries
	// breaches are those that the gate refuses, and of kinds that no rule covers: State.Breaches, as placed.
	breaches []*record
	threads  map[*family]map[journal.Ref]*thread
	byID     map[*family][]*thread // threads by the entries that opened them, of the families that somebody asked for
	kept     int                   // requests whose clocks are kept, see Clocked
	clocked  *clockedList          // as Clocked last gave it; nil if that does not last
	line     *line                 // of the hotline and contacts
	stray    []*record             // entries of a family that belong to no thread
	names    map[journal.PartyID]string
	lasting  []*record // evidence, witness, compromise, destroyed: shown as they are
	unknown  []*record
	void     []*record
}

// NewFold returns an empty fold for the unit that the founding document founds.
func NewFold(founding string) *Fold {
	f := &Fold{unit: journal.UnitOf(founding), raw: map[string]*accord.Document{}, forked: map[journal.Origin]map[journal.Origin]int64{}}
	f.founding, f.bad = journal.ParseFounding(founding)
	f.byOrigin, f.blocked = map[journal.Origin]*lane{}, map[journal.Origin]map[*lane]struct{}{}
	f.reset()
	return f
}

// reset forgets everything derived, keeping lanes, entries and texts.
func (f *Fold) reset() {
	f.texts, f.full, f.threads, f.names = map[string]*text{}, map[string][]*text{}, map[*family]map[journal.Ref]*thread{}, map[journal.PartyID]string{}
	f.suspend, f.leaves, f.content, f.breaches, f.stray, f.lasting, f.unknown, f.void = nil, nil, nil, nil, nil, nil, nil, nil
	f.global, f.line = newView(nil), newLine()
	f.byID, f.kept, f.clocked = map[*family][]*thread{}, 0, nil
	clear(f.blocked)
	for _, l := range f.lanes {
		l.placed, l.proposed, l.view, l.at, l.events, l.bad, l.name, l.pred = 0, map[string]int{}, nil, time.Time{}, nil, false, "", nil
		l.floor, l.acked, l.receipt = map[journal.Origin]journal.Head{}, map[string]*text{}, map[journal.Origin][]mark{}
		l.named, l.openings = map[journal.Origin][]naming{}, nil
	}
}

// Unit returns the id of the unit.
func (f *Fold) Unit() journal.UnitID { return f.unit }

// Add takes one entry. Entries of one journal come in order of their index (else ErrGap), entries
// of different journals in any order; one that is held already changes nothing. It fails with
// ErrConflict if another entry is held at that place, and with ErrForeign for another unit's entry.
// What is wrong with an entry in the light of others is no error but shows in the State.
func (f *Fold) Add(e *journal.Entry) error {
	if e.Unit != f.unit {
		return ErrForeign
	}
	l := f.byOrigin[e.Origin()]
	if l == nil {
		if e.Index != 0 {
			return fmt.Errorf("%w (entry %s comes first)", ErrGap, e.Ref())
		}
		l = &lane{origin: e.Origin(), party: e.Author, epoch: e.Epoch, slot: len(f.lanes),
			floor: map[journal.Origin]journal.Head{}, acked: map[string]*text{}, proposed: map[string]int{}, receipt: map[journal.Origin][]mark{},
			named: map[journal.Origin][]naming{}}
		f.lanes = append(f.lanes, l)
		f.byOrigin[l.origin] = l
	}
	switch n := int64(len(l.recs)); {
	case e.Index > n:
		return fmt.Errorf("%w (entry %s, held are %d)", ErrGap, e.Ref(), n)
	case e.Index < n && l.recs[e.Index].leaf != e.LeafHash:
		return fmt.Errorf("%w (entry %s)", ErrConflict, e.Ref())
	case e.Index < n:
		return nil
	}
	if err := l.add(e.LeafHash); err != nil {
		return err
	}
	r := &record{lane: l, index: e.Index, kind: e.Kind, at: e.At.UTC(), by: e.By, release: e.Release, leaf: e.LeafHash,
		seen: e.Seen, payload: e.Payload}
	if n := len(l.recs); n > 0 && sameSeen(l.recs[n-1].seen, e.Seen) {
		r.seen = l.recs[n-1].seen // one map for a run of entries
	}
	r.body, r.bodyErr = parseBody(f.unit, e)
	l.recs = append(l.recs, r)
	f.stale = f.stale || len(f.forked[l.origin]) > 0 // what others say of this journal may fit now
	if !f.stale {
		f.settle(l)
	}
	return nil
}

// AddAccord takes an accord text: the exact JSON that was proposed. It may come before or after the
// entries that name it; later means that everything that depends on it is reckoned again. The error
// says that the text is no valid accord, and then it can never be in force.
func (f *Fold) AddAccord(json []byte) error {
	sum := accord.HashOf(json)
	hash := hex.EncodeToString(sum[:])
	if _, have := f.raw[hash]; have {
		return nil
	}
	doc, err := accord.Load(json)
	f.raw[hash] = doc // nil if it is no valid accord
	if t := f.texts[hash]; t != nil && !f.stale {
		again := t.blind
		for _, r := range t.proposals {
			again = again || doc != nil && !(&text{doc: doc}).matches(r.body.(*ProposeBody))
		}
		t.fill(doc)
		f.stale = again // what entries mean depends on the text
	}
	if err != nil {
		return fmt.Errorf("unit: accord %s: %w", hash, err)
	}
	return nil
}

// Disprove tells the fold that a journal is proved to have two histories; proof is the entry of kind
// evidence whose contradiction the caller has verified. Which of the histories somebody was shown is
// not for that member to answer for: heads of the journal that do not fit what is held here make
// nobody's entry void any more, and nothing waits for them. Otherwise one liar could part all others
// for good. Everything is reckoned again.
func (f *Fold) Disprove(o journal.Origin, proof journal.Ref) {
	known := f.forked[o]
	if known == nil {
		known = map[journal.Origin]int64{}
		f.forked[o], f.stale = known, true
	}
	if first, ok := known[proof.Origin]; !ok || proof.Index < first {
		known[proof.Origin] = proof.Index
	}
}

// fresh reckons everything again if something made that necessary. Every question begins with it.
func (f *Fold) fresh() {
	if !f.stale {
		return
	}
	f.stale = false
	f.reset()
	for _, l := range f.lanes {
		f.settle(l)
	}
}

// unfit says whether a claim is about a journal with two histories and about the one not held here.
func (f *Fold) unfit(c claim) bool {
	if len(f.forked[c.origin]) == 0 {
		return false
	}
	known := f.byOrigin[c.origin]
	if known == nil || c.head.Size > int64(len(known.recs)) {
		return true
	}
	root, ok := known.root(c.head.Size)
	return ok && root != c.head.Root
}

func sameSeen(a, b map[journal.Origin]journal.Head) bool {
	if len(a) != len(b) {
		return false
	}
	for o, h := range a {
		if b[o] != h {
			return false
		}
	}
	return true
}

// settle places every entry whose past has become known, starting with a lane that has grown.
func (f *Fold) settle(first *lane) {
	queue := []*lane{first}
	for len(queue) > 0 {
		l := queue[0]
		queue = queue[1:]
		before := l.placed
		for l.placed < len(l.recs) && f.place(l, l.recs[l.placed]) {
		}
		if l != first && l.placed == before {
			continue
		}
		for waiting := range f.blocked[l.origin] {
			queue = append(queue, waiting)
		}
		delete(f.blocked, l.origin)
	}
}

// block notes that a lane waits for another journal to grow.
func (f *Fold) block(l *lane, on journal.Origin) {
	set := f.blocked[on]
	if set == nil {
		set = map[*lane]struct{}{}
		f.blocked[on] = set
	}
	set[l] = struct{}{}
}
