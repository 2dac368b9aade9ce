package stix

import (
	"iter"
	"slices"
)

// Category divides the types of objects (STIX 2.1 §1.3).
type Category uint8

// The categories.
const (
	SDO  Category = iota + 1 // domain objects
	SRO                      // relationship objects
	SCO                      // cyber-observable objects
	Meta                     // marking, extension and language definitions
)

// ValueKind is the STIX data type of a property (STIX 2.1 §2).
type ValueKind uint8

// The kinds of property values.
const (
	AnyValue        ValueKind = iota
	StringValue               // string
	BoolValue                 // boolean
	IntValue                  // integer within ±2^53
	FloatValue                // float; an integer will do
	TimeValue                 // timestamp
	IDValue                   // identifier; Property.Types and NotTypes bound what it names
	EnumValue                 // string out of Property.Values
	VocabValue                // string, best out of the open vocabulary Property.Vocab
	HexValue                  // hex
	BinaryValue               // base64
	HashesValue               // hashes: algorithm to hash
	DictValue                 // dictionary
	ObjectValue               // object with Property.Fields
	ExtensionsValue           // extension definitions to objects
)

// Property says what the specification demands of one property.
type Property struct {
	// Name is the property's name.
	Name string
	// Kind is the type of its value, or of the elements of its list.
	Kind ValueKind
	// List is true if the value is a list, which must then not be empty.
	List bool
	// Required is true if every object of the type must have the property.
	Required bool
	// Since21 marks a property that STIX 2.0 did not yet demand.
	Since21 bool
	// Types are the types an identifier may name; empty means any.
	Types []string
	// NotTypes are types an identifier must not name.
	NotTypes []string
	// Values are all the strings allowed by an enumeration.
	Values []string
	// Vocab names the open vocabulary of suggested values (STIX 2.1 §10).
	Vocab string
	// Min and Max bound a number, if Bounded.
	Min, Max float64
	Bounded  bool
	// Fields describes the members of an object value.
	Fields *FieldSet
}

// FieldSet is the set of properties of one kind of object.
type FieldSet struct {
	props    []Property
	byName   map[string]uint8
	required uint64
	// rules checks what concerns several properties at once; it may be nil.
	rules func(c *checker, v Value)
}

// Properties iterates over the properties in the order of the specification.
func (f *FieldSet) Properties() iter.Seq[Property] { return slices.Values(f.props) }

// Property finds a property by name.
func (f *FieldSet) Property(name string) (Property, bool) {
	if i, ok := f.byName[name]; ok {
		return f.props[i], true
	}
	return Property{}, false
}

// TypeSpec says what the specification demands of objects of one type.
type TypeSpec struct {
	// Name is the type, as in "attack-pattern".
	Name string
	// Category is the kind of type.
	Category Category
	FieldSet
}

// SpecOf gives the table of a type; ok is false for a custom type.
func SpecOf(typ string) (spec *TypeSpec, ok bool) {
	spec, ok = specs[typ]
	return spec, ok
}

// KnownTypes lists the types that have a table, sorted. The bundle is not among
// them: it is no object but the frame around objects, which [Reader] takes off.
func KnownTypes() []string {
	out := make([]string, 0, len(specs))
	for name := range specs {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// specFor finds the table of a type; nil if there is none.
func specFor(typ []byte) *TypeSpec { return specs[string(typ)] }

var specs = buildSpecs()

func buildSpecs() map[string]*TypeSpec {
	out := make(map[string]*TypeSpec)
	add := func(cat Category, common []Property, table []typeRow) {
		for _, row := range table {
			t := &TypeSpec{Name: row.name, Category: cat}
			t.FieldSet = *fields(row.rules, slices.Concat(common, row.props)...)
			out[row.name] = t
		}
	}
	add(SDO, commonProperties, sdoTable())
	add(SRO, commonProperties, sroTable())
	add(SCO, scoCommonProperties, scoTable())
	add(Meta, nil, metaTable())
	return out
}

// typeRow is one line of a table of types: the properties beside the common ones.
type typeRow struct {
	name  string
	rules func(c *checker, v Value)
	props []Property
}

// fields builds a set. There are at most 64 properties in one, so that which of
// them are present fits a word.
func fields(rules func(*checker, Value), props ...Property) *FieldSet {
	f := &FieldSet{props: props, byName: make(map[string]uint8, len(props)), rules: rules}
	for i, p := range props {
		f.byName[p.Name] = uint8(i)
		if p.Required {
			f.required |= 1 << i
		}
	}
	return f
}

// The following build table lines.

func str(name string) Property  { return Property{Name: name, Kind: StringValue} }
func strs(name string) Property { return Property{Name: name, Kind: StringValue, List: true} }
func flag(name string) Property { return Property{Name: name, Kind: BoolValue} }
func when(name string) Property { return Property{Name: name, Kind: TimeValue} }
func whole(name string) Property {
	return Property{Name: name, Kind: IntValue}
}
func within(name string, kind ValueKind, low, high float64) Property {
	return Property{Name: name, Kind: kind, Min: low, Max: high, Bounded: true}
}
func vocab(name, vocabulary string) Property {
	return Property{Name: name, Kind: VocabValue, Vocab: vocabulary}
}
func vocabs(name, vocabulary string) Property {
	return Property{Name: name, Kind: VocabValue, Vocab: vocabulary, List: true}
}
func enum(name string, values ...string) Property {
	return Property{Name: name, Kind: EnumValue, Values: values}
}
func ref(name string, types ...string) Property {
	return Property{Name: name, Kind: IDValue, Types: types}
}
func refs(name string, types ...string) Property {
	return Property{Name: name, Kind: IDValue, List: true, Types: types}
}
func kind(name string, k ValueKind) Property { return Property{Name: name, Kind: k} }
func object(name string, f *FieldSet) Property {
	return Property{Name: name, Kind: ObjectValue, Fields: f}
}
func objects(name string, f *FieldSet) Property {
	return Property{Name: name, Kind: ObjectValue, Fields: f, List: true}
}
func must(p Property) Property { p.Required = true; return p }

// must21 is required since STIX 2.1.
func must21(p Property) Property { p.Required, p.Since21 = true, true; return p }

var externalReference = fields(externalReferenceRules,
	must(str("source_name")), str("description"), str("url"), kind("hashes", HashesValue), str("external_id"))

var killChainPhase = fields(nil, must(str("kill_chain_name")), must(str("phase_name")))

var granularMarking = fields(granularMarkingRules,
	str("lang"), ref("marking_ref", "marking-definition"), must(strs("selectors")))

// Lines that several tables share.
var (
	typeLine       = must(str("type"))
	versionLine    = must21(enum("spec_version", "2.1"))
	idLine         = must(ref("id"))
	createdByLine  = ref("created_by_ref", "identity")
	createdLine    = must(when("created"))
	modifiedLine   = must(when("modified"))
	revokedLine    = flag("revoked")
	labelsLine     = strs("labels")
	confidenceLine = within("confidence", IntValue, 0, 100)
	langLine       = str("lang")
	externalLine   = objects("external_references", externalReference)
	markingsLine   = refs("object_marking_refs", "marking-definition")
	granularLine   = objects("granular_markings", granularMarking)
	extensionsLine = kind("extensions", ExtensionsValue)
	killChainLine  = objects("kill_chain_phases", killChainPhase)
)

// commonProperties are those of domain and relationship objects (STIX 2.1 §3.2).
var commonProperties = []Property{typeLine, versionLine, idLine, createdByLine, createdLine, modifiedLine, revokedLine,
	labelsLine, confidenceLine, langLine, externalLine, markingsLine, granularLine, extensionsLine}

// scoCommonProperties are those of cyber-observables (STIX 2.1 §3.2).
var scoCommonProperties = []Property{typeLine, enum("spec_version", "2.1"), idLine, markingsLine, granularLine,
	flag("defanged"), extensionsLine}

// unknownFields judges an object of a type without a table.
var unknownFields = fields(nil, typeLine, enum("spec_version", "2.1"), idLine, createdByLine, when("created"), when("modified"),
	revokedLine, labelsLine, confidenceLine, langLine, externalLine, markingsLine, granularLine, flag("defanged"), extensionsLine)
