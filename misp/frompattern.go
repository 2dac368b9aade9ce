package misp

import (
	"strconv"
	"strings"

	"entente/stix"
	"entente/stix/pattern"
)

// indicator adds attributes for what an indicator detects.
func (f *fromSTIX) indicator(o *stix.Object) string {
	switch o.PatternType {
	case "yara", "sigma", "snort", "suricata", "zeek":
		f.add(o, f.detection(o, "", o.PatternType, o.Pattern))
		return ""
	case "stix", "":
	default:
		return "MISP has no attribute for the pattern type " + o.PatternType
	}
	found := readPattern(o.Pattern)
	switch len(found) {
	case 0:
		f.add(o, f.detection(o, "", "stix2-pattern", o.Pattern))
	case 1:
		f.add(o, f.detection(o, "", found[0].typ, found[0].value))
	default:
		for _, v := range found {
			f.add(o, f.detection(o, v.typ+"\x00"+v.value, v.typ, v.value))
		}
	}
	return ""
}

// detection is an attribute of an indicator, with the time it is valid.
func (f *fromSTIX) detection(o *stix.Object, more, typ, value string) Attribute {
	a := f.attribute(o, more, typ, value, true)
	if t := o.ValidFrom.Time; !o.ValidFrom.IsZero() && plausible(t) {
		a.SetText("first_seen", t.UTC().Format("2006-01-02T15:04:05.000000+00:00"))
	}
	if t := o.ValidUntil.Time; !o.ValidUntil.IsZero() && plausible(t) {
		end := &Members{}
		end.SetText("uuid", f.name(o.ID, more+"\x00expiration"))
		end.SetInt("date_sighting", t.Unix())
		end.SetText("type", strconv.Itoa(int(Expiration)))
		end.SetText("source", "valid_until")
		a.Add("Sighting", end)
	}
	if a.Comment() == "" && o.Name != value {
		a.SetText("comment", o.Name)
	}
	return a
}

// maxPatternValues is how many comparisons a pattern may have to become attributes.
const maxPatternValues = 1000

// typed is a value with its attribute type.
type typed struct{ typ, value string }

// readPattern gives the values that a pattern asks for, if each of them by itself
// makes it match, or if together they are one attribute of a composite type; nothing if
// attributes cannot say what the pattern says.
func readPattern(text string) []typed {
	atoms, err := pattern.ExtractAtoms(text)
	if err != nil || len(atoms) == 0 || len(atoms) > maxPatternValues {
		return nil
	}
	words := keywords(text)
	for w := range words {
		if w != "AND" && w != "OR" && w != "IN" && w != "ISSUBSET" {
			return nil
		}
	}
	for i := range atoms {
		if atoms[i].Negated {
			return nil
		}
	}
	if words["AND"] {
		if words["OR"] || words["IN"] {
			return nil
		}
		return readComposite(atoms)
	}
	var found []typed
	for i := range atoms {
		a := &atoms[i]
		values := a.Set
		switch {
		case a.Op == pattern.OpEqual, a.Op == pattern.OpSubset:
			values = []pattern.Literal{a.Value}
		case a.Op != pattern.OpIn:
			return nil
		}
		for _, v := range values {
			typ := attributeType(a, v.Text)
			if typ == "" || v.Kind == pattern.NoLiteral || a.Op == pattern.OpSubset && typ != "ip-dst" && typ != "ip-src" {
				return nil
			}
			found = append(found, typed{typ, v.Text})
		}
	}
	return found
}

// keywords finds the words of a pattern that stand outside of strings.
func keywords(p string) map[string]bool {
	words := map[string]bool{}
	for i := 0; i < len(p); {
		switch c := p[i]; {
		case c == '\'':
			for i++; i < len(p) && p[i] != '\''; i++ {
				if p[i] == '\\' {
					i++
				}
			}
			i++
		case c >= 'A' && c <= 'Z' && (i == 0 || !wordByte(p[i-1])):
			start := i
			for i < len(p) && wordByte(p[i]) {
				i++
			}
			// A key of an object path, as in hashes.MD5, is no keyword.
			if start == 0 || p[start-1] != '.' {
				words[p[start:i]] = true
			}
		default:
			i++
		}
	}
	return words
}

func wordByte(c byte) bool {
	return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

// readComposite reads comparisons that all hold as one attribute.
func readComposite(atoms []pattern.Atom) []typed {
	by := map[string]*pattern.Atom{}
	for i := range atoms {
		a := &atoms[i]
		if a.Op != pattern.OpEqual && a.Op != pattern.OpSubset || a.Observation != 0 {
			return nil
		}
		by[a.ObjectType+":"+a.Path] = a
	}
	if len(by) != len(atoms) {
		return nil
	}
	get := func(path string) string {
		if a := by[path]; a != nil {
			return a.Value.Text
		}
		return ""
	}
	for _, end := range []string{"dst", "src"} {
		ref := "network-traffic:" + end + "_ref"
		host, port := get(ref+".value"), get("network-traffic:"+end+"_port")
		if host == "" {
			continue
		}
		n := len(atoms) - 1
		if by[ref+".type"] != nil {
			n--
		}
		typ := "ip-" + end
		if addrType(host) == "" {
			typ = "hostname"
		}
		switch {
		case n == 0:
			return []typed{{typ, host}}
		case n == 1 && port != "" && (typ != "hostname" || end == "dst"):
			return []typed{{typ + "|port", host + "|" + port}}
		}
		return nil
	}
	if name := get("file:name"); name != "" && len(atoms) == 2 {
		for path, a := range by {
			if key, ok := strings.CutPrefix(path, "file:hashes."); ok {
				typ := "filename|" + hashType(key)
				if _, known := TypeOf(typ); known {
					return []typed{{typ, name + "|" + a.Value.Text}}
				}
			}
		}
	}
	if domain, ip := get("domain-name:value"), get("domain-name:resolves_to_refs[*].value"); domain != "" && ip != "" && len(atoms) == 2 {
		return []typed{{"domain|ip", domain + "|" + ip}}
	}
	if key, data := get("windows-registry-key:key"), get("windows-registry-key:values[*].data"); key != "" && data != "" && len(atoms) == 2 {
		return []typed{{"regkey|value", key + "|" + data}}
	}
	return nil
}

// attributeType gives the attribute type of what one comparison asks for.
func attributeType(a *pattern.Atom, value string) string {
	if key, ok := strings.CutPrefix(a.Path, "hashes."); ok {
		typ := hashType(key)
		if a.ObjectType == "x509-certificate" && typ != "" {
			typ = "x509-fingerprint-" + typ
		} else if a.ObjectType != "file" {
			return ""
		}
		if _, known := TypeOf(typ); !known {
			return ""
		}
		return typ
	}
	host := func(end string) string {
		if addrType(value) != "" {
			return "ip-" + end
		}
		return "hostname"
	}
	switch a.ObjectType + ":" + a.Path {
	case "ipv4-addr:value", "ipv6-addr:value":
		if addrType(value) == "" {
			return ""
		}
		return "ip-dst"
	case "network-traffic:dst_ref.value":
		return host("dst")
	case "network-traffic:src_ref.value":
		return host("src")
	case "network-traffic:dst_port":
		return "port"
	case "domain-name:value":
		return "domain"
	case "url:value":
		return "url"
	case "file:name":
		return "filename"
	case "file:size":
		return "size-in-bytes"
	case "file:mime_type":
		return "mime-type"
	case "email-addr:value":
		return "email"
	case "email-message:from_ref.value", "email-message:sender_ref.value":
		return "email-src"
	case "email-message:to_refs[*].value":
		return "email-dst"
	case "email-message:subject":
		return "email-subject"
	case "email-message:body":
		return "email-body"
	case "email-message:message_id":
		return "email-message-id"
	case "mutex:name":
		return "mutex"
	case "windows-registry-key:key":
		return "regkey"
	case "mac-addr:value":
		return "mac-address"
	case "autonomous-system:number":
		return "AS"
	case "software:cpe":
		return "cpe"
	}
	return ""
}

// observable adds an observable: one attribute, or for a file of which more is known a
// MISP object.
func (f *fromSTIX) observable(o *stix.Object) string {
	one := func(typ, value string) string {
		if value == "" {
			return "it has no value"
		}
		f.add(o, f.attribute(o, "", typ, value, false))
		return ""
	}
	member := func(name string) string {
		s, _ := o.Root().Member(name).Text()
		return s
	}
	switch o.Type {
	case "ipv4-addr", "ipv6-addr":
		return one("ip-dst", o.Value)
	case "domain-name":
		return one("domain", o.Value)
	case "url":
		return one("url", o.Value)
	case "email-addr":
		return one("email", o.Value)
	case "mac-addr":
		return one("mac-address", o.Value)
	case "mutex":
		return one("mutex", o.Name)
	case "autonomous-system":
		return one("AS", string(o.Root().Member("number").Raw()))
	case "windows-registry-key":
		if values := o.Root().Member("values"); values.Len() > 0 && member("key") != "" {
			if data, _ := values.Index(0).Member("data").Text(); data != "" && values.Len() == 1 {
				return one("regkey|value", member("key")+"|"+data)
			}
		}
		return one("regkey", member("key"))
	case "x509-certificate":
		return f.certificate(o)
	case "file":
		return f.file(o)
	}
	return "MISP has no counterpart for the type " + o.Type
}

func (f *fromSTIX) certificate(o *stix.Object) string {
	n := 0
	for name, v := range o.Root().Member("hashes").Members() {
		s, _ := v.Text()
		typ := "x509-fingerprint-" + hashType(name)
		if _, known := TypeOf(typ); known && s != "" {
			more := ""
			if n > 0 {
				more = typ
			}
			f.add(o, f.attribute(o, more, typ, s, false))
			n++
		}
	}
	if n == 0 {
		return "it has no fingerprint that MISP has a type for"
	}
	return ""
}

func (f *fromSTIX) file(o *stix.Object) string {
	var values []typed
	if o.Name != "" {
		values = append(values, typed{"filename", o.Name})
	}
	for name, v := range o.Root().Member("hashes").Members() {
		s, _ := v.Text()
		typ := hashType(name)
		if _, known := TypeOf(typ); known && s != "" {
			values = append(values, typed{typ, s})
		}
	}
	if len(values) == 0 {
		return "it has neither a name nor a hash that MISP has a type for"
	}
	if n := o.Root().Member("size"); n.Kind() == stix.KindNumber {
		values = append(values, typed{"size-in-bytes", string(n.Raw())})
	}
	if s, _ := o.Root().Member("mime_type").Text(); s != "" {
		values = append(values, typed{"mime-type", s})
	}
	if len(values) == 1 {
		f.add(o, f.attribute(o, "", values[0].typ, values[0].value, false))
		return ""
	}
	obj := newObject(f.name(o.ID, ""), "file", "file", "File object describing a file with meta-information", fileTemplate, "24", f.stamp)
	for _, v := range values {
		a := f.attribute(o, v.typ, v.typ, v.value, false)
		relation := v.typ
		if relation == "mime-type" {
			relation = "mimetype"
		}
		a.SetText("object_relation", relation)
		f.tag(a.Members, o)
		obj.Add("Attribute", a.Members)
	}
	f.event.AddObject(obj)
	return ""
}
