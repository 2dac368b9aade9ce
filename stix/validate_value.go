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
	case StringValue, VocabValue:
		if k != KindString {
			c.wrongKind(v, "a string")
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
		switch _, strict, err := parseTime(v.unquoted(scratch[:0])); {
		case err != nil:
			c.add(v, CodeTimestamp, true, err.Error())
		case !strict:
			c.add(v, CodeTimestamp, true, "a timestamp must be in UTC and end in Z")
		}
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
		if b := v.unquoted(scratch[:0]); !slices.ContainsFunc(p.Values, func(s string) bool { return s == string(b) }) {
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
		} else if len(s)%2 != 0 || !allHex(s) {
			c.add(v, CodeValue, true, "must be pairs of hexadecimal digits")
		}
	case BinaryValue:
		s, ok := v.Text()
		if !ok {
			c.wrongKind(v, "a string")
		} else if !validBase64(s) {
			c.add(v, CodeValue, true, "must be base64 (RFC 4648 §4)")
		}
	case HashesValue:
		c.hashes(v)
	case DictValue:
		c.dictionary(v)
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
	typ, ok := validID(b)
	switch {
	case !ok:
		c.add(v, CodeIdentifier, true, "must be an identifier of the form type--UUID")
	case len(p.Types) > 0 && !slices.ContainsFunc(p.Types, func(s string) bool { return s == string(typ) }):
		c.add(v, CodeRefType, true, "must name "+strings.Join(p.Types, " or ")+", not "+quoteShort(string(typ)))
	case slices.ContainsFunc(p.NotTypes, func(s string) bool { return s == string(typ) }):
		c.add(v, CodeRefType, true, "must not name a "+string(typ))
	}
}

// hashDigits are the lengths of hexadecimal hashes (STIX 2.1 §10.9).
var hashDigits = map[string]int{"MD5": 32, "SHA-1": 40, "SHA-256": 64, "SHA-512": 128, "SHA3-256": 64, "SHA3-512": 128}

func (c *checker) hashes(v Value) {
	if v.Kind() != KindObject {
		c.wrongKind(v, "an object")
		return
	}
	empty := true
	for name, val := range v.Members() {
		empty = false
		s, ok := val.Text()
		switch want, known := hashDigits[name]; {
		case !ok:
			c.wrongKind(val, "a string")
		case !dictKey(name) || len(name) < 3:
			c.add(val, CodeName, true, "the name of a hash has 3 to 250 of a-z, A-Z, 0-9, hyphen and underscore")
		case known && (len(s) != want || !allHex(s)):
			c.add(val, CodeHash, true, "a "+name+" hash has "+formatNumber(float64(want))+" hexadecimal digits")
		}
	}
	if empty {
		c.add(v, CodeEmpty, true, "must hold at least one hash")
	}
}

func (c *checker) dictionary(v Value) {
	if v.Kind() != KindObject {
		c.wrongKind(v, "an object")
		return
	}
	empty := true
	for name, val := range v.Members() {
		empty = false
		if !dictKey(name) {
			c.add(val, CodeName, true, "a key has 1 to 250 of a-z, A-Z, 0-9, hyphen and underscore")
		}
		if val.Kind() == KindNull {
			c.null(val)
		}
	}
	if empty {
		c.add(v, CodeEmpty, true, "a dictionary must not be empty; leave the property out")
	}
}

func (c *checker) extensions(v Value) {
	if v.Kind() != KindObject {
		c.wrongKind(v, "an object")
		return
	}
	empty := true
	for name, val := range v.Members() {
		empty = false
		if val.Kind() != KindObject {
			c.wrongKind(val, "an object")
			continue
		}
		typ, _, isID := SplitID(name)
		if !isID {
			if !strings.HasSuffix(name, "-ext") {
				c.add(val, CodeName, false, "an extension is named by the identifier of its extension-definition")
			}
			continue
		}
		if typ != "extension-definition" {
			c.add(val, CodeRefType, true, "must be the identifier of an extension-definition")
		}
		switch s, ok := val.Member("extension_type").Text(); {
		case !ok:
			c.addAt(appendName(c.o.pathOf(val.n), "extension_type"), CodeMissing, true, "is required")
		case !slices.Contains(extensionTypes, s):
			c.add(val.Member("extension_type"), CodeEnum, true, "must be one of "+strings.Join(extensionTypes, ", "))
		}
	}
	if empty {
		c.add(v, CodeEmpty, true, "must not be empty; leave the property out")
	}
}

func allHex(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isHex(s[i]) {
			return false
		}
	}
	return true
}
