package indicators

import "entente/stix"

// plain tells that an indicator decodes as [stix.Object.View] does it, without doing so: what is watched for stands in the object already, and decoding the
// rest of each takes a quarter of the reading. It is false where only decoding can tell. FuzzPlain holds it to View.
func plain(x *stix.Object) bool {
	for name, v := range x.Root().Members() {
		ok := true
		switch name {
		case "name", "description", "lang", "pattern_version":
			ok = v.Kind() == stix.KindString
		case "labels", "indicator_types":
			ok = v.Kind() == stix.KindArray && every(v, func(e stix.Value) bool { return e.Kind() == stix.KindString })
		case "kill_chain_phases", "external_references":
			ok = v.Kind() == stix.KindArray && every(v, texts)
		case "confidence":
			ok = v.Kind() == stix.KindNumber && digits(v.Raw())
		case "extensions":
			ok = v.Kind() == stix.KindObject
		case "granular_markings":
			ok = false
		}
		if !ok {
			return false
		}
	}
	return true
}

func every(list stix.Value, ok func(stix.Value) bool) bool {
	for e := range list.Elements() {
		if !ok(e) {
			return false
		}
	}
	return true
}

// texts tells an object of strings. Hashes are an object themselves.
func texts(v stix.Value) bool {
	if v.Kind() != stix.KindObject {
		return false
	}
	for name, m := range v.Members() {
		if m.Kind() != stix.KindString || name == "hashes" {
			return false
		}
	}
	return true
}

// digits tells a number that is certainly an integer, and no large one.
func digits(raw []byte) bool {
	for _, c := range raw {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(raw) <= 9
}
