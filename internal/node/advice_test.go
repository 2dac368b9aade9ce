package node

import (
	"strings"
	"testing"
)

// TestImportTellsWhatIsToBeKnown: what breaks a MUST stays out with its place; what breaks a SHOULD, and what only
// several objects show, comes in and is told, in a dry run too.
func TestImportTellsWhatIsToBeKnown(t *testing.T) {
	a := newParty(t, "North")
	const when = `"created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z"`
	bundle := `{"type":"bundle","id":"bundle--0f7c8b8e-6c1e-4b8a-9a51-1d8a3f0d3c01","objects":[
{"type":"malware","spec_version":"2.1","id":"malware--0f7c8b8e-6c1e-4b8a-9a51-1d8a3f0d3c02",` + when + `,"is_family":false},
{"type":"malware","spec_version":"2.1","id":"malware--0f7c8b8e-6c1e-4b8a-9a51-1d8a3f0d3c02",` + when + `,"is_family":true,"name":"x"},
{"type":"tool","spec_version":"2.1","id":"tool--0f7c8b8e-6c1e-4b8a-9a51-1d8a3f0d3c03",` + when + `}]}`
	for _, dry := range []bool{true, false} {
		r := must[*ImportResponse](t)(a.Import(t.Context(), ImportRequest{Name: "bundle.json", DryRun: dry}, strings.NewReader(bundle), nil))
		if r.BadCount != 1 || !strings.Contains(r.Bad[0].Path+r.Bad[0].Reason, "name") {
			t.Errorf("dry run %v: %d are refused: %+v", dry, r.BadCount, r.Bad)
		}
		if len(r.Together) == 0 || len(r.Together[0].First) == 0 || r.Together[0].Count == 0 {
			t.Errorf("dry run %v: one id and version with two texts is not told: %+v", dry, r)
		}
	}
}
