package misp_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/misp"
)

// mappingRow says what an attribute of a type becomes, as docs/misp-mapping.md has it.
func mappingRow(t *testing.T, typ string) string {
	t.Helper()
	now := time.Unix(1714680000, 0)
	e := misp.NewEvent("11111111-1111-4111-8111-111111111111", now, now, "x")
	a := misp.NewAttribute("33333333-3333-4333-8333-333333333333", typ, sampleOf(typ), now)
	a.SetFlag("to_ids", true)
	if typ == "attachment" || typ == "malware-sample" {
		a.SetText("data", "aGVsbG8=")
	}
	e.AddAttribute(a)
	b, err := misp.ToSTIX(e, misp.ToOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var types []string
	pattern := ""
	for _, o := range b.Objects {
		switch {
		case o.Type == "indicator" && o.PatternType != "stix":
			pattern = "in " + o.PatternType
		case o.Type == "indicator":
			pattern = "`" + o.Pattern + "`"
			if v := sampleOf(typ); typ != "stix2-pattern" && !strings.Contains(v, "|") && !strings.Contains(pattern, v) {
				pattern = strings.ReplaceAll(pattern, strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(v), "…")
			} else if typ != "stix2-pattern" && !strings.Contains(v, "|") {
				pattern = strings.ReplaceAll(pattern, v, "…")
			}
		case o.IsSCO() && !strings.HasPrefix(o.Type, "x-"), o.Type == "vulnerability", o.Type == "campaign", o.Type == "threat-actor", strings.HasPrefix(o.Type, "x-misp-"):
			if !slices.Contains(types, o.Type) {
				types = append(types, o.Type)
			}
		}
	}
	return strings.ReplaceAll(fmt.Sprintf("| `%s` | %s | %s |", strings.ReplaceAll(typ, "|", `\|`), strings.Join(types, ", "), pattern), "\n", " ")
}

// TestMappingDocument holds docs/misp-mapping.md to the program: every attribute type
// stands there with what it becomes.
func TestMappingDocument(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "misp-mapping.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range misp.Types() {
		if row := mappingRow(t, info.Name); !strings.Contains(string(page), row+"\n") {
			t.Errorf("docs/misp-mapping.md lacks\n%s", row)
		}
	}
}
