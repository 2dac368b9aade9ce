package watch

import (
	"bytes"
	"iter"
)

// Since gives what a set looks for that an older one did not; all that it looks for if old is nil or of other origin.
func (s *Set) Since(old *Set) iter.Seq[Indicator] {
	first, held := uint32(0), func(uint32) bool { return false }
	if s.Continues(old) {
		first = uint32(old.n) // entries are only ever appended
		held = func(i uint32) bool { return s.heldBy(old, i) }
	}
	return func(yield func(Indicator) bool) {
		for i := first; int(i) < s.n; i++ {
			if s.alive(i) && !held(i) && !yield(s.indicator(s.at(i))) {
				return
			}
		}
	}
}

// Continues tells whether a set was made of an older one by changes.
func (s *Set) Continues(old *Set) bool { return old != nil && old.unlocked == s.unlocked }

// heldBy tells whether an older set looks for the same value on behalf of the same indicator as the entry i.
func (s *Set) heldBy(old *Set, i uint32) (held bool) {
	e := s.at(i)
	h := s.key(e)
	for _, t := range [2]*table{old.base, old.delta} {
		if t == nil || held {
			continue
		}
		t.each(h, func(j uint32) bool {
			o := s.at(j)
			held = old.alive(j) && o.atom == e.atom && s.same(e, o) && bytes.Equal(s.idKey(e), s.idKey(o))
			return !held
		})
	}
	return held
}
