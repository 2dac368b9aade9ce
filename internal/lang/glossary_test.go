package lang_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"entente/internal/lang"
)

// designed are the words of the design, each of which has a row in docs/glossary.md.
var designed = []string{"party", "unit", "accord", "journal", "entry", "checkpoint", "receipt", "gate", "intake", "request", "clock", "hotline", "review", "blind match", "watch", "asset", "dossier", "courier", "witness",
	"duty desk", "sighting", "quarantine", "exhibit", "officer", "indicator", "agency", "role", "clause", "marking", "feed", "guard"}

// stem is as much of a word as stays when it is bent: its first letters, or all of a Chinese one.
func stem(word string) string {
	r := []rune(strings.ToLower(word))
	if most := 4; len(r) > most {
		r = r[:most]
	}
	return string(r)
}

// TestGlossary: each word of the design has a row in docs/glossary.md, labels that are such a word say what stands there, and the other
// words stand in texts of their languages.
func TestGlossary(t *testing.T) {
	doc, err := os.ReadFile("../../docs/glossary.md")
	if err != nil {
		t.Fatal(err)
	}
	tags := []string{"en", "fr", "ru", "zh-Hans", "vi"}
	texts := map[string]string{} // all of a language, in lower case
	for _, tag := range tags {
		c, _ := lang.Known(tag)
		var all strings.Builder
		for _, key := range lang.Keys() {
			all.WriteString(strings.ToLower(c.Text(key, "n", 2)) + "\n")
		}
		for _, s := range lang.Sentences() {
			all.WriteString(strings.ToLower(c.Tell(s)) + "\n")
		}
		texts[tag] = all.String()
	}
	rows, labels := map[string]bool{}, 0
	for line := range strings.Lines(string(doc)) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| ---") || strings.HasPrefix(line, "| English") {
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.Trim(strings.TrimSpace(cells[i]), "`")
		}
		if len(cells) != 6 || slices.Contains(cells[:5], "") {
			t.Errorf("%q is no word in five languages and a label", line)
			continue
		}
		for _, word := range strings.Split(cells[0], ", ") {
			rows[word] = true
		}
		for i, tag := range tags {
			c, _ := lang.Known(tag)
			if key := cells[5]; key != "" {
				if labels++; !strings.EqualFold(c.Text(key), cells[i]) {
					t.Errorf("%s: %s is %q, and docs/glossary.md says %q", tag, key, c.Text(key), cells[i])
				}
				continue
			}
			for _, word := range strings.Split(cells[i], ", ") {
				for part := range strings.FieldsSeq(word) {
					if !strings.Contains(texts[tag], stem(part)) {
						t.Errorf("%s: %q of docs/glossary.md stands in no text", tag, part)
					}
				}
			}
		}
	}
	for _, word := range designed {
		if !rows[word] && !rows[word+" file"] {
			t.Errorf("docs/glossary.md has no row for %s", word)
		}
	}
	if labels < 100 {
		t.Errorf("only %d labels were compared", labels)
	}
}
