package watch

import (
	"bytes"
	"net/netip"
	"strings"
	"time"

	"entente/internal/observable"
	"entente/internal/watch/record"
)

// Match tells each indicator that a value of a line meets at a time, as the value stands in the log. What a field
// holds follows from its type; a field without one is not matched.
//
// A name meets the domains above it, an address the blocks around it; a URL also meets what its host meets, an e-mail
// address what its domain meets, and the path of a file the file's name. Nothing is refanged.
func (s *Set) Match(f record.Field, at time.Time, emit func(Hit)) {
	m := matching{set: s, at: nanos(at, 0), emit: emit, in: &f}
	m.field(f.Type, f.Text)
}

// Holds tells whether Match would emit anything at any time.
func (s *Set) holds(t observable.Type, text string) bool {
	m := matching{set: s, any: true}
	m.field(t, text)
	return m.hit
}

// matching is one value on its way through a set.
type matching struct {
	set  *Set
	at   int64
	emit func(Hit)
	in   *record.Field // that the value is of
	any  bool          // whether there is something is all that is asked
	hit  bool
}

func (m *matching) field(t observable.Type, text string) {
	if text == "" {
		return
	}
	switch t {
	case "":
	case observable.Domain, observable.IPv4, observable.IPv6, observable.Prefix:
		m.host(text)
	case observable.URL:
		m.url(text)
	case observable.Email:
		m.mail(text)
	case observable.MD5, observable.SHA1, observable.SHA256, observable.SHA512:
		m.digest(text)
	case observable.FilePath, observable.FileName, observable.Process:
		m.text(t, text)
		if i := strings.LastIndexAny(text, `/\`); i >= 0 {
			if t == observable.FileName {
				m.text(observable.FilePath, text)
			}
			m.text(observable.FileName, text[i+1:])
		} else if t == observable.Process {
			m.text(observable.FileName, text)
		}
	default:
		m.text(t, text)
	}
}

// report tells of all entries under a hash for which ok is true.
func (m *matching) report(h uint64, ok func(entry) bool, seen func() observable.Value) {
	m.set.table.each(h, func(i uint32) bool {
		if !m.set.alive(i) {
			return true
		}
		e := m.set.at(i)
		if !ok(e) {
			return true
		}
		if m.any {
			m.hit = true
			return false
		}
		if v := e.when(); v.from <= m.at && m.at < v.until && allows(e.place, m.in) {
			m.emit(Hit{Indicator: m.set.indicator(&e), Seen: seen()})
		}
		return true
	})
}

// allows tells whether a field may be in a place: its role says nothing, or does not say otherwise.
func allows(at observable.Place, f *record.Field) bool {
	switch f.Role {
	case record.Other, record.Past, "":
		return true
	}
	switch at {
	case observable.AtSource:
		return f.Role == record.Source
	case observable.AtDestination: // who asks for a name goes there, and what a script names is where it goes
		return f.Role == record.Destination || f.Role == record.Host || f.Role == record.Request || f.Role == record.Process || f.Asked()
	case observable.AtSender:
		return f.Role == record.Sender
	case observable.AtRecipient:
		return f.Role == record.Recipient
	case observable.InAnswer:
		return f.Role == record.Answer && !f.Asked() && f.Type != observable.URL
	case observable.OfProcess:
		return f.Role == record.Process
	}
	return true
}

// is reports entries of a kind with a canonical text.
func (m *matching) is(k kind, text []byte) {
	m.report(m.set.hash.whole(text), func(e entry) bool { return e.kind == k && bytes.Equal(e.text, text) },
		func() observable.Value { return observable.Value{Type: k.typ(), Text: string(text)} })
}

// host matches a name or an address, perhaps with a port.
func (m *matching) host(text string) {
	h, _, ok := cutPort(text)
	if !ok || h == "" {
		return
	}
	if h[0] == '[' {
		if a, err := netip.ParseAddr(h[1 : len(h)-1]); err == nil {
			m.address(a)
		}
		return
	}
	if mayBeAddress(h) {
		if a, err := netip.ParseAddr(h); err == nil {
			m.address(a)
			return
		}
	}
	m.domain(h)
}

// mayBeAddress tells texts that are not worth the look of netip: names.
func mayBeAddress(s string) bool {
	return s != "" && (strings.IndexByte(s, ':') >= 0 || s[0]-'0' <= 9 && s[len(s)-1]-'0' <= 9)
}

// cutPort divides "host:port", "[v6]:port" and "v6". Brackets stay on. It is not ok if what stands where a port
// should is none.
func cutPort(s string) (host, port string, ok bool) {
	if strings.HasPrefix(s, "[") {
		i := strings.IndexByte(s, ']')
		if i < 2 {
			return "", "", false
		}
		host, s = s[:i+1], s[i+1:]
		if s == "" {
			return host, "", true
		}
		if s[0] != ':' {
			return "", "", false
		}
		return host, s[1:], digits(s[1:])
	}
	i := strings.IndexByte(s, ':')
	if i < 0 || strings.IndexByte(s[i+1:], ':') >= 0 {
		return s, "", true
	}
	return s[:i], s[i+1:], digits(s[i+1:])
}

// digits tells a port, which may be empty.
func digits(s string) bool {
	if len(s) > 5 {
		return false
	}
	for i := range len(s) {
		if s[i]-'0' > 9 {
			return false
		}
	}
	return true
}

func (m *matching) address(a netip.Addr) {
	a = a.WithZone("").Unmap()
	raw := a.As16()
	seen := func() observable.Value { return addressValue(a) }
	p := m.set.prefixes
	if a.Is4() {
		var buf [16]byte
		text := a.AppendTo(buf[:0])
		m.report(m.set.hash.whole(text), func(e entry) bool { return e.kind == kindIPv4 && bytes.Equal(e.text, text) }, seen)
		if start := int(raw[12])<<8 | int(raw[13]); p.first16[start>>6]&(1<<(start&63)) != 0 {
			for _, length := range p.lengths {
				m.block(a, int(length), seen)
			}
		}
		return
	}
	m.report(m.set.hash.block(raw, 128), func(e entry) bool { return e.kind == kindIPv6 && isAddress(e.text, a) }, seen)
	if start := int(raw[0])<<8 | int(raw[1]); p.first16v[start>>6]&(1<<(start&63)) != 0 {
		for _, length := range p.longs {
			m.block(a, int(length), seen)
		}
	}
}

func (m *matching) block(a netip.Addr, length int, seen func() observable.Value) {
	b, err := a.Prefix(length)
	if err != nil {
		return
	}
	m.report(m.set.hash.block(b.Addr().As16(), blockLength(b)), func(e entry) bool {
		if e.kind != kindPrefix {
			return false
		}
		var buf [64]byte
		return bytes.Equal(e.text, b.AppendTo(buf[:0]))
	}, seen)
}

func isAddress(text []byte, a netip.Addr) bool {
	var buf [64]byte
	return bytes.Equal(text, a.AppendTo(buf[:0]))
}

func addressValue(a netip.Addr) observable.Value {
	if a.Is4() {
		return observable.Value{Type: observable.IPv4, Text: a.String()}
	}
	return observable.Value{Type: observable.IPv6, Text: a.String()}
}

// domain matches a name and all names above it.
func (m *matching) domain(text string) {
	var buf [256]byte
	name, ok := appendName(buf[:0], text)
	if !ok {
		return
	}
	seen := func() observable.Value { return observable.Value{Type: observable.Domain, Text: string(name)} }
	for rest := name; ; {
		whole := len(rest) == len(name)
		m.report(m.set.hash.whole(rest), func(e entry) bool {
			return e.kind == kindDomain && (whole || e.flags&flagExact == 0) && bytes.Equal(e.text, rest)
		}, seen)
		i := bytes.IndexByte(rest, '.')
		if i < 0 || m.hit {
			return
		}
		rest = rest[i+1:]
	}
}

// digest matches a hash by its length. Colons between bytes, as certificates have them, do not count.
func (m *matching) digest(text string) {
	var buf [128]byte
	out := buf[:0]
	for i := range len(text) {
		c := text[i]
		if c == ':' {
			continue
		}
		if c-'A' <= 'F'-'A' {
			c |= 0x20
		}
		if len(out) == len(buf) || c-'0' > 9 && c-'a' > 'f'-'a' {
			return
		}
		out = append(out, c)
	}
	switch len(out) {
	case 32:
		m.is(kindOf(observable.MD5), out)
	case 40:
		m.is(kindOf(observable.SHA1), out)
	case 64:
		m.is(kindOf(observable.SHA256), out)
	case 128:
		m.is(kindOf(observable.SHA512), out)
	}
}

// text matches a value whose canonical form is that of its type.
func (m *matching) text(t observable.Type, text string) {
	v, err := observable.New(t, text)
	if err != nil {
		return
	}
	if t == observable.ASN {
		m.report(m.set.hash.whole([]byte(v.Text[2:])), func(e entry) bool { return e.kind == kindASN && string(e.text) == v.Text },
			func() observable.Value { return v })
		return
	}
	m.is(kindOf(v.Type), []byte(v.Text))
}
