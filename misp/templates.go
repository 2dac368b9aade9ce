package misp

import (
	"strconv"
	"strings"
)

// part says where an attribute of a MISP object goes in an observable.
type part struct {
	relation string // object_relation
	prop     string // property of the observable
	kind     partKind
}

type partKind uint8

const (
	textPart    partKind = iota // a string
	lowerPart                   // a string in lower case, one of a list
	intPart                     // an integer, with or without "AS" before it
	boolPart                    // a boolean
	timePart                    // a time
	hashPart                    // a hash, by the type of the attribute
	endPart                     // an address or host name that is referred to
	resolvePart                 // one of several addresses that are referred to
	mailPart                    // an email address that is referred to
	mailsPart                   // one of several
	headerPart                  // a field of a header; prop is its name
	valuePart                   // a member of the only registry value
)

// template is how an object of MISP becomes one observable with those it refers to.
type template struct {
	root  string
	parts []part
}

// templateOf finds the template of an object by its name, as MISP's published object
// templates have it.
func templateOf(name string) (template, bool) {
	switch name {
	case "file":
		return template{"file", []part{{"filename", "name", textPart}, {"file-encoding", "name_enc", textPart}, {"mimetype", "mime_type", textPart},
			{"mime-type", "mime_type", textPart}, {"size-in-bytes", "size", intPart}, {"creation-time", "ctime", timePart},
			{"modification-time", "mtime", timePart}, {"access-time", "atime", timePart}, {"", "hashes", hashPart}}}, true
	case "domain-ip":
		return template{"domain-name", []part{{"domain", "value", textPart}, {"hostname", "value", textPart}, {"ip", "resolves_to_refs", resolvePart}}}, true
	case "ip-port", "network-connection", "netflow":
		return template{"network-traffic", []part{{"ip", "dst_ref", endPart}, {"ip-dst", "dst_ref", endPart}, {"ip-src", "src_ref", endPart},
			{"domain", "dst_ref", endPart}, {"hostname", "dst_ref", endPart}, {"hostname-dst", "dst_ref", endPart}, {"hostname-src", "src_ref", endPart},
			{"dst-port", "dst_port", intPart}, {"src-port", "src_port", intPart}, {"protocol", "protocols", lowerPart},
			{"layer3-protocol", "protocols", lowerPart}, {"layer4-protocol", "protocols", lowerPart}, {"layer7-protocol", "protocols", lowerPart}}}, true
	case "url":
		return template{"url", []part{{"url", "value", textPart}}}, true
	case "email":
		return template{"email-message", []part{{"from", "from_ref", mailPart}, {"to", "to_refs", mailsPart}, {"cc", "cc_refs", mailsPart},
			{"bcc", "bcc_refs", mailsPart}, {"subject", "subject", textPart}, {"message-id", "message_id", textPart}, {"send-date", "date", timePart},
			{"email-body", "body", textPart}, {"reply-to", "Reply-To", headerPart}, {"x-mailer", "X-Mailer", headerPart}}}, true
	case "registry-key":
		return template{"windows-registry-key", []part{{"key", "key", textPart}, {"name", "name", valuePart}, {"data", "data", valuePart},
			{"data-type", "data_type", valuePart}, {"last-modified", "modified_time", timePart}}}, true
	case "x509":
		return template{"x509-certificate", []part{{"issuer", "issuer", textPart}, {"subject", "subject", textPart}, {"serial-number", "serial_number", textPart},
			{"version", "version", textPart}, {"signature_algorithm", "signature_algorithm", textPart}, {"validity-not-before", "validity_not_before", timePart},
			{"validity-not-after", "validity_not_after", timePart}, {"pubkey-info-algorithm", "subject_public_key_algorithm", textPart},
			{"pubkey-info-modulus", "subject_public_key_modulus", textPart}, {"pubkey-info-exponent", "subject_public_key_exponent", intPart},
			{"self_signed", "is_self_signed", boolPart}, {"", "hashes", hashPart}}}, true
	case "mutex":
		return template{"mutex", []part{{"name", "name", textPart}}}, true
	case "directory":
		return template{"directory", []part{{"path", "path", textPart}, {"path-encoding", "path_enc", textPart}, {"creation-time", "ctime", timePart},
			{"modification-time", "mtime", timePart}, {"access-time", "atime", timePart}}}, true
	case "asn":
		return template{"autonomous-system", []part{{"asn", "number", intPart}, {"description", "name", textPart}}}, true
	case "process":
		return template{"process", []part{{"pid", "pid", intPart}, {"command-line", "command_line", textPart}, {"current-directory", "cwd", textPart},
			{"hidden", "is_hidden", boolPart}, {"creation-time", "created_time", timePart}}}, true
	case "user-account":
		return template{"user-account", []part{{"username", "account_login", textPart}, {"user-id", "user_id", textPart},
			{"display-name", "display_name", textPart}, {"account-type", "account_type", textPart}, {"created", "account_created", timePart},
			{"expires", "account_expires", timePart}, {"disabled", "is_disabled", boolPart}, {"privileged", "is_privileged", boolPart}}}, true
	case "github-user", "gitlab-user", "telegram-account", "reddit-account", "facebook-account", "twitter-account", "parler-account":
		return template{"user-account", []part{{"username", "account_login", textPart}, {"account-name", "account_login", textPart}, {"name", "account_login", textPart},
			{"id", "user_id", textPart}, {"account-id", "user_id", textPart}, {"user-fullname", "display_name", textPart},
			{"displayed-name", "display_name", textPart}}}, true
	}
	return template{}, false
}

func (t template) find(a Attribute) (part, bool) {
	rel := a.ObjectRelation()
	for _, p := range t.parts {
		if p.kind == hashPart && hashName(strings.TrimPrefix(a.Type(), "x509-fingerprint-")) != "" || p.relation == rel && rel != "" {
			return p, true
		}
	}
	return part{}, false
}

// comparisons collects those of one pattern: values of the same path are
// alternatives, different paths go together.
type comparisons struct {
	paths []string
	by    map[string][]string
}

func (c *comparisons) add(path, comparison string) {
	if c.by == nil {
		c.by = map[string][]string{}
	}
	if c.by[path] == nil {
		c.paths = append(c.paths, path)
	}
	c.by[path] = append(c.by[path], comparison)
}

func (c *comparisons) pattern() string {
	if len(c.paths) == 0 {
		return ""
	}
	all := make([]string, len(c.paths))
	for i, p := range c.paths {
		all[i] = strings.Join(c.by[p], " OR ")
		if len(c.by[p]) > 1 && len(c.paths) > 1 {
			all[i] = "(" + all[i] + ")"
		}
	}
	return "[" + strings.Join(all, " AND ") + "]"
}

// observeObject gives what an object comes to under its template. used are the
// attributes that went into the pattern.
func observeObject(obj Object, uuid string, marks []string) (out observed, used map[*Members]bool) {
	tmpl, ok := templateOf(obj.Name())
	if !ok {
		return out, nil
	}
	if tmpl.root == "domain-name" {
		if o, used := addressesOnly(obj, uuid, marks); used != nil {
			return o, used
		}
	}
	b := &objectBuilder{observer: observer{uuid: uuid, marks: marks}, root: tmpl.root, single: map[string]bool{}, lists: map[string][]string{}}
	b.txt, _ = b.add(tmpl.root)
	used = map[*Members]bool{}
	for a := range obj.Attributes() {
		if a.Deleted() || a.Value() == "" {
			continue
		}
		if p, ok := tmpl.find(a); ok && b.part(p, a) {
			used[a.Members] = true
		}
		if o := a.Type(); tmpl.root == "file" && (o == "malware-sample" || o == "attachment") && a.Data() != "" && !b.single["content_ref"] {
			b.single["content_ref"] = true
			b.artifact(a, b.txt, o == "malware-sample")
		}
	}
	if len(used) == 0 && len(b.out.scos) == 1 {
		return observed{}, nil
	}
	b.finish(accountType(obj.Name()))
	return b.out, used
}

type objectBuilder struct {
	observer
	root   string
	txt    *text
	single map[string]bool     // properties that are set
	lists  map[string][]string // of those with several values
	order  []string
	hashes *text
	header *text
	reg    *text
	want   comparisons
}

func (b *objectBuilder) list(prop, v string) {
	if b.lists[prop] == nil {
		b.order = append(b.order, prop)
	}
	b.lists[prop] = append(b.lists[prop], v)
}

// once reports whether a property is still to be set.
func (b *objectBuilder) once(prop string) bool {
	if b.single[prop] {
		return false
	}
	b.single[prop] = true
	return true
}

// part puts one attribute into the observable and, with to_ids, into the pattern. It
// reports whether the attribute fits.
func (b *objectBuilder) part(p part, a Attribute) bool {
	v, path := a.Value(), b.root+":"+p.prop
	comparison := path + " = " + literal(v)
	switch p.kind {
	case textPart:
		if b.once(p.prop) {
			b.txt.str(p.prop, v)
		}
	case lowerPart:
		b.list(p.prop, strings.ToLower(v))
		comparison = path + "[*] = " + literal(strings.ToLower(v))
	case intPart:
		n, ok := digits(strings.TrimPrefix(strings.ToUpper(v), "AS"))
		if !ok {
			return false
		}
		if b.once(p.prop) {
			b.txt.num(p.prop, n)
		}
		comparison = path + " = " + strconv.FormatInt(n, 10)
	case boolPart:
		on := v == "1" || strings.EqualFold(v, "true")
		if b.once(p.prop) {
			b.txt.flag(p.prop, on)
		}
		comparison = path + " = " + strconv.FormatBool(on)
	case timePart:
		at, ok := a.moment("value")
		if !ok {
			return false
		}
		if b.once(p.prop) {
			b.txt.when(p.prop, at)
		}
		comparison = path + " = t'" + stamp(at) + "'"
	case hashPart:
		name := hashName(strings.TrimPrefix(a.Type(), "x509-fingerprint-"))
		if b.hashes == nil {
			b.hashes = &text{b: []byte{'{'}}
		}
		if b.once("hashes." + name) {
			b.hashes.str(name, v)
		}
		path = hashPath(b.root, name)
		comparison = path + " = " + literal(v)
	case endPart:
		typ := addrType(v)
		if typ == "" {
			typ = "domain-name"
		}
		if b.once(p.prop) {
			b.txt.str(p.prop, b.value(typ, v))
		}
		comparison = equals(path+".value", v)
	case resolvePart:
		id, _, ok := b.addr(v)
		if !ok {
			return false
		}
		b.list(p.prop, id)
		comparison = equals(path+"[*].value", v)
	case mailPart:
		if b.once(p.prop) {
			b.txt.str(p.prop, b.value("email-addr", v))
		}
		comparison = path + ".value = " + literal(v)
	case mailsPart:
		b.list(p.prop, b.value("email-addr", v))
		comparison = path + "[*].value = " + literal(v)
	case headerPart:
		if b.header == nil {
			b.header = &text{b: []byte{'{'}}
		}
		if b.once("header." + p.prop) {
			b.header.raw(p.prop, appendStrings(nil, []string{v}))
		}
		comparison = b.root + ":additional_header_fields.'" + p.prop + "'[*] = " + literal(v)
	case valuePart:
		if b.reg == nil {
			b.reg = &text{b: []byte{'{'}}
		}
		if b.once("value." + p.prop) {
			b.reg.str(p.prop, v)
		}
		path = b.root + ":values[*]." + p.prop
		comparison = path + " = " + literal(v)
	}
	if a.ToIDS() {
		b.want.add(path, comparison)
	}
	return true
}

// finish writes the properties that were collected.
func (b *objectBuilder) finish(account string) {
	if b.hashes != nil {
		b.txt.raw("hashes", b.hashes.done())
	}
	for _, prop := range b.order {
		b.txt.strs(prop, b.lists[prop])
	}
	if b.header != nil {
		b.txt.raw("additional_header_fields", b.header.done())
	}
	if b.reg != nil {
		b.txt.raw("values", append(append([]byte{'['}, b.reg.done()...), ']'))
	}
	switch b.root {
	case "email-message":
		b.txt.flag("is_multipart", false)
	case "network-traffic":
		if b.lists["protocols"] == nil {
			b.txt.strs("protocols", []string{"tcp"})
		}
	case "user-account":
		if account != "" && b.once("account_type") {
			b.txt.str("account_type", account)
		}
	}
	b.out.pattern = b.want.pattern()
}

// addressesOnly observes a domain-ip object that names no domain.
func addressesOnly(obj Object, uuid string, marks []string) (observed, map[*Members]bool) {
	o := &observer{uuid: uuid, marks: marks}
	used := map[*Members]bool{}
	var want []string
	for a := range obj.Attributes() {
		switch rel := a.ObjectRelation(); {
		case a.Deleted() || a.Value() == "":
		case rel == "domain" || rel == "hostname":
			return observed{}, nil
		case rel == "ip":
			if _, typ, ok := o.addr(a.Value()); ok {
				used[a.Members] = true
				if a.ToIDS() {
					want = append(want, equals(typ+":value", a.Value()))
				}
			}
		}
	}
	if len(used) == 0 {
		return observed{}, nil
	}
	if want != nil {
		o.out.pattern = "[" + strings.Join(want, " OR ") + "]"
	}
	return o.out, used
}
