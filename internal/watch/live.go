package watch

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
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

// Replace puts another set in place of all that was there.
func (l *Live) Replace(s *Set) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.set.Store(s)
}

// Change says what an identifier means from now on: these indicators and no others. Without any it is forgotten,
// as when it was revoked.
type Change struct {
	ID         string
	Indicators []Indicator
}

// writer is what only the one who makes the next set touches.
type writer struct {
	b   *Builder
	ids []uint32 // open addressing: 1 + the first entry of an identifier
	n   int
}

// Apply makes changes and puts them in force. An indicator that cannot be watched for is left out and named in the error; all others
// are in force all the same.
func (l *Live) Apply(changes []Change) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	next, err := l.set.Load().with(changes)
	l.set.Store(next)
	return err
}

// with gives the set after changes. It shares memory with s, whose writer it takes over.
func (s *Set) with(changes []Change) (*Set, error) {
	w := s.unlocked
	w.index(s)
	dead := append([]uint64(nil), s.dead...)
	gone := s.gone
	before := uint32(w.b.st.n)
	w.b.pre = s.prefixes.clone()
	var errs []error
	for _, c := range changes {
		for _, first := range w.find(&w.b.st, c.ID) {
			for i := first; int(i) < w.b.st.n && (i == first || w.b.st.at(i).flags&flagFollow != 0); i++ {
				for int(i>>6) >= len(dead) {
					dead = append(dead, 0)
				}
				if dead[i>>6]&(1<<(i&63)) == 0 {
					dead[i>>6] |= 1 << (i & 63)
					gone++
				}
			}
		}
		w.b.follow = false
		for _, ind := range c.Indicators {
			ind.ID = c.ID
			at := uint32(w.b.st.n)
			if err := w.b.Add(ind); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", c.ID, err))
				continue
			}
			if int(at) < w.b.st.n && w.b.st.at(at).flags&flagFollow == 0 {
				if w.n*4 >= len(w.ids)*3 {
					w.grow(s, s.n+w.b.st.n-int(before))
					for j := before; j < at; j++ {
						if w.b.st.at(j).flags&flagFollow == 0 {
							w.put(&w.b.st, j)
						}
					}
				}
				w.put(&w.b.st, at)
			}
		}
	}
	next := &Set{store: w.b.st.view(), hash: s.hash, base: s.base, delta: s.delta, based: s.based, dead: dead, gone: gone, prefixes: w.b.pre, kinds: w.b.kinds, unmarked: s.unmarked, unlocked: w}
	if gone > smallDelta && gone > next.n/2 {
		if c := next.compact(); c != nil {
			return c, errors.Join(errs...)
		}
	}
	next.fill(before)
	return next, errors.Join(errs...)
}

// compact gives a set of the same indicators in memory of its own, without those that are gone, which are more than half: so
// it takes less than what was there. It is nil if that cannot be made.
func (s *Set) compact() *Set {
	b := &Builder{hash: s.hash, metas: map[meta]uint32{}, above: s.unlocked.b.above, pre: &prefixes{}}
	for i := range uint32(s.n) {
		if s.alive(i) {
			if err := b.Add(s.indicator(s.at(i))); err != nil {
				return nil
			}
		}
	}
	return b.Set()
}

// smallDelta is the number of keys up to which changes lie beside the base.
const smallDelta = 4096

// fill puts the entries from first on into the delta, or makes a new base of all.
func (s *Set) fill(first uint32) {
	added := 0
	for i := first; int(i) < s.n; i++ {
		added += 1 + extraKeys(s.at(i).kind)
	}
	if added == 0 {
		return
	}
	had := 0
	if s.delta != nil {
		had = s.delta.keys
	}
	if had+added > max(smallDelta, s.base.keys/16) {
		keys := 0
		for i := range uint32(s.n) {
			if s.alive(i) {
				keys += 1 + extraKeys(s.at(i).kind)
			}
		}
		s.base, s.delta, s.based = s.index(keys, s.alive), nil, s.n
		return
	}
	if s.delta != nil && s.delta.room(added) {
		s.delta = s.delta.clone()
	} else {
		s.delta = newTable(max(256, 2*(had+added)))
		first = uint32(s.based)
	}
	for i := first; int(i) < s.n; i++ {
		if s.alive(i) {
			s.insert(s.delta, i)
		}
	}
}

func (s *Set) alive(i uint32) bool {
	return int(i>>6) >= len(s.dead) || s.dead[i>>6]&(1<<(i&63)) == 0
}

// index makes the index of identifiers, once.
func (w *writer) index(s *Set) {
	if w.ids != nil {
		return
	}
	w.grow(s, s.n)
}

// grow makes the index anew, for n identifiers and as many more.
func (w *writer) grow(s *Set, n int) {
	w.ids, w.n = make([]uint32, 2*n+64), 0
	for i := range uint32(s.n) {
		if s.alive(i) && s.at(i).flags&flagFollow == 0 {
			w.put(&s.store, i)
		}
	}
}

func (w *writer) slot(st *store, i uint32) int {
	e := st.at(i)
	return place(w.b.hash.whole(st.idKey(e)), len(w.ids))
}

// put adds an entry to the index of identifiers.
func (w *writer) put(st *store, i uint32) {
	at := w.slot(st, i)
	for w.ids[at] != 0 {
		if at++; at == len(w.ids) {
			at = 0
		}
	}
	w.ids[at] = i + 1
	w.n++
}

// find gives the first entries of an identifier.
func (w *writer) find(st *store, id string) []uint32 {
	key := id
	if _, packed, ok := packID(id); ok {
		key = packed
	}
	var out []uint32
	for at := place(w.b.hash.whole([]byte(key)), len(w.ids)); w.ids[at] != 0; {
		if i := w.ids[at] - 1; st.identifier(st.at(i)) == id {
			out = append(out, i)
		}
		if at++; at == len(w.ids) {
			at = 0
		}
	}
	return out
}
