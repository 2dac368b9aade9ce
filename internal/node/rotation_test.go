package node

import "testing"

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
