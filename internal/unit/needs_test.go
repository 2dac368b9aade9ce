package unit_test

import (
	"slices"
	"testing"

	"entente/internal/desk"
	"entente/internal/unit"
	"entente/journal"
)

// needed are the needs of a party with a code, by reference.
func needed(w *world, who *actor, code string) (out []journal.Ref) {
	f := w.fold()
	for _, n := range f.Needs(who.id, f.Clocked(w.clock), f.Line(w.clock), w.clock) {
		if n.Code == code {
			out = append(out, n.Ref)
		}
	}
	slices.SortFunc(out, desk.CompareRefs)
	return out
}

// TestNeedsOfTheUnit: breaches are those of the state, and of others alone; suspensions, notices and withdrawals are told
// to the others.
func TestNeedsOfTheUnit(t *testing.T) {
	w, north, south, _ := pair(t)
	red := unit.ContentBody{Objects: 1, Types: map[string]int64{"indicator": 1}, TLP: "red"}
	north.write("share", red, payload("stix", 100))
	w.sync()
	south.write("share", red, payload("stix", 100))
	unknown := south.write("levitate", struct{}{}, payload("stix", 100))
	var want []journal.Ref
	for _, b := range w.state().Breaches {
		if b.Party == south.id {
			want = append(want, b.Ref)
		}
	}
	if got := needed(w, north, desk.NeedBreach); !slices.Equal(got, want) || len(want) != 2 || !slices.Contains(want, unknown.Ref()) {
		t.Errorf("breaches told are %v, the state has %v", got, want)
	}
	stop := south.write(unit.KindSuspend, unit.SuspendBody{Scope: []string{"all"}, Code: "trust"})
	notice := south.write(unit.KindNotice, unit.NoticeBody{Effective: w.clock.AddDate(0, 2, 0)})
	for code, ref := range map[string]journal.Ref{desk.NeedSuspended: stop.Ref(), desk.NeedLeaving: notice.Ref()} {
		if got := needed(w, north, code); !slices.Equal(got, []journal.Ref{ref}) {
			t.Errorf("%s: %v", code, got)
		}
		if got := needed(w, south, code); len(got) != 0 {
			t.Errorf("%s is told to its author: %v", code, got)
		}
	}
	left := south.write(unit.KindWithdraw, struct{}{})
	if got := needed(w, north, desk.NeedLeft); !slices.Equal(got, []journal.Ref{left.Ref()}) || len(needed(w, north, desk.NeedLeaving)) != 0 {
		t.Errorf("withdrawn: %v", got)
	}
}

// TestNeedsOfBreaches reaches the bound on breaches that are told: the newest are.
func TestNeedsOfBreaches(t *testing.T) {
	w, north, south, _ := pair(t)
	var last *journal.Entry
	for range unit.MaxNeeds + 5 {
		last = south.write("levitate", struct{}{}, payload("stix", 100))
	}
	if got := needed(w, north, desk.NeedBreach); len(got) != unit.MaxNeeds || got[len(got)-1] != last.Ref() {
		t.Errorf("%d breaches are told", len(got))
	}
}

// TestAccordWaits: a proposal waits for who has not signed it, and for nobody once it is in force.
func TestAccordWaits(t *testing.T) {
	w, north, south, hash := pair(t)
	if got := append(needed(w, north, desk.NeedAccordAnswer), needed(w, south, desk.NeedAccordAnswer)...); len(got) != 0 {
		t.Errorf("the accord in force waits: %v", got)
	}
	next := w.text("next", 2, hash, north, south)
	north.propose(unit.KindAmend, next, 2, hash)
	w.sync()
	if got := needed(w, south, desk.NeedAccordAnswer); len(got) != 1 || got[0].Origin != north.origin {
		t.Errorf("a proposal: %v", got)
	}
	if got := needed(w, north, desk.NeedAccordAnswer); len(got) != 0 {
		t.Errorf("to who proposed it: %v", got)
	}
}
