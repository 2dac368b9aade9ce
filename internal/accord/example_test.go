package accord

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
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

// TestSomebodySpeaks: under the examples every party has a role that signs statements, and a text under which one has none
// is warned of.
func TestSomebodySpeaks(t *testing.T) {
	warned := func(text string) (out int) {
		_, problems, err := Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range problems {
			if p.Warning && strings.Contains(p.Text, "can sign no statement") {
				out++
			}
		}
		return out
	}
	for _, kind := range []string{"complete", "minimal"} {
		if n := warned(string(Example(kind))); n != 0 {
			t.Errorf("under the %s example %d parties can sign no statement", kind, n)
		}
	}
	const list = "spokespeople: [head, press@example.org]"
	text := string(Example("complete"))
	for other, want := range map[string]int{"[press@example.org]": 2, "[]": 0, "[\"police:head\"]": 1, "[head@example.org]": 0} {
		if !strings.Contains(text, list) {
			t.Fatal("the example says something else")
		}
		if n := warned(strings.Replace(text, list, "spokespeople: "+other, 1)); n != want {
			t.Errorf("%s: %d parties are warned of, want %d", other, n, want)
		}
	}
}
