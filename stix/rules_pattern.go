package stix

import "entente/stix/pattern"

// pattern reports the faults of a pattern; what it asks for that only this program
// cannot evaluate is none.
func (c *checker) pattern(text string) {
	tree, err := pattern.Parse(text)
	if err != nil {
		c.addAt("pattern", CodePattern, true, err.Error())
		return
	}
	var named string // names the names that can be none (§3.1, §9.7)
	tree.Paths(func(p *pattern.ObjectPath) {
		if named != "" {
			return
		}
		if !strictTypeName(p.Type) {
			named = quoteShort(p.Type) + " is no name of a type of objects"
			return
		}
		key := p.Steps[0].Key
		if t := c.types[p.Type]; t != nil && t.find.index([]byte(key)) >= 0 {
			return
		}
		if key != "id" && !propertyName(key) {
			named = quoteShort(key) + " is no name of a property"
		}
	})
	if named != "" {
		c.addAt("pattern", CodePattern, true, named)
	}
	for _, fault := range tree.Check() {
		code := CodePattern
		if fault.Rule == pattern.RuleHash {
			code = CodeHash
		}
		if degree := fault.Rule.Degree(); degree != pattern.Unsupported {
			c.addAt("pattern", code, degree == pattern.Invalid, fault.Error())
		}
	}
}
