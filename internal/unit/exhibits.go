package unit

import (
	"cmp"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"entente/internal/desk"
	"entente/journal"
)

// exhibits are files and folders that a member attaches by hash.
var exhibits = &family{
	counted: true, prefix: "exhibit.", unknown: desk.CodeUnknownThread,
	parse: func(move string, raw jsontext.Value) (any, *journal.Ref, error) {
		b, err := desk.ParseExhibitBody(move, raw)
		return b, b.Exhibit, err
	},
	open: func(f *Fold, r *record) (func() state, error) {
		add := actOf[desk.ExhibitBody](r)
		if about := add.Body.About; about != nil {
			t := cmp.Or(f.threads[requests][*about], f.threads[cases][*about])
			if t == nil || !r.covers(t.opened) {
				return nil, &desk.MoveError{Code: desk.CodeUnknownRef, Ref: add.Ref, Detail: "its author had seen no request and no case that the entry it is about opened"}
			}
		}
		return opener(func() (*desk.Exhibit, error) { return desk.NewExhibit(add) })
	},
}

// Exhibit is an exhibit with the receipts of its entries.
type Exhibit struct {
	desk.Exhibit
	// Receipts are, for each of Steps, by whom and when it was receipted with its payload.
	Receipts [][]Receipted `json:"receipts"`
	// Received are the parties that have receipted the complete entry: all chunks, as far as their
	// receipts say that they lack none.
	Received []Receipted `json:"received"`
}

// Exhibits returns all exhibits, by the entries that added them.
func (f *Fold) Exhibits() []Exhibit {
	out := make([]Exhibit, 0, len(f.threads[exhibits]))
	for t := range f.sorted(exhibits) {
		out = append(out, f.exhibit(t))
	}
	return out
}

// Exhibit returns one exhibit, ok false if that entry opened none. It may be read, not changed, and
// its chunks only as long as nothing is added to the fold.
func (f *Fold) Exhibit(ref journal.Ref) (x Exhibit, ok bool) {
	t := f.threads[exhibits][ref]
	if t == nil {
		return Exhibit{}, false
	}
	return f.exhibit(t), true
}

func (f *Fold) exhibit(t *thread) Exhibit {
	x := Exhibit{Exhibit: *stateOf[*desk.Exhibit](f, t), Receipts: [][]Receipted{}, Received: []Receipted{}}
	for _, s := range x.Steps {
		by := f.receipted(s.Ref)
		x.Receipts = append(x.Receipts, by)
		if s.Move != desk.ExhibitComplete {
			continue
		}
		for _, r := range by {
			if at, whole := f.receivedAll(r.Party, &x.Exhibit); whole {
				x.Received = append(x.Received, Receipted{r.Party, at})
			}
		}
	}
	return x
}

// receipted returns who receipted an entry with its payload, by party.
func (f *Fold) receipted(ref journal.Ref) []Receipted {
	out := []Receipted{}
	r := f.lookup(ref)
	if r == nil {
		return out
	}
	for _, p := range f.parties() {
		if p == r.lane.party {
			continue
		}
		if at := f.received(p, r); !at.IsZero() {
			out = append(out, Receipted{p, at})
		}
	}
	return out
}

// receivedAll returns when a party had receipted every entry of an exhibit with its payload.
func (f *Fold) receivedAll(p journal.PartyID, x *desk.Exhibit) (last time.Time, whole bool) {
	if x.Have < x.Chunks {
		return last, false
	}
	refs := []journal.Ref{x.ID}
	for _, c := range x.Written() {
		refs = append(refs, c.Ref)
	}
	for _, ref := range refs {
		r := f.lookup(ref)
		if r == nil {
			return last, false
		}
		at := f.received(p, r)
		if at.IsZero() {
			return last, false
		}
		if at.After(last) {
			last = at
		}
	}
	return last, true
}

// parties are all that have a journal, in order.
func (f *Fold) parties() []journal.PartyID {
	var out []journal.PartyID
	for _, l := range f.lanes {
		if !slices.Contains(out, l.party) {
			out = append(out, l.party)
		}
	}
	slices.Sort(out)
	return out
}
