package watch

// chunksAtOnce is how many chunks are written anew before that is put in force.
const chunksAtOnce = 8

// tidied gives the same set with less memory, or nil if there is nothing to give back. It is one step: others may follow.
func (s *Set) tidied() *Set {
	next := *s
	if next.shrink() {
		return &next
	}
	if s.gone > s.unlocked.b.small && s.gone > s.n/2 && next.merge() {
		next.anew()
		return &next
	}
	return nil
}

// shrink writes chunks anew of which most is gone. Their entries keep their places, so that the table is good as it is.
func (s *Set) shrink() bool {
	w, n := s.unlocked, 0
	for k := 0; k < len(w.lost) && k < len(w.b.st.chunks)-1 && n < chunksAtOnce; k++ { // the last one is written to
		if c := w.b.st.chunks[k]; 2*w.lost[k] > c.held {
			w.b.st.chunks[k] = c.without(&w.b.st, func(i uint32) bool { return s.alive(uint32(k)<<s.bits | i) })
			w.lost[k] = 0
			n++
		}
	}
	if n > 0 {
		s.store = w.b.st.view()
	}
	return n > 0
}

// merge puts what is left in chunks of which half is gone into others, as far as that is an eighth of the set. It tells whether there
// was anything. Entries have other places then, and the table has to be made anew.
func (s *Set) merge() bool {
	w, left := s.unlocked, max(1<<s.bits, s.Len()/8)
	old := w.b.st.chunks
	var chunks, moved []*chunk
	var places []uint32 // of those that are moved
	var dead []uint64
	var lost []int
	n, gone := 0, s.gone
	for k, c := range old {
		first := uint32(k) << s.bits
		size, held := min(1<<s.bits, w.b.st.n-int(first)), c.held
		if k < len(w.lost) {
			held -= w.lost[k]
		}
		if 2*held <= size && held <= left {
			moved, places = append(moved, c), append(places, first)
			left, gone = left-held, gone-(size-held)
			continue
		}
		for len(dead) < len(chunks)<<(s.bits-6) {
			dead = append(dead, 0)
		}
		if from := int(first >> 6); from < len(s.dead) {
			dead = append(dead, s.dead[from:min(len(s.dead), from+1<<(s.bits-6))]...)
		}
		chunks, lost = append(chunks, c), append(lost, c.held-held)
		n += size
	}
	if len(moved) == 0 {
		return false
	}
	w.b.st.chunks, w.b.st.n, w.lost, w.ids = chunks, n, lost, nil
	for j, c := range moved {
		for k := range uint32(len(c.starts)) {
			if e := c.at(k); e.kind != kindGone && s.alive(places[j]|k) {
				w.b.st.copy(&e)
			}
		}
	}
	s.store, s.dead, s.gone = w.b.st.view(), dead, gone
	return true
}

// anew makes the table anew, and what else is known of all that is looked for.
func (s *Set) anew() {
	b, keys := s.unlocked.b, 0
	b.pre, b.kinds, s.unmarked = &prefixes{}, 0, false
	for i := range uint32(s.n) {
		if s.alive(i) {
			e := s.at(i)
			keys += 1 + extraKeys(e.kind)
			b.pre.note(e.kind, e.text)
			b.kinds |= 1 << e.kind
		}
	}
	s.prefixes, s.kinds = b.pre, b.kinds
	s.table = s.index(keys)
}
