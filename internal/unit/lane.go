package unit

import (
	"fmt"
	"slices"
	"sort"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"entente/internal/accord"
	"entente/internal/desk"
	"entente/journal"
)

// lane is one journal as the fold knows it.
type lane struct {
	origin journal.Origin
	party  journal.PartyID
	epoch  int
	slot   int // place in the vectors of this fold; depends on arrival and is never shown

	stored []tlog.Hash // RFC 6962 hashes in the order of tlog.StoredHashIndex
	recs   []*record   // all that is known, in order
	placed int         // how many of them are placed (their past is known)

	floor map[journal.Origin]journal.Head // what later entries have to cover: seen and receipts

	// named is, by journal, how far the author itself says it holds it, from which entry on; ascending
	named map[journal.Origin][]naming

	view   *view     // what the author knew at its last placed entry
	at     time.Time // of the last placed entry that is not void
	events []*record // placed entries that change what others may do
	// proposed counts the texts the journal proposed, by what they supersede
	proposed map[string]int
	acked    map[string]*text          // by superseded hash: the first complete successor seen
	bad      bool                      // a successor without a valid certificate
	name     string                    // of the party, as the genesis says
	pred     *journal.Predecessor      // of a successor
	receipt  map[journal.Origin][]mark // receipts this journal gives, ascending by size
	openings map[*family]*openings     // threads that the journal opened, of families that are counted
}

// openings are the threads of one family that one journal opened: how many, and when those of its last day.
type openings struct {
	all int
	day []time.Time
}

// openedOne notes that the journal opened a thread of a family.
func (l *lane) openedOne(fam *family, at time.Time) {
	if l.openings == nil {
		l.openings = map[*family]*openings{}
	}
	o := l.openings[fam]
	if o == nil {
		o = &openings{}
		l.openings[fam] = o
	}
	o.all++
	o.day = append(slices.DeleteFunc(o.day, func(t time.Time) bool { return !t.After(at.Add(-24 * time.Hour)) }), at)
}

// crowded says why the journal opens no further thread of a family at an instant, "" if it may. Its own entries alone decide that, so that
// everybody counts alike, whatever comes in which order.
func (l *lane) crowded(fam *family, at time.Time) string {
	o := l.openings[fam]
	if o == nil {
		return ""
	}
	recent := 0
	for _, t := range o.day {
		if t.After(at.Add(-24 * time.Hour)) {
			recent++
		}
	}
	switch {
	case o.all >= desk.MaxThreads:
		return fmt.Sprintf("the journal has opened %d of this kind; a successor journal can open more", o.all)
	case recent >= desk.MaxThreadsADay:
		return fmt.Sprintf("the journal has opened %d of this kind within a day; wait", recent)
	}
	return ""
}

// naming says that an entry is the first of its journal to name a head of so many entries.
type naming struct{ index, size int64 }

// namedAt returns up to where the lane's first limit entries themselves name another journal, in the
// history that is held here.
func (l *lane) namedAt(o journal.Origin, limit int64) int64 {
	list := l.named[o]
	i := sort.Search(len(list), func(i int) bool { return list[i].index >= limit })
	if i == 0 {
		return 0
	}
	return list[i-1].size
}

// mark is a receipt: everything below size, except missing, is held by the lane's party.
type mark struct {
	rec     *record
	head    journal.Head
	missing map[journal.Hash]bool
}

// record is what the fold keeps of one entry.
type record struct {
	lane    *lane
	index   int64
	kind    string
	at      time.Time
	by      journal.By
	release []journal.By
	leaf    journal.Hash
	seen    map[journal.Origin]journal.Head
	payload *journal.PayloadRef
	body    any   // parsed by kind, nil when the kind has none
	bodyErr error // why it could not be parsed

	// Set when placed; a function of the entry's causal past alone.
	clock   clock
	code    string // why it changes no state, "" if nothing is wrong
	why     string
	verdict accord.Decision // content only
	terms   *text           // the accord in force in its past
	from    time.Time       // notices only: the later of what it says and what the accord's notice period allows
	// partial: what is held is not all its author had seen. It, or something in its past, names a
	// history of a journal that is not the one held here.
	partial bool
	stray   bool // a request entry that belongs to no request
}

func (r *record) ref() journal.Ref { return journal.Ref{Origin: r.lane.origin, Index: r.index} }

// covers says whether the causal past of r, r included, holds e.
func (r *record) covers(e *record) bool {
	if r.lane == e.lane {
		return e.index <= r.index
	}
	return r.clock.at(e.lane.slot) > e.index
}

// clock is a vector of sizes by slot, without the lane's own. It is shared and never changed.
type clock []int64

func (c clock) at(slot int) int64 {
	if slot < len(c) {
		return c[slot]
	}
	return 0
}

// join returns a clock that covers both, reusing c where nothing is new.
func (c clock) join(slot int, size int64, more clock, own int) clock {
	grown := false
	up := func(s int, n int64) {
		if s == own || n <= c.at(s) {
			return
		}
		if !grown || s >= len(c) {
			next := make(clock, max(len(c), s+1, len(more)))
			copy(next, c)
			c, grown = next, true
		}
		c[s] = n
	}
	up(slot, size)
	for s, n := range more {
		up(s, n)
	}
	return c
}

// add appends a leaf to the tree.
func (l *lane) add(leaf journal.Hash) error {
	hs, err := tlog.StoredHashesForRecordHash(int64(len(l.recs)), leaf, l)
	if err != nil {
		return fmt.Errorf("unit: %w", err)
	}
	l.stored = append(l.stored, hs...)
	return nil
}

// ReadHashes implements tlog.HashReader over what is held in memory.
func (l *lane) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		if x < 0 || x >= int64(len(l.stored)) {
			return nil, fmt.Errorf("unit: hash %d is not held", x)
		}
		out[i] = l.stored[x]
	}
	return out, nil
}

// root returns the root at a size that is known; ok is false beyond.
func (l *lane) root(size int64) (journal.Hash, bool) {
	if size < 0 || size > int64(len(l.recs)) {
		return journal.Hash{}, false
	}
	h, err := tlog.TreeHash(size, l)
	return h, err == nil
}

func (l *lane) head(size int64) journal.Head {
	h, _ := l.root(size)
	return journal.Head{Size: size, Root: h}
}
