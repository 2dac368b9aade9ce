package node

import (
	"testing"
	"time"

	"entente/internal/notify"
)

// TestSessionsThatThePartnerOpens: a node that is only ever dialled tells of those sessions, and does not call a partner
// unreachable that comes by itself.
func TestSessionsThatThePartnerOpens(t *testing.T) {
	a, b := twoInForce(t, nil)
	var clock handClock
	a.takes(&clock)
	member := func(p *testParty, name string) MemberBrief {
		t.Helper()
		for _, m := range must[*StatusResponse](t)(p.Status(t.Context())).Units[0].Members {
			if m.Name == name {
				return m
			}
		}
		t.Fatalf("no member %s", name)
		return MemberBrief{}
	}
	away := func() bool {
		t.Helper()
		for _, x := range must[*StatusResponse](t)(a.Status(t.Context())).Attention {
			if x.Code == notify.ItemUnreachable {
				return true
			}
		}
		return false
	}
	if m := member(a, "South"); !m.LastSession().IsZero() {
		t.Fatalf("after a start there was a session: %+v", m)
	}
	clock.move(2 * time.Hour)
	if !away() {
		t.Fatal("nobody came for two hours, and nothing is said")
	}
	b.sync()
	m := member(a, "South")
	if !m.LastMet.Equal(clock.now()) || !m.LastSync.IsZero() || !m.OpenedThere() || !m.LastSession().Equal(clock.now()) {
		t.Errorf("the partner came, and North says %+v", m)
	}
	if away() {
		t.Error("a partner that came just now is unreachable")
	}
	if m := member(b, "North"); m.LastSync.IsZero() || m.OpenedThere() {
		t.Errorf("South opened the session, and says %+v", m)
	}
	clock.move(time.Minute)
	a.sync()
	if m := member(a, "South"); m.OpenedThere() || !m.LastSession().Equal(clock.now()) {
		t.Errorf("North opened the last one, and says %+v", m)
	}
	clock.move(2 * time.Hour)
	if !away() {
		t.Error("nobody came again, and nothing is said")
	}
}
