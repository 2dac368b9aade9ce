package lang

import "strings"

// familyMoves are the families of codes that name the moves of each family of entries.
var familyMoves = map[string]string{"request": "move", "accord": "accord-move", "hotline": "call-move", "contact": "contact-move", "case": "case-move", "commitment": "commitment-move",
	"exhibit": "exhibit-move", "statement": "statement-move", "leak": "leak-move", "review": "review-move"}

// Move is a move of a family of entries in words; a statement of custody is told by its act.
func (c *Catalog) Move(family, move string) string {
	if family == "exhibit" && c.Has("custody."+move) {
		return c.Code("custody", move)
	}
	return c.Code(familyMoves[family], move)
}

// Entry says in words of what kind an entry is; "request.*" is all of a family.
func (c *Catalog) Entry(kind string) string {
	family, move, _ := strings.Cut(kind, ".")
	switch moves := familyMoves[family]; {
	case c.Has("kind." + kind):
		return c.Code("kind", kind)
	case move == "*" && moves != "":
		return c.Code("kind", family)
	case moves != "" && c.Has(moves+"."+move):
		return c.Text("entry.of", "family", c.Code("kind", family), "move", c.Code(moves, move))
	}
	return kind
}
