package intel_test

import (
	"context"
	"fmt"
	"testing"

	"entente/internal/intel"
	"entente/stix"
)

// TestMarkingLimits: more markings than one query keeps are read again and told right, and a marking with more texts than are
// looked at counts as the strictest.
func TestMarkingLimits(t *testing.T) {
	const kept, texts = 1024, 64 // maxLevelsKept, maxDefinitions
	marking := func(n int) string { return fmt.Sprintf("marking-definition--00000000-0000-4000-8000-%012x", n) }
	define := func(n, second int, pap string) string {
		return fmt.Sprintf(`{"type":"marking-definition","spec_version":"2.1","id":"%s","created":"2026-01-01T00:%02d:%02d.000Z","definition_type":"pap","definition":{"pap":"%s"}}`,
			marking(n), second/60, second%60, pap)
	}
	w := newWorld(t)
	var objects []string
	levels := []string{"green", "amber"}
	for i := range kept + 2 {
		objects = append(objects, define(i, 0, levels[i%2]),
			fmt.Sprintf(`{"type":"note","spec_version":"2.1","id":"note--00000000-0000-4000-8000-%012x","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","content":"x","object_refs":["%s"],"object_marking_refs":["%s","%s"]}`,
				i, marking(i), marking(i), marking(0)))
	}
	w.load(t, "definitions", objects...)
	check := func(n int, want stix.PAP) {
		t.Helper()
		for f, err := range w.in.Select(context.Background(), intel.Query{Type: "note"}) {
			if err != nil {
				t.Fatal(err)
			}
			if f.ID == fmt.Sprintf("note--00000000-0000-4000-8000-%012x", n) && f.PAP != want {
				t.Errorf("%s is %v, want %v", f.ID, f.PAP, want)
			}
		}
	}
	check(kept, stix.PAPGreen)
	check(kept+1, stix.PAPAmber)
	objects = nil
	for i := range texts {
		objects = append(objects, define(kept, 1+i, "green"))
	}
	w.load(t, "at the limit", objects[1:]...)
	check(kept, stix.PAPGreen)
	w.load(t, "above it", objects[0])
	check(kept, stix.PAPRed)
	w.checkRebuild(t)
}
