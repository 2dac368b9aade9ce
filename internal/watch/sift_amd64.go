package watch

import "golang.org/x/sys/cpu"

// vectors tells whether the processor has the instructions of these functions.
var vectors = cpu.X86.HasAVX2 && cpu.X86.HasBMI1 && cpu.X86.HasBMI2 && cpu.X86.HasPOPCNT

// siftAVX2 writes to dst where keys and lines end in groups times 64 bytes of b from start on, at least one, in order, and gives how many there are: each
// byte that ends a line; each quotation mark, space, tab and carriage return before a colon of which the last three bytes are among tails; and
// each such space, tab and carriage return in any case. To slants it writes where backslashes are, a bit for each byte of a group. It reads from three bytes before the first to one behind the last. dst has room for one more than there are bytes,
// and three.
//
//go:noescape
func siftAVX2(dst *uint32, slants *uint64, b *byte, start, groups int, tails *uint8) int

// keep writes to dst of n ends of keys, at least one, that siftAVX2 gave those whose name is in a slot, with the number of the slot in the upper half, and what is no quotation mark, with
// any number there. It gives how many these are; dst has room for all.
//
//go:noescape
func keep(dst *uint64, b *byte, ends *uint32, n int, slots *keySlot, mul uint64, shift uint) int

// prefetch asks for the words of a Bloom filter that n hashes, at least one, will be looked for in.
//
//go:noescape
func prefetch(bloom *uint64, words int, hashes *uint64, n int)

// hostAVX2 looks at the host that begins at text and ends before a quotation mark. n is how long it is, -1 for one that is not plain: of 64 bytes or more, of a dot
// alone, with a byte beyond ASCII, a backslash, a colon or a percent sign, or with an asterisk at its beginning. To hashes it writes what is looked for, count says how
// many: of a name itself, first, and of each that is above it but for the last label alone. number tells one that is made of digits and dots only; of these
// the hash is written too, but counts only if starts has a bit for it. A dot at the end is not part of it. It reads 64 bytes from text on, and from 24 bytes before the end
// of the host. hashes has room for 64.
//
//go:noescape
func hostAVX2(h *hasher, text *byte, starts *[1 << 10]uint64, hashes *uint64) (n, count int, number bool)
