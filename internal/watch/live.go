package watch

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"entente/internal/observable"
)

// Live is a set that takes changes while it is used. Readers take a [Set] with Load and keep it for as long as they
// like; it does not change under them.
type Live struct {
	mu  sync.Mutex
	set atomic.Pointer[Set]
}

// NewLive gives a live set that begins as s. A set can be the beginning of one live set only, because that goes on in
// its memory.
func NewLive(s *Set) *Live {
	l := &Live{}
	l.set.Store(s)
	return l
}

// Load gives the set as it is now.
func (l *Live) Load() *Set { return l.set.Load() }

// Change says what an identifier means from now on: these indicators and no others. Without any it is forgotten,
// as when it was revoked.
type Change struct {
	ID         string
	Indicators []Indicator
}

// writer is what only the one who makes the next set touches.
type writer struct {
	b    *Builder
	lost []int // of each chunk: entries that are gone and whose memory is not given back
	ids  *ids
}

// Apply makes changes and puts them in force. What is as a change says stays as it is. An indicator that cannot be watched for is left out
// and named in the error; all others are in force all the same.
//
// The memory of what is gone is given back in steps, each of which is put in force, so that what is left is never there twice.
func (l *Live) Apply(changes []Change) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	next, err := l.set.Load().with(changes, l.set.Store)
	for ; next != nil; next = next.tidied() {
		l.set.Store(next)
	}
	return err
}

// with gives the set after changes. It shares memory with s, whose writer it takes over. On the way it calls meanwhile with sets that look for what s
// looks for, each of which takes the place of the one before, so that the memory of that is free again.
func (s *Set) with(changes []Change, meanwhile func(*Set)) (*Set, error) {
	w := s.unlocked
	w.index(s)
	next := *s
	next.dead = slices.Clone(s.dead)
	w.b.pre = s.prefixes.clone()
	var errs []error
	for _, c := range changes {
		firsts := w.find(&next, c.ID)
		if next.says(firsts, c.Indicators) {
			continue
		}
		next.drop(firsts)
		w.b.follow = false
		for _, ind := range c.Indicators {
			ind.ID = c.ID
			at := uint32(w.b.st.n)
			if err := w.b.Add(ind); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", c.ID, err))
				continue
			}
			if int(at) < w.b.st.n && w.first(at) {
				w.put(&next, at)
			}
		}
	}
	next.store, next.prefixes, next.kinds = w.b.st.view(), w.b.pre, w.b.kinds
	next.fill(s, meanwhile)
	return &next, errors.Join(errs...)
}

// group calls visit with the entries of an identifier, from the first on.
func (w *writer) group(first uint32, visit func(i uint32, e entry)) {
	for i := first; int(i) < w.b.st.n; i++ {
		e := w.b.st.at(i)
		if i != first && e.flags&flagFollow == 0 {
			return
		}
		visit(i, e)
	}
}

// says tells whether the entries of an identifier are these indicators.
func (s *Set) says(firsts []uint32, of []Indicator) bool {
	n, same := 0, true
	for _, first := range firsts {
		s.unlocked.group(first, func(_ uint32, e entry) {
			same = same && n < len(of) && e.is(&of[n])
			n++
		})
	}
	return same && n == len(of)
}

// is tells whether an entry was made of an indicator, whatever the identifier.
func (e *entry) is(ind *Indicator) bool {
	v, err := known(ind.Value)
	exact := ind.Policy == Exact && v.Type == observable.Domain
	return err == nil && !ind.Revoked && e.kind == kindOf(v.Type) && string(e.text) == v.Text && e.atom == ind.Atom && e.place == ind.Place && e.source == ind.Source && e.tlp == ind.TLP &&
		exact == (e.flags&flagExact != 0) && e.when() == bounds(ind)
}

// drop has the entries of an identifier not looked for any more.
func (s *Set) drop(firsts []uint32) {
	w := s.unlocked
	for _, first := range firsts {
		w.group(first, func(i uint32, _ entry) {
			for int(i>>6) >= len(s.dead) {
				s.dead = append(s.dead, 0)
			}
			for int(i>>w.b.st.bits) >= len(w.lost) {
				w.lost = append(w.lost, 0)
			}
			s.dead[i>>6] |= 1 << (i & 63)
			w.lost[i>>w.b.st.bits]++
			s.gone++
		})
	}
}

// alive tells whether an entry is looked for. A table may have some that come with the next set.
func (s *Set) alive(i uint32) bool { return int(i) < s.n && !s.dropped(i) }

// dropped tells whether an entry is not looked for any more.
func (s *Set) dropped(i uint32) bool {
	return int(i>>6) < len(s.dead) && s.dead[i>>6]&(1<<(i&63)) != 0
}
