package cli

import (
	"reflect"
	"testing"
	"time"
)

func TestParseScores(t *testing.T) {
	got, err := parseScores([]string{"information.timeliness=4", "a.b.clarity=1", "South: of: Y:takedown.accuracy=5", "information.clarity=2"})
	want := map[string]map[string]map[string]int{
		"":             {"information": {"timeliness": 4, "clarity": 2}, "a.b": {"clarity": 1}},
		"South: of: Y": {"takedown": {"accuracy": 5}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "timeliness=4", "information.=4", ".timeliness=4", "information.timeliness", "information.timeliness=x", "South:=4"} {
		if _, err := parseScores([]string{bad}); err == nil {
			t.Errorf("%q is taken for a score", bad)
		}
	}
}

// TestPeriodsDoNotDependOnThisMachine: a date is UTC, and a time without a zone is refused, so that the same command
// gives the same report everywhere.
func TestPeriodsDoNotDependOnThisMachine(t *testing.T) {
	was := time.Local
	time.Local = time.FixedZone("elsewhere", 5*3600)
	defer func() { time.Local = was }()
	var from, to, now time.Time
	if err := (&app{}).period(&from, &to, &now, "2026-01-01", "2026-07-01T02:00:00+02:00", "", true); err != nil {
		t.Fatal(err)
	}
	if !from.Equal(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)) || !to.Equal(time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)) || !now.IsZero() {
		t.Errorf("%s to %s as of %s", from, to, now)
	}
	for _, bad := range [][3]string{{"", "2026-07-01", ""}, {"2026-01-01", "", ""}, {"2026-01-01 10:00", "2026-07-01", ""}, {"2026-01-01", "2026-07-01", "2026-07-01T10:00"}, {"yesterday", "2026-07-01", ""}} {
		if err := (&app{}).period(&from, &to, &now, bad[0], bad[1], bad[2], true); err == nil {
			t.Errorf("%v is taken for a period", bad)
		}
	}
}
