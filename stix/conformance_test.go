package stix

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestConformanceVectors: the shared vectors of deterministic identifiers, which are
// valid objects, too.
func TestConformanceVectors(t *testing.T) {
	text, err := os.ReadFile("../../shared/conformance/sco_id_vectors.json")
	if err != nil {
		t.Skip("no vectors: ../../shared/conformance/sco_id_vectors.json is absent")
	}
	var list []json.RawMessage
	if err := json.Unmarshal(text, &list); err != nil || len(list) < 10 {
		t.Fatalf("%d vectors, %v", len(list), err)
	}
	for _, raw := range list {
		o := mustParse(t, string(raw))
		if id, err := o.ContributingID(); err != nil || id != o.ID {
			t.Errorf("%s\n gives %s, %v", raw, id, err)
		}
		for _, p := range Validate(o) {
			if p.Must || p.Code == CodeUUID {
				t.Errorf("%s: %v", raw, p)
			}
		}
	}
}

// TestSchemaExamples: the examples that the OASIS publishes beside its schemas break no
// MUST. STIX_SCHEMAS names the folder "schemas" of a checkout, as for TestSchemas.
func TestSchemaExamples(t *testing.T) {
	dir := os.Getenv("STIX_SCHEMAS")
	if dir == "" {
		t.Skip("STIX_SCHEMAS is not set")
	}
	objects := 0
	err := filepath.WalkDir(filepath.Join(dir, "..", "examples"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".json" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, o := range readAll(t, text) {
			objects++
			for _, p := range ValidateMust(o) {
				t.Errorf("%s: %s: %v", filepath.Base(path), o.ID, p)
			}
		}
		return nil
	})
	if err != nil || objects < 250 {
		t.Errorf("%d objects, %v", objects, err)
	}
}
