package indicators

import "math/bits"

// places finds values of a set by hashes: of what they are, or of whose they are. What was hashed stands in the set, so that eight bytes and a little room are enough for
// each. Only the 40 upper bits of a hash count.
type places struct {
	shards [1 << shardBits]shard // by the hash, so that only a small part of all is there twice while it grows
}

const shardBits = 8

// shard has the numbers of values in slots by their hashes: the part of the hash that counts in its upper half, and 1 + the number; 0 is free.
type shard struct {
	slots []uint64
	n     int
}

// of gives the shard of a hash, and the part that counts in it.
func (p *places) of(h uint64) (s *shard, tag uint32) {
	return &p.shards[h>>(64-shardBits)], uint32(h >> (32 - shardBits))
}

// at is where a slot is looked for first.
func (s *shard) at(tag uint32) int {
	hi, _ := bits.Mul64(uint64(tag)<<32, uint64(len(s.slots)))
	return int(hi)
}

// fetch reads the place of a hash that is asked for soon, so that the waits for memory overlap. What it gives says nothing.
func (p *places) fetch(h uint64) uint64 {
	s, tag := p.of(h)
	if len(s.slots) == 0 {
		return 0
	}
	return s.slots[s.at(tag)]
}

// find gives the number under a hash that is the one looked for.
func (p *places) find(h uint64, same func(n int) bool) (n int, ok bool) {
	s, tag := p.of(h)
	if len(s.slots) == 0 {
		return 0, false
	}
	for at := s.at(tag); s.slots[at] != 0; {
		if x := s.slots[at]; uint32(x>>32) == tag && same(int(uint32(x)-1)) {
			return int(uint32(x) - 1), true
		}
		if at++; at == len(s.slots) {
			at = 0
		}
	}
	return 0, false
}

// add puts a number under a hash.
func (p *places) add(h uint64, n int) {
	s, tag := p.of(h)
	if s.n*4 >= len(s.slots)*3 {
		old := s.slots
		s.slots = make([]uint64, len(old)+len(old)/2+16)
		for _, x := range old { // nearly in the order of the new places
			if x != 0 {
				s.put(x)
			}
		}
	}
	s.put(uint64(tag)<<32 | uint64(n+1))
	s.n++
}

func (s *shard) put(x uint64) {
	at := s.at(uint32(x >> 32))
	for s.slots[at] != 0 {
		if at++; at == len(s.slots) {
			at = 0
		}
	}
	s.slots[at] = x
}
