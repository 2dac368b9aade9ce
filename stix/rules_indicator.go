package stix

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
	if c.has(v, "pattern") && (o.PatternType == "stix" || o.PatternType == "" && c.old) {
		c.pattern(o.Pattern)
	}
}
