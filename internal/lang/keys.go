package lang

import (
	"maps"
	"slices"
	"strings"
)

// Keys returns the keys of the English catalog without plural forms, sorted.
func Keys() []string {
	seen := map[string]bool{}
	for key := range English().texts {
		base, _, _ := strings.Cut(key, "[")
		seen[base] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// Sentences returns those that Heard knows, in English with places, sorted.
func Sentences() []string { return slices.Sorted(maps.Keys(sayings().exact)) }

// Bare is a text without the name of the package that it begins with, and without a full stop at its end: as a sentence
// may stand in the catalogs that is a cause of others.
func Bare(text string) string { return strings.TrimSuffix(packages.ReplaceAllString(text, ""), ".") }
