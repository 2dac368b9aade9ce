package peer

import (
	"context"
	"iter"

	"entente/journal"
)

// Run is a stretch of one journal that ends in a signed checkpoint: what can be
// verified as a whole. A Run without entries only shows a checkpoint, of a size
// that may lie anywhere (gossip: heads meet, and witness cosignatures travel).
type Run struct {
	Origin journal.Origin
	// First is the index of the first entry; 0 for a Run without entries.
	First int64
	// Entries are the exact bytes of each entry, at most MaxRunEntries and
	// MaxRunBytes together.
	Entries [][]byte
	// Checkpoint is the signed checkpoint of size First+len(Entries).
	Checkpoint []byte
	// Prefix, if not nil, goes with a Run without entries: what the checkpoint's tree
	// has at a size where the receiver holds another root, with the proof.
	Prefix *journal.Prefix
	// Payloads are commitments of payloads that the sender offers together with
	// these entries, to save a round. They are not on the wire.
	Payloads []journal.Hash
}

// Payload is the salt and the compressed bytes behind a commitment.
type Payload struct {
	Commitment journal.Hash
	Salt       [32]byte
	Data       []byte
}

// Backend is what the exchange asks of a node. All methods may be called at the
// same time by several exchanges. An error that is (or wraps) a *Refusal or a
// *journal.Refusal is told to the peer and the exchange goes on with other
// journals; any other error ends the exchange as a failure of our own, whose text
// the peer never sees.
type Backend interface {
	// Hello says what this node holds and lacks in the unit, for a member. V, Unit,
	// From, To and Sent are filled in by the caller. Want is trimmed to MaxWant.
	Hello(ctx context.Context, unit journal.UnitID, to journal.PartyID) (Hello, error)

	// Since yields what the member lacks, given what it says it has, in an order in
	// which it can be accepted. Each Run starts where the member's journal ends, or
	// where the Run before it ended. A head that contradicts ours is answered with a
	// Refusal and, where it proves something, with a Run that shows our checkpoint.
	Since(ctx context.Context, unit journal.UnitID, to journal.PartyID, have map[journal.Origin]journal.Head) iter.Seq2[Run, error]

	// Payload hands over one payload, after asking the gate again for this member.
	// A payload that may not go or is not here is a Refusal (CodeWithheld,
	// CodeDestroyed, CodeMissing).
	Payload(ctx context.Context, unit journal.UnitID, to journal.PartyID, commitment journal.Hash) (Payload, error)

	// Accept verifies a Run and makes it durable. It returns how many entries were
	// new; what is already held is not an error. The Run's bytes are the callee's.
	Accept(ctx context.Context, unit journal.UnitID, from journal.PartyID, run Run) (added int, err error)

	// AcceptPayload checks a payload against an entry that is held, and makes it
	// durable. It reports whether it was new; one that is held already is not an
	// error. A payload that no held entry names is a Refusal (CodeUnwanted).
	AcceptPayload(ctx context.Context, unit journal.UnitID, from journal.PartyID, p Payload) (added bool, err error)

	// Settle is called once at the end of a packet from which anything was accepted,
	// even if the packet was cut: the time to journal a receipt, which then rides
	// back in the answer.
	Settle(ctx context.Context, unit journal.UnitID, from journal.PartyID) error
}

// Listener is a Backend that wants to know, before anything else of a packet is
// given to it, what the packet's author says it holds: a claim, in which a node
// may see that its own journal was once longer. An error ends the exchange.
type Listener interface {
	Heard(ctx context.Context, unit journal.UnitID, from journal.PartyID, have map[journal.Origin]journal.Head) error
}

// Directory says who is who. It is asked on every request, so that a change of
// keys or members takes effect at once.
type Directory interface {
	// Parties names the parties whose present TLS keys include this pin (SHA-256 of
	// the certificate's SubjectPublicKeyInfo). It is one if everybody is honest.
	// Nobody can be kept from naming somebody else's key as its own, and it must not
	// cost the other its connections: which of them is meant says the message.
	Parties(pin journal.Hash) []journal.PartyID
	// Member reports whether a party may exchange journals of this unit.
	Member(unit journal.UnitID, party journal.PartyID) bool
}
