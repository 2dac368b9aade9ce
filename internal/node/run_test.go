package node

import (
	"context"
	"crypto/tls"
	"net"
	"testing"

	"entente/internal/peer"
	"entente/journal"
)

// TestRunBesideAnInviterThatIsSilent: a pairing that waits for its inviter's answer keeps nothing else waiting, such as the
// first session of a new unit.
func TestRunBesideAnInviterThatIsSilent(t *testing.T) {
	a, b, c := newParty(t, "North"), newParty(t, "South"), newParty(t, "West")
	must[*UnitRef](t)(a.FoundUnit(t.Context(), UnitFoundRequest{Name: "Silent"}))
	inv := must[*UnitInviteResponse](t)(a.Invite(t.Context(), UnitInviteRequest{Unit: "Silent"}))
	must[*Pairing](t)(b.Join(t.Context(), UnitJoinRequest{Invitation: inv.Invitation}))
	digits := must[*StatusResponse](t)(a.Status(t.Context())).Pairings[0].Digits
	must[*Pairing](t)(b.Confirm(t.Context(), UnitConfirmRequest{Digits: digits})) // a does not yet
	a.stop()
	cert := must[tls.Certificate](t)(tlsCertificate(a.tlsKey(), a.opts.Rand, a.now()))
	silent := must[net.Listener](t)(tls.Listen("tcp", a.init.PeerListen, peer.ServerConfig(cert, func(journal.Hash) bool { return true })))
	defer silent.Close()

	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error)
	go func() { ran <- b.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ran; err != nil {
			t.Error(err)
		}
	}()
	line := must[net.Conn](t)(silent.Accept())
	defer line.Close()
	must[int](t)(line.Read(make([]byte, 1))) // it is asked
	must[*UnitRef](t)(b.FoundUnit(t.Context(), UnitFoundRequest{Name: "Joint"}))
	invited := must[*UnitInviteResponse](t)(b.Invite(t.Context(), UnitInviteRequest{Unit: "Joint"}))
	there := must[*Pairing](t)(c.Join(t.Context(), UnitJoinRequest{Invitation: invited.Invitation}))
	must[*Pairing](t)(b.Confirm(t.Context(), UnitConfirmRequest{Pairing: there.ID, Digits: there.Digits}))
	here := must[*Pairing](t)(b.pairingView(there.ID))
	must[*Pairing](t)(c.Confirm(t.Context(), UnitConfirmRequest{Pairing: there.ID, Digits: here.Digits}))
	eventually(t, "the first session of the new unit", func() bool { return c.heldOf("Joint", b) > 0 })
}
