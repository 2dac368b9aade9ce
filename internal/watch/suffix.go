package watch

import (
	_ "embed"
	"encoding/binary"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// aboveText lists the names above the rules of the public suffix list that are no
// rules themselves, such as amazonaws.com: what lies below belongs to many.
// TestAboveIsThatOfTheList holds it to the list that golang.org/x/net has.
//
//go:embed above.txt
var aboveText string

// suffixBits is a Bloom filter of all names that broad may say something about, in words of 64 bits: the rules of the public suffix list, and what
// above.txt lists. For a rule of all names below one it has that one, apart. TestSuffixBits holds it to the lists, and writes it with -update.
//
//go:embed suffixes.bloom
var suffixBits []byte

// suffixHasher has a seed that everybody may know: who meets the filter by chance or by choice is looked at closely, and no more.
var suffixHasher = newHasher(Seed{})

// belowMark sets the hash of a name, all names right below which are public suffixes, apart from its own.
const belowMark = 0x2545f4914f6cdd1d

// suffixPlace gives the word of the filter that a name is in, and its bits there.
func suffixPlace(name []byte, mark uint64) (word int, set uint64) {
	h := suffixHasher.whole(name) ^ mark
	return place(h, len(suffixBits)/8), bloomBits(h)
}

// maySuffix tells whether broad needs a closer look at a domain. Nearly none does.
func maySuffix(domain string) bool {
	dot := strings.IndexByte(domain, '.')
	if dot < 0 || len(domain) > longestName || domain[len(domain)-1]-'0' <= 9 || strings.IndexByte(domain, ':') >= 0 { // the last two may be addresses
		return true
	}
	var room [longestName]byte
	name := room[:copy(room[:], domain)]
	return inSuffixBits(name, 0) || inSuffixBits(name[dot+1:], belowMark)
}

func inSuffixBits(name []byte, mark uint64) bool {
	word, set := suffixPlace(name, mark)
	return binary.LittleEndian.Uint64(suffixBits[8*word:])&set == set
}

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
	if !maySuffix(domain) {
		return "", false
	}
	return broadByRules(domain, above)
}

func broadByRules(domain string, above map[string]struct{}) (why string, registry bool) {
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
