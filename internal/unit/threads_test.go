package unit_test

import (
	"testing"
	"time"

	"entente/internal/desk"
	"entente/journal"
)

// TestThreadsAreBounded: within a day a journal opens so many cases; the other side's are not counted, nor another family's.
func TestThreadsAreBounded(t *testing.T) {
	w, _ := founded(t, "North", "South")
	north, south := w.actors[0], w.actors[1]
	when := w.clock
	open := func(a *actor, kind string, after time.Duration) *journal.Entry {
		when = when.Add(after)
		return a.write(kind, map[string]any{}, at(when))
	}
	var first, last, beyond *journal.Entry
	for i := range desk.MaxThreadsADay {
		e := open(north, "case.open", time.Second)
		if last = e; i == 0 {
			first = e
		}
	}
	beyond = open(north, "case.open", time.Second)
	other := open(north, "commitment.make", time.Second)
	theirs := open(south, "case.open", time.Second)
	f := w.fold()
	if code, why := f.Check(north.id, journal.Draft{Kind: "case.open", At: when}); code != desk.CodeTooMany {
		t.Errorf("a node would write it: %q %s", code, why)
	}
	next := first.At.Add(24 * time.Hour)
	if code, why := f.Check(north.id, journal.Draft{Kind: "case.open", At: next}); code != "" {
		t.Errorf("a day later: %s %s", code, why)
	}
	later := open(north, "case.open", 24*time.Hour)
	f = w.fold()
	if n := len(f.ThreadRefs("case.open")); n != desk.MaxThreadsADay+2 {
		t.Errorf("%d cases", n)
	}
	for e, want := range map[*journal.Entry]string{last: "", other: "", theirs: "", later: "", beyond: desk.CodeTooMany} {
		if _, opened := f.Opened(e.Ref()); opened != (want == "") {
			t.Errorf("entry %s opened something: %v", e.Ref(), opened)
		}
		if got := f.VoidCode(e.Ref()); got != want {
			t.Errorf("entry %s: %q, want %q", e.Ref(), got, want)
		}
	}
}
