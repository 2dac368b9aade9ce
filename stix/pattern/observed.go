package pattern

import (
	"slices"
	"time"
)

// Object is an observed object, such as a file or an address.
type Object interface {
	// ObjectType is the STIX type, as in "file".
	ObjectType() string
	// ObjectID is what references name it by; it may be empty if nothing refers to it.
	ObjectID() string
	Properties
}

// Observed is what one observed-data object tells (STIX 2.1 §4.14): that its
// objects were seen together so many times, each time between two moments.
type Observed struct {
	// First and Last are first_observed and last_observed. A Last before the First
	// counts as the First.
	First, Last time.Time
	// Count is number_observed. Less than 1 counts as 1.
	Count int
	// Objects are the objects seen, those of object_refs.
	Objects []Object
	// Resolve gives an object that others refer to and that is not among Objects; nil
	// if there is none. It may be nil itself.
	Resolve func(id string) Object
}

// MapObject is an [Object] of decoded JSON; see [Map].
type MapObject Map

// ObjectType implements Object: the property "type".
func (m MapObject) ObjectType() string { s, _ := m["type"].(string); return s }

// ObjectID implements Object: the property "id".
func (m MapObject) ObjectID() string { s, _ := m["id"].(string); return s }

// Property implements Properties.
func (m MapObject) Property(name string) (Value, bool) { return Map(m).Property(name) }

// Each implements Properties.
func (m MapObject) Each(f func(string, Value) bool) { Map(m).Each(f) }

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
