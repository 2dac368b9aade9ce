package misp_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"entente/misp"
)

// TestLargeObjects refuses to make a STIX object beyond its limit.
func TestLargeObjects(t *testing.T) {
	now := time.Unix(1714680000, 0)
	e := misp.NewEvent("11111111-1111-4111-8111-111111111111", now, now, "x")
	e.AddAttribute(misp.NewAttribute("33333333-3333-4333-8333-333333333333", "text", strings.Repeat("x", 10_000), now))
	if _, err := misp.ToSTIX(e, misp.ToOptions{MaxObjectBytes: 10_000}); !errors.Is(err, misp.ErrTooLarge) {
		t.Errorf("%v", err)
	}
	if _, err := misp.ToSTIX(e, misp.ToOptions{}); err != nil {
		t.Errorf("%v", err)
	}
}
