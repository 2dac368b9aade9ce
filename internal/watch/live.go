package watch

import (
	"bytes"
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
	lost []int    // of each chunk: entries that are gone and whose memory is not given back
	ids  []uint32 // open addressing: 1 + the first entry of an identifier
	n    int
}

// Apply makes changes and puts them in force. What is as a change says stays as it is. An indicator that cannot be watched for is left out
// and named in the error; all others are in force all the same.
//
// The memory of what is gone is given back in steps, each of which is put in force, so that what is left is never there twice.
func (l *Live) Apply(changes []Change) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	next, err := l.set.Load().with(changes)
	for ; next != nil; next = next.tidied() {
		l.set.Store(next)
	}
	return err
}

// with gives the set after changes. It shares memory with s, whose writer it takes over.
func (s *Set) with(changes []Change) (*Set, error) {
	w := s.unlocked
	w.index(s)
	next := *s
	next.dead = slices.Clone(s.dead)
	before := uint32(w.b.st.n)
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
				if w.n*4 >= len(w.ids)*3 {
					w.grow(s, w.b.st.n)
					for j := before; j < at; j++ {
						if w.first(j) {
							w.put(j)
						}
					}
				}
				w.put(at)
			}
		}
	}
	next.store, next.prefixes, next.kinds = w.b.st.view(), w.b.pre, w.b.kinds
	next.fill(before)
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
	if had+added > max(s.unlocked.b.small, s.base.keys/16) {
		s.merge()
		s.anew()
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
	if w.ids == nil {
		w.grow(s, s.n)
	}
}

// grow makes the index anew, with room for more than n identifiers.
func (w *writer) grow(s *Set, n int) {
	w.ids, w.n = make([]uint32, n+n/2+64), 0
	for i := range uint32(s.n) {
		if s.alive(i) && w.first(i) {
			w.put(i)
		}
	}
}

// first tells whether an entry is the first of those of its identifier that lie together.
func (w *writer) first(i uint32) bool {
	e := w.b.st.at(i)
	return e.flags&flagFollow == 0
}

// put adds an entry to the index of identifiers.
func (w *writer) put(i uint32) {
	e := w.b.st.at(i)
	at := place(w.b.hash.cased(w.b.st.idKey(&e)), len(w.ids))
	for w.ids[at] != 0 {
		if at++; at == len(w.ids) {
			at = 0
		}
	}
	w.ids[at] = i + 1
	w.n++
}

// find gives the first entries of an identifier that is looked for.
func (w *writer) find(s *Set, id string) []uint32 {
	typ, key, tail, uuid := packID(nil, id)
	is := func(e *entry) bool {
		switch {
		case e.flags&flagDerived != 0:
			return w.b.st.identifier(e) == id
		case uuid:
			return e.flags&flagUUID != 0 && bytes.Equal(e.packed(), key) && e.idType == typ && e.idTail == tail
		}
		return e.flags&flagUUID == 0 && string(e.packed()) == id
	}
	var out []uint32
	for at := place(w.b.hash.cased(key), len(w.ids)); w.ids[at] != 0; {
		if i := w.ids[at] - 1; s.alive(i) {
			if e := w.b.st.at(i); is(&e) {
				out = append(out, i)
			}
		}
		if at++; at == len(w.ids) {
			at = 0
		}
	}
	slices.Sort(out) // as they were added
	return out
}
