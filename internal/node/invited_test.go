package node

import "testing"

// TestInvitedByAnotherMember is a joiner whom not the founder has invited, and who meets
// nobody but its inviter: it comes to hold all journals, the founder's among them, and to
// the same state; it signs an accord, and shares reach it.
func TestInvitedByAnotherMember(t *testing.T) {
	a, b := two(t)
	c := newParty(t, "West")
	pair(t, b, c, "Watch")
	spread := func() { relay(b, a, c) }
	spread()
	if size := c.heldOf("", a); size == 0 {
		t.Fatal("West holds nothing of the founder's journal")
	}
	sameState(t, a, b, c)
	text := amended(t, b, func(d map[string]any) {
		parties := d["parties"].([]any)
		third := map[string]any{}
		for k, v := range parties[0].(map[string]any) {
			third[k] = v
		}
		third["id"], third["party"], third["name"] = "P3", c.init.Party, "West"
		d["parties"] = append(parties, third)
	})
	signedByAll(t, text, spread, b, a, c)
	spread()
	shareOne(t, a, 1, "founder.example")
	spread()
	if !c.uses("founder.example") {
		t.Error("what the founder shares does not reach West")
	}
	sameState(t, a, b, c)
}
