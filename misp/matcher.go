package misp

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// The bounds on regular expressions of warning lists, and on the values compared.
const (
	maxRegexBytes  = 4 << 10
	maxRegexes     = 10_000
	maxMatchedText = 64 << 10
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// Relation is how a value lies to the entry that it matches.
type Relation uint8

// The relations.
const (
	Same  Relation = iota + 1 // the value is the entry
	Below                     // the value lies within: a subdomain, an address or prefix inside of a prefix
	Above                     // the value contains the entry: a prefix around one that is listed
	Holds                     // the value has the entry as a part of its text
	Fits                      // the value fits the entry, a regular expression
)

// Match is one entry that a value matches.
type Match struct {
	// Entry is the entry as the list has it, and Index its place.
	Entry string
	Index int
	// Value is the part of the value that matched.
	Value    string
	Relation Relation
}

// Matcher finds values on one warning list. It is made once, by
// [Warninglist.Compile], and may be used by several goroutines at once.
type Matcher struct {
	list    *Warninglist
	exact   map[string]int
	nets    prefixes
	parts   *automaton
	regexes []compiled
}

type compiled struct {
	re    *regexp.Regexp
	index int
}

// Compile makes a matcher of a list. Entries that cannot be used are left out and told
// in problems, each an *[Error] with the place.
func (l *Warninglist) Compile() (m *Matcher, problems []error) {
	m = &Matcher{list: l}
	bad := func(i int, format string, args ...any) {
		problems = append(problems, refuse(fmt.Sprintf("list[%d]", i), -1, ErrFormat, format, args...))
	}
	switch l.Type {
	case StringList, HostnameList:
		m.exact = make(map[string]int, len(l.List))
	case SubstringList:
		m.parts = newAutomaton()
	}
	for i, entry := range l.List {
		switch l.Type {
		case StringList:
			if entry == "" {
				bad(i, "an empty entry")
			} else if _, twice := m.exact[entry]; !twice {
				m.exact[entry] = i
			}
		case HostnameList:
			host := strings.ToLower(strings.Trim(entry, "."))
			if host == "" {
				bad(i, "an empty host name")
			} else if _, twice := m.exact[host]; !twice {
				m.exact[host] = i
			}
		case SubstringList:
			if entry == "" {
				bad(i, "an empty entry would match everything")
			} else {
				m.parts.add(entry, i)
			}
		case CIDRList:
			p, ok := parsePrefix(entry)
			if !ok {
				bad(i, "%.60q is neither an address nor a prefix", entry)
			} else {
				m.nets.add(p, i)
			}
		case RegexList:
			if len(m.regexes) == maxRegexes {
				bad(i, "more than the %d expressions allowed", maxRegexes)
				continue
			}
			re, err := parseRegex(entry)
			if err != nil {
				bad(i, "%v", err)
				continue
			}
			m.regexes = append(m.regexes, compiled{re, i})
		}
	}
	m.nets.finish()
	if m.parts != nil {
		m.parts.finish()
	}
	return m, problems
}

// parsePrefix reads an address as the prefix of all of its bits, and a prefix without
// regard to the bits beyond it. An IPv4 address that is written as IPv6 is taken as
// IPv4.
func parsePrefix(s string) (netip.Prefix, bool) {
	if len(s) > 64 {
		return netip.Prefix{}, false
	}
	if a, err := netip.ParseAddr(s); err == nil {
		if a.Zone() != "" {
			return netip.Prefix{}, false
		}
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, false
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), true
}

// parseRegex reads an expression as PHP writes it, /…/i, or a bare one, in the syntax of
// RE2, which is matched in time linear in the text.
func parseRegex(s string) (*regexp.Regexp, error) {
	if len(s) > maxRegexBytes {
		return nil, fmt.Errorf("an expression of more than %d bytes", maxRegexBytes)
	}
	body, flags := s, ""
	if len(s) > 1 && strings.ContainsRune("/#~@%!", rune(s[0])) {
		if end := strings.LastIndexByte(s, s[0]); end > 0 {
			body = s[1:end]
			if s[0] == '/' {
				body = strings.ReplaceAll(body, `\/`, "/")
			}
			for _, f := range s[end+1:] {
				switch f {
				case 'i', 'm', 's':
					flags += string(f)
				case 'U':
					flags += "U"
				case 'g', 'u', 'D':
				default:
					return nil, fmt.Errorf("the flag %q of an expression is not known", f)
				}
			}
		}
	}
	if flags != "" {
		body = "(?" + flags + ")" + body
	}
	re, err := regexp.Compile(body)
	if err != nil {
		return nil, fmt.Errorf("an expression that RE2 does not know: %w", err)
	}
	return re, nil
}

// List is the list the matcher was made of.
func (m *Matcher) List() *Warninglist { return m.list }

// Match finds an attribute on the list: whether the list is about its type, and a part
// of its value matches an entry.
func (m *Matcher) Match(typ, value string) (Match, bool) {
	if !m.list.Applies(typ) {
		return Match{}, false
	}
	for _, v := range warningParts(typ, value) {
		if found, ok := m.Lookup(v); ok {
			return found, true
		}
	}
	return Match{}, false
}

// Lookup finds a value on the list, whatever its type. Of a cidr list it gives the
// smallest prefix around an address or prefix, or else an entry inside of the prefix.
// Values of more than 64 KiB match nothing but a string.
func (m *Matcher) Lookup(v string) (Match, bool) {
	found := Match{Value: v}
	ok := false
	switch m.list.Type {
	case StringList:
		found.Index, ok = m.exact[v]
		found.Relation = Same
	case HostnameList:
		return m.hostname(v)
	case CIDRList:
		p, isPrefix := parsePrefix(hostOf(v))
		if !isPrefix {
			if p, isPrefix = parsePrefix(v); !isPrefix {
				return Match{}, false
			}
		}
		found.Index, found.Relation, ok = m.nets.find(p)
	case SubstringList:
		if len(v) <= maxMatchedText {
			found.Index, ok = m.parts.find(v)
		}
		found.Relation = Holds
		if ok && m.list.List[found.Index] == v {
			found.Relation = Same
		}
	case RegexList:
		found.Relation = Fits
		for _, c := range m.regexes {
			if len(v) <= maxMatchedText && c.re.MatchString(v) {
				found.Index, ok = c.index, true
				break
			}
		}
	}
	if !ok {
		return Match{}, false
	}
	found.Entry = m.list.List[found.Index]
	return found, true
}

// LookupPrefix finds a prefix on a cidr list like [Matcher.Lookup].
func (m *Matcher) LookupPrefix(p netip.Prefix) (Match, bool) {
	if !p.IsValid() {
		return Match{}, false
	}
	return m.Lookup(p.String())
}

// hostname finds the host of a value, or a domain above it.
func (m *Matcher) hostname(v string) (Match, bool) {
	if len(v) > maxMatchedText {
		return Match{}, false
	}
	host := strings.ToLower(strings.Trim(hostOf(v), "."))
	if i, ok := m.exact[host]; ok {
		return Match{Entry: m.list.List[i], Index: i, Value: host, Relation: Same}, true
	}
	if _, isAddr := parsePrefix(host); isAddr {
		return Match{}, false // the last numbers of an address are no domain above it
	}
	for rest := host; ; {
		_, above, ok := strings.Cut(rest, ".")
		if !ok {
			return Match{}, false
		}
		if i, ok := m.exact[above]; ok {
			return Match{Entry: m.list.List[i], Index: i, Value: host, Relation: Below}, true
		}
		rest = above
	}
}

// hostOf gives the host of a URL, or of a value that begins with one.
func hostOf(v string) string {
	if _, after, ok := strings.Cut(v, "//"); ok {
		v = after
	}
	if i := strings.IndexAny(v, "/?#\\"); i >= 0 {
		if _, isPrefix := parsePrefix(v); isPrefix {
			return v
		}
		v = v[:i]
	}
	v = v[strings.LastIndexByte(v, '@')+1:]
	if strings.HasPrefix(v, "[") {
		if end := strings.IndexByte(v, ']'); end > 0 {
			return v[1:end]
		}
	}
	if host, port, ok := strings.Cut(v, ":"); ok {
		if _, isPort := digits(port); isPort {
			return host
		}
	}
	return v
}

// prefixes is a set of prefixes.
type prefixes struct {
	at      map[netip.Prefix]int
	lengths [2][]int // those there are, longest first: IPv4 and IPv6
	sorted  []netip.Prefix
}

func (s *prefixes) add(p netip.Prefix, index int) {
	if s.at == nil {
		s.at = map[netip.Prefix]int{}
	}
	if _, twice := s.at[p]; !twice {
		s.at[p] = index
		s.sorted = append(s.sorted, p)
	}
}

func family(p netip.Prefix) int {
	if p.Addr().Is4() {
		return 0
	}
	return 1
}

func (s *prefixes) finish() {
	for _, p := range s.sorted {
		if f := family(p); !slices.Contains(s.lengths[f], p.Bits()) {
			s.lengths[f] = append(s.lengths[f], p.Bits())
		}
	}
	for f := range s.lengths {
		slices.SortFunc(s.lengths[f], func(a, b int) int { return b - a })
	}
	slices.SortFunc(s.sorted, comparePrefixes)
}

func comparePrefixes(a, b netip.Prefix) int {
	return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
}

// find gives the smallest prefix that is or holds p, or else one that p holds.
func (s *prefixes) find(p netip.Prefix) (index int, rel Relation, ok bool) {
	for _, bits := range s.lengths[family(p)] {
		if bits > p.Bits() {
			continue
		}
		around := netip.PrefixFrom(p.Addr(), bits).Masked()
		if i, ok := s.at[around]; ok {
			if bits == p.Bits() {
				return i, Same, true
			}
			return i, Below, true
		}
	}
	// All prefixes inside of p lie behind its first address.
	i, _ := slices.BinarySearchFunc(s.sorted, p, comparePrefixes)
	if i < len(s.sorted) && s.sorted[i].Addr().Is4() == p.Addr().Is4() && p.Contains(s.sorted[i].Addr()) {
		return s.at[s.sorted[i]], Above, true
	}
	return 0, 0, false
}
