package pattern

import (
	"math"
	"slices"
	"sort"
	"time"
)

// search looks for a choice of observations. It tries one after the other, those
// seen first before those seen later, and goes back where it cannot go on.
type search struct {
	evaluator
	timeline
	order   []int    // observations by First
	spans   []bounds // of the observations; this and the next are as order has them
	free    []int    // how many of each are not chosen
	total   int      // sum of all counts
	epoch   time.Time
	unit    int64                 // of the moments, in nanoseconds
	leaves  map[*leaf]*candidates // by leaf.same
	dead    []bool                // nodes that cannot match, by id
	chosen  []choice
	window  bounds // START and STOP around the part in hand
	tooMany bool
	sharing sharing
}

const century = 100 * 365 * 24 * 60 * 60 // seconds

// choice is how many of an observation were chosen for a leaf.
type choice struct{ place, part, count int }

// candidates are the observations that satisfy a leaf, as far as they are known.
type candidates struct {
	places  []int   // in search.order
	maxLast []int64 // the latest Last of these so far
	asked   int     // how many of order were asked
}

func newSearch(p *Pattern, observed []Observed, steps int) *search {
	s := &search{evaluator: evaluator{observed: observed, limit: max(steps, 0)}, leaves: map[*leaf]*candidates{}}
	s.order = make([]int, len(observed))
	for i := range s.order {
		s.order[i] = i
	}
	byFirst := func(a, b int) int { return observed[a].First.Compare(observed[b].First) }
	if !slices.IsSortedFunc(s.order, byFirst) {
		slices.SortStableFunc(s.order, byFirst)
	}
	s.unit = 1
	if n := len(observed); n > 0 {
		s.epoch = observed[s.order[0]].First
		for i := range observed {
			if max(observed[i].First.Unix(), observed[i].Last.Unix())-s.epoch.Unix() > century {
				s.unit = 100
			}
		}
	}
	s.spans = make([]bounds, len(observed))
	s.free = make([]int, len(observed))
	for place, i := range s.order {
		o := &observed[i]
		lo := s.moment(o.First)
		s.spans[place] = bounds{lo, max(lo, s.moment(o.Last))}
		s.free[place] = max(1, o.Count)
		s.total = min(s.total+min(s.free[place], maxLeast), 2*maxLeast)
	}
	s.dead = make([]bool, nodes(p.root))
	return s
}

// moment counts from the first observation, in nanoseconds. Where observations lie
// more than a century apart it counts in units of 100 ns, in which all years from 0
// to 9999 have room. What is out of reach is put at the end.
func (s *search) moment(t time.Time) int64 {
	const reach = 400_000_000_000 // seconds: more than 9999 years
	seconds := min(max(t.Unix()-s.epoch.Unix(), -reach), reach)
	return plus(s.span(seconds, 0), int64(t.Nanosecond())/s.unit-int64(s.epoch.Nanosecond())/s.unit)
}

// span gives a length of time in the unit of moments.
func (s *search) span(seconds, nanos int64) int64 {
	perSecond := 1_000_000_000 / s.unit
	if room := math.MaxInt64/perSecond - 1; seconds > room {
		return math.MaxInt64
	} else if seconds < -room {
		return math.MinInt64
	}
	return seconds*perSecond + nanos/s.unit
}

// nodes is one more than the highest id.
func nodes(n *node) int {
	most := n.id + 1
	for _, t := range n.terms {
		most = max(most, nodes(t))
	}
	return most
}

func (s *search) stopped() bool { return s.tooMany || s.exhausted() }

// run tells whether a part can match, after it has told so of its parts: what
// cannot match alone cannot match in company, and an alternative that cannot is
// tried no more.
func (s *search) run(n *node) bool {
	alive := false
	for _, t := range n.terms {
		switch ok := s.run(t); {
		case s.stopped():
			return false
		case ok:
			alive = true
		case n.kind != orNode:
			s.dead[n.id] = true
			return false
		}
	}
	ok := n.least <= s.total && (n.kind != orNode || alive) && s.alone(n)
	s.dead[n.id] = !ok && !s.stopped()
	return ok
}

// alone looks for a match of one part, with nothing chosen for others.
func (s *search) alone(n *node) bool {
	s.back(0)
	s.scopes, s.active = s.scopes[:0], nil
	s.window = always
	for _, c := range s.chosen {
		s.free[c.place] += c.count
	}
	s.chosen = s.chosen[:0]
	s.sharing = sharing{of: n, at: s.steps + sharingAfter}
	return s.solve(n, func() bool { return true })
}

// solve chooses observations for a part and then goes on with then. It returns true
// if that does, and leaves the choices as they are; else they are taken back.
func (s *search) solve(n *node, then func() bool) bool {
	switch n.kind {
	case leafNode:
		return s.choose(n.leaf, 1, 0, math.MinInt64, then)
	case andNode:
		return s.all(n.terms, then)
	case followedNode:
		return s.inOrder(n.terms, then)
	case orNode:
		for _, t := range n.terms {
			if !s.dead[t.id] && s.solve(t, then) {
				return true
			}
			if s.halted() {
				return false
			}
		}
		return false
	case repeatsNode:
		if in := n.terms[0]; in.kind == leafNode {
			return s.choose(in.leaf, n.times, 0, math.MinInt64, then)
		}
		return s.repeat(n.terms[0], n.times, choice{part: -1}, then)
	case startStopNode:
		outer := s.window
		start, _ := n.start.Time()
		stop, _ := n.stop.Time()
		s.window.lo = max(outer.lo, s.moment(start))
		s.window.hi = min(outer.hi, plus(s.moment(stop), -1)) // STOP itself is outside
		if !start.Before(stop) {
			s.window = bounds{math.MaxInt64, math.MinInt64}
		}
		inner := s.window
		ok := s.solve(n.terms[0], func() bool {
			s.window = outer
			if then() {
				return true
			}
			s.window = inner
			return false
		})
		s.window = outer
		return ok
	case withinNode:
		return s.scoped(s.open(true, s.span(n.seconds, n.nanos)), false, func(then func() bool) bool { return s.solve(n.terms[0], then) }, then)
	}
	return false
}

// scoped solves a part as a member of a scope, and goes on outside of it.
func (s *search) scoped(scope int, after bool, part func(func() bool) bool, then func() bool) bool {
	outer := s.active
	inner := &role{scope: scope, after: after, around: outer}
	s.active = inner
	ok := part(func() bool {
		s.active = outer
		if then() {
			return true
		}
		s.active = inner
		return false
	})
	s.active = outer
	if !ok && !after {
		s.scopes = s.scopes[:scope]
	}
	return ok
}

func (s *search) all(terms []*node, then func() bool) bool {
	if len(terms) == 1 {
		return s.solve(terms[0], then)
	}
	return s.solve(terms[0], func() bool { return s.all(terms[1:], then) })
}

// inOrder solves terms with a border after each but the last: what is before it is
// not later than what is after it.
func (s *search) inOrder(terms []*node, then func() bool) bool {
	if len(terms) == 1 {
		return s.solve(terms[0], then)
	}
	border := s.open(false, 0)
	return s.scoped(border, false, func(then func() bool) bool { return s.solve(terms[0], then) }, func() bool {
		return s.scoped(border, true, func(then func() bool) bool { return s.inOrder(terms[1:], then) }, then)
	})
}

// repeat solves a part so many times. The order of the times means nothing, so each
// begins with no earlier a choice than the one before.
func (s *search) repeat(n *node, times int, last choice, then func() bool) bool {
	if times == 0 {
		return then()
	}
	at := len(s.chosen)
	return s.solve(n, func() bool {
		first := s.chosen[at]
		if first.part < last.part || first.part == last.part && first.place < last.place {
			return false
		}
		return s.repeat(n, times-1, first, then)
	})
}

// choose takes need observations for a leaf, from a candidate on. hi is the end of
// the frame in which it is known that there are enough.
func (s *search) choose(l *leaf, need, from int, hi int64, then func() bool) bool {
	c := s.candidates(l)
	frame := s.frame()
	frame.lo, frame.hi = max(frame.lo, s.window.lo), min(frame.hi, s.window.hi)
	if frame.lo > frame.hi {
		return false
	}
	i := from
	if known := len(c.maxLast); i < known { // what is over before the frame begins
		i += sort.Search(known-i, func(k int) bool { return c.maxLast[i+k] >= frame.lo })
	}
	if need > 1 && hi != frame.hi && !s.enough(l, c, i, need, frame) {
		return false
	}
	for ; ; i++ {
		place, ok := s.candidate(l, c, i)
		if !ok || s.spans[place].lo > frame.hi || !s.spend(1) || s.halted() {
			return false
		}
		if s.spans[place].hi < frame.lo || s.free[place] == 0 {
			continue
		}
		if len(s.chosen) == MaxChosen {
			s.tooMany = true
			return false
		}
		trail := len(s.trail)
		s.take(bounds{max(s.spans[place].lo, frame.lo), min(s.spans[place].hi, frame.hi)})
		for n := min(need, s.free[place]); n > 0 && s.spend(1); n-- {
			s.free[place] -= n
			s.chosen = append(s.chosen, choice{place, l.number, n})
			if n == need {
				ok = then()
			} else {
				ok = s.choose(l, need-n, i+1, frame.hi, then)
			}
			if ok {
				return true
			}
			s.chosen = s.chosen[:len(s.chosen)-1]
			s.free[place] += n
			if s.halted() {
				return false
			}
		}
		s.back(trail)
	}
}

// enough tells whether so many observations for a leaf lie in the frame.
func (s *search) enough(l *leaf, c *candidates, from, need int, frame bounds) bool {
	for i := from; ; i++ {
		place, ok := s.candidate(l, c, i)
		if !ok || s.spans[place].lo > frame.hi || !s.spend(1) {
			return false
		}
		if s.spans[place].hi >= frame.lo {
			if need -= s.free[place]; need <= 0 {
				return true
			}
		}
	}
}

func (s *search) candidates(l *leaf) *candidates {
	c := s.leaves[l.same]
	if c == nil {
		c = &candidates{}
		s.leaves[l.same] = c
	}
	return c
}

// candidate gives the place of the i-th observation that satisfies a leaf.
func (s *search) candidate(l *leaf, c *candidates, i int) (place int, ok bool) {
	for i >= len(c.places) {
		if c.asked == len(s.order) || !s.spend(1) {
			return 0, false
		}
		place := c.asked
		c.asked++
		if !s.holds(l, s.order[place]) {
			continue
		}
		last := s.spans[place].hi
		if n := len(c.maxLast); n > 0 {
			last = max(last, c.maxLast[n-1])
		}
		c.places, c.maxLast = append(c.places, place), append(c.maxLast, last)
	}
	return c.places[i], true
}
