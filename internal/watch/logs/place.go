package logs

import (
	"net/netip"
	"strings"

	"entente/internal/observable"
	"entente/internal/watch/record"
)

// shape is how what stands in a place is to be read.
type shape uint8

const (
	asName      shape = iota + 1 // a domain
	asAddress                    // an address, perhaps with a port
	asHost                       // a name or an address, perhaps with a port
	asAddresses                  // addresses and names, perhaps with ports, among other words: X-Forwarded-For, Forwarded
	asAnswer                     // the data of a DNS record: a name or an address, if it is one
	asURL                        // a URL, with a scheme or without
	asSIP                        // URIs of SIP, with names of people: the address and its host
	asMail                       // e-mail addresses, with names of people, brackets and commas
	asHash                       // a hash, its algorithm by its length
	asHashes                     // "MD5=...,SHA256=..."
	asAgent                      // a user agent
	asSubject                    // the subject of a message
	asJA3                        // the fingerprint of a TLS client
	asJA4                        //
	asSerial                     // the serial number of a certificate
	asDN                         // a distinguished name: its CN and e-mail addresses
	asFile                       // a file name, or a path with it
	asPath                       // the path of a file: the file's name, too
	asMutex                      //
	asRegistry                   //
	asMAC                        //
	asCommand                    // a command line or the path of a program
	asAccount                    //
	asForm                       // what its form says it is
	asPlain                      // a port or a protocol: nothing is looked for there, but patterns ask for it beside other values
)

// place is what stands somewhere in a format.
type place struct {
	as   shape
	role record.Role
}

// reader is what all formats share: it puts the values of a line into a record.
type reader struct {
	o       Options
	scratch arena
	r       *record.Record
	// from and to are the ends of the connection, where a map of the user names them.
	from, to string
}

func (d *reader) begin(format string, line []byte, r *record.Record) {
	r.Reset()
	r.Format, r.Line, d.r = format, line, r
	d.from, d.to = "", ""
	d.scratch.reset()
}

// Rest implements [Rester].
func (d *reader) Rest() {
	d.r, d.from, d.to = nil, "", ""
	d.scratch.rest()
}

func (d *reader) field(t observable.Type, role record.Role, path, text string) {
	if text != "" && len(d.r.Fields) < MaxValues {
		d.r.Fields = append(d.r.Fields, record.Field{Path: path, Type: t, Role: role, Text: text})
	}
}

// put adds what stands in a place.
func (d *reader) put(p place, path, text string) {
	if text == "" || text == "-" {
		return
	}
	switch p.as {
	case asName:
		d.name(p.role, path, text)
	case asAddress, asHost:
		d.host(p.role, path, text)
	case asAddresses:
		for part := range strings.FieldsFuncSeq(text, func(c rune) bool { return strings.ContainsRune(" \t,;=<>()\"", c) }) {
			if _, err := netip.ParseAddr(withoutPort(part)); err == nil || strings.IndexByte(part, '.') >= 0 {
				d.host(p.role, path, part)
			}
		}
	case asAnswer:
		if t := addressType(text); t != "" {
			d.field(t, p.role, path, text)
		} else if strings.IndexByte(text, ' ') < 0 && strings.IndexByte(text, '.') >= 0 {
			d.field(observable.Domain, p.role, path, text)
		}
	case asURL:
		d.field(observable.URL, p.role, path, text)
	case asSIP:
		d.sip(p.role, path, text)
	case asMail:
		d.mails(p.role, path, text)
	case asHash:
		if t := hashType(text); t != "" {
			d.field(t, p.role, path, d.withoutColons(text))
		}
	case asHashes:
		for part := range strings.SplitSeq(text, ",") {
			algorithm, v, _ := strings.Cut(strings.TrimSpace(part), "=")
			if t, ok := observable.HashType(algorithm); ok && hashType(v) == t { // IMPHASH is no hash of the file
				d.field(t, p.role, path, v)
			}
		}
	case asAgent:
		d.field(observable.UserAgent, p.role, path, text)
	case asSubject:
		d.field(observable.MailSubject, p.role, path, text)
	case asJA3:
		d.field(observable.JA3, p.role, path, text)
	case asJA4:
		d.field(observable.JA4, p.role, path, text)
	case asSerial:
		d.field(observable.Serial, p.role, path, d.withoutColons(text))
	case asDN:
		d.field("", p.role, path, text) // patterns ask for the whole
		d.distinguished(p.role, path, text)
	case asFile, asPath:
		if i := strings.LastIndexAny(text, `/\`); i >= 0 {
			d.field(observable.FilePath, p.role, path, text)
			text = text[i+1:]
		}
		d.field(observable.FileName, p.role, path, text)
	case asMutex:
		d.field(observable.Mutex, p.role, path, text)
	case asRegistry:
		d.field(observable.RegistryKey, p.role, path, text)
	case asMAC:
		d.field(observable.MAC, p.role, path, text)
	case asCommand:
		d.field(observable.Process, p.role, path, text)
	case asAccount:
		d.field(observable.Account, p.role, path, text)
	case asPlain:
		d.field("", p.role, path, text)
	case asForm:
		d.form(p.role, path, text)
	}
}

// name adds a domain, which may come with a port, or be an address after all.
func (d *reader) name(role record.Role, path, text string) { d.host(role, path, text) }

// host adds a name or an address without its port and brackets.
func (d *reader) host(role record.Role, path, text string) {
	text = strings.TrimPrefix(withoutPort(text), "*.") // a certificate is good for all names below
	if t := addressType(text); t != "" {
		d.field(t, role, path, text)
		return
	}
	d.field(observable.Domain, role, path, text)
}

// withoutPort takes "host:port", "[v6]:port" and "[v6]" to the host.
func withoutPort(s string) string {
	if strings.HasPrefix(s, "[") {
		if i := strings.IndexByte(s, ']'); i > 0 {
			return s[1:i]
		}
		return s
	}
	if i := strings.IndexByte(s, ':'); i >= 0 && strings.IndexByte(s[i+1:], ':') < 0 {
		return s[:i]
	}
	return s
}

// addressType tells an address by its form; whether it is one is for the matcher to say.
func addressType(s string) observable.Type {
	if s == "" {
		return ""
	}
	if strings.IndexByte(s, ':') >= 0 {
		if strings.IndexByte(s, '/') >= 0 || strings.IndexByte(s, ' ') >= 0 {
			return ""
		}
		return observable.IPv6
	}
	dots := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '.':
			dots++
		case c < '0' || c > '9':
			return ""
		}
	}
	if dots == 3 {
		return observable.IPv4
	}
	return ""
}

// hashType tells the algorithm by the number of digits, empty if it is no hash. Colons between the bytes, as
// certificates are written with, do not count.
func hashType(s string) observable.Type {
	digits := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f', c >= 'A' && c <= 'F':
			digits++
		case c == ':' && i%3 == 2:
		default:
			return ""
		}
	}
	switch digits {
	case 32:
		return observable.MD5
	case 40:
		return observable.SHA1
	case 64:
		return observable.SHA256
	case 128:
		return observable.SHA512
	}
	return ""
}

// withoutColons takes the colons out that some write between the bytes of a hash or a serial number.
func (d *reader) withoutColons(s string) string {
	if strings.IndexByte(s, ':') < 0 {
		return s
	}
	out := d.scratch.open(len(s))
	for i := range len(s) {
		if s[i] != ':' {
			out = append(out, s[i])
		}
	}
	return d.scratch.close(out)
}

// mails adds the addresses in the value of a header such as To: "A B <a@b.example>, c@d.example".
func (d *reader) mails(role record.Role, path, text string) {
	for part := range strings.SplitSeq(text, ",") {
		if i := strings.LastIndexByte(part, '<'); i >= 0 {
			part = part[i+1:]
			if j := strings.IndexByte(part, '>'); j >= 0 {
				part = part[:j]
			}
		}
		cut := " \t\r\n\"'<>"
		if strings.Contains(part, `"@`) { // quotes around the local part
			cut = " \t\r\n<>"
		}
		part = strings.Trim(part, cut)
		if _, host, ok := strings.Cut(part, "@"); ok && host != "" {
			d.field(observable.Email, role, path, part)
		}
	}
}

// sip adds the addresses in a header such as From: "A B" <sip:a@b.example:5060;transport=udp>;tag=x.
func (d *reader) sip(role record.Role, path, text string) {
	for part := range strings.FieldsFuncSeq(text, func(c rune) bool { return strings.ContainsRune(" \t,;<>?\"'", c) }) {
		scheme, uri, ok := strings.Cut(part, ":")
		if !ok || scheme != "sip" && scheme != "sips" {
			continue
		}
		host := uri[strings.LastIndexByte(uri, '@')+1:]
		if name := withoutPort(host); len(host) < len(uri) && strings.HasPrefix(host, name) {
			d.field(observable.Email, role, path, uri[:len(uri)-len(host)+len(name)])
		}
		d.host(role, path, host)
	}
}

// distinguished adds the names in a distinguished name: "CN=host,O=...", or with slashes.
func (d *reader) distinguished(role record.Role, path, text string) {
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == '/' || r == '+' }) {
		key, v, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok || strings.IndexByte(v, ' ') >= 0 {
			continue
		}
		switch strings.ToLower(strings.TrimSpace(key)) {
		case "cn":
			if v = strings.TrimPrefix(v, "*."); strings.IndexByte(v, '.') > 0 {
				d.host(role, path, v)
			}
		case "emailaddress", "e":
			d.mails(role, path, v)
		}
	}
}

// form adds a value that only its form tells, and says whether it is one. Names of files look like domains, which is why a place says more.
func (d *reader) form(role record.Role, path, text string) bool {
	if len(text) > observable.MaxText || strings.IndexByte(text, ' ') >= 0 {
		return false
	}
	v, ok := observable.Detect(text)
	if !ok || v.Type == observable.SSDeep || v.Type == observable.ASN { // a time of day looks like the one, many a word like the other
		return false
	}
	d.field(v.Type, role, path, text)
	return true
}

// unknown adds a value that stands in a place that nobody knows: as a whole if its form says what it is, else whatever is in it.
func (d *reader) unknown(role record.Role, path, text string) {
	if text != "" && text[0] != '/' && strings.IndexByte(text, '/') > 0 || strings.HasPrefix(text, `\\`) || !d.form(role, path, text) {
		d.running(role, path, text)
	}
}

// ends sets direction and host by the two ends of a connection.
func (d *reader) ends(source, destination string) {
	from, ok1 := d.own(source)
	to, ok2 := d.own(destination)
	switch {
	case !ok1 && !ok2:
		return
	case !ok1 || !ok2:
		if from {
			d.hostIs(source)
		} else if to {
			d.hostIs(destination)
		}
		return
	case from && to:
		d.r.Direction = record.Internal
	case from:
		d.r.Direction = record.Outbound
	case to:
		d.r.Direction = record.Inbound
	default:
		d.r.Direction = record.External
	}
	if to && !from {
		d.hostIs(destination)
	} else {
		d.hostIs(source)
	}
}

func (d *reader) hostIs(name string) {
	if d.r.Host == "" {
		d.r.Host = withoutPort(name)
	}
}

// own tells whether an address is in a network of the party; not ok if it is no address.
func (d *reader) own(text string) (own, ok bool) {
	a, err := netip.ParseAddr(withoutPort(text))
	if err != nil {
		return false, false
	}
	a = a.Unmap().WithZone("")
	for _, p := range d.o.Own {
		if p.Contains(a) {
			return true, true
		}
	}
	return false, true
}

// url adds a URL of its parts: a log of requests names host and path apart.
func (d *reader) url(role record.Role, path, scheme, host, port, target string) {
	if target == "" || host == "" && !strings.Contains(target, "://") {
		return
	}
	if strings.Contains(target, "://") && strings.IndexByte(target, '/') > 0 { // a proxy was asked for the whole
		d.field(observable.URL, role, path, target)
		return
	}
	if !strings.HasPrefix(target, "/") { // "*", or the authority of CONNECT
		return
	}
	if port != "" && port != "80" && port != "443" && withoutPort(host) == host {
		host = d.scratch.join(host, ":", port)
	}
	d.field(observable.URL, role, path, d.scratch.join(scheme, "://", host, target))
}

// byForm adds what the words of a message are by their form, as in lines of no format: what nobody knows of it may hold what somebody looks for.
func (d *reader) byForm(role record.Role, path, said string) {
	w := words{lineFormat{reader{o: Options{Own: d.o.Own}}, text.name}}
	var r record.Record
	_ = w.Decode([]byte(said), &r) // it has what could be read
	for _, x := range r.Fields {
		d.field(x.Type, role, path, x.Text)
	}
}
