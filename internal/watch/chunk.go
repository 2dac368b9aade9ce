package watch

import (
	"encoding/binary"

	"entente/internal/observable"
)

// chunk is the memory of some thousand entries. It is whole by itself: what entries share with those of other chunks is in each of
// them. So a chunk can be given back, or written anew without what is gone, whatever becomes of the others. What is there is never
// changed: sets share chunks.
type chunk struct {
	serial  uint64   // the same for a chunk that was written anew
	starts  []uint32 // where in records each entry begins, or nowhere
	records []byte
	classes []class
	spans   []span
	held    int // the entries that are somewhere
}

// nowhere is where an entry starts that was given back.
const nowhere = 1<<32 - 1

// A record is, as varints, its class, its span and the size of its text; the text; and what its identifier is kept as: the size in one
// byte and so many bytes, or where in records that stands (flagFollow), or nothing (flagDerived).

// class is what many entries have in common.
type class struct {
	source, tlp string
	// Of an identifier with a UUID (flagUUID): what stands before it and "--", and behind it, if that is not a number.
	idType, idTail string
	atom           uint16
	kind           kind
	flags          uint8
	place          observable.Place
}

// span is when an indicator is valid: nanoseconds since 1970; math.MinInt64 and MaxInt64 bound nothing.
type span struct{ from, until int64 }

// The flags of an entry.
const (
	flagExact   = 1 << iota // the domain alone
	flagUUID                // the identifier is 16 bytes of a UUID between what the class has, or 18 with a number behind it
	flagFollow              // belongs to the identifier of the entry before it, which is in the same chunk
	flagDerived             // the identifier is what derive gives
)

// entry is one indicator, as it lies in its chunk.
type entry struct {
	*class
	chunk *chunk
	text  []byte
	span  uint32
	rest  uint32 // where in the records its identifier stands, or where it is said
}

var givenBack = class{kind: kindGone}

// at gives an entry. One that was given back is of kindGone, and has nothing else.
func (c *chunk) at(k uint32) entry {
	if int(k) >= len(c.starts) || c.starts[k] == nowhere {
		return entry{class: &givenBack}
	}
	of, i := c.number(c.starts[k])
	at, i := c.number(i)
	n, i := c.number(i)
	return entry{&c.classes[of], c, c.records[i : i+n : i+n], at, i + n}
}

// number reads a varint.
func (c *chunk) number(i uint32) (n, next uint32) {
	if x := c.records[i]; x < 0x80 {
		return uint32(x), i + 1
	}
	x, size := binary.Uvarint(c.records[i:])
	return uint32(x), i + uint32(size)
}

func (e *entry) when() span { return e.chunk.spans[e.span] }

// packed gives an identifier as it is kept, none if it is derived.
func (e *entry) packed() []byte {
	i := e.rest
	switch {
	case e.flags&flagDerived != 0:
		return nil
	case e.flags&flagFollow != 0:
		i, _ = e.chunk.number(i)
	}
	n := uint32(e.chunk.records[i])
	return e.chunk.records[i+1 : i+1+n]
}
