package unit

import (
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"entente/internal/desk"
	"entente/journal"
)

// requests are what one member asks another.
var requests = &family{
	prefix: "request.", unknown: desk.CodeUnknownRequest,
	parse: func(move string, raw jsontext.Value) (any, *journal.Ref, error) {
		b, err := desk.ParseBody(move, raw)
		return b, b.Request, err
	},
	open: func(f *Fold, r *record) (func() state, error) {
		send := actOf[desk.Body](r)
		asked, hash := f.addressee(r.lane.view, r.lane.party, send.Body.To), r.terms.hashOf()
		return opener(func() (*desk.Request, error) { return desk.NewRequest(send, asked, hash) })
	},
}

// addressee returns who is meant: the member named, or the only other one; "" for nobody.
func (f *Fold) addressee(v *view, author, named journal.PartyID) journal.PartyID {
	others := slices.DeleteFunc(f.members(v, true), func(p journal.PartyID) bool { return p == author })
	switch {
	case named == "" && len(others) == 1:
		return others[0]
	case slices.Contains(others, named):
		return named
	}
	return ""
}

// Move tells what became of a request entry: the step of the request that it belongs to, or, as in [State.Strays], of one
// that belongs to none; its member Refused says why it changed nothing. ok is false for other entries, for those that are void,
// and for what is not placed.
//
// It costs the same however many entries and requests there are. Only a request to which somebody added a move without
// having seen all others, or any request once a journal has a successor or a member left, is put in order again, once for
// everything that came since.
func (f *Fold) Move(ref journal.Ref) (s desk.Step, ok bool) {
	f.fresh()
	r := f.lookup(ref)
	switch {
	case r == nil || familyOf(r.kind) != requests:
		return desk.Step{}, false
	case r.stray:
		return strayStep(r), true
	}
	t := f.threadOf(r)
	if t == nil {
		return desk.Step{}, false
	}
	return stateOf[*desk.Request](f, t).Step(ref)
}

// strayStep is the record of an entry that belongs to no thread. The move of a request stands there by its name, any other
// by its kind.
func strayStep(r *record) desk.Step {
	m := desk.Move{Ref: r.ref(), Name: r.kind, Party: r.lane.party, By: r.by, At: r.at, Payload: r.payload}
	if familyOf(r.kind) == requests {
		m.Name = moveOf(r.kind)
	}
	s := desk.Refusal(m, r.code, r.why)
	switch b := r.body.(*ContentBody).desk.(type) {
	case desk.CallBody:
		s.Drill = b.Drill
	case desk.ContactBody:
		s.Drill = b.Drill
	}
	return s
}
