package watch

import "iter"

// Since gives what a set looks for that an older one did not; all that it looks for if old is nil or of other origin.
func (s *Set) Since(old *Set) iter.Seq[Indicator] {
	known := map[uint64]int{} // how many entries of a chunk the older set had
	if s.Continues(old) {
		for _, c := range old.chunks {
			known[c.serial] = len(c.starts)
		}
	} else {
		old = nil
	}
	return func(yield func(Indicator) bool) {
		for at, c := range s.chunks {
			for k := known[c.serial]; k < len(c.starts); k++ {
				i := uint32(at<<s.bits | k)
				if !s.alive(i) || old != nil && s.heldBy(old, i) {
					continue
				}
				if e := c.at(uint32(k)); !yield(s.indicator(&e)) {
					return
				}
			}
		}
	}
}

// Continues tells whether a set was made of an older one by changes.
func (s *Set) Continues(old *Set) bool { return old != nil && old.unlocked == s.unlocked }

// heldBy tells whether an older set looks for the same value on behalf of the same indicator as the entry i.
func (s *Set) heldBy(old *Set, i uint32) (held bool) {
	e := s.at(i)
	h := s.key(&e)
	old.table.each(h, func(j uint32) bool {
		if old.alive(j) {
			o := old.at(j)
			held = o.atom == e.atom && s.same(&e, &o) && s.sameID(&e, &o)
		}
		return !held
	})
	return held
}

// Identifiers gives each identifier that is looked for and has a UUID in it with something behind it of which want says so, once for each place where
// values of it lie together.
func (s *Set) Identifiers(want func(tail string) bool) iter.Seq[string] {
	return func(yield func(string) bool) {
		numbers := map[uint16]bool{} // what want says of them
		for at, c := range s.chunks {
			texts := make([]bool, len(c.classes))
			for i := range c.classes {
				texts[i] = c.classes[i].idTail != "" && want(c.classes[i].idTail)
			}
			for k := uint32(0); int(k) < len(c.starts); k++ {
				if !s.alive(uint32(at)<<s.bits | k) {
					continue
				}
				of, _ := c.number(c.starts[k])
				if c.classes[of].flags&flagUUID == 0 || c.classes[of].flags&flagFollow != 0 {
					continue
				}
				wanted, e := texts[of], c.at(k)
				if _, n, ok := e.tail(); ok {
					if wanted, ok = numbers[n]; !ok {
						wanted = want(tailOf(n))
						numbers[n] = wanted
					}
				}
				if wanted && !yield(s.identifier(&e)) {
					return
				}
			}
		}
	}
}
