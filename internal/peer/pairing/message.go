package pairing

import (
	"errors"
	"slices"
	"time"

	"entente/journal"

	"github.com/go-json-experiment/json"
)

// Steps of the protocol, as the joiner sends them. Each is answered with a Message
// of the same step, or a Refusal.
const (
	StepCommit  = "commit"  // token, commitment -> chain, nonce
	StepReveal  = "reveal"  // chain, nonce -> nothing
	StepConfirm = "confirm" // proof, epoch -> confirmed, and then proof, founding, origin, epoch
	StepAbort   = "abort"   // the joiner's officer typed wrong digits -> nothing
)

// MaxMessage bounds one message in bytes.
const MaxMessage = 1 << 20

// Message is one message of the protocol, in either direction.
type Message struct {
	V          int            `json:"v"`
	Step       string         `json:"step"`
	Invitation string         `json:"invitation"` // Invitation.ID
	Token      []byte         `json:"token,omitempty"`
	Commitment journal.Hash   `json:"commitment,omitzero"`
	Chain      []byte         `json:"chain,omitempty"` // exact JSON text of a list of signed identities
	Nonce      []byte         `json:"nonce,omitempty"`
	Proof      journal.Hash   `json:"proof,omitzero"`
	Confirmed  bool           `json:"confirmed,omitzero"`
	Founding   string         `json:"founding,omitzero"`
	Origin     journal.Origin `json:"origin,omitzero"`
	Epoch      int            `json:"epoch,omitzero"`
}

// ParseMessage reads a message and bounds it.
func ParseMessage(data []byte) (Message, error) {
	var m Message
	if len(data) > MaxMessage {
		return m, refuse(CodeBadMessage, "a message of %d bytes, at most %d are allowed", len(data), MaxMessage)
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return m, refuse(CodeBadMessage, "not valid JSON: %v", err)
	}
	if m.V != 1 {
		return m, refuse(CodeBadMessage, "version %d is not spoken here", m.V)
	}
	if len(m.Invitation) != 32 || len(m.Token) > tokenSize || len(m.Nonce) > nonceSize ||
		len(m.Founding) > journal.MaxFounding || m.Epoch < 0 || m.Epoch > maxEpoch {
		return m, refuse(CodeBadMessage, "a member is too long or out of range")
	}
	return m, nil
}

const maxEpoch = 1 << 20

// Marshal writes a message.
func (m Message) Marshal() ([]byte, error) { return json.Marshal(m) }

// Own is what an end shows of itself.
type Own struct {
	Party journal.PartyID
	// Chain is the JSON text of the own identity chain (see MarshalChain).
	Chain []byte
	// Pin is the TLS key in use.
	Pin journal.Hash
	// Epoch and Origin are of the own journal in the unit. Founding is the unit's
	// founding document; only the inviter has it.
	Epoch    int
	Origin   journal.Origin
	Founding string
}

// MarshalChain writes an identity chain as it is sent and hashed.
func MarshalChain(chain []journal.Signed) ([]byte, error) { return json.Marshal(chain) }

// Session is what an end knows of the TLS connection a message came on: the other
// end's key and the exporter's bytes (see ExporterLabel).
type Session struct {
	Pin      journal.Hash
	Exporter []byte
}

// Partner is who was paired with.
type Partner struct {
	Party    journal.PartyID  `json:"party"`
	Identity journal.Identity `json:"-"`
	Chain    []journal.Signed `json:"chain"`
	Unit     journal.UnitID   `json:"unit"`
	Founding string           `json:"founding"`
	Origin   journal.Origin   `json:"origin"`
	Epoch    int              `json:"epoch"`
}

// readChain reads and verifies the identity chain of the other end, whose TLS key
// must be one that the identity names.
func readChain(data []byte, own journal.PartyID, pin journal.Hash, now time.Time) (journal.PartyID, journal.Identity, []journal.Signed, error) {
	var chain []journal.Signed
	fail := func(err error) (journal.PartyID, journal.Identity, []journal.Signed, error) {
		return "", journal.Identity{}, nil, err
	}
	if len(data) == 0 || len(data) > MaxMessage {
		return fail(refuse(CodeBadMessage, "no identity was shown, or one that is too long"))
	}
	if err := json.Unmarshal(data, &chain); err != nil {
		return fail(refuse(CodeBadMessage, "the identity is not valid JSON: %v", err))
	}
	party, id, err := journal.VerifyIdentityChain(chain, now)
	switch {
	case errors.Is(err, journal.ErrExpired):
		return fail(refuse(CodeExpiredID, "the identity shown has expired; its organisation has to renew it before pairing"))
	case err != nil:
		return fail(err)
	case party == own:
		return fail(refuse(CodeOwnIdentity, "the identity shown is this party's own: the invitation was meant for another party, or somebody sends back what it was sent"))
	case !slices.Contains(id.TLS, pin):
		return fail(refuse(CodeWrongKey, "the connection's TLS key is not one that the identity shown names"))
	}
	return party, id, chain, nil
}
