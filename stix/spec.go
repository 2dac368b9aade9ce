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
	LangValue                 // string, an RFC 5646 language tag
	URLValue                  // string, a URL (RFC 3986)
	ContainerValue            // the deprecated observable-container of observed-data
	ContentsValue             // language tags to translated properties
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
	// Of says what the values of a dictionary may be.
	Of DictOf
	// Min and Max bound a number, if Bounded.
	Min, Max float64
	Bounded  bool
	// Fields describes the members of an object value.
	Fields *FieldSet

	vocab *Vocabulary // that Vocab names
}

// DictOf says what the values of a dictionary may be.
type DictOf uint8

// The kinds of dictionaries.
const (
	AnyDict         DictOf = iota
	StringDict             // strings
	IntDict                // integers
	IntOrStringDict        // integers or strings
	StringListDict         // lists of strings
	HeaderDict             // lists of strings; in STIX 2.0 strings, too
)

// FieldSet is the set of properties of one kind of object.
type FieldSet struct {
	props    []Property
	find     finder
	required uint64
	section  string // of the specification
	// rules checks what concerns several properties at once; it may be nil.
	rules func(c *checker, v Value)
}

// Properties iterates over the properties in the order of the specification.
func (f *FieldSet) Properties() iter.Seq[Property] { return slices.Values(f.props) }

// Property finds a property by name.
func (f *FieldSet) Property(name string) (Property, bool) {
	if i := f.find.index([]byte(name)); i >= 0 {
		return f.props[i], true
	}
	return Property{}, false
}

// Section is where STIX 2.1 describes it, as in "4.7".
func (f *FieldSet) Section() string { return f.section }

// TypeSpec says what the specification demands of objects of one type.
type TypeSpec struct {
	// Name is the type, as in "attack-pattern".
	Name string
	// Category is the kind of type.
	Category Category
	FieldSet
	extensions map[string]*FieldSet
}

// Extension gives the table of one of the type's predefined extensions (STIX 2.1
// §3.10), as in "ntfs-ext".
func (t *TypeSpec) Extension(name string) (f *FieldSet, ok bool) {
	f, ok = t.extensions[name]
	return f, ok
}

// Extensions lists the names of the type's predefined extensions, sorted.
func (t *TypeSpec) Extensions() []string {
	out := make([]string, 0, len(t.extensions))
	for name := range t.extensions {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
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
			t := &TypeSpec{Name: row.name, Category: cat, extensions: row.extensions}
			t.FieldSet = *fields(row.section, row.rules, slices.Concat(common, row.props)...)
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
	name       string
	section    string
	rules      func(c *checker, v Value)
	props      []Property
	extensions map[string]*FieldSet
}

// fields builds a set. There are at most 64 properties in one, so that which of
// them are present fits a word.
func fields(section string, rules func(*checker, Value), props ...Property) *FieldSet {
	f := &FieldSet{props: props, rules: rules, section: section}
	names := make([]string, len(props))
	for i := range props {
		p := &props[i]
		names[i] = p.Name
		if p.Required {
			f.required |= 1 << i
		}
		p.vocab = vocabularies[p.Vocab]
	}
	f.find = newFinder(names)
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
func enum(name, enumeration string) Property {
	return Property{Name: name, Kind: EnumValue, Values: vocabularies[enumeration].Values}
}
func dict(name string, of DictOf) Property { return Property{Name: name, Kind: DictValue, Of: of} }
func count(name string) Property           { return within(name, IntValue, 0, 1<<53-1) }
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

var externalReference = fields("2.5", externalReferenceRules,
	must(str("source_name")), str("description"), kind("url", URLValue), kind("hashes", HashesValue), str("external_id"))

var killChainPhase = fields("2.11", killChainRules, must(str("kill_chain_name")), must(str("phase_name")))

var granularMarking = fields("7.2.3.1", granularMarkingRules,
	kind("lang", LangValue), ref("marking_ref", "marking-definition"), must(strs("selectors")))

var version21 = []string{"2.1"}

// Lines that several tables share.
var (
	typeLine       = must(str("type"))
	versionLine    = must21(Property{Name: "spec_version", Kind: EnumValue, Values: version21})
	idLine         = must(ref("id"))
	createdByLine  = ref("created_by_ref", "identity")
	createdLine    = must(when("created"))
	modifiedLine   = must(when("modified"))
	revokedLine    = flag("revoked")
	labelsLine     = strs("labels")
	confidenceLine = within("confidence", IntValue, 0, 100)
	langLine       = kind("lang", LangValue)
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
var scoCommonProperties = []Property{typeLine, Property{Name: "spec_version", Kind: EnumValue, Values: version21}, idLine, markingsLine, granularLine,
	flag("defanged"), extensionsLine}

// unknownFields judges an object of a type without a table.
var unknownFields = fields("3.2", nil, typeLine, Property{Name: "spec_version", Kind: EnumValue, Values: version21}, idLine, createdByLine, when("created"), when("modified"),
	revokedLine, labelsLine, confidenceLine, langLine, externalLine, markingsLine, granularLine, flag("defanged"), extensionsLine)
