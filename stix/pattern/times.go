package pattern

import "math"

// A choice of observations is possible if each can be given a moment between its
// first and its last (and START and STOP around it) such that every WITHIN and every
// FOLLOWEDBY holds of the moments. These constrain two moments at a time: u is not
// later than t, u and t are no more than d apart. Because they are nested, what
// follows from two of them is never more than what one of them says: of two windows
// in one another the outer one holds of everything in the inner one, and all that is
// before a border is before all that is after it. So each may be checked by itself:
//
//   - of a window: the latest first and the earliest last are no more than d apart
//   - of a border: the latest first on the left is not after any last on the right
//
// which is what a scope keeps. TestMatchReference tries the other way.

// bounds are the earliest and latest of a moment; see search.moment.
type bounds struct{ lo, hi int64 }

var always = bounds{math.MinInt64, math.MaxInt64}

// scope is a WITHIN, or the border that a FOLLOWEDBY is, while observations for it
// are being chosen.
type scope struct {
	// lo is the latest first of what was chosen, on the left side of a border; hi the
	// earliest last, in a window.
	bounds
	window bool
	within int64
}

// role is what the next choice is to a scope, and what it is to those around. A list
// of roles does not change; going back is going back to an older list.
type role struct {
	scope int
	// after is true for the right side of a border.
	after  bool
	around *role
}

// timeline keeps the scopes. Every change is on the trail, so that it can be taken
// back.
type timeline struct {
	scopes []scope
	active *role // the scopes that the next choice belongs to
	trail  []change
}

// change remembers the bounds of a scope as they were.
type change struct {
	scope int
	was   bounds
}

// back undoes all changes but the first so many.
func (t *timeline) back(trail int) {
	for i := len(t.trail) - 1; i >= trail; i-- {
		c := t.trail[i]
		t.scopes[c.scope].bounds = c.was
	}
	t.trail = t.trail[:trail]
}

// open begins a window or a border and gives its number.
func (t *timeline) open(window bool, within int64) int {
	t.scopes = append(t.scopes, scope{window: window, within: within, bounds: always})
	return len(t.scopes) - 1
}

// frame gives the bounds of what may be chosen next.
func (t *timeline) frame() bounds {
	b := always
	for r := t.active; r != nil; r = r.around {
		switch s := &t.scopes[r.scope]; {
		case s.window:
			b.lo, b.hi = max(b.lo, plus(s.lo, -s.within)), min(b.hi, plus(s.hi, s.within))
		case r.after:
			b.lo = max(b.lo, s.lo)
		}
	}
	return b
}

// take adds a choice, which fits into the frame, to the active scopes.
func (t *timeline) take(b bounds) {
	for r := t.active; r != nil; r = r.around {
		s := &t.scopes[r.scope]
		n := s.bounds
		if s.window || !r.after {
			n.lo = max(n.lo, b.lo)
		}
		if s.window {
			n.hi = min(n.hi, b.hi)
		}
		if n != s.bounds {
			t.trail = append(t.trail, change{r.scope, s.bounds})
			s.bounds = n
		}
	}
}

// plus adds without passing the ends.
func plus(a, b int64) int64 {
	switch {
	case b > 0 && a > math.MaxInt64-b:
		return math.MaxInt64
	case b < 0 && a < math.MinInt64-b:
		return math.MinInt64
	}
	return a + b
}
