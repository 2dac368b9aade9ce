package node

import (
	"cmp"
	"strings"
	"time"

	"entente/internal/desk"
	"entente/internal/lang"
	"entente/journal"
)

// posting is an entry of content that an officer is about to write.
type posting struct {
	kind        string
	act         Acting
	body        func(bytes int64) any // the body of the entry, once the size of what goes with it is known
	payloadType string                // of what goes with it; "" for words
	plain       []byte                // what goes with it, nil for nothing
	sealed      bool                  // what goes with it is not to lie readable here
	also        []journal.Draft       // what is written with it
	// refused tells that the entry would have no effect, in the words of its family; nil: in those of all.
	refused   func(code, why string) error
	gateFirst bool // what the gate says against it is told before what the desk does: of what opens a request
	dryRun    bool
}

// post is the one way in which an officer's entry of content is written: it asks the desk whether the entry would have an effect, then
// the gate, keeps what goes with it and writes. Of one that the desk or the gate refuses nothing is kept; what only lacks a second
// person is held ready, if that is asked for, and is no entry yet. The lock must be held.
func (l *ledger) post(x posting) (*WriteResponse, []*journal.Entry, error) {
	d := journal.Draft{Kind: x.kind, By: l.n.by(x.act.By), Release: claims(x.act.Release), At: l.n.now(), Body: x.body(int64(len(x.plain)))}
	var salt [32]byte
	var data []byte
	if x.plain != nil { // the gate counts the bytes that leave, so the payload is made first
		var ref journal.PayloadRef
		var err error
		if salt, data, ref, err = l.n.sealed(x.plain, cmp.Or(x.payloadType, journal.PayloadText)); err != nil {
			return nil, nil, badInput("This is too large for one payload.", err.Error(), "Send less at a time.")
		}
		d.Payload = &ref
	}
	code, why := l.fold.Check(l.n.keys().party, d)
	dec := decision(l.decide(d))
	if code != "" && (!x.gateFirst || dec.Verdict != "refuse") {
		if x.refused != nil {
			return nil, nil, x.refused(code, why)
		}
		return nil, nil, illegalMove(x.kind, code, why, nil)
	}
	if x.dryRun {
		return &WriteResponse{Unit: string(l.id), Refs: []string{}, DryRun: true, Decision: &dec}, nil, nil
	}
	if dec.Verdict != "allow" {
		w := &WriteResponse{Unit: string(l.id), Refs: []string{}, Decision: &dec}
		var err error
		w.Held, err = l.holdReady(x.act, dec, sealed{d, salt, data})
		return w, nil, err
	}
	if d.Payload != nil {
		keep := l.keep
		if x.sealed {
			keep = l.keepSealed
		}
		if err := keep(d.Payload.Commitment, salt, data); err != nil {
			return nil, nil, l.n.sealedError(err)
		}
	}
	d.At = time.Time{} // the journal says when
	entries, err := l.write(append([]journal.Draft{d}, x.also...)...)
	if err != nil {
		return nil, nil, err
	}
	out := l.wrote(entries)
	out.Decision = &dec
	return &out, entries, nil
}

// illegalMove is what faces show of an entry that would have no effect; next are the moves that are possible, where that is known.
func illegalMove(kind, code, why string, next []string) *Error {
	family, move, _ := strings.Cut(kind, ".")
	e := conflict("illegal-move", cannot(family, move, code), inWords(why)+" ("+code+"). Nothing was written.", "See where it stands with 'show'.")
	if next != nil {
		e.Next = "Possible now: " + nameOr(strings.Join(next, ", "), "nothing") + "."
	}
	e.Terms = &Terms{Family: family, Move: move, Code: code, Next: next}
	return e
}

// cannot says in a sentence that a move is not made: it is not possible now, or not as it was given.
func cannot(family, move, code string) string {
	c := lang.English()
	return c.Text(CannotKey(code), "move", MoveText(c, family, move))
}

// CannotKey is the key of the sentence that a move is not made, by why it is not.
func CannotKey(code string) string {
	if code == desk.CodeBadBody {
		return "problem.bad-body"
	}
	return "problem.illegal-move"
}

// Particular tells that the code of a move that is not made does not say enough: what is wrong with what was given is in the reason.
func Particular(code string) bool { return code == desk.CodeBadBody || code == desk.CodeBadDate }

// inWords is a reason of package desk for people: without the name of the package, and without the moves that are possible, which
// stand in a sentence of their own.
func inWords(why string) string {
	why = strings.TrimPrefix(why, "desk: ")
	for _, list := range []string{"; the asking side may now: ", "; the asked side may now: ", "; it may now: "} {
		why, _, _ = strings.Cut(why, list)
	}
	return why
}
