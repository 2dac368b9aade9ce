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
	// Section is the section of STIX 2.1 that says so, as in "2.16".
	Section string
	// Check is the number under which the OASIS validator knows the same advice, as in
	// 302; 0 if it has none. Those numbers exist for SHOULD only.
	Check int
}

// The codes of problems.
const (
	CodeMissing    = "missing"          // a required property is absent
	CodeKind       = "kind"             // the value is of the wrong JSON or STIX type
	CodeEmpty      = "empty"            // an empty list or dictionary
	CodeNull       = "null"             // JSON null, which STIX does not know
	CodeTimestamp  = "timestamp"        // not a STIX timestamp
	CodePrecision  = "precision"        // created or modified written shorter than to the millisecond; the instant is known
	CodeIdentifier = "identifier"       // not an identifier
	CodeUUID       = "uuid"             // a UUID of another version than the type wants
	CodeRefType    = "ref-type"         // a reference to a type not allowed there
	CodeReference  = "reference"        // a local reference that names nothing
	CodeEnum       = "enum"             // a value outside of a closed enumeration
	CodeVocabulary = "vocabulary"       // a value outside of an open vocabulary
	CodeRange      = "range"            // a number out of bounds
	CodeHash       = "hash"             // a hash that does not fit its algorithm
	CodeSelector   = "selector"         // a granular selector that names nothing
	CodeOrder      = "order"            // times in the wrong order
	CodeTogether   = "together"         // properties that exclude or demand each other
	CodePattern    = "pattern"          // an indicator pattern that is not a STIX pattern
	CodeUnknown    = "unknown-property" // a property the type does not have
	CodeCustom     = "custom"           // customising without an extension definition, which is deprecated
	CodeReserved   = "reserved"         // a reserved name
	CodeName       = "name"             // a type, property or key name against the rules
	CodeVersion    = "spec-version"     // STIX 2.0 or unknown
	CodeVersioning = "versioning"       // versions where there can be none
	CodeValue      = "value"            // an address or the like that is malformed
	CodeLanguage   = "language"         // not an RFC 5646 language tag
	CodeMarking    = "marking"          // a TLP marking other than the fixed ones, a marking of itself
	CodeExtension  = "extension"        // an extension where it cannot stand
	CodeRelation   = "relationship"     // a relationship the specification does not define
	CodeFormat     = "format"           // a value not written as is advised
	CodeAdvised    = "advised"          // an optional property that should be there
	CodeDeprecated = "deprecated"       // a property that new content should not have
	CodeTooMany    = "too-many"         // there are more problems than are listed

	// What only several objects together can show; see [Context].
	CodeConflict    = "conflict"     // the same version of an object with two contents
	CodeDuplicate   = "duplicate"    // the same version of an object twice
	CodeImmutable   = "immutable"    // a property that must not change changed
	CodeRevoked     = "revoked"      // a version after the revocation
	CodeOlder       = "older"        // an older version after a newer one
	CodeDangling    = "dangling"     // a reference to an object that is not there
	CodeCycle       = "cycle"        // relationships that lead back to where they began
	CodeCollision   = "collision"    // one UUID for objects of two types
	CodeTranslation = "translation"  // a translation that does not fit its object
	CodeIncomplete  = "not-complete" // a bound was reached; the rest was not compared
)

// codeSections are the sections that a code stands for, whatever the property.
var codeSections = map[string]string{
	CodeNull: "3.1", CodeTimestamp: "2.16", CodePrecision: "3.2", CodeIdentifier: "2.9", CodeUUID: "2.9", CodeReference: "2.13", CodeEnum: "2.4", CodeVocabulary: "2.14",
	CodeHash: "2.7", CodeSelector: "7.2.3.1", CodePattern: "9", CodeCustom: "11", CodeReserved: "3.8", CodeName: "3.1", CodeVersion: "3.2",
	CodeVersioning: "3.6", CodeLanguage: "3.2", CodeExtension: "7.3",
	CodeConflict: "3.6", CodeDuplicate: "3.6", CodeImmutable: "3.6", CodeRevoked: "3.6", CodeOlder: "3.6", CodeDangling: "3.3",
	CodeCycle: "3.7", CodeCollision: "2.9", CodeTranslation: "7.1",
}

// String gives degree, path and message.
func (p Problem) String() string {
	level := "should"
	if p.Must {
		level = "must"
	}
	s := level + ": "
	if p.Path != "" {
		s += p.Path + ": "
	}
	s += p.Message
	if p.Section != "" {
		s += " (STIX 2.1 §" + p.Section + ")"
	}
	return s
}
