package indicators

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"

	"entente/internal/intake"
	"entente/stix"
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

// TestAhead: all that a sequence gives comes in its order, however much there is of it and however many look at it, each told before it is given; whoever stops has
// the goroutines behind it stopped, too, not far ahead.
func TestAhead(t *testing.T) {
	light, heavy := func(int) int { return 1 }, func(int) int { return batchWeight/3 + 1 }
	for _, weigh := range []func(int) int{light, heavy} {
		for _, n := range []int{0, 1, batchLength - 1, batchLength, batchLength + 1, 10*batchLength + 5} {
			at, ended := 0, false
			told := map[int]bool{}
			soon := func(batch []found[int]) {
				for _, f := range batch {
					told[f.what] = true
				}
			}
			var got, want []found[int]
			for x := range ahead(count(n, &at, &ended), weigh, halves, soon) {
				if got = append(got, *x); !told[x.what] {
					t.Fatalf("of %d: %d was not told", n, x.what)
				}
			}
			for v := range n {
				halves([]int{v}, func(v int, err error) bool {
					want = append(want, found[int]{v, err})
					return true
				})
			}
			same := func(a, b found[int]) bool { return a.what == b.what && fmt.Sprint(a.err) == fmt.Sprint(b.err) }
			if !slices.EqualFunc(got, want, same) || !ended {
				t.Fatalf("of %d there were %d in place of %d, ended %t", n, len(got), len(want), ended)
			}
			for _, stop := range []int{0, 1, batchLength - 1, 3 * batchLength} {
				at, ended = 0, false
				for x := range ahead(count(1_000_000, &at, &ended), weigh, halves, soon) {
					if x.what >= 2*stop {
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

// TestAheadBatches: a batch holds no more than its bounds.
func TestAheadBatches(t *testing.T) {
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
		for range ahead(count(5000, &at, &ended), func(int) int { return weight }, look, func([]found[int]) {}) {
			n++
		}
		if longest > batchLength || (longest-1)*weight >= batchWeight || n != 5000 {
			t.Fatalf("%d of a weight of %d, %d in all", longest, weight, n)
		}
	}
}

// TestReadFileStops: an error of the one who takes ends the reading with it.
func TestReadFileStops(t *testing.T) {
	broken := errors.New("broken")
	for _, form := range []string{"list", "table", "stix"} {
		n := 0
		take := func() error {
			if n++; n == 700 {
				return broken
			}
			return nil
		}
		if _, err := readValues(form, 1500, take); !errors.Is(err, broken) || n != 700 {
			t.Errorf("%s: %v after %d", form, err, n)
		}
		n = 1000
		if _, err := readValues(form, 1500, take); err != nil || n != 2500 {
			t.Errorf("%s: %v after %d", form, err, n-1000)
		}
	}
}

// readValues reads n values in a form, each of which is taken.
func readValues(form string, n int, take func() error) (intake.Format, error) {
	return ReadFile(bytes.NewReader(values(n, form)), "x", Taker{
		Object: func(*stix.Object) error { return take() },
		Item:   func(intake.Item) error { return take() },
		Refuse: func(string, error) {},
	})
}
