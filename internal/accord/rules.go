package accord

// Rules are field rules in the order of the document; see Apply.
type Rules []FieldRule
