package pairing

import (
	"crypto/subtle"
	"fmt"
	"io"
	"time"

	"entente/journal"
)

// Joiner is the joining end's state. It may be kept as JSON between steps; it is to
// be stored after every call, whether the call returned an error or not.
type Joiner struct {
	Invitation Invitation      `json:"invitation"`
	Phase      Phase           `json:"phase"`
	Party      journal.PartyID `json:"party"` // our own
	OwnChain   []byte          `json:"own_chain"`
	OwnPin     journal.Hash    `json:"own_pin"`
	OwnEpoch   int             `json:"own_epoch,omitzero"`
	Nonce      []byte          `json:"nonce,omitempty"`

	InviterChain []byte       `json:"inviter_chain,omitempty"`
	Transcript   journal.Hash `json:"transcript,omitzero"`

	WeConfirmed   bool           `json:"we_confirmed,omitzero"`
	TheyConfirmed bool           `json:"they_confirmed,omitzero"`
	Founding      string         `json:"founding,omitzero"`
	Origin        journal.Origin `json:"origin,omitzero"`
	Epoch         int            `json:"epoch,omitzero"`
	Why           string         `json:"why,omitzero"`
}

// NewJoiner begins to answer an invitation. The nonce is taken from rand.
func NewJoiner(now time.Time, inv Invitation, own Own, rand io.Reader) (*Joiner, error) {
	switch {
	case inv.Expired(now):
		return nil, inv.late(now, "joiner")
	case inv.Party == own.Party:
		return nil, refuse(CodeOwnIdentity, "the invitation is of this party itself")
	}
	nonce := make([]byte, nonceSize)
	if _, err := io.ReadFull(rand, nonce); err != nil {
		return nil, fmt.Errorf("pairing: %w", err)
	}
	return &Joiner{
		Invitation: inv, Phase: PhaseOpen, Party: own.Party, OwnChain: own.Chain,
		OwnPin: own.Pin, OwnEpoch: own.Epoch, Nonce: nonce,
	}, nil
}

func (s *Joiner) message(step string) Message {
	return Message{V: 1, Step: step, Invitation: s.Invitation.ID()}
}

// Commit is the first message.
func (s *Joiner) Commit() Message {
	m := s.message(StepCommit)
	m.Token = s.Invitation.Token
	m.Commitment = commitmentOf(s.OwnChain, s.Nonce)
	return m
}

// Reveal takes the answer to the commitment and returns the second message, which
// has to go over the same TLS connection. After it was answered, call Revealed.
func (s *Joiner) Reveal(now time.Time, answer Message, t Session) (Message, error) {
	if s.Phase != PhaseOpen {
		return Message{}, refuse(CodeWrongStep, "this was revealed before")
	}
	if answer.Step != StepCommit || len(answer.Nonce) != nonceSize || len(t.Exporter) != exporterSize {
		return Message{}, s.burn(refuse(CodeBadMessage, "the inviter's answer is incomplete"))
	}
	if t.Pin != s.Invitation.Pin {
		return Message{}, s.burn(refuse(CodeWrongKey, "another key answers than the invitation names"))
	}
	party, _, _, err := readChain(answer.Chain, s.Party, t.Pin, now)
	if err != nil {
		s.Phase, s.Why = PhaseBurned, CodeOf(err)
		return Message{}, err
	}
	if party != s.Invitation.Party {
		return Message{}, s.burn(refuse(CodeWrongParty, "another party answers than the invitation names"))
	}
	e := exchanged{
		inv: &s.Invitation, commitment: commitmentOf(s.OwnChain, s.Nonce),
		inviterChain: answer.Chain, inviterN: answer.Nonce,
		joinerChain: s.OwnChain, joinerN: s.Nonce,
		inviterPin: t.Pin, joinerPin: s.OwnPin, exporter: t.Exporter,
	}
	s.Phase, s.InviterChain, s.Transcript = PhaseCommitted, answer.Chain, e.transcript()
	m := s.message(StepReveal)
	m.Chain, m.Nonce = s.OwnChain, s.Nonce
	return m, nil
}

// Revealed takes the answer to the reveal. From then on Digits has something to show.
func (s *Joiner) Revealed(answer Message) error {
	if s.Phase != PhaseCommitted || answer.Step != StepReveal {
		return refuse(CodeWrongStep, "not the answer to what was revealed")
	}
	s.Phase, s.Nonce = PhaseRevealed, nil
	return nil
}

func (s *Joiner) burn(r *Refusal) *Refusal {
	s.Phase, s.Why, s.Nonce = PhaseBurned, r.Code, nil
	return r
}

// Digits are the ones to read aloud here.
func (s *Joiner) Digits() (string, bool) {
	if s.Phase != PhaseRevealed {
		return "", false
	}
	return digits(s.Transcript, roleJoiner), true
}

// Confirm takes the digits that the officer here typed after hearing them. One
// wrong try burns the pairing; Next then gives the message that burns it over there.
func (s *Joiner) Confirm(now time.Time, typed string) error {
	switch {
	case s.Phase == PhaseBurned:
		return refuse(CodeBurned, "this pairing is over (%s); ask for a new invitation", s.Why)
	case s.Phase == PhasePaired || s.WeConfirmed:
		return nil
	case s.Phase != PhaseRevealed:
		return refuse(CodeWrongStep, "the invitation has to be answered first")
	case s.Invitation.Expired(now):
		return s.burn(s.Invitation.late(now, "joiner"))
	}
	if err := compare(typed, s.Transcript, roleJoiner, roleInviter); err != nil {
		if CodeOf(err) == CodeWrongDigits {
			s.Phase, s.Why = PhaseBurned, CodeWrongDigits
		}
		return err
	}
	s.WeConfirmed = true
	return nil
}

// Next is the message to send now: a confirmation, repeated until the inviter has
// confirmed too, or an abort after wrong digits. ok is false when there is none.
func (s *Joiner) Next() (m Message, ok bool) {
	switch {
	case s.Phase == PhaseBurned && s.Why == CodeWrongDigits:
		return s.message(StepAbort), true
	case s.Phase == PhaseRevealed && s.WeConfirmed:
		m := s.message(StepConfirm)
		m.Proof, m.Epoch = proof(s.Transcript, roleJoiner), s.OwnEpoch
		return m, true
	}
	return Message{}, false
}

// Answered takes the answer to Next's message. After a confirmation Phase becomes
// PhasePaired as soon as the inviter has confirmed as well.
func (s *Joiner) Answered(answer Message) error {
	if s.Phase != PhaseRevealed || answer.Step != StepConfirm || !answer.Confirmed {
		return nil
	}
	want := proof(s.Transcript, roleInviter)
	if subtle.ConstantTimeCompare(answer.Proof[:], want[:]) != 1 {
		return s.burn(refuse(CodeBadProof, "the inviter's confirmation belongs to another pairing; ask for a new invitation"))
	}
	if _, err := journal.ParseFounding(answer.Founding); err != nil {
		return s.burn(refuse(CodeWrongUnit, "the founding document that came is not one: %v", err))
	}
	if journal.UnitOf(answer.Founding) != s.Invitation.Unit {
		return s.burn(refuse(CodeWrongUnit, "the founding document that came is of another unit than the invitation"))
	}
	if answer.Origin != journal.OriginOf(s.Invitation.Unit, s.Invitation.Party, answer.Epoch) {
		return s.burn(refuse(CodeWrongUnit, "the journal that the inviter names is not its journal in this unit"))
	}
	s.Phase, s.TheyConfirmed = PhasePaired, true
	s.Founding, s.Origin, s.Epoch = answer.Founding, answer.Origin, answer.Epoch
	return nil
}

// Refused takes a refusal of Next's message that ends the pairing.
func (s *Joiner) Refused(code string) {
	if s.Phase == PhaseRevealed {
		s.Phase, s.Why = PhaseBurned, code
	}
}

// Partner is the inviter, once both officers have confirmed.
func (s *Joiner) Partner() (*Partner, error) {
	if s.Phase != PhasePaired {
		return nil, refuse(CodeWrongStep, "both officers have to confirm first")
	}
	party, id, chain, err := readChain(s.InviterChain, "", s.Invitation.Pin, time.Time{})
	if err != nil {
		return nil, err
	}
	return &Partner{
		Party: party, Identity: id, Chain: chain, Unit: s.Invitation.Unit,
		Founding: s.Founding, Origin: s.Origin, Epoch: s.Epoch,
	}, nil
}
