//go:build !amd64

package watch

const vectors = false

// These are called where there are vectors only.

func siftAVX2(*uint32, *byte, int, int, *uint8) int { return 0 }

func prefetch(*uint64, int, *uint64, int) {}
