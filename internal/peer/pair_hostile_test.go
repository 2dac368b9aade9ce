package peer

import (
	"crypto/rand"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"entente/internal/peer/pairing"
	"entente/journal"
)

// inviterEnd serves an inviter on a real socket.
func inviterEnd(t *testing.T, e *end, name string) (*invitations, pairing.Own) {
	t.Helper()
	own := pairSide(t, e, name)
	own.Founding = foundingText(t, own.Party)
	own.Origin = journal.OriginOf(journal.UnitOf(own.Founding), own.Party, 0)
	kept := &invitations{own: own, t: t}
	e.listen(t, e.party, Limits{}, func(p *ServerParams) {
		p.Pairing = NewPairingHandler(kept, time.Now, rand.Reader, slog.New(slog.DiscardHandler))
	})
	return kept, own
}

func invite(t *testing.T, e *end, own pairing.Own, address string) pairing.Invitation {
	t.Helper()
	inv, err := pairing.NewInvitation(rand.Reader, pairing.Invitation{
		Addresses: []string{address}, Pin: Pin(e.cert.Leaf), Party: own.Party, Name: "North",
		Expires: time.Now().Add(time.Hour).Unix(), Unit: journal.UnitOf(own.Founding), UnitName: "Joint unit",
	})
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

// TestManInTheMiddleAtPairing puts somebody between two ends, on real sockets: who
// only carries bytes learns and changes nothing; who ends both connections makes both
// officers read other digits than the other side shows, and the first one who types
// them ends it on that side.
func TestManInTheMiddleAtPairing(t *testing.T) {
	t.Run("carrying", func(t *testing.T) {
		a, b := twoEnds(t)
		b.book.parties = map[journal.Hash]journal.PartyID{}
		kept, own := inviterEnd(t, b, "North")
		between := func(flip int) string { // flips one bit of what goes to the joiner
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { ln.Close() })
			go func() {
				for {
					c, err := ln.Accept()
					if err != nil {
						return
					}
					to, err := net.Dial("tcp", b.addr)
					if err != nil {
						c.Close()
						return
					}
					go func() { _, _ = io.Copy(to, c); to.Close() }()
					go func() {
						defer c.Close()
						buf, at := make([]byte, 1024), 0
						for {
							n, err := to.Read(buf)
							if flip >= at && flip < at+n {
								buf[flip-at] ^= 1
							}
							at += n
							if _, werr := c.Write(buf[:n]); err != nil || werr != nil {
								return
							}
						}
					}()
				}
			}()
			return ln.Addr().String()
		}
		params := PairParams{Cert: a.cert, Now: time.Now, Rand: rand.Reader}
		mine := pairSide(t, a, "South")
		for _, flip := range []int{50, 300, 1500} { // in the greeting, in the certificate, in what is said
			inv := invite(t, b, own, between(flip))
			kept.begin(inv)
			if _, err := Join(t.Context(), params, inv, mine); err == nil {
				t.Errorf("a bit was changed at %d, and nobody noticed", flip)
			}
		}
		inv := invite(t, b, own, between(-1))
		kept.begin(inv)
		j, err := Join(t.Context(), params, inv, mine)
		if err != nil {
			t.Fatal(err)
		}
		dj, _ := j.Digits()
		if err := kept.load().Confirm(time.Now(), dj); err != nil {
			t.Errorf("a line that changes nothing: %v", err)
		}
	})
	t.Run("ending both", func(t *testing.T) {
		a, b := twoEnds(t) // a joins b
		m, n := twoEnds(t) // the two faces of whoever stands between
		for _, e := range []*end{b, n} {
			e.book.parties = map[journal.Hash]journal.PartyID{}
		}
		kept, own := inviterEnd(t, b, "North")
		false_, falseOwn := inviterEnd(t, n, "North")
		real := invite(t, b, own, b.addr)
		kept.begin(real)
		// It has the invitation, and hands the joiner one of its own, with the same token.
		forged := real
		forged.Addresses, forged.Pin, forged.Party = []string{n.addr}, Pin(n.cert.Leaf), falseOwn.Party
		false_.begin(forged)
		j, err := Join(t.Context(), PairParams{Cert: a.cert, Now: time.Now, Rand: rand.Reader}, forged, pairSide(t, a, "South"))
		if err != nil {
			t.Fatal(err)
		}
		posing, err := Join(t.Context(), PairParams{Cert: m.cert, Now: time.Now, Rand: rand.Reader}, real, pairSide(t, m, "South"))
		if err != nil {
			t.Fatal(err)
		}
		atInviter, _ := kept.load().Digits()
		atJoiner, _ := j.Digits()
		atFalse, _ := false_.load().Digits()
		atPosing, _ := posing.Digits()
		if atInviter == atFalse || atJoiner == atPosing {
			t.Fatalf("the digits agree: %s and %s, %s and %s", atInviter, atFalse, atJoiner, atPosing)
		}
		// Each officer types what the other reads aloud.
		if err := kept.Update(t.Context(), real.ID(), func(s *pairing.Inviter) error { return s.Confirm(time.Now(), atJoiner) }); pairing.CodeOf(err) != pairing.CodeWrongDigits {
			t.Errorf("at the inviter: %v", err)
		}
		if err := j.Confirm(time.Now(), atInviter); pairing.CodeOf(err) != pairing.CodeWrongDigits {
			t.Errorf("at the joiner: %v", err)
		}
		// What it would have needed comes too late.
		if err := kept.Update(t.Context(), real.ID(), func(s *pairing.Inviter) error { return s.Confirm(time.Now(), atPosing) }); pairing.CodeOf(err) != pairing.CodeBurned {
			t.Errorf("a second try at the inviter: %v", err)
		}
		if err := j.Confirm(time.Now(), atFalse); pairing.CodeOf(err) != pairing.CodeBurned {
			t.Errorf("a second try at the joiner: %v", err)
		}
		if _, err := kept.load().Partner(own.Founding); err == nil {
			t.Error("the inviter has a partner")
		}
		if _, err := j.Partner(); err == nil {
			t.Error("the joiner has a partner")
		}
		if _, err := Join(t.Context(), PairParams{Cert: m.cert, Now: time.Now, Rand: rand.Reader}, real, pairSide(t, m, "South")); err == nil {
			t.Error("it can begin again with the same invitation")
		}
	})
}

// TestPairingManyAtOnce begins one invitation over many connections at once and again
// and again: whoever holds it gets digits for one pairing, and not a second one.
func TestPairingManyAtOnce(t *testing.T) {
	a, b := twoEnds(t)
	b.book.parties = map[journal.Hash]journal.PartyID{}
	kept, own := inviterEnd(t, b, "North")
	inv := invite(t, b, own, b.addr)
	kept.begin(inv)
	codes := map[string]int{}
	seen := map[string]bool{} // digits that were to be compared
	var mu sync.Mutex
	try := func(e *end, mine pairing.Own) {
		j, err := Join(t.Context(), PairParams{Cert: e.cert, Now: time.Now, Rand: rand.Reader}, inv, mine)
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			codes[pairing.CodeOf(err)]++
			return
		}
		d, _ := j.Digits()
		seen[d] = true
	}
	mine := pairSide(t, a, "South")
	for range 4 {
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() { try(a, mine) })
		}
		x, _ := twoEnds(t) // somebody else with the same invitation
		other := pairSide(t, x, "East")
		for range 3 {
			all.Go(func() { try(x, other) })
		}
		all.Wait()
	}
	if len(seen) > 1 {
		t.Errorf("%d pairings got as far as digits", len(seen))
	}
	if s := kept.load(); s.Commits > 3 || s.WeConfirmed || s.TheyConfirmed {
		t.Errorf("%+v", s)
	}
	for code := range codes {
		switch code {
		case pairing.CodeUsed, pairing.CodeTooMany, pairing.CodeBurned, pairing.CodeOtherSession, CodeBusy:
		case "": // the door is shut: the handshake fails once nobody is waited for
		default:
			t.Errorf("%d were refused with %q", codes[code], code)
		}
	}
	t.Logf("%d digits; refusals %v", len(seen), codes)
}
