package watch

import (
	"net/netip"
	"runtime"
	"slices"
	"sync"

	"entente/internal/observable"
)

// Tables of many entries are filled by so many at once at most.
const (
	fewEntries = 1 << 15
	mostAtOnce = 4
)

// index makes a table of what is looked for.
func (s *Set) index(keys int) *table {
	n := 1
	if s.n >= fewEntries {
		n = min(runtime.GOMAXPROCS(0), mostAtOnce)
	}
	t, unmarked := s.indexBy(keys, n)
	s.unmarked = s.unmarked || unmarked
	return t
}

// indexBy makes a table by n at once, each of which fills some sections. Each goes over all entries, which takes less than to tell each other of them. unmarked tells
// whether something has no token.
func (s *Set) indexBy(keys, n int) (t *table, unmarked bool) {
	t = newTable(keys)
	t.noted = keys
	fillers, unmarkeds := make([]sectionFiller, n), make([]bool, n)
	var running sync.WaitGroup
	for i := range fillers {
		fillers[i] = sectionFiller{t: t, first: uint64(i * sections / n), end: uint64((i + 1) * sections / n)}
		running.Go(func() { unmarkeds[i] = s.indexTo(&fillers[i]) })
	}
	running.Wait()
	for i := range fillers {
		for k, add := range fillers[i].left {
			c := s.larger(k, t.sections[k], len(add))
			for _, x := range add {
				c.add(x)
			}
			t.sections[k] = c
		}
	}
	for _, c := range t.sections {
		c.made = c.keys
	}
	return t, slices.Contains(unmarkeds, true)
}

// sectionFiller puts keys into some sections of a table that nobody else sees.
type sectionFiller struct {
	t          *table
	first, end uint64
	left       map[int][]hashed // of each section, what found no room
}

func (f *sectionFiller) of(h uint64) bool { return h>>sectionShift-f.first < f.end-f.first }

func (f *sectionFiller) add(x hashed) {
	if !f.of(x.hash) {
		return
	}
	f.t.note(x.hash)
	k := int(x.hash >> sectionShift)
	if len(f.left[k]) == 0 && f.t.sections[k].add(x) {
		return
	}
	if f.left == nil {
		f.left = map[int][]hashed{}
	}
	f.left[k] = append(f.left[k], x)
}

// indexTo puts what is looked for into some sections. It tells whether something has no token.
func (s *Set) indexTo(f *sectionFiller) (unmarked bool) {
	var hashes [64]uint64 // of entries whose places are fetched together: to wait for each alone takes most of the time
	var entries [64]uint32
	some := 0
	put := func() {
		f.t.fetch(hashes[:some])
		for j, h := range hashes[:some] {
			f.add(hashed{h, entries[j]})
		}
		some = 0
	}
	for i := range uint32(s.n) {
		if !s.alive(i) {
			continue
		}
		e := s.at(i)
		h := s.key(&e)
		if extraKeys(e.kind) > 0 {
			unmarked = s.moreKeys(&e, func(h uint64) { f.add(hashed{h, i}) }) || unmarked
		}
		if !f.of(h) {
			continue
		}
		hashes[some], entries[some] = h, i
		if some++; some == len(hashes) {
			put()
		}
	}
	put()
	return unmarked
}

// fill puts the entries that old does not have into the table. Where a section has to be made anew old goes on with that one before the next is made.
func (s *Set) fill(old *Set, meanwhile func(*Set)) {
	var add [sections][]hashed
	n := 0
	for i := uint32(old.n); int(i) < s.n; i++ {
		if !s.alive(i) {
			continue
		}
		e := s.at(i)
		s.unmarked = s.keys(&e, func(h uint64) {
			k := h >> sectionShift
			add[k] = append(add[k], hashed{h, i})
			n++
		}) || s.unmarked
	}
	if n == 0 {
		return
	}
	t := s.noting(&add, n)
	for k, list := range add {
		c := t.sections[k]
		if c.full(len(list)) {
			c = old.larger(k, c, len(list))
			t.sections[k] = c
			between, u := *old, *t
			between.table = &u
			meanwhile(&between)
		}
		for _, x := range list {
			c.add(x)
		}
	}
	s.table = t
}

// noting gives the table with a filter that knows of n more keys: its own, or a larger one.
func (s *Set) noting(add *[sections][]hashed, n int) *table {
	t := *s.table
	if t.noted += n; t.noted > 5*len(t.bloom) {
		t.noted = n + t.keys()
		t.bloom = newBloom(t.noted)
		for i := range uint32(s.n) {
			if e := s.at(i); e.kind != kindGone {
				s.keys(&e, t.note)
			}
		}
		return &t
	}
	for _, list := range add {
		for _, x := range list {
			t.note(x.hash)
		}
	}
	return &t
}

// larger gives section k with what is looked for of it, and room for n more.
func (s *Set) larger(k int, c *section, n int) *section {
	kept := make([]hashed, 0, c.keys)
	c.all(func(low, entry uint32) {
		if !s.alive(entry) {
			return
		}
		e := s.at(entry)
		s.keys(&e, func(h uint64) {
			if uint32(h) == low && int(h>>sectionShift) == k {
				kept = append(kept, hashed{h, entry})
			}
		})
	})
	d := newSection(min(len(kept), c.n) + n)  // those under one hash take one slot
	for _, x := range slices.Backward(kept) { // as they came
		d.add(x)
	}
	d.made = d.keys
	return d
}

// keys calls visit with the hash of each key of an entry, and tells whether the entry is a text that has no token.
func (s *Set) keys(e *entry, visit func(h uint64)) (unmarked bool) {
	visit(s.key(e))
	return extraKeys(e.kind) > 0 && s.moreKeys(e, visit)
}

// moreKeys is keys but for the first, of an entry that may have others.
func (s *Set) moreKeys(e *entry, visit func(h uint64)) (unmarked bool) {
	if e.kind == kindURL {
		host, _, _ := urlKey(e.text)
		visit(s.hash.whole(host) ^ hostMark)
	}
	tokens, unmarked := s.marked(e)
	for _, text := range tokens {
		visit(s.hash.whole(text) ^ tokenMark)
	}
	return unmarked
}

// extraKeys is how many keys an entry may have beside the first.
func extraKeys(k kind) int {
	switch k.typ() {
	case observable.Domain, observable.IPv4, observable.IPv6, observable.Prefix, observable.MD5, observable.SHA1, observable.SHA256, observable.SHA512:
		return 0
	case observable.RegistryKey:
		return 2
	}
	return 1
}

// hostMark sets the hash of a host that URLs are looked for at apart from that of a name that is looked for.
const hostMark = 0x5bd1e995

// key hashes what an entry is found by.
func (s *Set) key(e *entry) uint64 {
	text := e.text
	switch e.kind {
	case kindURL:
		host, path, _ := urlKey(text)
		return s.hash.pair(s.hash.whole(host), s.hash.cased(path))
	case kindIPv6:
		if a, err := netip.ParseAddr(string(text)); err == nil {
			return s.hash.block(a.As16(), 128)
		}
	case kindPrefix:
		if p, err := netip.ParsePrefix(string(text)); err == nil {
			return s.hash.block(p.Addr().As16(), blockLength(p))
		}
	case kindASN:
		text = text[2:]
	}
	return s.hash.whole(text)
}
