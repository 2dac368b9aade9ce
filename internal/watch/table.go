package watch

import "math/bits"

// table finds entries by the hash of their key: a register-blocked Bloom filter, of which each key touches one word, before
// open addressing. It is never changed once it is in a set that others see.
type table struct {
	bloom []uint64
	slots []uint64 // low 32 bits of the hash, then 1 + the number of an entry, or of a list of several; 0 is free
	lists []link
	n     int // slots in use
	keys  int // entries
}

// link is one of several entries under one hash: of the same key, or of others that are hashed alike.
type link struct{ entry, next uint32 } // next is 1 + a position in lists, 0 the end

const listed = 1 << 31 // a slot names a list

func newTable(n int) *table {
	return &table{bloom: make([]uint64, n/4+1), slots: make([]uint64, n+n/2+8)}
}

func bloomBits(h uint64) uint64 {
	return 1<<(h&63) | 1<<(h>>6&63) | 1<<(h>>12&63) | 1<<(h>>18&63)
}

func place(h uint64, n int) int {
	hi, _ := bits.Mul64(h, uint64(n))
	return int(hi)
}

// may tells whether there may be something under a hash.
func (t *table) may(h uint64) bool {
	b := bloomBits(h)
	return t.bloom[place(h, len(t.bloom))]&b == b
}

// has tells whether there is something under a hash; in one of 2^24 cases there is something else.
func (t *table) has(h uint64) bool { return t.may(h) && t.slot(h) != 0 }

// slot gives the first slot under a hash, 0 if there is none.
func (t *table) slot(h uint64) uint64 {
	for i := place(h, len(t.slots)); t.slots[i] != 0; {
		if uint32(t.slots[i]>>32) == uint32(h) {
			return t.slots[i]
		}
		if i++; i == len(t.slots) {
			i = 0
		}
	}
	return 0
}

// each calls visit with the entries under a hash, of whatever keys, until it returns false.
func (t *table) each(h uint64, visit func(entry uint32) bool) {
	if !t.may(h) {
		return
	}
	for i := place(h, len(t.slots)); t.slots[i] != 0; {
		if s := t.slots[i]; uint32(s>>32) == uint32(h) {
			at := uint32(s) - 1
			if at&listed == 0 {
				if !visit(at) {
					return
				}
			} else {
				for at &^= listed; ; {
					l := t.lists[at]
					if !visit(l.entry) {
						return
					}
					if l.next == 0 {
						break
					}
					at = l.next - 1
				}
			}
		}
		if i++; i == len(t.slots) {
			i = 0
		}
	}
}

// add puts an entry under a hash. The table must have room. Entries under one hash take one slot, whether their keys are the same or differ in case alone: so
// a list of texts that were chosen to meet takes no longer than another.
func (t *table) add(h uint64, entry uint32) {
	i := place(h, len(t.slots))
	for t.slots[i] != 0 && uint32(t.slots[i]>>32) != uint32(h) {
		if i++; i == len(t.slots) {
			i = 0
		}
	}
	t.put(i, h, entry)
}

// mark adds an entry unless something is under the hash.
func (t *table) mark(h uint64, entry uint32) {
	if !t.has(h) {
		t.add(h, entry)
	}
}

// put puts an entry under a hash into the slot that is free or has others of it.
func (t *table) put(i int, h uint64, entry uint32) {
	t.bloom[place(h, len(t.bloom))] |= bloomBits(h)
	t.keys++
	s := t.slots[i]
	if s == 0 {
		t.slots[i] = h<<32 | uint64(entry) + 1
		t.n++
		return
	}
	at := uint32(s) - 1
	if at&listed == 0 {
		t.lists = append(t.lists, link{entry: at})
		at = uint32(len(t.lists)-1) | listed
	}
	t.lists = append(t.lists, link{entry: entry, next: at&^listed + 1})
	t.slots[i] = h<<32 | uint64(uint32(len(t.lists)-1)|listed) + 1
}

// fetch reads the places of keys that are added next, so that the waits for memory overlap. The sum says nothing.
//
//go:noinline
func (t *table) fetch(keys []uint64) (sum uint64) {
	for _, h := range keys {
		sum += t.bloom[place(h, len(t.bloom))] + t.slots[place(h, len(t.slots))]
	}
	return sum
}

// room tells whether n more keys fit without making the table slow.
func (t *table) room(n int) bool { return (t.n+n)*5 <= len(t.slots)*4 && t.keys+n <= len(t.bloom)*5 }

// grown gives a copy with room for n more keys; the entries are put in again by the caller if it had to be larger.
func (t *table) clone() *table {
	c := *t
	c.bloom, c.slots, c.lists = append([]uint64(nil), t.bloom...), append([]uint64(nil), t.slots...), append([]link(nil), t.lists...)
	return &c
}
