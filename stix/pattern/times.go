package pattern

import "math"

// A choice of observations is possible if each can be given a moment between its
// first and its last such that every qualifier and every FOLLOWEDBY holds of the
// moments. All of these are bounds and differences (t is at least u, t is at most u
// + d), so it is enough to narrow the bounds of every moment until nothing moves:
// if none is empty then, the earliest moments are a solution.

// bounds are the earliest and latest of a moment, in nanoseconds.
type bounds struct{ lo, hi int64 }

// scope is a WITHIN or one side of a FOLLOWEDBY, while observations for it are
// being chosen. It has a moment of its own: the start of the window, or the border
// between the two sides.
type scope struct {
	bounds
	kind    scopeKind
	within  int64
	members []int // places in the list of chosen moments
}

type scopeKind uint8

const (
	windowScope scopeKind = iota
	borderScope
)

// role is what a moment is to a scope, and what it is to those around. A list of
// roles does not change; going back is going back to an older list.
type role struct {
	scope int
	// after is true for the right side of a border.
	after  bool
	around *role
}

// moment is the moment of one choice.
type moment struct {
	bounds
	roles *role
}

// timeline keeps the moments of the choices so far. Every change is on the trail, so
// that it can be taken back.
type timeline struct {
	moments []moment
	scopes  []scope
	active  *role // the scopes that the next choice belongs to
	trail   []change
	queue   []int
}

// change remembers bounds as they were: of a moment from 0 up, of a scope from -1 down.
type change struct {
	of  int
	was bounds
}

// mark is a number of choices and changes to go back to.
type mark struct{ moments, trail int }

func (t *timeline) mark() mark { return mark{len(t.moments), len(t.trail)} }

// back undoes all that was chosen since a mark.
func (t *timeline) back(m mark) {
	for i := len(t.trail) - 1; i >= m.trail; i-- {
		c := t.trail[i]
		*t.of(c.of) = c.was
	}
	t.trail = t.trail[:m.trail]
	for len(t.moments) > m.moments {
		last := len(t.moments) - 1
		for r := t.moments[last].roles; r != nil; r = r.around {
			s := &t.scopes[r.scope]
			s.members = s.members[:len(s.members)-1]
		}
		t.moments = t.moments[:last]
	}
}

func (t *timeline) of(i int) *bounds {
	if i < 0 {
		return &t.scopes[-1-i].bounds
	}
	return &t.moments[i].bounds
}

// open begins a scope and gives its number.
func (t *timeline) open(k scopeKind, within int64) int {
	t.scopes = append(t.scopes, scope{kind: k, within: within, bounds: bounds{math.MinInt64, math.MaxInt64}})
	return len(t.scopes) - 1
}

// frame gives the bounds of a moment that belongs to the active scopes.
func (t *timeline) frame() bounds {
	b := bounds{math.MinInt64, math.MaxInt64}
	for r := t.active; r != nil; r = r.around {
		s := &t.scopes[r.scope]
		switch {
		case s.kind == windowScope:
			b.lo, b.hi = max(b.lo, s.lo), min(b.hi, plus(s.hi, s.within))
		case r.after:
			b.lo = max(b.lo, s.lo)
		default:
			b.hi = min(b.hi, s.hi)
		}
	}
	return b
}

// choose adds a moment, whose bounds lie in the frame, to the active scopes. spend
// is asked for each step of the narrowing.
func (t *timeline) choose(b bounds, spend func(int) bool) bool {
	i := len(t.moments)
	t.moments = append(t.moments, moment{b, t.active})
	for r := t.active; r != nil; r = r.around {
		s := &t.scopes[r.scope]
		s.members = append(s.members, i)
	}
	t.queue = append(t.queue[:0], i)
	for len(t.queue) > 0 {
		last := len(t.queue) - 1
		of := t.queue[last]
		t.queue = t.queue[:last]
		if !t.spread(of, spend) {
			return false
		}
	}
	return true
}

// spread narrows all that depends on a moment or a scope.
func (t *timeline) spread(of int, spend func(int) bool) bool {
	if of >= 0 {
		m := &t.moments[of]
		for r := m.roles; r != nil; r = r.around {
			if !spend(1) {
				return false
			}
			s := &t.scopes[r.scope]
			b := bounds{math.MinInt64, math.MaxInt64}
			switch {
			case s.kind == windowScope:
				b.lo, b.hi = plus(m.lo, -s.within), m.hi
			case r.after:
				b.hi = m.hi
			default:
				b.lo = m.lo
			}
			if !t.narrow(-1-r.scope, b) {
				return false
			}
		}
		return true
	}
	s := &t.scopes[-1-of]
	if !spend(len(s.members)) {
		return false
	}
	for _, i := range s.members {
		m := &t.moments[i]
		if m.roles.around == nil {
			continue // it depends on this scope alone, and nothing depends on it
		}
		b := bounds{math.MinInt64, math.MaxInt64}
		for r := m.roles; r != nil; r = r.around {
			switch {
			case r.scope != -1-of:
			case s.kind == windowScope:
				b.lo, b.hi = max(b.lo, s.lo), min(b.hi, plus(s.hi, s.within))
			case r.after:
				b.lo = max(b.lo, s.lo)
			default:
				b.hi = min(b.hi, s.hi)
			}
		}
		if !t.narrow(i, b) {
			return false
		}
	}
	return true
}

// narrow cuts bounds and queues what was cut.
func (t *timeline) narrow(of int, to bounds) bool {
	b := t.of(of)
	n := bounds{max(b.lo, to.lo), min(b.hi, to.hi)}
	if n == *b {
		return n.lo <= n.hi
	}
	t.trail = append(t.trail, change{of, *b})
	*b = n
	t.queue = append(t.queue, of)
	return n.lo <= n.hi
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
