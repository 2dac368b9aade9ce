package indicators

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"

	"entente/internal/intake"
	"entente/stix"
)

// count gives the numbers up to n, with an error at each seventh, and notes how far it came and that it ended.
func count(n int, at *int, ended *bool) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		defer func() { *ended = true }()
		for *at = 0; *at < n; *at++ {
			var err error
			if *at%7 == 6 {
				err = fmt.Errorf("%d", *at)
			}
			if !yield(*at, err) {
				return
			}
		}
	}
}

// TestAhead: all of a sequence comes in its order, however much there is of it, each element told before it is given; whoever stops has the goroutine
// behind it stopped, too, not far ahead.
func TestAhead(t *testing.T) {
	light, heavy := func(int) int { return 1 }, func(int) int { return batchWeight/3 + 1 }
	for _, weigh := range []func(int) int{light, heavy} {
		for _, n := range []int{0, 1, batchLength - 1, batchLength, batchLength + 1, 10*batchLength + 5} {
			at, ended, next := 0, false, 0
			told := map[int]bool{}
			for v, err := range ahead(count(n, &at, &ended), weigh, func(v int) { told[v] = true }) {
				if v != next || (err != nil) != (v%7 == 6) || err != nil && err.Error() != fmt.Sprint(v) || told[v] != (err == nil) {
					t.Fatalf("of %d: %d is %d, %v, told %t", n, next, v, err, told[v])
				}
				next++
			}
			if next != n || !ended {
				t.Fatalf("of %d there were %d, ended %t", n, next, ended)
			}
			for _, stop := range []int{0, 1, batchLength - 1, 3 * batchLength} {
				at, ended = 0, false
				for v := range ahead(count(1_000_000, &at, &ended), weigh, func(int) {}) {
					if v == stop {
						break
					}
				}
				if !ended || at > stop+(batchesAhead+2)*batchLength {
					t.Fatalf("stopped at %d: ended %t at %d", stop, ended, at)
				}
			}
		}
	}
}

// TestAheadBatches: a batch holds no more than its bounds.
func TestAheadBatches(t *testing.T) {
	for _, weight := range []int{1, batchWeight / 4, 10 * batchWeight} {
		full, empty := make(chan []found[int]), make(chan []found[int], batchesAhead)
		go fill(func(yield func(int, error) bool) {
			for i := range 5000 {
				if !yield(i, nil) {
					return
				}
			}
		}, func(int) int { return weight }, full, empty, nil)
		var got []int
		for batch := range full {
			if len(batch) > batchLength || (len(batch)-1)*weight >= batchWeight {
				t.Fatalf("%d of a weight of %d", len(batch), weight)
			}
			for _, f := range batch {
				got = append(got, f.what)
			}
			empty <- batch[:0]
		}
		if len(got) != 5000 || !slices.IsSorted(got) {
			t.Fatalf("%d came", len(got))
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
