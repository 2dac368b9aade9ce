package watch

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"entente/internal/observable"
)

// Set is what is looked for. It is never changed and safe for use by many at once.
type Set struct {
	store
	hash     hasher
	table    *table   // of the keys of all entries, and perhaps of some that come with the next set
	dead     []uint64 // a bit for each entry that is not matched any more
	gone     int
	prefixes *prefixes
	kinds    uint32  // a bit for each kind that there ever was an indicator of
	unmarked bool    // some text has nothing that a line which is not JSON can be told by
	unlocked *writer // what Live needs to make the next set of this one
}

// prefixes tells which blocks of addresses a set has, so that most addresses need no look-up.
type prefixes struct {
	four    [33]bool  // the lengths of blocks of IPv4 addresses
	six     [129]bool // of IPv6
	lengths []uint8   // of IPv4, longest first
	longs   []uint8   // of IPv6
	// first16 has a bit for each beginning of 16 bits that some block of IPv4 addresses covers a part of.
	first16  [1 << 10]uint64
	first16v [1 << 10]uint64 // of IPv6
	// starts has a bit for what a text that could be an IPv4 address begins with, see twoNumbers: most addresses of a log begin as none that is looked for,
	// above all the private ones. startsv is that of IPv6, see twoGroups. What the host of a URL begins with is among them.
	starts, startsv [1 << 10]uint64
}

// twoNumbers gives the bit in starts of a text of at least seven bytes, the first eight of which w has: it is that of what comes before its second dot.
func twoNumbers(w uint64) uint64 {
	d := zeros(w ^ dots)
	second := uint(bits.TrailingZeros64(d & (d - 1))) // the highest bit of the byte that it is; 64 if it is none
	return w & (1<<(second-7) - 1) * 0x9e3779b97f4a7c15 >> 48
}

// shortestIPv4 is how long an IPv4 address is at least.
const shortestIPv4 = 7

// twoGroups reads the first two groups of what could be an IPv6 address. It is false for what does not begin with two, and where both are zero, behind which
// an IPv4 address may stand.
func twoGroups(text []byte) (groups uint32, ok bool) {
	i := 0
	for n := range 2 {
		start, group := i, uint32(0)
		for ; i < len(text) && i-start < 4; i++ {
			v := hexValue(text[i])
			if v > 15 {
				break
			}
			group = group<<4 | uint32(v)
		}
		if i == len(text) || text[i] != ':' || i == start && n == 0 {
			return 0, false
		}
		groups = groups<<16 | group // no digit: two colons, which stand for zeros
		i++
	}
	return groups, groups != 0
}

// startBit gives the bit in startsv of two groups.
func startBit(groups uint32) uint64 { return uint64(groups) * 0x9e3779b97f4a7c15 >> 48 }

// maySix tells whether there can be something about an IPv6 address that begins with two groups.
func (p *prefixes) maySix(groups uint32) bool {
	bit := startBit(groups)
	return p.startsv[bit>>6]&(1<<(bit&63)) != 0 || p.first16v[groups>>22]&(1<<(groups>>16&63)) != 0
}

// start notes how a text begins if it could be taken for an address.
func (p *prefixes) start(text []byte) {
	if groups, ok := twoGroups(text); ok {
		bit := startBit(groups)
		p.startsv[bit>>6] |= 1 << (bit & 63)
	}
	if n := len(text); n >= shortestIPv4 && n <= 15 && text[0]-'0' <= 9 && text[n-1]-'0' <= 9 {
		var b [16]byte
		copy(b[:], text)
		bit := twoNumbers(binary.LittleEndian.Uint64(b[:]))
		p.starts[bit>>6] |= 1 << (bit & 63)
	}
}

// note notes an entry.
func (p *prefixes) note(k kind, text []byte) {
	p.start(text)
	switch k {
	case kindPrefix:
		if b, err := netip.ParsePrefix(string(text)); err == nil {
			p.add(b)
		}
	case kindURL:
		if host, _, ok := urlKey(text); ok {
			p.start(bytes.Trim(host, "[]"))
		}
	}
}

func (p *prefixes) add(b netip.Prefix) {
	raw, length := b.Addr().As16(), b.Bits()
	start, first := int(raw[0])<<8|int(raw[1]), &p.first16v
	if b.Addr().Is4() {
		start, first = int(raw[12])<<8|int(raw[13]), &p.first16
		if !p.four[length] {
			p.four[length] = true
			p.lengths = insert(p.lengths, uint8(length))
		}
	} else if !p.six[length] {
		p.six[length] = true
		p.longs = insert(p.longs, uint8(length))
	}
	n := 1
	if length < 16 {
		n = 1 << (16 - length)
	}
	for i := start; i < start+n; i++ {
		first[i>>6] |= 1 << (i & 63)
	}
}

func insert(list []uint8, v uint8) []uint8 {
	i := 0
	for i < len(list) && list[i] > v {
		i++
	}
	out := append(list[:i:i], v)
	return append(out, list[i:]...)
}

func (p *prefixes) clone() *prefixes {
	c := *p
	return &c
}

// Builder collects indicators for a set.
type Builder struct {
	st     filler
	hash   hasher
	lastID string
	packed []byte // it, as it is kept
	follow bool   // the next indicator may belong to lastID
	above  map[string]struct{}
	pre    *prefixes
	hosts  int
	kinds  uint32
	small  int // how many entries may be gone before what is left is put together
}

// chunkBits and fewGone are what fits sets of any size: chunks of 8,192 entries, and so many that may be gone.
const (
	chunkBits = 13
	fewGone   = 4096
)

// NewBuilder gives an empty builder. The set is as secret as seed: who knows it can choose names that make it slow.
func NewBuilder(seed Seed) *Builder {
	b := &Builder{hash: newHasher(seed), above: aboveSuffixes(), pre: &prefixes{}, small: fewGone}
	b.st.bits, b.st.hash = chunkBits, &b.hash
	return b
}

// Len gives the number of values so far.
func (b *Builder) Len() int { return b.st.n }

// broadest are the shortest prefixes that are watched for.
const (
	broadestIPv4 = 8
	broadestIPv6 = 16
)

// Derive has the identifiers of what [Builder.AddDerived] adds worked out by f, from source and value, whenever they are asked for. They take no memory
// so.
func (b *Builder) Derive(f func(source string, v observable.Value) string) { b.st.derive = f }

// AddDerived adds an indicator as [Builder.Add] does, whose identifier is what the function of [Builder.Derive] gives; ind.ID is not looked at.
func (b *Builder) AddDerived(ind Indicator) error {
	c, err := b.Check(ind.Value, ind.Policy)
	if err != nil {
		return err
	}
	return b.AddCheckedDerived(&c, ind)
}

// AddCheckedDerived is AddDerived of what was checked before: ind.Value and ind.Policy are not looked at.
func (b *Builder) AddCheckedDerived(c *Checked, ind Indicator) error {
	ind.ID = ""
	var flags uint8
	if c.given == nil {
		flags = flagDerived
	} else { // the value is kept as another
		ind.ID = b.st.derive(ind.Source, *c.given)
	}
	return b.add(c, ind, flags)
}

// Derived gives the source and the value of value number n, in the order in which they were added, and tells whether its identifier is worked out of them.
func (b *Builder) Derived(n int) (source string, v observable.Value, ok bool) {
	e := b.st.at(uint32(n))
	return e.source, b.st.value(&e), e.flags&flagDerived != 0
}

// Identifier gives the identifier of value number n.
func (b *Builder) Identifier(n int) string {
	e := b.st.at(uint32(n))
	return b.st.identifier(&e)
}

// Valid gives when value number n is valid, as its [Indicator] was added.
func (b *Builder) Valid(n int) (from, until time.Time) {
	e := b.st.at(uint32(n))
	when := e.when()
	return moment(when.from), moment(when.until)
}

// IsDerived tells whether value number n is this one, and its identifier is worked out of this source.
func (b *Builder) IsDerived(n int, source string, v observable.Value) bool {
	e := b.st.at(uint32(n))
	return e.flags&flagDerived != 0 && string(e.text) == v.Text && e.kind == kindOf(v.Type) && e.source == source
}

// Add adds an indicator. A revoked one is left out. It fails as [Builder.Check] does, with [ErrIndicator] for an identifier that is too long, and with [ErrFull].
func (b *Builder) Add(ind Indicator) error {
	if ind.Revoked {
		return nil
	}
	c, err := b.Check(ind.Value, ind.Policy)
	if err != nil {
		return err
	}
	return b.AddChecked(&c, ind)
}

// AddChecked is Add of what was checked before: ind.Value and ind.Policy are not looked at.
func (b *Builder) AddChecked(c *Checked, ind Indicator) error { return b.add(c, ind, 0) }

func (b *Builder) add(c *Checked, ind Indicator, flags uint8) error {
	switch {
	case ind.Revoked:
		return nil
	case c.value.Type == "":
		return fmt.Errorf("%w: %.80q is no value of a type that is known", ErrIndicator, c.value.Key())
	case len(ind.ID) > MaxID:
		return fmt.Errorf("%w: its identifier is longer than %d bytes", ErrIndicator, MaxID)
	case b.st.n >= MaxIndicators:
		return fmt.Errorf("%w: %d indicators", ErrFull, b.st.n)
	}
	b.put(ind, c.value, class{source: ind.Source, tlp: ind.TLP, kind: c.kind, flags: c.flags | flags, atom: ind.Atom, place: ind.Place})
	return nil
}

func (b *Builder) put(ind Indicator, v observable.Value, c class) {
	if c.flags&flagDerived == 0 {
		var uuid bool
		if c.idType, b.packed, c.idTail, uuid = packID(b.packed[:0], ind.ID); uuid {
			c.flags |= flagUUID
		}
		if b.follow && ind.ID == b.lastID {
			c.flags |= flagFollow
		}
	}
	b.st.put(c, bounds(&ind), v.Text, b.packed)
	b.pre.note(c.kind, []byte(v.Text))
	b.lastID, b.follow = ind.ID, c.flags&flagDerived == 0
	b.kinds |= 1 << c.kind
	b.hosts += extraKeys(c.kind)
}

// known gives a value of the type that logs have it under: [observable.FromObject] keeps some only by their path.
func known(v observable.Value) (observable.Value, error) {
	if v.Type != observable.Other {
		return v, nil
	}
	path, text, _ := strings.Cut(v.Text, "=")
	t, ok := observable.Logged(path)
	if !ok {
		return v, nil
	}
	w, err := observable.New(t, text)
	if err != nil {
		return v, fmt.Errorf("%w: %w", ErrIndicator, err)
	}
	return w, nil
}

// Set compiles what was added. The builder must not be used any more.
func (b *Builder) Set() *Set {
	s := &Set{store: b.st.view(), hash: b.hash, prefixes: b.pre, kinds: b.kinds, unlocked: &writer{b: b}}
	s.table = s.index(s.n + b.hosts)
	return s
}

// blockLength counts from the start of an IPv6 address, with those of IPv4 mapped into it.
func blockLength(p netip.Prefix) int {
	if p.Addr().Is4() {
		return p.Bits() + 96
	}
	return p.Bits()
}

// same tells whether two entries are found by the same key.
func (s *Set) same(a, b *entry) bool {
	if a.kind != b.kind {
		return false
	}
	if a.kind == kindURL {
		h1, p1, _ := urlKey(a.text)
		h2, p2, _ := urlKey(b.text)
		return string(h1) == string(h2) && string(p1) == string(p2)
	}
	return string(a.text) == string(b.text)
}

// Len gives the number of values that the set looks for.
func (s *Set) Len() int { return s.n - s.gone }

// String tells the size of a set.
func (s *Set) String() string { return strconv.Itoa(s.Len()) + " indicators" }
