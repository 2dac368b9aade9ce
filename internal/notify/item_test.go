package notify_test

import (
	"strings"
	"testing"
	"time"

	"entente/internal/desk"
	"entente/internal/lang"
	"entente/internal/notify"
)

// TestADateThatComesIsOwedByNobody: who asked for data to be kept owes nothing when the date comes, and the line says
// who keeps them and that the date has passed.
func TestADateThatComesIsOwedByNobody(t *testing.T) {
	due := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	hold := notify.Item{Code: desk.NeedClockOverdue, Word: desk.ClockHold, Short: "3f9a12-7", From: "South", To: "North", Due: due, Overdue: true, Urgency: "routine"}
	answer := hold
	answer.Word = "answer"
	for _, l := range lang.Tags() {
		c := lang.Match(l)
		line, owed := hold.Line(c), answer.Line(c)
		soon := hold
		soon.Code, soon.Overdue = desk.NeedClockSoon, false
		if line == owed || soon.Line(c) == line || !strings.Contains(line, "South") || !strings.Contains(line, "North") {
			t.Errorf("%s: %s\n%s\n%s", l, line, soon.Line(c), owed)
		}
	}
	if line := hold.Line(lang.English()); strings.Contains(line, "owes") || !strings.Contains(line, "South keeps the data for North has passed") {
		t.Error(line)
	}
}
