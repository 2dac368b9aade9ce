package unit

import (
	"testing"
	"time"

	"entente/internal/desk"
)

// TestThreadsOfAJournalAreBounded: so many in all, whatever the journal says of the time; of another family it opens more.
func TestThreadsOfAJournalAreBounded(t *testing.T) {
	l, at, n := new(lane), time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), 0
	for n <= desk.MaxThreads && l.crowded(cases, at) == "" {
		l.openedOne(cases, at)
		n++
		at = at.Add(25 * time.Hour)
	}
	if n != desk.MaxThreads || l.crowded(leaks, at) != "" {
		t.Errorf("%d cases; leaks: %q", n, l.crowded(leaks, at))
	}
}
