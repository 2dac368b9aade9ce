package peer

import (
	"context"
	"crypto/rand"
	"log/slog"
	"sync"
	"testing"
	"time"

	"entente/internal/peer/pairing"
	"entente/journal"

	"github.com/go-json-experiment/json"
)

// invitations keeps one pairing as a node would: as JSON.
type invitations struct {
	mu   sync.Mutex
	own  pairing.Own
	id   string
	data []byte
	t    testing.TB
}

func (n *invitations) load() *pairing.Inviter {
	s := new(pairing.Inviter)
	if err := json.Unmarshal(n.data, s); err != nil {
		n.t.Error(err)
	}
	return s
}

func (n *invitations) begin(inv pairing.Invitation) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.id = inv.ID()
	n.data, _ = json.Marshal(pairing.NewInviter(inv))
}

func (n *invitations) Open() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.id != "" && n.load().Waiting(time.Now())
}

func (n *invitations) Own(context.Context, journal.UnitID) (pairing.Own, error) { return n.own, nil }

func (n *invitations) Update(_ context.Context, id string, f func(*pairing.Inviter) error) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if id != n.id {
		return ErrNoInvitation
	}
	s := n.load()
	err := f(s)
	n.data, _ = json.Marshal(s)
	return err
}

// pairSide is an end that can pair: an identity that names its TLS key.
func pairSide(t *testing.T, e *end, name string) pairing.Own {
	t.Helper()
	_, _, chain := realChain(t, name, Pin(e.cert.Leaf))
	data, err := pairing.MarshalChain(chain)
	if err != nil {
		t.Fatal(err)
	}
	return pairing.Own{Party: journal.PartyOf(chain[0].Text), Chain: data, Pin: Pin(e.cert.Leaf)}
}

func TestPairingOverTLS(t *testing.T) {
	a, b := twoEnds(t)
	b.book.parties = map[journal.Hash]journal.PartyID{} // nobody knows anybody yet
	own := pairSide(t, b, "North")
	own.Founding = foundingText(t, own.Party)
	unit := journal.UnitOf(own.Founding)
	own.Origin = journal.OriginOf(unit, own.Party, 0)
	kept := &invitations{own: own, t: t}
	b.listen(t, b.party, Limits{}, func(p *ServerParams) {
		p.Pairing = NewPairingHandler(kept, time.Now, rand.Reader, slog.New(slog.DiscardHandler))
	})
	params := PairParams{Cert: a.cert, Now: time.Now, Rand: rand.Reader}
	joinerOwn := pairSide(t, a, "South")
	inv, err := pairing.NewInvitation(rand.Reader, pairing.Invitation{
		Addresses: []string{"127.0.0.1:1", b.addr}, Pin: Pin(b.cert.Leaf), Party: own.Party, Name: "North",
		Expires: time.Now().Add(time.Hour).Unix(), Unit: unit, UnitName: "Joint unit",
	})
	if err != nil {
		t.Fatal(err)
	}
	// Before the invitation is pending the door is shut.
	if _, err := Join(t.Context(), params, inv, joinerOwn); err == nil {
		t.Fatal("joined without an invitation")
	}
	kept.begin(inv)
	j, err := Join(t.Context(), params, inv, joinerOwn)
	if err != nil {
		t.Fatal(err)
	}
	dj, ok := j.Digits()
	di, ok2 := kept.load().Digits()
	if !ok || !ok2 || di == "" || dj == "" {
		t.Fatalf("no digits: %q, %q", di, dj)
	}
	// The state is kept between two calls of the program.
	data, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	j = new(pairing.Joiner)
	if err := json.Unmarshal(data, j); err != nil {
		t.Fatal(err)
	}
	if err := j.Confirm(time.Now(), di); err != nil {
		t.Fatal(err)
	}
	if err := ConfirmPairing(t.Context(), params, j); err != nil || j.Phase != pairing.PhaseRevealed {
		t.Fatalf("before the inviter confirms: %s, %v", j.Phase, err)
	}
	if err := kept.Update(t.Context(), inv.ID(), func(s *pairing.Inviter) error { return s.Confirm(time.Now(), dj) }); err != nil {
		t.Fatal(err)
	}
	// The inviter stores its partner now; the joiner is known from here on.
	p, err := kept.load().Partner(own.Founding)
	if err != nil {
		t.Fatal(err)
	}
	b.book.mu.Lock()
	b.book.parties[p.Identity.TLS[0]] = p.Party
	b.book.mu.Unlock()
	if err := ConfirmPairing(t.Context(), params, j); err != nil || j.Phase != pairing.PhasePaired {
		t.Fatalf("after the inviter confirmed: %s, %v", j.Phase, err)
	}
	q, err := j.Partner()
	if err != nil || q.Party != own.Party || q.Founding != own.Founding || p.Party != joinerOwn.Party {
		t.Errorf("partners %+v and %+v, %v", p, q, err)
	}
	// The invitation is used up.
	third := PairParams{Cert: testCert(t), Now: time.Now, Rand: rand.Reader}
	if _, err := Join(t.Context(), third, inv, joinerOwn); err == nil {
		t.Error("the invitation was good twice")
	}
}

func TestPairingGuessesAreBounded(t *testing.T) {
	a, b := twoEnds(t)
	own := pairSide(t, b, "North")
	own.Founding = foundingText(t, own.Party)
	kept := &invitations{own: own, t: t}
	b.listen(t, b.party, Limits{}, func(p *ServerParams) {
		p.Pairing = NewPairingHandler(kept, time.Now, rand.Reader, slog.New(slog.DiscardHandler))
	})
	mk := func() pairing.Invitation {
		inv, err := pairing.NewInvitation(rand.Reader, pairing.Invitation{
			Addresses: []string{b.addr}, Pin: Pin(b.cert.Leaf), Party: own.Party, Name: "North",
			Expires: time.Now().Add(time.Hour).Unix(), Unit: journal.UnitOf(own.Founding), UnitName: "Joint unit",
		})
		if err != nil {
			t.Fatal(err)
		}
		return inv
	}
	right := mk()
	kept.begin(right)
	params := PairParams{Cert: a.cert, Now: time.Now, Rand: rand.Reader}
	joinerOwn := pairSide(t, a, "South")
	codes := map[string]int{}
	for range 40 {
		_, err := Join(t.Context(), params, mk(), joinerOwn) // another token each time
		codes[pairing.CodeOf(err)]++
	}
	if codes[pairing.CodeNoInvitation] < 10 || codes[pairing.CodeTooMany] < 5 || codes[pairing.CodeNoInvitation]+codes[pairing.CodeTooMany] != 40 {
		t.Errorf("40 guesses were answered with %v", codes)
	}
	// All that noise does not keep out whoever was invited.
	if _, err := Join(t.Context(), params, right, joinerOwn); err != nil {
		t.Errorf("the right one: %v", err)
	}
}
