package node

import (
	"slices"
	"testing"

	"entente/internal/notify"
)

// TestCallsAreTold: a call that rings is told here, once for each ring, until somebody answers; what is only
// tried is of another kind, and wakes nobody.
func TestCallsAreTold(t *testing.T) {
	a, b := two(t)
	told := func(p *testParty) (out []string) {
		for _, e := range must[[]notify.Event](t)(p.events(t.Context())) {
			if e.Kind == notify.KindCall || e.Kind == notify.KindDrill {
				out = append(out, e.Kind+" "+e.Code+" "+e.Urgency)
			}
		}
		slices.Sort(out)
		return out
	}
	w := must[*WriteResponse](t)(a.Call(t.Context(), HotlineCallRequest{Urgency: "emergency", Subject: "register"}))
	a.reaches(b)
	if got := told(b); !slices.Equal(got, []string{"call call-rings emergency"}) {
		t.Errorf("the called side is told %q", got)
	}
	if got := told(a); len(got) != 0 {
		t.Errorf("the calling side is told %q", got)
	}
	must[*WriteResponse](t)(b.MoveCall(t.Context(), HotlineMoveRequest{ID: w.Refs[0], Move: "acknowledge"}))
	if got := told(b); len(got) != 0 {
		t.Errorf("after the answer: %q", got)
	}
}
