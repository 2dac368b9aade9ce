package lang

import (
	"maps"
	"slices"
	"strings"
)

// Review returns the keys below "review." : the headings of the report on a period.
func Review() []string {
	return []string{"title", "period", "cut", "asked", "answered", "refused", "silent", "open", "median", "p90", "p99", "maximum", "on-time", "late",
		"kind", "agency", "clocks", "scores", "use", "drills", "breaches", "disputes", "differences", "signatures"}
}

// Keys returns the keys of the English catalog without plural forms, sorted.
func Keys() []string {
	seen := map[string]bool{}
	for key := range English().texts {
		base, _, _ := strings.Cut(key, "[")
		seen[base] = true
	}
	return slices.Sorted(maps.Keys(seen))
}
