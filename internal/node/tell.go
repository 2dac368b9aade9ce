package node

import (
	"cmp"

	"entente/internal/lang"
)

// Telling is what a problem says to people.
type Telling struct {
	Code            string
	What, Why, Next string
	Terms           *Terms    // of an illegal move
	Decision        *Decision // of the gate
}

// In puts a telling into a language. Codes stay. What is particular to the case and is no sentence that the catalogs
// have, stays as it was said, behind the sentence of the code.
func (t Telling) In(c *lang.Catalog) Telling {
	if c.IsEnglish() {
		return t
	}
	switch {
	case t.Terms != nil && c.Has("problem."+t.Code):
		return t.illegal(c)
	case t.Decision != nil:
		return t.gate(c)
	}
	what, isKnown := c.Told(t.What)
	why := c.Tell(t.Why)
	t.Next = c.Tell(t.Next)
	if isKnown || !c.Has("problem."+t.Code) {
		t.What, t.Why = what, why
		return t
	}
	t.Why = t.What
	if why != "" {
		t.Why += " " + why
	}
	key := "problem." + t.Code
	if t.Code == "illegal-move" { // of something else than a request
		key = "problem.illegal-move.other"
	}
	t.What = c.Text(key)
	return t
}

func (t Telling) illegal(c *lang.Catalog) Telling {
	x := t.Terms
	said := c.Tell(t.Why)
	t.What = c.Text(CannotKey(x.Code), "move", MoveText(c, x.Family, x.Move))
	t.Why = IllegalText(c, x.Code) + " [" + x.Code + "]"
	if x.State != "" {
		t.Why = c.Text("problem.illegal-move.detail", "state", c.Code("state", x.State), "side", c.Code("side", x.Side), "code", t.Why)
	}
	if Particular(x.Code) {
		t.Why += " " + said
	}
	t.Next = ""
	if x.Next != nil {
		var next []string
		for _, move := range x.Next {
			next = append(next, MoveText(c, x.Family, move))
		}
		t.Next = c.Text("problem.illegal-move.next", "next", cmp.Or(c.List(next), c.Text("ui.none")))
	}
	return t
}

func (t Telling) gate(c *lang.Catalog) Telling {
	d := t.Decision
	t.What = cmp.Or(known(c, t.What), c.Text("problem.gate"))
	t.Why = c.Text("problem.gate.detail", "clause", d.Clause, "code", c.Code("gate", d.Code), "verdict", c.Code("verdict", d.Verdict))
	if d.Reason != "" {
		t.Why += " [" + c.Tell(d.Reason) + "]"
	}
	t.Next = cmp.Or(known(c, t.Next), c.Text("problem.gate.next"))
	return t
}

// known is a sentence in a language, empty where the catalogs do not have it.
func known(c *lang.Catalog, text string) string {
	if said, ok := c.Told(text); ok {
		return said
	}
	return ""
}
