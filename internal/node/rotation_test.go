package node

import (
	"crypto/tls"
	"testing"
	"time"

	"entente/internal/peer"
	"entente/journal"
)

// TestRotationsBeforeAnybodyHears: a TLS key that is replaced again and again before a
// partner was reached locks nobody out; the key that the partner knows stays until
// it has heard.
func TestRotationsBeforeAnybodyHears(t *testing.T) {
	ctx := t.Context()
	a, b := two(t)
	for range 3 {
		must[*IdentityRotateResponse](t)(a.RotateIdentity(ctx, IdentityRotateRequest{What: "tls", OrgKey: a.orgText()}))
		a.stop()
		a.start()
	}
	shareOne(t, a, 1, "rotated.example")
	b.sync() // b opens the session: it has to believe the key that a serves
	a.sync()
	if !b.uses("rotated.example") {
		t.Fatal("the partner is locked out")
	}
	a.stop()
	a.start() // everybody has heard: now with the newest key
	if !a.tlsKey().Equal(a.keys().tlsKey) {
		t.Error("the newest key is not taken up although everybody has heard of it")
	}
	b.sync()
	a.sync()
	sameState(t, a, b)
	sound(t, a, b)
}

// TestServedNodeTakesUpItsTLSKey: a node that goes on serving shows a rotated key once
// every partner has heard of it, not before, and not while somebody holds an
// invitation that names the old one; in both directions, and three times in a row.
func TestServedNodeTakesUpItsTLSKey(t *testing.T) {
	ctx := t.Context()
	a, b := two(t)
	met := func() (answered, asks journal.Hash) {
		t.Helper()
		to := must[*peer.Client](t)(b.client())
		defer to.Close()
		l := must[*ledger](t)(b.findUnit("Watch"))
		target, ok := l.target(a.keys().party)
		if !ok {
			t.Fatal("the partner has no address")
		}
		cert := must[tls.Certificate](t)(tlsCertificate(b.tlsKey(), b.opts.Rand, b.now()))
		conn := must[*tls.Conn](t)(tls.Dial("tcp", target.Addresses[0], peer.ClientConfig(cert, func() []journal.Hash { return target.Pins })))
		defer conn.Close()
		shown := must[*tls.Certificate](t)(a.shown(tls.Certificate{})())
		return peer.Pin(conn.ConnectionState().PeerCertificates[0]), peer.Pin(shown.Leaf)
	}
	// A client that is kept, as a running node keeps its own: its connections under a
	// key that is no longer named must not be used again.
	kept := must[*peer.Client](t)(a.client())
	defer kept.Close()
	toSouth, ok := must[*ledger](t)(a.findUnit("Watch")).target(b.keys().party)
	if !ok {
		t.Fatal("South has no address")
	}
	for range 3 {
		must[peer.Report](t)(kept.Sync(ctx, toSouth, nil))
		before, _ := met()
		must[*IdentityRotateResponse](t)(a.RotateIdentity(ctx, IdentityRotateRequest{What: "tls", OrgKey: a.orgText()}))
		newest := must[journal.Hash](t)(peer.PinOfKey(a.keys().tlsKey.Public()))
		a.takeUpTLSKey()
		if answered, asks := met(); answered != before || asks != before {
			t.Fatal("a key is shown that the partner has not heard of")
		}
		a.sync()
		b.sync()
		must[*UnitInviteResponse](t)(a.Invite(ctx, UnitInviteRequest{Unit: "Watch"}))
		a.takeUpTLSKey()
		if answered, _ := met(); answered != before {
			t.Fatal("who was invited under the old key meets another")
		}
		a.pairing.mu.Lock()
		a.pairing.file.Invited = nil
		a.pairing.mu.Unlock()
		a.takeUpTLSKey()
		if answered, asks := met(); answered != newest || asks != newest {
			t.Fatal("everybody has heard, and the old key is still shown")
		}
		a.sync()
		b.sync()
	}
	sameState(t, a, b)
	sound(t, a, b)
}

// TestRotateAfterTheClockWasAhead: a key that was rotated while the clock was days ahead
// can be rotated again once it is right, and partners believe it.
func TestRotateAfterTheClockWasAhead(t *testing.T) {
	story(t, func(w *world, a, b *machine) {
		rotate := func() *IdentityRotateResponse {
			return must[*IdentityRotateResponse](t)(a.node.RotateIdentity(w.ctx, IdentityRotateRequest{What: "node", OrgKey: must[string](t)(a.orgKey()), Compromise: true}))
		}
		a.setClock(72*time.Hour, 1)
		first := rotate()
		a.setClock(-72*time.Hour, 1)
		second := rotate()
		if second.Identity.Version != 3 || second.Identity.Created.Before(first.Identity.Created) {
			t.Errorf("version %d of %v follows one of %v", second.Identity.Version, second.Identity.Created, first.Identity.Created)
		}
		w.round()
		l := b.node.units()[0]
		l.mu.Lock()
		id, _ := l.identity(a.node.Party())
		l.mu.Unlock()
		if id.Version != 3 {
			t.Errorf("the partner knows version %d", id.Version)
		}
	})
}
