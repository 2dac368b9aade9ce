//go:build !amd64

package watch

const vectors = false

func siftAVX2(dst *uint32, b *byte, start, groups int, tails *uint8) int { panic("watch: no vectors") }
