package accord

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the files under docs/ that are made from this package")

func docsPath(name string) string { return filepath.Join("..", "..", "docs", name) }

func TestPublishedFilesAreTheEmbeddedOnes(t *testing.T) {
	for name, want := range map[string][]byte{
		"accord.schema.json":                              Schema(),
		filepath.Join("examples", "accord-complete.yaml"): Example("complete"),
		filepath.Join("examples", "accord-minimal.yaml"):  Example("minimal"),
	} {
		if len(want) == 0 {
			t.Fatalf("%s: the package has nothing to publish", name)
		}
		if *update {
			if err := os.WriteFile(docsPath(name), want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(docsPath(name))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("docs/%s differs from what the program carries; run go test ./internal/accord -update", name)
		}
	}
}

func TestExamplesAreAccords(t *testing.T) {
	for _, kind := range []string{"complete", "minimal"} {
		text := Example(kind)
		doc, problems, err := Parse(text)
		for _, p := range problems {
			t.Log(p)
		}
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		t.Log(len(doc.Clauses()))
	}
}
