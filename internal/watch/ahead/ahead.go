// Package ahead works out what the elements of a sequence give on several processors, in their order.
package ahead

import (
	"iter"
	"runtime"
	"sync"
)

// Bounds of what is read ahead: batches, and what is in one of them, as weighed.
const (
	batchWeight = 256 << 10
	batchLength = 512
	// heavyWeight is what a batch weighs that is looked at alone, before more is read.
	heavyWeight = 4 * batchWeight
	// mostAtOnce is how many batches are looked at side by side, on as many processors.
	mostAtOnce = 4
)

// Found is what an element gives at one time.
type Found[T any] struct {
	What T
	Err  error
}

// batch is some of what was read, and what it gives.
type batch[S, T any] struct {
	in   []S
	out  []Found[T]
	done chan struct{} // out is whole
}

// Read gives what the elements of a sequence give. The sequence is worked out in a goroutine of its own, up to a few batches before what is asked for, and its
// elements are looked at in several: look calls give with what each gives, in their order. weigh tells about how much memory an element takes with all that it gives, in bytes. soon is
// called with what a batch gave some time before it is given; what is given is good until the next.
//
// All goroutines have ended when the sequence of what is given has: what the other one reads from is free then. Who stops early waits until no more comes of that.
func Read[S, T any](seq iter.Seq[S], weigh func(S) int, look func(in []S, give func(T, error) bool), soon func([]Found[T])) iter.Seq[*Found[T]] {
	return func(yield func(*Found[T]) bool) {
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
						b.out = append(b.out, Found[T]{what, err})
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
		if weight >= heavyWeight && !rest(empty, next) {
			return
		}
		if b, weight = next(), 0; b == nil {
			return
		}
	}
	if len(b.in) > 0 {
		send(b)
	}
}

// rest waits until all batches are empty. It is false if nothing more is wanted.
func rest[S, T any](empty chan *batch[S, T], next func() *batch[S, T]) bool {
	for range cap(empty) {
		b := next()
		if b == nil {
			return false
		}
		defer func() { empty <- b }()
	}
	return true
}
