package pairing

import (
	"strings"
	"testing"

	"entente/journal"
)

// TestLimits reaches the bounds of docs/limits.md on what the ends of a pairing say.
func TestLimits(t *testing.T) {
	id := strings.Repeat("0", 32)
	message := func(change func(*Message)) error {
		m := Message{V: 1, Step: StepAbort, Invitation: id}
		change(&m)
		data, err := m.Marshal()
		if err != nil {
			return err
		}
		_, err = ParseMessage(data)
		return err
	}
	for _, x := range []struct {
		limit          string
		within, beyond error
	}{
		{"maxEpoch", message(func(m *Message) { m.Epoch = maxEpoch }), message(func(m *Message) { m.Epoch = maxEpoch + 1 })},
		{"MaxFounding", message(func(m *Message) { m.Founding = strings.Repeat("x", journal.MaxFounding) }), message(func(m *Message) { m.Founding = strings.Repeat("x", journal.MaxFounding+1) })},
		{"MaxMessage", nil, message(func(m *Message) { m.Chain = make([]byte, MaxMessage) })},
	} {
		if x.within != nil || x.beyond == nil {
			t.Errorf("%s: within it %v, beyond it %v", x.limit, x.within, x.beyond)
		}
	}
	if _, err := ParseMessage(make([]byte, MaxMessage+1)); CodeOf(err) != CodeBadMessage {
		t.Errorf("MaxMessage: %v", err)
	}
	north := newSide(t, "North", nil)
	inv := north.invite(t)
	for n := range MaxAddresses + 2 {
		inv.Addresses = make([]string, n)
		for i := range inv.Addresses {
			inv.Addresses[i] = "192.0.2.1:1"
		}
		if _, err := ParseInvitation(inv.String()); (err == nil) != (n >= 1 && n <= MaxAddresses) {
			t.Errorf("MaxAddresses: %d: %v", n, err)
		}
	}
}
