package journal_test

import (
	"testing"

	"entente/journal"
)

func TestMirrorFollowsWriter(t *testing.T) {
	a := open(t, "North")
	a.append(t, notes(0, 5)...)
	a.append(t, notes(5, 6)...)
	m := a.mirror(t)
	follow(t, m, a.st)
	if m.Head() != a.w.Head() || m.Head().Size != 7 {
		t.Fatalf("mirror at %v, writer at %v", m.Head(), a.w.Head())
	}
	if m.Party() != a.id || m.Origin() != journal.OriginOf(a.unit, a.id, 0) {
		t.Fatal("the mirror did not learn whose journal it is")
	}
	_, err := m.Extend(nil, a.w.Checkpoint())
	wantIs(t, err, journal.ErrStale)
}
