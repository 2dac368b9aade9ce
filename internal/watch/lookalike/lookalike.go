// Package lookalike tells names that look like names of assets: what somebody registers
// who wants to be taken for a voter register, a party or a bank.
//
// A new name is compared by its registrable part, the label below the public suffix, in a
// time that does not grow with the number of assets: every form that a lookalike of an
// asset can have is looked up, none is searched for.
//
// Letters are compared by a skeleton as in UTS #39: letters that look alike become one. The
// table holds the letters of other alphabets that IDNA allows and that are usually drawn as
// an ASCII letter, and the sequences rn, vv and cl; it is a choice, not all of Unicode's
// confusables. Marks on letters do not count.
//
// The package is pure.
package lookalike

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"entente/internal/observable"
)

const (
	// MaxNames is the most names of assets.
	MaxNames = 10_000
	// maxFindings is the most assets that are told for one name.
	maxFindings = 16
	// minTypo is the shortest name of an asset that typos are told of: of shorter ones every second
	// name is one.
	minTypo = 5
	// minAdded is the shortest name that is told of with anything before or behind it. A
	// shorter one is with a hyphen, or with one of the words that are usual for it.
	minAdded = 6
)

// Reason says how a name looks like one of an asset.
type Reason string

// The reasons, the most telling first.
const (
	OtherSuffix Reason = "other-suffix" // the same below another public suffix
	Homoglyph   Reason = "homoglyph"    // other letters that look the same
	Typo        Reason = "typo"         // one letter more, less, other, or two changed over
	Embedded    Reason = "embedded"     // the whole name inside another one
	AddedWord   Reason = "added-word"   // something before it or behind it
)

// Finding is an asset's name that another name looks like.
type Finding struct {
	Asset  string // as it was given
	Name   string // of the asset
	Reason Reason
	// IDN is true if the name has letters beyond ASCII.
	IDN bool
}

// ErrAsset means that a name of an asset cannot be looked for.
var ErrAsset = errors.New("a name of an asset that lookalikes cannot be told of")

// Asset is something protected and its domains.
type Asset struct {
	ID    string
	Names []string
}

// name is a name of an asset.
type name struct {
	asset, full string
	label       string // the one below the public suffix
	skeleton    string
}

// Set looks for lookalikes of assets. It does not change and may be used by many
// goroutines.
type Set struct {
	names    []name
	own      map[string]bool  // registrable names of the assets, and what is to be left alone
	labels   map[string][]int // by label
	skeleton map[string][]int
	without  map[string][]int // by the skeleton with one letter left out
	whole    map[string][]int // by the full name, and by it with hyphens for dots
	heads    map[string]bool  // what those begin with, up to the first dot or hyphen
	words    map[string]bool
}

// usual are words that stand beside a name in names that are to be trusted.
var usual = strings.Fields(`account admin alert app auth ballot bank card check client cloud confirm contact data election elections email gov help home id
info live login mail mobile my net news now official online pay portal register registration result results secure security service services
signin sso support update user verify vote voter voters voting vpn web webmail win www`)

// New makes a set. alone are domains that are never told of, beside those of the assets,
// with all below them. The error is [ErrAsset].
func New(assets []Asset, alone []string) (*Set, error) {
	s := &Set{own: map[string]bool{}, labels: map[string][]int{}, skeleton: map[string][]int{}, without: map[string][]int{}, whole: map[string][]int{}, heads: map[string]bool{}, words: map[string]bool{}}
	for _, w := range usual {
		s.words[w] = true
	}
	for _, a := range assets {
		for _, text := range a.Names {
			v, err := observable.New(observable.Domain, text)
			if err != nil {
				return nil, fmt.Errorf("%w: the name %q of the asset %s: %w", ErrAsset, text, a.ID, err)
			}
			top, err := publicsuffix.EffectiveTLDPlusOne(v.Text)
			if err != nil {
				return nil, fmt.Errorf("%w: the name %q of the asset %s is a public suffix", ErrAsset, text, a.ID)
			}
			if len(s.names) == MaxNames {
				return nil, fmt.Errorf("%w: there are more than %d", ErrAsset, MaxNames)
			}
			label, _, _ := strings.Cut(top, ".")
			n := name{asset: a.ID, full: v.Text, label: label, skeleton: skeleton(letters(label))}
			i := len(s.names)
			s.names = append(s.names, n)
			s.own[top] = true
			s.labels[label] = append(s.labels[label], i)
			s.skeleton[n.skeleton] = append(s.skeleton[n.skeleton], i)
			s.whole[n.full] = append(s.whole[n.full], i)
			s.heads[n.full[:headEnd(n.full)]] = true
			if dashed := strings.ReplaceAll(n.full, ".", "-"); dashed != n.full {
				s.whole[dashed] = append(s.whole[dashed], i)
			}
			if len(n.skeleton) >= minTypo {
				leaveOut(n.skeleton, func(b []byte) { s.without[string(b)] = append(s.without[string(b)], i) })
			}
		}
	}
	for _, text := range alone {
		v, err := observable.New(observable.Domain, text)
		if err != nil {
			return nil, fmt.Errorf("%w: %q, which is to be left alone: %w", ErrAsset, text, err)
		}
		s.own[v.Text] = true
	}
	return s, nil
}

// headEnd is where the first dot or hyphen of a name stands, or its end.
func headEnd(name string) int {
	if i := strings.IndexAny(name, ".-"); i >= 0 {
		return i
	}
	return len(name)
}

// Within tells whether a name, which is in its canonical form, may have the whole name of an asset inside of it.
func (s *Set) Within(name string) bool {
	for {
		i := 0
		for i < len(name) && name[i] != '.' && name[i] != '-' {
			i++
		}
		if s.heads[name[:i]] {
			return true
		}
		if i == len(name) {
			return false
		}
		name = name[i+1:]
	}
}

// Top is the registrable part of a name in its canonical form: what looks like nothing and has no asset's name [Set.Within] it looks like nothing
// with any other names before it. It is empty for a public suffix.
func Top(name string) string {
	top, err := publicsuffix.EffectiveTLDPlusOne(name)
	if err != nil {
		return ""
	}
	return top
}

// leaveOut calls f with a text without one of its letters, each once. The bytes are good
// until f returns.
func leaveOut(s string, f func([]byte)) {
	var buf [64]byte
	for i := range len(s) {
		if i > 0 && s[i] == s[i-1] || len(s) > len(buf) {
			continue
		}
		f(append(append(buf[:0], s[:i]...), s[i+1:]...))
	}
}

// Find adds the names of assets that a domain looks like to dst, each once, with the
// most telling reason. What is no domain looks like nothing.
func (s *Set) Find(dst []Finding, domain string) []Finding {
	v, err := observable.New(observable.Domain, domain)
	if err != nil {
		return dst
	}
	top, err := publicsuffix.EffectiveTLDPlusOne(v.Text)
	if err != nil {
		return dst
	}
	for rest := v.Text; ; { // what is the assets' own, or to be left alone
		if s.own[rest] {
			return dst
		}
		_, above, ok := strings.Cut(rest, ".")
		if !ok {
			break
		}
		rest = above
	}
	label, _, _ := strings.Cut(top, ".")
	shown := letters(label)
	l := look{set: s, first: len(dst), dst: dst, idn: shown != label}
	l.all(s.labels[label], OtherSuffix)
	skel := skeleton(shown)
	l.all(s.skeleton[skel], Homoglyph)
	if len(skel) >= minTypo-1 {
		l.typos(skel)
	}
	if s.Within(v.Text) {
		l.embedded(v.Text)
	}
	l.added(label, labelled)
	if skel != label {
		l.added(skel, skeletal)
	}
	return l.dst
}

// look is one name in work.
type look struct {
	set   *Set
	dst   []Finding
	first int
	idn   bool
}

func (l *look) all(names []int, r Reason) {
	for _, i := range names {
		l.one(i, r)
	}
}

func (l *look) one(i int, r Reason) {
	n := &l.set.names[i]
	if len(l.dst)-l.first >= maxFindings || slices.ContainsFunc(l.dst[l.first:], func(f Finding) bool { return f.Asset == n.asset && f.Name == n.full }) {
		return
	}
	l.dst = append(l.dst, Finding{Asset: n.asset, Name: n.full, Reason: r, IDN: l.idn})
}

// typos finds names one step away: two texts that are differ in no more than one letter
// on each side.
func (l *look) typos(skel string) {
	try := func(names []int) {
		for _, i := range names {
			if own := l.set.names[i].skeleton; len(own) >= minTypo && oneStep(own, skel) {
				l.one(i, Typo)
			}
		}
	}
	try(l.set.without[skel])
	leaveOut(skel, func(b []byte) {
		try(l.set.skeleton[string(b)])
		try(l.set.without[string(b)])
	})
}

// oneStep tells texts that become one another by one letter more, less or other, or by two
// neighbours that change places.
func oneStep(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return a[i:] == b[i+1:]
	}
	if i == len(a) {
		return false // equal
	}
	return a[i+1:] == b[i+1:] || i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}

// embedded finds whole names of assets among the labels of a name, as in
// vote.example.gov.bad.example, or with hyphens for dots.
func (l *look) embedded(domain string) {
	for start := 0; start < len(domain); {
		rest := domain[start:]
		for end := 0; end < len(rest); end++ {
			if rest[end] == '.' || rest[end] == '-' {
				l.all(l.set.whole[rest[:end]], Embedded)
			}
		}
		next := strings.IndexAny(rest, ".-")
		if next < 0 {
			return
		}
		start += next + 1
	}
}

// part is what the pieces of a label are compared with.
type part int

// The parts.
const (
	labelled part = iota // labels as they are
	skeletal             // skeletons
)

// added finds names with something before them or behind them.
func (l *look) added(label string, by part) {
	index := l.set.labels
	if by == skeletal {
		index = l.set.skeleton
	}
	ok := func(names []int, before, behind string) {
		for _, i := range names {
			n := len(l.set.names[i].label)
			hyphen := strings.HasSuffix(before, "-") || strings.HasPrefix(behind, "-")
			if n >= minAdded || n >= 3 && (hyphen || l.set.words[before] || l.set.words[behind]) {
				l.one(i, AddedWord)
			}
		}
	}
	for i := 1; i < len(label); i++ {
		ok(index[label[i:]], label[:i], "")
		ok(index[label[:i]], "", label[i:])
	}
	// Between hyphens.
	for start := 0; ; {
		end := strings.IndexByte(label[start:], '-')
		if end < 0 {
			return
		}
		if start > 0 {
			ok(index[label[start:start+end]], "-", "-")
		}
		start += end + 1
	}
}
