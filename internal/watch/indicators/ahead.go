package indicators

import (
	"iter"
	"runtime"
	"sync"
)

// Bounds of what is read ahead: batches, and what is in one of them, as weighed.
const (
	batchWeight = 256 << 10
	batchLength = 512
	// mostAtOnce is how many batches are looked at side by side, on as many processors.
	mostAtOnce = 4
)

// found is what something that was read gives at one time.
type found[T any] struct {
	what T
	err  error
}

// batch is some of what was read, and what it gives.
type batch[S, T any] struct {
	in   []S
	out  []found[T]
	done chan struct{} // out is whole
}

// ahead gives what the elements of a sequence give. The sequence is worked out in a goroutine of its own, up to a few batches before what is asked for, and its
// elements are looked at in several: look calls give with what each gives, in their order. soon is called with what a batch gave some time before it is
// given; what is given is good until the next. All goroutines have ended when the sequence has: what it reads from is free then.
func ahead[S, T any](seq iter.Seq[S], weigh func(S) int, look func(in []S, give func(T, error) bool), soon func([]found[T])) iter.Seq[*found[T]] {
	return func(yield func(*found[T]) bool) {
		workers := min(runtime.GOMAXPROCS(0), mostAtOnce)
		// There is room for all batches everywhere, so that nobody waits but for an empty one and for what comes next.
		all := workers + 2
		empty, todo, order := make(chan *batch[S, T], all), make(chan *batch[S, T], all), make(chan *batch[S, T], all)
		for range all {
			empty <- &batch[S, T]{done: make(chan struct{}, 1)}
		}
		stop := make(chan struct{})
		var running sync.WaitGroup
		defer running.Wait()
		defer close(stop)
		running.Go(func() { fill(seq, weigh, empty, todo, order, stop) })
		for range workers {
			running.Go(func() {
				for b := range todo {
					give := func(what T, err error) bool {
						b.out = append(b.out, found[T]{what, err})
						return true
					}
					look(b.in, give)
					b.done <- struct{}{}
				}
			})
		}
		for b := range order {
			<-b.done
			soon(b.out)
			for i := range b.out {
				if !yield(&b.out[i]) {
					return
				}
			}
			b.reset()
			empty <- b
		}
	}
}

// reset empties a batch. What was in it is not held, and no room that few batches need.
func (b *batch[S, T]) reset() {
	clear(b.in)
	clear(b.out)
	if b.in, b.out = b.in[:0], b.out[:0]; cap(b.out) > 2*batchLength {
		b.out = nil
	}
}

// fill puts what a sequence gives into batches, and closes todo and order behind the last.
func fill[S, T any](seq iter.Seq[S], weigh func(S) int, empty, todo, order chan *batch[S, T], stop chan struct{}) {
	defer close(order)
	defer close(todo)
	next := func() *batch[S, T] {
		select {
		case <-stop:
			return nil
		case b := <-empty:
			return b
		}
	}
	send := func(b *batch[S, T]) {
		order <- b
		todo <- b
	}
	b, weight := next(), 0
	if b == nil {
		return
	}
	for what := range seq {
		b.in = append(b.in, what)
		if weight += weigh(what); len(b.in) < batchLength && weight < batchWeight {
			continue
		}
		send(b)
		if b, weight = next(), 0; b == nil {
			return
		}
	}
	if len(b.in) > 0 {
		send(b)
	}
}
