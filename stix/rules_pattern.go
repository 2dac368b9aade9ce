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
