package watch

// part is the part of a table that one goroutine fills while others fill theirs: the hashes from first to last. Of what lies at its borders, or would go on behind
// them, it keeps a note instead.
type part struct {
	table              // its slots and words are those of the whole, its lists and counts its own
	first, last uint64 // of the hashes
	// It touches slots and words from these on, and not the ends.
	slot, slotEnd, word, wordEnd int
	notes                        []note
}

// note is what a part did not add.
type note struct {
	hash  uint64
	entry uint32
	mark  bool // only if nothing is under the hash
}

// parts divides an empty table.
func (t *table) parts(n int) []part {
	out := make([]part, n)
	width := ^uint64(0)/uint64(n) + 1 // of one part it is 0, and all that lies before 0 belongs to it
	for i := range out {
		p := &out[i]
		p.table = table{bloom: t.bloom, slots: t.slots}
		p.first, p.last = uint64(i)*width, uint64(i+1)*width-1
		p.slotEnd, p.wordEnd = len(t.slots), len(t.bloom)
		if i > 0 { // what the first hash lies at is that of the part before it, too
			p.slot, p.word = place(p.first, len(t.slots))+1, place(p.first, len(t.bloom))+1
		}
		if i < n-1 {
			p.slotEnd, p.wordEnd = place(p.last+1, len(t.slots)), place(p.last+1, len(t.bloom))
		} else {
			p.last = ^uint64(0)
		}
	}
	return out
}

// of tells whether a hash is one of the part.
func (p *part) of(h uint64) bool { return p.first <= h && h <= p.last }

func (p *part) add(h uint64, entry uint32)  { p.addTo(h, entry, false) }
func (p *part) mark(h uint64, entry uint32) { p.addTo(h, entry, true) }

// fetch is that of the table, of what is the part's.
func (p *part) fetch(keys []uint64) (sum uint64) {
	for _, h := range keys {
		if p.of(h) {
			sum += p.bloom[place(h, len(p.bloom))] + p.slots[place(h, len(p.slots))]
		}
	}
	return sum
}

func (p *part) addTo(h uint64, entry uint32, mark bool) {
	if !p.of(h) {
		return
	}
	if i, w := place(h, len(p.slots)), place(h, len(p.bloom)); i >= p.slot && w >= p.word && w < p.wordEnd {
		for ; i < p.slotEnd; i++ {
			switch s := p.slots[i]; {
			case s == 0:
			case uint32(s>>32) != uint32(h):
				continue
			case mark && p.may(h):
				return
			}
			p.put(i, h, entry)
			return
		}
	}
	p.notes = append(p.notes, note{h, entry, mark})
}

// join takes in what parts hold.
func (t *table) join(parts []part) {
	for i := range parts {
		p := &parts[i]
		t.n, t.keys = t.n+p.n, t.keys+p.keys
		before := uint32(len(t.lists))
		if len(p.lists) == 0 {
			continue
		}
		if before == 0 {
			t.lists = p.lists
			continue
		}
		for _, l := range p.lists {
			if l.next != 0 {
				l.next += before
			}
			t.lists = append(t.lists, l)
		}
		for i := p.slot; i < p.slotEnd; i++ {
			if s := t.slots[i]; s != 0 && (uint32(s)-1)&listed != 0 {
				t.slots[i] = s + uint64(before)
			}
		}
	}
	for i := range parts {
		for _, n := range parts[i].notes {
			if n.mark {
				t.mark(n.hash, n.entry)
			} else {
				t.add(n.hash, n.entry)
			}
		}
	}
}
