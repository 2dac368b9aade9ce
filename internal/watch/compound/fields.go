package compound

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"entente/internal/observable"
	"entente/internal/watch/record"
	"entente/stix/pattern"
)

// hostOf is a name or an address without port and brackets, in canonical form.
func hostOf(text string) observable.Value {
	text = strings.TrimSpace(text)
	bare := text
	if strings.HasPrefix(bare, "[") {
		if i := strings.IndexByte(bare, ']'); i > 0 {
			bare = bare[1:i]
		}
	} else if i := strings.IndexByte(bare, ':'); i >= 0 && strings.IndexByte(bare[i+1:], ':') < 0 {
		bare = bare[:i]
	}
	if a, err := netip.ParseAddr(bare); err == nil {
		if a = a.WithZone("").Unmap(); a.Is4() {
			return observable.Value{Type: observable.IPv4, Text: a.String()}
		}
		return observable.Value{Type: observable.IPv6, Text: a.String()}
	}
	if v, err := observable.New(observable.Domain, bare); err == nil {
		return v
	}
	return observable.Value{Type: observable.Domain, Text: strings.ToLower(strings.TrimSuffix(bare, "."))}
}

// urlOf is the canonical form of a URL of a record; ok is false for what is none. A URL
// without a scheme is taken to be of http.
func urlOf(text, host string) (string, bool) {
	if !strings.Contains(text, "://") {
		if strings.HasPrefix(text, "/") {
			if host == "" {
				return "", false
			}
			text = host + text
		}
		text = "http://" + text
	}
	v, err := observable.New(observable.URL, text)
	return v.Text, err == nil
}

// asWritten is the property that holds another one as the log has it, which patterns may ask for instead: see bothWays. No property of STIX has such a name.
const asWritten = "as_written--"

// target is what a request line asks for: of a URL what stands behind the host, if the log has the whole of it.
func target(url string) string {
	_, rest, ok := strings.Cut(url, "://")
	if !ok {
		return url
	}
	if i := strings.IndexAny(rest, "/?"); i < 0 {
		return "/"
	} else if rest = rest[i:]; rest[0] == '?' {
		rest = "/" + rest
	}
	return rest
}

// hives are the short names of registry hives; "The hive ... should not be shortened" (STIX 2.1 §6.17).
var hives = map[string]string{
	"hklm": "HKEY_LOCAL_MACHINE", "hkcu": "HKEY_CURRENT_USER", "hkcr": "HKEY_CLASSES_ROOT", "hku": "HKEY_USERS", "hkcc": "HKEY_CURRENT_CONFIG",
}

// nativeHives are the names by which Windows itself knows hives.
var nativeHives = map[string]string{`\REGISTRY\MACHINE\`: `HKEY_LOCAL_MACHINE\`, `\REGISTRY\USER\`: `HKEY_USERS\`}

// inFull is a registry key with its hive in full.
func inFull(key string) string {
	for native, full := range nativeHives {
		if n := len(native); len(key) >= n && strings.EqualFold(key[:n], native) {
			return full + key[n:]
		}
	}
	hive, rest, more := strings.Cut(key, `\`)
	full, short := hives[strings.ToLower(hive)]
	if !short {
		return key
	}
	if more {
		full += `\` + rest
	}
	return full
}

// hostField is the host that the paths of a record are of.
func hostField(r *record.Record) string {
	for i := range r.Fields {
		if f := &r.Fields[i]; f.Role == record.Host && f.Type != observable.URL && len(f.Text) <= 300 {
			return strings.TrimSpace(f.Text)
		}
	}
	return ""
}

func (b *observer) address(v observable.Value) *object {
	switch v.Type {
	case observable.IPv4:
		return b.one("ipv4-addr", "value", v.Text)
	case observable.IPv6:
		return b.one("ipv6-addr", "value", v.Text)
	}
	return b.one("domain-name", "value", v.Text)
}

func (b *observer) field(f *record.Field) {
	switch f.Type {
	case "":
		b.untyped(f)
	case observable.Domain, observable.IPv4, observable.IPv6:
		v := hostOf(f.Text)
		if v.Text == "" {
			return
		}
		o := b.address(v)
		if f.Asked() {
			b.asked = append(b.asked, o)
			return
		}
		switch f.Role {
		case record.Host:
			if b.asks == "" {
				b.asks = v.Text
			}
		case record.Answer:
			b.answered = append(b.answered, o)
		case record.Source:
			if b.src == nil {
				b.src = o
			}
		case record.Destination:
			if b.dst == nil {
				b.dst = o
			}
		}
	case observable.URL:
		if f.Role == record.Request && b.request == "" {
			b.request = strings.Clone(f.Text)
		} else if f.Role == record.Referrer && b.referrer == "" {
			b.referrer = strings.Clone(f.Text)
		}
		if b.host == "" {
			b.host = hostField(b.record)
		}
		if u, ok := urlOf(f.Text, b.host); ok {
			b.one("url", "value", u)
		}
	case observable.Email:
		v, err := observable.New(f.Type, f.Text)
		if err != nil {
			return
		}
		o := b.one("email-addr", "value", v.Text)
		switch {
		case f.Role == record.Sender && b.from == nil:
			b.from = o
		case f.Role == record.Recipient:
			b.to = append(b.to, pattern.StringValue(o.id))
		}
	case observable.MailSubject:
		if b.subject == "" {
			b.subject = strings.Clone(f.Text)
		}
	case observable.MD5, observable.SHA1, observable.SHA256, observable.SHA512, observable.SSDeep:
		b.digests = append(b.digests, f)
	case observable.FileName, observable.FilePath:
		b.file(f)
	case observable.Serial:
		if v, err := observable.New(f.Type, f.Text); err == nil {
			b.property(f, "serial_number", v.Text)
		}
	case observable.UserAgent:
		if b.agent == "" {
			b.agent = strings.Clone(f.Text)
		}
	case observable.Process:
		p := b.new("process")
		p.text("command_line", strings.Clone(f.Text))
		if name := imageName(f.Text); name != "" {
			p.text("name", strings.Clone(name)) // of STIX 2.0
			p.text("image_ref", b.one("file", "name", name).id)
		}
	case observable.Mutex:
		b.one("mutex", "name", f.Text)
	case observable.RegistryKey:
		k := b.one("windows-registry-key", "key", inFull(f.Text))
		k.put(asWritten, pattern.StringValue(strings.Clone(f.Text)))
	case observable.Account:
		b.one("user-account", "account_login", f.Text)
	case observable.MAC:
		if v, err := observable.New(f.Type, f.Text); err == nil {
			b.one("mac-addr", "value", v.Text)
		}
	case observable.ASN:
		if v, err := observable.New(f.Type, f.Text); err == nil {
			if n, err := strconv.ParseInt(v.Text[2:], 10, 64); err == nil {
				b.new("autonomous-system").set("number", pattern.IntValue(n))
			}
		}
	case observable.Other:
		b.other(f.Text)
	}
}

// owner is the file or certificate that what stands in a field is of, or a new one: among those that lack the property, and are not another item of a
// list, the one that stands nearest in the record, and among these one in the same role. So a hash beside the program that loads a library
// and the library is that of the library.
func (b *observer) owner(f *record.Field, lacks func(*object) bool) *object {
	list, typ := &b.files, "file"
	if f.Role == record.Certificate {
		list, typ = &b.certs, "x509-certificate"
	}
	var of *object
	best := -1
	for _, o := range *list {
		near, ok := shared(o.path, f.Path)
		if o.role != f.Role && near == 0 && strings.IndexByte(f.Path, '.') >= 0 {
			continue // they have nothing in common
		}
		if near *= 4; o.role == f.Role {
			near += 2
		}
		if place(o.path) == place(f.Path) {
			near++
		}
		if ok && near > best && lacks(o) {
			of, best = o, near
		}
	}
	if of == nil {
		of = b.new(typ)
		of.path, of.role = strings.Clone(f.Path), f.Role
		*list = append(*list, of)
	}
	return of
}

// shared is how many names two paths begin with alike; ok is false if they part at a position of a list.
func shared(a, b string) (n int, ok bool) {
	for {
		x, restA, moreA := strings.Cut(a, ".")
		y, restB, moreB := strings.Cut(b, ".")
		if x != y {
			return n, !position(x) || !position(y)
		}
		if !moreA || !moreB {
			return n, true
		}
		a, b, n = restA, restB, n+1
	}
}

// place is where something stands, without its own name.
func place(path string) string { return path[:strings.LastIndexByte(path, '.')+1] }

func position(name string) bool { return name != "" && strings.Trim(name, "0123456789") == "" }

// digest adds a hash to what it is of.
func (b *observer) digest(f *record.Field) {
	v, err := observable.New(f.Type, f.Text)
	if err != nil {
		return
	}
	name := observable.HashName(v.Type)
	of := b.owner(f, func(o *object) bool { _, has := o.hashes.Property(name); return !has })
	of.hashes = append(of.hashes, member{name, pattern.StringValue(v.Text)})
	of.put("hashes", pattern.DictValue(of.hashes))
}

// property adds a text to the file or the certificate that it is of.
func (b *observer) property(f *record.Field, name, text string) {
	b.owner(f, func(o *object) bool { _, has := o.Property(name); return !has }).text(name, text)
}

// put sets a property that may be there.
func (o *object) put(name string, v pattern.Value) {
	for i := range o.members {
		if o.members[i].name == name {
			o.members[i].value = v
			return
		}
	}
	o.set(name, v)
}

func (b *observer) file(f *record.Field) {
	path := f.Text
	dir, name := "", path
	if i := strings.LastIndexAny(path, `/\`); i >= 0 {
		if name = path[i+1:]; i == 0 || i == 2 && path[1] == ':' {
			i++ // the root keeps its separator
		}
		dir = path[:i]
	}
	in := ""
	if dir != "" {
		in = b.one("directory", "path", dir).id
	}
	if name == "" {
		return
	}
	for _, o := range b.files { // logs tell a path and then its name
		has, _ := o.Property("name")
		if text, _ := has.Text(); text != name || o.role != f.Role {
			continue
		}
		was, placed := o.Property("parent_directory_ref")
		if dir != "" && !placed {
			o.text("parent_directory_ref", in)
		} else if was, _ := was.Text(); dir != "" && was != in {
			continue // another of this name
		}
		return
	}
	o := b.new("file")
	o.path, o.role = strings.Clone(f.Path), f.Role
	o.text("name", strings.Clone(name))
	if dir != "" {
		o.text("parent_directory_ref", in)
	}
	b.files = append(b.files, o)
}

// imageName is the name of the program of a command line, as far as it can be told.
func imageName(command string) string {
	image := strings.TrimSpace(command)
	if rest, ok := strings.CutPrefix(image, `"`); ok {
		image, _, _ = strings.Cut(rest, `"`)
	} else if i := strings.Index(strings.ToLower(image), ".exe"); i >= 0 {
		image = image[:i+4]
	} else {
		image, _, _ = strings.Cut(image, " ")
	}
	return image[lastName(image):]
}

// lastName is where the last name of a path begins.
func lastName(path string) int { return strings.LastIndexAny(path, `/\`) + 1 }

// other adds what "type:path=value" names, if the path is one property.
func (b *observer) other(text string) {
	head, value, ok := strings.Cut(text, "=")
	typ, path, ok2 := strings.Cut(head, ":")
	plain := func(s string) bool {
		return s != "" && len(s) <= 250 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_-") == ""
	}
	if ok && ok2 && plain(typ) && plain(path) && path != "type" && path != "id" {
		b.one(strings.Clone(typ), strings.Clone(path), value)
	}
}

// untyped takes ports and protocols, which have no type of their own, by the names
// that the usual formats have for them.
func (b *observer) untyped(f *record.Field) {
	port := func(to *int64) {
		if n, err := strconv.ParseUint(f.Text, 10, 16); err == nil && *to == 0 {
			*to = int64(n)
		}
	}
	switch f.Path {
	case "id.orig_p", "src_port", "sport", "spt", "source.port":
		if f.Role == record.Destination { // of a packet that went back
			port(&b.dstPort)
			return
		}
		port(&b.srcPort)
	case "id.resp_p", "dest_port", "dst_port", "dport", "dpt", "destination.port":
		if f.Role == record.Source {
			port(&b.srcPort)
			return
		}
		port(&b.dstPort)
	case "mime_type":
		b.mime = f
	case "subject", "certificate.subject", "tls.subject", "tls.client.subject", "client_subject", "tls.server.subject":
		b.property(f, "subject", strings.Clone(f.Text))
	case "issuer", "certificate.issuer", "tls.issuerdn", "tls.client.issuerdn", "client_issuer", "tls.server.issuer":
		b.property(f, "issuer", strings.Clone(f.Text))
	case "proto", "protocol", "network.transport":
		if b.protocol == "" {
			b.protocol = strings.ToLower(f.Text)
		}
	}
}

func refs(list []*object) pattern.Value {
	out := make([]pattern.Value, len(list))
	for i, o := range list {
		out[i] = pattern.StringValue(o.id)
	}
	return pattern.ListValue(out...)
}

func (b *observer) finish() {
	for _, f := range b.digests {
		b.digest(f)
	}
	if b.mime != nil {
		b.property(b.mime, "mime_type", strings.Clone(b.mime.Text))
	}
	if len(b.answered) > 0 {
		for _, o := range b.asked {
			if others := slices.DeleteFunc(slices.Clone(b.answered), func(a *object) bool { return a == o }); o.typ == "domain-name" && len(others) > 0 {
				o.put("resolves_to_refs", refs(others)) // the records of an answer name what they are of
			}
		}
	}
	if b.from != nil || len(b.to) > 0 || b.subject != "" {
		m := b.new("email-message")
		if b.from != nil {
			m.text("from_ref", b.from.id)
		}
		if len(b.to) > 0 {
			m.set("to_refs", pattern.ListValue(b.to...))
		}
		if b.subject != "" {
			m.text("subject", b.subject)
		}
	}
	if b.src == nil && b.dst == nil && b.srcPort == 0 && b.dstPort == 0 && b.agent == "" && b.request == "" {
		return
	}
	t := b.new("network-traffic")
	if b.src != nil {
		t.text("src_ref", b.src.id)
	}
	if b.dst != nil {
		t.text("dst_ref", b.dst.id)
	}
	if b.srcPort != 0 {
		t.set("src_port", pattern.IntValue(b.srcPort))
	}
	if b.dstPort != 0 {
		t.set("dst_port", pattern.IntValue(b.dstPort))
	}
	var protocols []pattern.Value
	say := func(ok bool, name string) {
		if ok {
			protocols = append(protocols, pattern.StringValue(name))
		}
	}
	is := func(typ string) bool { return b.src != nil && b.src.typ == typ || b.dst != nil && b.dst.typ == typ }
	say(is("ipv4-addr"), "ipv4")
	say(is("ipv6-addr"), "ipv6")
	say(b.protocol != "", b.protocol)
	say(len(b.asked) > 0, "dns")
	say(b.agent != "" || b.request != "", "http")
	if len(protocols) > 0 {
		t.set("protocols", pattern.ListValue(protocols...))
	}
	if b.agent == "" && b.request == "" {
		return
	}
	var http members
	if b.request != "" {
		http = append(http, member{"request_value", pattern.StringValue(target(b.request))}, member{asWritten, pattern.StringValue(b.request)})
	}
	var headers members
	for _, h := range [...]struct{ name, text string }{{"User-Agent", b.agent}, {"Host", b.asks}, {"Referer", b.referrer}} {
		if h.text != "" {
			headers = append(headers, member{h.name, pattern.StringValue(h.text)})
		}
	}
	if len(headers) > 0 {
		http = append(http, member{"request_header", pattern.DictValue(headers)})
	}
	t.set("extensions", pattern.DictValue(members{{"http-request-ext", pattern.DictValue(http)}}))
}
