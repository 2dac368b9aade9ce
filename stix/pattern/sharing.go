package pattern

import "slices"

// Ten equal parts joined by AND and nine observations that satisfy them: there is
// no match, and trying says so after 10! trials. Therefore a search that takes long
// asks once whether the parts can share the observations at all, whatever the
// times. That is a flow, and quick to find.

const (
	// sharingAfter is the number of steps after which a search asks.
	sharingAfter = 50_000
	// maxSharing is the most observations asked for that a search asks about.
	maxSharing = 4096
)

// sharing is whether the search for one part has asked.
type sharing struct {
	of         *node
	at         int // the step to ask at
	asked      bool
	impossible bool
}

// halted tells that the search in hand is over: stopped, or known to be in vain.
func (s *search) halted() bool {
	if s.stopped() {
		return true
	}
	if x := &s.sharing; !x.asked && s.steps > x.at {
		x.asked = true
		x.impossible = !x.of.or && !s.canShare(x.of)
	}
	return s.sharing.impossible
}

// demands adds what each leaf of a part without alternatives asks for.
func demands(n *node, times int, out map[*leaf]int) {
	if n.kind == repeatsNode {
		times = min(times*min(n.times, maxSharing+1), maxSharing+1)
	}
	if n.kind == leafNode {
		out[n.leaf.same] += times
	}
	for _, t := range n.terms {
		demands(t, times, out)
	}
}

// canShare tells whether every leaf can have its observations; true also if that is
// too much to ask.
func (s *search) canShare(n *node) bool {
	need := map[*leaf]int{}
	demands(n, 1, need)
	sum := 0
	for _, d := range need {
		if sum += d; sum > maxSharing {
			return true
		}
	}
	var leaves []*leaf
	for l := range need {
		leaves = append(leaves, l)
	}
	slices.SortFunc(leaves, func(a, b *leaf) int { return a.number - b.number })
	f := flow{s: s, holders: map[int][]*leaf{}}
	for _, l := range leaves {
		for range need[l] {
			f.seen = map[int]bool{}
			if !f.give(l) {
				return s.exhausted()
			}
		}
	}
	return true
}

// flow is who holds which observation, each as often as it is there.
type flow struct {
	s       *search
	holders map[int][]*leaf // by place
	seen    map[int]bool    // places asked for the leaf in hand
}

// give finds one observation for a leaf, if need be by moving others.
func (f *flow) give(l *leaf) bool {
	c := f.s.candidates(l)
	for i := 0; ; i++ { // one that nobody holds
		place, ok := f.s.candidate(l, c, i)
		if !ok || !f.s.spend(1) {
			break
		}
		if !f.seen[place] && len(f.holders[place]) < max(1, f.s.observed[f.s.order[place]].Count) {
			f.holders[place] = append(f.holders[place], l)
			return true
		}
	}
	for i := 0; ; i++ {
		place, ok := f.s.candidate(l, c, i)
		if !ok || !f.s.spend(1) {
			return false
		}
		if f.seen[place] {
			continue
		}
		f.seen[place] = true
		for k, other := range f.holders[place] {
			if other.same != l.same && f.give(other) {
				f.holders[place][k] = l
				return true
			}
			if f.s.exhausted() {
				return false
			}
		}
	}
}
