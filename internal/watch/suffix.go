package watch

import (
	_ "embed"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// aboveText lists the names above the rules of the public suffix list that are no
// rules themselves, such as amazonaws.com: what lies below belongs to many.
// TestAboveIsThatOfTheList holds it to the list that golang.org/x/net has.
//
//go:embed above.txt
var aboveText string

func aboveSuffixes() map[string]struct{} {
	m := make(map[string]struct{}, 1024)
	for name := range strings.Lines(aboveText) {
		m[strings.TrimSpace(name)] = struct{}{}
	}
	return m
}

// broad tells why a domain with all below it would meet what belongs to many, empty if it does not. registry is true
// for a suffix under which everybody registers names, where the domain alone is no sensible indicator either.
func broad(domain string, above map[string]struct{}) (why string, registry bool) {
	suffix, icann := publicsuffix.PublicSuffix(domain)
	switch _, over := above[domain]; {
	case suffix == domain && icann:
		return "it is a public suffix", true
	case suffix == domain && strings.IndexByte(domain, '.') < 0:
		return "it is a top-level domain", true
	case suffix == domain:
		return "everybody can have a name below it", false
	case over:
		return "names below it belong to many", false
	}
	return "", false
}
