package officer

import (
	"strings"
	"testing"
)

// TestZoneIsChecked: a zone is kept as it is named, also one that this machine does not know; what can be none is not.
func TestZoneIsChecked(t *testing.T) {
	for zone, good := range map[string]bool{"": true, "Asia/Kolkata": true, "+05:30": true, "Atlantis/Poseidonis": true, "Etc/GMT+5": true, "America/Port-au-Prince": true,
		"a b": false, "Zürich": false, "x\n": false, "../x": false, strings.Repeat("x", maxZone): true, strings.Repeat("x", maxZone+1): false} {
		o := Officer{Name: "ada", Display: "Ada", Zone: zone}
		if err := o.check(); (err == nil) != good {
			t.Errorf("%q: %v", zone, err)
		}
	}
}
