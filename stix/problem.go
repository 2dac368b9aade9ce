package stix

// Problem is one breach of the specification in an object.
type Problem struct {
	// Path names the place, as in "external_references[0].url".
	Path string
	// Code is a short stable word for the kind of breach, one of the Code constants.
	Code string
	// Message is a sentence for people.
	Message string
	// Must is true if the specification says MUST, false if it says SHOULD or the
	// breach is usual and harmless.
	Must bool
}

// The codes of problems.
const (
	CodeMissing    = "missing"          // a required property is absent
	CodeKind       = "kind"             // the value is of the wrong JSON or STIX type
	CodeEmpty      = "empty"            // an empty list or dictionary
	CodeNull       = "null"             // JSON null, which STIX does not know
	CodeTimestamp  = "timestamp"        // not a STIX timestamp
	CodeIdentifier = "identifier"       // not an identifier
	CodeRefType    = "ref-type"         // a reference to a type not allowed there
	CodeEnum       = "enum"             // a value outside of a closed enumeration
	CodeRange      = "range"            // a number out of bounds
	CodeHash       = "hash"             // a hash that does not fit its algorithm
	CodeSelector   = "selector"         // a granular selector that names nothing
	CodeOrder      = "order"            // times in the wrong order
	CodeTogether   = "together"         // properties that exclude or demand each other
	CodePattern    = "pattern"          // an indicator pattern that is not a STIX pattern
	CodeUnknown    = "unknown-property" // a property the type does not have
	CodeName       = "name"             // a type, property or key name against the rules
	CodeVersion    = "spec-version"     // STIX 2.0 or unknown
	CodeValue      = "value"            // an address or the like that is malformed
	CodeTooMany    = "too-many"         // there are more problems than are listed
)

// String gives path and message.
func (p Problem) String() string {
	level := "should"
	if p.Must {
		level = "must"
	}
	if p.Path == "" {
		return level + ": " + p.Message
	}
	return level + ": " + p.Path + ": " + p.Message
}
