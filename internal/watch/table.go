package watch

import (
	"math/bits"
	"sync/atomic"
)

// sections is how many pieces a table is in: by the first bits of a hash, so that all have about the same number of keys. It is a power of two.
const (
	sections     = 64
	sectionShift = 58
)

// table finds entries by the hash of their key: a register-blocked Bloom filter, of which each key touches one word, before the sections that hold them.
//
// Sets share tables and sections. One goroutine adds entries to them while others look, by atomic operations; sets that do not have such an entry yet take no notice of it. Only a section that
// has no more room is made anew, larger, for the next table: so a table grows without ever being there twice.
type table struct {
	bloom    []uint64 // as many words for each section
	noted    int      // how many keys it was told of
	sections [sections]*section
}

// section has the keys whose hashes begin in one way, by open addressing.
type section struct {
	slots []uint64 // low 32 bits of the hash, then 1 + the number of an entry, or of a list of several; 0 is free
	lists atomic.Pointer[[]link]
	// Of the one who adds:
	n    int // slots in use
	keys int
	made int // keys when it was made
}

// link is one of several entries under one hash: of the same key, or of others that are hashed alike. The last that came is the first. It never changes.
type link struct{ entry, next uint32 } // next is 1 + a position in lists, 0 the end

// hashed is an entry under the hash of one of its keys.
type hashed struct {
	hash  uint64
	entry uint32
}

const listed = 1 << 31 // a slot names a list

// newTable gives an empty table with room for about n keys.
func newTable(n int) *table {
	t := &table{bloom: newBloom(n)}
	for k := range t.sections {
		t.sections[k] = newSection(n / sections)
	}
	return t
}

// newBloom gives a filter for n keys: 16 bits for each.
func newBloom(n int) []uint64 { return make([]uint64, sections*(n/(4*sections)+1)) }

func newSection(n int) *section { return &section{slots: make([]uint64, n+n/2+8)} }

func bloomBits(h uint64) uint64 {
	return 1<<(h&63) | 1<<(h>>6&63) | 1<<(h>>12&63) | 1<<(h>>18&63)
}

func place(h uint64, n int) int {
	hi, _ := bits.Mul64(h, uint64(n))
	return int(hi)
}

// word gives the word of the filter that tells of a hash.
func (t *table) word(h uint64) uint64 { return atomic.LoadUint64(&t.bloom[place(h, len(t.bloom))]) }

// note has the filter know a hash.
func (t *table) note(h uint64) { atomic.OrUint64(&t.bloom[place(h, len(t.bloom))], bloomBits(h)) }

// may tells whether there may be something under a hash.
func (t *table) may(h uint64) bool { return bloomBits(h)&^t.word(h) == 0 }

// has tells whether there is something under a hash; in one of 2^24 cases there is something else.
func (t *table) has(h uint64) bool { return t.may(h) && t.holds(h) }

// holds is has without the filter.
func (t *table) holds(h uint64) bool {
	_, slot := t.sections[h>>sectionShift].find(h)
	return slot != 0
}

// each calls visit with the entries under a hash, of whatever keys, until it returns false.
func (t *table) each(h uint64, visit func(entry uint32) bool) {
	if t.may(h) {
		c := t.sections[h>>sectionShift]
		_, slot := c.find(h)
		c.under(slot, visit)
	}
}

// find gives where a hash is, or would be, and what the slot there holds: 0 if it is free. One is always free.
func (c *section) find(h uint64) (at int, slot uint64) {
	for at = place(h<<(64-sectionShift), len(c.slots)); ; {
		if slot = atomic.LoadUint64(&c.slots[at]); slot == 0 || uint32(slot>>32) == uint32(h) {
			return at, slot
		}
		if at++; at == len(c.slots) {
			at = 0
		}
	}
}

// under calls visit with the entries of what a slot holds, the last that came first, until it returns false.
func (c *section) under(slot uint64, visit func(entry uint32) bool) {
	at := uint32(slot) - 1
	switch {
	case slot == 0:
	case at&listed == 0:
		visit(at)
	default:
		lists := *c.lists.Load() // after the slot: it has all that the slot names
		for at++; at != 0; {
			l := lists[(at-1)&^listed]
			if !visit(l.entry) {
				return
			}
			at = l.next
		}
	}
}

// all calls visit with each entry, for the one who adds, and with the lower half of the hash under which it is. Of those under one hash it tells of the last that came first.
func (c *section) all(visit func(low, entry uint32)) {
	for _, s := range c.slots {
		c.under(s, func(entry uint32) bool {
			visit(uint32(s>>32), entry)
			return true
		})
	}
}

// room tells whether n more keys fit without making the section slow.
func (c *section) room(n int) bool { return (c.n+n)*5 <= len(c.slots)*4 }

// full tells whether a section is to be made anew before n more keys come: for room, or since it has twice the keys that it was made with. The slots of those are few then, so that they leave
// room for ever, and most may be gone: a value that is taken back and said again, over and over.
func (c *section) full(n int) bool { return !c.room(n) || c.keys+n > 2*c.made }

// add puts an entry under a hash, if there is room. Entries under one hash take one slot, whether their keys are the same or differ in case alone: so
// a list of texts that were chosen to meet takes no longer than another.
func (c *section) add(x hashed) bool {
	if !c.room(1) {
		return false
	}
	c.keys++
	at, slot := c.find(x.hash)
	to := x.entry
	if slot == 0 {
		c.n++
	} else {
		to = c.list(uint32(slot)-1, x.entry) | listed
	}
	atomic.StoreUint64(&c.slots[at], x.hash<<32|uint64(to)+1)
	return true
}

// list adds an entry to a list, or to an entry alone, which begins one. It gives where it stands.
func (c *section) list(to, entry uint32) uint32 {
	var lists []link
	if had := c.lists.Load(); had != nil {
		lists = *had
	}
	if to&listed == 0 {
		lists = append(lists, link{entry: to})
		to = uint32(len(lists) - 1)
	}
	lists = append(lists, link{entry, to&^listed + 1})
	c.lists.Store(&lists)
	return uint32(len(lists) - 1)
}

// keys counts the keys of all entries.
func (t *table) keys() (n int) {
	for _, c := range t.sections {
		n += c.keys
	}
	return n
}

// fetch reads the places of keys that are added next, so that the waits for memory overlap. The sum says nothing.
//
//go:noinline
func (t *table) fetch(keys []uint64) (sum uint64) {
	for _, h := range keys {
		slots := t.sections[h>>sectionShift].slots
		sum += t.word(h) + atomic.LoadUint64(&slots[place(h<<(64-sectionShift), len(slots))])
	}
	return sum
}
