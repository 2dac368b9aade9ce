package stix

import (
	"bytes"
	"slices"
	"strings"
)

// value checks one value against its property's line.
func (c *checker) value(v Value, p *Property) {
	var scratch [96]byte
	switch k := v.Kind(); p.Kind {
	case AnyValue:
		if k == KindNull {
			c.null(v)
		}
	case StringValue:
		if k != KindString {
			c.wrongKind(v, "a string")
		}
	case VocabValue:
		if k != KindString {
			c.wrongKind(v, "a string")
		} else if c.advise {
			c.vocabulary(v, v.unquoted(scratch[:0]), p.vocab)
		}
	case LangValue:
		if k != KindString {
			c.wrongKind(v, "a string")
		} else if !languageTag(v.unquoted(scratch[:0])) {
			c.add(v, CodeLanguage, true, "must be a language tag (RFC 5646), as in en or pt-BR")
		}
	case URLValue:
		if k != KindString {
			c.wrongKind(v, "a string")
		} else if why, must := urlFault(v.unquoted(scratch[:0])); why != "" && !c.defanged() {
			c.add(v, CodeValue, must, why)
		}
	case BoolValue:
		if k != KindTrue && k != KindFalse {
			c.wrongKind(v, "true or false")
		}
	case IntValue, FloatValue:
		c.number(v, p)
	case TimeValue:
		if k != KindString {
			c.wrongKind(v, "a timestamp")
			return
		}
		c.timestamp(v, v.unquoted(scratch[:0]), p.Name)
	case IDValue:
		if k != KindString {
			c.wrongKind(v, "an identifier")
			return
		}
		c.identifier(v, v.unquoted(scratch[:0]), p)
	case EnumValue:
		if k != KindString {
			c.wrongKind(v, "a string")
			return
		}
		if b := v.unquoted(scratch[:0]); !among(p.Values, b) {
			if p.Name == "spec_version" {
				if !c.old {
					c.add(v, CodeVersion, true, "must be 2.1")
				}
				return
			}
			c.add(v, CodeEnum, true, "must be one of "+strings.Join(p.Values, ", "))
		}
	case HexValue:
		s, ok := v.Text()
		if !ok {
			c.wrongKind(v, "a string")
		} else if !lowerHex([]byte(s)) {
			c.addIn("2.8", c.o.pathOf(v.n), CodeValue, true, "must be pairs of hexadecimal digits, a to f in lower case")
		}
	case BinaryValue:
		s, ok := v.Text()
		if !ok {
			c.wrongKind(v, "a string")
		} else if !isBase64([]byte(s)) {
			c.addIn("2.1", c.o.pathOf(v.n), CodeValue, true, "must be base64 (RFC 4648 §4)")
		}
	case HashesValue:
		c.hashes(v)
	case DictValue:
		c.dictionary(v, p.Of)
	case ContainerValue:
		c.container(v)
	case ContentsValue:
		c.contents(v)
	case ObjectValue:
		if k != KindObject {
			c.wrongKind(v, "an object")
			return
		}
		c.fields(v, p.Fields, false)
	case ExtensionsValue:
		c.extensions(v)
	}
}

func (c *checker) number(v Value, p *Property) {
	if v.Kind() != KindNumber {
		c.wrongKind(v, "a number")
		return
	}
	raw := v.Raw()
	if p.Kind == IntValue && bytes.ContainsAny(raw, ".eE") {
		c.add(v, CodeKind, true, "must be an integer")
		return
	}
	if len(raw) < 16 && allDigits(raw) { // the usual case
		n := 0
		for _, d := range raw {
			n = n*10 + int(d-'0')
		}
		if p.Bounded && (float64(n) < p.Min || float64(n) > p.Max) {
			c.add(v, CodeRange, true, "must be from "+formatNumber(p.Min)+" to "+formatNumber(p.Max))
		}
		return
	}
	f, ok := v.Float()
	const exact = 1<<53 - 1
	switch {
	case !ok:
		c.add(v, CodeRange, true, "is beyond the range of numbers")
	case p.Bounded && (f < p.Min || f > p.Max):
		c.add(v, CodeRange, true, "must be from "+formatNumber(p.Min)+" to "+formatNumber(p.Max))
	case p.Kind == IntValue && (f > exact || f < -exact):
		c.add(v, CodeRange, true, "an integer must be within ±(2^53-1)")
	}
}

func (c *checker) identifier(v Value, b []byte, p *Property) {
	if c.box.o != nil {
		c.localReference(v, b, p)
		return
	}
	var typ []byte
	ok := true
	switch p.Name {
	case "id", "created_by_ref", "object_marking_refs", "marking_ref": // Parse has read these
		typ = b[:len(b)-38]
	default:
		typ, ok = validID(b)
	}
	switch {
	case !ok:
		c.add(v, CodeIdentifier, true, "must be an identifier of the form type--UUID")
	case !rfc4122(b[len(b)-36:]):
		c.add(v, CodeIdentifier, true, "its UUID must be one of RFC 4122, of version 1 to 5")
	case len(p.Types) > 0 && !among(p.Types, typ):
		c.add(v, CodeRefType, true, "must name "+strings.Join(p.Types, " or ")+", not "+quoteShort(string(typ)))
	case len(p.NotTypes) > 0 && among(p.NotTypes, typ):
		c.add(v, CodeRefType, true, "must not name an object of type "+string(typ))
	case len(p.Types) == 0 && p.Name != "id" && !strictTypeName(typ):
		c.add(v, CodeIdentifier, true, "the type in it must be a type name: 3 to 250 of a-z, 0-9 and hyphen")
	}
}

// timestamp judges a timestamp (STIX 2.1 §2.16, and §3.2 for its precision).
func (c *checker) timestamp(v Value, b []byte, name string) {
	var strict bool
	var err error
	switch name {
	case "created", "modified", "valid_from", "valid_until": // Parse has read these
		strict = b[10] == 'T' && b[len(b)-1] == 'Z'
	default:
		_, strict, err = parseTime(b)
	}
	switch {
	case err != nil:
		c.add(v, CodeTimestamp, true, err.Error())
	case !strict:
		c.add(v, CodeTimestamp, true, "a timestamp must be in UTC and end in Z")
	case name == "created" || name == "modified":
		if len(b) < len("2006-01-02T15:04:05.000Z") { // 20, or fewer than three digits
			c.addIn("3.2", c.o.pathOf(v.n), CodePrecision, true, "must be precise to the millisecond: three or more digits after the second")
		}
	case name == "time_date_stamp" && len(b) > len("2006-01-02T15:04:05Z"):
		c.add(v, CodeTimestamp, true, "must be precise to the second")
	}
}

// vocabulary judges a value that should come from an open vocabulary.
func (c *checker) vocabulary(v Value, b []byte, words *Vocabulary) {
	if words.has(b) {
		return
	}
	if !plainWords(b) {
		c.suggest(111, v, CodeFormat, "a value outside of "+words.Name+" is best written in lower case, with hyphens")
		return
	}
	c.suggest(words.check, v, CodeVocabulary, quoteShort(string(b))+" is not in "+words.Name+"; it is allowed, but few will know it")
}

// defanged reports whether the object says that its values are written so that
// nobody follows them by mistake.
func (c *checker) defanged() bool {
	yes, _ := c.o.Root().Member("defanged").Bool()
	return yes
}

// hashDigits are the lengths of hexadecimal hashes (STIX 2.1 §10.9).
var hashDigits = map[string]int{"MD5": 32, "SHA-1": 40, "SHA-256": 64, "SHA-512": 128, "SHA3-256": 64, "SHA3-512": 128}

func (c *checker) hashes(v Value) {
	if v.Kind() != KindObject {
		c.wrongKind(v, "an object")
		return
	}
	if v.node().next == v.n+1 {
		c.empty(v)
	}
	var scratch [160]byte
	for n, val := range v.members() {
		name, _ := n.Text()
		if val.Kind() != KindString {
			c.wrongKind(val, "a string")
			continue
		}
		if !dictKey(name) || len(name) < 3 {
			c.addIn("2.7", c.o.pathOf(val.n), CodeName, true, "the name of a hash has 3 to 250 of a-z, A-Z, 0-9, hyphen and underscore")
			continue
		}
		if why := hashFault(name, val.unquoted(scratch[:0])); why != "" {
			c.add(val, CodeHash, true, why)
		}
		if c.advise && !vocabularies["hash-algorithm-ov"].has([]byte(name)) && !strings.HasPrefix(name, "x_") {
			c.suggest(241, val, CodeVocabulary, quoteShort(name)+" is not in hash-algorithm-ov; MD5, SHA-1, SHA-256 and the like are")
		}
	}
}

func (c *checker) dictionary(v Value, of DictOf) {
	if v.Kind() != KindObject {
		c.wrongKind(v, "an object")
		return
	}
	if v.node().next == v.n+1 {
		c.empty(v)
		return
	}
	for n, val := range v.members() {
		name, _ := n.Text()
		if !dictKey(name) {
			c.addIn("2.3", c.o.pathOf(val.n), CodeName, true, "a key has 1 to 250 of a-z, A-Z, 0-9, hyphen and underscore")
		}
		c.entry(val, of)
	}
}

// entry judges one value of a dictionary.
func (c *checker) entry(v Value, of DictOf) {
	k := v.Kind()
	wholeNumber := k == KindNumber && !bytes.ContainsAny(v.Raw(), ".eE")
	switch of {
	case AnyDict:
		c.free(v)
	case StringDict:
		if k != KindString {
			c.wrongKind(v, "a string")
		}
	case IntDict:
		if !wholeNumber {
			c.wrongKind(v, "an integer")
		}
	case IntOrStringDict:
		if k != KindString && !wholeNumber {
			c.wrongKind(v, "an integer or a string")
		}
	case StringListDict:
		c.property(v, &stringList)
	case HeaderDict:
		if k != KindString || !c.old { // "MUST always be a list" (§6.6.1)
			c.property(v, &stringList)
		}
	}
}

var stringList = strs("")

// extensions judges the extensions of an object (STIX 2.1 §3.2, §3.10 and §7.3).
func (c *checker) extensions(v Value) {
	if v.Kind() != KindObject {
		c.wrongKind(v, "an object")
		return
	}
	if v.node().next == v.n+1 {
		c.empty(v)
	}
	for n, val := range v.members() {
		name, _ := n.Text()
		if val.Kind() != KindObject {
			c.wrongKind(val, "an object")
			continue
		}
		if typ, _, isID := SplitID(name); isID {
			c.extension(val, name, typ)
			continue
		}
		if c.spec != nil {
			if f, ok := c.spec.extensions[name]; ok {
				c.fields(val, f, false)
				continue
			}
		}
		c.free(val)
		switch predefined := c.spec != nil && len(c.spec.extensions) > 0; {
		case !strings.HasSuffix(name, "-ext"):
			c.add(val, CodeName, predefined || !c.old, "an extension is named by the identifier of its extension-definition, or by a name that ends with -ext")
		case !c.old && !strictTypeName(name):
			c.add(val, CodeName, true, "the name of an extension has 3 to 250 of a-z, 0-9 and hyphen")
		case predefinedElsewhere(name):
			c.add(val, CodeExtension, false, "is an extension of another type")
		default:
			c.suggest(401, val, CodeCustom, "is a custom extension; new content describes its own by an extension-definition")
		}
	}
}

// predefinedElsewhere reports whether the name is that of a predefined extension.
func predefinedElsewhere(name string) bool {
	for _, t := range specs {
		if _, ok := t.extensions[name]; ok {
			return true
		}
	}
	return false
}

// extension judges one that an extension-definition describes.
func (c *checker) extension(v Value, name, typ string) {
	if typ != "extension-definition" {
		c.add(v, CodeRefType, true, "must be the identifier of an extension-definition")
	} else if !rfc4122(name[len(name)-36:]) {
		c.add(v, CodeIdentifier, true, "its UUID must be one of RFC 4122, of version 1 to 5")
	}
	kindOf := v.Member("extension_type")
	switch s, ok := kindOf.Text(); {
	case !ok && kindOf.Kind() == KindInvalid:
		c.addIn("7.3", appendName(c.o.pathOf(v.n), "extension_type"), CodeMissing, true, "is required")
	case !slices.Contains(extensionTypes(), s):
		c.add(kindOf, CodeEnum, true, "must be one of "+strings.Join(extensionTypes(), ", "))
	case strings.HasPrefix(s, "new-") && c.spec != nil:
		c.add(v, CodeExtension, true, s+" cannot stand in an object of a type that the specification defines")
	}
	for n, val := range v.members() {
		if s, _ := n.Text(); !propertyName(s) {
			c.addIn("7.3.2.1", c.o.pathOf(n.n), CodeName, true, "a property name has 3 to 250 of a-z, 0-9 and underscore and begins with a letter")
		}
		c.free(val)
	}
}

func allHex[S ~string | ~[]byte](s S) bool {
	for i := 0; i < len(s); i++ {
		if !isHex(s[i]) {
			return false
		}
	}
	return true
}

// lowerHex reports whether text is a value of type hex: pairs of digits, a to f in
// lower case (STIX 2.1 §2.8).
func lowerHex(s []byte) bool {
	for _, c := range s {
		if !isDigit(c) && c-'a' > 5 {
			return false
		}
	}
	return len(s)%2 == 0
}

// among reports whether b is in the list.
func among(list []string, b []byte) bool {
	for _, s := range list {
		if s == string(b) {
			return true
		}
	}
	return false
}
