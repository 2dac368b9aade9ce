package indicators

import (
	"hash/maphash"

	"entente/internal/observable"
	"entente/internal/watch/ahead"
)

// doubles finds what was added before among values whose identifiers follow from their source and text: those need not be worked out to compare two of them. It
// keeps eight bytes for each, in places by their hashes; the values themselves stand in the set.
type doubles struct {
	seed  maphash.Seed
	slots []uint64 // the upper half of a hash, and 1 + the number of a value; 0 is free
	n     int
	shift int // of a hash, to its place
	sum   uint64
}

func newDoubles() *doubles {
	const bits = 10
	return &doubles{seed: maphash.MakeSeed(), slots: make([]uint64, 1<<bits), shift: 64 - bits}
}

func (d *doubles) hash(v observable.Value) uint64 { return maphash.String(d.seed, v.Text) }

// fetch reads the places of values that are asked for soon, so that the waits for memory overlap. The sum says nothing.
func (d *doubles) fetch(soon []ahead.Found[readyItem]) {
	sum := uint64(0)
	for i := range soon {
		sum += d.slots[soon[i].What.hash>>d.shift]
	}
	d.sum = sum
}

// has tells whether there is a value with a hash that is the one looked for.
func (d *doubles) has(h uint64, same func(n int) bool) bool {
	for at := int(h >> d.shift); d.slots[at] != 0; at = (at + 1) & (len(d.slots) - 1) {
		if s := d.slots[at]; s>>32 == h>>32 && same(int(uint32(s)-1)) {
			return true
		}
	}
	return false
}

// add notes value number n.
func (d *doubles) add(h uint64, n int) {
	if d.n*4 >= len(d.slots)*3 {
		old := d.slots
		d.slots, d.shift = make([]uint64, 2*len(old)), d.shift-1
		for _, s := range old { // nearly in the order of the new places
			if s != 0 {
				d.put(s)
			}
		}
	}
	d.put(h>>32<<32 | uint64(n+1))
	d.n++
}

func (d *doubles) put(s uint64) {
	at := int(s >> d.shift)
	for d.slots[at] != 0 {
		at = (at + 1) & (len(d.slots) - 1)
	}
	d.slots[at] = s
}
