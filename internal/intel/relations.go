package intel

import (
	"crypto/sha256"
	"slices"
	"strings"

	"entente/stix"
)

// maxRefs bounds the references of one object that are followed, in either direction.
const maxRefs = 100_000

// The classes of rows of references: who made an object is asked for seldom, and names
// one identity in millions of objects.
const (
	edgeLink    = 'l'
	edgeCreator = 'm'
)

// propCreator is the property that names who made an object.
const propCreator = "created_by_ref"

// edge is one reference of an object to another.
type edge struct {
	property string // the outermost one, as in "object_refs"
	to       string
}

// edgesOf lists what an object refers to, each property and target once. Markings are no
// neighbours: they would make neighbours of everything.
func edgesOf(o *stix.Object) []edge {
	var out []edge
	var seen map[edge]bool // only once there are many
	for _, r := range o.Refs() {
		if len(out) == maxRefs {
			break
		}
		property := r.Path
		if i := strings.IndexAny(property, "[."); i >= 0 {
			property = property[:i]
		}
		if property == "object_marking_refs" || property == "granular_markings" || len(r.ID) > maxRefBytes || !isID(r.ID) { // no id: a local key of STIX 2.0
			continue
		}
		e := edge{property, r.ID}
		const few = 12
		if seen == nil && slices.Contains(out, e) || seen[e] {
			continue
		}
		out = append(out, e)
		if len(out) == few {
			seen = make(map[edge]bool, 4*few)
			for _, o := range out {
				seen[o] = true
			}
		} else if seen != nil {
			seen[e] = true
		}
	}
	return out
}

// isID tells an identifier from a local key. What it names need not be well formed.
func isID(s string) bool { return strings.Index(s, "--") > 0 }

// maxRefBytes is the longest identifier that is followed: a type name of 250 bytes and
// what comes behind it.
const maxRefBytes = 300

// edgePrefix begins the rows of the objects that refer to an id. It is shortened as
// values are; what a row leads to is looked at before it is believed.
func edgePrefix(id string, class byte) []byte {
	sum := sha256.Sum256([]byte(id))
	k := make([]byte, 0, 1+16+1)
	k = append(append(k, keyEdge), sum[:16]...)
	return append(k, class)
}

func edgeKeys(o *stix.Object) [][]byte {
	var out [][]byte
	for _, e := range edgesOf(o) {
		class := byte(edgeLink)
		if e.property == propCreator {
			class = edgeCreator
		}
		out = append(out, edgePrefix(e.to, class))
	}
	return out
}
