package stix

import "testing"

func TestIDType(t *testing.T) {
	for id, want := range map[string]string{"indicator--00000000-0000-4000-8000-000000000001": "indicator", "x--": "x", "indicator": "", "": "", "--": ""} {
		if got := IDType(id); got != want {
			t.Errorf("%q: %q, want %q", id, got, want)
		}
	}
}
