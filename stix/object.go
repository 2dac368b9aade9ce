package stix

// Object is one STIX object: its text exactly as received, and the few
// properties that nearly every reader needs. Everything else is reached through
// [Object.Get] and the typed views, which decode on demand.
//
// An Object is made by [Parse] or a [Reader] and is read-only from then on; it
// may be used by several goroutines at once. Its strings share no memory with Raw,
// but some of them with each other: a program that keeps one of many thousands
// should keep strings.Clone of it.
type Object struct {
	// Raw is the text of the object, byte for byte as received, from its opening
	// to its closing brace. Unknown properties, extensions, the order of members
	// and the whitespace between them are all in it. It must not be changed.
	Raw []byte

	// Type is the object's type. Always present.
	Type string
	// ID is the object's identifier. Always present and of the form "type--uuid".
	ID string
	// SpecVersion is "2.1", or empty as in STIX 2.0 and in many observables.
	SpecVersion string

	// Created and Modified name the version. Observables have neither, marking
	// definitions have no Modified.
	Created, Modified Timestamp
	// Revoked is true if the producer took the object back.
	Revoked bool
	// CreatedByRef identifies the producer; it may be empty.
	CreatedByRef string

	// ObjectMarkingRefs are the markings of the object as a whole.
	ObjectMarkingRefs []string
	// GranularMarkings are the markings of its parts.
	GranularMarkings []GranularMarking

	// Name is the name property, if it is a string.
	Name string
	// Value is the value property, if it is a string, as observables have it.
	Value string
	// Pattern, PatternType and PatternVersion are those of an indicator. STIX 2.0
	// indicators have no PatternType; their patterns are STIX patterns.
	Pattern, PatternType, PatternVersion string
	// ValidFrom and ValidUntil bound an indicator's validity.
	ValidFrom, ValidUntil Timestamp
	// Confidence is 0 to 100, or NoConfidence.
	Confidence int
	// Labels and Lang are the common properties of those names.
	Labels []string
	Lang   string
	// ExtensionIDs are the keys of the extensions property, in the order received.
	ExtensionIDs []string

	spec  *TypeSpec // nil for a type this package has no table for
	nodes []node
}

// NoConfidence is the Confidence of an object that states none.
const NoConfidence = -1

// Root gives the whole object as a Value.
func (o *Object) Root() Value { return Value{o, 0} }

// IsSCO reports whether the object is a cyber-observable: of one of the 18 known
// types, or of an unknown type without any version property.
func (o *Object) IsSCO() bool {
	if o.spec != nil {
		return o.spec.Category == SCO
	}
	return o.Created.IsZero() && o.Modified.IsZero()
}

// Ref is a reference from one object to another.
type Ref struct {
	// Path is where it stands, as in "object_refs[3]".
	Path string
	// ID is what it names: an identifier, or in the deprecated observable
	// containers of STIX 2.0 a local key such as "0".
	ID string
}

// Refs lists every reference in the object, at any depth: the strings under
// names that end in "_ref" or "_refs" (STIX 2.1 §3.1), in the order received.
func (o *Object) Refs() []Ref {
	var out []Ref
	o.eachRef(true, func(path string, id []byte) {
		out = append(out, Ref{Path: path, ID: string(id)})
	})
	return out
}

// RefIDs lists the identifiers that [Object.Refs] finds, without their paths and
// without repetition. It is cheaper.
func (o *Object) RefIDs() []string {
	var out []string
	seen := make(map[string]struct{})
	o.eachRef(false, func(_ string, id []byte) {
		if _, ok := seen[string(id)]; !ok {
			s := string(id)
			seen[s] = struct{}{}
			out = append(out, s)
		}
	})
	return out
}

// eachRef walks the object once. Its depth is bounded by the limits of Parse.
func (o *Object) eachRef(paths bool, yield func(path string, id []byte)) {
	var scratch [64]byte
	var walk func(i uint32, path string, inRef bool)
	walk = func(i uint32, path string, inRef bool) {
		switch n := &o.nodes[i]; n.kind {
		case KindString:
			if inRef {
				yield(path, Value{o, i}.unquoted(scratch[:0]))
			}
		case KindArray:
			for j, at := i+1, 0; j < n.next; j, at = o.nodes[j].next, at+1 {
				k := o.nodes[j].kind
				if k != KindObject && k != KindArray && !(inRef && k == KindString) {
					continue
				}
				sub := ""
				if paths {
					sub = appendIndex(path, at)
				}
				walk(j, sub, inRef && k == KindString)
			}
		case KindObject:
			for j := i + 1; j < n.next; j = o.nodes[j+1].next {
				k, isRef := o.nodes[j+1].kind, false
				name := Value{o, j}.unquoted(scratch[:0])
				if isRef = isRefName(name); k != KindObject && k != KindArray && !isRef {
					continue
				}
				sub := ""
				if paths {
					sub = appendName(path, string(name))
				}
				walk(j+1, sub, isRef)
			}
		}
	}
	walk(0, "", false)
}

func isRefName(b []byte) bool {
	n := len(b)
	return n > 4 && string(b[n-4:]) == "_ref" || n > 5 && string(b[n-5:]) == "_refs"
}
