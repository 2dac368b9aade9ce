package journaltest_test

import (
	"testing"

	"entente/journal"
	"entente/journal/journaltest"
)

func TestMemoryPassesTheSuite(t *testing.T) {
	journaltest.TestStorage(t, func(testing.TB) journaltest.Fixture {
		m := new(journaltest.Memory)
		return journaltest.Fixture{Storage: m, Reopen: func(testing.TB) journal.Storage { m = m.Snapshot(); return m }}
	})
}
