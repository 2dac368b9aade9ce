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
