package node

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"sync/atomic"

	"entente/internal/peer"
	"entente/internal/peer/pairing"
	"entente/internal/unit"
	"entente/journal"
)

// A party may have been in a unit before and know nothing of it: its folder was put back
// to before it joined, and the high-water marks are gone. If it began its journal there a
// second time, that would be a fork of itself. So nothing is begun in a unit before the
// inviter, who can be reached at that moment, has shown what it holds of this party.

// errAnswered ends the session in which the inviter is asked: what it holds of this
// party's own journals comes first in its answer.
var errAnswered = errors.New("the inviter has answered")

// began reports whether this party has begun a journal in the unit of a pairing that both
// officers have confirmed. It asks the inviter, over the session protocol, as a member that
// holds nothing; nothing is stored. The inviter cannot make it say yes without something
// that this party's own keys have certified. An inviter that shows nothing is believed.
func (n *Node) began(ctx context.Context, s *pairing.Joiner) (bool, error) {
	cert, err := tlsCertificate(n.tlsKey(), n.opts.Rand, n.now())
	if err != nil {
		return false, err
	}
	q := &question{unit: s.Invitation.Unit, self: n.keys().party}
	client := peer.NewClient(peer.ClientParams{Self: q.self, Cert: cert, Backend: q,
		Limits: n.opts.Limits, Now: n.opts.Clock, Log: n.opts.Log, Dial: n.opts.Dial, KeyLog: n.opts.keyLog})
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	rep, err := client.Sync(ctx, peer.Target{Party: s.Invitation.Party, Unit: q.unit,
		Addresses: s.Invitation.Addresses, Pins: []journal.Hash{s.Invitation.Pin}}, func(peer.Progress) {
		q.answered.Store(true) // one answer says it: there is nothing to give from here
		cancel()
	})
	switch {
	case q.shown.Load():
		return true, nil
	case q.wrong != nil:
		return false, q.unanswered(q.wrong)
	case errors.Is(err, errAnswered) || q.answered.Load():
	case err != nil:
		return false, q.unanswered(err)
	}
	for epoch := range unit.MaxEpochs + 1 {
		if o := journal.OriginOf(q.unit, q.self, epoch); rep.Have[o].Size > 0 {
			return false, q.unanswered(fmt.Errorf("it says that it holds %d entries of this party's journal %s, and has not shown them", rep.Have[o].Size, o.Short()))
		}
	}
	return false, nil
}

// question is what the exchange sees of a node that only asks.
type question struct {
	unit     journal.UnitID
	self     journal.PartyID
	shown    atomic.Bool // a journal that this party's keys have certified
	answered atomic.Bool
	wrong    error // what was shown as this party's and is not
}

var _ peer.Backend = (*question)(nil)

func (q *question) unanswered(err error) error {
	return &Error{Code: CodeHeld, Status: http.StatusServiceUnavailable,
		What: "The pairing is confirmed on both sides, and this node has not entered the unit yet.",
		Why:  fmt.Sprintf("Before it signs anything there, the inviter has to show whether the unit holds a journal that this party began before, and it has not: %v.", err),
		Next: "A serving node asks again by itself. Check that the inviter's node is serving; if it goes on like this, let another member invite.", Err: err}
}

// Hello says that nothing is held.
func (q *question) Hello(context.Context, journal.UnitID, journal.PartyID) (peer.Hello, error) {
	return peer.Hello{Have: map[journal.Origin]journal.Head{}}, nil
}

// Since gives nothing.
func (q *question) Since(context.Context, journal.UnitID, journal.PartyID, map[journal.Origin]journal.Head) iter.Seq2[peer.Run, error] {
	return func(func(peer.Run, error) bool) {}
}

// Payload gives nothing.
func (q *question) Payload(_ context.Context, _ journal.UnitID, _ journal.PartyID, c journal.Hash) (peer.Payload, error) {
	return peer.Payload{}, &peer.Refusal{Code: peer.CodeMissing, Commitment: &c, Detail: "not held here"}
}

// Accept looks at the first stretch that is shown, and ends the session. The genesis has
// to hold under the identities that it tells itself, which begin with the one that this
// party is named after: the folder may be from before a rotation, and know an older
// identity than the one that began the journal.
func (q *question) Accept(_ context.Context, id journal.UnitID, _ journal.PartyID, run peer.Run) (int, error) {
	if run.First != 0 || len(run.Entries) == 0 {
		return 0, errAnswered
	}
	e, err := journal.ParseEntry(run.Entries[0])
	if err != nil || e.Author != q.self {
		return 0, errAnswered
	}
	switch err := journal.CheckGenesis(e, nil); {
	case e.Unit != id || e.Origin() != run.Origin:
		q.wrong = fmt.Errorf("what it shows as this party's journal %s is of another journal or unit", run.Origin.Short())
	case err != nil:
		q.wrong = fmt.Errorf("what it shows as this party's journal %s does not hold (%w)", run.Origin.Short(), err)
	default:
		q.shown.Store(true)
	}
	return 0, errAnswered
}

// AcceptPayload takes none.
func (q *question) AcceptPayload(context.Context, journal.UnitID, journal.PartyID, peer.Payload) (bool, error) {
	return false, errAnswered
}

// Settle signs nothing.
func (q *question) Settle(context.Context, journal.UnitID, journal.PartyID) error { return nil }
