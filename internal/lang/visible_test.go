package lang

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestVisibleJSON: a document for a terminal hides, reorders and commands nothing, and says what it said.
func TestVisibleJSON(t *testing.T) {
	for s, want := range map[string]string{
		"":                           `""`,
		"Qui ? 谁？ “Ai”":              `"Qui ? 谁？ “Ai”"`,
		"invoice\u202efdp.exe":       `"invoice\u202efdp.exe"`,
		"\u009b2Jx\u2066y":           `"\u009b2Jx\u2066y"`,
		"tag \U000e0041, bom \ufeff": `"tag \udb40\udc41, bom \ufeff"`,
		"join\u200cer":               "\"join\u200cer\"",
		`\u202e` + "\u202e":          `"\\u202e\u202e"`,
	} {
		var doc strings.Builder
		if err := json.NewEncoder(&doc).Encode(s); err != nil {
			t.Fatal(err)
		}
		got := VisibleJSON([]byte(doc.String()))
		var back string
		if err := json.Unmarshal(got, &back); err != nil || back != s || strings.TrimSpace(string(got)) != want {
			t.Errorf("%q: %s, want %s (%q, %v)", s, got, want, back, err)
		}
	}
}
