package indicators

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestPlaces holds places to a map, with hashes of which many fall together and at the end of the places, and of which parts that count differ in one bit.
func TestPlaces(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	var d places
	at := map[uint64][]int{}
	for n := range 30_000 {
		h := []uint64{0, 0xffffffff << 32, uint64(r.IntN(1000)) << 50, r.Uint64() << 20, uint64(r.IntN(4)) << 23, ^uint64(0) << (22 + r.IntN(4))}[r.IntN(6)]
		if d.fetch(h); len(at[h>>24]) > 100 {
			continue
		}
		if slot := at[h>>24]; len(slot) > 0 {
			want := slot[r.IntN(len(slot))]
			if got, ok := d.find(h, func(k int) bool { return k == want }); !ok || got != want {
				t.Fatalf("%x is not found", h)
			}
		}
		var seen []int
		if _, ok := d.find(h, func(k int) bool { seen = append(seen, k); return false }); ok {
			t.Fatalf("%x: what nothing is the same as is found", h)
		}
		if slices.Sort(seen); !slices.Equal(seen, at[h>>24]) {
			t.Fatalf("%x: %v where %v stand", h, seen, at[h>>24])
		}
		d.add(h, n)
		at[h>>24] = append(at[h>>24], n)
	}
}
