package observable

import "strings"

// The classes of the bytes that a plain text has. Each byte is of one of them.
const (
	classOther = 1 << iota // nothing that Plain knows
	classDigit
	classHex    // a to f
	classLetter // g to z
	classDot
	classDash // and underscore
	classPath // what stands in a URL behind its host as it is
)

// class is the class of each byte.
var class = func() (t [256]uint8) {
	for i := range t {
		switch c := byte(i); {
		case digit(c):
			t[i] = classDigit
		case c-'a' <= 5:
			t[i] = classHex
		case c-'a' <= 25:
			t[i] = classLetter
		case c == '.':
			t[i] = classDot
		case c == '-', c == '_':
			t[i] = classDash
		case c-'A' <= 25, strings.IndexByte("~!$&'*+,;=/:@?", c) >= 0:
			t[i] = classPath
		default:
			t[i] = classOther
		}
	}
	return t
}()

// Plain reads what nearly all of a list is, in one pass and without memory of its own: domains, IPv4 addresses, hashes, and URLs of http and https, that are
// in canonical form already. What it gives is what [Parse] gives, and the text of it is the text that was given: ASCII without white space that begins with a letter or a
// digit. It is not ok for all that needs a closer look. FuzzPlain holds it to Parse.
func Plain(s string) (Value, bool) {
	if len(s) < 4 || len(s) > MaxText {
		return Value{}, false
	}
	if s[0] == 'h' {
		if rest, ok := strings.CutPrefix(s, "http://"); ok {
			return plainURL(s, rest, ":80")
		}
		if rest, ok := strings.CutPrefix(s, "https://"); ok {
			return plainURL(s, rest, ":443")
		}
	}
	seen, last, ok := plainName(s)
	switch {
	case !ok:
	case seen&classDot == 0:
		if t, ok := hashOfLength(len(s)); ok && seen&^(classDigit|classHex) == 0 {
			return Value{t, s}, true
		}
	case seen&^(classDigit|classDot) == 0:
		if plainIPv4(s) {
			return Value{IPv4, s}, true
		}
	case (len(s) == 14 || len(s) == 17) && seen&classLetter == 0: // it may be a hardware address
	case digit(s[last]): // it may be a number
	case len(s)-last < 6 && ofFile(s[last:]), strings.HasPrefix(s, "hkey"):
	default:
		return Value{Domain, s}, true
	}
	return Value{}, false
}

// plainName tells the classes of the bytes of a text, and where its last label begins. It is not ok for what has other bytes than names and addresses have, labels that are empty or
// too long, a sign as its first byte, or more bytes than a name has. A text without dots may be one label of any length.
func plainName(s string) (seen uint8, last int, ok bool) {
	if len(s) > 253 {
		return 0, 0, false
	}
	for i := 0; i < len(s); i++ {
		c := class[s[i]]
		if seen |= c; c == classDot {
			if n := i - last; n == 0 || n > 63 {
				return 0, 0, false
			}
			last = i + 1
		}
	}
	n := len(s) - last
	return seen, last, seen&(classOther|classPath) == 0 && n > 0 && (n <= 63 || last == 0) && class[s[0]]&classDash == 0
}

// plainIPv4 tells four numbers of up to 255 without leading zeros, in a text of digits and dots.
func plainIPv4(s string) bool {
	n, digits, dots := 0, 0, 0
	for i := 0; i < len(s); i++ {
		if s[i] == '.' {
			n, digits, dots = 0, 0, dots+1
			continue
		}
		if digits > 0 && n == 0 {
			return false
		}
		if n, digits = n*10+int(s[i]-'0'), digits+1; n > 255 {
			return false
		}
	}
	return dots == 3
}

// plainURL reads a URL by what follows its scheme.
func plainURL(s, rest, port string) (Value, bool) {
	end := strings.IndexByte(rest, '/')
	if end < 0 {
		return Value{}, false
	}
	host, tail := rest[:end], rest[end:]
	if at := strings.LastIndexByte(host, ':'); at >= 0 {
		if !plainPort(host[at+1:]) || host[at:] == port {
			return Value{}, false
		}
		host = host[:at]
	}
	for i := 0; i < len(tail); i++ {
		if class[tail[i]] == classOther {
			return Value{}, false
		}
	}
	seen, last, ok := plainName(host)
	switch {
	case !ok, seen&classDot == 0:
		return Value{}, false
	case seen&^(classDigit|classDot) == 0:
		ok = plainIPv4(host)
	default:
		ok = !digit(host[last])
	}
	return Value{URL, s}, ok
}

// plainPort tells a number of one to four digits that does not begin with zero.
func plainPort(s string) bool {
	if s == "" || len(s) > 4 || s[0] == '0' {
		return false
	}
	for i := 0; i < len(s); i++ {
		if !digit(s[i]) {
			return false
		}
	}
	return true
}
