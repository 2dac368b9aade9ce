package dnstap

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"strconv"
	"unicode/utf8"
)

// Bounds on a DNS message.
const (
	// maxRecords is the number of resource records of a message that are told.
	maxRecords = 1024
	// maxName is the longest name, in bytes on the wire (RFC 1035, section 2.3.4).
	maxName = 255
	// maxPointers is how many pointers a name goes through, at most one to a label of the shortest.
	maxPointers = 128
	// maxText is how much is told of one message, in bytes: names that point to each other grow.
	maxText = 256 << 10
)

var (
	errCut     = errors.New("the DNS message is cut")
	errName    = errors.New("a name in the DNS message is none")
	errRecords = errors.New("the DNS message holds more than is read of one")
)

// Types of resource records with data that is looked at.
const (
	typeA     = 1
	typeNS    = 2
	typeCNAME = 5
	typeSOA   = 6
	typePTR   = 12
	typeMX    = 15
	typeTXT   = 16
	typeAAAA  = 28
	typeSRV   = 33
	typeDNAME = 39
	typeOPT   = 41
	typeSVCB  = 64
	typeHTTPS = 65
)

var typeNames = map[uint16]string{typeA: "A", typeNS: "NS", typeCNAME: "CNAME", typeSOA: "SOA", typePTR: "PTR", typeMX: "MX", typeTXT: "TXT", typeAAAA: "AAAA", typeSRV: "SRV",
	typeDNAME: "DNAME", 43: "DS", 46: "RRSIG", 47: "NSEC", 48: "DNSKEY", 50: "NSEC3", 52: "TLSA", typeSVCB: "SVCB", typeHTTPS: "HTTPS", 255: "ANY"}

var rcodes = [...]string{"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"}

func typeName(t uint16) string {
	if s, ok := typeNames[t]; ok {
		return s
	}
	return "TYPE" + strconv.Itoa(int(t)) // RFC 3597
}

// appendDNS adds the members of an object that tells a DNS message: its first question, what was answered, and the
// records of its sections. What could be read comes with the error.
func appendDNS(out, wire []byte) ([]byte, error) {
	if len(wire) < 12 {
		return out, errCut
	}
	code := int(wire[3] & 15)
	out = append(out, `"rcode":"`...)
	if code < len(rcodes) {
		out = append(out, rcodes[code]...)
	} else {
		out = strconv.AppendInt(out, int64(code), 10)
	}
	out = append(out, '"')
	at := 12
	var name []byte
	told := 0
	for i := range binary.BigEndian.Uint16(wire[4:]) {
		if told++; told > maxRecords {
			return out, errRecords
		}
		var err error
		if name, at, err = appendName(name[:0], wire, at); err != nil {
			return out, err
		}
		if at+4 > len(wire) {
			return out, errCut
		}
		if i == 0 { // more than one is of no use (RFC 9619)
			out = appendText(append(out, `,"qname":`...), name)
			out = append(append(append(out, `,"qtype":"`...), typeName(binary.BigEndian.Uint16(wire[at:]))...), '"')
		}
		at += 4
	}
	out = append(out, `,"resource-records":{`...)
	var err error
	for i, section := range [...]string{"an", "ns", "ar"} {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(append(out, '"'), section...), `":[`...)
		begin := len(out)
		for range binary.BigEndian.Uint16(wire[6+2*i:]) {
			if told++; told > maxRecords || len(out) > maxText {
				err = errRecords
			}
			if err != nil {
				break
			}
			out, at, err = appendRecord(out, begin, wire, at)
		}
		out = append(out, ']')
	}
	return append(out, '}'), err
}

// appendRecord adds a resource record, and gives where the next one begins.
func appendRecord(out []byte, begin int, wire []byte, at int) ([]byte, int, error) {
	name, at, err := appendName(nil, wire, at)
	if err != nil {
		return out, at, err
	}
	if at+10 > len(wire) {
		return out, at, errCut
	}
	kind, size := binary.BigEndian.Uint16(wire[at:]), int(binary.BigEndian.Uint16(wire[at+8:]))
	at += 10
	end := at + size
	if end > len(wire) {
		return out, at, errCut
	}
	if kind == typeOPT { // no record of the zone
		return out, end, nil
	}
	full := false
	put := func(data []byte) {
		if full = full || len(out) > maxText; full { // the parameters of one record may be many
			return
		}
		if len(out) > begin {
			out = append(out, ',')
		}
		out = appendText(append(out, `{"name":`...), name)
		out = append(append(append(out, `,"rdatatype":"`...), typeName(kind)...), '"')
		if data != nil {
			out = appendText(append(out, `,"rdata":`...), data)
		}
		out = append(out, '}')
	}
	data := wire[at:end]
	named := func(skip int) ([]byte, int, error) {
		if skip > len(data) {
			return nil, 0, errCut
		}
		// The data ends where its length says, whatever a name in it says.
		return appendName(nil, wire[:end], at+skip)
	}
	var target []byte
	switch kind {
	case typeA, typeAAAA:
		a, ok := netip.AddrFromSlice(data)
		if !ok || (kind == typeA) != a.Is4() {
			put(nil)
			return out, end, errCut
		}
		put(a.AppendTo(nil))
	case typeNS, typeCNAME, typePTR, typeDNAME, typeSOA:
		target, _, err = named(0)
		put(target)
	case typeMX:
		target, _, err = named(2)
		put(target)
	case typeSRV:
		target, _, err = named(6)
		put(target)
	case typeTXT:
		if len(data) > 0 && int(data[0]) < len(data) {
			put(data[1 : 1+int(data[0])])
		} else {
			put(nil)
		}
	case typeSVCB, typeHTTPS:
		var next int
		target, next, err = named(2)
		put(target)
		if err == nil {
			hints(wire[next:end], put)
		}
	default:
		put(nil)
	}
	if err == nil && full {
		err = errRecords
	}
	return out, end, err
}

// hints gives the addresses in the parameters of an SVCB or HTTPS record (RFC 9460, section 7.3).
func hints(b []byte, put func([]byte)) {
	for len(b) >= 4 {
		key, n := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		if b = b[4:]; n > len(b) {
			return
		}
		size := map[uint16]int{4: 4, 6: 16}[key]
		for v := b[:n]; size > 0 && len(v) >= size; v = v[size:] {
			a, _ := netip.AddrFromSlice(v[:size])
			put(a.AppendTo(nil))
		}
		b = b[n:]
	}
}

// appendName adds a name, without the dot at its end, and gives where what follows it begins. Dots and backslashes within a label and
// bytes that are no UTF-8 are escaped by their numbers as in RFC 1035, section 5.1: "\046" and not "\.", so that who looks for dots finds
// the ends of labels. A pointer goes back, never on.
func appendName(out, wire []byte, at int) ([]byte, int, error) {
	next, length, first := -1, 1, true
	bound, pointers := at, 0
	for {
		if at >= len(wire) {
			return out, 0, errCut
		}
		n := int(wire[at])
		switch {
		case n == 0:
			if next < 0 {
				next = at + 1
			}
			if first {
				out = append(out, '.')
			}
			return out, next, nil
		case n >= 0xc0:
			if at+2 > len(wire) {
				return out, 0, errCut
			}
			to := (n&0x3f)<<8 | int(wire[at+1])
			if pointers++; to >= bound || pointers > maxPointers {
				return out, 0, errName
			}
			if next < 0 {
				next = at + 2
			}
			at, bound = to, to
		case n >= 0x40:
			return out, 0, errName
		default:
			if at+1+n > len(wire) {
				return out, 0, errCut
			}
			if length += n + 1; length > maxName {
				return out, 0, errName
			}
			if !first {
				out = append(out, '.')
			}
			first = false
			out = appendLabel(out, wire[at+1:at+1+n])
			at += 1 + n
		}
	}
}

func appendLabel(out, label []byte) []byte {
	for len(label) > 0 {
		c, n := utf8.DecodeRune(label)
		switch {
		case c == '.' || c == '\\' || c == utf8.RuneError && n == 1 || c <= ' ' || c == 0x7f:
			b := label[0]
			out = append(out, '\\', '0'+b/100, '0'+b/10%10, '0'+b%10)
		default:
			out = append(out, label[:n]...)
		}
		label = label[n:]
	}
	return out
}
