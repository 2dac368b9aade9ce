package unit

import (
	"iter"
	"slices"
	"sort"
	"strings"
	"time"

	"entente/journal"
)

// Glance is what a list of entries shows of one. It is of what is held, placed or not.
type Glance struct {
	Ref     journal.Ref
	Party   journal.PartyID
	Kind    string
	At      time.Time
	By      journal.By
	Payload *journal.PayloadRef

	seen map[journal.Origin]journal.Head
}

// Saw tells whether the entry itself says that its author had seen another one, or whether that is earlier in the
// same journal.
func (g Glance) Saw(other journal.Ref) bool {
	if g.Ref.Origin == other.Origin {
		return other.Index < g.Ref.Index
	}
	return g.seen[other.Origin].Size > other.Index
}

// Window says which entries [Fold.Backwards] is about; the zero value is all that are held.
type Window struct {
	// Below says of a journal where to begin: its entries with a lower index. One that is not named is read from its end.
	Below map[journal.Origin]int64
	// From and To bound what the authors say of the time; zero: no bound. An entry at To is not in it.
	From, To time.Time
	// Only are the entries that are wanted; nil: all.
	Only []journal.Ref
}

// Backwards yields entries, the newest first: none comes before one that has seen it, and of those that have not seen each
// other the one comes first that is later by its author's clock. What it costs does not depend on how much is held.
// A party that says to have seen what there is not yet cannot stop it.
func (f *Fold) Backwards(w Window) iter.Seq[Glance] {
	only := map[journal.Origin][]int64{}
	for _, ref := range w.Only {
		only[ref.Origin] = append(only[ref.Origin], ref.Index)
	}
	var sides []*side
	for _, l := range f.lanes {
		s := &side{lane: l}
		if w.Only != nil {
			s.only = slices.DeleteFunc(append([]int64{}, only[l.origin]...), func(i int64) bool { return i < 0 || i >= int64(len(l.recs)) })
			slices.Sort(s.only)
			s.only = slices.Compact(s.only)
		}
		s.begin(w)
		sides = append(sides, s)
	}
	slices.SortFunc(sides, func(a, b *side) int { return strings.Compare(string(a.lane.origin), string(b.lane.origin)) })
	for _, s := range sides {
		s.look(sides)
	}
	return func(yield func(Glance) bool) {
		for {
			next := newest(sides)
			if next == nil {
				return
			}
			r := next.at(next.end - 1)
			if !yield(Glance{r.ref(), r.lane.party, r.kind, r.at, r.by, r.payload, r.seen}) {
				return
			}
			next.end--
			next.look(sides)
		}
	}
}

// side is one journal that is read backwards: what is left of it are the places from begin to end.
type side struct {
	lane *lane
	only []int64 // the indices that are wanted; nil: all
	from int
	end  int
	saw  []int64 // by side: how much of that journal the entry before end has seen
}

func (s *side) len() int {
	if s.only != nil {
		return len(s.only)
	}
	return len(s.lane.recs)
}

func (s *side) at(place int) *record {
	if s.only != nil {
		return s.lane.recs[s.only[place]]
	}
	return s.lane.recs[place]
}

// begin finds the places. Within a journal neither index nor time ever decreases.
func (s *side) begin(w Window) {
	all := s.len()
	s.end = all
	if below, ok := w.Below[s.lane.origin]; ok {
		s.end = sort.Search(all, func(i int) bool { return s.at(i).index >= below })
	}
	if !w.To.IsZero() {
		s.end = min(s.end, sort.Search(all, func(i int) bool { return !s.at(i).at.Before(w.To) }))
	}
	if !w.From.IsZero() {
		s.from = sort.Search(all, func(i int) bool { return !s.at(i).at.Before(w.From) })
	}
}

// look notes what the newest entry that is left has seen of the others.
func (s *side) look(sides []*side) {
	if s.saw == nil {
		s.saw = make([]int64, len(sides))
	}
	clear(s.saw)
	if s.end <= s.from {
		return
	}
	seen := s.at(s.end - 1).seen
	for i, other := range sides {
		s.saw[i] = seen[other.lane.origin].Size
	}
}

// newest is the journal whose newest entry comes next, nil if nothing is left.
func newest(sides []*side) *side {
	var free, any *side
	later := func(than, s *side) bool { return than == nil || s.at(s.end-1).at.After(than.at(than.end-1).at) }
	for i, s := range sides {
		if s.end <= s.from {
			continue
		}
		r := s.at(s.end - 1)
		if later(any, s) {
			any = s
		}
		if !slices.ContainsFunc(sides, func(o *side) bool { return o != s && o.saw[i] > r.index }) && later(free, s) {
			free = s
		}
	}
	if free == nil {
		return any // they say to have seen each other, which cannot be
	}
	return free
}

// Given is a receipt as it stands in its giver's journal.
type Given struct {
	Party   journal.PartyID
	Ref     journal.Ref
	At      time.Time
	Head    journal.Head // that it receipts
	Missing bool         // it says that the payload of the entry asked about was not there yet
}

// Covering returns the first receipt of each other party that covers an entry, in the order of the parties.
func (f *Fold) Covering(ref journal.Ref) []Given {
	f.fresh()
	r := f.lookup(ref)
	if r == nil {
		return nil
	}
	first := map[journal.PartyID]*mark{}
	for _, l := range f.lanes {
		marks := l.receipt[ref.Origin]
		i := sort.Search(len(marks), func(i int) bool { return marks[i].head.Size > ref.Index })
		if i == len(marks) {
			continue
		}
		if m := &marks[i]; first[l.party] == nil || m.rec.at.Before(first[l.party].rec.at) {
			first[l.party] = m
		}
	}
	var out []Given
	for p, m := range first {
		out = append(out, Given{p, m.rec.ref(), m.rec.at, m.head, r.payload != nil && m.missing[r.payload.Commitment]})
	}
	slices.SortFunc(out, func(a, b Given) int { return strings.Compare(string(a.Party), string(b.Party)) })
	return out
}

// WitnessEntries returns at most n entries of the kind witness, the newest of the order in which they were placed first.
func (f *Fold) WitnessEntries(n int) []journal.Ref {
	f.fresh()
	var out []journal.Ref
	for i := len(f.lasting) - 1; i >= 0 && len(out) < n; i-- {
		if f.lasting[i].kind == journal.KindWitness {
			out = append(out, f.lasting[i].ref())
		}
	}
	return out
}
