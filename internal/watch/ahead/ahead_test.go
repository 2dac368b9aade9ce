package ahead

import (
	"fmt"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// count gives the numbers up to n, and notes how far it came and that it ended.
func count(n int, at *int, ended *bool) iter.Seq[int] {
	return func(yield func(int) bool) {
		defer func() { *ended = true }()
		for *at = 0; *at < n && yield(*at); *at++ {
		}
	}
}

// halves gives nothing for each fifth number, an error for each seventh, and each other twice.
func halves(in []int, give func(int, error) bool) {
	for _, v := range in {
		switch {
		case v%5 == 4:
		case v%7 == 6:
			give(2*v, fmt.Errorf("%d", v))
		default:
			give(2*v, nil)
			give(2*v+1, nil)
		}
	}
}

// TestRead: all that a sequence gives comes in its order, however much there is of it and however many look at it, each told before it is given; whoever stops has
// the goroutines behind it stopped, too, not far ahead.
func TestRead(t *testing.T) {
	light, heavy := func(int) int { return 1 }, func(int) int { return batchWeight/3 + 1 }
	for _, weigh := range []func(int) int{light, heavy} {
		for _, n := range []int{0, 1, batchLength - 1, batchLength, batchLength + 1, 10*batchLength + 5} {
			at, ended := 0, false
			told := map[int]bool{}
			soon := func(batch []Found[int]) {
				for _, f := range batch {
					told[f.What] = true
				}
			}
			var got, want []Found[int]
			for x := range Read(count(n, &at, &ended), weigh, halves, soon) {
				if got = append(got, *x); !told[x.What] {
					t.Fatalf("of %d: %d was not told", n, x.What)
				}
			}
			for v := range n {
				halves([]int{v}, func(v int, err error) bool {
					want = append(want, Found[int]{v, err})
					return true
				})
			}
			same := func(a, b Found[int]) bool { return a.What == b.What && fmt.Sprint(a.Err) == fmt.Sprint(b.Err) }
			if !slices.EqualFunc(got, want, same) || !ended {
				t.Fatalf("of %d there were %d in place of %d, ended %t", n, len(got), len(want), ended)
			}
			for _, stop := range []int{0, 1, batchLength - 1, 3 * batchLength} {
				at, ended = 0, false
				for x := range Read(count(1_000_000, &at, &ended), weigh, halves, soon) {
					if x.What >= 2*stop {
						break
					}
				}
				if !ended || at > stop+(mostAtOnce+4)*batchLength {
					t.Fatalf("stopped at %d: ended %t at %d", stop, ended, at)
				}
			}
		}
	}
}

// TestBatches: a batch holds no more than its bounds.
func TestBatches(t *testing.T) {
	for _, weight := range []int{1, batchWeight / 4, 10 * batchWeight} {
		var lock sync.Mutex
		longest, at, ended, n := 0, 0, false, 0
		look := func(in []int, give func(int, error) bool) {
			lock.Lock()
			defer lock.Unlock()
			longest = max(longest, len(in))
			for _, v := range in {
				give(v, nil)
			}
		}
		for range Read(count(5000, &at, &ended), func(int) int { return weight }, look, func([]Found[int]) {}) {
			n++
		}
		if longest > batchLength || (longest-1)*weight >= batchWeight || n != 5000 {
			t.Fatalf("%d of a weight of %d, %d in all", longest, weight, n)
		}
	}
}

// TestHeavyAlone: behind what is heavy nothing is read before it was given.
func TestHeavyAlone(t *testing.T) {
	var at atomic.Int64
	seq := func(yield func(int) bool) {
		for i := range 50 {
			if at.Store(int64(i)); !yield(i) {
				return
			}
		}
	}
	look := func(in []int, give func(int, error) bool) {
		for _, v := range in {
			give(v, nil)
		}
	}
	n := 0
	for x := range Read(seq, func(int) int { return heavyWeight }, look, func([]Found[int]) {}) {
		if now := at.Load(); x.What != n || now != int64(n) {
			t.Fatalf("%d was read when %d was given as number %d", now, x.What, n)
		}
		n++
	}
	if n != 50 {
		t.Fatalf("%d came", n)
	}
}
