package watch

import "iter"

// Since gives what a set looks for that an older one did not, as far as sets made of each other can tell; all that it looks for if old is nil
// or a set of other origin. What was changed is among it, and so may be what came twice.
func (s *Set) Since(old *Set) iter.Seq[Indicator] {
	first := uint32(0)
	if old != nil && old.unlocked == s.unlocked {
		first = uint32(old.n) // entries are only ever appended
	}
	return func(yield func(Indicator) bool) {
		for i := first; int(i) < s.n; i++ {
			if s.alive(i) && !yield(s.indicator(s.at(i))) {
				return
			}
		}
	}
}
