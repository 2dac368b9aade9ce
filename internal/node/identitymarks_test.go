package node

import (
	"testing"

	"entente/journal"
)

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

// TestIdentityMarksKilled cuts a rotation before every operation. The identities beside the
// marks are those of the folder at the next start: one that was never made is not followed, and
// none that may be shown is missing.
func TestIdentityMarksKilled(t *testing.T) {
	versions := map[int64]int{}
	rotationKilled(t, "node", 3, func(w *world, a *machine, at int) {
		k := a.node.keys()
		marked := must[[]journal.Signed](t)(markedIdentities(a.node.at, &a.node.config))
		if len(marked) != len(k.chain) && (len(marked) > 0 || len(k.chain) > 1) {
			t.Errorf("killed at %d: %d identities beside the marks, %d in the folder", at, len(marked), len(k.chain))
		}
		versions[int64(k.id.Version)]++
		w.round()
		w.round()
		w.check()
	})
	if versions[1] == 0 || versions[2] == 0 {
		t.Errorf("it was cut on one side only: %v", versions)
	}
}
