package watch

import (
	"bytes"
	"net/netip"
	"strings"

	"entente/internal/observable"
)

// urlKey gives what a canonical URL is found by: its host, and its path with the query. Scheme, user and port are compared
// afterwards, because logs leave them out.
func urlKey(text []byte) (host, path []byte, ok bool) {
	_, rest, ok := bytes.Cut(text, []byte("://"))
	if !ok {
		return nil, nil, false
	}
	i := bytes.IndexByte(rest, '/')
	if i < 0 {
		return nil, nil, false
	}
	host, path = rest[:i], rest[i:]
	if at := bytes.LastIndexByte(host, '@'); at >= 0 {
		host = host[at+1:]
	}
	if colon := bytes.LastIndexByte(host, ':'); colon > bytes.LastIndexByte(host, ']') {
		host = host[:colon]
	}
	return host, path, len(host) > 0
}

// address is what a URL says besides host and path.
type address struct{ scheme, user, port string }

func (a *address) of(text []byte) {
	scheme, rest, _ := strings.Cut(string(text), "://")
	rest, _, _ = strings.Cut(rest, "/")
	*a = address{scheme: scheme}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		a.user, rest = rest[:at], rest[at+1:]
	}
	if colon := strings.LastIndexByte(rest, ':'); colon > strings.LastIndexByte(rest, ']') {
		a.port = rest[colon+1:]
	} else {
		a.port = defaultPort(scheme)
	}
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

// url matches a URL as logs have it: with or without scheme, port and fragment, however it is escaped. Its host is
// matched, too.
func (m *matching) url(text string) {
	scheme, rest, hasScheme := strings.Cut(text, "://")
	if hasScheme && !schemeName(scheme) {
		hasScheme = false
	}
	if !hasScheme {
		scheme, rest = "", strings.TrimPrefix(text, "//")
		if rest == "" || len(rest) == len(text) && text[0] == '/' {
			return // a path: whose is not said here
		}
	}
	rest, _, _ = strings.Cut(rest, "#")
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	authority, tail := rest[:end], rest[end:]
	user := ""
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		user, authority = authority[:at], authority[at+1:]
	}
	if strings.IndexByte(authority, '%') >= 0 && !strings.HasPrefix(authority, "[") {
		authority = observable.Unescape(authority)
	}
	m.host(authority)
	if m.hit {
		return
	}
	host, port, ok := cutPort(authority)
	if !ok || host == "" {
		return
	}
	var buf [300]byte
	name, ok := hostKey(buf[:0], host)
	if !ok || !m.set.watchesHost(m.set.hash.whole(name)) {
		return
	}
	full := "http://"
	if hasScheme {
		full = scheme + "://"
	}
	if user != "" {
		full += user + "@"
	}
	full += string(name)
	if port != "" {
		full += ":" + port
	}
	v, err := observable.New(observable.URL, full+tail)
	if err != nil {
		return
	}
	key, path, ok := urlKey([]byte(v.Text))
	if !ok {
		return
	}
	var said address
	said.of([]byte(v.Text))
	m.report(m.set.hash.pair(m.set.hash.whole(key), m.set.hash.cased(path)), func(e entry) bool {
		if e.kind != kindURL {
			return false
		}
		k, p, _ := urlKey(e.text)
		if !bytes.Equal(k, key) || !bytes.Equal(p, path) {
			return false
		}
		var asked address
		asked.of(e.text)
		return (!hasScheme || asked.scheme == said.scheme) &&
			(!hasScheme && port == "" || asked.port == portOr(port, said.port)) &&
			(asked.user == "" || said.user == "" || asked.user == said.user)
	}, func() observable.Value {
		if hasScheme {
			return v
		}
		return observable.Value{Type: observable.URL, Text: strings.TrimPrefix(v.Text, "http://")}
	})
}

// portOr gives the port that a log names in the form of canonical URLs, or the default one of its scheme.
func portOr(port, otherwise string) string {
	if port = strings.TrimLeft(port, "0"); port != "" {
		return port
	}
	return otherwise
}

// hostKey gives a host as canonical URLs have it.
func hostKey(dst []byte, host string) ([]byte, bool) {
	plain := strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if mayBeAddress(plain) {
		if a, err := netip.ParseAddr(plain); err == nil {
			if a = a.WithZone("").Unmap(); a.Is4() {
				return a.AppendTo(dst), true
			}
			return append(a.AppendTo(append(dst, '[')), ']'), true
		}
	}
	return appendName(dst, host)
}

// watchesHost tells whether a URL at the host is looked for.
func (s *Set) watchesHost(h uint64) bool { return s.table.has(h ^ hostMark) }

func schemeName(s string) bool {
	if s == "" || len(s) > 32 || s[0]|0x20-'a' > 25 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c|0x20-'a' > 25 && c-'0' > 9 && c != '+' && c != '-' && c != '.' {
			return false
		}
	}
	return true
}

// hexValue gives the value of a hexadecimal digit, 255 of anything else.
func hexValue(c byte) byte {
	switch {
	case c-'0' <= 9:
		return c - '0'
	case c|0x20-'a' <= 5:
		return c | 0x20 - 'a' + 10
	}
	return 255
}
