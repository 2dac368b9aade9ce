package indicators

import "iter"

// Bounds of what is read ahead: batches, and what is in one of them, as weighed.
const (
	batchesAhead = 3
	batchWeight  = 256 << 10
	batchLength  = 512
)

// found is what a sequence gives at once.
type found[T any] struct {
	what T
	err  error
}

// ahead gives a sequence that is worked out in a goroutine of its own, up to a few batches before what is looked at. The goroutine has ended when the sequence has: what it reads from is
// free then. soon is called with each element some time before it is given.
func ahead[T any](seq iter.Seq2[T, error], weigh func(T) int, soon func(T)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		full, empty, stop := make(chan []found[T]), make(chan []found[T], batchesAhead), make(chan struct{})
		for range batchesAhead - 1 { // the third is in the hands of one or the other
			empty <- nil
		}
		go fill(seq, weigh, full, empty, stop)
		defer func() {
			close(stop)
			for range full { // until it is closed
				for len(empty) > 0 { // so that only the end is left to wait for
					<-empty
				}
			}
		}()
		for batch := range full {
			for i := range batch {
				if batch[i].err == nil {
					soon(batch[i].what)
				}
			}
			for i := range batch {
				if !yield(batch[i].what, batch[i].err) {
					return
				}
			}
			clear(batch) // what was in it is not held
			empty <- batch[:0]
		}
	}
}

// fill puts what a sequence gives into batches, and closes full behind the last.
func fill[T any](seq iter.Seq2[T, error], weigh func(T) int, full, empty chan []found[T], stop chan struct{}) {
	defer close(full)
	var batch []found[T]
	weight := 0
	for what, err := range seq {
		batch = append(batch, found[T]{what, err})
		if weight += weigh(what); len(batch) < batchLength && weight < batchWeight {
			continue
		}
		full <- batch // somebody takes all that comes, also when it is not wanted any more
		select {
		case <-stop:
			return
		case batch = <-empty:
			weight = 0
		}
	}
	if len(batch) > 0 {
		full <- batch
	}
}
