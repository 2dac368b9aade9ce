package watch

import (
	"bytes"
	"slices"
)

// ids finds the entries of identifiers, in pieces as those of a table: each grows by itself.
type ids [sections]idPiece

// idPiece has the identifiers whose hashes begin in one way, by open addressing: 1 + the first entry of each, for each place where entries of it lie together; 0 is free.
type idPiece struct {
	slots []uint32
	n     int
}

func newIDs(n int) *ids {
	x := new(ids)
	for k := range x {
		x[k].resize(n / sections)
	}
	return x
}

func (p *idPiece) resize(n int) { p.slots, p.n = make([]uint32, n+n/2+8), 0 }

// from gives where an identifier of this hash begins to be looked for.
func (p *idPiece) from(h uint64) int { return place(h<<(64-sectionShift), len(p.slots)) }

func (p *idPiece) next(at int) int {
	if at++; at == len(p.slots) {
		return 0
	}
	return at
}

func (p *idPiece) put(h uint64, entry uint32) {
	at := p.from(h)
	for p.slots[at] != 0 {
		at = p.next(at)
	}
	p.slots[at] = entry + 1
	p.n++
}

// index makes the index of identifiers, once.
func (w *writer) index(s *Set) {
	if w.ids != nil {
		return
	}
	w.ids = newIDs(s.n)
	for i := range uint32(s.n) {
		if s.alive(i) && w.first(i) {
			w.put(s, i)
		}
	}
}

// first tells whether an entry is the first of those of its identifier that lie together.
func (w *writer) first(i uint32) bool {
	e := w.b.st.at(i)
	return e.flags&flagFollow == 0
}

// hashID hashes the identifier of an entry.
func (w *writer) hashID(i uint32) uint64 {
	e := w.b.st.at(i)
	if e.flags&flagDerived != 0 {
		typ, packed, tail, _ := packID(nil, w.b.st.identifier(&e))
		return w.b.hash.id(typ, packed, tail)
	}
	return w.b.hash.id(e.idType, e.packed(), e.idTail)
}

// id hashes an identifier as it is kept. All of it counts: others may choose many with one UUID.
func (h *hasher) id(typ string, packed []byte, tail string) uint64 {
	return h.pair(h.pair(h.cased(packed), h.cased([]byte(typ))), h.cased([]byte(tail)))
}

// put adds an entry to the index of identifiers. What was dropped from s is not in it any more if the piece has to grow.
func (w *writer) put(s *Set, i uint32) {
	h := w.hashID(i)
	p := &w.ids[h>>sectionShift]
	if p.n*4 >= len(p.slots)*3 {
		old := p.slots
		kept := slices.DeleteFunc(old, func(x uint32) bool { return x == 0 || s.dropped(x-1) })
		p.resize(len(kept) + 1)
		for _, x := range kept {
			p.put(w.hashID(x-1), x-1)
		}
	}
	p.put(h, i)
}

// find gives the first entries of an identifier, but for those that were dropped from s.
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
	h := w.b.hash.id(typ, key, tail)
	p := &w.ids[h>>sectionShift]
	for at := p.from(h); p.slots[at] != 0; at = p.next(at) {
		if i := p.slots[at] - 1; !s.dropped(i) {
			if e := w.b.st.at(i); is(&e) {
				out = append(out, i)
			}
		}
	}
	slices.Sort(out) // as they were added
	return out
}
