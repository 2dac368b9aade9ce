package feed

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"entente/internal/observable"
)

// rpzFormat is a response policy zone (draft-vixie-dnsop-dns-rpz): a resolver that
// has it answers NXDOMAIN for a name, for all below it, and for answers that hold an
// address.
func rpzFormat() Format {
	return Format{Name: "rpz", Acts: true, For: "BIND, Unbound, Knot and PowerDNS resolvers: a response policy zone", MediaType: "text/dns", Extension: "zone",
		Types: []observable.Type{observable.Domain, observable.IPv4, observable.IPv6, observable.Prefix},
		fits: func(v observable.Value) bool {
			if v.Type == observable.Domain {
				return blockable(v.Text) && len(v.Text) <= 200 // with a zone's name behind it, and "*." before
			}
			_, ok := trigger(v)
			return ok
		},
		head: func(dst []byte, m Meta) []byte {
			ttl := max(m.TTL, time.Second) / time.Second
			return fmt.Appendf(dst, "; %s\n$TTL %d\n@ IN SOA localhost. hostmaster.localhost. %d 300 60 604800 %d\n@ IN NS localhost.\n",
				strings.ReplaceAll(oneLine(m.Name), ";", ","), ttl, m.Serial, ttl)
		},
		block: each(func(dst []byte, e *Entry) []byte {
			if e.Value.Type == observable.Domain {
				dst = append(append(dst, e.Value.Text...), " CNAME .\n*."...)
				return append(append(dst, e.Value.Text...), " CNAME .\n"...)
			}
			owner, _ := trigger(e.Value)
			return append(append(dst, owner...), " CNAME .\n"...)
		})}
}

// trigger gives the owner name for an address or a prefix: its length and its parts
// from the last to the first, under rpz-ip; "zz" stands for "::".
func trigger(v observable.Value) (string, bool) {
	var p netip.Prefix
	if addr, ok := v.Addr(); ok {
		p = netip.PrefixFrom(addr, addr.BitLen())
	} else if p, ok = v.CIDR(); !ok {
		return "", false
	}
	if p.Bits() == 0 {
		return "", false // the whole network
	}
	addr := p.Masked().Addr()
	if addr.Is4() {
		b := addr.As4()
		return fmt.Sprintf("%d.%d.%d.%d.%d.rpz-ip", p.Bits(), b[3], b[2], b[1], b[0]), true
	}
	text := addr.String() // RFC 5952: the longest run of zeros is "::"
	if strings.Contains(text, ".") {
		return "", false
	}
	front, back, short := strings.Cut(text, "::")
	var parts []string
	for part := range strings.SplitSeq(front, ":") {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if short {
		parts = append(parts, "zz")
		for part := range strings.SplitSeq(back, ":") {
			if part != "" {
				parts = append(parts, part)
			}
		}
	}
	var b strings.Builder
	b.WriteString(strconv.Itoa(p.Bits()))
	for i := len(parts) - 1; i >= 0; i-- {
		b.WriteString("." + parts[i])
	}
	return b.String() + ".rpz-ip", true
}
