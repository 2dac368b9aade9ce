package unit

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"entente/internal/accord"
	"entente/internal/desk"
	"entente/journal"
)

// draft returns the record and the view that a draft of the author would have if it were written
// now.
func (f *Fold) draft(author journal.PartyID, d journal.Draft) (*record, *view, error) {
	l := f.current(author)
	v := f.global.clone()
	if l != nil {
		if l.view != nil {
			v.day, v.used, v.lowest, v.admits, v.stops = l.view.day, l.view.used, l.view.lowest, l.view.admits, l.view.stops
		}
		f.advance(v, f.placedSize, l)
	} else {
		l = &lane{party: author, slot: -1}
	}
	var raw jsontext.Value
	switch b := d.Body.(type) {
	case nil:
	case jsontext.Value:
		raw = b
	default:
		var err error
		if raw, err = json.Marshal(b); err != nil {
			return nil, nil, fmt.Errorf("unit: body of the draft: %w", err)
		}
	}
	r := &record{lane: l, index: int64(len(l.recs)), kind: d.Kind, at: d.At.UTC(), by: d.By, release: d.Release, payload: d.Payload}
	if r.at.Before(l.at) {
		r.at = l.at
	}
	var err error
	r.body, err = parseBody(f.unit, &journal.Entry{Kind: d.Kind, Body: raw, Unit: f.unit, Author: author})
	return r, v, err
}

// Check says why an entry that an author is about to write now would change no state: a code of this
// package or of package desk and a reason, or "" if nothing stands against it. It does not ask the
// gate; see Decide. It changes nothing.
func (f *Fold) Check(author journal.PartyID, d journal.Draft) (code, reason string) {
	f.fresh()
	r, v, err := f.draft(author, d)
	if err != nil {
		return CodeBadBody, err.Error()
	}
	probe := *r.lane
	probe.view = v
	r.lane = &probe
	r.clock = make(clock, len(f.lanes))
	for i, l := range f.lanes {
		r.clock[i] = int64(l.placed)
	}
	if accord.IsControl(r.kind) {
		w := payloadFlaw(r)
		if w.code == "" && (strings.HasPrefix(r.kind, "accord.") || r.kind == KindAdmit) {
			w = f.negotiate(v, r)
		}
		return w.code, w.text
	}
	fam := familyOf(r.kind)
	if fam == nil {
		return "", ""
	}
	b, ok := r.body.(*ContentBody)
	if !ok { // a name that no content can have: none, or one that is too long
		return desk.CodeUnknownMove, "no move has this name"
	}
	if b.err != nil {
		return desk.CodeBadBody, b.err.Error()
	}
	r.terms = v.terms
	if b.thread == nil {
		_, err := fam.fresh(f, r)
		return fault(err)
	}
	t := f.threads[fam][*b.thread]
	if t == nil {
		return fam.unknown, "nothing that it could add to is held here"
	}
	return f.ordered(t).judge(r)
}

// current returns the journal of the latest epoch of a party, nil if none is known.
func (f *Fold) current(p journal.PartyID) *lane {
	var out *lane
	for _, l := range f.lanes {
		if l.party == p && !l.bad && (out == nil || l.epoch > out.epoch) {
			out = l
		}
	}
	return out
}

// Seen returns what the author's next entry has to say it has seen: of every other journal as much
// as has its whole past known here. A receipt must not go beyond that: an entry that waits for
// others cannot be placed, and what names it could not be placed either.
func (f *Fold) Seen(author journal.PartyID) map[journal.Origin]journal.Head {
	f.fresh()
	out := map[journal.Origin]journal.Head{}
	own := f.current(author)
	for _, l := range f.lanes {
		if l != own && l.placed > 0 && !l.bad {
			out[l.origin] = l.head(int64(l.placed))
		}
	}
	if own != nil {
		for o, h := range own.floor {
			if h.Size > out[o].Size {
				out[o] = h
			}
		}
	}
	return out
}

// NeedsReceipt says whether the entries [from, to) of a journal hold anything but receipts; growth
// by receipts alone needs none, or two nodes would answer each other for ever. Entries that are not
// known count as needing one.
func (f *Fold) NeedsReceipt(o journal.Origin, from, to int64) bool {
	l := f.byOrigin[o]
	for i := from; i < to; i++ {
		if l == nil || i < 0 || i >= int64(len(l.recs)) || l.recs[i].kind != journal.KindReceipt {
			return true
		}
	}
	return false
}

// NeedsWitness says whether a journal of size entries holds anything since its last witness entry
// that is worth a cosignature. Receipts are not: the witness entry that shows them is receipted in
// turn, and two nodes that ask each other would answer each other for ever.
func (f *Fold) NeedsWitness(o journal.Origin, size int64) bool {
	l := f.byOrigin[o]
	if l == nil {
		return size > 0
	}
	for i := min(size, int64(len(l.recs))) - 1; i >= 0; i-- {
		switch l.recs[i].kind {
		case journal.KindReceipt:
		case journal.KindWitness:
			return false
		default:
			return true
		}
	}
	return false
}
