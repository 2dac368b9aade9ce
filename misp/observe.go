package misp

import (
	"net/netip"
	"strconv"
	"strings"

	"entente/stix/pattern"
)

// observed is what an attribute or object comes to in STIX: the observables that it
// describes, and a pattern that matches them. Either may be missing.
type observed struct {
	scos    []sco
	pattern string
	// language is the pattern type, empty for stix.
	language string
}

// sco is one observable, its text without the closing brace.
type sco struct {
	id  string
	txt *text
	// data is the attribute whose data the observable holds, if it is an artifact.
	data *Members
}

// observer makes observables for one attribute or object.
type observer struct {
	uuid  string
	marks []string
	out   observed
	used  map[string]bool
}

// add begins an observable. The first of a type has the UUID of the attribute, as in
// MISP's own converter.
func (o *observer) add(typ string) (*text, string) {
	id := typ + "--" + o.uuid
	if o.used[id] {
		id = typ + "--" + derive(o.uuid, typ, strconv.Itoa(len(o.out.scos)))
	}
	if o.used == nil {
		o.used = map[string]bool{}
	}
	o.used[id] = true
	t := newText(typ, id)
	t.strs("object_marking_refs", o.marks)
	o.out.scos = append(o.out.scos, sco{id: id, txt: t})
	return t, id
}

// value adds an observable that is nothing but a value.
func (o *observer) value(typ, v string) string {
	t, id := o.add(typ)
	t.str("value", v)
	return id
}

// addr adds an address and gives its identifier, its type, and what a pattern
// compares it by. A host with all bits, such as 192.0.2.1/32, stays as it is
// written.
func (o *observer) addr(v string) (id, typ string, ok bool) {
	typ = addrType(v)
	if typ == "" {
		return "", "", false
	}
	return o.value(typ, v), typ, true
}

func addrType(v string) string {
	addr, err := netip.ParseAddr(v)
	if p, perr := netip.ParsePrefix(v); perr == nil {
		addr, err = p.Addr(), nil
	}
	switch {
	case err != nil || addr.Zone() != "":
		return ""
	case addr.Is4():
		return "ipv4-addr"
	}
	return "ipv6-addr"
}

// equals compares a path with an address, or asks that it lies in a prefix.
func equals(path, v string) string {
	if p, err := netip.ParsePrefix(v); err == nil && !p.IsSingleIP() {
		return path + " ISSUBSET " + literal(v)
	}
	return path + " = " + literal(v)
}

// hashName gives the name STIX patterns and hashes have for a hash type of MISP.
func hashName(typ string) string {
	switch typ {
	case "md5":
		return "MD5"
	case "sha1", "sha224", "sha256", "sha384", "sha512", "sha512/224", "sha512/256":
		return "SHA-" + strings.Replace(typ[3:], "/", "-", 1)
	case "sha3-224", "sha3-256", "sha3-384", "sha3-512", "ssdeep", "tlsh", "authentihash", "imphash", "vhash", "pehash", "impfuzzy", "telfhash", "cdhash":
		return strings.ToUpper(typ)
	}
	return ""
}

// hashType is the way back; empty for a name that no type of MISP has.
func hashType(name string) string {
	name = strings.ToLower(strings.NewReplacer("'", "", "_", "-").Replace(name))
	name = strings.Replace(name, "sha-", "sha", 1)
	switch name {
	case "sha512-224", "sha512-256":
		name = "sha512/" + name[7:]
	case "sha3224", "sha3256", "sha3384", "sha3512":
		name = "sha3-" + name[4:]
	}
	if hashName(name) == "" {
		return ""
	}
	return name
}

// hashPath is the path of a hash in a pattern.
func hashPath(root, name string) string {
	if strings.Contains(name, "-") {
		name = "'" + name + "'"
	}
	return root + ":hashes." + name
}

func hashes(name, v string) []byte { return pair(name, quote(v)) }

// composite divides the value of a composite type at its first bar.
func composite(v string) (a, b string, ok bool) {
	a, b, ok = strings.Cut(v, "|")
	return a, b, ok && a != "" && b != ""
}

// observe gives what an attribute comes to.
func observe(a Attribute, uuid string, marks []string) observed {
	o := &observer{uuid: uuid, marks: marks}
	if v := a.Value(); v != "" && !o.network(a.Type(), v) && !o.file(a, v) && !o.mail(a.Type(), v) {
		o.host(a.Type(), v)
	}
	return o.out
}

// network observes what is seen in traffic.
func (o *observer) network(typ, v string) bool {
	switch typ {
	case "ip-src", "ip-dst":
		return o.traffic(typ[3:], v, "")
	case "ip-src|port", "ip-dst|port":
		host, port, ok := composite(v)
		return ok && o.traffic(typ[3:6], host, port)
	case "hostname|port":
		host, port, ok := composite(v)
		return ok && o.traffic("dst", host, port)
	case "domain", "hostname", "onion-address":
		o.value("domain-name", v)
		o.out.pattern = "[domain-name:value = " + literal(v) + "]"
	case "domain|ip":
		domain, ip, ok := composite(v)
		if !ok || addrType(ip) == "" {
			return false
		}
		t, _ := o.add("domain-name")
		t.str("value", domain)
		id, _, _ := o.addr(ip)
		t.strs("resolves_to_refs", []string{id})
		o.out.pattern = "[domain-name:value = " + literal(domain) + " AND " + equals("domain-name:resolves_to_refs[*].value", ip) + "]"
	case "url", "uri", "link":
		o.value("url", v)
		o.out.pattern = "[url:value = " + literal(v) + "]"
	case "AS":
		n, ok := digits(strings.TrimPrefix(strings.TrimPrefix(strings.ToUpper(v), "AS"), " "))
		if !ok {
			return false
		}
		t, _ := o.add("autonomous-system")
		t.num("number", n)
		o.out.pattern = "[autonomous-system:number = " + strconv.FormatInt(n, 10) + "]"
	case "mac-address":
		v = strings.ToLower(v)
		o.value("mac-addr", v)
		o.out.pattern = "[mac-addr:value = " + literal(v) + "]"
	case "port":
		if n, ok := digits(v); ok && n < 1<<16 {
			o.out.pattern = "[network-traffic:dst_port = " + strconv.FormatInt(n, 10) + "]"
		}
	case "user-agent":
		o.out.pattern = "[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = " + literal(v) + "]"
	case "cookie":
		o.out.pattern = "[network-traffic:extensions.'http-request-ext'.request_header.'Cookie' = " + literal(v) + "]"
	case "http-method":
		o.out.pattern = "[network-traffic:extensions.'http-request-ext'.request_method = " + literal(v) + "]"
	default:
		return false
	}
	return true
}

// traffic observes traffic from or to an address or a host name, with or without a
// port.
func (o *observer) traffic(end, host, port string) bool {
	n, isPort := digits(port)
	if port != "" && (!isPort || n > 65535) {
		return false
	}
	typ := addrType(host)
	protocol := strings.TrimSuffix(typ, "-addr")
	if typ == "" {
		typ, protocol = "domain-name", "tcp"
	}
	t, _ := o.add("network-traffic")
	t.str(end+"_ref", o.value(typ, host))
	path := "network-traffic:" + end + "_ref"
	p := "[" + path + ".type = '" + typ + "' AND " + equals(path+".value", host)
	if port != "" {
		t.num(end+"_port", n)
		p += " AND network-traffic:" + end + "_port = " + strconv.FormatInt(n, 10)
	}
	t.strs("protocols", []string{protocol})
	o.out.pattern = p + "]"
	return true
}

// file observes files and what is inside of them.
func (o *observer) file(a Attribute, v string) bool {
	typ := a.Type()
	first, second, isComposite := strings.Cut(typ, "|")
	switch {
	case hashName(typ) != "":
		t, _ := o.add("file")
		t.raw("hashes", hashes(hashName(typ), v))
		o.out.pattern = "[" + hashPath("file", hashName(typ)) + " = " + literal(v) + "]"
	case typ == "filename":
		t, _ := o.add("file")
		t.str("name", v)
		o.out.pattern = "[file:name = " + literal(v) + "]"
	case isComposite && first == "filename" && hashName(second) != "":
		return o.named(a, v, hashName(second))
	case typ == "malware-sample":
		return o.named(a, v, "MD5")
	case typ == "attachment":
		t, _ := o.add("file")
		t.str("name", v)
		o.artifact(a, t, false)
		o.out.pattern = "[file:name = " + literal(v) + "]"
	case typ == "size-in-bytes":
		if n, ok := digits(v); ok {
			o.out.pattern = "[file:size = " + strconv.FormatInt(n, 10) + "]"
		}
	case typ == "mime-type":
		o.out.pattern = "[file:mime_type = " + literal(v) + "]"
	case strings.HasPrefix(typ, "x509-fingerprint-"):
		name := hashName(typ[len("x509-fingerprint-"):])
		t, _ := o.add("x509-certificate")
		t.raw("hashes", hashes(name, v))
		o.out.pattern = "[" + hashPath("x509-certificate", name) + " = " + literal(v) + "]"
	default:
		return false
	}
	return true
}

// named observes a file by name and hash.
func (o *observer) named(a Attribute, v, hash string) bool {
	name, sum, ok := composite(v)
	if !ok {
		return false
	}
	t, _ := o.add("file")
	t.str("name", name)
	t.raw("hashes", hashes(hash, sum))
	if a.Type() == "malware-sample" {
		o.artifact(a, t, true)
	}
	o.out.pattern = "[file:name = " + literal(name) + " AND " + hashPath("file", hash) + " = " + literal(sum) + "]"
	return true
}

// artifact keeps the data of an attribute and makes a file refer to it.
func (o *observer) artifact(a Attribute, file *text, sample bool) {
	data := a.Data()
	if data == "" || a.Kind("data") != '"' {
		return
	}
	t, id := o.add("artifact")
	if sample {
		t.str("mime_type", "application/zip")
	}
	t.str("payload_bin", data)
	if sample {
		t.str("encryption_algorithm", "mime-type-indicated")
		t.str("decryption_key", "infected")
	}
	o.out.scos[len(o.out.scos)-1].data = a.Members
	file.str("content_ref", id)
}

// mail observes messages and their parts.
func (o *observer) mail(typ, v string) bool {
	message := func() *text {
		t, _ := o.add("email-message")
		t.flag("is_multipart", typ == "email-attachment")
		return t
	}
	const root = "[email-message:"
	switch typ {
	case "email", "target-email", "whois-registrant-email", "dns-soa-email":
		o.value("email-addr", v)
		o.out.pattern = "[email-addr:value = " + literal(v) + "]"
	case "email-src":
		message().str("from_ref", o.value("email-addr", v))
		o.out.pattern = root + "from_ref.value = " + literal(v) + "]"
	case "email-dst":
		message().strs("to_refs", []string{o.value("email-addr", v)})
		o.out.pattern = root + "to_refs[*].value = " + literal(v) + "]"
	case "email-src-display-name":
		o.out.pattern = root + "from_ref.display_name = " + literal(v) + "]"
	case "email-dst-display-name":
		o.out.pattern = root + "to_refs[*].display_name = " + literal(v) + "]"
	case "email-subject":
		message().str("subject", v)
		o.out.pattern = root + "subject = " + literal(v) + "]"
	case "email-body":
		message().str("body", v)
		o.out.pattern = root + "body = " + literal(v) + "]"
	case "email-message-id":
		message().str("message_id", v)
		o.out.pattern = root + "message_id = " + literal(v) + "]"
	case "email-header":
		message().strs("received_lines", []string{v})
		o.out.pattern = root + "received_lines[*] = " + literal(v) + "]"
	case "email-reply-to", "email-x-mailer", "email-thread-index":
		header := map[string]string{"email-reply-to": "Reply-To", "email-x-mailer": "X-Mailer", "email-thread-index": "Thread-Index"}[typ]
		message().raw("additional_header_fields", pair(header, appendStrings(nil, []string{v})))
		o.out.pattern = root + "additional_header_fields.'" + header + "'[*] = " + literal(v) + "]"
	case "email-attachment":
		t := message()
		file, id := o.add("file")
		file.str("name", v)
		part := &text{b: []byte{'{'}}
		part.str("body_raw_ref", id)
		part.str("content_disposition", "attachment; filename="+strconv.Quote(v))
		t.raw("body_multipart", append(append([]byte{'['}, part.done()...), ']'))
		o.out.pattern = root + "body_multipart[*].body_raw_ref.name = " + literal(v) + "]"
	default:
		return false
	}
	return true
}

// accountType gives the account_type of a user account by the type of an attribute or
// the name of an object.
func accountType(name string) string {
	switch name {
	case "github-username", "github-user":
		return "github"
	case "twitter-id", "twitter-account":
		return "twitter"
	case "jabber-id":
		return "jabber"
	case "facebook-account":
		return "facebook"
	case "telegram-account":
		return "telegram"
	case "gitlab-user":
		return "gitlab"
	case "reddit-account":
		return "reddit"
	case "parler-account":
		return "parler"
	}
	return ""
}

// fullHive writes the hive of a registry key in full, as STIX 2.1 §6.17 wants it; the
// attribute keeps what was written.
func fullHive(key string) string {
	hive, rest, more := strings.Cut(key, `\`)
	full := map[string]string{"HKLM": "HKEY_LOCAL_MACHINE", "HKCU": "HKEY_CURRENT_USER", "HKCR": "HKEY_CLASSES_ROOT", "HKU": "HKEY_USERS", "HKCC": "HKEY_CURRENT_CONFIG"}[strings.ToUpper(hive)]
	if full == "" {
		return key
	}
	if more {
		return full + `\` + rest
	}
	return full
}

// host observes what is seen on a machine, and the languages of detection.
func (o *observer) host(typ, v string) {
	const service = "[process:extensions.'windows-service-ext'."
	switch typ {
	case "regkey":
		v = fullHive(v)
		t, _ := o.add("windows-registry-key")
		t.str("key", v)
		o.out.pattern = "[windows-registry-key:key = " + literal(v) + "]"
	case "regkey|value":
		key, data, ok := composite(v)
		if !ok {
			return
		}
		key = fullHive(key)
		t, _ := o.add("windows-registry-key")
		t.str("key", key)
		t.raw("values", append(append([]byte{'['}, pair("data", quote(data))...), ']'))
		o.out.pattern = "[windows-registry-key:key = " + literal(key) + " AND windows-registry-key:values[*].data = " + literal(data) + "]"
	case "mutex":
		t, _ := o.add("mutex")
		t.str("name", v)
		o.out.pattern = "[mutex:name = " + literal(v) + "]"
	case "windows-service-name", "windows-service-displayname":
		name := strings.Replace(strings.TrimPrefix(typ, "windows-"), "service-displayname", "display_name", 1)
		name = strings.ReplaceAll(name, "-", "_")
		t, _ := o.add("process")
		t.raw("extensions", pair("windows-service-ext", pair(name, quote(v))))
		o.out.pattern = service + name + " = " + literal(v) + "]"
	case "github-username", "twitter-id", "jabber-id":
		t, _ := o.add("user-account")
		t.str("account_login", v)
		t.str("account_type", accountType(typ))
		o.out.pattern = "[user-account:account_type = '" + accountType(typ) + "' AND user-account:account_login = " + literal(v) + "]"
	case "cpe":
		o.out.pattern = "[software:cpe = " + literal(v) + "]"
	case "stix2-pattern":
		if _, err := pattern.ExtractAtoms(v); err == nil {
			o.out.pattern = v
		}
	case "yara", "sigma", "snort", "suricata":
		o.out.pattern, o.out.language = v, typ
	case "bro", "zeek":
		o.out.pattern, o.out.language = v, "zeek"
	}
}
