package node

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"entente/internal/peer/pairing"
)

// TestPairingOneGuess types many digits at once: one try is one try, also when all
// come in the same moment, also when the right ones follow, on both sides; and the
// invitation is good for nothing any more.
func TestPairingOneGuess(t *testing.T) {
	ctx := t.Context()
	a, b := newParty(t, "North"), newParty(t, "South")
	must[*UnitRef](t)(a.FoundUnit(ctx, UnitFoundRequest{Name: "Watch"}))
	inv := must[*UnitInviteResponse](t)(a.Invite(ctx, UnitInviteRequest{Unit: "Watch"}))
	there := must[*Pairing](t)(b.Join(ctx, UnitJoinRequest{Invitation: inv.Invitation}))
	here := must[*StatusResponse](t)(a.Status(ctx)).Pairings[0]
	var all sync.WaitGroup
	var mu sync.Mutex
	codes := map[string]int{}
	for i := range 40 {
		digits := fmt.Sprintf("%0*d", len(there.Digits), i)
		if digits == there.Digits || digits == here.Digits {
			continue
		}
		all.Go(func() {
			_, err := a.Confirm(ctx, UnitConfirmRequest{Digits: digits})
			var e *Error
			mu.Lock()
			defer mu.Unlock()
			if errors.As(err, &e) {
				codes[e.Code]++
			} else {
				codes[fmt.Sprint(err)]++
			}
		})
	}
	all.Wait()
	if codes["wrong-digits"] != 1 {
		t.Errorf("forty guesses at once were answered with %v", codes)
	}
	if _, err := a.Confirm(ctx, UnitConfirmRequest{Digits: there.Digits}); err == nil {
		t.Error("the right digits were taken after a wrong try")
	}
	if p := must[*StatusResponse](t)(a.Status(ctx)).Pairings; len(p) != 1 || p[0].State != "failed" || p[0].Code != "wrong-digits" {
		t.Errorf("the status shows %+v", p)
	}
	// The other side hears of it when it confirms.
	if _, err := b.Confirm(ctx, UnitConfirmRequest{Digits: here.Digits}); err == nil {
		t.Error("the other side went on")
	}
	if _, err := b.Join(ctx, UnitJoinRequest{Invitation: inv.Invitation}); err == nil {
		t.Error("the invitation was good twice")
	}
	if l := must[*ledger](t)(a.findUnit("Watch")); len(l.file.Partners) != 0 {
		t.Errorf("the unit has %d partners", len(l.file.Partners))
	}
	if len(b.units()) != 0 {
		t.Error("the joiner has a unit")
	}
}

// TestInvitationExpires: an invitation ends at its time at the side that made it,
// whatever the other side's clock says.
func TestInvitationExpires(t *testing.T) {
	ctx := t.Context()
	a, b := newParty(t, "North"), newParty(t, "South")
	must[*UnitRef](t)(a.FoundUnit(ctx, UnitFoundRequest{Name: "Watch"}))
	inv := must[*UnitInviteResponse](t)(a.Invite(ctx, UnitInviteRequest{Unit: "Watch", Validity: time.Hour}))
	a.stop()
	later := time.Now().Add(61 * time.Minute)
	a.clock = func() time.Time { return later }
	a.start()
	_, err := b.Join(ctx, UnitJoinRequest{Invitation: inv.Invitation})
	var told *Error
	if !errors.As(err, &told) || told.Code != pairing.CodeNoInvitation {
		t.Errorf("an invitation that is over was answered: %v", err)
	}
	if _, err := a.Invite(ctx, UnitInviteRequest{Unit: "Watch", Validity: 31 * 24 * time.Hour}); err == nil {
		t.Error("an invitation may last longer than 30 days")
	}
	// There is an end to open invitations, too.
	made := 0
	for range maxPairings + 1 {
		if _, err := a.Invite(ctx, UnitInviteRequest{Unit: "Watch"}); err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Code != "too-many" {
				t.Fatal(err)
			}
			break
		}
		made++
	}
	if made != maxPairings {
		t.Errorf("%d invitations could be open, want %d", made, maxPairings)
	}
}
