package watch

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestAboveIsThatOfTheList holds above.txt to the rules that golang.org/x/net was made of.
func TestAboveIsThatOfTheList(t *testing.T) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/net").Output()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "publicsuffix", "table_test.go"))
	if os.IsNotExist(err) {
		t.Skipf("SKIPPED %s: golang.org/x/net came without its tests, so its rules cannot be read", t.Name())
	}
	if err != nil {
		t.Fatal(err)
	}
	_, rules, _ := strings.Cut(string(text), "var rules = [...]string{")
	rules, _, _ = strings.Cut(rules, "\n}")
	var names []string
	plain := map[string]bool{}
	for _, m := range regexp.MustCompile(`"([^"]+)"`).FindAllStringSubmatch(rules, -1) {
		names = append(names, strings.TrimPrefix(m[1], "!"))
		plain[m[1]] = true
	}
	if len(names) < 5000 {
		t.Fatalf("only %d rules", len(names))
	}
	want := map[string]bool{}
	for _, n := range names {
		for _, over, ok := strings.Cut(n, "."); ok && strings.Contains(over, "."); _, over, ok = strings.Cut(over, ".") {
			if !plain[over] {
				want[over] = true
			}
		}
	}
	have := aboveSuffixes()
	for n := range want {
		if _, ok := have[n]; !ok {
			t.Errorf("%s is missing", n)
		}
	}
	for n := range have {
		if !want[n] {
			t.Errorf("%s is not above a rule any more", n)
		}
	}
}
