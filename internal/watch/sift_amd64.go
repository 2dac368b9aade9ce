package watch

import "golang.org/x/sys/cpu"

// vectors tells whether the processor has the instructions of siftAVX2.
var vectors = cpu.X86.HasAVX2 && cpu.X86.HasBMI1 && cpu.X86.HasPOPCNT

// siftAVX2 writes to dst where keys and lines end in groups times 64 bytes of b from start on, at least one, in order, and gives how many there are: each
// byte that ends a line; each quotation mark, space, tab and carriage return before a colon of which the last three bytes are among tails; and
// each such space, tab and carriage return in any case. It reads from three bytes before the first to one behind the last. dst has room for one more than there are bytes,
// and three.
//
//go:noescape
func siftAVX2(dst *uint32, b *byte, start, groups int, tails *uint8) int

// prefetch asks for the words of a Bloom filter that n hashes, at least one, will be looked for in.
//
//go:noescape
func prefetch(bloom *uint64, words int, hashes *uint64, n int)
