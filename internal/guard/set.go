package guard

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"entente/internal/observable"
	"entente/misp"
)

// Relation is how a value lies to the entry that guards it.
type Relation string

// The relations.
const (
	Same   Relation = "same"   // the value is the entry
	Within Relation = "within" // it lies below the entry: a subdomain, a URL at it, an address of the block
	Around Relation = "around" // the entry lies below it: a larger block, a domain above the name
	Like   Relation = "like"   // its text has, or fits, the entry
	Rule   Relation = "rule"   // it is too wide for any list: a public suffix, a very large block
)

// RulesList is the name under which the rules appear that no list holds: [Rule].
const RulesList = "rules"

// Hit says why a value is guarded.
type Hit struct {
	List, Source string
	Why          string // what the entry is, as in "a public resolver"
	Entry        string // as the list has it in canonical form; empty: a rule
	Relation     Relation
}

// String is the reason for people.
func (h Hit) String() string {
	switch h.Relation {
	case Within:
		return fmt.Sprintf("%s: within %s (list %s)", h.Why, h.Entry, h.List)
	case Around:
		return fmt.Sprintf("%s: %s is within it (list %s)", h.Why, h.Entry, h.List)
	case Like:
		return fmt.Sprintf("%s: it is like %q (list %s)", h.Why, h.Entry, h.List)
	}
	return fmt.Sprintf("%s (list %s)", h.Why, h.List)
}

// Set is all that is guarded. It is read-only once made, and safe for concurrent use.
type Set struct {
	lists    []*List
	domains  map[string]name
	above    map[string]name // domains above guarded names -> one such name
	prefixes []block         // sorted, disjoint
	ends     []block         // addresses of guarded URLs, sorted: what blocks them blocks the URLs
	values   map[observable.Value]uint16
	texts    []text
	rules    bool
	digest   [sha256.Size]byte
}

type name struct {
	list  uint16
	scope Scope
	exact bool // not what is below
	entry string
}

type block struct {
	prefix netip.Prefix
	list   uint16
}

type text struct {
	matcher *misp.Matcher
	list    uint16
	types   map[observable.Type]bool // nil: all
}

// MaxLists bounds the lists of a set.
const MaxLists = 1024

// Empty returns a set that guards nothing, and applies no rule of its own.
func Empty() *Set {
	return &Set{domains: map[string]name{}, above: map[string]name{}, values: map[observable.Value]uint16{}}
}

// Add returns a set that guards what the lists name too. Entries that cannot be used are
// told in the list's place of problems and left out; the others hold.
func (s *Set) Add(lists ...*List) (out *Set, problems []Problems) {
	out = &Set{lists: slices.Clone(s.lists), domains: maps.Clone(s.domains), above: maps.Clone(s.above), prefixes: slices.Clone(s.prefixes), ends: slices.Clone(s.ends),
		values: maps.Clone(s.values), texts: slices.Clone(s.texts), rules: s.rules, digest: s.digest}
	problems = make([]Problems, len(lists))
	for i, l := range lists {
		if len(out.lists) == MaxLists {
			problems[i].add(fmt.Errorf("%w: there are %d before it, and no more are used", ErrFile, MaxLists))
			continue
		}
		out.add(l, &problems[i])
	}
	out.finish()
	return out, problems
}

// With returns a set that guards entries of one kind too, for instance the assets of the
// own organisation; why says what they are, and is the list's name. Unlike Add it refuses
// all of them if one cannot be read.
func (s *Set) With(why string, entries ...string) (*Set, error) {
	out, problems := s.Add(&List{Name: why, Why: why, Source: "configured", Entries: entries})
	if len(problems[0].First) > 0 {
		return nil, fmt.Errorf("guard: %s: %w", why, problems[0].First[0])
	}
	return out, nil
}

// maxProblems bounds the problems that are told of one list.
const maxProblems = 20

// Problems are the entries of one list that cannot be used: how many, and the first 20,
// most of them an *[EntryError].
type Problems struct {
	Count int
	First []error
}

func (p *Problems) add(err error) {
	if p.Count++; len(p.First) < maxProblems {
		p.First = append(p.First, err)
	}
}

func (s *Set) add(l *List, problems *Problems) {
	at := uint16(len(s.lists))
	s.lists = append(s.lists, l)
	sum := sha256.New()
	fmt.Fprintf(sum, "%x %q %q %q %q %d\n", s.digest, l.Name, l.Why, l.Source, l.Type, l.Scope)
	for _, e := range l.Entries {
		fmt.Fprintf(sum, "%d %s", len(e), e)
	}
	fmt.Fprintf(sum, "%q", l.Attributes)
	s.digest = [sha256.Size]byte(sum.Sum(nil))
	if l.Type == misp.SubstringList || l.Type == misp.RegexList {
		s.addTexts(l, at, problems)
		return
	}
	for i, entry := range l.Entries {
		v, err := entryValue(entry, l.Type == misp.HostnameList)
		if err != nil {
			problems.add(l.bad(i, err.Error()))
			continue
		}
		s.put(v, l, at)
	}
}

func (s *Set) put(v observable.Value, l *List, at uint16) {
	addr, isAddr := v.Addr()
	switch {
	case v.Type == observable.Domain:
		n := name{list: at, scope: l.Scope, exact: l.Scope == Itself || l.Type == misp.StringList, entry: v.Text}
		if old, ok := s.domains[v.Text]; !ok || old.exact && !n.exact || old.scope == Shared && n.scope == Below && !n.exact {
			s.domains[v.Text] = n // the wider of two entries holds
		}
		for _, parent := range observable.Parents(v.Text) {
			if _, ok := s.above[parent]; !ok {
				s.above[parent] = n
			}
		}
	case isAddr:
		s.prefixes = append(s.prefixes, block{netip.PrefixFrom(addr, addr.BitLen()), at})
	case v.Type == observable.Prefix:
		if p, ok := v.CIDR(); ok {
			s.prefixes = append(s.prefixes, block{p, at})
		}
	default:
		if _, ok := s.values[v]; !ok {
			s.values[v] = at
		}
		s.putHost(v, l, at)
	}
}

// putHost notes where a guarded URL lies. It guards no other URL there, but whoever blocks the host blocks it.
func (s *Set) putHost(v observable.Value, l *List, at uint16) {
	host, isURL := v.HostOf()
	if !isURL {
		return
	}
	if addr, isAddr := host.Addr(); isAddr {
		s.ends = append(s.ends, block{netip.PrefixFrom(addr, addr.BitLen()), at})
		return
	}
	n := name{list: at, scope: l.Scope, exact: true, entry: v.Text}
	for _, domain := range append([]string{host.Text}, observable.Parents(host.Text)...) {
		if _, ok := s.above[domain]; !ok {
			s.above[domain] = n
		}
	}
}

// blocks finds the address of a guarded URL in a block.
func (s *Set) blocks(p netip.Prefix) (Hit, bool) {
	if !s.rules {
		return Hit{}, false
	}
	i, _ := slices.BinarySearchFunc(s.ends, p.Addr(), func(b block, a netip.Addr) int { return b.prefix.Addr().Compare(a) })
	if i < len(s.ends) && p.Contains(s.ends[i].prefix.Addr()) {
		return s.hit(s.ends[i].list, s.ends[i].prefix.Addr().String(), Around), true
	}
	return Hit{}, false
}

func (s *Set) addTexts(l *List, at uint16, problems *Problems) {
	w := &misp.Warninglist{Name: l.Name, Type: l.Type, List: l.Entries, MatchingAttributes: l.Attributes}
	m, bad := w.Compile()
	for _, err := range bad {
		problems.add(err)
	}
	t := text{matcher: m, list: at}
	if len(l.Attributes) > 0 {
		t.types = map[observable.Type]bool{}
		for _, typ := range []observable.Type{observable.Domain, observable.IPv4, observable.IPv6, observable.Prefix, observable.URL, observable.Email,
			observable.MD5, observable.SHA1, observable.SHA256, observable.SHA512, observable.FileName, observable.FilePath} {
			t.types[typ] = slices.ContainsFunc(attributes(typ), w.Applies)
		}
	}
	s.texts = append(s.texts, t)
}

// finish sorts the blocks and leaves out those that lie within others, so that what is
// left is disjoint and a binary search finds every overlap.
func (s *Set) finish() {
	slices.SortStableFunc(s.prefixes, func(a, b block) int {
		return cmp.Or(a.prefix.Addr().Compare(b.prefix.Addr()), cmp.Compare(a.prefix.Bits(), b.prefix.Bits()))
	})
	kept := s.prefixes[:0]
	for _, b := range s.prefixes {
		if n := len(kept); n > 0 && kept[n-1].prefix.Overlaps(b.prefix) {
			continue // blocks overlap only by lying in each other, and the larger comes first
		}
		kept = append(kept, b)
	}
	s.prefixes = kept
	slices.SortStableFunc(s.ends, func(a, b block) int { return a.prefix.Addr().Compare(b.prefix.Addr()) })
}

// Digest is a SHA-256 over all that was added, in its order: sets with one digest guard
// the same.
func (s *Set) Digest() [sha256.Size]byte {
	if s.rules {
		return sha256.Sum256(append([]byte("rules"), s.digest[:]...))
	}
	return s.digest
}

// Size counts what is guarded: names, disjoint blocks, other values, and lists of texts.
func (s *Set) Size() int { return len(s.domains) + len(s.prefixes) + len(s.values) + len(s.texts) }

// The widest blocks that an indicator may name: more is a part of the whole network.
const (
	widestIPv4 = 8
	widestIPv6 = 20
)

// Match tells whether a value touches what is guarded, and why that is.
func (s *Set) Match(v observable.Value) (Hit, bool) {
	if at, ok := s.values[v]; ok {
		return s.hit(at, v.Text, Same), true
	}
	if h, ok := s.places(v); ok {
		return h, true
	}
	for i := range s.texts {
		t := &s.texts[i]
		if t.types != nil && !t.types[v.Type] {
			continue
		}
		if m, ok := t.matcher.Lookup(v.Text); ok {
			return s.hit(t.list, m.Entry, Like), true
		}
	}
	return Hit{}, false
}

// Lists are the lists of the set, in the order in which they were added. They must not be
// changed.
func (s *Set) Lists() []*List { return slices.Clone(s.lists) }

// Explain gives every list that guards a value, with the entry and why, where Match gives
// the first that it finds. It looks at the lists one by one, which takes time that grows
// with all of their entries: it is for a person who asks, not for what arrives.
func (s *Set) Explain(v observable.Value) []Hit {
	var hits []Hit
	bare := Empty()
	bare.rules = s.rules
	for _, l := range s.lists {
		one, _ := bare.Add(l)
		if h, ok := one.Match(v); ok && h.Relation != Rule {
			hits = append(hits, h)
		}
	}
	if h, ok := bare.Match(v); ok {
		hits = append(hits, h)
	}
	return hits
}

// places looks at where a value lies: the names and blocks around and below it.
func (s *Set) places(v observable.Value) (Hit, bool) {
	if host, isURL := v.HostOf(); isURL {
		if addr, isAddr := host.Addr(); isAddr {
			return s.within(netip.PrefixFrom(addr, addr.BitLen()), Within)
		}
		h, ok := s.domain(host.Text, Within, false)
		if ok && s.domains[h.Entry].scope == Itself && deep(v.Text) {
			return Hit{}, false // a page of some customer's
		}
		return h, ok
	}
	if addr, isAddr := v.Addr(); isAddr {
		p := netip.PrefixFrom(addr, addr.BitLen())
		if h, ok := s.within(p, Same); ok {
			return h, true
		}
		return s.blocks(p)
	}
	if p, isPrefix := v.CIDR(); isPrefix {
		return s.wide(p)
	}
	switch v.Type {
	case observable.Domain:
		return s.wholeDomain(v.Text)
	case observable.Email:
		_, host, _ := strings.Cut(v.Text, "@")
		return s.domain(host, Within, true)
	case observable.Other: // what breaks the rules of names, as localhost does
		if text, found := strings.CutPrefix(v.Text, "domain-name:value="); found {
			return s.wholeDomain(strings.ToLower(text))
		}
	}
	return Hit{}, false
}

// deep tells whether a URL names more than its host.
func deep(url string) bool {
	_, rest, _ := strings.Cut(url, "://")
	i := strings.IndexAny(rest, "/?#")
	return i >= 0 && len(rest) > i+1
}

func (s *Set) wide(p netip.Prefix) (Hit, bool) {
	if h, ok := s.within(p, Same); ok {
		return h, true
	}
	if h, ok := s.blocks(p); ok {
		return h, true
	}
	widest := widestIPv4
	if p.Addr().Is6() {
		widest = widestIPv6
	}
	if s.rules && p.Bits() < widest {
		return Hit{List: RulesList, Source: "this program", Why: fmt.Sprintf("a block wider than /%d, a part of the whole network", widest), Relation: Rule}, true
	}
	return Hit{}, false
}

// within finds the block that overlaps a prefix: the last that begins at or before its
// first address, or the first that begins after it.
func (s *Set) within(p netip.Prefix, exact Relation) (Hit, bool) {
	i, _ := slices.BinarySearchFunc(s.prefixes, p.Addr(), func(b block, a netip.Addr) int {
		if b.prefix.Addr().Compare(a) <= 0 {
			return -1
		}
		return 1
	})
	for _, at := range [2]int{i - 1, i} {
		if at < 0 || at >= len(s.prefixes) || !s.prefixes[at].prefix.Overlaps(p) {
			continue
		}
		b := s.prefixes[at]
		entry := b.prefix.String()
		if b.prefix.IsSingleIP() {
			entry = b.prefix.Addr().String()
		}
		switch {
		case b.prefix == p:
			return s.hit(b.list, entry, exact), true
		case b.prefix.Bits() < p.Bits():
			return s.hit(b.list, entry, Within), true
		}
		return s.hit(b.list, entry, Around), true
	}
	return Hit{}, false
}

// wholeDomain looks a name up as an indicator of its own: acting on it acts on all below it.
func (s *Set) wholeDomain(text string) (Hit, bool) {
	if h, ok := s.domain(text, Same, false); ok || !s.rules {
		return h, ok
	}
	if n, ok := s.above[text]; ok {
		return s.hit(n.list, n.entry, Around), true
	}
	// A name of one label that is no known domain is no suffix of anybody's names.
	if suffix, icann := publicsuffix.PublicSuffix(text); suffix == text && (icann || strings.Contains(text, ".")) {
		return Hit{List: RulesList, Source: "publicsuffix.org", Why: "a public suffix, under which names of many owners are", Relation: Rule}, true
	}
	return Hit{}, false
}

// domain finds a name, or the nearest guarded one above it.
func (s *Set) domain(text string, exact Relation, account bool) (Hit, bool) {
	rel := exact
	for rest := text; rest != ""; rel = Within {
		if n, ok := s.domains[rest]; ok && (rest == text || !n.exact) && (!account || n.scope == Below) {
			return s.hit(n.list, rest, rel), true
		}
		_, rest, _ = strings.Cut(rest, ".")
	}
	return Hit{}, false
}

func (s *Set) hit(list uint16, entry string, rel Relation) Hit {
	l := s.lists[list]
	return Hit{List: l.Name, Source: l.Source, Why: l.Why, Entry: entry, Relation: rel}
}
