package unit

import (
	"time"

	"entente/internal/desk"
	"entente/journal"
)

// Told is an entry as one of those that several threads were told by.
type Told struct {
	Ref    journal.Ref
	Thread journal.Ref // that it opened or added to; itself if it belongs to none
	Kind   string
	Party  journal.PartyID
	At     time.Time // as its author says
	Act    string    // of a statement of custody
}

// InOrder returns the entries of threads, given by the entries that opened them (or entries that belong to none), in the order of the
// unit: what its author knew comes before what it wrote, whatever the clocks say. It is the same at every member that holds the same.
// Entries that changed nothing, and the pieces of exhibits, are left out.
func (f *Fold) InOrder(opened []journal.Ref) []Told {
	f.fresh()
	var recs []*record
	of := map[*record]journal.Ref{}
	take := func(r *record, thread journal.Ref) {
		if _, twice := of[r]; !twice && r.kind != exhibits.kind(desk.ExhibitChunk) {
			of[r] = thread
			recs = append(recs, r)
		}
	}
	for _, ref := range opened {
		r := f.lookup(ref)
		if r == nil {
			continue
		}
		take(r, ref)
		t := f.threadOpened(ref)
		if t == nil {
			continue
		}
		idle := map[journal.Ref]bool{}
		for _, s := range illegal(f.ordered(t)) {
			idle[s.Ref] = true
		}
		for _, r := range t.moves {
			if !idle[r.ref()] {
				take(r, ref)
			}
		}
	}
	out := make([]Told, 0, len(recs))
	for _, r := range f.order(recs) {
		x := Told{Ref: r.ref(), Thread: of[r], Kind: r.kind, Party: r.lane.party, At: r.at}
		if b, ok := r.body.(*ContentBody); ok {
			if e, ok := b.desk.(desk.ExhibitBody); ok {
				x.Act = e.Act
			}
		}
		out = append(out, x)
	}
	return out
}
