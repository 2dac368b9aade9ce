package stix

// Category divides the types of objects (STIX 2.1 §1.3).
type Category uint8

// The categories.
const (
	SDO    Category = iota + 1 // domain objects
	SRO                        // relationship objects
	SCO                        // cyber-observable objects
	Meta                       // marking, extension and language definitions
	Frame                      // the bundle, which is no object but carries them
)

// TypeSpec says what the specification demands of objects of one type.
type TypeSpec struct {
	// Name is the type, as in "attack-pattern".
	Name string
	// Category is the kind of type.
	Category Category
}

var specs = map[string]*TypeSpec{}

// specFor finds the table of a type; nil if there is none.
func specFor(typ []byte) *TypeSpec { return specs[string(typ)] }
