package observable

import (
	"net/netip"
	"strconv"
	"strings"
)

// newAddress makes an address or a block. netip refuses leading zeros, which some
// programs read as octal. t only bounds what is acceptable: IPv4 and IPv6 accept
// blocks of their family, Prefix accepts both.
func newAddress(t Type, text string) (Value, error) {
	v, ok := address(text)
	if !ok {
		return Value{}, invalid(t, text, "neither an address nor a CIDR block")
	}
	v6 := strings.IndexByte(v.Text, ':') >= 0
	if t == IPv4 && v6 || t == IPv6 && !v6 && strings.IndexByte(text, ':') < 0 {
		return Value{}, invalid(t, text, "of the other family")
	}
	return v, nil
}

// addressBytes tells whether a text has no bytes but those of addresses and blocks without zone. Most of what is no address is told so, without the
// price of an error.
func addressBytes(text string) bool {
	for i := 0; i < len(text); i++ {
		if c := text[i]; c-'.' > ':'-'.' && !hexDigit(c) {
			return false
		}
	}
	return true
}

func address(text string) (Value, bool) {
	if !addressBytes(text) {
		return Value{}, false
	}
	if strings.IndexByte(text, '/') >= 0 {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return Value{}, false
		}
		return ofPrefix(p)
	}
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		return Value{}, false
	}
	return ofAddr(a), true
}

func ofAddr(a netip.Addr) Value {
	if a = a.Unmap(); a.Is4() {
		return Value{IPv4, a.String()}
	}
	return Value{IPv6, a.String()}
}

func ofPrefix(p netip.Prefix) (Value, bool) {
	if p.Addr().Is4In6() {
		if p.Bits() < 96 {
			return Value{}, false // a block of addresses of both kinds
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	if p.IsSingleIP() {
		return ofAddr(p.Addr()), true
	}
	return Value{Prefix, p.Masked().String()}, true
}

// Addr gives the address of an IPv4 or IPv6 value.
func (v Value) Addr() (netip.Addr, bool) {
	if v.Type != IPv4 && v.Type != IPv6 {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(v.Text)
	return a, err == nil
}

// CIDR gives the block of a Prefix value.
func (v Value) CIDR() (netip.Prefix, bool) {
	if v.Type != Prefix {
		return netip.Prefix{}, false
	}
	p, err := netip.ParsePrefix(v.Text)
	return p, err == nil
}

// newMAC reads the usual forms of a hardware address: pairs joined by colons or
// hyphens, groups of four joined by dots, or twelve digits.
func newMAC(text string) (Value, error) {
	v, ok := mac(text)
	if !ok {
		return Value{}, invalid(MAC, text, "six pairs of hexadecimal digits are wanted")
	}
	return v, nil
}

func mac(text string) (Value, bool) {
	var out [17]byte
	n := 0
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == ':' || c == '-' || c == '.' {
			continue
		}
		if !hexDigit(c) || n == 12 {
			return Value{}, false
		}
		if c-'A' <= 5 {
			c |= 0x20
		}
		at := n + n/2
		if out[at] = c; n%2 == 1 && at+1 < len(out) {
			out[at+1] = ':'
		}
		n++
	}
	if n != 12 || !macShape(text) {
		return Value{}, false
	}
	return Value{MAC, string(out[:])}, true
}

// macShape checks that the separators stand where one of the usual forms has them.
func macShape(s string) bool {
	sep, every := byte(0), 0
	switch len(s) {
	case 12:
		return true
	case 14:
		sep, every = '.', 5
	case 17:
		if sep, every = s[2], 3; sep == '.' {
			return false
		}
	default:
		return false
	}
	for i := 0; i < len(s); i++ {
		if (i%every == every-1) != (s[i] == sep) {
			return false
		}
	}
	return true
}

func newASN(text string) (Value, error) {
	num := text
	if len(num) > 2 && strings.EqualFold(num[:2], "as") {
		num = num[2:]
	}
	n, err := strconv.ParseUint(num, 10, 32)
	if err != nil {
		return Value{}, invalid(ASN, text, "a number from 0 to 4294967295 is wanted")
	}
	return Value{ASN, "AS" + strconv.FormatUint(n, 10)}, nil
}
