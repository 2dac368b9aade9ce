package pairing

import (
	"crypto/subtle"
	"fmt"
	"io"
	"time"

	"entente/journal"
)

// Phase is how far a pairing has come.
type Phase string

const (
	PhaseOpen      Phase = "open"      // nobody has answered yet
	PhaseCommitted Phase = "committed" // the joiner has committed, we have revealed
	PhaseRevealed  Phase = "revealed"  // both have revealed: the digits are to be compared
	PhasePaired    Phase = "paired"    // both officers have confirmed
	PhaseBurned    Phase = "burned"    // over, nothing came of it
)

// maxCommits bounds how often a joiner may start over, for instance because the
// connection broke. Each start gets a new nonce; after the reveal there is none.
const maxCommits = 3

// Inviter is the inviting end's state. It may be kept as JSON between steps; it is
// to be stored after every call, whether the call returned an error or not.
type Inviter struct {
	Invitation Invitation   `json:"invitation"`
	Phase      Phase        `json:"phase"`
	Commits    int          `json:"commits,omitzero"`
	Commitment journal.Hash `json:"commitment,omitzero"`
	Nonce      []byte       `json:"nonce,omitempty"`
	Exporter   []byte       `json:"exporter,omitempty"`
	OwnChain   []byte       `json:"own_chain,omitempty"`
	OwnPin     journal.Hash `json:"own_pin,omitzero"`

	Joiner      journal.PartyID `json:"joiner,omitzero"`
	JoinerPin   journal.Hash    `json:"joiner_pin,omitzero"`
	JoinerChain []byte          `json:"joiner_chain,omitempty"`
	JoinerEpoch int             `json:"joiner_epoch,omitzero"`
	Transcript  journal.Hash    `json:"transcript,omitzero"`

	// WeConfirmed: the officer here typed the right digits; TheyConfirmed: the
	// joiner's node says so of its officer, with proof.
	WeConfirmed   bool `json:"we_confirmed,omitzero"`
	TheyConfirmed bool `json:"they_confirmed,omitzero"`
	// Why is the code for which the pairing was burned.
	Why string `json:"why,omitzero"`
}

// NewInviter begins with an invitation that NewInvitation made.
func NewInviter(inv Invitation) *Inviter { return &Inviter{Invitation: inv, Phase: PhaseOpen} }

// Waiting reports whether the joiner may still have something to say here, so that
// its unknown TLS key has to be let in.
func (s *Inviter) Waiting(now time.Time) bool {
	return s.Phase != PhaseBurned && s.Phase != PhasePaired && !s.Invitation.Expired(now)
}

// Handle answers one message of a joiner.
func (s *Inviter) Handle(now time.Time, m Message, t Session, own Own, rand io.Reader) (Message, error) {
	reply := Message{V: 1, Step: m.Step, Invitation: s.Invitation.ID()}
	if m.Invitation != reply.Invitation {
		return Message{}, refuse(CodeNoInvitation, "no such invitation is open")
	}
	if s.Phase == PhaseBurned {
		return Message{}, refuse(CodeBurned, "this pairing is over (%s); ask for a new invitation", s.Why)
	}
	if s.Phase != PhasePaired && s.Invitation.Expired(now) {
		return Message{}, s.burn(s.Invitation.late(now, "inviter"))
	}
	if s.Phase != PhaseOpen && s.Phase != PhaseCommitted && t.Pin != s.JoinerPin {
		return Message{}, refuse(CodeUsed, "the invitation was used by another; ask for a new one")
	}
	switch m.Step {
	case StepCommit:
		return s.commit(m, t, own, reply, rand)
	case StepReveal:
		return s.reveal(now, m, t, own, reply)
	case StepConfirm:
		return s.confirmed(m, own, reply)
	case StepAbort:
		return s.aborted(m, reply)
	}
	return Message{}, refuse(CodeBadMessage, "a step that is not known here")
}

func (s *Inviter) burn(r *Refusal) *Refusal {
	s.Phase, s.Why = PhaseBurned, r.Code
	s.Nonce, s.Exporter = nil, nil
	return r
}

func (s *Inviter) commit(m Message, t Session, own Own, reply Message, rand io.Reader) (Message, error) {
	if subtle.ConstantTimeCompare(m.Token, s.Invitation.Token) != 1 {
		return Message{}, refuse(CodeNoInvitation, "no such invitation is open")
	}
	if s.Phase != PhaseOpen && s.Phase != PhaseCommitted {
		return Message{}, refuse(CodeUsed, "the invitation was used; ask for a new one")
	}
	if s.Phase == PhaseCommitted && t.Pin != s.JoinerPin {
		return Message{}, refuse(CodeUsed, "the invitation is being used by another; ask for a new one")
	}
	if s.Commits >= maxCommits {
		return Message{}, s.burn(refuse(CodeTooMany, "the invitation was tried too often; ask for a new one"))
	}
	if m.Commitment == (journal.Hash{}) || len(t.Exporter) != exporterSize {
		return Message{}, refuse(CodeBadMessage, "a commitment is missing")
	}
	if t.Pin == own.Pin {
		return Message{}, refuse(CodeOwnIdentity, "the connection comes from this party's own key")
	}
	nonce := make([]byte, nonceSize)
	if _, err := io.ReadFull(rand, nonce); err != nil {
		return Message{}, fmt.Errorf("pairing: %w", err)
	}
	s.Commits++
	s.Phase, s.JoinerPin, s.Commitment = PhaseCommitted, t.Pin, m.Commitment
	s.Nonce, s.Exporter, s.OwnChain, s.OwnPin = nonce, t.Exporter, own.Chain, own.Pin
	reply.Chain, reply.Nonce = own.Chain, nonce
	return reply, nil
}

func (s *Inviter) reveal(now time.Time, m Message, t Session, own Own, reply Message) (Message, error) {
	switch {
	case s.Phase == PhaseRevealed || s.Phase == PhasePaired:
		return Message{}, refuse(CodeUsed, "this was revealed before")
	case s.Phase != PhaseCommitted:
		return Message{}, refuse(CodeWrongStep, "a commitment comes first")
	case t.Pin != s.JoinerPin || subtle.ConstantTimeCompare(t.Exporter, s.Exporter) != 1:
		return Message{}, refuse(CodeOtherSession, "the commitment came over another connection; start over")
	case len(m.Nonce) != nonceSize || commitmentOf(m.Chain, m.Nonce) != s.Commitment:
		return Message{}, s.burn(refuse(CodeBadCommitment, "what was revealed is not what was committed to; this pairing is over, ask for a new invitation"))
	}
	party, _, _, err := readChain(m.Chain, own.Party, t.Pin, now)
	if err != nil {
		s.Phase, s.Why = PhaseBurned, CodeOf(err)
		return Message{}, err
	}
	e := exchanged{
		inv: &s.Invitation, commitment: s.Commitment, inviterChain: s.OwnChain, inviterN: s.Nonce,
		joinerChain: m.Chain, joinerN: m.Nonce, inviterPin: s.OwnPin, joinerPin: t.Pin, exporter: t.Exporter,
	}
	s.Phase, s.Joiner, s.JoinerChain, s.Transcript = PhaseRevealed, party, m.Chain, e.transcript()
	s.Nonce, s.Exporter = nil, nil // the transcript has them
	return reply, nil
}

// confirmed takes in that the joiner's officer has confirmed, and tells what our
// side says. The joiner asks again until both have.
func (s *Inviter) confirmed(m Message, own Own, reply Message) (Message, error) {
	if s.Phase != PhaseRevealed && s.Phase != PhasePaired {
		return Message{}, refuse(CodeWrongStep, "there is nothing to confirm yet")
	}
	want := proof(s.Transcript, roleJoiner)
	if subtle.ConstantTimeCompare(m.Proof[:], want[:]) != 1 {
		return Message{}, s.spoil(refuse(CodeBadProof, "the confirmation belongs to another pairing; this one is over, make a new invitation"))
	}
	if s.Phase == PhaseRevealed {
		s.TheyConfirmed, s.JoinerEpoch = true, m.Epoch
		s.settle()
	}
	if s.WeConfirmed {
		reply.Confirmed, reply.Proof = true, proof(s.Transcript, roleInviter)
		reply.Founding, reply.Origin, reply.Epoch = own.Founding, own.Origin, own.Epoch
	}
	return reply, nil
}

func (s *Inviter) aborted(m Message, reply Message) (Message, error) {
	if s.Phase == PhasePaired {
		return Message{}, refuse(CodeWrongStep, "both sides have confirmed already")
	}
	if s.Phase == PhaseRevealed {
		s.burn(refuse(CodeWrongDigits, ""))
	}
	return reply, nil
}

// spoil burns the pairing unless it is done already.
func (s *Inviter) spoil(r *Refusal) *Refusal {
	if s.Phase == PhasePaired {
		return r
	}
	return s.burn(r)
}

func (s *Inviter) settle() {
	if s.WeConfirmed && s.TheyConfirmed {
		s.Phase = PhasePaired
	}
}

// Digits are the ones to read aloud here, once both ends have revealed.
func (s *Inviter) Digits() (string, bool) {
	if s.Phase != PhaseRevealed {
		return "", false
	}
	return digits(s.Transcript, roleInviter), true
}

// Confirm takes the digits that the officer here typed after hearing them. One
// wrong try burns the pairing.
func (s *Inviter) Confirm(now time.Time, typed string) error {
	switch {
	case s.Phase == PhaseBurned:
		return refuse(CodeBurned, "this pairing is over (%s); make a new invitation", s.Why)
	case s.Phase == PhasePaired || s.WeConfirmed:
		return nil
	case s.Phase != PhaseRevealed:
		return refuse(CodeWrongStep, "the other side has not answered the invitation yet")
	case s.Invitation.Expired(now):
		return s.burn(s.Invitation.late(now, "inviter"))
	}
	if err := compare(typed, s.Transcript, roleInviter, roleJoiner); err != nil {
		if CodeOf(err) == CodeWrongDigits {
			s.Phase, s.Why = PhaseBurned, CodeWrongDigits
		}
		return err
	}
	s.WeConfirmed = true
	s.settle()
	return nil
}

// Partner is who joined, once both officers have confirmed.
func (s *Inviter) Partner(founding string) (*Partner, error) {
	if s.Phase != PhasePaired {
		return nil, refuse(CodeWrongStep, "both officers have to confirm first")
	}
	// The identity was current when it was shown; later expiry is not ours to judge.
	party, id, chain, err := readChain(s.JoinerChain, "", s.JoinerPin, time.Time{})
	if err != nil {
		return nil, err
	}
	return &Partner{
		Party: party, Identity: id, Chain: chain, Unit: s.Invitation.Unit, Founding: founding,
		Origin: journal.OriginOf(s.Invitation.Unit, party, s.JoinerEpoch), Epoch: s.JoinerEpoch,
	}, nil
}
