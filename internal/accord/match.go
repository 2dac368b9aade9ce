package accord

import (
	"slices"
	"strings"
)

// Any stands for every party, kind or agency in a document.
const Any = "*"

// Protocol is the clause cited for control kinds, which carry no content and always pass.
const Protocol = "protocol"

var controlKinds = []string{
	"genesis", "receipt", "identity", "rotate", "compromise", "witness", "evidence", "destroyed", "unit.admit",
	"accord.propose", "accord.counter", "accord.amend", "accord.reserve", "accord.accept", "accord.sign",
	"accord.suspend", "accord.resume", "accord.notice", "accord.withdraw",
}

// IsControl says whether a kind is one of the enumerated protocol kinds.
func IsControl(kind string) bool { return slices.Contains(controlKinds, kind) }

// contentFamilies are the families of kinds that go through the rules: what is shared, asked, called
// about, worked on together, attached, said in public and reviewed.
var contentFamilies = []string{"share", "request", "blind", "hotline", "contact", "case", "commitment", "exhibit", "statement", "leak", "review"}

// IsContent says whether a kind goes through the rules. A kind that is neither is refused.
func IsContent(kind string) bool {
	family, move, divided := strings.Cut(kind, ".")
	return len(kind) <= 64 && slices.Contains(contentFamilies, family) && (divided && move != "" || kind == "share")
}

// covers says whether a pattern ("*", "request.*" or a kind) covers a kind.
func covers(pattern, kind string) bool {
	if pattern == Any || pattern == kind {
		return true
	}
	family, ok := strings.CutSuffix(pattern, ".*")
	return ok && (kind == family || strings.HasPrefix(kind, family+"."))
}

func anyCovers(patterns []string, kind string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return covers(p, kind) })
}

// weight is how exactly a pattern covers: a kind over a family over everything.
func weight(pattern, kind string) int {
	switch {
	case pattern == kind:
		return 2
	case pattern != Any:
		return 1
	}
	return 0
}
