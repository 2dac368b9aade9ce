package past

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strings"

	"entente/internal/observable"
	"entente/internal/watch/record"
)

// kind is what a token is. The order is that of the runs in a part.
type kind uint8

const (
	hashed kind = iota
	address4
	address6
	kinds
)

// tokenBits is how many bits of a hash are kept.
const tokenBits = 47

// token is one thing that is kept with its hours: a hash or an IPv4 address in lo,
// or an IPv6 address.
type token struct {
	kind   kind
	hi, lo uint64
}

func addressToken(a netip.Addr) token {
	a = a.Unmap()
	if a.Is4() {
		b := a.As4()
		return token{kind: address4, lo: uint64(binary.BigEndian.Uint32(b[:]))}
	}
	b := a.As16()
	return token{address6, binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

// tokenizer makes tokens.
type tokenizer struct {
	key
	scratch []byte
}

func (t *tokenizer) of(typ observable.Type, text string) token {
	t.scratch = append(append(append(t.scratch[:0], typ...), 0), text...)
	return token{kind: hashed, lo: t.hash(t.scratch) >> (64 - tokenBits)}
}

// asked is what to look for to find a value: all tokens from the first to the last.
// ok is false for what the index does not hold.
func (t *tokenizer) asked(v observable.Value) (first, last token, ok bool) {
	switch v.Type {
	case observable.IPv4, observable.IPv6:
		a, ok := v.Addr()
		x := addressToken(a)
		return x, x, ok
	case observable.Prefix:
		p, ok := v.CIDR()
		if !ok {
			return token{}, token{}, false
		}
		first = addressToken(p.Masked().Addr())
		last = first
		if host := p.Addr().BitLen() - p.Bits(); first.kind == address4 {
			last.lo |= 1<<host - 1
		} else {
			last.lo |= 1<<min(host, 64) - 1
			if host > 64 {
				last.hi |= 1<<(host-64) - 1
			}
		}
		return first, last, true
	case observable.URL:
		x := t.of(observable.URL, schemeless(v.Text))
		return x, x, true
	case "":
		return token{}, token{}, false
	}
	x := t.of(v.Type, v.Text)
	return x, x, true
}

// schemeless is a canonical URL without its scheme and the ports that schemes imply:
// many logs do not say which scheme it was.
func schemeless(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	end := strings.IndexByte(rest, '/')
	if end < 0 {
		return rest
	}
	for _, port := range []string{":80", ":443"} {
		if host, ok := strings.CutSuffix(rest[:end], port); ok && !strings.HasSuffix(host, ":") {
			return host + rest[end:]
		}
	}
	return rest
}

// form is what a value of a log stands for: an address, or a canonical text of a type.
type form struct {
	typ     observable.Type
	text    string
	address netip.Addr
}

// appendTokens adds what a value of a log stands for. It adds nothing where the text
// is not a value of the type.
func (t *tokenizer) appendTokens(dst []token, typ observable.Type, text string) []token {
	forms(typ, text, func(f form) {
		if f.typ == "" {
			dst = append(dst, addressToken(f.address))
		} else {
			dst = append(dst, t.of(f.typ, f.text))
		}
	})
	return dst
}

// forms gives what a value of a log stands for.
func forms(typ observable.Type, text string, f func(form)) {
	switch typ {
	case observable.Domain, observable.IPv4, observable.IPv6:
		hostForms(text, f)
		return
	case "", observable.Prefix:
		return
	case observable.URL:
		if strings.HasPrefix(text, "//") {
			text = "http:" + text
		} else if !strings.Contains(text, "://") {
			if strings.HasPrefix(text, "/") {
				return // a path without a host is no URL
			}
			text = "http://" + text
		}
	}
	v, err := observable.New(typ, text)
	if err != nil {
		return
	}
	switch v.Type {
	case observable.URL:
		f(form{typ: v.Type, text: schemeless(v.Text)})
		if host, ok := v.HostOf(); ok {
			hostForms(host.Text, f)
		}
		return
	case observable.Email:
		f(form{typ: v.Type, text: v.Text})
		hostForms(v.Text[strings.LastIndexByte(v.Text, '@')+1:], f)
		return
	}
	f(form{typ: v.Type, text: v.Text})
	if v.Type != observable.FilePath && v.Type != observable.Process && v.Type != observable.FileName {
		return
	}
	if i := strings.LastIndexAny(v.Text, `/\`) + 1; i > 0 || v.Type == observable.Process {
		if name, err := observable.New(observable.FileName, v.Text[i:]); err == nil {
			f(form{typ: name.Type, text: name.Text})
		}
	}
}

// hostForms gives an address, or a name and the names of two labels or more that it is
// below. A port and brackets are not part of it.
func hostForms(text string, f func(form)) {
	text = strings.TrimSpace(text)
	if a, ok := hostAddress(text); ok {
		f(form{address: a})
		return
	}
	if i := strings.IndexByte(text, ':'); i >= 0 {
		text = text[:i]
		if a, ok := hostAddress(text); ok {
			f(form{address: a})
			return
		}
	}
	name := lowerName(text)
	if name == "" {
		return
	}
	f(form{typ: observable.Domain, text: name})
	for {
		_, above, below := strings.Cut(name, ".")
		if !below || strings.IndexByte(above, '.') < 0 {
			return
		}
		name = above
		f(form{typ: observable.Domain, text: name})
	}
}

func hostAddress(text string) (netip.Addr, bool) {
	if len(text) > 0 && text[0] == '[' {
		end := strings.IndexByte(text, ']')
		if end < 0 {
			return netip.Addr{}, false
		}
		text = text[1:end]
	}
	a, err := netip.ParseAddr(text)
	return a.WithZone("").Unmap(), err == nil
}

// lowerName is a name of a log as the index has it: the canonical form where there
// is one, else what stands there in lower case, since names that break the rules are
// asked for too and the names above them may be good ones.
func lowerName(text string) string {
	if v, err := observable.New(observable.Domain, text); err == nil {
		return v.Text
	}
	text = strings.ToLower(strings.TrimSuffix(text, "."))
	if len(text) > 253 {
		return ""
	}
	return text
}

// request is the URL of a field that holds only a path, where the record says to
// which host the request went. It is written into buf.
func request(buf []byte, r *record.Record, f *record.Field) []byte {
	if f.Type != observable.URL || !strings.HasPrefix(f.Text, "/") {
		return append(buf, f.Text...)
	}
	for i := range r.Fields {
		if h := &r.Fields[i]; h.Role == record.Host && h.Type != observable.URL && h.Text != "" && len(h.Text) <= 300 {
			return append(append(append(buf, "http://"...), bytes.TrimSpace([]byte(h.Text))...), f.Text...)
		}
	}
	return append(buf, f.Text...)
}
