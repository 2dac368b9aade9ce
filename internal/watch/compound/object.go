package compound

import (
	"strconv"
	"strings"

	"entente/internal/observable"
	"entente/internal/watch/record"
	"entente/stix/pattern"
)

// member is a property of an object or a dictionary.
type member struct {
	name  string
	value pattern.Value
}

// members are pattern.Properties.
type members []member

// Property implements pattern.Properties.
func (m members) Property(name string) (pattern.Value, bool) {
	for i := range m {
		if m[i].name == name {
			return m[i].value, true
		}
	}
	return pattern.Value{}, false
}

// Each implements pattern.Properties.
func (m members) Each(f func(string, pattern.Value) bool) {
	for i := range m {
		if !f(m[i].name, m[i].value) {
			return
		}
	}
}

// object is a pattern.Object.
type object struct {
	typ, id string
	members
	hashes members // what the property of that name is
	// Of files and certificates: where the record names it, and as what.
	path string
	role record.Role
}

// ObjectType implements pattern.Object.
func (o *object) ObjectType() string { return o.typ }

// ObjectID implements pattern.Object.
func (o *object) ObjectID() string { return o.id }

func (o *object) set(name string, v pattern.Value) {
	o.members = append(o.members, member{name, v})
}

func (o *object) text(name, text string) { o.set(name, pattern.StringValue(text)) }

// Observe makes of a record what STIX would have it be: one observed-data with these
// objects. It keeps nothing of the record.
//
//	domain                   domain-name, resolves_to_refs from what was asked to what was answered
//	ipv4, ipv6               ipv4-addr, ipv6-addr
//	url                      url; a path gets the host of the record before it
//	email, mail-subject      email-addr, email-message with from_ref, to_refs, subject
//	hashes, names, paths     file with hashes, name, mime_type, parent_directory_ref; directory
//	what is of certificates  x509-certificate with hashes, serial_number, subject, issuer
//	source, destination      network-traffic with src_ref, dst_ref, src_port, dst_port, protocols
//	user-agent, request      its extension http-request-ext, with request_value and the headers User-Agent, Host and Referer
//	process                  process with command_line, name, image_ref
//	mutex, registry-key      mutex, windows-registry-key
//	mac, asn, account        mac-addr, autonomous-system, user-account
//	other                    the object and the property that it names
//
// A hash is that of the file that stands nearest to it in the record, and of several of the one in its role. The question that an answer repeats is asked, too.
//
// Names, addresses, URLs and hashes are in canonical form, hives of the registry in full, and what a request asks for is without its host; other texts are
// as they stand in the log. ja3 and ja4 have no place in STIX 2.1 and make nothing.
func Observe(r *record.Record) pattern.Observed {
	b := observer{record: r}
	for i := range r.Fields {
		if i == MaxFields {
			break
		}
		if f := &r.Fields[i]; f.Text != "" && len(f.Text) <= observable.MaxText {
			b.field(f)
		}
	}
	b.finish()
	return pattern.Observed{First: r.Time, Last: r.Time, Count: 1, Objects: b.objects}
}

type observer struct {
	record          *record.Record
	objects         []pattern.Object
	asked, answered []*object
	src, dst        *object
	srcPort         int64
	dstPort         int64
	protocol        string
	agent, request  string
	asks, referrer  string // the name of the host in a request, and where it came from
	host            string
	from            *object
	to              []pattern.Value
	subject         string
	files, certs    []*object
	digests         []*record.Field // whose they are shows when all files are known
	mime            *record.Field
}

func (b *observer) new(typ string) *object {
	o := &object{typ: typ, id: typ + "--" + strconv.Itoa(len(b.objects))}
	o.members = append(make(members, 0, 4), member{"type", pattern.StringValue(typ)}, member{"id", pattern.StringValue(o.id)})
	b.objects = append(b.objects, o)
	return o
}

// one gives the object of a type with one value, which is there once.
func (b *observer) one(typ, name, text string) *object {
	for _, x := range b.objects {
		o, ok := x.(*object)
		if !ok || o.typ != typ || len(o.members) < 3 || o.members[2].name != name {
			continue
		}
		if has, ok := o.members[2].value.Text(); ok && has == text {
			return o
		}
	}
	o := b.new(typ)
	o.text(name, strings.Clone(text))
	return o
}
