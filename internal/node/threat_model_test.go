package node

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestThreatModelNamesRealTests holds docs/threat-model.md to the tests there
// are: a promise without its test is noticed.
func TestThreatModelNamesRealTests(t *testing.T) {
	root := filepath.Join("..", "..")
	doc := string(must[[]byte](t)(os.ReadFile(filepath.Join(root, "docs", "threat-model.md"))))
	have := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		pkg, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		for _, m := range function.FindAllStringSubmatch(string(must[[]byte](t)(os.ReadFile(path))), -1) {
			have[filepath.ToSlash(pkg)+"."+m[1]] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile("`([a-z/]+)\\.((?:Test|Fuzz)\\w+)`").FindAllStringSubmatch(doc, -1)
	if len(names) < 100 {
		t.Errorf("the threat model names only %d tests", len(names))
	}
	for _, m := range names {
		if !have[m[1]+"."+m[2]] && !have["internal/"+m[1]+"."+m[2]] && !have["internal/peer/"+m[1]+"."+m[2]] {
			t.Errorf("the threat model names %s.%s, which does not exist", m[1], m[2])
		}
	}
}
