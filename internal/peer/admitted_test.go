package peer

import (
	"errors"
	"testing"

	"entente/journal"
)

// TestNotAdmitted: whose key the other end does not know is told so, and not only that the
// connection broke. On a real line a reset may overtake the alert, so it is tried again.
func TestNotAdmitted(t *testing.T) {
	a, b := twoEnds(t)
	b.book.parties = map[journal.Hash]journal.PartyID{}
	b.listen(t, b.party, Limits{}, nil)
	c := a.client(t, a.party, Limits{})
	told := 0
	for range 40 {
		_, err := c.Sync(t.Context(), b.target(), nil)
		if !errors.Is(err, ErrUnreachable) {
			t.Fatalf("let in without being known: %v", err)
		}
		if errors.Is(err, ErrNotAdmitted) {
			told++
		}
	}
	if told < 20 {
		t.Errorf("told %d times of 40", told)
	}
	gone := b.target()
	gone.Addresses = []string{"127.0.0.1:1"}
	if _, err := c.Sync(t.Context(), gone, nil); errors.Is(err, ErrNotAdmitted) {
		t.Errorf("nobody answers: %v", err)
	}
}
