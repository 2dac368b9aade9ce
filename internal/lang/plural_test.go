package lang

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// countless are texts in which the word behind a number stands in one form whatever the number is: after "of", as a total.
var countless = map[string][]string{
	"en": {"ui.pace-told", "ui.receipted-of", "ui.watch-known", "verify.exhibit-checked"},
	"fr": {"ui.pace-told", "ui.receipted-of", "ui.watch-known", "verify.exhibit-checked"},
	"ru": {"ui.receipted-of"},
}

// ordinals are texts whose number says which and not how many: the genitive behind it is a form of something else's count.
var ordinals = map[string][]string{"ru": {"verify.at-byte", "verify.at-file", "verify.exhibit-chunk"}}

// TestNumbersAgree: a word that has plural forms somewhere does not stand behind a number in a text without them. The words are
// those in which the forms of a key differ.
func TestNumbersAgree(t *testing.T) {
	behind := regexp.MustCompile(`\{([a-z]+)\}[  ](?:more |other |own |autres )?(\p{L}+)`)
	noun := regexp.MustCompile(`^\{n\}[  ]\p{L}+$`)
	// Places of what is no bare number.
	names := []string{"path", "entries", "party", "key"}
	for _, tag := range []string{"en", "fr", "ru"} {
		c, _ := Known(tag)
		counted := map[string]bool{} // words behind a number, in each form
		for key, text := range c.texts {
			base, _, form := strings.Cut(key, "[")
			if !form || !noun.MatchString(text) {
				continue
			}
			for _, m := range behind.FindAllStringSubmatch(text, -1) {
				for _, other := range forms {
					if o := c.texts[base+"["+other+"]"]; o != "" && !strings.Contains(o, m[0]) {
						counted[m[2]] = true
					}
				}
			}
		}
		if len(counted) < 10 {
			t.Errorf("%s: only %v are counted", tag, counted)
		}
		for _, key := range slices.Sorted(maps.Keys(c.texts)) {
			if strings.Contains(key, "[") || slices.Contains(countless[tag], key) {
				continue
			}
			for _, m := range behind.FindAllStringSubmatch(c.texts[key], -1) {
				if counted[m[2]] && !slices.Contains(names, m[1]) && !slices.Contains(ordinals[tag], key) {
					t.Errorf("%s: %s = %q has %q without plural forms", tag, key, c.texts[key], m[0])
				}
			}
		}
	}
}
