package stix

import "strings"

func indicatorRules(c *checker, v Value) {
	o := c.o
	if !o.ValidFrom.IsZero() && !o.ValidUntil.IsZero() && o.ValidUntil.Compare(o.ValidFrom) <= 0 {
		c.addAt("valid_until", CodeOrder, true, "must be later than valid_from")
	}
	if c.advise {
		if o.Name == "" {
			c.advised(303, v, "name")
		}
		c.advised(303, v, "description")
	}
	if o.Pattern != "" && (o.PatternType == "stix" || o.PatternType == "" && c.old) {
		atoms, err := ExtractAtoms(o.Pattern)
		if err != nil {
			c.addAt("pattern", CodePattern, true, err.Error())
		}
		for i := range atoms {
			c.patternHash(&atoms[i])
		}
	}
}

// patternHash warns of a comparison with a hash that no file can have.
func (c *checker) patternHash(a *Atom) {
	at := strings.LastIndex(a.Path, "hashes.")
	if at < 0 || a.Op != OpEqual || a.Value.Kind != StringLiteral {
		return
	}
	name := a.Path[at+len("hashes."):]
	if want, known := hashDigits[name]; known && (len(a.Value.Text) != want || !allHex(a.Value.Text)) {
		c.addAt("pattern", CodeHash, false, "a "+name+" hash has "+formatNumber(float64(want))+" hexadecimal digits")
	}
}
