package watch

import (
	"encoding/binary"
	"slices"
	"strings"
)

// filler writes chunks, the last of which is open.
type filler struct {
	store
	hash    *hasher
	serials uint64
	names   map[string]string // what classes are made of

	// Of the open chunk:
	id      uint32           // where the identifier stands that came last
	classes map[class]uint32 // their places
	lately  [32]uint32       // 1 + the place of a class that came not long before
	recent  [1024]uint32     // the same of spans, by their hash
}

// maxNames is how many texts of classes are remembered to be kept once.
const maxNames = 1 << 14

// put adds an entry. One that follows the one before it and would begin a chunk gets the identifier of its own.
func (f *filler) put(c class, v span, text string, id []byte) {
	o := f.open()
	if len(o.starts) == 0 {
		c.flags &^= flagFollow
	}
	o.starts = append(o.starts, uint32(len(o.records)))
	o.records = binary.AppendUvarint(o.records, uint64(f.class(o, c)))
	o.records = binary.AppendUvarint(o.records, uint64(f.span(o, v)))
	o.records = binary.AppendUvarint(o.records, uint64(len(text)))
	o.records = append(o.records, text...)
	switch {
	case c.flags&flagDerived != 0:
	case c.flags&flagFollow != 0:
		o.records = binary.AppendUvarint(o.records, uint64(f.id))
	default:
		f.id = uint32(len(o.records))
		o.records = append(append(o.records, byte(len(id))), id...)
	}
	o.held++
	f.count(o)
}

// copy adds an entry of another chunk.
func (f *filler) copy(e *entry) { f.put(*e.class, e.when(), string(e.text), e.packed()) }

// skip adds an entry that is nowhere.
func (f *filler) skip() {
	o := f.open()
	o.starts = append(o.starts, nowhere)
	f.count(o)
}

// count counts an entry, the last one of a chunk perhaps.
func (f *filler) count(o *chunk) {
	if f.n++; len(o.starts) == 1<<f.bits {
		o.clip()
	}
}

// open gives the chunk that is written to.
func (f *filler) open() *chunk {
	n := len(f.chunks)
	if n == 0 {
		return f.begin(0, 0)
	}
	last := f.chunks[n-1]
	if len(last.starts) < 1<<f.bits {
		return last
	}
	size := len(last.records)
	return f.begin(1<<f.bits, size+size/32)
}

// begin opens a chunk with room for so many entries and bytes.
func (f *filler) begin(entries, bytes int) *chunk {
	f.serials++
	c := &chunk{serial: f.serials, starts: make([]uint32, 0, entries), records: make([]byte, 0, bytes)}
	f.chunks = append(f.chunks, c)
	f.classes, f.lately, f.recent = map[class]uint32{}, [32]uint32{}, [1024]uint32{}
	return c
}

// clip gives back what nothing will be written to. Sets that were made before have the chunk as it was.
func (c *chunk) clip() {
	if n := len(c.records); cap(c.records)-n > n/16 {
		c.records = append(make([]byte, 0, n), c.records...)
	}
	c.spans = slices.Clone(c.spans)
}

// class gives the place of a class.
func (f *filler) class(o *chunk, c class) uint32 {
	slot := &f.lately[(uint16(c.kind)+uint16(c.flags)<<2+c.atom)%uint16(len(f.lately))]
	if at := *slot; at != 0 && o.classes[at-1] == c {
		return at - 1
	}
	at, ok := f.classes[c]
	if !ok {
		c.source, c.tlp, c.idType, c.idTail = f.name(c.source), f.name(c.tlp), f.name(c.idType), f.name(c.idTail)
		at = uint32(len(o.classes))
		o.classes = append(o.classes, c)
		f.classes[c] = at
	}
	*slot = at + 1
	return at
}

// name gives a text that is not part of a larger one.
func (f *filler) name(text string) string {
	if kept, ok := f.names[text]; ok {
		return kept
	}
	if f.names == nil || len(f.names) >= maxNames {
		f.names = map[string]string{}
	}
	text = strings.Clone(text)
	f.names[text] = text
	return text
}

// span gives the place of a span. Most indicators share theirs with one that came not long before.
func (f *filler) span(o *chunk, v span) uint32 {
	slot := &f.recent[mix(uint64(v.from)^f.hash.k0, uint64(v.until)^f.hash.k1)%uint64(len(f.recent))]
	if at := *slot; at != 0 && o.spans[at-1] == v {
		return at - 1
	}
	o.spans = append(o.spans, v)
	*slot = uint32(len(o.spans))
	return *slot - 1
}

// view gives a store that sees what is there now and shares its memory.
func (f *filler) view() store {
	v := f.store
	v.chunks = slices.Clone(f.chunks)
	if n := len(v.chunks); n > 0 {
		last := *v.chunks[n-1]
		v.chunks[n-1] = &last
	}
	return v
}

// without gives a chunk of the same entries at the same places, where those that are not wanted are nowhere.
func (c *chunk) without(like *filler, wanted func(k uint32) bool) *chunk {
	f := filler{store: store{bits: like.bits}, hash: like.hash}
	f.begin(len(c.starts), len(c.records)/2)
	for k := range uint32(len(c.starts)) {
		if e := c.at(k); e.kind != kindGone && wanted(k) {
			f.copy(&e)
		} else {
			f.skip()
		}
	}
	out := f.chunks[0]
	if out.serial = c.serial; out.held == 0 {
		out.starts = nil
	}
	return out
}
