package observable

import (
	"strings"

	"entente/stix"
	"entente/stix/pattern"
)

// MaxValues bounds the values taken from one object.
const MaxValues = 10_000

// FromObject lists the observable values in an object, each once, in the order of
// the text: those of an observable, of the deprecated observables inside a STIX 2.0
// observed-data, and of an indicator whose pattern is a STIX pattern. Of a pattern
// it takes what is compared for equality (=, IN, ISSUBSET) and not negated. A value
// that breaks the rules of its type is kept as Other, so that it can be found as it
// is written. Objects of other types have none.
func FromObject(o *stix.Object) []Value {
	c := collector{}
	switch o.Type {
	case "indicator":
		if o.Pattern != "" && (o.PatternType == "stix" || o.PatternType == "") {
			c.pattern(o.Pattern)
		}
	case "observed-data":
		for _, sco := range o.Root().Member("objects").Members() {
			typ, _ := sco.Member("type").Text()
			c.observable(typ, sco)
		}
	default:
		if o.IsSCO() {
			c.observable(o.Type, o.Root())
		}
	}
	return c.out
}

// collector gathers values without repetition.
type collector struct {
	out  []Value
	seen map[Value]struct{} // only once there are many
}

func (c *collector) add(v Value) {
	if len(c.out) >= MaxValues {
		return
	}
	const few = 16
	if len(c.out) < few {
		for i := range c.out {
			if c.out[i] == v {
				return
			}
		}
	} else {
		if c.seen == nil {
			c.seen = make(map[Value]struct{}, 4*few)
			for _, w := range c.out {
				c.seen[w] = struct{}{}
			}
		}
		if _, ok := c.seen[v]; ok {
			return
		}
		c.seen[v] = struct{}{}
	}
	c.out = append(c.out, v)
}

// take adds the text as a value of the type, or of whatever it looks like, or else
// as Other under its STIX type and path.
func (c *collector) take(t Type, stixType, path, text string) {
	if t != "" && t != Other {
		if v, err := New(t, text); err == nil {
			c.add(v)
			return
		}
	}
	if t == "" || t == Domain || t == IPv4 || t == IPv6 {
		// Producers do put addresses under domain-name and the reverse.
		if v, ok := Detect(strings.TrimSpace(text)); ok {
			c.add(v)
			return
		}
	}
	if v, err := New(Other, stixType+":"+path+"="+text); err == nil {
		c.add(v)
	}
}

// observable takes the values of one cyber-observable.
func (c *collector) observable(typ string, sco stix.Value) {
	text := func(t Type, name string) {
		if s, ok := sco.Member(name).Text(); ok && s != "" {
			c.take(t, typ, name, s)
		}
	}
	switch typ {
	case "domain-name":
		text(Domain, "value")
	case "ipv4-addr":
		text(IPv4, "value")
	case "ipv6-addr":
		text(IPv6, "value")
	case "url":
		text(URL, "value")
	case "email-addr":
		text(Email, "value")
	case "mac-addr":
		text(MAC, "value")
	case "autonomous-system":
		if n := sco.Member("number"); n.Kind() == stix.KindNumber {
			c.take(ASN, typ, "number", string(n.Raw()))
		}
	case "mutex":
		text(Mutex, "name")
	case "file", "artifact", "x509-certificate":
		for name, h := range sco.Member("hashes").Members() {
			if s, ok := h.Text(); ok {
				c.hash(typ, name, s)
			}
		}
		switch typ {
		case "file":
			text(FileName, "name")
			text(FilePath, "path") // not of the specification, but in real data
		case "artifact":
			text(URL, "url")
		default:
			text(Other, "serial_number")
		}
	case "directory":
		text(FilePath, "path")
	case "windows-registry-key":
		text(RegistryKey, "key")
	case "user-account":
		text(Account, "user_id")
		text(Account, "account_login")
	case "process":
		text(Process, "name") // of STIX 2.0
		text(Other, "command_line")
	case "email-message":
		text(Other, "message_id")
		text(Other, "subject")
	case "software":
		text(Other, "cpe")
	}
}

func (c *collector) hash(stixType, algorithm, text string) {
	t, ok := HashType(algorithm)
	if !ok {
		t = Other
	}
	c.take(t, stixType, "hashes."+algorithm, text)
}

// pattern takes the values that a STIX pattern looks for. A pattern that cannot be
// read has none.
func (c *collector) pattern(text string) {
	atoms, err := pattern.ExtractAtoms(text)
	if err != nil {
		return
	}
	for i := range atoms {
		c.atom(&atoms[i])
	}
}

// atom takes the values that one comparison asks for.
func (c *collector) atom(a *pattern.Atom) {
	if a.Negated {
		return
	}
	switch a.Op {
	case pattern.OpEqual, pattern.OpSubset:
		c.literal(a, a.Value)
	case pattern.OpIn:
		for _, lit := range a.Set {
			c.literal(a, lit)
		}
	}
}

func (c *collector) literal(a *pattern.Atom, lit pattern.Literal) {
	t, ok := typeOfPath(a.ObjectType, a.Path)
	if !ok || lit.Text == "" || lit.Kind != pattern.StringLiteral && !(t == ASN && lit.Kind == pattern.IntLiteral) {
		return
	}
	c.take(t, a.ObjectType, a.Path, lit.Text)
}

// typeOfPath maps the path of a comparison to the type of its values. An empty
// type means that the form of the value tells. ok is false for properties that
// describe rather than identify.
func typeOfPath(object, path string) (t Type, ok bool) {
	last := path[strings.LastIndexByte(path, '.')+1:]
	switch object {
	case "domain-name":
		if path == "value" {
			return Domain, true
		}
	case "ipv4-addr":
		if path == "value" {
			return IPv4, true
		}
	case "ipv6-addr":
		if path == "value" {
			return IPv6, true
		}
	case "url":
		if path == "value" {
			return URL, true
		}
	case "email-addr":
		if path == "value" {
			return Email, true
		}
	case "mac-addr":
		if path == "value" {
			return MAC, true
		}
	case "autonomous-system":
		if path == "number" {
			return ASN, true
		}
	case "mutex":
		if path == "name" {
			return Mutex, true
		}
	case "file", "artifact", "x509-certificate":
		if algorithm, found := strings.CutPrefix(path, "hashes."); found {
			if t, ok = HashType(strings.Trim(algorithm, "'")); ok {
				return t, true
			}
			return Other, true
		}
		switch {
		case object == "file" && path == "name":
			return FileName, true
		case object == "file" && (path == "path" || path == "parent_directory_ref.path"):
			return FilePath, true
		case object == "artifact" && path == "url":
			return URL, true
		}
	case "directory":
		if path == "path" {
			return FilePath, true
		}
	case "windows-registry-key", "win-registry-key":
		if path == "key" {
			return RegistryKey, true
		}
	case "user-account":
		if path == "user_id" || path == "account_login" {
			return Account, true
		}
	case "process":
		if path == "name" {
			return Process, true
		}
	}
	switch last {
	case "type", "mime_type", "account_type", "data_type", "content_type", "protocols", "protocols[*]", "path_enc", "name_enc", "is_multipart":
		return "", false
	case "value":
		if strings.Contains(path, "_ref") {
			return "", true
		}
	case "name":
		if strings.HasSuffix(path, "image_ref.name") || strings.HasSuffix(path, "raw_ref.name") || strings.HasSuffix(path, "content_ref.name") {
			return FileName, true
		}
	}
	if algorithm := path; strings.Contains(path, "hashes.") {
		algorithm = path[strings.LastIndex(path, "hashes.")+len("hashes."):]
		if t, ok = HashType(strings.Trim(algorithm, "'")); ok {
			return t, true
		}
	}
	return Other, true
}
