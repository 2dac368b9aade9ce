package node

import "testing"

// TestRotateWhereTheMarksAreLost: a newcomer that was seen under its second identity is put
// back to before it. Another second one would be proof against it. With its marks it knows of
// the one it made, and makes the third; without them it makes none before it has heard, from
// whoever it pairs with, which it has shown, or its officer says that nobody saw any.
func TestRotateWhereTheMarksAreLost(t *testing.T) {
	for _, keep := range []bool{true, false} {
		storyOf(t, found(t, shape{members: 2, strangers: 1}), func(w *world, a, _ *machine) {
			x := w.ms[2]
			before := x.picture()
			x.rotate(t, "node")
			w.meet(t, a, x) // the inviter has seen the second identity
			if err := w.restore(before, keep); err != nil {
				t.Fatal(err)
			}
			if v := x.node.keys().id.Version; v != 1 {
				t.Fatalf("the folder that was put back has version %d", v)
			}
			ask := IdentityRotateRequest{What: "tls", OrgKey: must[string](t)(x.orgKey())}
			res, err := x.node.RotateIdentity(w.ctx, ask)
			if keep {
				if err != nil || res.Identity.Version != 3 {
					t.Errorf("with its marks: %+v, %v", res, err)
				}
				w.pair(t, a, x)
				w.round()
				w.round()
				w.check()
				return
			}
			var e *Error
			if !asError(err, &e) || e.Code != CodeMarksLost {
				t.Errorf("without its marks: %+v, %v", res, err)
			}
			w.pair(t, a, x)
			w.round()
			w.round()
			w.check()
			if f := faultAt(a, x); f != "" {
				t.Errorf("an honest party looks guilty: %s", f)
			}
		})
	}
}

// faultAt is what a machine holds another's journals guilty of.
func faultAt(m, other *machine) string {
	for _, l := range m.node.units() {
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, j := range l.mirrors {
			if j.fault != "" && j.party == other.node.Party() {
				return j.fault
			}
		}
	}
	return ""
}
