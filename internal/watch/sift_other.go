//go:build !amd64

package watch

const vectors = false

// These are called where there are vectors only.

func siftAVX2(*uint32, *uint64, *byte, int, int, *uint8) int { return 0 }

func prefetch(*uint64, int, *uint64, int) {}

func hostAVX2(*hasher, *byte, *[1 << 10]uint64, *uint64) (n, count int, number bool) {
	return -1, 0, false
}

func keep(*uint64, *byte, *uint32, int, *keySlot, uint64, uint) int { return 0 }
