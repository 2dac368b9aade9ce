package observable

import (
	"strconv"
	"strings"
)

// newURL brings a URL into canonical form: scheme and host in lower case, host as
// [Domain], [IPv4] or [IPv6], the default port and the fragment dropped, an empty
// path as "/", percent-encoding in upper case and only where it is needed
// (RFC 3986 §6.2.2, §6.2.3). It is more tolerant than net/url, since the URLs of attackers
// are not always well formed.
func newURL(text string) (Value, error) {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok || !schemeName(scheme) {
		return Value{}, invalid(URL, text, "it does not begin with a scheme and ://")
	}
	scheme = strings.ToLower(scheme)
	rest, _, _ = strings.Cut(rest, "#")
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	authority, tail := rest[:end], rest[end:]
	user, host := "", authority
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		user, host = authority[:at+1], authority[at+1:]
	}
	host, port, why := splitPort(host)
	if why == "" {
		host, why = canonicalHost(host)
	}
	if why != "" {
		return Value{}, invalid(URL, text, why)
	}
	var b strings.Builder
	b.Grow(len(text) + 8)
	b.WriteString(scheme)
	b.WriteString("://")
	escape(&b, user, ":@")
	b.WriteString(host)
	if port != "" && port != defaultPort(scheme) {
		b.WriteString(":" + port)
	}
	path, query, hasQuery := strings.Cut(tail, "?")
	if path == "" {
		path = "/"
	}
	escape(&b, path, "/:@")
	if hasQuery {
		b.WriteByte('?')
		escape(&b, query, "/:@?")
	}
	if b.Len() > MaxText {
		return Value{}, invalid(URL, text, "too long in canonical form")
	}
	return Value{URL, b.String()}, nil
}

func schemeName(s string) bool {
	if s == "" || len(s) > 32 || !letter(s[0]) {
		return false
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; !letter(c) && !digit(c) && c != '+' && c != '-' && c != '.' {
			return false
		}
	}
	return true
}

// splitPort divides host and port and gives the port without leading zeros.
func splitPort(s string) (host, port, why string) {
	colon := strings.LastIndexByte(s, ':')
	if colon < 0 || strings.LastIndexByte(s, ']') > colon {
		return s, "", ""
	}
	host, port = s[:colon], s[colon+1:]
	if port == "" {
		return host, "", ""
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return "", "", "its port is not a number from 0 to 65535"
	}
	return host, strconv.FormatUint(n, 10), ""
}

func canonicalHost(host string) (string, string) {
	if host == "" {
		return "", "it has no host"
	}
	if host[0] == '[' {
		if host[len(host)-1] != ']' {
			return "", "its address is not closed"
		}
		v, ok := address(host[1 : len(host)-1])
		switch {
		case !ok || v.Type == Prefix:
			return "", "its host is not an address"
		case v.Type == IPv4:
			return v.Text, ""
		}
		return "[" + v.Text + "]", ""
	}
	if v, ok := address(host); ok && v.Type == IPv4 {
		return v.Text, ""
	}
	if strings.IndexByte(host, '%') >= 0 {
		host = Unescape(host)
	}
	return canonicalDomain(host)
}

// HostOf gives the host of a URL value as a value of its own.
func (v Value) HostOf() (Value, bool) {
	if v.Type != URL {
		return Value{}, false
	}
	_, rest, _ := strings.Cut(v.Text, "://")
	host, _, _ := strings.Cut(rest, "/")
	host = host[strings.LastIndexByte(host, '@')+1:]
	host, _, _ = splitPort(host)
	if a, ok := address(strings.Trim(host, "[]")); ok {
		return a, true
	}
	d, err := newDomain(host)
	return d, err == nil
}

func defaultPort(scheme string) string {
	switch scheme {
	case "http", "ws":
		return "80"
	case "https", "wss":
		return "443"
	case "ftp":
		return "21"
	}
	return ""
}

const upperHex = "0123456789ABCDEF"

// unreserved is RFC 3986 §2.3.
func unreserved(c byte) bool {
	return letter(c) || digit(c) || c == '-' || c == '.' || c == '_' || c == '~'
}

// escape writes s with percent-encoding normalised: what needs none is decoded,
// everything else keeps or gets it. extra are delimiters that may stand plainly
// beside the sub-delimiters of RFC 3986 §2.2.
func escape(b *strings.Builder, s, extra string) {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' && i+2 < len(s) && hexDigit(s[i+1]) && hexDigit(s[i+2]) {
			v := hexValue(s[i+1])<<4 | hexValue(s[i+2])
			i += 2
			if unreserved(v) {
				b.WriteByte(v)
			} else {
				b.Write([]byte{'%', upperHex[v>>4], upperHex[v&15]})
			}
			continue
		}
		if unreserved(c) || strings.IndexByte("!$&'()*+,;=", c) >= 0 || strings.IndexByte(extra, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'%', upperHex[c>>4], upperHex[c&15]})
	}
}

// Unescape undoes percent-encoding (RFC 3986, section 2.1). What is none stays as it is.
func Unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && hexDigit(s[i+1]) && hexDigit(s[i+2]) {
			b.WriteByte(hexValue(s[i+1])<<4 | hexValue(s[i+2]))
			i += 2
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func hexValue(c byte) byte {
	switch {
	case digit(c):
		return c - '0'
	case c-'a' <= 5:
		return c - 'a' + 10
	}
	return c - 'A' + 10
}
