package intel

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"entente/internal/observable"
)

// Guard holds what an indicator from a partner must not name, because blocking
// it would harm: reserved ranges, services that everybody uses, and the assets
// of one's own or of a partner. It is read-only once made.
type Guard struct {
	domains  map[string]string // -> why; subdomains are meant too
	above    map[string]string // domains that have a guarded one below them; nil: they are not held
	prefixes []guarded
	values   map[observable.Value]string
}

type guarded struct {
	prefix netip.Prefix
	why    string
}

// The built-in list. Ranges for documentation are not in it: nobody owns them,
// so blocking them harms nobody.
var (
	reserved = []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
		"224.0.0.0/4", "240.0.0.0/4", "::/128", "::1/128", "fc00::/7", "fe80::/10", "ff00::/8",
	}
	resolvers = []string{
		"8.8.8.8", "8.8.4.4", "2001:4860:4860::8888", "2001:4860:4860::8844", "dns.google",
		"1.1.1.1", "1.0.0.1", "2606:4700:4700::1111", "2606:4700:4700::1001", "one.one.one.one", "cloudflare-dns.com",
		"9.9.9.9", "149.112.112.112", "2620:fe::fe", "2620:fe::9", "dns.quad9.net",
		"208.67.222.222", "208.67.220.220", "2620:119:35::35", "2620:119:53::53",
	}
	local = []string{"localhost"}
)

// EmptyGuard returns a guard that holds nothing.
func EmptyGuard() *Guard {
	return &Guard{domains: map[string]string{}, values: map[observable.Value]string{}}
}

// DefaultGuard returns the built-in list: private, loopback, link-local,
// multicast and other reserved ranges, and well-known public resolvers. It and what
// is made of it also hold the domains above those that are guarded.
func DefaultGuard() *Guard {
	g := EmptyGuard()
	g.above = map[string]string{}
	for why, list := range map[string][]string{
		"a reserved range (private, loopback, link-local, multicast)": reserved,
		"a public resolver": resolvers,
		"this machine":      local,
	} {
		if err := g.add(why, list); err != nil {
			panic(err) // the list above is a constant of the program
		}
	}
	return g
}

// With returns a guard that holds further entries, for instance the assets of
// the own organisation: domains (their subdomains are meant too), addresses,
// address blocks, or any other value as observable.Parse reads it.
func (g *Guard) With(why string, entries ...string) (*Guard, error) {
	c := EmptyGuard()
	for k, v := range g.domains {
		c.domains[k] = v
	}
	for k, v := range g.values {
		c.values[k] = v
	}
	c.prefixes = append(c.prefixes, g.prefixes...)
	c.above = maps.Clone(g.above)
	return c, c.add(why, entries)
}

func (g *Guard) add(why string, entries []string) error {
	for _, entry := range entries {
		if entry == "localhost" {
			g.domains[entry] = why
			continue
		}
		v, err := observable.Parse(entry)
		if err != nil {
			return fmt.Errorf("intel: guard list: %w", err)
		}
		switch addr, isAddr := v.Addr(); {
		case v.Type == observable.Domain:
			g.domains[v.Text] = why
			if g.above != nil {
				for name := v.Text; ; {
					var more bool
					if _, name, more = strings.Cut(name, "."); !more {
						break
					}
					g.above[name] = why
				}
			}
		case isAddr:
			g.prefixes = append(g.prefixes, guarded{netip.PrefixFrom(addr, addr.BitLen()), why})
		case v.Type == observable.Prefix:
			p, _ := v.CIDR()
			g.prefixes = append(g.prefixes, guarded{p, why})
		default:
			g.values[v] = why
		}
	}
	return nil
}

// digest is a SHA-256 over all that the guard holds: two guards with one digest
// hold the same.
func (g *Guard) digest() [sha256.Size]byte {
	var lines []string
	for name, why := range g.domains {
		lines = append(lines, "d "+name+" "+why)
	}
	for _, p := range g.prefixes {
		lines = append(lines, "p "+p.prefix.String()+" "+p.why)
	}
	for v, why := range g.values {
		lines = append(lines, "v "+v.Key()+" "+why)
	}
	if g.above != nil {
		lines = append(lines, "domains above are held")
	}
	slices.Sort(lines)
	return sha256.Sum256([]byte(strings.Join(lines, "\n")))
}

// Match tells whether a value touches what is guarded, and why that is.
func (g *Guard) Match(v observable.Value) (why string, ok bool) {
	if why, ok = g.values[v]; ok {
		return why, true
	}
	if host, isURL := v.HostOf(); isURL {
		return g.Match(host)
	}
	if addr, isAddr := v.Addr(); isAddr {
		return g.overlap(netip.PrefixFrom(addr, addr.BitLen()))
	}
	if p, isPrefix := v.CIDR(); isPrefix {
		return g.overlap(p)
	}
	name := ""
	switch v.Type {
	case observable.Domain:
		name = v.Text
		if why, ok = g.above[name]; ok { // whoever blocks it blocks what is below it
			return why + ", which lies below it", true
		}
	case observable.Email:
		_, name, _ = strings.Cut(v.Text, "@")
	case observable.Other: // what breaks the rules of names, as localhost does
		if _, text, found := strings.Cut(v.Text, ":value="); found {
			name = strings.ToLower(text)
		}
	}
	for name != "" {
		if why, ok = g.domains[name]; ok {
			return why, true
		}
		_, name, _ = strings.Cut(name, ".")
	}
	return "", false
}

func (g *Guard) overlap(p netip.Prefix) (string, bool) {
	for _, e := range g.prefixes {
		if e.prefix.Overlaps(p) {
			return e.why, true
		}
	}
	return "", false
}
