package cli

import (
	"strings"
	"testing"
	"time"

	"entente/internal/observable"
	"entente/internal/watch/seen"
)

// TestMachineName: whatever a machine is called in a log, a node takes what is reported of it.
func TestMachineName(t *testing.T) {
	for _, host := range []string{"", "10.0.0.1", "bad\xffname", strings.Repeat("x", 300), strings.Repeat("é", 200), "\xff" + strings.Repeat("ю", 500)} {
		r := seen.Report{Key: seen.Key{Indicator: "indicator--00000000-0000-4000-8000-000000000001", Value: observable.Value{Type: observable.Domain, Text: "evil.example"}, Host: machineName(host)}, Count: seen.Count{Count: 1}}
		if err := r.Check(time.Now()); err != nil {
			t.Errorf("%.20q: %v", host, err)
		}
	}
}
